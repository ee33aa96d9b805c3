#include <arpa/inet.h>
#include <string.h>

#include "base/clock.h"
#include "base/dns.h"
#include "base/dns_zone.h"

#define DEFAULT_TTL	300
#define LINKS_MAX	40	/* more than any resolver follows */
#define CLASS_IN	1
#define RCODE_SERVFAIL	2
#define RCODE_NXDOMAIN	3

#define PLACES		4096	/* of the hash table: a power of two */

struct record {
	struct record	*next;
	unsigned	 type;
	uint32_t	 ttl;
	struct buf	 rdata;
};

struct place {			/* a name, and what is there */
	struct place		*next;
	struct dns_name		 name;
	struct record		*records, **end;
	struct dns_zone_how	 how;
	bool			 has_rule;	/* `how` says something */
	bool			 is_there;	/* has records, or beneath it */
};

struct dns_zone {
	struct arena	*arena;
	struct place	*places[PLACES];
};

static const struct {
	const char	*name;
	enum dns_type	 type;
} types[] = {
	{ "A", DNS_A }, { "AAAA", DNS_AAAA }, { "CNAME", DNS_CNAME },
	{ "MX", DNS_MX }, { "NS", DNS_NS }, { "PTR", DNS_PTR },
	{ "TLSA", DNS_TLSA }, { "TXT", DNS_TXT },
};

/* --- places --- */

static struct place *const *
bucket(const struct dns_zone *z, const struct dns_name *name)
{
	uint32_t hash = 2166136261;

	for (size_t i = 0; i < name->len; i++)
		hash = (hash ^ name->octets[i]) * 16777619;
	return &z->places[hash & (PLACES - 1)];
}

static struct place *
find_place(const struct dns_zone *z, const struct dns_name *name)
{
	struct place *p = *bucket(z, name);

	while (p != NULL && !dns_name_same(&p->name, name))
		p = p->next;
	return p;
}

static struct place *
make_place(struct dns_zone *z, const struct dns_name *name)
{
	struct place *p = find_place(z, name), **at;

	if (p != NULL)
		return p;
	at = (struct place **)bucket(z, name);
	p = arena_new(z->arena, struct place);
	p->name = *name;
	p->end = &p->records;
	p->next = *at;
	*at = p;
	return p;
}

/* The name has records, so it is there, and all names above it. */
static struct place *
make_there(struct dns_zone *z, const struct dns_name *name)
{
	struct place *p = make_place(z, name);
	struct dns_name above = *name;

	p->is_there = true;
	while (above.octets[0] != 0) {
		size_t label = 1 + (size_t)above.octets[0];

		above.len -= label;
		memmove(above.octets, above.octets + label, above.len);
		make_place(z, &above)->is_there = true;
	}
	return p;
}

/* --- parsing --- */

static void
put8(struct buf *b, unsigned v)
{
	unsigned char c = (unsigned char)v;

	buf_put(b, &c, 1);
}

static void
put16(struct buf *b, unsigned v)
{
	put8(b, v >> 8);
	put8(b, v);
}

static void
put32(struct buf *b, uint32_t v)
{
	put16(b, v >> 16);
	put16(b, v);
}

static int
parse_name(struct arena *a, struct span word, struct dns_name *name)
{
	return dns_name_from_text(arena_copy(a, word), name);
}

static int
put_name(struct arena *a, struct buf *b, struct span word)
{
	struct dns_name name;

	if (span_is(word, ".")) {
		put8(b, 0);
		return 0;
	}
	if (parse_name(a, word, &name) < 0)
		return -1;
	buf_put(b, name.octets, name.len);
	return 0;
}

static int
put_ip(struct arena *a, struct buf *b, int family, struct span word)
{
	unsigned char ip[16];

	if (inet_pton(family, arena_copy(a, word), ip) != 1)
		return -1;
	buf_put(b, ip, family == AF_INET ? 4 : 16);
	return 0;
}

/* "one" "two": each up to 255 octets, with \" \\ and \DDD inside. */
static int
put_strings(struct buf *b, struct span rest)
{
	size_t at = 0;

	while (at < rest.len) {
		unsigned char text[255];
		size_t n = 0;

		if (rest.p[at++] != '"')
			return -1;
		while (at < rest.len && rest.p[at] != '"') {
			unsigned c = (unsigned char)rest.p[at++];

			if (c == '\\' && at + 2 < rest.len &&
			    strspn(rest.p + at, "0123456789") >= 3) {
				c = (unsigned)(rest.p[at] - '0') * 100 +
				    (unsigned)(rest.p[at + 1] - '0') * 10 +
				    (unsigned)(rest.p[at + 2] - '0');
				at += 3;
			} else if (c == '\\' && at < rest.len)
				c = (unsigned char)rest.p[at++];
			if (n == sizeof(text) || c > 255)
				return -1;
			text[n++] = (unsigned char)c;
		}
		if (at++ >= rest.len)
			return -1;
		put8(b, (unsigned)n);
		buf_put(b, text, n);
		while (at < rest.len && (rest.p[at] == ' ' ||
		    rest.p[at] == '\t'))
			at++;
	}
	return b->len > 0 ? 0 : -1;
}

