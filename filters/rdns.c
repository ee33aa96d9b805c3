#include <string.h>

#include "base/idn.h"
#include "filters/rdns.h"

enum { MX, A, AAAA };		/* places among the lookups of a domain */

/* --- names and literals --- */

/* The address of [192.0.2.1], [IPv6:2001:db8::1] or, as some clients write
 * it, [2001:db8::1]. -1: a literal of another kind. */
static int
literal_addr(struct span literal, struct addr *addr)
{
	struct span inner = span_n(literal.p + 1, literal.len - 2);
	struct err err;

	if (span_starts_nocase(inner, "IPv6:"))
		inner = span_n(inner.p + 5, inner.len - 5);
	return addr_parse_ip(inner, 0, addr, &err);
}

static bool
is_address(const char *name)
{
	struct addr addr;
	struct err err;

	return addr_parse_ip(span_z(name), 0, &addr, &err) == 0;
}

/* The A-labels of a name; or NULL, and why it is none. */
static const char *
to_name(struct arena *a, struct span text, const char **reason)
{
	const char *name;
	struct err err;

	if (idn_to_ascii(a, text, &name, &err) < 0)
		*reason = arena_strdup(a, err.text);
	else if (is_address(name))
		*reason = "an address without brackets";
	else if (!domain_is_valid(span_z(name), false))
		*reason = "not a domain name";
	else
		return name;
	return NULL;
}

static const char *
list_addrs(struct arena *a, const struct addr *addrs, size_t n)
{
	char ip[ADDR_TEXT];

	return n == 1 ? arena_strdup(a, addr_ip(addrs, ip)) :
	    arena_printf(a, "%s and %zu more", addr_ip(addrs, ip), n - 1);
}

/* Of lookups without a record: the reason of a failure; else NULL. */
static const char *
failure(const struct dns_query *queries, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (queries[i].answer.outcome == DNS_FAIL)
			return queries[i].answer.why;
	return NULL;
}

/* --- HELO --- */

static void
match(struct rdns_helo *answer, const struct addr *client)
{
	struct network near;

	network_of(client, &near);
	for (size_t i = 0; i < answer->naddrs; i++) {
		if (addr_same_ip(&answer->addrs[i], client))
			answer->matches = RDNS_YES;
		if (network_has(&near, &answer->addrs[i]))
			answer->is_near = true;
	}
}

static void
judge_literal(struct arena *a, struct span text, const struct addr *client,
    struct rdns_helo *answer)
{
	struct addr addr;

	answer->form = RDNS_LITERAL;
	if (literal_addr(text, &addr) < 0) {
		answer->reason = "an address literal of an unknown kind";
		return;
	}
	answer->resolves = RDNS_YES;
	answer->addrs = arena_new(a, struct addr);
	answer->addrs[0] = addr;
	answer->naddrs = 1;
	match(answer, client);
	answer->reason = answer->matches == RDNS_YES ?
	    "the client's address" : "not the client's address";
}

static void
take_addrs(struct arena *a, const struct dns_query *queries,
    struct rdns_helo *answer)
{
	const struct dns_answer *v4 = &queries[0].answer;
	const struct dns_answer *v6 = &queries[1].answer;

	answer->addrs = arena_new_n(a, v4->n + v6->n, struct addr);
	for (size_t i = 0; i < v4->n; i++)
		answer->addrs[answer->naddrs++] =
		    dns_record_addr(&v4->records[i], 0);
	for (size_t i = 0; i < v6->n; i++)
		answer->addrs[answer->naddrs++] =
		    dns_record_addr(&v6->records[i], 0);
	answer->secure = v4->secure && v6->secure;
}

/* Only the lookup of the client's own kind of address can leave it open
 * whether it is among them. */
static void
judge_name(struct arena *a, const struct dns_query *queries,
    const struct addr *client, struct rdns_helo *answer)
{
	bool is_v6 = client->u.sa.sa_family == AF_INET6;
	const char *failed = failure(queries, 2);

	take_addrs(a, queries, answer);
	match(answer, client);
	if (answer->matches == RDNS_NO && client->len > 0 &&
	    queries[is_v6].answer.outcome == DNS_FAIL)
		answer->matches = RDNS_TEMPERROR;
	if (answer->naddrs > 0) {
		answer->resolves = RDNS_YES;
		answer->reason = arena_printf(a, "%s is %s", answer->name,
		    list_addrs(a, answer->addrs, answer->naddrs));
	} else if (failed != NULL) {
		answer->resolves = RDNS_TEMPERROR;
		answer->reason = arena_printf(a, "DNS, for %s: %s",
		    answer->name, failed);
	} else
		answer->reason = arena_printf(a, "%s %s", answer->name,
		    queries[0].answer.outcome == DNS_NXDOMAIN ?
		    "does not exist" : "has no address");
}

