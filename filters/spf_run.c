#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

#include "filters/spf_record.h"
#include "filters/spf_run.h"

#define ARPA_SIZE	80	/* 32 nibbles and ip6.arpa */

void
spf_problem(struct spf_run *run, const char *fmt, ...)
{
	char domain[SPF_SHOWN], term[SPF_SHOWN], text[200];
	va_list ap;

	if (run->answer->problem != NULL)
		return;
	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	run->answer->problem = arena_printf(run->arena, "%s: %s%s%s",
	    spf_shown(run->domain, domain), spf_shown(run->term, term),
	    run->term.len > 0 ? ": " : "", text);
}

/* --- what counts --- */

enum spf_step
spf_count_term(struct spf_run *run)
{
	if (run->answer->terms == SPF_LIMIT_TERMS) {
		spf_problem(run, "more than %d terms that do a lookup",
		    SPF_LIMIT_TERMS);
		return SPF_STEP_PERM;
	}
	run->answer->terms++;
	return SPF_STEP_HIT;
}

/* RFC 7208 4.6.4 speaks of terms: one with several lookups counts once. */
enum spf_step
spf_count_void(struct spf_run *run)
{
	if (run->term_is_void)
		return SPF_STEP_HIT;
	run->term_is_void = true;
	if (run->answer->voids == SPF_LIMIT_VOIDS) {
		spf_problem(run, "more than %d terms found nothing",
		    SPF_LIMIT_VOIDS);
		return SPF_STEP_PERM;
	}
	run->answer->voids++;
	return SPF_STEP_HIT;
}

/* --- lookups --- */

static int64_t
lookup_deadline(const struct spf_run *run)
{
	int64_t most = run->options->lookup_timeout;
	int64_t at = clock_now() + (most > 0 ? most : SPF_LOOKUP_TIMEOUT);

	return at < run->deadline ? at : run->deadline;
}

static const char *
type_name(enum dns_type type)
{
	switch (type) {
	case DNS_A:
		return "A";
	case DNS_AAAA:
		return "AAAA";
	case DNS_MX:
		return "MX";
	case DNS_PTR:
		return "PTR";
	default:
		return "TXT";
	}
}

MAY_YIELD enum spf_step
spf_ask(struct spf_run *run, const char *name, enum dns_type type,
    struct dns_answer *answer)
{
	char shown[SPF_SHOWN];

	run->answer->lookups++;
	if (dns_lookup(run->arena, name, type, lookup_deadline(run), answer,
	    run->err) < 0)
		return SPF_STEP_STOP;
	if (answer->outcome != DNS_FAIL)
		return SPF_STEP_HIT;
	spf_problem(run, "%s of %s: %s", type_name(type),
	    spf_shown(span_z(name), shown), answer->why);
	return SPF_STEP_TEMP;
}

/* --- the client's address and names --- */

static const uint8_t *
client_ip(const struct spf_run *run)
{
	return run->ip_type == DNS_A ?
	    (const uint8_t *)&run->client->u.in.sin_addr :
	    (const uint8_t *)&run->client->u.in6.sin6_addr;
}

bool
spf_same_network(const struct spf_run *run, const void *ip, unsigned bits)
{
	const uint8_t *a = client_ip(run), *b = ip;
	unsigned rest = bits % 8;

	return memcmp(a, b, bits / 8) == 0 && (rest == 0 ||
	    (a[bits / 8] ^ b[bits / 8]) >> (8 - rest) == 0);
}

bool
spf_has_client(const struct spf_run *run, const struct dns_answer *answer,
    unsigned bits)
{
	size_t len = run->ip_type == DNS_A ? 4 : 16;

	for (size_t i = 0; i < answer->n; i++)
		if (answer->records[i].data.len == len && spf_same_network(run,
		    answer->records[i].data.p, bits))
			return true;
	return false;
}

/* A failure of DNS leaves the name out (5.5). */
MAY_YIELD static enum spf_step
confirm(struct spf_run *run, const struct dns_answer *pointers)
{
	struct dns_query queries[SPF_LIMIT_NAMES];
	size_t n = 0;

	for (size_t i = 0; i < pointers->n && i < SPF_LIMIT_NAMES; i++)
		if (pointers->records[i].name[0] != '\0')
			queries[n++] = (struct dns_query){
			    .name = pointers->records[i].name,
			    .type = run->ip_type };
	if (n == 0)
		return SPF_STEP_HIT;
	run->answer->lookups += (unsigned)n;
	if (dns_lookup_all(run->arena, queries, n, lookup_deadline(run),
	    run->err) < 0)
		return SPF_STEP_STOP;
	for (size_t i = 0; i < n; i++)
		if (queries[i].answer.outcome == DNS_OK && spf_has_client(run,
		    &queries[i].answer, run->ip_type == DNS_A ? 32 : 128))
			run->names[run->nnames++] = queries[i].name;
	return SPF_STEP_HIT;
}

MAY_YIELD enum spf_step
spf_find_names(struct spf_run *run)
{
	const uint8_t *ip = client_ip(run);
	char name[ARPA_SIZE], *p = name;
	struct dns_answer pointers;
	int i;

	if (run->has_names)
		return SPF_STEP_HIT;
	run->has_names = true;
	if (run->ip_type == DNS_A)
		sprintf(p, "%u.%u.%u.%u.in-addr.arpa", ip[3], ip[2], ip[1],
		    ip[0]);
	else {
		for (i = 15; i >= 0; i--)
			p += sprintf(p, "%x.%x.", ip[i] & 15, ip[i] >> 4);
		strcpy(p, "ip6.arpa");
	}
	run->answer->lookups++;
	if (dns_lookup(run->arena, name, DNS_PTR, lookup_deadline(run),
	    &pointers, run->err) < 0)
		return SPF_STEP_STOP;
	run->is_nameless = pointers.outcome == DNS_NXDOMAIN ||
	    pointers.outcome == DNS_NODATA;
	if (pointers.outcome == DNS_OK &&
	    confirm(run, &pointers) == SPF_STEP_STOP)
		return SPF_STEP_STOP;
	if (run->nnames == 0 && clock_now() >= run->deadline) {
		spf_problem(run, "PTR of the client: timeout");
		return SPF_STEP_TEMP;
	}
	return SPF_STEP_HIT;
}

bool
spf_is_below(struct span name, struct span domain)
{
	return name.len > domain.len &&
	    name.p[name.len - domain.len - 1] == '.' && span_eq_nocase(
	    span_n(name.p + name.len - domain.len, domain.len), domain);
}

struct span
spf_best_name(const struct spf_run *run, struct span domain)
{
	struct span best = SPAN_LIT("unknown");

	for (size_t i = run->nnames; i > 0; i--) {
		struct span name = span_z(run->names[i - 1]);

		if (span_eq_nocase(name, domain))
			return name;
		if (!spf_is_below(best, domain) || spf_is_below(name, domain))
			best = name;
	}
	return best;
}

void
spf_explain(struct spf_run *run, char *text)
{
	for (char *p = text; *p != '\0'; p++)
		if (*p < ' ' || *p > '~')
			*p = '?';
	run->answer->explanation = text;
}
