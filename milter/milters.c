#include <assert.h>

#include "base/arena.h"
#include "base/clock.h"
#include "base/json_write.h"
#include "milter/milters_internal.h"

/* A filter may make a mail larger than a client may: notes, a changed coding.
 * So much is for what it adds, whatever the limit of the listener. */
#define BODY_MORE	((uint64_t)1024 * 1024)

/* --- life --- */

static uint64_t
largest_message(const struct settings *s)
{
	uint64_t most = s->smtp.max_message_size;

	for (size_t i = 0; i < s->nlisteners; i++)
		if (s->listeners[i].smtp.max_message_size > most)
			most = s->listeners[i].smtp.max_message_size;
	return most;
}

static void
filter_setup(struct milters *m, struct milters_filter *f,
    const struct milter_conf *conf, const struct settings *s)
{
	f->all = m;
	f->conf = conf;
	f->since = clock_now();
	f->dialogue = (struct dialogue_conf){ .name = conf->name,
	    .host = conf->address.host, .port = conf->address.port,
	    .addr = conf->address.addr,
	    .connect_time = conf->connect_timeout,
	    .command_time = conf->command_timeout,
	    .body_time = conf->body_timeout, .end_time = conf->end_timeout,
	    .most_time = conf->max_time,
	    .body_most = largest_message(s) + BODY_MORE,
	    .spool_dir = s->spool };
}

struct milters *
milters_create(const struct settings *settings)
{
	struct arena *a = arena_create("milters");
	struct milters *m = arena_new(a, struct milters);

	assert(settings->nmilters <= MILTERS_MAX);
	m->arena = a;
	m->n = settings->nmilters;
	m->list = arena_new_n(a, m->n, struct milters_filter);
	for (size_t i = 0; i < m->n; i++)
		filter_setup(m, &m->list[i], &settings->milters[i], settings);
	return m;
}

static void
milters_free(struct milters *m)
{
	struct arena *a = m->arena;

	arena_destroy(&a);
}

void
milters_enter(struct milters *m)
{
	m->nusers++;
}

void
milters_leave(struct milters *m)
{
	assert(m->nusers > 0);
	if (--m->nusers == 0 && m->is_ending)
		milters_free(m);
}

static bool
has_idle(const struct milters *m)
{
	for (size_t i = 0; i < m->n; i++)
		if (m->list[i].idle != NULL)
			return true;
	return false;
}

/* The keeper closes what rests. It may have been stopped. */
void
milters_destroy(struct milters **mp)
{
	struct milters *m = *mp;

	if (m == NULL)
		return;
	*mp = NULL;
	m->is_ending = true;
	if (m->keeper != NULL)
		fiber_wake(m->keeper);
	else if (has_idle(m))
		milters_keep(m);
	if (m->nusers == 0)
		milters_free(m);
}

/* --- for people --- */

static const char *
state_name(const struct milters_filter *f)
{
	if (f->is_down)
		return "down";
	return f->is_known ? "up" : "unknown";
}

const char *
milters_rest_action(const struct milters_filter *f)
{
	static const char *const names[] = { [MILTER_ACCEPT] = "accept",
	    [MILTER_TEMPFAIL] = "tempfail", [MILTER_REJECT] = "reject",
	    [MILTER_SHUTDOWN] = "shutdown" };

	if (f->conf->when == MILTER_ALWAYS &&
	    f->conf->tell_at == MILTER_AT_CONNECT)
		return names[f->conf->failure_connect];
	return names[f->conf->failure_rcpt];
}

/* Between the first failure and the rest mail is deferred already. */
static void
put_trouble(const struct milters_filter *f, struct json_out *o)
{
	if (f->failures == 0)
		return;
	if (!f->is_down)
		json_int(o, "failures", f->failures);
	json_z(o, "failure", milters_rest_action(f));
	json_z(o, "why", f->why.text);
}

void
milters_status(const struct milters *m, struct json_out *o)
{
	json_open(o, "milters", '[');
	for (size_t i = 0; i < m->n; i++) {
		const struct milters_filter *f = &m->list[i];

		json_open(o, NULL, '{');
		json_z(o, "name", f->conf->name);
		json_z(o, "address", f->conf->address.text);
		json_z(o, "state", state_name(f));
		json_int(o, "open", (int64_t)f->nopen);
		json_int(o, "idle", (int64_t)f->nidle);
		json_int(o, "since_s", (clock_now() - f->since) / CLOCK_S);
		put_trouble(f, o);
		json_close(o, '}');
	}
	json_close(o, ']');
}

const struct milters_stats *
milters_statistics(const struct milters *m, size_t i)
{
	assert(i < m->n);
	return &m->list[i].stats;
}
