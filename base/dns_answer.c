#include <string.h>

#include "base/dns_answer.h"
#include "base/dns_name.h"

#define HEADER		12
#define CLASS_IN	1
#define RCODE_NXDOMAIN	3
#define TRUNCATED	0x02	/* in the third octet */

struct packet {
	const uint8_t	*p;
	size_t		 len;
	size_t		 at;
};

struct rr {
	struct dns_name	 owner;
	unsigned	 type, class;
	uint32_t	 ttl;
	size_t		 rdata, rdlen;
};

static unsigned
get16(const uint8_t *p)
{
	return (unsigned)p[0] << 8 | p[1];
}

static uint32_t
get32(const uint8_t *p)
{
	return (uint32_t)get16(p) << 16 | get16(p + 2);
}

static int
next_rr(struct packet *k, struct rr *rr)
{
	if (dns_name_from_packet(k->p, k->len, &k->at, &rr->owner) < 0 ||
	    k->len - k->at < 10)
		return -1;
	rr->type = get16(k->p + k->at);
	rr->class = get16(k->p + k->at + 2);
	rr->ttl = get32(k->p + k->at + 4);
	if (rr->ttl > INT32_MAX)
		rr->ttl = 0;	/* RFC 2181 8 */
	rr->rdlen = get16(k->p + k->at + 8);
	rr->rdata = k->at + 10;
	if (k->len - rr->rdata < rr->rdlen)
		return -1;
	k->at = rr->rdata + rr->rdlen;
	return 0;
}

/* The name that fills the rest of the record's data from `at` on. */
static int
rdata_name(const struct packet *k, const struct rr *rr, size_t at,
    struct dns_name *name)
{
	if (dns_name_from_packet(k->p, rr->rdata + rr->rdlen, &at, name) < 0 ||
	    at != rr->rdata + rr->rdlen)
		return -1;
	return 0;
}

static int
join_strings(struct arena *a, const uint8_t *p, size_t len, struct span *out)
{
	char *text = arena_alloc(a, len + 1);
	size_t at = 0, n = 0;

	while (at < len) {
		size_t part = p[at++];

		if (len - at < part)
			return -1;
		memcpy(text + n, p + at, part);
		n += part;
		at += part;
	}
	*out = span_n(text, n);
	return 0;
}

static int
read_record(struct arena *a, const struct packet *k, const struct rr *rr,
    struct dns_record *r)
{
	const uint8_t *p = k->p + rr->rdata;
	struct dns_name name;
	size_t skip = 0;

	r->ttl = rr->ttl;
	switch (rr->type) {
	case DNS_A:
	case DNS_AAAA:
		if (rr->rdlen != (rr->type == DNS_A ? 4 : 16))
			return -1;
		break;
	case DNS_MX:
		if (rr->rdlen < 3)
			return -1;
		r->preference = (uint16_t)get16(p);
		skip = 2;
		/* FALLTHROUGH */
	case DNS_PTR:
	case DNS_NS:
	case DNS_CNAME:
		if (rdata_name(k, rr, rr->rdata + skip, &name) < 0)
			return -1;
		r->name = dns_name_text(a, &name);
		return 0;
	case DNS_TXT:
		return join_strings(a, p, rr->rdlen, &r->data);
	case DNS_SOA:		/* its names may be compressed: left out */
		return 0;
	default:
		break;
	}
	r->data = arena_span(a, span_n(p, rr->rdlen));
	return 0;
}

static void
least(uint32_t *ttl, uint32_t other)
{
	if (other < *ttl)
		*ttl = other;
}

/*
 * One link of the chain: counts the records of the type at `name`, or finds
 * the CNAME there and puts its target into `name`. `is_link` says which.
 */
static int
look_at(const struct packet *start, unsigned count, enum dns_type type,
    struct dns_name *name, size_t *found, bool *is_link, uint32_t *ttl)
{
	struct packet k = *start;
	struct rr rr, link = { .rdlen = 0 };

