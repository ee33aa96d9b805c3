#ifndef TESTS_KIT_DMARC_ASK_H
#define TESTS_KIT_DMARC_ASK_H
#include <stdint.h>
/*
 * dmarc_ask -- one message before filters/dmarc.c, and what it says
 *
 * A text zone (base/dns_zone.h), the value of the From field, and what
 * authenticated the message as words: "spf:x.example" and "dkim:x.example"
 * passed, "?dkim:x.example" had a temporary error, "!dkim:x.example" failed.
 */
#define DMARC_AT(domain, text) \
	"_dmarc." domain " TXT \"v=DMARC1; " text "\"\n"
#define DMARC_SERVFAIL(name)	"_dmarc." name " servfail\n"

struct dmarc_asked {
	char		 answer[1000];	/* "fail reject sp@x.example
					   org=x.example spf dkim" */
	char		 considered[2100];	/* names, a blank between */
	char		 reason[1000];
	uint64_t	 lookups;
};

/* Valid until the next one. In a loop, outside of fibers. */
const struct dmarc_asked *dmarc_ask(const char *zone, const char *from,
		    const char *ids);
#endif