static int
put_numbers(struct buf *b, struct span *rest, int count, uint64_t max)
{
	uint64_t v;

	while (count-- > 0) {
		if (span_uint(span_word(rest), max, &v) < 0)
			return -1;
		if (max > 255)
			put16(b, (unsigned)v);
		else
			put8(b, (unsigned)v);
	}
	return 0;
}

static int
put_hex(struct buf *b, struct span hex)
{
	static const char digits[] = "0123456789abcdef";
	size_t i;

	if (hex.len % 2 != 0)
		return -1;
	for (i = 0; i < hex.len; i += 2) {
		const char *high = memchr(digits, hex.p[i], 16);
		const char *low = memchr(digits, hex.p[i + 1], 16);

		if (high == NULL || low == NULL)
			return -1;
		put8(b, (unsigned)(high - digits) << 4 |
		    (unsigned)(low - digits));
	}
	return 0;
}

static int
put_rdata(struct arena *a, struct buf *b, enum dns_type type, struct span rest)
{
	switch (type) {
	case DNS_A:
		return put_ip(a, b, AF_INET, rest);
	case DNS_AAAA:
		return put_ip(a, b, AF_INET6, rest);
	case DNS_TXT:
		return put_strings(b, rest);
	case DNS_TLSA:
		return put_numbers(b, &rest, 3, 255) < 0 ? -1 :
		    put_hex(b, rest);
	case DNS_MX:
		return put_numbers(b, &rest, 1, 65535) < 0 ? -1 :
		    put_name(a, b, rest);
	default:
		return put_name(a, b, rest);
	}
}

static void
free_rdata(void *arg)
{
	buf_free(arg);
}

static int
parse_record(struct dns_zone *z, const struct dns_name *name, struct span type,
    uint32_t ttl, struct span rest, struct err *err)
{
	struct place *p = make_there(z, name);
	struct record *r;
	size_t i;

	for (i = 0; i < sizeof(types) / sizeof(types[0]); i++)
		if (span_is(type, types[i].name))
			break;
	if (i == sizeof(types) / sizeof(types[0]))
		return err_set(err, ERR_CONFIG, "unknown type \"%.*s\"",
		    SPAN_ARG(type));
	r = arena_new(z->arena, struct record);
	arena_defer(z->arena, free_rdata, &r->rdata);
	r->type = types[i].type;
	r->ttl = ttl;
	if (put_rdata(z->arena, &r->rdata, types[i].type, rest) < 0)
		return err_set(err, ERR_CONFIG, "bad data for %s: \"%.*s\"",
		    types[i].name, SPAN_ARG(rest));
	*p->end = r;
	p->end = &r->next;
	return 0;
}

/* 1: the word is one of those that say how a name behaves. */
static int
parse_rule(struct dns_zone *z, const struct dns_name *name, struct span word,
    struct span rest)
{
	struct place *p = find_place(z, name);
	struct dns_zone_how how = { 0 };
	uint64_t ms;

	if (p != NULL)
		how = p->how;	/* none yet: zeros */
	if (span_is(word, "timeout"))
		how.outcome = DNS_ZONE_TIMEOUT;
	else if (span_is(word, "servfail"))
		how.outcome = DNS_ZONE_SERVFAIL;
	else if (span_is(word, "bogus"))
		how.outcome = DNS_ZONE_BOGUS;
	else if (span_is(word, "secure"))
		how.secure = true;
	else if (span_is(word, "truncate"))
		how.truncate = true;
	else if (span_is(word, "delay") && span_uint(rest, 60000, &ms) == 0)
		how.delay = (int64_t)ms * CLOCK_MS;
	else
		return 0;
	p = make_place(z, name);
	p->how = how;
	p->has_rule = true;
	return 1;
}

/* The name that a line begins with: a word, or all between two quotes. */
static struct span
take_owner(struct span *line)
{
	struct span owner;

	if (line->p[0] != '"')
		return span_word(line);
	span_until(line, '"');
	owner = span_until(line, '"');
	*line = span_trim(*line);
	return owner;
}

