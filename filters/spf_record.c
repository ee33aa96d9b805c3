#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

#include "filters/spf_macro.h"
#include "filters/spf_record.h"

#define SPF_V1		"v=spf1"

enum takes { NOTHING, DOMAIN_NEEDED, DOMAIN, DOMAIN_AND_BITS, NETWORK };

static const struct {
	const char	*name;
	uint8_t		 mechanism;
	uint8_t		 takes;
} mechanisms[] = {
	{ "all",	SPF_MECH_ALL,		NOTHING },
	{ "include",	SPF_MECH_INCLUDE,	DOMAIN_NEEDED },
	{ "a",		SPF_MECH_A,		DOMAIN_AND_BITS },
	{ "mx",		SPF_MECH_MX,		DOMAIN_AND_BITS },
	{ "ptr",	SPF_MECH_PTR,		DOMAIN },
	{ "ip4",	SPF_MECH_IP4,		NETWORK },
	{ "ip6",	SPF_MECH_IP6,		NETWORK },
	{ "exists",	SPF_MECH_EXISTS,	DOMAIN_NEEDED },
};

const char *
spf_shown(struct span text, char out[SPF_SHOWN])
{
	size_t n = text.len < SPF_SHOWN ? text.len : SPF_SHOWN - 4;

	for (size_t i = 0; i < n; i++)
		out[i] = text.p[i] < ' ' || text.p[i] > '~' ? '?' : text.p[i];
	strcpy(out + n, n < text.len ? "..." : "");
	return out;
}

bool
spf_record_is(struct span text)
{
	size_t len = sizeof(SPF_V1) - 1;

	return span_starts_nocase(text, SPF_V1) &&
	    (text.len == len || text.p[len] == ' ');
}

bool
spf_term_asks(const struct spf_term *t)
{
	return t->mechanism != SPF_MECH_ALL && t->mechanism != SPF_MECH_IP4 &&
	    t->mechanism != SPF_MECH_IP6;
}

/* --- pieces of a term --- */

