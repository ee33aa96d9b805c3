#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/json_write.h"
#include "filters/dnsbl_health.h"
#include "filters/dnsbl_probe.h"
#include "filters/dnsbl_share.h"

/* Who found out: a probe, or sessions by their answers or the share of those
 * listed, of which test points may show nothing. */
enum cause { BY_PROBE, BY_ANSWERS, BY_SHARE };

/* One side of one list. */
struct side {
	bool		 is_used;	/* the list is asked about such */
	bool		 is_probed;	/* at least once */
	bool		 is_suspended;
	bool		 is_silent;	/* for that it does not answer */
	enum cause	 cause;
	char		 why[120];
	unsigned	 errors, silent;	/* answers in a row */
	struct dnsbl_share share;
};
struct watched {
	const struct dnsbl_list	*list;
	struct dnsbl_health	*health;
	struct side		 sides[DNSBL_SIDES];
	struct fiber		*fiber;
	int64_t			 probe_at;
};
/* The last clients or names, the newest over the oldest. */
struct recent {
	char		 prefixes[DNSBL_PROBE_MOST][256]; /* "": none yet */
	unsigned	 at;
};
struct dnsbl_health {
	struct watched	*lists;
	size_t		 n;
	int64_t		 interval;
	dnsbl_event_fn	*report;
	void		*owner;
	struct recent	 recent[DNSBL_SIDES];
	bool		 is_ending;
};

/* --- suspended and back --- */

static void
tell(const struct watched *w, const struct side *s, const char *why)
{
	struct dnsbl_event event = { w->list,
	    (enum dnsbl_side)(s - w->sides), s->is_suspended, why };

	if (w->health->report != NULL)
		w->health->report(w->health->owner, &event);
}

/* A reason that changes meanwhile is kept, but is no event. */
static void
suspend(struct watched *w, struct side *s, enum cause cause, const char *why)
{
	snprintf(s->why, sizeof(s->why), "%s", why);
	if (s->is_suspended)
		return;
	s->is_suspended = true;
	s->cause = cause;
	tell(w, s, s->why);
}

static void
resume(struct watched *w, struct side *s)
{
	s->errors = s->silent = 0;
	if (!s->is_suspended)
		return;
	s->is_suspended = false;
	s->share = (struct dnsbl_share){ .n = 0 };
	tell(w, s, "found good by a probe");
}

/* --- probes --- */

/* A list that is asked stays so when a probe gets no answer: sessions find
 * out soon enough. */
static void
conclude(struct watched *w, struct side *s, const struct dnsbl_finding *found)
{
	switch (found->condition) {
	case DNSBL_GOOD:
		resume(w, s);
		break;
	case DNSBL_SICK:
		suspend(w, s, BY_PROBE, found->why);
		break;
	case DNSBL_SILENT:
		if (!s->is_probed || s->is_suspended ||
		    ++s->silent >= DNSBL_SILENCE_MOST)
			suspend(w, s, BY_PROBE, found->why);
		w->probe_at = clock_now() + DNSBL_RETRY;
		break;
	}
	s->is_silent = s->is_suspended && found->condition == DNSBL_SILENT;
	s->is_probed = true;
}

static size_t
copy_recent(struct arena *a, const struct recent *r, const char **list)
{
	size_t n = 0;

	for (size_t i = 0; i < DNSBL_PROBE_MOST; i++)
		if (r->prefixes[i][0] != '\0')
			list[n++] = arena_strdup(a, r->prefixes[i]);
	return n;
}

static MAY_YIELD int
probe_side(struct watched *w, enum dnsbl_side side, struct err *err)
{
	struct arena *a = arena_create("dnsbl probe");
	struct side *s = &w->sides[side];
	const char *recent[DNSBL_PROBE_MOST];
	struct dnsbl_finding found;
	size_t n = 0;
	int ret;

	if (s->is_suspended && s->cause != BY_PROBE)
		n = copy_recent(a, &w->health->recent[side], recent);
	ret = dnsbl_probe(a, w->list, side, recent, n,
	    s->cause == BY_SHARE ? w->list->max_share : 100, &found, err);
	if (ret == 0 && !w->health->is_ending)
		conclude(w, s, &found);
	arena_destroy(&a);
	return ret;
}

