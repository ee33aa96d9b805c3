#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/utf8.h"
#include "gateway/param.h"
#include "gateway/path.h"

#define PATH_TEXT	254	/* RFC 5321 4.5.3.1.3, without the < > */
#define EXCERPT		40

/* One MAIL or RCPT while it is parsed. */
struct parse {
	struct arena		*arena;
	struct path_fault	*fault;
	const char		*whose;		/* "sender" */
	const char		*enhanced;	/* of a bad address */
	bool			 smtputf8;
};

int
path_refuse(struct path_fault *fault, int code, const char *enhanced,
    const char *fmt, ...)
{
	va_list ap;

	fault->code = code;
	fault->enhanced = enhanced;
	va_start(ap, fmt);
	vsnprintf(fault->text, sizeof(fault->text), fmt, ap);
	va_end(ap);
	return -1;
}

struct span
path_excerpt(struct span s)
{
	return span_n(s.p, s.len > EXCERPT ? EXCERPT : s.len);
}

/* --- paths --- */

/*
 * Splits "FROM:<path> parameters". The ">" is the first one that is not in a
 * quoted string.
 */
static int
split(struct parse *p, struct span args, const char *keyword,
    struct span *path, struct span *params)
{
	bool quoted = false;
	size_t i;

	if (!span_starts_nocase(args, keyword))
		return path_refuse(p->fault, 501, "5.5.4",
		    "Expected %s<address>", keyword);
	i = strlen(keyword);
	args = span_trim(span_n(args.p + i, args.len - i));
	if (args.len == 0 || args.p[0] != '<')
		return path_refuse(p->fault, 501, "5.5.4",
		    "Expected < before the address: %s<address>", keyword);
	for (i = 1; i < args.len && (quoted || args.p[i] != '>'); i++) {
		if (args.p[i] == '"')
			quoted = !quoted;
		else if (quoted && args.p[i] == '\\')
			i++;
	}
	if (i >= args.len)
		return path_refuse(p->fault, 501, "5.5.4",
		    "Missing > after the address");
	*path = span_n(args.p + 1, i - 1);
	*params = span_n(args.p + i + 1, args.len - i - 1);
	if (params->len > 0 && params->p[0] != ' ' && params->p[0] != '\t')
		return path_refuse(p->fault, 501, "5.5.4",
		    "Unexpected \"%.*s\" behind the >",
		    SPAN_ARG(path_excerpt(*params)));
	return 0;
}

/* Drops "@one.example,@two.example:" (RFC 5321 4.1.1.3, appendix C). */
static int
drop_route(struct parse *p, struct span *path)
{
	struct span rest = *path, route, hop;

	if (path->len == 0 || path->p[0] != '@')
		return 0;
	route = span_until(&rest, ':');
	if (route.len == path->len)
		return path_refuse(p->fault, 553, p->enhanced,
		    "Bad %s: nothing before the @", p->whose);
	while (route.len > 0) {
		hop = span_until(&route, ',');
		if (hop.len == 0 || hop.p[0] != '@' || !domain_is_valid(
		    span_n(hop.p + 1, hop.len - 1), p->smtputf8))
			return path_refuse(p->fault, 553, p->enhanced,
			    "Bad %s: not a source route", p->whose);
	}
	*path = rest;
	return 0;
}

static int
parse_path(struct parse *p, struct span path, struct address *out)
{
	struct address address;
	struct err err;

	if (!p->smtputf8 && !utf8_is_ascii(path))
		return path_refuse(p->fault, 553, "5.6.7", "The address is "
		    "not ASCII and MAIL did not ask for SMTPUTF8");
	if (path.len > PATH_TEXT)
		return path_refuse(p->fault, 501, p->enhanced,
		    "The path is longer than 256 octets");
	if (drop_route(p, &path) < 0)
		return -1;
	if (address_parse(path, p->smtputf8, &address, &err) < 0)
		return path_refuse(p->fault, 553, p->enhanced, "Bad %s: %s",
		    p->whose, err.text);
	*out = address_copy(p->arena, &address);
	return 0;
}

int
path_parse_mail(struct arena *a, struct span args,
    const struct path_limits *limits, struct envelope *envelope,
    struct path_fault *fault)
{
	struct parse p = {
		.arena = a, .fault = fault, .whose = "sender",
		.enhanced = "5.1.7"
	};
	struct span path, params;

	if (split(&p, args, "FROM:", &path, &params) < 0 ||
	    param_parse_mail(a, params, limits, envelope, fault) < 0)
		return -1;
	p.smtputf8 = envelope->smtputf8;
	envelope->params = arena_span(a, span_trim(params));
	envelope->sender = (struct address){
		.text = span_z(""), .local = span_z(""), .domain = span_z("")
	};
	if (path.len == 0)
		return 0;
	if (parse_path(&p, path, &envelope->sender) < 0)
		return -1;
	if (envelope->sender.domain.len == 0)
		return path_refuse(fault, 553, "5.1.7",
		    "Bad sender: the address has no domain");
	return 0;
}

int
path_parse_rcpt(struct arena *a, struct span args,
    const struct path_limits *limits, bool smtputf8, struct rcpt *rcpt,
    unsigned *needs, struct path_fault *fault)
{
	struct parse p = {
		.arena = a, .fault = fault, .whose = "recipient",
		.enhanced = "5.1.3", .smtputf8 = smtputf8
	};
	struct span path, params;
	struct rcpt parsed = {0};

	if (split(&p, args, "TO:", &path, &params) < 0 ||
	    parse_path(&p, path, &parsed.addr) < 0 ||
	    param_parse_rcpt(a, params, limits, smtputf8, &parsed, needs,
	    fault) < 0)
		return -1;
	parsed.params = arena_span(a, span_trim(params));
	*rcpt = parsed;
	return 0;
}

/* --- for a backend --- */

void
path_format_mail(struct buf *out, const struct envelope *e,
    unsigned abilities, uint64_t size)
{
	static const char *const bodies[] = {
		[BODY_7BIT] = "7BIT", [BODY_8BITMIME] = "8BITMIME",
		[BODY_BINARYMIME] = "BINARYMIME"
	};
	unsigned body_needs = e->body == BODY_BINARYMIME ?
	    ABILITY_BINARYMIME : ABILITY_8BITMIME;

	buf_puts(out, "MAIL FROM:<");
	buf_span(out, e->sender.text);
	buf_puts(out, ">");
	if (size > 0 && (abilities & ABILITY_SIZE))
		buf_printf(out, " SIZE=%" PRIu64, size);
	if (e->body != BODY_NONE && (abilities & body_needs))
		buf_printf(out, " BODY=%s", bodies[e->body]);
	if (e->smtputf8 && (abilities & ABILITY_SMTPUTF8))
		buf_puts(out, " SMTPUTF8");
	if (e->prdr && (abilities & ABILITY_PRDR))
		buf_puts(out, " PRDR");
	if (abilities & ABILITY_DSN) {
		if (e->ret != NULL)
			buf_printf(out, " RET=%s", e->ret);
		if (e->envid != NULL)
			buf_printf(out, " ENVID=%s", e->envid);
	}
}

void
path_format_rcpt(struct buf *out, const struct rcpt *rcpt,
    unsigned abilities)
{
	buf_puts(out, "RCPT TO:<");
	buf_span(out, rcpt->addr.text);
	buf_puts(out, ">");
	if (abilities & ABILITY_DSN) {
		if (rcpt->notify != NULL)
			buf_printf(out, " NOTIFY=%s", rcpt->notify);
		if (rcpt->orcpt != NULL)
			buf_printf(out, " ORCPT=%s", rcpt->orcpt);
	}
}
