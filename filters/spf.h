#ifndef FILTERS_SPF_H
#define FILTERS_SPF_H
#include <stddef.h>
#include <stdint.h>
#include "base/addr.h"
#include "base/arena.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/fiber.h"
#include "base/span.h"
/*
 * spf -- may this client send for this domain?               RFC 7208, 8616
 *
 * spf_check() looks at one identity, the HELO name or the sender, and finds
 * one of the seven results. A DNS failure is the result SPF_TEMPERROR, not an
 * error. Two engines: our own, which does what RFC 7208 says, and libspf2,
 * for the answers that Exim and OpenDMARC give; both under the same limits.
 *
 * A record is read whole before anything of it is evaluated: a syntax error
 * anywhere is SPF_PERMERROR. SPF_NONE without a question to DNS: a client
 * that has no IP address, a domain that is none or has only one label.
 *
 * Yields    for each lookup, at most `timeout` in all. What the terms of a
 *           record ask for is asked ahead, while the first is waited for.
 * Memory    answer strings live in the arena given, which also holds what was
 *           looked up; nothing to free.
 * Errors    -1 only with ERR_CLOSED: this fiber must stop.
 * Limits    of one evaluation, over all includes and redirects; what is over
 *           them is SPF_PERMERROR, unless said otherwise.
 */
#define SPF_LIMIT_TERMS		10	/* that look something up: 4.6.4 */
#define SPF_LIMIT_VOIDS		2	/* terms that found nothing: 4.6.4 */
#define SPF_LIMIT_NAMES		10	/* of an mx; of the client's reverse
					   names the first 10 count: 4.6.4 */
#define SPF_LIMIT_RECORD	16384	/* octets; a UDP answer has 512, real
					   records stay far below 4096 */
#define SPF_LIMIT_WRITTEN	1500	/* terms in one record: as many as
					   ip4 terms fit into such a record */
#define SPF_LIMIT_DOMAIN	512	/* octets of a term's domain, macros
					   not expanded; a name has 253 */
#define SPF_LIMIT_EXPLANATION	400	/* octets, cut: fits a reply line */
#define SPF_TIMEOUT		(10 * CLOCK_S)	/* all of it, and one lookup */
#define SPF_LOOKUP_TIMEOUT	(5 * CLOCK_S)

enum spf_result { SPF_NONE, SPF_NEUTRAL, SPF_PASS, SPF_FAIL, SPF_SOFTFAIL,
    SPF_TEMPERROR, SPF_PERMERROR };
enum spf_engine { SPF_ENGINE_OWN, SPF_ENGINE_LIBSPF2 };
enum spf_identity { SPF_MAILFROM, SPF_HELO };

struct spf_options {
	enum spf_engine	 engine;
	int64_t		 timeout;		/* 0: SPF_TIMEOUT */
	int64_t		 lookup_timeout;	/* 0: SPF_LOOKUP_TIMEOUT */
	const char	*receiver;		/* %{r}; NULL: "unknown" */
};

struct spf_query {
	enum spf_identity	 identity;
	const struct addr	*client;
	const char		*helo;		/* as given; NULL: none was */
	struct span		 sender;	/* of MAIL, without < >; empty:
						   postmaster@HELO is checked */
};

struct spf_answer {
	enum spf_result	 result;
	const char	*domain;	/* that was checked: A-labels, lower
					   case; "": there was none */
	const char	*explanation;	/* of a fail, by the domain's owner, in
					   printable ASCII; or NULL */
	const char	*mechanism;	/* what matched, as the record has it;
					   NULL: nothing did, an error, or
					   libspf2, which does not tell */
	const char	*problem;	/* why none, temperror or permerror;
					   names domain and term; or NULL */
	unsigned	 lookups;	/* questions waited for */
	unsigned	 terms;		/* that looked something up */
	unsigned	 voids;		/* of these: found nothing */
};

MAY_YIELD int	 spf_check(struct arena *a, const struct spf_options *options,
		    const struct spf_query *query, struct spf_answer *answer,
		    struct err *err);
const char	*spf_result_name(enum spf_result result); /* "pass", ... */
#endif
