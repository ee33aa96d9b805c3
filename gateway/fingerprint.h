#ifndef GATEWAY_FINGERPRINT_H
#define GATEWAY_FINGERPRINT_H
#include <stdbool.h>
#include <stdint.h>
#include "base/arena.h"
#include "base/span.h"
#include "filters/digest.h"
#include "policy/header.h"
/*
 * fingerprint -- is this the message that came before?
 *
 * What a sender's retries have in common, and another message has not: the
 * body to the octet, and the header but for what machines add that hand it on,
 * which may differ from one try to the next: Received, signatures and results
 * (DKIM, ARC, SPF), Return-Path, and what begins with "X-". A message without a
 * Message-ID is told by its whole header: one more copy does less harm than a
 * mail that was taken for another. One that has not even a Date or a Received
 * field may be sent again, word for word, and be another: nothing tells that.
 *
 *	f = fingerprint_begin(a);
 *	fingerprint_feed(f, &scan, run);	behind header_feed()
 *	is_one = fingerprint_end(f, &scan, print);
 *
 * Memory    of the mail's arena; the header is gathered. Limits are the
 *           caller's, who feeds no message that will be refused for them.
 */
struct fingerprint;

struct fingerprint *fingerprint_begin(struct arena *a);
void		 fingerprint_feed(struct fingerprint *f,
		    const struct header_scan *scan, struct span run);
/* Once, behind header_scan_end(). False: another message may have the same. */
bool		 fingerprint_end(struct fingerprint *f,
		    const struct header_scan *scan,
		    uint8_t print[DIGEST_SIZE]);
#endif