static MAY_YIELD int
wait_for_turn(const struct watched *w, struct err *err)
{
	while (clock_now() < w->probe_at)
		if (fiber_wait(w->probe_at, err) < 0 &&
		    err->kind != ERR_TIMEOUT)
			return -1;
	return 0;
}

static MAY_YIELD void
probe_fiber(void *arg)
{
	struct watched *w = arg;
	struct dnsbl_health *h = w->health;
	uint32_t spread = (uint32_t)(h->interval / 8 / CLOCK_MS + 1);
	struct err err;
	int ret = 0;

	while (ret == 0 && !h->is_ending) {
		w->probe_at = clock_now() + h->interval +
		    arc4random_uniform(spread) * CLOCK_MS;
		for (int i = 0; i < DNSBL_SIDES && ret == 0; i++)
			if (w->sides[i].is_used)
				ret = probe_side(w, (enum dnsbl_side)i, &err);
		if (ret == 0)
			ret = wait_for_turn(w, &err);
	}
	w->fiber = NULL;
}

/* --- what sessions learn --- */

/* FNV-1a; an address by its network, in whose text the end is the front. */
static uint32_t
key_of(enum dnsbl_side side, const char *prefix)
{
	uint32_t hash = 2166136261u;

	if (side == DNSBL_IPV4)		/* without the last octet: /24 */
		prefix += strcspn(prefix, ".") + 1;
	else if (side == DNSBL_IPV6)	/* without 24 digits: /32 */
		prefix += 2 * 24;
	for (; *prefix != '\0'; prefix++)
		hash = (hash ^ (unsigned char)*prefix) * 16777619u;
	return hash;
}

void
dnsbl_health_seen(struct dnsbl_health *h, enum dnsbl_side side,
    const char *prefix)
{
	struct recent *r = &h->recent[side];
	uint32_t key = key_of(side, prefix);

	if (h->interval == 0)
		return;
	for (unsigned i = 0; i < DNSBL_PROBE_MOST; i++)
		if (r->prefixes[i][0] != '\0' &&
		    key_of(side, r->prefixes[i]) == key)
			return;
	assert(strlen(prefix) < sizeof(r->prefixes[0]));
	strcpy(r->prefixes[r->at], prefix);
	r->at = (r->at + 1) % DNSBL_PROBE_MOST;
}

static void
probe_soon(struct watched *w)
{
	if (w->probe_at > clock_now() + DNSBL_RETRY) {
		w->probe_at = clock_now() + DNSBL_RETRY;
		if (w->fiber != NULL)
			fiber_wake(w->fiber);
	}
}

static void
note_silence(struct watched *w, struct side *s, const char *why)
{
	char text[60];

	if (++s->silent < DNSBL_SILENCE_MOST)
		return;
	snprintf(text, sizeof(text), DNSBL_SAYS_NOTHING, why);
	suspend(w, s, BY_ANSWERS, text);
	s->is_silent = true;
	probe_soon(w);
}

/* Not of names: anybody can name listed ones. */
static void
note_share(struct watched *w, enum dnsbl_side side, const char *prefix,
    bool is_listed, bool others)
{
	struct side *s = &w->sides[side];
	char text[60];

	if (side == DNSBL_DOMAIN)
		return;
	dnsbl_share_add(&s->share, key_of(side, prefix), is_listed, others);
	if (!dnsbl_share_is_over(&s->share, w->list->max_share))
		return;
	snprintf(text, sizeof(text), DNSBL_LISTS_MANY,
	    dnsbl_share_listed(&s->share), s->share.n);
	suspend(w, s, BY_SHARE, text);
}

