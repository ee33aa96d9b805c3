#ifndef TESTS_KIT_DNSD_H
#define TESTS_KIT_DNSD_H
#include <stdint.h>
/*
 * dnsd -- a DNS server for tests, over a text zone (base/dns_zone.h)
 *
 * Answers over UDP and TCP on a free port of 127.0.0.1, on the loop of the
 * test. What does not fit into 1232 octets is cut over UDP. One that is
 * stopped may have answers to send still: its fibers end without.
 */
struct dnsd;

struct dnsd	*dnsd_start(const char *zone);	/* or ends the test */
void		 dnsd_stop(struct dnsd **d);
/* From now on each answer over UDP is late by up to `most` us, at random; the
 * same seed gives the same times. */
void		 dnsd_dither(struct dnsd *d, uint32_t seed, int64_t most);
const char	*dnsd_address(const struct dnsd *d);	/* "127.0.0.1:5353" */
/* How often the name was asked for, of any type; NULL: all questions. */
unsigned	 dnsd_asked(const struct dnsd *d, const char *name);
unsigned	 dnsd_by_tcp(const struct dnsd *d);
#endif
