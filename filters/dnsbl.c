#include <assert.h>
#include <inttypes.h>
#include <string.h>

#include "base/clock.h"
#include "base/dns.h"
#include "filters/dnsbl.h"

struct dnsbl {
	const struct dnsbl_list	*lists;
	size_t			 n;
	struct dnsbl_stats	*stats;		/* of each list */
	struct dnsbl_health	*health;
};

/* --- what is to be asked --- */

/* A subject as lists are asked about it. */
struct topic {
	const char		*prefix;
	const char		*text;		/* for people */
	enum listing_check	 check;
	enum dnsbl_side		 side;
};
struct question {
	struct dnsbl_result	 result;
	const struct topic	*topic;
	size_t			 list;
	bool			 is_asked;
};
/* One check. */
struct round {
	struct arena		*arena;
	struct dnsbl		*dnsbl;
	struct topic		*topics;
	size_t			 ntopics;
	struct question		*questions;
	size_t			 n, room, left_out;
};

/* false: no list is asked about such. */
static bool
make_topic(struct arena *a, const struct dnsbl_subject *s, struct topic *t)
{
	char ip[ADDR_TEXT];

	*t = (struct topic){ .check = s->check, .side = DNSBL_DOMAIN };
	if (s->check != (enum listing_check)LISTING_CLIENT) {
		t->text = t->prefix = dnsbl_query_domain(a, s->name);
		return t->prefix != NULL;
	}
	if (dnsbl_query_is_private(s->ip))
		return false;
	t->prefix = dnsbl_query_address(a, s->ip, &t->side);
	t->text = arena_strdup(a, addr_ip(s->ip, ip));
	t->check = t->side == DNSBL_IPV4 ? LISTING_IPV4 : LISTING_IPV6;
	return true;
}

/* A name that stands in several places is asked for once in a list. */
static bool
is_in_round(const struct round *r, size_t list, const char *prefix)
{
	for (size_t i = 0; i < r->n; i++)
		if (r->questions[i].list == list &&
		    strcmp(r->questions[i].topic->prefix, prefix) == 0)
			return true;
	return false;
}

static void
add_question(struct round *r, size_t list, const struct topic *t)
{
	const struct dnsbl_list *l = &r->dnsbl->lists[list];
	const char *name, *objection;
	struct question *q;

	if (!(l->checks & t->check) || is_in_round(r, list, t->prefix) ||
	    (name = dnsbl_query_name(r->arena, t->prefix, l->zone)) == NULL)
		return;
	if (r->n == r->room) {
		r->left_out++;
		return;
	}
	objection = dnsbl_health_objection(r->dnsbl->health, list, t->side);
	q = &r->questions[r->n++];
	q->result = (struct dnsbl_result){ .list = l, .check = t->check,
	    .subject = t->text, .asked = name };
	q->topic = t;
	q->list = list;
	q->is_asked = objection == NULL;
	if (!q->is_asked) {
		q->result.reading.state = DNSBL_SUSPENDED;
		q->result.reading.why = arena_strdup(r->arena, objection);
		q->result.is_silent = dnsbl_health_is_silent(
		    r->dnsbl->health, list, t->side);
	}
}

static void
prepare(struct round *r, const struct dnsbl_subject *subjects, size_t n)
{
	struct topic *t;

	r->topics = arena_new_n(r->arena, n, struct topic);
	for (size_t i = 0; i < n; i++)
		if (make_topic(r->arena, &subjects[i],
		    &r->topics[r->ntopics]))
			r->ntopics++;
	r->room = r->ntopics * r->dnsbl->n;
	if (r->room > DNSBL_QUESTIONS)
		r->room = DNSBL_QUESTIONS;
	r->questions = arena_new_n(r->arena, r->room, struct question);
	for (t = r->topics; t < r->topics + r->ntopics; t++) {
		dnsbl_health_seen(r->dnsbl->health, t->side, t->prefix);
		for (size_t list = 0; list < r->dnsbl->n; list++)
			add_question(r, list, t);
	}
}

/* --- asking --- */

/* The lookups of all lists with one timeout. */
struct flight {
	struct arena		*arena;
	struct dns_query	*queries;
	struct question		**questions;
	size_t			 n;
	int64_t			 timeout;
	struct fiber		*fiber;
	struct err		 err;
	int			 ret;
};

static void
fly(void *arg)
{
	struct flight *f = arg;

	f->ret = dns_lookup_all(f->arena, f->queries, f->n,
	    clock_now() + f->timeout, &f->err);
}

static struct flight *
find_flight(struct flight *flights, size_t *n, int64_t timeout)
{
	struct flight *f = flights;

	while (f < flights + *n && f->timeout != timeout)
		f++;
	if (f == flights + *n) {
		f->timeout = timeout;
		(*n)++;
	}
	return f;
}

static size_t
sort_into_flights(struct round *r, struct flight *flights)
{
	struct question *q;
	struct flight *f;
	size_t n = 0, i;

	for (i = 0; i < r->n; i++)
		if (r->questions[i].is_asked)
			find_flight(flights, &n,
			    r->questions[i].result.list->timeout)->n++;
	for (f = flights; f < flights + n; f++) {
		f->arena = r->arena;
		f->queries = arena_new_n(r->arena, f->n, struct dns_query);
		f->questions = arena_new_n(r->arena, f->n,
		    struct question *);
		f->n = 0;
	}
	for (q = r->questions; q < r->questions + r->n; q++) {
		if (!q->is_asked)
			continue;
		f = find_flight(flights, &n, q->result.list->timeout);
		f->queries[f->n].name = q->result.asked;
		f->queries[f->n].type = DNS_A;
		f->questions[f->n++] = q;
	}
	return n;
}

