#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/store.h"
#include "base/store_internal.h"

struct store {
	const struct store_ops	*ops;
	void			*kind;
	struct store_stats	*stats;
	store_event_fn		*report;
	void			*owner;
	enum store_state	 state;
	unsigned		 unanswered;	/* operations in a row */
	unsigned		 declined;	/* changes in a row */
	char			 why[240];	/* what failed last */
	struct fiber		*prober;	/* NULL: there is none */
	bool			 is_stopping;
	bool			 only_looks;
};

const char *
store_state_name(enum store_state state)
{
	static const char *const names[] = {
		[STORE_UP] = "up",
		[STORE_NO_CHANGES] = "no-changes",
		[STORE_DOWN] = "down",
	};

	return names[state];
}

/* --- up and down --- */

static void
enter(struct store *s, enum store_state state)
{
	struct store_event event = {
		.state = state, .before = s->state, .why = s->why
	};

	if (state == s->state)
		return;
	s->state = state;
	s->unanswered = s->declined = 0;
	s->stats->downs += state == STORE_DOWN;
	if (s->report != NULL)
		s->report(s->owner, &event);
}

static MAY_YIELD void
probe(void *arg)
{
	struct store *s = arg;
	struct err err;

	while (s->state == STORE_DOWN) {
		if (fiber_sleep(STORE_PROBE_EVERY, &err) < 0)
			break;
		if (s->ops->probe(s->kind, &err) == 0)
			enter(s, STORE_UP);
		else if (err.kind == ERR_CLOSED)
			break;
		else
			memcpy(s->why, err.text, sizeof(s->why));
	}
	s->prober = NULL;
}

static void
go_down(struct store *s)
{
	enter(s, STORE_DOWN);
	if (s->ops->probe != NULL && s->prober == NULL && !s->is_stopping)
		s->prober = fiber_spawn("store probe", probe, s);
}

static void
note_success(struct store *s, bool is_change)
{
	s->unanswered = 0;
	if (is_change)
		s->declined = 0;
	/* One that began before the store went down says nothing of now. */
	if (s->state == STORE_DOWN && s->ops->probe == NULL)
		enter(s, STORE_UP);
	else if (s->state == STORE_NO_CHANGES && is_change)
		enter(s, STORE_UP);
}

static void
note_failure(struct store *s, bool is_change, const struct err *err)
{
	s->stats->failures++;
	s->stats->timeouts += err->kind == ERR_TIMEOUT;
	memcpy(s->why, err->text, sizeof(s->why));
	if (err->kind != ERR_CONFIG) {
		if (++s->unanswered >= STORE_FAILURES &&
		    s->state != STORE_DOWN)
			go_down(s);
		return;
	}
	s->stats->declined++;
	s->unanswered = 0;
	if (is_change && ++s->declined >= STORE_FAILURES &&
	    s->state == STORE_UP)
		enter(s, STORE_NO_CHANGES);
}

/* One that is under way. It is timed by the clock itself: LMDB takes no turn of
 * the loop, but may wait for others, and for the disk. */
struct operation {
	enum store_operation	 kind;
	int64_t			 began;
};

/* What every operation begins with. */
static int
begin(struct store *s, struct operation *o, enum store_operation kind,
    struct err *err)
{
	o->kind = kind;
	o->began = clock_exact();
	s->stats->operations++;
	if (s->state != STORE_DOWN || s->ops->probe == NULL)
		return 0;
	s->stats->failures++;
	s->stats->refused++;
	s->stats->by[kind].results[STORE_REFUSED]++;
	return err_set(err, ERR_UNAVAIL, "store %s is down: %s",
	    s->ops->name(s->kind), s->why);
}

static void
count(struct store *s, const struct operation *o, enum store_result result)
{
	struct store_operation_stats *stats = &s->stats->by[o->kind];

	stats->results[result]++;
	histogram_add(&stats->time, (clock_exact() - o->began) / 1000);
}

/* What every operation ends with. */
static int
end(struct store *s, const struct operation *o, bool is_change, int ret,
    struct err *err)
{
	if (ret == 0) {
		note_success(s, is_change);
		count(s, o, STORE_GOOD);
		return 0;
	}
	if (err->kind == ERR_CLOSED)
		return -1;
	note_failure(s, is_change, err);
	count(s, o, err->kind == ERR_TIMEOUT ? STORE_TIMED_OUT :
	    err->kind == ERR_CONFIG ? STORE_DECLINED : STORE_FAILED);
	return err_prefix(err, "store %s", s->ops->name(s->kind));
}

/* --- operations --- */

static void
check_key(struct span key)
{
	assert(key.len > 0 && key.len <= STORE_KEY_MAX);
}

static void
check_record(const struct store *s, struct span key, struct span value,
    int64_t life)
{
	check_key(key);
	assert(!s->only_looks);
	assert(value.len <= STORE_VALUE_MAX && life > 0);
}

MAY_YIELD int
store_get(struct store *s, struct arena *a, struct span key,
    struct span *value, struct err *err)
{
	struct operation o;

	check_key(key);
	if (begin(s, &o, STORE_GET, err) < 0)
		return -1;
	return end(s, &o, false, s->ops->get(s->kind, a, key, value, err),
	    err);
}

MAY_YIELD int
store_put(struct store *s, struct span key, struct span value, int64_t life,
    struct err *err)
{
	struct operation o;

	check_record(s, key, value, life);
	if (begin(s, &o, STORE_PUT, err) < 0)
		return -1;
	return end(s, &o, true, s->ops->put(s->kind, key, value, life, err),
	    err);
}