static int
parse_line(struct dns_zone *z, struct span line, struct err *err)
{
	struct span owner = take_owner(&line), word = span_word(&line);
	uint64_t ttl = DEFAULT_TTL;
	struct dns_name name;

	if (parse_name(z->arena, owner, &name) < 0)
		return err_set(err, ERR_CONFIG, "bad name \"%.*s\"",
		    SPAN_ARG(owner));
	if (parse_rule(z, &name, word, line))
		return 0;
	if (span_uint(word, INT32_MAX, &ttl) == 0)
		word = span_word(&line);
	return parse_record(z, &name, word, (uint32_t)ttl, line, err);
}

struct dns_zone *
dns_zone_parse(struct arena *a, const char *text, struct err *err)
{
	struct dns_zone *z = arena_new(a, struct dns_zone);
	struct span all = span_z(text);
	unsigned n;

	z->arena = a;
	for (n = 1; all.len > 0; n++) {
		struct span line = span_trim(span_until(&all, '\n'));

		if (line.len == 0 || line.p[0] == '#')
			continue;
		if (parse_line(z, line, err) < 0) {
			err_prefix(err, "zone line %u", n);
			return NULL;
		}
	}
	return z;
}

/* --- answering --- */

static void
put_record(struct buf *b, const struct dns_name *owner, const struct record *r)
{
	buf_put(b, owner->octets, owner->len);
	put16(b, r->type);
	put16(b, CLASS_IN);
	put32(b, r->ttl);
	put16(b, (unsigned)r->rdata.len);
	buf_put(b, r->rdata.p, r->rdata.len);
}

/* Of the last label of the name, as if that were the zone. */
static void
put_soa(struct buf *b, const struct dns_name *name)
{
	size_t at = 0, i;

	while (name->octets[at] != 0 &&
	    name->octets[at + 1 + name->octets[at]] != 0)
		at += 1 + (size_t)name->octets[at];
	buf_put(b, name->octets + at, name->len - at);
	put16(b, DNS_SOA);
	put16(b, CLASS_IN);
	put32(b, DNS_ZONE_NEGATIVE);
	put16(b, 2 + 5 * 4);
	put16(b, 0);			/* both names: the root */
	for (i = 0; i < 5; i++)
		put32(b, DNS_ZONE_NEGATIVE);
}

/* The records of the type at `p`; or a CNAME, whose target becomes `name`
 * (true). `n` counts what was written. */
static bool
put_link(const struct place *p, struct buf *b, struct dns_name *name,
    unsigned type, unsigned *n)
{
	const struct record *r, *link = NULL;
	unsigned before = *n;

	for (r = p->records; r != NULL; r = r->next) {
		if (r->type == type) {
			put_record(b, &p->name, r);
			(*n)++;
		} else if (r->type == DNS_CNAME)
			link = r;
	}
	if (link == NULL || *n > before)
		return false;
	put_record(b, &p->name, link);
	(*n)++;
	name->len = link->rdata.len;
	memcpy(name->octets, link->rdata.p, link->rdata.len);
	return true;
}

void
dns_zone_answer(const struct dns_zone *z, const struct dns_name *question,
    unsigned type, struct buf *packet, struct dns_zone_how *how)
{
	unsigned links, n = 0, before = 0, rcode = 0;
	struct dns_name name = *question;
	struct buf answers = { 0 };
	const struct place *p = NULL;
	bool is_link = true, is_negative;

	*how = (struct dns_zone_how){ .outcome = DNS_ZONE_ANSWER };
	for (links = 0; is_link && links < LINKS_MAX; links++) {
		p = find_place(z, &name);
		if (p != NULL && p->has_rule)
			*how = p->how;
		before = n;
		is_link = p != NULL &&
		    put_link(p, &answers, &name, type, &n);
	}
	is_negative = n == before;
	if (how->outcome != DNS_ZONE_ANSWER) {
		rcode = RCODE_SERVFAIL;
		is_negative = false;
		n = 0;
		buf_clear(&answers);
	} else if (is_negative && (p == NULL || !p->is_there))
		rcode = RCODE_NXDOMAIN;
	put16(packet, 0);
	put16(packet, 0x8180 | rcode);	/* an answer, recursion was done */
	put16(packet, 1);
	put16(packet, n);
	put16(packet, is_negative);
	put16(packet, 0);
	buf_put(packet, question->octets, question->len);
	put16(packet, type);
	put16(packet, CLASS_IN);
	buf_span(packet, buf_text(&answers));
	if (is_negative)
		put_soa(packet, &name);
	buf_free(&answers);
}
