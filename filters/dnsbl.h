#ifndef FILTERS_DNSBL_H
#define FILTERS_DNSBL_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "base/addr.h"
#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/fiber.h"
#include "base/histogram.h"
#include "base/json_write.h"
#include "base/span.h"
#include "conf/listing.h"
#include "filters/dnsbl_health.h"
#include "filters/dnsbl_query.h"
/*
 * dnsbl -- is the client, or a name that it uses, on a DNS list?  RFC 5782
 *
 * One object for a worker. dnsbl_check() asks all lists about all subjects
 * that it is given, at the same time: at connect the client's address, later
 * the names. What lists say is worth what their patterns say (listing.h): a
 * pattern counts once, however many addresses of an answer match it and
 * however many subjects have such an answer. A list without patterns lists
 * whatever it has an answer for, with a score of 0.
 *
 * Nobody is listed by a list that does not answer, that answers with an
 * error, or that is suspended (dnsbl_health.h).
 *
 * Yields    until all lists have answered or their timeouts are over; they
 *           run together, so a list that hangs costs its own timeout once.
 * Memory    answers live in the arena given.
 * Errors    -1 only with ERR_CLOSED: this fiber must stop.
 * Never     replies or logs. Zones are not told: a zone may hold a key.
 * Limits    DNSBL_QUESTIONS of one check, each a lookup: the rest is left
 *           out and counted (a message can name any number of domains; the
 *           first subjects win).
 */
#define DNSBL_QUESTIONS		128
#define DNSBL_REASON_MAX	200	/* a reply line has 512 octets in all */
/* What settings begin with. */
#define DNSBL_TIMEOUT		(3 * CLOCK_S)
#define DNSBL_PROBE_INTERVAL	(300 * CLOCK_S)

struct dnsbl;
struct dnsbl_options {
	const struct dnsbl_list	*lists;		/* outlive it */
	size_t			 n;
	int64_t			 probe_interval; /* 0: no guard */
	dnsbl_event_fn		*report;	/* NULL: nobody */
	void			*owner;
};

/* In an arena that outlives all fibers that use the object. */
struct dnsbl	*dnsbl_create(struct arena *a,
		    const struct dnsbl_options *options);
/* Tells its own fibers to end. Checks go on, by what is known so far. */
void		 dnsbl_stop(struct dnsbl *d);
/* Each list was probed once: the first client will be judged by all. */
bool		 dnsbl_is_probed(const struct dnsbl *d);

struct dnsbl_subject {
	enum listing_check	 check;	/* of a client: LISTING_CLIENT */
	const struct addr	*ip;	/* of a client */
	struct span		 name;	/* of all others; UTF-8 is allowed */
};

/* What one list says of one subject. */
struct dnsbl_result {
	const struct dnsbl_list	*list;
	enum listing_check	 check;
	const char		*subject;	/* address or A-labels */
	const char		*asked;		/* the whole name */
	struct dnsbl_reading	 reading;	/* of a SUSPENDED its `why` */
	bool			 is_silent;	/* SUSPENDED for silence */
};
struct dnsbl_answer {
	struct dnsbl_result	*results;	/* by subjects, then lists */
	size_t			 nresults;
	int64_t			 score;		/* hundredths */
	const char		**names;	/* lists with a hit, */
	size_t			 nnames;
	const char		**allow_names;	/* with a score below 0 */
	size_t			 nallow_names;
	const char		**tags;
	size_t			 ntags;
	/* Lists. Those that are suspended for silence are among the failed
	 * too, since nobody knows what they would say. */
	size_t			 failed, errors, suspended;
	size_t			 left_out;	/* questions not asked */
};

MAY_YIELD int	 dnsbl_check(struct arena *a, struct dnsbl *d,
		    const struct dnsbl_subject *subjects, size_t n,
		    struct dnsbl_answer *answer, struct err *err);
/* The answers of several checks as one: a pattern that matched in more than
 * one of them still counts once. */
void		 dnsbl_join(struct arena *a,
		    const struct dnsbl_answer *const *answers, size_t n,
		    struct dnsbl_answer *all);
/* What the list says to people about a listing (its TXT record), fit for a
 * reply: white space and control characters become single spaces, other
 * octets outside ASCII "?", DNSBL_REASON_MAX at most. NULL: nothing, or no
 * answer in time. */
MAY_YIELD int	 dnsbl_reason(struct arena *a,
		    const struct dnsbl_result *result, int64_t deadline,
		    const char **text, struct err *err);

struct dnsbl_stats {		/* of one list, in questions */
	uint64_t	 asked, listed, failed, errors, suspended;
	struct histogram time;		/* of those asked */
};
size_t		 dnsbl_count(const struct dnsbl *d);	/* lists */
const char	*dnsbl_name(const struct dnsbl *d, size_t list);
const struct dnsbl_stats *dnsbl_statistics(const struct dnsbl *d,
		    size_t list);
/* The member "lists" of an object: of each its state, what was asked of it,
 * and why of each side that is not asked. */
void		 dnsbl_status(const struct dnsbl *d, struct json_out *o);
#endif
