#ifndef BASE_DNS_ANSWER_H
#define BASE_DNS_ANSWER_H
#include <stddef.h>
#include <stdint.h>
#include "base/arena.h"
#include "base/dns.h"
/*
 * dns_answer -- the answer in a DNS packet                RFC 1035 4, 2308
 *
 * Follows the CNAME chain from the question's name, at most DNS_CHAIN_MAX
 * links, to the records of the type asked for. Takes nothing in the packet
 * on trust: what is damaged or cut short is DNS_FAIL "malformed". The packet
 * is not needed afterwards.
 */
#define DNS_CHAIN_MAX	16

void	 dns_answer_parse(struct arena *a, const uint8_t *packet, size_t len,
	    enum dns_type type, struct dns_answer *answer);
void	 dns_answer_fail(struct dns_answer *answer, const char *why);
#endif
