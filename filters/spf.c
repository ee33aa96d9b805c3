#include <arpa/inet.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/dns_name.h"
#include "base/idn.h"
#include "base/utf8.h"
#include "filters/spf.h"
#include "filters/spf_run.h"
#include "policy/address.h"

#define POSTMASTER	"postmaster"	/* RFC 7208 2.4, 4.3 */
#define LOCAL_LONGEST	512	/* twice what a path may have */

const char *
spf_result_name(enum spf_result result)
{
	static const char *const names[] = { "none", "neutral", "pass", "fail",
	    "softfail", "temperror", "permerror" };

	return names[result];
}

/* --- what is checked --- */

/* RFC 7208 4.3: several labels, each as DNS has them. NULL: it is not. */
static const char *
domain_to_check(struct arena *a, struct span text)
{
	const char *domain;
	struct dns_name name;
	struct err err;

	if (idn_to_ascii(a, text, &domain, &err) < 0 ||
	    !domain_is_valid(span_z(domain), false) ||
	    strchr(domain, '.') == NULL ||
	    dns_name_from_text(domain, &name) < 0)
		return NULL;
	return domain;
}

/* Splits "local@domain"; what has no @ is a domain. */
static void
split_sender(struct span sender, struct span *local, struct span *domain)
{
	const char *at = sender.len > 0 ?
	    memrchr(sender.p, '@', sender.len) : NULL;
	size_t len = at == NULL ? 0 : (size_t)(at - sender.p);

	*local = span_n(sender.p, len < LOCAL_LONGEST ? len : LOCAL_LONGEST);
	*domain = at == NULL ? sender :
	    span_n(at + 1, sender.len - len - 1);
	if (local->len == 0)
		*local = SPAN_LIT(POSTMASTER);
}

/* --- macros --- */

/* RFC 7208 7.3: "192.0.2.3", "2.0.0.1.0.D.B.8...." */
static void
set_address(struct spf_run *run)
{
	static const char hex[] = "0123456789ABCDEF";
	char text[ADDR_TEXT], *p = text;
	const uint8_t *ip;

	run->values.ip_text = arena_span(run->arena,
	    span_z(addr_ip(run->client, text)));
	if (run->client->u.sa.sa_family == AF_INET) {
		run->ip_type = DNS_A;
		run->values.ip = run->values.ip_text;
		run->values.ip_zone = SPAN_LIT("in-addr");
		return;
	}
	ip = (const uint8_t *)&run->client->u.in6.sin6_addr;
	for (int i = 0; i < 16; i++) {
		*p++ = hex[ip[i] >> 4];
		*p++ = '.';
		*p++ = hex[ip[i] & 15];
		*p++ = '.';
	}
	run->ip_type = DNS_AAAA;
	run->values.ip = arena_span(run->arena, span_n(text, 63));
	run->values.ip_zone = SPAN_LIT("ip6");
}

/* A name in a macro, as DNS would have it (RFC 8616 4) where it can be. */
static struct span
macro_name(struct arena *a, struct span text)
{
	const char *name;
	struct err err;

	if (text.len > DNS_NAME_WIRE)
		text.len = DNS_NAME_WIRE;
	if (utf8_is_ascii(text) || idn_to_ascii(a, text, &name, &err) < 0)
		return text;
	return span_z(name);
}

static void
set_values(struct spf_run *run, struct span local, const char *domain)
{
	struct spf_macro_values *v = &run->values;
	struct arena *a = run->arena;

	set_address(run);
	v->local = local;
	v->sender_domain = v->domain = span_z(domain);
	v->sender = span_z(arena_printf(a, "%.*s@%s", SPAN_ARG(local),
	    domain));
	v->helo = macro_name(a, span_z(run->helo));
	v->receiver = span_z(run->options->receiver != NULL ?
	    run->options->receiver : "unknown");
	v->time = span_z(arena_printf(a, "%" PRId64,
	    clock_wall() / CLOCK_S));
	v->client_name = SPAN_LIT("unknown");
	run->local_is_ascii = utf8_is_ascii(local);
}

/* --- the check --- */

static int
none(struct arena *a, struct spf_answer *answer, const char *problem)
{
	answer->result = SPF_NONE;
	answer->problem = arena_strdup(a, problem);
	return 0;
}

MAY_YIELD int
spf_check(struct arena *a, const struct spf_options *options,
    const struct spf_query *query, struct spf_answer *answer, struct err *err)
{
	struct span helo = span_z(query->helo), local, text;
	struct spf_run *run = arena_new(a, struct spf_run);
	bool is_helo = query->identity == SPF_HELO || query->sender.len == 0;
	const char *domain;

	*answer = (struct spf_answer){ .domain = "" };
	if (is_helo) {
		text = helo;
		local = SPAN_LIT(POSTMASTER);
	} else
		split_sender(query->sender, &local, &text);
	domain = domain_to_check(a, text);
	if (domain == NULL)
		return none(a, answer, is_helo ?
		    "the HELO name is not a domain name with several labels" :
		    "the sender has no domain name with several labels");
	answer->domain = domain;
	if (query->client->len == 0 || addr_is_unix(query->client))
		return none(a, answer, "the client has no IP address");
	*run = (struct spf_run){
		.arena = a, .options = options, .client = query->client,
		.helo = arena_copy(a, helo), .answer = answer, .err = err,
		.deadline = clock_now() + (options->timeout > 0 ?
		    options->timeout : SPF_TIMEOUT),
	};
	set_values(run, local, domain);
	if (options->engine == SPF_ENGINE_LIBSPF2)
		return spf_libspf2_evaluate(run);
	return spf_evaluate(run, domain);
}
