#ifndef TESTS_BENCH_PACKET_H
#define TESTS_BENCH_PACKET_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
/*
 * packet -- a DNS question read, and its answer put together       RFC 1035 4
 *
 * Only as much as the server of names.c needs: one question, records of that
 * name, no compression but to it. An answer that is too long ends the program.
 */
#define PACKET_MAX	1232	/* what a resolver takes over UDP */

enum type { TYPE_A = 1, TYPE_SOA = 6, TYPE_PTR = 12, TYPE_MX = 15,
    TYPE_TXT = 16, TYPE_OPT = 41 };
enum rcode { RCODE_OK = 0, RCODE_NXDOMAIN = 3 };

struct packet {
	size_t		n;
	uint8_t		p[PACKET_MAX];
};

struct question {
	char		name[256];	/* lower case, no final dot */
	unsigned	type;
	size_t		end;		/* behind it in the packet */
};

/* false: it is none that can be answered. */
bool	packet_question(const uint8_t *p, size_t n, struct question *q);

/* An answer to the question at `p`: begun, filled in, ended. */
void	packet_begin(struct packet *k, const uint8_t *p,
	    const struct question *q);
void	packet_text(struct packet *k, const char *text);
void	packet_address(struct packet *k, unsigned ip);
/* PTR, or MX with a preference of 10. */
void	packet_name(struct packet *k, enum type type, const char *name);
bool	packet_is_empty(const struct packet *k);
/* Says for how long there will be nothing. */
void	packet_soa(struct packet *k, const char *zone, const char *server,
	    const char *mailbox);
void	packet_end(struct packet *k, const uint8_t *p, enum rcode rcode);
#endif
