#include <string.h>

#include "base/dns.h"
#include "base/idn.h"
#include "base/task.h"
#include "filters/dmarc.h"
#include "policy/address.h"

/* RFC 9989 3.2.13: only NXDOMAIN says that a domain does not exist. */
enum existence { NOT_ASKED, EXISTS, NONEXISTENT, UNSURE };

/* One author domain, as the task finds it. */
struct owner {
	const char		*domain;
	struct dmarc_found	 found;
	enum existence		 existence;
};

/* The task's state. Behind its end the names grow by those of identifiers. */
struct work {
	struct dmarc_names	 names;
	struct owner		 owners[AUTHOR_DOMAINS];
	size_t			 nowners;
	int64_t			 deadline;
	bool			 is_done;	/* not stopped on the way */
};

struct dmarc {
	struct arena		*arena;
	struct task		*task;
	struct work		*work;
	const char		*fault;		/* NULL: one author domain */
};

/* What dmarc_check() was given. */
struct evidence {
	struct dmarc_identifier	 ids[DMARC_IDENTIFIERS];
	size_t			 n;
	int64_t			 deadline;
};

const char *
dmarc_result_name(enum dmarc_result result)
{
	static const char *const names[] = { "none", "pass", "fail",
	    "temperror", "permerror" };

	return names[result];
}

/* NULL: that is no name of a domain. */
static const char *
canonical(struct arena *a, const char *domain)
{
	const char *name;
	struct err err;

	if (domain == NULL ||
	    idn_to_ascii(a, span_z(domain), &name, &err) < 0 ||
	    !domain_is_valid(span_z(name), false))
		return NULL;
	return name;
}

void
dmarc_prefetch(const char *domain)
{
	struct arena *a = arena_create("dmarc");
	const char *name = canonical(a, domain);

	if (name != NULL)
		dmarc_walk_prefetch(name);
	arena_destroy(&a);
}

/* --- the task: author domains --- */

/* The policy is inherited, and sp and np differ. */
static bool
needs_existence(const struct owner *o)
{
	const struct dmarc_name *at = o->found.policy;

	return at != NULL && !o->found.is_own && at->record.is_usable &&
	    at->record.np != at->record.sp;
}

static MAY_YIELD int
ask_existence(struct arena *a, struct work *w, struct err *err)
{
	struct dns_query queries[AUTHOR_DOMAINS];
	struct owner *asked[AUTHOR_DOMAINS], *o;
	size_t n = 0, i;

	for (o = w->owners; o < w->owners + w->nowners; o++)
		if (needs_existence(o)) {
			queries[n] = (struct dns_query){
				.name = o->domain, .type = DNS_A
			};
			asked[n++] = o;
		}
	if (n > 0 && dns_lookup_all(a, queries, n, w->deadline, err) < 0)
		return -1;
	for (i = 0; i < n; i++)
		asked[i]->existence =
		    queries[i].answer.outcome == DNS_NXDOMAIN ? NONEXISTENT :
		    queries[i].answer.outcome == DNS_FAIL ? UNSURE : EXISTS;
	return 0;
}

static MAY_YIELD void
look_up(struct arena *a, void *state)
{
	const char *names[AUTHOR_DOMAINS * DMARC_WALK];
	struct work *w = state;
	struct owner *o;
	struct err err;
	size_t n = 0;

	for (o = w->owners; o < w->owners + w->nowners; o++)
		n += dmarc_walk_names(o->domain, names + n);
	if (dmarc_names_ask(&w->names, names, n, w->deadline, &err) < 0)
		return;
	for (o = w->owners; o < w->owners + w->nowners; o++)
		dmarc_discover(&w->names, o->domain, &o->found);
	w->is_done = ask_existence(a, w, &err) == 0;
}

static void
end(void *arg)
{
	struct dmarc *d = arg;

	task_drop(&d->task);
}