/* The first one in this fiber, since mostly there is no other. */
static MAY_YIELD int
ask(struct flight *flights, size_t n, struct err *err)
{
	struct err never;
	int ret;

	for (size_t i = 1; i < n; i++)
		flights[i].fiber = fiber_spawn_joinable("dnsbl", fly,
		    &flights[i]);
	fly(&flights[0]);
	ret = flights[0].ret;
	*err = flights[0].err;
	for (size_t i = 1; i < n; i++) {
		if (ret < 0)
			fiber_stop(flights[i].fiber);
		fiber_join(&flights[i].fiber, CLOCK_NEVER, &never);
		if (ret == 0 && flights[i].ret < 0) {
			*err = flights[i].err;
			ret = -1;
		}
	}
	return ret;
}

/* --- what was answered --- */

static void
count(struct dnsbl_stats *s, enum dnsbl_state state)
{
	if (state == DNSBL_SUSPENDED) {
		s->suspended++;
		return;
	}
	s->asked++;
	s->listed += state == DNSBL_LISTED;
	s->failed += state == DNSBL_FAILED;
	s->errors += state == DNSBL_ERROR;
}

static void
read_flight(struct dnsbl *d, struct flight *f)
{
	for (size_t i = 0; i < f->n; i++) {
		struct question *q = f->questions[i];

		dnsbl_query_read(f->arena, q->result.list,
		    &f->queries[i].answer, &q->result.reading);
		histogram_add(&d->stats[q->list].time, f->queries[i].us);
	}
}

/* Another list, of the same intent, lists the same. */
static bool
has_company(const struct round *r, const struct question *q)
{
	bool is_allow = listing_is_allow(q->result.list);

	for (const struct question *o = r->questions; o < r->questions + r->n;
	    o++)
		if (o->list != q->list &&
		    strcmp(o->topic->prefix, q->topic->prefix) == 0 &&
		    o->result.reading.state == DNSBL_LISTED &&
		    listing_is_allow(o->result.list) == is_allow)
			return true;
	return false;
}

/* A list that was suspended while we asked it counts no more. */
static void
settle(struct round *r)
{
	struct dnsbl_health *h = r->dnsbl->health;
	const char *objection;
	struct question *q;

	for (q = r->questions; q < r->questions + r->n; q++)
		if (q->is_asked)
			dnsbl_health_note(h, q->list, q->topic->side,
			    q->topic->prefix, &q->result.reading,
			    has_company(r, q));
	for (q = r->questions; q < r->questions + r->n; q++) {
		objection = dnsbl_health_objection(h, q->list,
		    q->topic->side);
		if (q->result.reading.state == DNSBL_LISTED &&
		    objection != NULL) {
			q->result.reading.state = DNSBL_SUSPENDED;
			q->result.reading.matched = 0;
			q->result.reading.why = arena_strdup(r->arena,
			    objection);
		}
		count(&r->dnsbl->stats[q->list], q->result.reading.state);
	}
}

MAY_YIELD int
dnsbl_check(struct arena *a, struct dnsbl *d,
    const struct dnsbl_subject *subjects, size_t n,
    struct dnsbl_answer *answer, struct err *err)
{
	struct round r = { .arena = a, .dnsbl = d };
	struct flight *flights = arena_new_n(a, d->n, struct flight);
	struct dnsbl_answer found = { .nresults = 0 };
	const struct dnsbl_answer *all = &found;
	size_t nflights;

	prepare(&r, subjects, n);
	nflights = sort_into_flights(&r, flights);
	if (nflights > 0 && ask(flights, nflights, err) < 0)
		return -1;
	for (size_t i = 0; i < nflights; i++)
		read_flight(d, &flights[i]);
	settle(&r);
	found.results = arena_new_n(a, r.n, struct dnsbl_result);
	for (size_t i = 0; i < r.n; i++)
		found.results[found.nresults++] = r.questions[i].result;
	found.left_out = r.left_out;
	dnsbl_join(a, &all, 1, answer);
	return 0;
}

/* --- life and statistics --- */

struct dnsbl *
dnsbl_create(struct arena *a, const struct dnsbl_options *options)
{
	struct dnsbl *d = arena_new(a, struct dnsbl);

	d->lists = options->lists;
	d->n = options->n;
	d->stats = arena_new_n(a, d->n, struct dnsbl_stats);
	d->health = dnsbl_health_create(a, d->lists, d->n,
	    options->probe_interval, options->report, options->owner);
	return d;
}

void
dnsbl_stop(struct dnsbl *d)
{
	dnsbl_health_stop(d->health);
}

bool
dnsbl_is_probed(const struct dnsbl *d)
{
	return dnsbl_health_is_probed(d->health);
}

size_t
dnsbl_count(const struct dnsbl *d)
{
	return d->n;
}

const char *
dnsbl_name(const struct dnsbl *d, size_t list)
{
	assert(list < d->n);
	return d->lists[list].name;
}

const struct dnsbl_stats *
dnsbl_statistics(const struct dnsbl *d, size_t list)
{
	assert(list < d->n);
	return &d->stats[list];
}

void
dnsbl_status(const struct dnsbl *d, struct json_out *o)
{
	json_open(o, "lists", '[');
	for (size_t i = 0; i < d->n; i++) {
		const struct dnsbl_stats *s = &d->stats[i];

		json_open(o, NULL, '{');
		json_z(o, "name", d->lists[i].name);
		dnsbl_health_status(d->health, i, o);
		json_int(o, "asked", (int64_t)s->asked);
		json_int(o, "listed", (int64_t)s->listed);
		json_int(o, "failed", (int64_t)s->failed);
		json_int(o, "errors", (int64_t)s->errors);
		json_int(o, "suspended", (int64_t)s->suspended);
		json_close(o, '}');
	}
	json_close(o, ']');
}
