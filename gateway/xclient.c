#include "base/utf8.h"
#include "gateway/xclient.h"
#include "gateway/xtext.h"

#define VALUE_MAX	255	/* octets, decoded */
#define LINE_TEXT	510	/* RFC 5321 4.5.3.1.4, without CRLF */

/* In the order in which they are told. The address comes first: when it takes
 * two commands, one that changes the address must not undo the name. */
static const struct attribute {
	const char	*name;
	unsigned	 bit;
} attributes[] = {
	{ "ADDR", XCLIENT_ADDR },
	{ "PORT", XCLIENT_PORT },
	{ "NAME", XCLIENT_NAME },
	{ "PROTO", XCLIENT_PROTO },
	{ "HELO", XCLIENT_HELO },
	{ "LOGIN", XCLIENT_LOGIN },
	{ "DESTADDR", XCLIENT_DESTADDR },
	{ "DESTPORT", XCLIENT_DESTPORT },
	{ "IDENT", XCLIENT_IDENT },
	{ "SOURCE", XCLIENT_SOURCE },
};
#define NATTRIBUTES	(sizeof(attributes) / sizeof(attributes[0]))
#define OF_XCLIENT	(XCLIENT_IDENT - 1)
#define OF_XFORWARD	(XCLIENT_NAME | XCLIENT_ADDR | XCLIENT_PORT | \
			XCLIENT_PROTO | XCLIENT_HELO | XCLIENT_IDENT | \
			XCLIENT_SOURCE)

static unsigned
attribute_bit(struct span name)
{
	size_t i;

	for (i = 0; i < NATTRIBUTES; i++)
		if (span_is_nocase(name, attributes[i].name))
			return attributes[i].bit;
	return 0;
}

unsigned
xclient_attributes(struct span names)
{
	unsigned found = 0;

	names = span_trim(names);
	while (names.len > 0)
		found |= attribute_bit(span_word(&names));
	return found;
}

/* --- reading --- */

/* What a command told. A NULL name, port 0, no address: unavailable. */
struct told {
	unsigned	 seen;
	bool		 name_later;	/* [TEMPUNAVAIL] */
	const char	*name, *helo, *login;
	struct addr	 addr, local;
	int		 port, local_port;
	bool		 esmtp;
};

static bool
is_text(struct span s)
{
	return s.len > 0 && s.len <= VALUE_MAX && utf8_is_printable(s);
}

static int
take_text(struct arena *a, struct span value, const char **out)
{
	if (!is_text(value))
		return -1;
	*out = arena_copy(a, value);
	return 0;
}

static int
take_addr(struct span value, struct addr *out)
{
	struct err ignored;	/* the caller says what was wrong */

	if (span_starts_nocase(value, "IPV6:"))
		value = span_n(value.p + 5, value.len - 5);
	return addr_parse_ip(value, 0, out, &ignored);
}

static int
take_port(struct span value, int *out)
{
	uint64_t port;

	if (span_uint(value, 65535, &port) < 0)
		return -1;
	*out = (int)port;
	return 0;
}

static int
take(struct arena *a, struct told *t, unsigned bit, struct span value)
{
	switch (bit) {
	case XCLIENT_NAME:
		if (!domain_is_valid(value, true))
			return -1;
		return take_text(a, value, &t->name);
	case XCLIENT_ADDR:
		return take_addr(value, &t->addr);
	case XCLIENT_PORT:
		return take_port(value, &t->port);
	case XCLIENT_PROTO:
		t->esmtp = span_is_nocase(value, "ESMTP");
		return t->esmtp || span_is_nocase(value, "SMTP") ? 0 : -1;
	case XCLIENT_HELO:
		return take_text(a, value, &t->helo);
	case XCLIENT_LOGIN:
		return take_text(a, value, &t->login);
	case XCLIENT_DESTADDR:
		return take_addr(value, &t->local);
	default:
		return take_port(value, &t->local_port);
	}
}

/* "NAME=value"; a decoded value lives in `scratch`. */
static int
parse_attribute(struct arena *a, struct span param, struct told *t,
    struct buf *scratch)
{
	struct span value = param, name = span_until(&value, '=');
	unsigned bit = attribute_bit(name) & OF_XCLIENT;

	if (bit == 0 || (t->seen & bit))
		return -1;
	t->seen |= bit;
	if (span_is_nocase(value, "[UNAVAILABLE]"))
		return 0;
	if (span_is_nocase(value, "[TEMPUNAVAIL]")) {
		t->name_later |= bit == XCLIENT_NAME;
		return 0;
	}
	buf_clear(scratch);
	if (xtext_decode(value, scratch) < 0)
		return -1;
	return take(a, t, bit, buf_text(scratch));
}

static void
set_port(struct addr *a, int port)
{
	if (a->len == 0)
		return;
	if (a->u.sa.sa_family == AF_INET)
		a->u.in.sin_port = htons((uint16_t)port);
	else if (a->u.sa.sa_family == AF_INET6)
		a->u.in6.sin6_port = htons((uint16_t)port);
}