MAY_YIELD int
store_claim(struct store *s, struct arena *a, struct span key,
    struct span value, int64_t life, struct span *old, struct err *err)
{
	struct operation o;

	check_record(s, key, value, life);
	if (begin(s, &o, STORE_CLAIM, err) < 0)
		return -1;
	*old = span_n(NULL, 0);
	if (s->ops->claim(s->kind, a, key, value, life, old, err) < 0)
		return end(s, &o, true, -1, err);
	return end(s, &o, old->p == NULL, 0, err);
}

MAY_YIELD int
store_add(struct store *s, struct span key, int64_t n, int64_t life,
    int64_t *sum, struct err *err)
{
	struct operation o;

	check_record(s, key, span_n(NULL, 0), life);
	if (begin(s, &o, STORE_ADD, err) < 0)
		return -1;
	return end(s, &o, true, s->ops->add(s->kind, key, n, life, sum, err),
	    err);
}

MAY_YIELD int
store_delete(struct store *s, struct span key, bool *was_there,
    struct err *err)
{
	struct operation o;

	check_key(key);
	assert(!s->only_looks);
	if (begin(s, &o, STORE_DELETE, err) < 0)
		return -1;
	return end(s, &o, false, s->ops->drop(s->kind, key, was_there, err),
	    err);
}

MAY_YIELD int
store_walk(struct store *s, struct span prefix, store_each_fn *each,
    void *arg, struct err *err)
{
	struct operation o;

	assert(prefix.len <= STORE_KEY_MAX);
	if (begin(s, &o, STORE_WALK, err) < 0)
		return -1;
	return end(s, &o, false, s->ops->walk(s->kind, prefix, each, arg,
	    err), err);
}

MAY_YIELD int
store_has_members(struct store *s, struct span set,
    const struct span *members, size_t n, bool *has, struct err *err)
{
	struct operation o;

	check_key(set);
	assert(n > 0 && n <= STORE_ASKED_MAX);
	if (s->ops->has_members == NULL)
		return err_set(err, ERR_CONFIG, "store %s has no sets",
		    s->ops->name(s->kind));
	if (begin(s, &o, STORE_MEMBERS, err) < 0)
		return -1;
	return end(s, &o, false,
	    s->ops->has_members(s->kind, set, members, n, has, err), err);
}

MAY_YIELD int
store_fields(struct store *s, struct arena *a, struct span hash,
    const struct span *fields, size_t n, struct span *values,
    struct err *err)
{
	struct operation o;

	check_key(hash);
	assert(n > 0 && n <= STORE_ASKED_MAX);
	if (s->ops->fields == NULL)
		return err_set(err, ERR_CONFIG, "store %s has no hashes",
		    s->ops->name(s->kind));
	if (begin(s, &o, STORE_FIELDS, err) < 0)
		return -1;
	return end(s, &o, false,
	    s->ops->fields(s->kind, a, hash, fields, n, values, err), err);
}

/* --- open, stop, tell --- */

struct store *
store_create(struct arena *a, const struct store_options *options,
    const struct store_ops *ops, void *kind, struct store_stats *stats)
{
	struct store *s = arena_new(a, struct store);

	s->ops = ops;
	s->kind = kind;
	s->stats = stats;
	s->report = options->report;
	s->owner = options->owner;
	s->only_looks = options->only_look;
	return s;
}

struct store *
store_open(struct arena *a, const struct store_options *options,
    struct err *err)
{
	struct store_stats *stats = arena_new(a, struct store_stats);
	const struct store_ops *ops = NULL;
	void *kind;

	switch (options->kind) {
	case STORE_LMDB:
		ops = store_lmdb_open(a, options, stats, &kind, err);
		break;
	case STORE_REDIS:
		ops = store_redis_open(a, options, &kind, err);
		break;
	}
	if (ops == NULL)
		return NULL;
	return store_create(a, options, ops, kind, stats);
}

void
store_stop(struct store *s)
{
	if (s->is_stopping)
		return;
	s->is_stopping = true;
	if (s->prober != NULL)
		fiber_stop(s->prober);
	if (s->ops->stop != NULL)
		s->ops->stop(s->kind);
}

const struct store_stats *
store_statistics(const struct store *s)
{
	return s->stats;
}

enum store_state
store_state(const struct store *s)
{
	return s->state;
}

void
store_status(const struct store *s, struct json_out *o)
{
	const struct store_stats *stats = s->stats;

	json_open(o, "store", '{');
	json_z(o, "name", s->ops->name(s->kind));
	json_z(o, "state", s->state == STORE_NO_CHANGES ? "readonly" :
	    store_state_name(s->state));
	json_int(o, "operations", (int64_t)stats->operations);
	json_int(o, "failures", (int64_t)stats->failures);
	json_int(o, "timeouts", (int64_t)stats->timeouts);
	json_int(o, "declined", (int64_t)stats->declined);
	json_int(o, "refused", (int64_t)stats->refused);
	json_int(o, "downs", (int64_t)stats->downs);
	if (s->ops->status != NULL)
		s->ops->status(s->kind, o);
	if (s->state != STORE_UP)
		json_z(o, "why", s->why);
	json_close(o, '}');
}

int
store_number(struct span text, int64_t *n)
{
	char copy[24], *end;

	if (text.len == 0 || text.len >= sizeof(copy) ||
	    (text.p[0] != '-' && (text.p[0] < '0' || text.p[0] > '9')))
		return -1;
	memcpy(copy, text.p, text.len);
	copy[text.len] = '\0';
	errno = 0;
	*n = strtoll(copy, &end, 10);
	return errno != 0 || end == copy || end != copy + text.len ? -1 : 0;
}
