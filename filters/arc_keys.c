#include <string.h>

#include "base/clock.h"
#include "base/dns.h"
#include "filters/arc_internal.h"

/* The lookups, in a fiber of their own: the owner may leave first. */
struct lookups {
	struct dns_query	*queries;	/* in the order of need */
	size_t			 n, asked;
	int64_t			 timeout;
};

/* A record as a key for one algorithm, read once. */
struct reading {
	bool			 is_read, is_good;
	struct sigkey		 key;
	struct err		 err;
};

struct arc_keys {
	struct task		*task;
	struct lookups		*lookups;
	struct reading		*readings;	/* two for each query */
};

static bool
is_missing(const struct dns_answer *answer)
{
	return answer->outcome == DNS_NXDOMAIN ||
	    answer->outcome == DNS_NODATA;
}

/* Without one of its keys the chain is broken, so no more are asked for: each
 * check before the one that needs the missing key has what it needs. */
static MAY_YIELD void
look_up(struct arena *a, void *state)
{
	struct lookups *l = state;
	int64_t deadline = clock_now() + l->timeout;
	size_t together, i;
	struct err err;

	while (l->asked < l->n) {
		together = l->n - l->asked;
		if (together > ARC_LOOKUPS_TOGETHER)
			together = ARC_LOOKUPS_TOGETHER;
		if (dns_lookup_all(a, l->queries + l->asked, together,
		    deadline, &err) < 0)
			return;
		for (i = 0; i < together; i++)
			if (is_missing(&l->queries[l->asked + i].answer)) {
				l->asked += together;
				return;
			}
		l->asked += together;
	}
}

static void
drop(void *arg)
{
	struct arc_keys *keys = arg;

	task_drop(&keys->task);
}

static size_t
find(const struct lookups *l, const char *name)
{
	size_t i = 0;

	while (i < l->n && strcmp(l->queries[i].name, name) != 0)
		i++;
	return i;
}

static void
add(struct arc_keys *keys, const char *name)
{
	struct lookups *l = keys->lookups;

	if (find(l, name) < l->n)
		return;
	l->queries[l->n].name = arena_strdup(task_arena(keys->task), name);
	l->queries[l->n].type = DNS_TXT;
	l->n++;
}

void
arc_keys_ask(struct arc *c)
{
	struct arc_keys *keys = arena_new(c->arena, struct arc_keys);
	struct task *t = task_create("arc", sizeof(struct lookups));

	keys->task = t;
	keys->lookups = task_state(t);
	keys->lookups->timeout = c->options.timeout;
	keys->lookups->queries = arena_new_n(task_arena(t), c->n + 1,
	    struct dns_query);
	add(keys, c->newest.sig.key_name);
	for (unsigned i = c->n; i > 0; i--)
		add(keys, c->sets[i - 1].seal.key_name);
	keys->readings = arena_new_n(c->arena, 2 * keys->lookups->n,
	    struct reading);
	c->keys = keys;
	arena_defer(c->arena, drop, keys);
	task_start(t, look_up);
}

MAY_YIELD int
arc_keys_wait(struct arc *c, struct err *err)
{
	return task_await(c->keys->task, err);
}

/* The first record that is a key; else the error of the first. */
static void
read_records(struct arena *a, const struct dns_answer *answer,
    enum sigkey_algorithm algorithm, struct reading *r)
{
	struct err ignored;
	size_t i;

	for (i = 0; i < answer->n && i < ARC_RECORDS_MOST; i++)
		if (sigkey_parse(a, answer->records[i].data, algorithm,
		    &r->key, i == 0 ? &r->err : &ignored) == 0) {
			r->is_good = true;
			return;
		}
}

enum arc_key_state
arc_keys_get(struct arc *c, const struct arc_sig *sig,
    const struct sigkey **key, struct err *err)
{
	struct lookups *l = c->keys->lookups;
	size_t i = find(l, sig->key_name);
	const struct dns_answer *answer;
	struct reading *r;

	if (i >= l->asked) {
		err_set(err, ERR_UNAVAIL, "the key was not looked up");
		return ARC_KEY_UNSURE;
	}
	answer = &l->queries[i].answer;
	if (answer->outcome == DNS_FAIL) {
		err_set(err, ERR_UNAVAIL, "key lookup failed: %s",
		    answer->why);
		return ARC_KEY_UNSURE;
	}
	if (is_missing(answer) || answer->n == 0) {
		err_set(err, ERR_SYNTAX, "there is no key %s",
		    sig->key_name);
		return ARC_KEY_BAD;
	}
	r = &c->keys->readings[2 * i + (size_t)sig->algorithm];
	if (!r->is_read)
		read_records(c->arena, answer, sig->algorithm, r);
	r->is_read = true;
	*key = &r->key;
	if (!r->is_good)
		*err = r->err;
	return r->is_good ? ARC_KEY_GOOD : ARC_KEY_BAD;
}
