#include <stdio.h>
#include <string.h>

#include "milter/command.h"
#include "tests/kit/t.h"

#define LIT(text)	{ text, sizeof(text) - 1 }

static const struct {
	const char	*name, *host, *client;
	int		 port;
	struct span	 want;
} clients[] = {
	{ "IPv4", "host.example", "192.0.2.1", 13507,
	    LIT("\0\0\0\33Chost.example\0004\64\303192.0.2.1\0") },
	{ "IPv4 without a name", "", "192.0.2.1", 25,
	    LIT("\0\0\0\32C[192.0.2.1]\0004\0\031192.0.2.1\0") },
	{ "IPv6", "h", "2001:db8::1", 25,
	    LIT("\0\0\0\22Ch\0006\0\0312001:db8::1\0") },
	{ "IPv6 without a name", "", "2001:db8::1", 25,
	    LIT("\0\0\0\43C[IPv6:2001:db8::1]\0006\0\0312001:db8::1\0") },
	{ "a mapped address is IPv4", "h", "::ffff:192.0.2.1", 25,
	    LIT("\0\0\0\20Ch\0004\0\031192.0.2.1\0") },
	{ "unix socket", "h", "unix:/run/x", 0,
	    LIT("\0\0\0\15Ch\0L\0\0/run/x\0") },
	{ "no address", "h", NULL, 0, LIT("\0\0\0\4Ch\0U") },
	{ "no name and no address", "", NULL, 0,
	    LIT("\0\0\0\12Cunknown\0U") },
};

static void
connect_test(struct buf *b)
{
	struct addr client;
	struct err err;

	for (size_t i = 0; i < sizeof(clients) / sizeof(clients[0]); i++) {
		memset(&client, 0, sizeof(client));
		if (clients[i].client != NULL &&
		    strncmp(clients[i].client, "unix:", 5) == 0)
			T_INT(clients[i].name, addr_parse(span_z(
			    clients[i].client), &client, &err), 0);
		else if (clients[i].client != NULL)
			T_INT(clients[i].name, addr_parse_ip(span_z(
			    clients[i].client), clients[i].port, &client,
			    &err), 0);
		buf_clear(b);
		command_connect(b, span_z(clients[i].host), &client);
		T_OK(clients[i].name, span_eq(buf_text(b), clients[i].want));
	}
}

static const struct {
	const char	*name;
	struct span	 value, bare, spaced;	/* without, with LEADSPC */
} values[] = {
	{ "one space goes", LIT(" b"), LIT("b"), LIT(" b") },
	{ "of two the first", LIT("  b"), LIT(" b"), LIT("  b") },
	{ "a tab stays", LIT("\tb"), LIT("\tb"), LIT("\tb") },
	{ "no space", LIT("b"), LIT("b"), LIT("b") },
	{ "empty", LIT(""), LIT(""), LIT("") },
	{ "a space alone", LIT(" "), LIT(""), LIT(" ") },
	{ "folded", LIT(" a\r\n\tb\r\n c"), LIT("a\n\tb\n c"),
	    LIT(" a\n\tb\n c") },
	{ "folded at once", LIT("\r\n b"), LIT("\n b"), LIT("\n b") },
	{ "a CR of its own stays", LIT(" a\rb\r"), LIT("a\rb\r"),
	    LIT(" a\rb\r") },
	{ "octets", LIT(" \303\244\377"), LIT("\303\244\377"),
	    LIT(" \303\244\377") },
	{ "NUL", LIT(" a\0b"), LIT("a?b"), LIT(" a?b") },
};

static void
header_test(struct buf *b)
{
	struct terms t = { .version = 6, .chunk = OPTION_CHUNK };
	struct buf want = { 0 };
	struct err err;
	size_t at;

	for (size_t i = 0; i < 2 * sizeof(values) / sizeof(values[0]); i++) {
		t.steps = i % 2 ? SMFIP_HDR_LEADSPC : 0;
		buf_clear(&want);
		at = packet_begin(&want, 'L');
		packet_put_string(&want, SPAN_LIT("sUBJECT"));
		buf_span(&want, i % 2 ? values[i / 2].spaced :
		    values[i / 2].bare);
		buf_put(&want, "", 1);
		packet_end(&want, at);
		buf_clear(b);
		T_INT(values[i / 2].name, command_header(b, &t,
		    SPAN_LIT("sUBJECT"), values[i / 2].value, &err), 0);
		T_OK(values[i / 2].name, span_eq(buf_text(b),
		    buf_text(&want)));
	}
	buf_free(&want);
}

