#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "base/dns.h"
#include "filters/dmarc_walk.h"

#define CUT		7	/* labels that are left of a longer name */
#define PREFIX		"_dmarc."
#define NAME_LONGEST	253	/* RFC 1035 3.1, as text */

/* One walk: the answers in its order, to where it stops. */
struct walk {
	const struct dmarc_name	*steps[DMARC_WALK];
	size_t			 n;
	const struct dmarc_name	*failed;	/* the last step; no org */
	const struct dmarc_name	*psd;		/* the last step, psd=y */
	const char		*org;
};

/* --- names --- */

static const char *
parent_of(const char *domain)
{
	const char *dot = strchr(domain, '.');

	return dot == NULL ? NULL : dot + 1;
}

static size_t
count_labels(const char *domain)
{
	size_t n = 0;

	for (; domain != NULL; domain = parent_of(domain))
		n++;
	return n;
}

size_t
dmarc_walk_names(const char *domain, const char *names[DMARC_WALK])
{
	size_t labels = count_labels(domain), n = 0;

	names[n++] = domain;
	for (domain = parent_of(domain); domain != NULL;
	    domain = parent_of(domain))
		if (--labels <= CUT)
			names[n++] = domain;
	return n;
}

/* NULL: no such name can exist. */
static const char *
record_name(struct arena *a, const char *domain)
{
	if (strlen(PREFIX) + strlen(domain) > NAME_LONGEST)
		return NULL;
	return arena_printf(a, "%s%s", PREFIX, domain);
}

void
dmarc_walk_prefetch(const char *domain)
{
	const char *names[DMARC_WALK];
	char name[NAME_LONGEST + 1];
	size_t n = dmarc_walk_names(domain, names), i;

	for (i = 0; i < n; i++)
		if ((size_t)snprintf(name, sizeof(name), "%s%s", PREFIX,
		    names[i]) < sizeof(name))
			dns_prefetch(name, DNS_TXT);
}

/* --- what is known --- */

static struct dmarc_name *
find(const struct dmarc_names *known, const char *domain)
{
	struct dmarc_name *name;

	for (name = known->first; name != NULL; name = name->next)
		if (strcmp(name->domain, domain) == 0)
			return name;
	return NULL;
}

static struct dmarc_name *
add(struct dmarc_names *known, const char *domain)
{
	struct dmarc_name *name = arena_new(known->arena, struct dmarc_name);

	name->domain = arena_strdup(known->arena, domain);
	name->next = known->first;
	known->first = name;
	return name;
}

/* Records of another kind are left out; of several none counts. */
static void
read_answer(struct arena *a, const struct dns_answer *answer,
    struct dmarc_name *name)
{
	struct dmarc_record record;
	size_t i, n = 0;

	if (answer->outcome == DNS_FAIL) {
		name->why = answer->why;
		return;
	}
	for (i = 0; i < answer->n; i++)
		if (dmarc_record_parse(answer->records[i].data, &record)) {
			name->record = record;
			name->text = arena_copy(a, answer->records[i].data);
			n++;
		}
	name->at = n == 1 ? DMARC_RECORD : DMARC_NO_RECORD;
}

MAY_YIELD int
dmarc_names_ask(struct dmarc_names *known, const char *const *domains,
    size_t n, int64_t deadline, struct err *err)
{
	struct dns_query *queries = arena_new_n(known->arena, n + 1,
	    struct dns_query);
	struct dmarc_name **asked = arena_new_n(known->arena, n + 1,
	    struct dmarc_name *);
	size_t i, nasked = 0;

	for (i = 0; i < n; i++) {
		if (find(known, domains[i]) != NULL)
			continue;
		asked[nasked] = add(known, domains[i]);
		queries[nasked] = (struct dns_query){
			.name = record_name(known->arena, domains[i]),
			.type = DNS_TXT
		};
		if (queries[nasked].name == NULL)
			continue;
		asked[nasked]->at = DMARC_DNS_FAILED;
		asked[nasked++]->why = "not answered";
	}
	if (nasked == 0)
		return 0;
	if (dns_lookup_all(known->arena, queries, nasked, deadline, err) < 0)
		return -1;
	for (i = 0; i < nasked; i++)
		read_answer(known->arena, &queries[i].answer, asked[i]);
	return 0;
}

/* --- the walk --- */

/* The name with one label more than that of the record. */
static const char *
one_below(const char *domain, const char *above)
{
	const char *p = domain + strlen(domain) - strlen(above) - 1;

	while (p > domain && p[-1] != '.')
		p--;
	return p;
}

static void
walk(const struct dmarc_names *known, const char *domain, struct walk *w)
{
	const char *names[DMARC_WALK];
	const struct dmarc_name *step;
	size_t n = dmarc_walk_names(domain, names);

	*w = (struct walk){ .org = domain };
	while (w->n < n) {
		step = find(known, names[w->n]);
		assert(step != NULL);
		w->steps[w->n++] = step;
		if (step->at == DMARC_DNS_FAILED) {
			w->failed = step;
			w->org = NULL;
			return;
		}
		if (step->at != DMARC_RECORD)
			continue;
		if (step->record.psd == DMARC_PSD_Y && w->n > 1) {
			w->psd = step;
			w->org = one_below(domain, step->domain);
			return;
		}
		w->org = step->domain;	/* so far the fewest labels */
		if (step->record.psd != DMARC_PSD_U)
			return;
	}
}

const char *
dmarc_org_domain(const struct dmarc_names *known, const char *domain,
    const struct dmarc_name **failed)
{
	struct walk w;

	walk(known, domain, &w);
	if (w.failed != NULL)
		*failed = w.failed;
	return w.org;
}

/* 4.10.1: the organizational domain's own, or else that of the public suffix
 * above it. */
static const struct dmarc_name *
inherited(const struct walk *w)
{
	size_t i;

	for (i = 1; i < w->n; i++)
		if (w->steps[i]->at == DMARC_RECORD &&
		    strcmp(w->steps[i]->domain, w->org) == 0)
			return w->steps[i];
	return w->psd;
}

void
dmarc_discover(const struct dmarc_names *known, const char *domain,
    struct dmarc_found *out)
{
	struct walk w;
	size_t i;

	walk(known, domain, &w);
	*out = (struct dmarc_found){
		.org = w.org, .org_failed = w.failed, .nconsidered = w.n,
		.is_own = w.steps[0]->at == DMARC_RECORD
	};
	if (out->is_own) {
		out->policy = w.steps[0];
		out->nconsidered = 1;
	} else if (w.failed != NULL)
		out->failed = w.failed;
	else
		out->policy = inherited(&w);
	for (i = 0; i < out->nconsidered; i++)
		out->considered[i] = w.steps[i]->domain;
}
