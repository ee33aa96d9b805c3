#include <arpa/inet.h>
#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "milter/packet.h"

#define STEP	(16 * 1024)	/* the buffer grows by this much before it is
				   filled, whatever was announced */

void
packet_head(char head[PACKET_HEAD], char command, size_t len)
{
	uint32_t n;

	assert(len < UINT32_MAX);
	n = htonl((uint32_t)len + 1);
	memcpy(head, &n, sizeof(n));
	head[4] = command;
}

void
packet_put(struct buf *b, char command, struct span data)
{
	char head[PACKET_HEAD];

	packet_head(head, command, data.len);
	buf_put(b, head, sizeof(head));
	buf_span(b, data);
}

size_t
packet_begin(struct buf *b, char command)
{
	size_t at = b->len;

	packet_put(b, command, span_n(NULL, 0));
	return at;
}

void
packet_end(struct buf *b, size_t at)
{
	assert(b->len >= at + PACKET_HEAD);
	packet_head(b->p + at, b->p[at + 4], b->len - at - PACKET_HEAD);
}

void
packet_put_uint(struct buf *b, uint32_t value)
{
	value = htonl(value);
	buf_put(b, &value, sizeof(value));
}

void
packet_put_string(struct buf *b, struct span text)
{
	size_t at = b->len;
	char *nul;

	buf_span(b, text);
	while (text.len > 0 && (nul = memchr(b->p + at, '\0',
	    b->len - at)) != NULL)
		*nul = '?';
	buf_put(b, "", 1);
}

bool
packet_uint(struct span *data, uint32_t *value)
{
	if (data->len < sizeof(*value))
		return false;
	memcpy(value, data->p, sizeof(*value));
	*value = ntohl(*value);
	data->p += sizeof(*value);
	data->len -= sizeof(*value);
	return true;
}

bool
packet_string(struct span *data, struct span *text)
{
	const char *nul = data->len > 0 ? memchr(data->p, '\0', data->len) :
	    NULL;

	if (nul == NULL)
		return false;
	*text = span_n(data->p, (size_t)(nul - data->p));
	data->p += text->len + 1;
	data->len -= text->len + 1;
	return true;
}

const char *
packet_letter(char command, char out[PACKET_LETTER])
{
	unsigned char c = (unsigned char)command;

	snprintf(out, PACKET_LETTER, c > ' ' && c < 0x7f ? "'%c'" : "0x%02x",
	    c);
	return out;
}

static int
read_head(struct conn *c, int64_t deadline, uint32_t *len, char *command,
    struct err *err)
{
	struct span in;

	while ((in = conn_input(c)).len < PACKET_HEAD)
		if (conn_fill(c, deadline, err) < 0)
			return in.len == 0 ? -1 : err_prefix(err,
			    "after %zu octets of a packet", in.len);
	packet_uint(&in, len);
	*command = in.p[0];
	conn_consume(c, PACKET_HEAD);
	return 0;
}

static int
check_length(uint32_t len, size_t most, char command, struct err *err)
{
	char letter[PACKET_LETTER];

	if (len == 0)
		return err_set(err, ERR_SYNTAX,
		    "a packet without a command, then %s",
		    packet_letter(command, letter));
	if (len - 1 > most)
		return err_set(err, ERR_SYNTAX, "a packet %s of %u octets "
		    "(0x%08x), where %zu is the most",
		    packet_letter(command, letter), len, len, most + 1);
	return 0;
}

MAY_YIELD int
packet_read(struct conn *c, size_t most, int64_t deadline, struct buf *room,
    struct packet *p, struct err *err)
{
	char letter[PACKET_LETTER];
	uint32_t len = 0;
	size_t left;
	ssize_t n;

	if (read_head(c, deadline, &len, &p->command, err) < 0 ||
	    check_length(len, most, p->command, err) < 0)
		return -1;
	buf_clear(room);
	for (left = len - 1; left > 0; left -= (size_t)n) {
		buf_reserve(room, left < STEP ? left : STEP);
		n = (ssize_t)(room->cap - room->len);
		n = conn_read(c, room->p + room->len, left < (size_t)n ?
		    left : (size_t)n, deadline, err);
		if (n < 0)
			return err_prefix(err, "after %zu of %u octets of "
			    "a packet %s", len - left, len,
			    packet_letter(p->command, letter));
		room->len += (size_t)n;
	}
	conn_rest(c);
	p->data = buf_text(room);
	return 0;
}