static void
large_test(struct buf *b)
{
	static char large[OPTION_CHUNK];
	struct terms t = { .version = 6, .chunk = OPTION_CHUNK };
	struct err err;

	memset(large, 'x', sizeof(large));
	buf_clear(b);
	command_bare(b, 'T');
	T_INT("the largest field", command_header(b, &t, SPAN_LIT("A"),
	    span_n(large, sizeof(large) - 3), &err), 0);
	T_INT("the largest field: length", b->len, 10 + OPTION_CHUNK);
	b->len = 5;
	T_INT("one octet more", command_header(b, &t, SPAN_LIT("A"),
	    span_n(large, sizeof(large) - 2), &err), -1);
	T_INT("one octet more: kind", err.kind, ERR_CONFIG);
	T_STR("one octet more: text", err.text, "a header field of 65536 "
	    "octets is more than the filter takes (65535)");
	T_INT("nothing is left of it", b->len, 5);
	t.chunk = OPTION_CHUNK_256K;
	T_INT("where packets are larger", command_header(b, &t, SPAN_LIT("A"),
	    span_n(large, sizeof(large)), &err), 0);
	buf_clear(b);
	command_body(b, &t, span_n(large, sizeof(large)));
	T_INT("body", b->len, 5 + OPTION_CHUNK);
}

static const struct {
	const char	*name, *address;
	struct span	 args[3];
	size_t		 nargs;
	struct span	 want;
} paths[] = {
	{ "address", "a@x.example", { LIT("") }, 0,
	    LIT("<a@x.example>\0") },
	{ "null sender", "", { LIT("") }, 0, LIT("<>\0") },
	{ "parameters", "a@x", { LIT("SIZE=10"), LIT("BODY=8BITMIME"),
	    LIT("SMTPUTF8") }, 3,
	    LIT("<a@x>\0SIZE=10\0BODY=8BITMIME\0SMTPUTF8\0") },
};

static void
path_test(struct buf *b)
{
	for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++) {
		buf_clear(b);
		command_mail(b, span_z(paths[i].address), paths[i].args,
		    paths[i].nargs);
		T_OK(paths[i].name, b->p[4] == 'M' && span_eq(span_n(b->p + 5,
		    b->len - 5), paths[i].want));
		buf_clear(b);
		command_rcpt(b, span_z(paths[i].address), paths[i].args,
		    paths[i].nargs);
		T_OK(paths[i].name, b->p[4] == 'R' && span_eq(span_n(b->p + 5,
		    b->len - 5), paths[i].want));
	}
}

static void
bare_test(struct buf *b)
{
	const char *name = "without data";

	buf_clear(b);
	for (const char *c = "TNEAQK"; *c != '\0'; c++)
		command_bare(b, *c);
	T_OK(name, span_eq(buf_text(b), SPAN_LIT("\0\0\0\1T\0\0\0\1N\0\0\0\1E"
	    "\0\0\0\1A\0\0\0\1Q\0\0\0\1K")));
	buf_clear(b);
	command_helo(b, SPAN_LIT("host.example"));
	command_helo(b, SPAN_LIT(""));
	command_unknown(b, SPAN_LIT("WHAT is\377"));
	T_OK("texts", span_eq(buf_text(b), SPAN_LIT("\0\0\0\16Hhost.example\0"
	    "\0\0\0\2H\0\0\0\0\12UWHAT is\377\0")));
	T_STR("a name", command_name('E'), "end of message");
}

int
main(void)
{
	struct buf b = { 0 };

	connect_test(&b);
	header_test(&b);
	large_test(&b);
	path_test(&b);
	bare_test(&b);
	buf_free(&b);
	return t_done();
}
