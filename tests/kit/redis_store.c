#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/loop.h"
#include "tests/kit/redis_store.h"
#include "tests/kit/t.h"

#define HOUR	(3600 * CLOCK_S)

static void
hear(void *owner, const struct store_event *event)
{
	struct redis_store *s = owner;

	buf_printf(&s->told, "%s;", store_state_name(event->state));
}

struct store_options
redis_store_options(struct redis_store *s)
{
	return (struct store_options){ .kind = STORE_REDIS,
	    .path = s->server.socket, .prefix = "fp:", .timeout = CLOCK_S,
	    .connections = 2, .report = hear, .owner = s };
}

void
redis_store_open(struct redis_store *s, const struct store_options *options)
{
	struct err err;

	s->arena = arena_create("store");
	s->others = fiber_count();
	clock_tick();
	s->store = store_open(s->arena, options, &err);
	if (s->store == NULL) {
		fprintf(stderr, "%s\n", err.text);
		exit(1);
	}
}

static MAY_YIELD void
nothing(void *arg)
{
	struct err err;

	(void)arg;
	fiber_sleep(CLOCK_MS, &err);
}

void
redis_store_close(struct redis_store *s)
{
	store_stop(s->store);
	for (unsigned i = 0; i < 1000 && fiber_count() > s->others; i++)
		loop_turn(false);
	T_INT("its fibers have ended", fiber_count(), s->others);
	arena_destroy(&s->arena);
	buf_free(&s->told);
}

/* --- in a fiber --- */

struct job {
	void	(*fn)(void *);
	void	*arg;
	bool	 is_done;
};

static MAY_YIELD void
run_job(void *arg)
{
	struct job *job = arg;

	job->fn(job->arg);
	job->is_done = true;
}

void
redis_store_run(void (*fn)(void *), void *arg)
{
	struct job job = { .fn = fn, .arg = arg };

	fiber_spawn("job", run_job, &job);
	while (!job.is_done)
		loop_turn(true);
}

struct deed {
	struct redis_store	*s;
	const char		*verb;
	struct span		 key, value;
};

/* Beside another one that is not there, so that their places count. */
static MAY_YIELD int
carry_out_field(const struct deed *d, struct arena *a, struct span *said,
    struct err *err)
{
	struct span fields[] = { SPAN_LIT("nobody's"), d->value }, values[2];

	if (store_fields(d->s->store, a, d->key, fields, 2, values, err) < 0)
		return -1;
	T_OK("the other field is not there", values[0].p == NULL);
	*said = values[1];
	return 0;
}

static MAY_YIELD int
carry_out_has(const struct deed *d, bool *yes, struct err *err)
{
	struct span members[] = { d->value, SPAN_LIT("nobody") };
	bool has[2];

	if (store_has_members(d->s->store, d->key, members, 2, has, err) < 0)
		return -1;
	T_OK("the other member is not there", !has[1]);
	*yes = has[0];
	return 0;
}

/* 0, or an error. */
static MAY_YIELD int
carry_out(const struct deed *d, struct arena *a, struct span *said,
    struct err *err)
{
	struct store *store = d->s->store;
	bool yes = false;
	int64_t sum = 0;
	int ret;

	*said = SPAN_LIT("ok");
	if (strcmp(d->verb, "get") == 0)
		return store_get(store, a, d->key, said, err);
	if (strcmp(d->verb, "put") == 0)
		return store_put(store, d->key, d->value, HOUR, err);
	if (strcmp(d->verb, "claim") == 0)
		return store_claim(store, a, d->key, d->value, HOUR, said,
		    err);
	if (strcmp(d->verb, "field") == 0)
		return carry_out_field(d, a, said, err);
	if (strcmp(d->verb, "add") == 0) {
		ret = store_add(store, d->key, strtoll(arena_copy(a,
		    d->value), NULL, 10), HOUR, &sum, err);
		*said = span_z(arena_printf(a, "%jd", (intmax_t)sum));
		return ret;
	}
	if (strcmp(d->verb, "has") == 0)
		ret = carry_out_has(d, &yes, err);
	else
		ret = store_delete(store, d->key, &yes, err);
	*said = span_z(yes ? "yes" : "no");
	return ret;
}

static MAY_YIELD void
carry_out_deed(void *arg)
{
	struct deed *d = arg;
	struct redis_store *s = d->s;
	struct arena *a = arena_create("deed");
	const char *text;
	struct span said;
	struct err err;

	if (carry_out(d, a, &said, &err) == 0)
		snprintf(s->said, sizeof(s->said), "%.*s",
		    said.p != NULL ? (int)said.len : 1,
		    said.p != NULL ? said.p : "-");
	else {
		/* "store redis /tmp/x/socket: why" */
		text = strchr(err.text + strlen("store redis "), ' ');
		snprintf(s->said, sizeof(s->said), "%s:%s",
		    err_kind_name(err.kind), text != NULL ? text : "?");
	}
	arena_destroy(&a);
}

const char *
redis_store_do(struct redis_store *s, const char *verb, const char *key,
    const char *value)
{
	struct deed d = { s, verb, span_z(key), span_z(value) };

	redis_store_run(carry_out_deed, &d);
	return s->said;
}

void
redis_store_await(struct redis_store *s, const char *name,
    enum store_state state)
{
	int64_t until = clock_now() + 30 * CLOCK_S;

	while (store_state(s->store) != state && clock_now() < until)
		redis_store_run(nothing, NULL);
	T_STR(name, store_state_name(store_state(s->store)),
	    store_state_name(state));
}

const char *
redis_store_told(struct redis_store *s)
{
	const char *told = arena_copy(s->arena, buf_text(&s->told));

	buf_clear(&s->told);
	return told;
}
