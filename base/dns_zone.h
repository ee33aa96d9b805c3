#ifndef BASE_DNS_ZONE_H
#define BASE_DNS_ZONE_H
#include <stdbool.h>
#include <stdint.h>
#include "base/arena.h"
#include "base/buf.h"
#include "base/dns_name.h"
#include "base/err.h"
/*
 * dns_zone -- DNS for tests, out of a few lines of text
 *
 *	# A line that begins with # is a comment.
 *	mail.x.example   A      192.0.2.9
 *	mail.x.example   AAAA   2001:db8::9
 *	x.example   60   MX     10 mail.x.example	a TTL; else 300
 *	null.example     MX     0 .
 *	x.example        TXT    "v=spf1 mx" " -all"	strings, joined
 *	www.x.example    CNAME  x.example		also NS, PTR
 *	9.2.0.192.in-addr.arpa  PTR  mail.x.example
 *	_25._tcp.mail.x.example TLSA 3 1 1 0123abcd
 *	silent.example   timeout	no answer ever comes
 *	broken.example   servfail
 *	forged.example   bogus		DNSSEC says no; a server: servfail
 *	signed.example   secure		DNSSEC says yes
 *	big.example      truncate	a server's answer over UDP is cut
 *	slow.example     delay 200	milliseconds
 *	"a name with  spaces.example" A 192.0.2.9
 *
 * What is not there is NXDOMAIN, or NODATA where the name (or one beneath it)
 * has other records; both may be kept for DNS_ZONE_NEGATIVE seconds. Names
 * are as in dns.h: without escapes.
 *
 * Two things answer from it: tests/fake/dns.c in the place of base/dns.c,
 * and the server tests/kit/dnsd.c. Neither is part of the product: this file
 * is in libfakedns.a.
 *
 * Errors    "zone line 3: ...", ERR_CONFIG.
 */
#define DNS_ZONE_NEGATIVE	60

struct dns_zone;

enum dns_zone_outcome { DNS_ZONE_ANSWER, DNS_ZONE_TIMEOUT, DNS_ZONE_SERVFAIL,
    DNS_ZONE_BOGUS };

struct dns_zone_how {
	enum dns_zone_outcome	 outcome;
	bool			 secure, truncate;
	int64_t			 delay;		/* us */
};

struct dns_zone	*dns_zone_parse(struct arena *a, const char *text,
		    struct err *err);
/* Appends the whole answer as a packet, with id 0, CNAMEs followed (SERVFAIL
 * for all but DNS_ZONE_ANSWER). */
void		 dns_zone_answer(const struct dns_zone *zone,
		    const struct dns_name *name, unsigned type,
		    struct buf *packet, struct dns_zone_how *how);
#endif