MAY_YIELD int
rdns_helo(struct arena *a, const char *helo, const struct addr *client,
    int64_t deadline, struct rdns_helo *answer, struct err *err)
{
	struct span text = span_z(helo);
	struct dns_query queries[2] = { { .type = DNS_A },
	    { .type = DNS_AAAA } };

	*answer = (struct rdns_helo){ .form = RDNS_INVALID };
	if (domain_is_literal(text)) {
		judge_literal(a, text, client, answer);
		return 0;
	}
	answer->name = to_name(a, text, &answer->reason);
	if (answer->name == NULL)
		return 0;
	answer->form = RDNS_NAME;
	queries[0].name = queries[1].name = answer->name;
	if (dns_lookup_all(a, queries, 2, deadline, err) < 0)
		return -1;
	judge_name(a, queries, client, answer);
	return 0;
}

/* --- the sender's domain --- */

static void
conclude(struct rdns_sender *answer, enum rdns_mail why, const char *reason)
{
	answer->why = why;
	answer->accepts_mail = why <= RDNS_MAIL_TEMPERROR;
	answer->reason = reason;
}

static void
conclude_failure(struct arena *a, const char *name, const char *why,
    struct rdns_sender *answer)
{
	conclude(answer, RDNS_MAIL_TEMPERROR, arena_printf(a,
	    "DNS, for %s: %s", name, why));
}

struct hosts {			/* those that can be looked up */
	const struct dns_record	*best[RDNS_HOSTS];	/* in order */
	size_t			 n;
	size_t			 all;
};

static void
add_host(struct hosts *h, const struct dns_record *r)
{
	size_t at = h->n;

	h->all++;
	if (at == RDNS_HOSTS) {
		if (h->best[--at]->preference <= r->preference)
			return;
	} else
		h->n++;
	for (; at > 0 && h->best[at - 1]->preference > r->preference; at--)
		h->best[at] = h->best[at - 1];
	h->best[at] = r;
}

/* "." among others says nothing, and an address is no host (RFC 2181 10.3). */
static void
list_hosts(const struct dns_answer *mx, struct hosts *h)
{
	*h = (struct hosts){ .n = 0 };
	for (size_t i = 0; i < mx->n; i++) {
		const struct dns_record *r = &mx->records[i];

		if (*r->name != '\0' && strchr(r->name, '\\') == NULL &&
		    !is_address(r->name))
			add_host(h, r);
	}
}

static bool
says_null_mx(const struct dns_answer *mx)
{
	for (size_t i = 0; i < mx->n; i++)
		if (*mx->records[i].name != '\0')
			return false;
	return true;
}

/*
 * Looks up n of the hosts at once. 1: one of them exists. 0: none does, or
 * *failed says why that is not known.
 */
MAY_YIELD static int
try_hosts(struct arena *a, const struct dns_record *const *hosts, size_t n,
    int64_t deadline, struct rdns_sender *answer, const char **failed,
    struct err *err)
{
	struct dns_query queries[2 * RDNS_HOSTS];
	const char *why;
	size_t i;

	for (i = 0; i < 2 * n; i++)
		queries[i] = (struct dns_query){ .name = hosts[i / 2]->name,
		    .type = i % 2 == 0 ? DNS_A : DNS_AAAA };
	if (dns_lookup_all(a, queries, 2 * n, deadline, err) < 0)
		return -1;
	for (i = 0; i < 2 * n; i++)
		if (queries[i].answer.outcome == DNS_OK) {
			answer->host = queries[i].name;
			return 1;
		}
	why = failure(queries, 2 * n);
	if (why != NULL)
		*failed = why;
	return 0;
}

/* Nearly always the best host exists, so it is asked for alone first. */
MAY_YIELD static int
judge_mx(struct arena *a, const struct dns_answer *mx, int64_t deadline,
    struct rdns_sender *answer, struct err *err)
{
	const char *failed = NULL, *domain = answer->name;
	struct hosts h;
	int r = 0;

	list_hosts(mx, &h);
	if (h.n > 0)
		r = try_hosts(a, h.best, 1, deadline, answer, &failed, err);
	if (r == 0 && h.n > 1)
		r = try_hosts(a, h.best + 1, h.n - 1, deadline, answer,
		    &failed, err);
	if (r < 0)
		return -1;
	if (r > 0)
		conclude(answer, RDNS_MAIL_MX, arena_printf(a, "%s has MX %s",
		    domain, answer->host));
	else if (failed != NULL)
		conclude_failure(a, arena_printf(a, "the MX hosts of %s",
		    domain), failed, answer);
	else if (h.n < h.all)
		conclude(answer, RDNS_MAIL_TEMPERROR, arena_printf(a,
		    "%s has %zu MX hosts, more than are looked up", domain,
		    h.all));
	else
		conclude(answer, RDNS_MAIL_NO_MX_HOST, arena_printf(a,
		    "no MX host of %s has an address", domain));
	return 0;
}