struct dmarc *
dmarc_begin(struct arena *a, const struct author *author, int64_t deadline)
{
	struct dmarc *d = arena_new(a, struct dmarc);
	struct work *w;
	size_t i;

	d->arena = a;
	d->task = task_create("dmarc", sizeof(struct work));
	d->work = w = task_state(d->task);
	if (author->domain == NULL)
		d->fault = arena_strdup(a, author->fault);
	w->names.arena = task_arena(d->task);
	w->deadline = deadline;
	for (i = 0; i < author->ndomains; i++)
		w->owners[w->nowners++].domain =
		    arena_strdup(w->names.arena, author->domains[i]);
	task_start(d->task, look_up);
	arena_defer(a, end, d);
	return d;
}

/* The last two labels; NULL: there is one only. */
static const char *
tail_of(const char *name)
{
	const char *p = strrchr(name, '.');

	while (p != NULL && p > name && p[-1] != '.')
		p--;
	return p;
}

/*
 * Only names that share two labels with an author domain: two with the same
 * organizational domain nearly always do, and a signature of a mail service
 * costs nothing. (dmarc_check() asks what is missing.)
 */
void
dmarc_expect(struct dmarc *d, const char *domain)
{
	const char *name = canonical(d->arena, domain), *tail, *other;
	bool is_near = false;

	if (name == NULL || (tail = tail_of(name)) == NULL)
		return;
	for (size_t i = 0; i < d->work->nowners; i++) {
		if (strcmp(name, d->work->owners[i].domain) == 0)
			return;		/* its walk is under way */
		other = tail_of(d->work->owners[i].domain);
		is_near |= other != NULL && strcmp(tail, other) == 0;
	}
	if (is_near)
		dmarc_walk_prefetch(name);
}

/* --- one author domain --- */

static void
set_policy(const struct owner *o, struct dmarc_answer *w)
{
	const struct dmarc_record *r = &o->found.policy->record;

	w->record_at = o->found.policy->domain;
	w->record = o->found.policy->text;
	w->testing = r->testing;
	w->strict_spf = r->strict_spf;
	w->strict_dkim = r->strict_dkim;
	w->published = r->sp;
	w->policy_tag = r->has_sp ? "sp" : "p";
	if (o->found.is_own) {
		w->published = r->p;
		w->policy_tag = "p";
	} else if (o->existence == NONEXISTENT) {
		w->published = r->np;
		if (r->has_np)
			w->policy_tag = "np";
	}
	w->policy = w->published;
	if (w->testing && w->policy != DMARC_POLICY_NONE)
		w->policy--;
}

/* "SPF of a.example, DKIM of b.example": those that passed. */
static const char *
list_passed(struct arena *a, const struct dmarc_identifier *ids, size_t n)
{
	const char *text = "";
	size_t i;

	for (i = 0; i < n; i++)
		if (ids[i].outcome == DMARC_ID_PASS && ids[i].domain != NULL)
			text = arena_printf(a, "%s%s%s of %s", text,
			    text[0] == '\0' ? "" : ", ",
			    ids[i].method == DMARC_SPF ? "SPF" : "DKIM",
			    ids[i].domain);
	return text;
}

static const char *
explain_fail(struct arena *a, const struct evidence *e, const char *domain)
{
	const char *passed = list_passed(a, e->ids, e->n);

	if (passed[0] == '\0')
		return arena_printf(a, "neither SPF nor DKIM passes");
	return arena_printf(a, "not aligned with %s: %s", domain, passed);
}

static int
set_result(struct dmarc_answer *w, enum dmarc_result result,
    const char *reason)
{
	w->result = result;
	w->reason = reason;
	return 0;
}

static int
set_failed(struct arena *a, struct dmarc_answer *w,
    const struct dmarc_name *at)
{
	return set_result(w, DMARC_TEMPERROR, arena_printf(a,
	    "DNS failed for _dmarc.%s: %s", at->domain, at->why));
}

