#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/bench/packet.h"

#define TTL		3600
#define HEADER		12
#define STRING_MAX	255	/* of a TXT record */

static void
put(struct packet *k, const void *data, size_t n)
{
	if (k->n + n > sizeof(k->p)) {
		fprintf(stderr, "packet: an answer is too long\n");
		exit(111);
	}
	memcpy(k->p + k->n, data, n);
	k->n += n;
}

static void
put16(struct packet *k, unsigned v)
{
	uint8_t b[2] = { (uint8_t)(v >> 8), (uint8_t)v };

	put(k, b, 2);
}

static void
put32(struct packet *k, unsigned v)
{
	put16(k, v >> 16);
	put16(k, v & 0xffff);
}

static void
put_name(struct packet *k, const char *text)
{
	while (*text != '\0') {
		size_t n = strcspn(text, ".");
		uint8_t len = (uint8_t)n;

		put(k, &len, 1);
		put(k, text, n);
		text += n + (text[n] == '.');
	}
	put(k, "", 1);
}

#define QUESTION_NAME	0xc00c	/* a pointer to it */

/* Up to the length of the data, which end_record() fills in. The owner is the
 * name that was asked for, or a zone above it. */
static size_t
begin_record(struct packet *k, const char *zone, enum type type)
{
	if (zone == NULL)
		put16(k, QUESTION_NAME);
	else
		put_name(k, zone);
	put16(k, type);
	put16(k, 1);
	put32(k, TTL);
	put16(k, 0);
	return k->n;
}

static void
end_record(struct packet *k, size_t begin, unsigned section)
{
	size_t n = k->n - begin;

	k->p[begin - 2] = (uint8_t)(n >> 8);
	k->p[begin - 1] = (uint8_t)n;
	k->p[section + 1]++;
}

#define ANSWERS		6	/* where the header counts them */
#define AUTHORITY	8
#define ADDITIONAL	10

void
packet_text(struct packet *k, const char *text)
{
	size_t at = begin_record(k, NULL, TYPE_TXT);
	size_t left = strlen(text);

	while (left > 0) {
		uint8_t n = left < STRING_MAX ? (uint8_t)left : STRING_MAX;

		put(k, &n, 1);
		put(k, text, n);
		text += n;
		left -= n;
	}
	end_record(k, at, ANSWERS);
}

void
packet_address(struct packet *k, unsigned ip)
{
	size_t at = begin_record(k, NULL, TYPE_A);

	put32(k, ip);
	end_record(k, at, ANSWERS);
}

void
packet_name(struct packet *k, enum type type, const char *name)
{
	size_t at = begin_record(k, NULL, type);

	if (type == TYPE_MX)
		put16(k, 10);
	put_name(k, name);
	end_record(k, at, ANSWERS);
}

void
packet_soa(struct packet *k, const char *zone, const char *server,
    const char *mailbox)
{
	size_t at = begin_record(k, zone, TYPE_SOA);

	put_name(k, server);
	put_name(k, mailbox);
	for (int i = 0; i < 5; i++)
		put32(k, TTL);
	end_record(k, at, AUTHORITY);
}

bool
packet_question(const uint8_t *p, size_t n, struct question *q)
{
	size_t at = HEADER, len = 0;

	if (n < HEADER || p[4] != 0 || p[5] != 1)
		return false;
	while (at < n && p[at] != 0) {
		size_t label = p[at++];

		if (label > 63 || label > n - at ||
		    len + label + 2 > sizeof q->name)
			return false;
		if (len > 0)
			q->name[len++] = '.';
		for (; label > 0; label--)
			q->name[len++] = (char)tolower(p[at++]);
	}
	q->name[len] = '\0';
	if (n < at + 5)
		return false;
	q->type = (unsigned)p[at + 1] << 8 | p[at + 2];
	q->end = at + 5;
	return true;
}

void
packet_begin(struct packet *k, const uint8_t *p, const struct question *q)
{
	k->n = 0;
	put(k, p, q->end);
	memset(k->p + ANSWERS, 0, 6);
}

bool
packet_is_empty(const struct packet *k)
{
	return k->p[ANSWERS + 1] == 0;
}

void
packet_end(struct packet *k, const uint8_t *p, enum rcode rcode)
{
	if (p[ADDITIONAL + 1] == 1) {
		put(k, "", 1);		/* the root */
		put16(k, TYPE_OPT);
		put16(k, PACKET_MAX);
		put32(k, 0);
		put16(k, 0);
		k->p[ADDITIONAL + 1] = 1;
	}
	k->p[2] = (uint8_t)(0x84 | (p[2] & 1));	/* an answer, authoritative */
	k->p[3] = (uint8_t)(0x80 | rcode);
}
