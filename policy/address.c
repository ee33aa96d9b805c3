#include <arpa/inet.h>
#include <string.h>

#include "base/utf8.h"
#include "policy/address.h"

#define DOMAIN_MAX	255	/* RFC 5321 4.5.3.1.2 */
#define LABEL_MAX	63	/* RFC 1035 2.3.4 */
#define ADDRESS_MAX	254	/* a path of 256 with its < >: 4.5.3.1.3 */

static bool
is_alnum(unsigned char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
	    (c >= '0' && c <= '9');
}

/* RFC 5322 3.2.3, and what RFC 6531 3.3 adds (checked to be UTF-8 before). */
static bool
is_atext(unsigned char c)
{
	return is_alnum(c) || c >= 0x80 ||
	    (c != '\0' && strchr("!#$%&'*+-/=?^_`{|}~", c) != NULL);
}

/* --- domains --- */

bool
domain_is_valid(struct span name, bool utf8)
{
	struct span label;
	unsigned char c;
	size_t i;

	if (name.len == 0 || name.len > DOMAIN_MAX ||
	    name.p[name.len - 1] == '.')
		return false;
	if (!utf8_is_ascii(name) && (!utf8 || !utf8_is_printable(name)))
		return false;
	while (name.len > 0) {
		label = span_until(&name, '.');
		if (label.len == 0 || label.len > LABEL_MAX)
			return false;
		for (i = 0; i < label.len; i++) {
			c = (unsigned char)label.p[i];
			if (!is_alnum(c) && c < 0x80 && c != '-' && c != '_')
				return false;
		}
	}
	return true;
}

static bool
is_ip(int family, struct span text)
{
	char copy[INET6_ADDRSTRLEN];
	unsigned char ip[16];

	if (text.len >= sizeof(copy))
		return false;
	memcpy(copy, text.p, text.len);
	copy[text.len] = '\0';
	return strlen(copy) == text.len && inet_pton(family, copy, ip) == 1;
}

/* Standardized-tag ":" 1*dcontent */
static bool
is_general_literal(struct span inner)
{
	struct span tag = span_until(&inner, ':');
	size_t i;

	if (tag.len == 0 || inner.len == 0)
		return false;
	for (i = 0; i < tag.len; i++)
		if (!is_alnum((unsigned char)tag.p[i]) && tag.p[i] != '-')
			return false;
	if (tag.p[tag.len - 1] == '-')
		return false;
	for (i = 0; i < inner.len; i++)
		if (inner.p[i] < 33 || inner.p[i] > 126 ||
		    strchr("[\\]", inner.p[i]) != NULL)
			return false;
	return true;
}

bool
domain_is_literal(struct span name)
{
	struct span inner;

	if (name.len < 3 || name.len > DOMAIN_MAX || name.p[0] != '[' ||
	    name.p[name.len - 1] != ']')
		return false;
	inner = span_n(name.p + 1, name.len - 2);
	if (span_starts_nocase(inner, "IPv6:"))
		return is_ip(AF_INET6, span_n(inner.p + 5, inner.len - 5));
	return is_ip(AF_INET, inner) || is_general_literal(inner);
}

/* --- mailboxes --- */

/* What was found, as it can be shown in one line. */
static int
unexpected(struct err *err, struct span text, size_t at)
{
	unsigned char c = (unsigned char)text.p[at];

	if (c > ' ' && c < 0x7f)
		return err_set(err, ERR_SYNTAX,
		    "unexpected \"%c\" at octet %zu of the address", c, at + 1);
	return err_set(err, ERR_SYNTAX,
	    "unexpected octet 0x%02x at octet %zu of the address", c, at + 1);
}

/* *len is the length of the quoted string at the front, quotes included. */
static int
scan_quoted(struct span text, size_t *len, struct err *err)
{
	unsigned char c;
	size_t i;

	for (i = 1; i < text.len; i++) {
		c = (unsigned char)text.p[i];
		if (c == '"') {
			*len = i + 1;
			return 0;
		}
		if (c == '\\' && i + 1 < text.len) {
			c = (unsigned char)text.p[++i];
			if (c >= 0x80)	/* RFC 6531 3.3 quotes ASCII only */
				return unexpected(err, text, i);
		}
		if (c < ' ' || c == 0x7f)
			return unexpected(err, text, i);
	}
	return err_set(err, ERR_SYNTAX, "missing \" after the local part");
}

/*
 * Dots are let through wherever they stand: mobile carriers gave out addresses
 * like a..b@ and c.@ that RFC 5321 does not allow, and people have them still.
 */
static int
scan_local(struct span text, size_t *len, struct err *err)
{
	size_t i;

	if (text.p[0] == '"')
		return scan_quoted(text, len, err);
	for (i = 0; i < text.len && text.p[i] != '@'; i++)
		if (text.p[i] != '.' && !is_atext((unsigned char)text.p[i]))
			return unexpected(err, text, i);
	*len = i;
	return 0;
}

static int
check_text(struct span text, bool utf8, struct err *err)
{
	if (text.len == 0)
		return err_set(err, ERR_SYNTAX, "the address is empty");
	if (text.len > ADDRESS_MAX)
		return err_set(err, ERR_SYNTAX,
		    "the address is longer than %d octets", ADDRESS_MAX);
	if (utf8_is_ascii(text))
		return 0;
	if (!utf8)
		return err_set(err, ERR_SYNTAX,
		    "the address is not ASCII and SMTPUTF8 was not asked for");
	if (!utf8_is_printable(text))
		return err_set(err, ERR_SYNTAX,
		    "the address is not printable UTF-8");
	return 0;
}

int
address_parse(struct span text, bool utf8, struct address *out,
    struct err *err)
{
	size_t at = 0;

	if (check_text(text, utf8, err) < 0 ||
	    scan_local(text, &at, err) < 0)
		return -1;
	*out = (struct address){
		.text = text,
		.local = span_n(text.p, at),
		.domain = span_n(text.p + text.len, 0),
		.utf8 = !utf8_is_ascii(text)
	};
	if (at == 0)
		return err_set(err, ERR_SYNTAX, "nothing before the @");
	if (at == text.len) {
		if (span_is_nocase(text, "postmaster"))
			return 0;
		return err_set(err, ERR_SYNTAX, "the address has no domain");
	}
	if (text.p[at] != '@')
		return unexpected(err, text, at);
	out->domain = span_n(text.p + at + 1, text.len - at - 1);
	if (out->domain.len == 0)
		return err_set(err, ERR_SYNTAX, "nothing behind the @");
	if (!domain_is_valid(out->domain, utf8) &&
	    !domain_is_literal(out->domain))
		return err_set(err, ERR_SYNTAX,
		    "\"%.*s\" is not a domain or an address literal",
		    SPAN_ARG(out->domain));
	return 0;
}

struct address
address_copy(struct arena *a, const struct address *from)
{
	struct address to = *from;

	to.text = arena_span(a, from->text);
	to.local = span_n(to.text.p, from->local.len);
	to.domain = span_n(to.text.p + (to.text.len - from->domain.len),
	    from->domain.len);
	return to;
}