/* There is a usable policy. */
static MAY_YIELD int
judge(struct dmarc *d, const struct owner *o, const struct evidence *e,
    struct dmarc_answer *w, struct err *err)
{
	struct arena *a = d->arena;
	struct dmarc_aligned unproven;

	if (dmarc_align(a, &d->work->names, o->domain, &o->found, e->ids,
	    e->n, DMARC_ID_PASS, e->deadline, &w->aligned, err) < 0)
		return -1;
	if (w->aligned.n > 0)
		return set_result(w, DMARC_PASS, list_passed(a,
		    w->aligned.ids, w->aligned.n));
	if (w->aligned.failed != NULL)
		return set_failed(a, w, w->aligned.failed);
	if (dmarc_align(a, &d->work->names, o->domain, &o->found, e->ids,
	    e->n, DMARC_ID_TEMPERROR, e->deadline, &unproven, err) < 0)
		return -1;
	if (unproven.n > 0)
		return set_result(w, DMARC_TEMPERROR, arena_printf(a,
		    "%s had a temporary error for %s",
		    unproven.by_spf ? "SPF" : "DKIM",
		    unproven.ids[0].domain));
	if (unproven.failed != NULL)
		return set_failed(a, w, unproven.failed);
	if (o->existence == UNSURE)
		return set_result(w, DMARC_TEMPERROR, arena_printf(a,
		    "DNS failed: does %s exist?", o->domain));
	return set_result(w, DMARC_FAIL, explain_fail(a, e, o->domain));
}

static MAY_YIELD int
evaluate(struct dmarc *d, const struct owner *o, const struct evidence *e,
    struct dmarc_answer *w, struct err *err)
{
	*w = (struct dmarc_answer){
		.domain = o->domain, .org_domain = o->found.org,
		.considered = o->found.considered,
		.nconsidered = o->found.nconsidered
	};
	if (!d->work->is_done)
		return set_result(w, DMARC_TEMPERROR,
		    "the lookups were stopped");
	if (o->found.failed != NULL)
		return set_failed(d->arena, w, o->found.failed);
	if (o->found.policy == NULL)
		return set_result(w, DMARC_NONE, "no DMARC record");
	set_policy(o, w);
	if (!o->found.policy->record.is_usable)
		return set_result(w, DMARC_NONE,
		    "the DMARC record has no valid policy");
	return judge(d, o, e, w, err);
}

/* --- the message --- */

/* Of several author domains the strictest that fails counts. */
static int
weight(const struct dmarc_answer *w)
{
	if (w->result == DMARC_FAIL)
		return 2 + (int)w->policy;
	return w->result == DMARC_TEMPERROR;
}

MAY_YIELD int
dmarc_check(struct dmarc *d, const struct dmarc_identifier *ids, size_t n,
    int64_t deadline, struct dmarc_answer *answer, struct err *err)
{
	struct evidence e = { .deadline = deadline };
	struct dmarc_answer one;
	size_t i;

	for (e.n = 0; e.n < n && e.n < DMARC_IDENTIFIERS; e.n++) {
		e.ids[e.n] = ids[e.n];
		e.ids[e.n].domain = canonical(d->arena, ids[e.n].domain);
	}
	if (task_await(d->task, err) < 0)
		return -1;
	*answer = (struct dmarc_answer){ .result = DMARC_PERMERROR };
	for (i = 0; i < d->work->nowners; i++) {
		if (evaluate(d, &d->work->owners[i], &e, &one, err) < 0)
			return -1;
		if (i == 0 || weight(&one) > weight(answer))
			*answer = one;
	}
	if (d->fault == NULL)
		return 0;
	if (weight(answer) > 0)
		answer->reason = arena_printf(d->arena, "%s; %s",
		    answer->reason, d->fault);
	else
		*answer = (struct dmarc_answer){
			.result = DMARC_PERMERROR, .reason = d->fault
		};
	return 0;
}
