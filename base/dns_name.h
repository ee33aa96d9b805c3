#ifndef BASE_DNS_NAME_H
#define BASE_DNS_NAME_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "base/arena.h"
/*
 * dns_name -- domain names, as text and as octets              RFC 1035 3.1
 *
 * Held in wire form, lower case, without compression: two names are the same
 * when their octets are. In text that comes in, each octet stands for itself
 * and only "." separates; in text that goes out, an octet that is not a
 * letter, digit or plain sign is escaped ("\." or "\032"), so that nothing
 * out of DNS can pass for something else.
 */
#define DNS_NAME_WIRE	255
#define DNS_NAME_TEXT	1024		/* each octet escaped, and a NUL */

struct dns_name {
	size_t		len;		/* with the root's 0 octet */
	uint8_t		octets[DNS_NAME_WIRE];
};

/* -1: an empty label, a label over 63 octets, over 253 in all. One final dot
 * is allowed; the root itself is not. */
int	 dns_name_from_text(const char *text, struct dns_name *name);
/* Reads the name at *at of a packet and moves *at behind it; follows
 * compression. -1: damaged. */
int	 dns_name_from_packet(const uint8_t *packet, size_t len, size_t *at,
	    struct dns_name *name);
bool	 dns_name_same(const struct dns_name *a, const struct dns_name *b);
/* Escaped, without final dot; the root is "". */
void	 dns_name_print(const struct dns_name *name, char out[DNS_NAME_TEXT]);
char	*dns_name_text(struct arena *a, const struct dns_name *name);
#endif
