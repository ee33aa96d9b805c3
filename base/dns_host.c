#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/dns.h"
#include "base/dns_answer.h"
#include "base/dns_name.h"

#define REVERSE_TEXT	80	/* 32 nibbles and "ip6.arpa" */

struct addr
dns_record_addr(const struct dns_record *r, int port)
{
	struct sockaddr_in in = { .sin_family = AF_INET };
	struct sockaddr_in6 in6 = { .sin6_family = AF_INET6 };
	struct addr addr;

	if (r->data.len == sizeof(in.sin_addr)) {
		memcpy(&in.sin_addr, r->data.p, sizeof(in.sin_addr));
		in.sin_port = htons((uint16_t)port);
		addr_from((struct sockaddr *)&in, sizeof(in), &addr);
	} else {
		memcpy(&in6.sin6_addr, r->data.p, sizeof(in6.sin6_addr));
		in6.sin6_port = htons((uint16_t)port);
		addr_from((struct sockaddr *)&in6, sizeof(in6), &addr);
	}
	return addr;
}

/* What A and AAAA say together. */
static void
merge(struct arena *a, const struct dns_answer *v4, const struct dns_answer *v6,
    struct dns_answer *out)
{
	const struct dns_answer *failed = v4->outcome == DNS_FAIL ? v4 : v6;

	*out = (struct dns_answer){
		.outcome = DNS_NODATA,
		.secure = v4->secure && v6->secure,
		.ttl = v4->ttl < v6->ttl ? v4->ttl : v6->ttl,
		.n = v4->n + v6->n,
	};
	if (out->n > 0) {
		out->outcome = DNS_OK;
		out->records = arena_new_n(a, out->n, struct dns_record);
		if (v4->n > 0)
			memcpy(out->records, v4->records,
			    v4->n * sizeof(*out->records));
		if (v6->n > 0)
			memcpy(out->records + v4->n, v6->records,
			    v6->n * sizeof(*out->records));
	} else if (failed->outcome == DNS_FAIL)
		dns_answer_fail(out, failed->why);
	else if (v4->outcome == DNS_NXDOMAIN || v6->outcome == DNS_NXDOMAIN)
		out->outcome = DNS_NXDOMAIN;
}

MAY_YIELD int
dns_addresses(struct arena *a, const char *host, int port, int64_t deadline,
    struct addr **addrs, size_t *n, struct dns_answer *answer, struct err *err)
{
	struct dns_query both[] = {
		{ .name = host, .type = DNS_A },
		{ .name = host, .type = DNS_AAAA },
	};
	struct addr literal;
	size_t i;

	*addrs = NULL;
	*n = 0;
	if (addr_parse_ip(span_z(host), port, &literal, err) == 0) {
		*answer = (struct dns_answer){ .outcome = DNS_OK,
		    .ttl = UINT32_MAX };
		*addrs = arena_new(a, struct addr);
		**addrs = literal;
		*n = 1;
		return 0;
	}
	if (dns_lookup_all(a, both, 2, deadline, err) < 0)
		return -1;
	merge(a, &both[0].answer, &both[1].answer, answer);
	*addrs = arena_new_n(a, answer->n, struct addr);
	for (i = 0; i < answer->n; i++)
		(*addrs)[i] = dns_record_addr(&answer->records[i], port);
	*n = answer->n;
	return 0;
}

/* RFC 1035 3.5 and RFC 3596 2.5. */
static void
reverse_text(const struct addr *ip, char out[REVERSE_TEXT])
{
	const uint8_t *p;
	char *to = out;
	int i;

	if (ip->u.sa.sa_family == AF_INET) {
		p = (const uint8_t *)&ip->u.in.sin_addr;
		sprintf(out, "%u.%u.%u.%u.in-addr.arpa", p[3], p[2], p[1],
		    p[0]);
		return;
	}
	p = ip->u.in6.sin6_addr.s6_addr;
	for (i = 15; i >= 0; i--)
		to += sprintf(to, "%x.%x.", p[i] & 15, p[i] >> 4);
	strcpy(to, "ip6.arpa");
}

static bool
points_back(const struct dns_answer *answer, const struct addr *ip)
{
	size_t i;

	for (i = 0; i < answer->n; i++) {
		struct addr a = dns_record_addr(&answer->records[i], 0);

		if (addr_same_ip(&a, ip))
			return true;
	}
	return false;
}

/* Escaped or the root: no host is named so. */
static bool
is_host(const char *name)
{
	return *name != '\0' && strchr(name, '\\') == NULL;
}

/* The first of the names that hosts can have, by the alphabet: servers and
 * caches turn the order of records round, and a client has one name. */
static size_t
choose_names(const struct dns_answer *pointers,
    const char *names[DNS_REVERSE_NAMES])
{
	size_t n = 0, at;

	for (size_t i = 0; i < pointers->n; i++) {
		const char *name = pointers->records[i].name;

		if (!is_host(name) || (n == DNS_REVERSE_NAMES &&
		    strcmp(name, names[n - 1]) > 0))
			continue;
		at = n < DNS_REVERSE_NAMES ? n++ : n - 1;
		for (; at > 0 && strcmp(name, names[at - 1]) < 0; at--)
			names[at] = names[at - 1];
		names[at] = name;
	}
	return n;
}

/* The names are asked for together and looked at in their order, so the time
 * is that of one, and a dead name behind the right one costs nothing. */
MAY_YIELD static int
confirm(struct arena *a, const struct dns_answer *pointers,
    const struct addr *ip, int64_t deadline, enum dns_reverse *result,
    const char **name, struct err *err)
{
	enum dns_type type = ip->u.sa.sa_family == AF_INET ? DNS_A : DNS_AAAA;
	const char *names[DNS_REVERSE_NAMES];
	size_t n = choose_names(pointers, names);
	bool is_sure = true;
	size_t i;

	for (i = 1; i < n; i++)
		dns_prefetch(names[i], type);
	for (i = 0; i < n; i++) {
		struct dns_answer back;

		if (dns_lookup(a, names[i], type, deadline, &back, err) < 0)
			return -1;
		if (points_back(&back, ip)) {
			*result = DNS_REVERSE_OK;
			*name = names[i];
			return 0;
		}
		if (back.outcome == DNS_FAIL)
			is_sure = false;
	}
	*result = is_sure ? DNS_REVERSE_MISMATCH : DNS_REVERSE_TEMPERROR;
	if (is_sure)
		*name = n > 0 ? names[0] : pointers->records[0].name;
	return 0;
}

MAY_YIELD int
dns_reverse_name(struct arena *a, const struct addr *ip, int64_t deadline,
    enum dns_reverse *result, const char **name, struct err *err)
{
	struct dns_answer pointers;
	char question[REVERSE_TEXT];

	*result = DNS_REVERSE_NONE;
	*name = NULL;
	if (ip->len == 0 || addr_is_unix(ip))
		return 0;
	reverse_text(ip, question);
	if (dns_lookup(a, question, DNS_PTR, deadline, &pointers, err) < 0)
		return -1;
	if (pointers.outcome == DNS_FAIL)
		*result = DNS_REVERSE_TEMPERROR;
	if (pointers.n == 0)
		return 0;
	return confirm(a, &pointers, ip, deadline, result, name, err);
}

const char *
dns_outcome_name(enum dns_outcome outcome)
{
	static const char *const names[] = {
		[DNS_OK] = "ok",
		[DNS_NXDOMAIN] = "nxdomain",
		[DNS_NODATA] = "nodata",
		[DNS_FAIL] = "fail",
	};

	return names[outcome];
}