static bool
is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static bool
is_alpha(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

/* Takes "/24" or "//64", whichever `slashes` says, off the end of *text if it
 * ends in one. -1: the number is none or too large. */
static int
take_bits(struct span *text, const char *slashes, unsigned max, uint8_t *bits)
{
	size_t at = text->len, digits, n = strlen(slashes);
	uint64_t value;

	while (at > 0 && is_digit(text->p[at - 1]))
		at--;
	digits = text->len - at;
	if (digits == 0 || at < n || memcmp(text->p + at - n, slashes, n) != 0)
		return 0;
	if ((digits > 1 && text->p[at] == '0') || span_uint(
	    span_n(text->p + at, digits), max, &value) < 0)
		return -1;
	*bits = (uint8_t)value;
	text->len = at - n;
	return 0;
}

/* toplabel: letters, digits, inner hyphens, not digits alone. */
static bool
is_top_label(struct span label)
{
	bool has_other = false;

	for (size_t i = 0; i < label.len; i++) {
		if (!is_digit(label.p[i]))
			has_other = true;
		if (!is_digit(label.p[i]) && !is_alpha(label.p[i]) &&
		    label.p[i] != '-')
			return false;
	}
	return has_other && label.p[0] != '-' &&
	    label.p[label.len - 1] != '-';
}

/* Behind its last macro a domain-spec is empty or ends in a top label. */
static bool
has_domain_end(struct span domain)
{
	struct span rest = domain, label = { 0 };
	size_t i;

	for (i = 0; i + 1 < domain.len; i++)
		if (domain.p[i] == '%') {	/* checked before */
			i++;
			if (domain.p[i] == '{')
				while (domain.p[i] != '}')
					i++;
			rest = span_n(domain.p + i + 1, domain.len - i - 1);
		}
	if (rest.len == 0)
		return domain.len > 0;
	if (memchr(rest.p, '.', rest.len) == NULL)
		return false;
	if (rest.p[rest.len - 1] == '.')
		rest.len--;
	for (i = rest.len; i > 0 && rest.p[i - 1] != '.'; i--)
		;
	if (i == 0)
		return false;
	label = span_n(rest.p + i, rest.len - i);
	return is_top_label(label);
}

static int
check_domain(struct span domain, struct err *err)
{
	if (domain.len == 0)
		return err_set(err, ERR_SYNTAX, "the domain is missing");
	if (domain.len > SPF_LIMIT_DOMAIN)
		return err_set(err, ERR_SYNTAX,
		    "the domain is longer than %d octets", SPF_LIMIT_DOMAIN);
	if (spf_macro_check(domain, SPF_IN_TERM, err) < 0)
		return -1;
	if (!has_domain_end(domain))
		return err_set(err, ERR_SYNTAX,
		    "the domain does not end in a top-level domain");
	return 0;
}

/* --- mechanisms --- */

static int
parse_network(struct spf_term *t, struct span text, struct err *err)
{
	bool is_6 = t->mechanism == SPF_MECH_IP6;
	char ip[INET6_ADDRSTRLEN];
	int r;

	r = is_6 ? take_bits(&text, "/", 128, &t->bits6) :
	    take_bits(&text, "/", 32, &t->bits4);
	if (r < 0)
		return err_set(err, ERR_SYNTAX, "bad prefix length");
	if (text.len < sizeof(ip) && memchr(text.p, '\0', text.len) == NULL) {
		memcpy(ip, text.p, text.len);
		ip[text.len] = '\0';
		if (inet_pton(is_6 ? AF_INET6 : AF_INET, ip, t->u.ip) == 1)
			return 0;
	}
	return err_set(err, ERR_SYNTAX, "no IPv%d address", is_6 ? 6 : 4);
}

static int
parse_arguments(struct spf_term *t, enum takes takes, struct span rest,
    struct err *err)
{
	bool has_colon = rest.len > 0 && rest.p[0] == ':';

	if (takes == DOMAIN_AND_BITS &&
	    (take_bits(&rest, "//", 128, &t->bits6) < 0 ||
	    take_bits(&rest, "/", 32, &t->bits4) < 0))
		return err_set(err, ERR_SYNTAX, "bad prefix length");
	if (rest.len == 0 && !has_colon && (takes == NOTHING ||
	    takes == DOMAIN || takes == DOMAIN_AND_BITS))
		return 0;
	if (takes == NOTHING)
		return err_set(err, ERR_SYNTAX, "it takes no argument");
	if (rest.len == 0 || rest.p[0] != ':')
		return err_set(err, ERR_SYNTAX, takes == NETWORK ?
		    "the address is missing" : "bad argument");
	rest = span_n(rest.p + 1, rest.len - 1);
	if (takes == NETWORK)
		return parse_network(t, rest, err);
	t->u.domain = rest;
	return check_domain(rest, err);
}

static int
parse_mechanism(struct span text, struct spf_term *t, struct err *err)
{
	static const char qualifiers[] = "+-~?";
	static const uint8_t results[] = { SPF_PASS, SPF_FAIL, SPF_SOFTFAIL,
	    SPF_NEUTRAL };
	const char *qualifier = strchr(qualifiers, text.p[0]);
	size_t len, i;

	*t = (struct spf_term){ .written = text, .result = SPF_PASS,
	    .bits4 = 32, .bits6 = 128 };
	if (qualifier != NULL && *qualifier != '\0') {
		t->result = results[qualifier - qualifiers];
		text = span_n(text.p + 1, text.len - 1);
	}
	for (len = 0; len < text.len && text.p[len] != ':' &&
	    text.p[len] != '/'; len++)
		;
	for (i = 0; i < sizeof(mechanisms) / sizeof(mechanisms[0]); i++)
		if (span_is_nocase(span_n(text.p, len), mechanisms[i].name)) {
			t->mechanism = mechanisms[i].mechanism;
			return parse_arguments(t, mechanisms[i].takes,
			    span_n(text.p + len, text.len - len), err);
		}
	return err_set(err, ERR_SYNTAX, "there is no such mechanism");
}

/* --- modifiers --- */

/* The name in front of the = of a modifier; empty: it is none. */
static struct span
modifier_name(struct span text)
{
	size_t i;

	for (i = 0; i < text.len; i++)
		if (!is_alpha(text.p[i]) && (i == 0 || (!is_digit(text.p[i]) &&
		    (text.p[i] == '\0' || strchr("-_.", text.p[i]) == NULL))))
			break;
	if (i == text.len || text.p[i] != '=')
		i = 0;
	return span_n(text.p, i);
}

static int
parse_modifier(struct span text, struct span name, struct spf_record *record,
    struct err *err)
{
	struct span value = span_n(text.p + name.len + 1,
	    text.len - name.len - 1), *where;

	if (span_is_nocase(name, "redirect")) {
		where = &record->redirect;
		record->redirect_written = text;
	} else if (span_is_nocase(name, "exp"))
		where = &record->explanation;
	else
		return spf_macro_check(value, SPF_IN_TERM, err);
	if (where->p != NULL)
		return err_set(err, ERR_SYNTAX, "it is there twice");
	*where = value;
	return check_domain(value, err);
}

/* --- all of it --- */

static int
parse_term(struct span text, struct spf_record *record, struct err *err)
{
	struct span name = modifier_name(text);
	char shown[SPF_SHOWN];
	int r;

	if (name.len > 0)
		r = parse_modifier(text, name, record, err);
	else if (record->n == SPF_LIMIT_WRITTEN)
		return err_set(err, ERR_SYNTAX,
		    "more than %d terms are written there", SPF_LIMIT_WRITTEN);
	else
		r = parse_mechanism(text, &record->terms[record->n++], err);
	return r < 0 ? err_prefix(err, "%s", spf_shown(text, shown)) : 0;
}

int
spf_record_parse(struct arena *a, struct span text, struct spf_record *record,
    struct err *err)
{
	size_t most = 1;	/* terms: one more than there are spaces */
	struct span term;

	*record = (struct spf_record){ 0 };
	if (text.len > SPF_LIMIT_RECORD)
		return err_set(err, ERR_SYNTAX,
		    "the record is longer than %d octets", SPF_LIMIT_RECORD);
	for (size_t i = 0; i < text.len && most < SPF_LIMIT_WRITTEN; i++)
		most += text.p[i] == ' ';
	record->terms = arena_new_n(a, most, struct spf_term);
	span_until(&text, ' ');		/* the version */
	while (text.len > 0) {
		term = span_until(&text, ' ');
		if (term.len > 0 && parse_term(term, record, err) < 0)
			return -1;
	}
	return 0;
}
