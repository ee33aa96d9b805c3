#ifndef FILTERS_DMARC_H
#define FILTERS_DMARC_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "base/arena.h"
#include "base/err.h"
#include "base/fiber.h"
#include "filters/dmarc_align.h"
#include "filters/dmarc_record.h"
#include "policy/author.h"
/*
 * dmarc -- is the author domain vouched for by SPF or DKIM?         RFC 9989
 *
 *	dmarc_prefetch(sender's domain)		at MAIL
 *	d = dmarc_begin(a, &author, deadline)	as soon as the header is known
 *	dmarc_expect(d, domain)			of SPF's pass and of each d=
 *	... the body comes, signatures are checked ...
 *	dmarc_check(d, ids, n, deadline, &answer, &err)
 *
 * dmarc_begin() starts the walk of the author domain in a task of its own,
 * dmarc_expect() begins the lookups that alignment may need: with both, all of
 * DMARC's DNS lies within one round trip, beside that of the DKIM keys.
 *
 * Results   none: no record, or one that asks for nothing (4.10.1). A failure
 *           of DNS is temperror, never fail and never none; but only if the
 *           result hangs on it. permerror: there is no one author domain.
 * Authors   a message without exactly one author domain (author.h) can fail,
 *           never pass: each domain is evaluated, and the strictest of those
 *           that fail is the answer (11.5).
 * Policy    what the record asks for mail of this domain that fails, after
 *           sp, np and t; that p=reject alone is no reason to refuse (7.4) is
 *           the rules' business.
 * Yields    dmarc_check(), until the deadlines.
 * Memory    in the arena of dmarc_begin(), with which the lookups end too.
 * Errors    -1 only with ERR_CLOSED: this fiber must stop.
 * Limits    AUTHOR_DOMAINS authors with 8 lookups and one for its existence
 *           each, DMARC_IDENTIFIERS identifiers with at most 8: 164 in all;
 *           2 or 3 for most mail. No name is asked twice.
 */
enum dmarc_result { DMARC_NONE, DMARC_PASS, DMARC_FAIL, DMARC_TEMPERROR,
    DMARC_PERMERROR };

struct dmarc_answer {
	enum dmarc_result	 result;
	const char		*reason;	/* for people */
	const char		*domain;	/* the author domain that this
						   is about; NULL: none */
	const char		*org_domain;	/* its organizational domain;
						   NULL: not known */
	const char		*record_at;	/* NULL: no record */
	const char		*record;	/* its text */
	enum dmarc_policy	 policy;	/* asked of this mail if it
						   fails: after sp, np, t */
	enum dmarc_policy	 published;	/* before t */
	const char		*policy_tag;	/* "p", "sp", "np": where that
						   stands */
	bool			 testing;	/* t=y */
	bool			 strict_spf, strict_dkim;
	struct dmarc_aligned	 aligned;	/* those that passed */
	/* The names whose _dmarc policy discovery considered, in the order
	 * of RFC 9989 4.10. */
	const char *const	*considered;
	size_t			 nconsidered;
};

struct dmarc;

void		 dmarc_prefetch(const char *domain);
struct dmarc	*dmarc_begin(struct arena *a, const struct author *author,
		    int64_t deadline);
void		 dmarc_expect(struct dmarc *d, const char *domain);
/* The identifiers' domains in any form of the name; SPF's had best be first,
 * since only DMARC_IDENTIFIERS count. */
MAY_YIELD int	 dmarc_check(struct dmarc *d,
		    const struct dmarc_identifier *ids, size_t n,
		    int64_t deadline, struct dmarc_answer *answer,
		    struct err *err);
const char	*dmarc_result_name(enum dmarc_result result);
#endif