static void
apply(const struct told *t, struct client *c)
{
	if (t->seen & XCLIENT_ADDR) {
		c->addr = t->addr;
		c->login = NULL;
	}
	if (t->seen & (XCLIENT_ADDR | XCLIENT_NAME)) {
		c->name = t->name;
		c->reverse = t->name != NULL ? DNS_REVERSE_OK :
		    t->name_later ? DNS_REVERSE_TEMPERROR : DNS_REVERSE_NONE;
	}
	if (t->seen & XCLIENT_PORT)
		set_port(&c->addr, t->port);
	if (t->seen & XCLIENT_DESTADDR)
		c->local = t->local;
	if (t->seen & XCLIENT_DESTPORT)
		set_port(&c->local, t->local_port);
	if (t->seen & XCLIENT_PROTO)
		c->esmtp = t->esmtp;
	if (t->seen & XCLIENT_HELO)
		c->helo = t->helo;
	if (t->seen & XCLIENT_LOGIN)
		c->login = t->login;
}

int
xclient_parse(struct arena *a, struct span args, struct client *client,
    struct err *err)
{
	struct buf scratch = {0};
	struct told told = {0};
	struct span param;
	int ret = 0;

	args = span_trim(args);
	if (args.len == 0)
		return err_set(err, ERR_SYNTAX, "No attributes");
	while (ret == 0 && args.len > 0) {
		param = span_word(&args);
		if (parse_attribute(a, param, &told, &scratch) < 0)
			ret = err_set(err, ERR_SYNTAX,
			    "Bad attribute \"%.60s\"",
			    arena_copy(a, param));
	}
	buf_free(&scratch);
	if (ret == 0)
		apply(&told, client);
	return ret;
}

/* --- writing --- */

/* The value of one attribute, not encoded yet; "" for unavailable. */
static void
put_value(struct buf *out, const struct client *c, const char *ident,
    unsigned bit)
{
	const struct addr *addr = &c->addr;
	char text[ADDR_TEXT];

	switch (bit) {
	case XCLIENT_DESTADDR:
		addr = &c->local;
		/* FALLTHROUGH */
	case XCLIENT_ADDR:
		if (addr->len == 0 || addr_is_unix(addr))
			return;
		if (addr->u.sa.sa_family == AF_INET6)
			buf_puts(out, "IPV6:");
		buf_puts(out, addr_ip(addr, text));
		return;
	case XCLIENT_DESTPORT:
		addr = &c->local;
		/* FALLTHROUGH */
	case XCLIENT_PORT:
		if (addr_port(addr) > 0)
			buf_printf(out, "%d", addr_port(addr));
		return;
	case XCLIENT_PROTO:
		buf_puts(out, c->esmtp ? "ESMTP" : "SMTP");
		return;
	case XCLIENT_SOURCE:
		buf_puts(out, addr_is_unix(&c->addr) ? "LOCAL" : "REMOTE");
		return;
	case XCLIENT_NAME:
		buf_span(out, span_z(c->name));
		return;
	case XCLIENT_HELO:
		buf_span(out, span_z(c->helo));
		return;
	case XCLIENT_LOGIN:
		buf_span(out, span_z(c->login));
		return;
	case XCLIENT_IDENT:
		buf_span(out, span_z(ident));
		return;
	}
}

/* " NAME=value" as it goes over the wire. A value that would not fit a line
 * by itself is as good as not known. */
static void
put_attribute(struct buf *out, const struct client *c, const char *ident,
    const struct attribute *attribute)
{
	struct buf value = {0}, encoded = {0};

	put_value(&value, c, ident, attribute->bit);
	xtext_encode(buf_text(&value), &encoded);
	buf_printf(out, " %s=", attribute->name);
	if (encoded.len > 0 && encoded.len < LINE_TEXT - 32)
		buf_span(out, buf_text(&encoded));
	else if (attribute->bit == XCLIENT_NAME &&
	    c->reverse == DNS_REVERSE_TEMPERROR)
		buf_puts(out, "[TEMPUNAVAIL]");
	else
		buf_puts(out, "[UNAVAILABLE]");
	buf_free(&value);
	buf_free(&encoded);
}

static unsigned
format(struct buf *out, const char *verb, const struct client *c,
    const char *ident, unsigned offered)
{
	struct buf word = {0};
	unsigned lines = 0;
	size_t i, begin = 0;

	for (i = 0; i < NATTRIBUTES; i++) {
		if (!(offered & attributes[i].bit))
			continue;
		buf_clear(&word);
		put_attribute(&word, c, ident, &attributes[i]);
		if (lines == 0 || out->len - begin + word.len > LINE_TEXT) {
			if (lines++ > 0)
				buf_puts(out, "\r\n");
			begin = out->len;
			buf_puts(out, verb);
		}
		buf_span(out, buf_text(&word));
	}
	if (lines > 0)
		buf_puts(out, "\r\n");
	buf_free(&word);
	return lines;
}

unsigned
xclient_format(struct buf *out, const struct client *client,
    unsigned offered)
{
	return format(out, "XCLIENT", client, NULL, offered & OF_XCLIENT);
}

unsigned
xclient_format_forward(struct buf *out, const struct client *client,
    const char *ident, unsigned offered)
{
	return format(out, "XFORWARD", client, ident, offered & OF_XFORWARD);
}