/* No MX: the domain itself is the host. RFC 5321 5.1 */
static void
judge_addresses(struct arena *a, const struct dns_query *queries,
    struct rdns_sender *answer)
{
	const char *name = answer->name, *failed = failure(queries, 3);

	if (queries[A].answer.n > 0 || queries[AAAA].answer.n > 0) {
		answer->host = name;
		conclude(answer, RDNS_MAIL_ADDRESS, arena_printf(a,
		    "%s has no MX, but an address", name));
	} else if (failed != NULL)
		conclude_failure(a, name, failed, answer);
	else if (queries[MX].answer.outcome == DNS_NXDOMAIN)
		conclude(answer, RDNS_MAIL_NO_NAME, arena_printf(a,
		    "%s does not exist", name));
	else
		conclude(answer, RDNS_MAIL_NO_HOST, arena_printf(a,
		    "%s has neither MX nor address", name));
}

MAY_YIELD static int
judge_domain(struct arena *a, int64_t deadline, struct rdns_sender *answer,
    struct err *err)
{
	struct dns_query queries[] = { [MX] = { .type = DNS_MX },
	    [A] = { .type = DNS_A }, [AAAA] = { .type = DNS_AAAA } };
	struct dns_answer *mx = &queries[MX].answer;

	queries[MX].name = queries[A].name = queries[AAAA].name =
	    answer->name;
	if (dns_lookup_all(a, queries, 3, deadline, err) < 0)
		return -1;
	answer->secure = mx->secure;
	if (mx->outcome == DNS_FAIL)
		conclude_failure(a, answer->name, mx->why, answer);
	else if (mx->outcome != DNS_OK)
		judge_addresses(a, queries, answer);
	else if (says_null_mx(mx))
		conclude(answer, RDNS_MAIL_NULL_MX, arena_printf(a,
		    "%s says that it takes no mail", answer->name));
	else
		return judge_mx(a, mx, deadline, answer, err);
	return 0;
}

MAY_YIELD int
rdns_sender(struct arena *a, const struct address *sender, int64_t deadline,
    struct rdns_sender *answer, struct err *err)
{
	struct span domain = sender->domain;
	const char *reason = NULL;
	struct addr addr;

	*answer = (struct rdns_sender){ .accepts_mail = true };
	if (domain.len == 0) {
		conclude(answer, RDNS_MAIL_NULL_SENDER, "no domain");
		return 0;
	}
	if (domain_is_literal(domain)) {
		if (literal_addr(domain, &addr) < 0)
			conclude(answer, RDNS_MAIL_INVALID,
			    "an address literal of an unknown kind");
		else
			conclude(answer, RDNS_MAIL_LITERAL,
			    "an address literal");
		return 0;
	}
	answer->name = to_name(a, domain, &reason);
	if (answer->name == NULL) {
		conclude(answer, RDNS_MAIL_INVALID, reason);
		return 0;
	}
	return judge_domain(a, deadline, answer, err);
}

/* --- words --- */

const char *
rdns_outcome_name(enum rdns_outcome outcome)
{
	static const char *const names[] = {
		[RDNS_NO] = "no",
		[RDNS_YES] = "yes",
		[RDNS_TEMPERROR] = "temperror",
	};

	return names[outcome];
}

const char *
rdns_form_name(enum rdns_form form)
{
	static const char *const names[] = {
		[RDNS_NAME] = "name",
		[RDNS_LITERAL] = "literal",
		[RDNS_INVALID] = "invalid",
	};

	return names[form];
}

const char *
rdns_mail_name(enum rdns_mail why)
{
	static const char *const names[] = {
		[RDNS_MAIL_NULL_SENDER] = "null-sender",
		[RDNS_MAIL_MX] = "mx",
		[RDNS_MAIL_ADDRESS] = "address",
		[RDNS_MAIL_LITERAL] = "literal",
		[RDNS_MAIL_TEMPERROR] = "temperror",
		[RDNS_MAIL_NULL_MX] = "null-mx",
		[RDNS_MAIL_NO_NAME] = "no-name",
		[RDNS_MAIL_NO_HOST] = "no-host",
		[RDNS_MAIL_NO_MX_HOST] = "no-mx-host",
		[RDNS_MAIL_INVALID] = "invalid",
	};

	return names[why];
}

const char *
rdns_iprev(enum dns_reverse reverse)
{
	static const char *const names[] = {
		[DNS_REVERSE_NONE] = "permerror",
		[DNS_REVERSE_OK] = "pass",
		[DNS_REVERSE_MISMATCH] = "fail",
		[DNS_REVERSE_TEMPERROR] = "temperror",
	};

	return names[reverse];
}
