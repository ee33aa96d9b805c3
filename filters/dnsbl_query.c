#include <string.h>

#include "base/dns_name.h"
#include "base/idn.h"
#include "filters/dnsbl_query.h"
#include "policy/address.h"

/* --- what is asked --- */

static const struct network private_networks[] = {
	{ AF_INET, 8, { 10 } },			/* RFC 1918 */
	{ AF_INET, 12, { 172, 16 } },
	{ AF_INET, 16, { 192, 168 } },
	{ AF_INET, 8, { 127 } },
	{ AF_INET, 8, { 0 } },			/* RFC 6890: this network, */
	{ AF_INET, 10, { 100, 64 } },		/* behind a carrier's NAT, */
	{ AF_INET, 16, { 169, 254 } },		/* link-local */
	{ AF_INET6, 127, { 0 } },		/* :: and ::1 */
	{ AF_INET6, 10, { 0xfe, 0x80 } },	/* link-local */
	{ AF_INET6, 7, { 0xfc } },		/* RFC 4193 */
};

bool
dnsbl_query_is_private(const struct addr *ip)
{
	return ip->len == 0 || addr_is_unix(ip) ||
	    network_any_has(private_networks, sizeof(private_networks) /
	    sizeof(*private_networks), ip);
}

const char *
dnsbl_query_address(struct arena *a, const struct addr *ip,
    enum dnsbl_side *side)
{
	static const char hex[] = "0123456789abcdef";
	const uint8_t *octet;
	char text[2 * 32], *p = text;

	if (ip->u.sa.sa_family == AF_INET) {
		octet = (const uint8_t *)&ip->u.in.sin_addr;
		*side = DNSBL_IPV4;
		return arena_printf(a, "%u.%u.%u.%u", octet[3], octet[2],
		    octet[1], octet[0]);
	}
	octet = (const uint8_t *)&ip->u.in6.sin6_addr;
	for (int i = 15; i >= 0; i--) {
		*p++ = hex[octet[i] & 15];
		*p++ = '.';
		*p++ = hex[octet[i] >> 4];
		*p++ = '.';
	}
	*side = DNSBL_IPV6;
	return arena_copy(a, span_n(text, sizeof(text) - 1));
}

const char *
dnsbl_query_domain(struct arena *a, struct span domain)
{
	struct addr ip;
	struct err err;
	const char *name;

	if (domain_is_literal(domain) ||
	    idn_to_ascii(a, domain, &name, &err) < 0 ||
	    !domain_is_valid(span_z(name), false) ||
	    strchr(name, '.') == NULL ||
	    addr_parse_ip(span_z(name), 0, &ip, &err) == 0)
		return NULL;
	return name;
}

const char *
dnsbl_query_name(struct arena *a, const char *prefix, const char *zone)
{
	const char *name = arena_printf(a, "%s.%s", prefix, zone);
	struct dns_name checked;

	return dns_name_from_text(name, &checked) < 0 ? NULL : name;
}

/* --- what was answered --- */

static void
copy_addresses(struct arena *a, const struct dns_answer *answer,
    struct dnsbl_reading *r)
{
	r->n = answer->n < DNSBL_ADDRESSES ? answer->n : DNSBL_ADDRESSES;
	r->addresses = arena_new_n(a, r->n, struct listing_address);
	for (size_t i = 0; i < r->n; i++)
		memcpy(r->addresses[i].octet, answer->records[i].data.p, 4);
}

/* The address that makes an answer an error, for the administrator. */
static const char *
name_error(struct arena *a, const struct dnsbl_list *list,
    const struct dnsbl_reading *r)
{
	uint64_t matched;
	const uint8_t *o;
	size_t i = 0;

	while (listing_judge(list, &r->addresses[i], 1, &matched) !=
	    LISTING_REFUSED)
		i++;
	o = r->addresses[i].octet;
	return arena_printf(a, "answers %u.%u.%u.%u, which is no listing%s",
	    o[0], o[1], o[2], o[3], o[0] == 127 ? ": we may not ask" : "");
}

void
dnsbl_query_read(struct arena *a, const struct dnsbl_list *list,
    const struct dns_answer *answer, struct dnsbl_reading *reading)
{
	struct dnsbl_reading *r = reading;

	*r = (struct dnsbl_reading){ .state = DNSBL_UNLISTED };
	if (answer->outcome == DNS_FAIL) {
		r->state = DNSBL_FAILED;
		r->why = answer->why;
		return;
	}
	if (answer->outcome != DNS_OK)
		return;
	copy_addresses(a, answer, r);
	r->verdict = listing_judge(list, r->addresses, r->n, &r->matched);
	if (r->verdict == LISTING_LISTED)
		r->state = DNSBL_LISTED;
	if (r->verdict == LISTING_REFUSED) {
		r->state = DNSBL_ERROR;
		r->why = name_error(a, list, r);
	}
}

const char *
dnsbl_state_name(enum dnsbl_state state)
{
	static const char *const names[] = { "unlisted", "listed", "failed",
	    "error", "suspended" };

	return names[state];
}

const char *
dnsbl_side_name(enum dnsbl_side side)
{
	static const char *const names[] = { "IPv4", "IPv6", "domains" };

	return names[side];
}

unsigned
dnsbl_side_checks(enum dnsbl_side side)
{
	static const unsigned checks[] = { LISTING_IPV4, LISTING_IPV6,
	    ~(unsigned)LISTING_CLIENT };

	return checks[side];
}
