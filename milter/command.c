#include <arpa/inet.h>
#include <assert.h>
#include <string.h>

#include "milter/command.h"

static const struct {
	char		 command;
	const char	*name;
} names[] = {
	{ SMFIC_OPTNEG,		"options" },
	{ SMFIC_CONNECT,	"connect" },
	{ SMFIC_HELO,		"HELO" },
	{ SMFIC_MAIL,		"MAIL" },
	{ SMFIC_RCPT,		"RCPT" },
	{ SMFIC_DATA,		"DATA" },
	{ SMFIC_HEADER,		"header" },
	{ SMFIC_EOH,		"end of header" },
	{ SMFIC_BODY,		"body" },
	{ SMFIC_BODYEOB,	"end of message" },
	{ SMFIC_UNKNOWN,	"unknown command" },
	{ SMFIC_MACRO,		"macros" },
	{ SMFIC_ABORT,		"abort" },
	{ SMFIC_QUIT,		"quit" },
	{ SMFIC_QUIT_NC,	"next client" },
};

const char *
command_name(char command)
{
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (names[i].command == command)
			return names[i].name;
	assert(!"a command of the protocol");
	return "";
}

static char
family(const struct addr *a)
{
	if (a->len == 0)
		return SMFIA_UNKNOWN;
	switch (a->u.sa.sa_family) {
	case AF_INET:
		return SMFIA_INET;
	case AF_INET6:
		return SMFIA_INET6;
	default:
		return addr_is_unix(a) ? SMFIA_UNIX : SMFIA_UNKNOWN;
	}
}

/* addr_ip() has "unix:" in front of a path. */
static struct span
address_text(const struct addr *a, char out[ADDR_TEXT])
{
	struct span text = span_z(addr_ip(a, out));

	if (addr_is_unix(a) && span_starts_nocase(text, "unix:"))
		text = span_n(text.p + 5, text.len - 5);
	return text;
}

void
command_connect(struct buf *b, struct span host, const struct addr *client)
{
	char kind = family(client), out[ADDR_TEXT];
	size_t at = packet_begin(b, SMFIC_CONNECT);
	uint16_t port;

	if (host.len == 0 && kind != SMFIA_UNKNOWN)
		host = span_z(addr_literal(client, out));
	packet_put_string(b, host.len > 0 ? host : SPAN_LIT("unknown"));
	buf_put(b, &kind, 1);
	if (kind != SMFIA_UNKNOWN) {
		port = htons((uint16_t)addr_port(client));
		buf_put(b, &port, sizeof(port));
		packet_put_string(b, address_text(client, out));
	}
	packet_end(b, at);
}

static void
put_text(struct buf *b, char command, struct span text)
{
	size_t at = packet_begin(b, command);

	packet_put_string(b, text);
	packet_end(b, at);
}

void
command_helo(struct buf *b, struct span name)
{
	put_text(b, SMFIC_HELO, name);
}

void
command_unknown(struct buf *b, struct span line)
{
	put_text(b, SMFIC_UNKNOWN, line);
}

static void
put_path(struct buf *b, char command, struct span address,
    const struct span *args, size_t nargs)
{
	size_t at = packet_begin(b, command);

	buf_puts(b, "<");
	packet_put_string(b, address);
	b->len--;
	buf_put(b, ">", 2);	/* and its NUL */
	for (size_t i = 0; i < nargs; i++)
		packet_put_string(b, args[i]);
	packet_end(b, at);
}

void
command_mail(struct buf *b, struct span address, const struct span *args,
    size_t nargs)
{
	put_path(b, SMFIC_MAIL, address, args, nargs);
}

void
command_rcpt(struct buf *b, struct span address, const struct span *args,
    size_t nargs)
{
	put_path(b, SMFIC_RCPT, address, args, nargs);
}

/* CRLF becomes LF in place, behind `at`. */
static void
join_lines(struct buf *b, size_t at)
{
	size_t to = at;

	for (size_t i = at; i < b->len; i++)
		if (b->p[i] != '\r' || i + 1 == b->len || b->p[i + 1] != '\n')
			b->p[to++] = b->p[i];
	b->len = to;
}

int
command_header(struct buf *b, const struct terms *t, struct span name,
    struct span value, struct err *err)
{
	size_t at = packet_begin(b, SMFIC_HEADER), start, len;

	if (!option_has_leading_space(t) && value.len > 0 &&
	    value.p[0] == ' ')
		value = span_n(value.p + 1, value.len - 1);
	packet_put_string(b, name);
	start = b->len;
	packet_put_string(b, value);
	join_lines(b, start);
	packet_end(b, at);
	len = b->len - at - PACKET_HEAD;
	if (len <= t->chunk)
		return 0;
	b->len = at;
	return err_set(err, ERR_CONFIG, "a header field of %zu octets is "
	    "more than the filter takes (%zu)", len, t->chunk);
}

void
command_body(struct buf *b, const struct terms *t, struct span chunk)
{
	assert(chunk.len <= t->chunk);
	packet_put(b, SMFIC_BODY, chunk);
}

void
command_bare(struct buf *b, char command)
{
	assert(command == SMFIC_DATA || command == SMFIC_EOH ||
	    command == SMFIC_BODYEOB || command == SMFIC_ABORT ||
	    command == SMFIC_QUIT || command == SMFIC_QUIT_NC);
	packet_put(b, command, span_n(NULL, 0));
}