void
dnsbl_health_note(struct dnsbl_health *h, size_t list, enum dnsbl_side side,
    const char *prefix, const struct dnsbl_reading *reading, bool others)
{
	struct watched *w = &h->lists[list];
	struct side *s = &w->sides[side];

	if (h->interval == 0 || s->is_suspended)
		return;
	if (reading->state == DNSBL_FAILED) {
		/* Too many lookups at once are no fault of the list. */
		if (strcmp(reading->why, "overload") != 0)
			note_silence(w, s, reading->why);
		return;
	}
	s->silent = 0;
	if (reading->state == DNSBL_ERROR) {
		if (++s->errors >= DNSBL_ERRORS_MOST)
			suspend(w, s, BY_ANSWERS, reading->why);
		return;
	}
	s->errors = 0;
	note_share(w, side, prefix, reading->state == DNSBL_LISTED, others);
}

const char *
dnsbl_health_objection(const struct dnsbl_health *h, size_t list,
    enum dnsbl_side side)
{
	const struct side *s = &h->lists[list].sides[side];

	if (h->interval == 0)
		return NULL;
	if (!s->is_probed && h->lists[list].list->test_points)
		return "not probed yet";
	return s->is_suspended ? s->why : NULL;
}

bool
dnsbl_health_is_silent(const struct dnsbl_health *h, size_t list,
    enum dnsbl_side side)
{
	return h->lists[list].sides[side].is_silent;
}

static const char *
objection_of(const struct dnsbl_health *h, size_t list, int side)
{
	return h->lists[list].sides[side].is_used ?
	    dnsbl_health_objection(h, list, (enum dnsbl_side)side) : NULL;
}

/* Suspended if any side of it is. */
static const char *
state_name(const struct dnsbl_health *h, size_t list)
{
	const char *name = "good";

	for (int i = 0; i < DNSBL_SIDES; i++) {
		if (objection_of(h, list, i) == NULL)
			continue;
		if (h->lists[list].sides[i].is_suspended)
			return "suspended";
		name = "unknown";
	}
	return name;
}

void
dnsbl_health_status(const struct dnsbl_health *h, size_t list,
    struct json_out *o)
{
	const char *why;

	json_z(o, "state", state_name(h, list));
	json_open(o, "sides", '[');
	for (int i = 0; i < DNSBL_SIDES; i++) {
		why = objection_of(h, list, i);
		if (why == NULL)
			continue;
		json_open(o, NULL, '{');
		json_z(o, "side", dnsbl_side_name((enum dnsbl_side)i));
		json_z(o, "why", why);
		json_close(o, '}');
	}
	json_close(o, ']');
}

bool
dnsbl_health_is_probed(const struct dnsbl_health *h)
{
	for (size_t i = 0; i < h->n && h->interval > 0; i++)
		for (int k = 0; k < DNSBL_SIDES; k++)
			if (h->lists[i].sides[k].is_used &&
			    !h->lists[i].sides[k].is_probed)
				return false;
	return true;
}

/* --- life --- */

struct dnsbl_health *
dnsbl_health_create(struct arena *a, const struct dnsbl_list *lists, size_t n,
    int64_t interval, dnsbl_event_fn *report, void *owner)
{
	struct dnsbl_health *h = arena_new(a, struct dnsbl_health);

	h->lists = arena_new_n(a, n, struct watched);
	h->n = n;
	h->interval = interval;
	h->report = report;
	h->owner = owner;
	for (size_t i = 0; i < n; i++) {
		struct watched *w = &h->lists[i];

		w->list = &lists[i];
		w->health = h;
		for (int k = 0; k < DNSBL_SIDES; k++)
			w->sides[k].is_used = (lists[i].checks &
			    dnsbl_side_checks((enum dnsbl_side)k)) != 0;
		if (interval > 0)
			w->fiber = fiber_spawn("dnsbl probe", probe_fiber, w);
	}
	return h;
}

void
dnsbl_health_stop(struct dnsbl_health *h)
{
	h->is_ending = true;
	for (size_t i = 0; i < h->n; i++)
		if (h->lists[i].fiber != NULL)
			fiber_stop(h->lists[i].fiber);
}
