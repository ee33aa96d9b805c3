#include <string.h>

#include "filters/dmarc_align.h"

/* One author domain. */
struct side {
	const char			*author;
	const struct dmarc_found	*found;
};

static bool
is_within(const char *name, const char *domain)
{
	size_t len = strlen(name), dlen = strlen(domain);

	return len >= dlen && strcmp(name + len - dlen, domain) == 0 &&
	    (len == dlen || name[len - dlen - 1] == '.');
}

/* Not the same name, relaxed, and within reach. */
static bool
hangs_on_walk(const struct side *s, const struct dmarc_identifier *id)
{
	const struct dmarc_record *r = &s->found->policy->record;

	return id->domain != NULL && strcmp(id->domain, s->author) != 0 &&
	    !(id->method == DMARC_SPF ? r->strict_spf : r->strict_dkim) &&
	    (s->found->org == NULL || is_within(id->domain, s->found->org));
}

static MAY_YIELD int
ask_walks(struct dmarc_names *known, const struct side *s,
    const struct dmarc_identifier *ids, size_t n, enum dmarc_outcome outcome,
    int64_t deadline, struct err *err)
{
	const char *names[DMARC_IDENTIFIERS * DMARC_WALK];
	size_t nnames = 0, i;

	if (s->found->org == NULL)	/* nothing to compare with */
		return 0;
	for (i = 0; i < n; i++)
		if (ids[i].outcome == outcome && hangs_on_walk(s, &ids[i]))
			nnames += dmarc_walk_names(ids[i].domain,
			    names + nnames);
	return dmarc_names_ask(known, names, nnames, deadline, err);
}

static bool
is_aligned(const struct dmarc_names *known, const struct side *s,
    const struct dmarc_identifier *id, const struct dmarc_name **failed)
{
	const char *org;

	if (id->domain == NULL)
		return false;
	if (strcmp(id->domain, s->author) == 0)
		return true;
	if (!hangs_on_walk(s, id))
		return false;
	if (s->found->org == NULL) {
		*failed = s->found->org_failed;
		return false;
	}
	org = dmarc_org_domain(known, id->domain, failed);
	return org != NULL && strcmp(org, s->found->org) == 0;
}

MAY_YIELD int
dmarc_align(struct arena *a, struct dmarc_names *known, const char *author,
    const struct dmarc_found *found, const struct dmarc_identifier *ids,
    size_t n, enum dmarc_outcome outcome, int64_t deadline,
    struct dmarc_aligned *out, struct err *err)
{
	struct side s = { author, found };
	size_t i;

	if (n > DMARC_IDENTIFIERS)
		n = DMARC_IDENTIFIERS;
	*out = (struct dmarc_aligned){
		.ids = arena_new_n(a, n + 1, struct dmarc_identifier)
	};
	if (ask_walks(known, &s, ids, n, outcome, deadline, err) < 0)
		return -1;
	for (i = 0; i < n; i++) {
		if (ids[i].outcome != outcome ||
		    !is_aligned(known, &s, &ids[i], &out->failed))
			continue;
		out->ids[out->n++] = ids[i];
		out->by_spf |= ids[i].method == DMARC_SPF;
		out->by_dkim |= ids[i].method == DMARC_DKIM;
	}
	return 0;
}
