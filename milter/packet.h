#ifndef MILTER_PACKET_H
#define MILTER_PACKET_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "base/buf.h"
#include "base/conn.h"
#include "base/err.h"
#include "base/span.h"
/*
 * packet -- the framing of the milter protocol, both ways
 *
 * A packet is a length of four octets (network order), a command of one octet
 * and data; the length counts the command. Packets are gathered in a buf and
 * sent together, read one by one:
 *
 *	at = packet_begin(&out, SMFIC_HELO);
 *	packet_put_string(&out, name);
 *	packet_end(&out, at);
 *	conn_write(c, out.p, out.len, deadline, &err) ...
 *	packet_read(c, terms.chunk, deadline, &room, &p, &err) ...
 *
 * Yields    packet_read(), until the packet is there whole
 * Memory    what was read lies in `room`, until it is used again; it grows
 *           with what comes, never by what a length announces. The conn holds
 *           nothing behind it, unless more has come.
 * Errors    ERR_SYNTAX: no packet of this protocol, or one that is too large;
 *           the connection is of no use then. Or conn's, and how far it came.
 */
#define PACKET_HEAD	5	/* the length and the command */

struct packet {
	char		command;
	struct span	data;
};

void	packet_put(struct buf *b, char command, struct span data);
/* What is put between the two is the data. */
size_t	packet_begin(struct buf *b, char command);
void	packet_end(struct buf *b, size_t at);
/* The head alone, for data that is sent from where it lies (conn_writev()). */
void	packet_head(char head[PACKET_HEAD], char command, size_t len);

void	packet_put_uint(struct buf *b, uint32_t value);
/* With the NUL behind it. One inside of the text cannot be told: it becomes
 * "?". */
void	packet_put_string(struct buf *b, struct span text);
/* Take one off the front of the data; false if there is none, or no NUL. */
bool	packet_uint(struct span *data, uint32_t *value);
bool	packet_string(struct span *data, struct span *text);

/* Reads one packet of at most `most` octets of data. */
MAY_YIELD int packet_read(struct conn *c, size_t most, int64_t deadline,
	    struct buf *room, struct packet *p, struct err *err);

#define PACKET_LETTER	8
/* 'y', or 0x01 if it cannot be printed. */
const char *packet_letter(char command, char out[PACKET_LETTER]);
#endif
