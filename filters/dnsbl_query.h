#ifndef FILTERS_DNSBL_QUERY_H
#define FILTERS_DNSBL_QUERY_H
#include "base/addr.h"
#include "base/arena.h"
#include "base/dns.h"
#include "base/span.h"
#include "conf/listing.h"
/*
 * dnsbl_query -- a question to a DNS list, and what its answer says
 *							RFC 5782 2.1, 2.3, 2.4
 *
 * A prefix is what stands in front of the list's zone: the octets of an IPv4
 * address or the hex digits of an IPv6 one in reverse order with dots, or a
 * domain in A-labels.
 *
 * Not asked (NULL): names of one label (the lists themselves have the test
 * entry TEST, so whoever says HELO test would be listed); addresses in the
 * place of a domain, with brackets or without; what is no name in DNS.
 *
 * Memory    everything lives in the arena given.
 * Limits    DNSBL_ADDRESSES of an answer are looked at: a list has a handful
 *           of them, a packet has room for thousands.
 */
#define DNSBL_ADDRESSES	64

enum dnsbl_side { DNSBL_IPV4, DNSBL_IPV6, DNSBL_DOMAIN };
#define DNSBL_SIDES	3

/* Private, loopback or link-local, which no public list knows; no address. */
bool		 dnsbl_query_is_private(const struct addr *ip);
/* Of IPv4 or IPv6. */
const char	*dnsbl_query_address(struct arena *a, const struct addr *ip,
		    enum dnsbl_side *side);
const char	*dnsbl_query_domain(struct arena *a, struct span domain);
/* NULL: longer than DNS allows. */
const char	*dnsbl_query_name(struct arena *a, const char *prefix,
		    const char *zone);

enum dnsbl_state {
	DNSBL_UNLISTED,
	DNSBL_LISTED,
	DNSBL_FAILED,		/* no answer in time, or DNS is broken */
	DNSBL_ERROR,		/* an answer that is not to be believed */
	DNSBL_SUSPENDED		/* not asked: see dnsbl_health.h */
};
struct dnsbl_reading {
	enum dnsbl_state	 state;
	enum listing_verdict	 verdict;	/* of its addresses */
	uint64_t		 matched;	/* patterns */
	struct listing_address	*addresses;
	size_t			 n;
	const char		*why;		/* FAILED, ERROR: a few words */
};
void		 dnsbl_query_read(struct arena *a,
		    const struct dnsbl_list *list,
		    const struct dns_answer *answer,
		    struct dnsbl_reading *reading);
const char	*dnsbl_state_name(enum dnsbl_state state);
const char	*dnsbl_side_name(enum dnsbl_side side);
unsigned	 dnsbl_side_checks(enum dnsbl_side side); /* listing_check */
#endif