	*found = 0;
	*is_link = false;
	while (count-- > 0) {
		if (next_rr(&k, &rr) < 0)
			return -1;
		if (rr.class != CLASS_IN || !dns_name_same(&rr.owner, name))
			continue;
		if (rr.type == (unsigned)type) {
			(*found)++;
			least(ttl, rr.ttl);
		} else if (rr.type == DNS_CNAME && !*is_link) {
			link = rr;
			*is_link = true;
		}
	}
	if (*found > 0)
		*is_link = false;
	if (!*is_link)
		return 0;
	least(ttl, link.ttl);
	return rdata_name(start, &link, link.rdata, name);
}

static int
take_records(struct arena *a, const struct packet *start, unsigned count,
    enum dns_type type, const struct dns_name *name, struct dns_answer *answer)
{
	struct packet k = *start;
	struct rr rr;
	size_t at = 0;

	answer->records = arena_new_n(a, answer->n, struct dns_record);
	while (count-- > 0 && at < answer->n) {
		if (next_rr(&k, &rr) < 0)
			return -1;
		if (rr.class == CLASS_IN && rr.type == (unsigned)type &&
		    dns_name_same(&rr.owner, name) &&
		    read_record(a, start, &rr, &answer->records[at++]) < 0)
			return -1;
	}
	return 0;
}

/* RFC 2308 5: the SOA in the authority section bounds a negative answer. */
static int
negative_ttl(const struct packet *start, unsigned answers, unsigned count,
    uint32_t *ttl)
{
	struct packet k = *start;
	bool found = false;
	struct rr rr;

	while (answers-- > 0)
		if (next_rr(&k, &rr) < 0)
			return -1;
	while (count-- > 0) {
		if (next_rr(&k, &rr) < 0)
			return -1;
		if (rr.type != DNS_SOA || rr.rdlen < 22)
			continue;
		found = true;
		least(ttl, rr.ttl);
		least(ttl, get32(k.p + rr.rdata + rr.rdlen - 4));
	}
	if (!found)
		*ttl = 0;
	return 0;
}

static int
parse(struct arena *a, struct packet *k, enum dns_type type,
    struct dns_answer *answer)
{
	unsigned answers, authorities, rcode, links;
	struct dns_name name;
	bool is_link = true;

	if (k->len < HEADER || (k->p[2] & TRUNCATED) ||
	    get16(k->p + 4) != 1)
		return -1;
	rcode = k->p[3] & 15;
	answers = get16(k->p + 6);
	authorities = get16(k->p + 8);
	k->at = HEADER;
	if (dns_name_from_packet(k->p, k->len, &k->at, &name) < 0 ||
	    k->len - k->at < 4)
		return -1;
	k->at += 4;
	if (rcode != 0 && rcode != RCODE_NXDOMAIN) {
		dns_answer_fail(answer, "servfail");
		return 0;
	}
	answer->ttl = UINT32_MAX;
	for (links = 0; is_link; links++) {
		if (links > DNS_CHAIN_MAX) {
			dns_answer_fail(answer, "servfail");
			return 0;
		}
		if (look_at(k, answers, type, &name, &answer->n, &is_link,
		    &answer->ttl) < 0)
			return -1;
	}
	if (rcode == 0 && answer->n > 0) {
		answer->outcome = DNS_OK;
		return take_records(a, k, answers, type, &name, answer);
	}
	answer->n = 0;
	answer->outcome = rcode == 0 ? DNS_NODATA : DNS_NXDOMAIN;
	return negative_ttl(k, answers, authorities, &answer->ttl);
}

void
dns_answer_parse(struct arena *a, const uint8_t *packet, size_t len,
    enum dns_type type, struct dns_answer *answer)
{
	struct packet k = { packet, len, 0 };

	*answer = (struct dns_answer){ .outcome = DNS_NODATA };
	if (parse(a, &k, type, answer) < 0)
		dns_answer_fail(answer, "malformed");
}

void
dns_answer_fail(struct dns_answer *answer, const char *why)
{
	*answer = (struct dns_answer){ .outcome = DNS_FAIL, .why = why };
}
