#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "gateway/proxyproto.h"
#include "tests/kit/t.h"

#define SIG	"\r\n\r\n\0\r\nQUIT\n"
#define B(lit)	{ lit, sizeof(lit) - 1 }

/* A good one comes back as "client local [tls]" or "local". */
static const struct {
	const char	*name;
	struct span	 in;
	const char	*want;
} cases[] = {
	{ "TCP4", B("PROXY TCP4 192.0.2.1 198.51.100.1 15221 25\r\n"),
	    "192.0.2.1:15221 198.51.100.1:25" },
	{ "TCP4, largest", B("PROXY TCP4 255.255.255.255 255.255.255.255 "
	    "65535 65535\r\n"), "255.255.255.255:65535 255.255.255.255:65535" },
	{ "TCP6", B("PROXY TCP6 2001:db8:: 2001:db8:ffff:ffff:ffff:ffff:ffff:"
	    "ffff 42300 443\r\n"), "[2001:db8::]:42300 "
	    "[2001:db8:ffff:ffff:ffff:ffff:ffff:ffff]:443" },
	{ "TCP6 that is IPv4", B("PROXY TCP6 ::ffff:192.0.2.1 ::1 1 2\r\n"),
	    "192.0.2.1:1 [::1]:2" },
	{ "UNKNOWN", B("PROXY UNKNOWN\r\n"), "local" },
	{ "UNKNOWN and more", B("PROXY UNKNOWN ffff::1 x 1 2\r\n"), "local" },
	{ "v2 TCP4", B(SIG "\x21\x11\0\x0c\xc0\0\2\1\xc6\x33\x64\1\x3b\x75"
	    "\0\x19"), "192.0.2.1:15221 198.51.100.1:25" },
	{ "v2 TCP6", B(SIG "\x21\x21\0\x24"
	    "\x20\1\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\1"
	    "\x20\1\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\2\0\1\0\x19"),
	    "[2001:db8::1]:1 [2001:db8::2]:25" },
	{ "v2 LOCAL", B(SIG "\x20\0\0\0"), "local" },
	{ "v2 LOCAL with addresses", B(SIG "\x20\x11\0\x0c\xc0\0\2\1\xc6\x33"
	    "\x64\1\x3b\x75\0\x19"), "local" },
	{ "v2 unspecified", B(SIG "\x21\0\0\0"), "local" },
	{ "v2 with values", B(SIG "\x21\x11\0\x13\xc0\0\2\1\xc6\x33\x64\1\x3b"
	    "\x75\0\x19\4\0\0\x02\0\1x"),
	    "192.0.2.1:15221 198.51.100.1:25" },
	{ "v2 with TLS", B(SIG "\x21\x11\0\x14\xc0\0\2\1\xc6\x33\x64\1\x3b\x75"
	    "\0\x19\x20\0\5\1\0\0\0\0"),
	    "192.0.2.1:15221 198.51.100.1:25 tls" },
	{ "v2 without TLS", B(SIG "\x21\x11\0\x14\xc0\0\2\1\xc6\x33\x64\1\x3b"
	    "\x75\0\x19\x20\0\5\0\0\0\0\0"),
	    "192.0.2.1:15221 198.51.100.1:25" },

	{ "no header", B("EHLO there\r\n"),
	    "no PROXY header but \"EHLO there??\"" },
	{ "small letters", B("proxy TCP4 "),
	    "no PROXY header but \"proxy TCP4 \"" },
	{ "no such family", B("PROXY UDP4 1.1.1.1 1.1.1.1 1 1\r\n"),
	    "PROXY header: \"UDP4\" is not TCP4, TCP6 or UNKNOWN" },
	{ "nothing", B("PROXY \r\n"),
	    "PROXY header: \"\" is not TCP4, TCP6 or UNKNOWN" },
	{ "text", B("PROXY text\r\n"),
	    "PROXY header: \"text\" is not TCP4, TCP6 or UNKNOWN" },
	{ "no such octet", B("PROXY TCP4 256.0.0.1 1.1.1.1 1 1\r\n"), "PROXY "
	    "header: bad address in \"PROXY TCP4 256.0.0.1 1.1.1.1 1 1\"" },
	{ "IPv6 in TCP4", B("PROXY TCP4 ::1 ::1 1 1\r\n"),
	    "PROXY header: bad address in \"PROXY TCP4 ::1 ::1 1 1\"" },
	{ "IPv4 in TCP6", B("PROXY TCP6 1.1.1.1 1.1.1.1 1 1\r\n"),
	    "PROXY header: bad address in "
	    "\"PROXY TCP6 1.1.1.1 1.1.1.1 1 1\"" },
	{ "bad digit", B("PROXY TCP6 ::g ::1 1 1\r\n"),
	    "PROXY header: bad address in \"PROXY TCP6 ::g ::1 1 1\"" },
	{ "leading zero", B("PROXY TCP6 ::1 ::1 1 02501\r\n"),
	    "PROXY header: bad port in \"PROXY TCP6 ::1 ::1 1 02501\"" },
	{ "port too large", B("PROXY TCP6 ::1 ::1 1 65536\r\n"),
	    "PROXY header: bad port in \"PROXY TCP6 ::1 ::1 1 65536\"" },
	{ "two spaces", B("PROXY TCP6  ::1 ::1 1 1\r\n"),
	    "PROXY header: bad port in \"PROXY TCP6  ::1 ::1 1 1\"" },
	{ "space before a port", B("PROXY TCP6 ::1 ::1  1 1\r\n"),
	    "PROXY header: bad port in \"PROXY TCP6 ::1 ::1  1 1\"" },
	{ "space at the end", B("PROXY TCP6 ::1 ::1 1 1 \r\n"),
	    "PROXY header: bad port in \"PROXY TCP6 ::1 ::1 1 1 \"" },
	{ "bare LF", B("PROXY UNKNOWN\n"),
	    "PROXY header: ends in a bare LF" },
	{ "too long", B("PROXY UNKNOWN aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
	    "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"),
	    "PROXY header: no line end within 107 octets" },
	{ "v2, another version", B(SIG "\x11\x11\0\0"),
	    "PROXY header: unknown version and command 0x11" },
	{ "v2, another command", B(SIG "\x22\x11\0\0"),
	    "PROXY header: unknown version and command 0x22" },
	{ "v2, UDP", B(SIG "\x21\x12\0\0"), "PROXY header: protocol 0x12 is "
	    "not TCP over IPv4 or IPv6" },
	{ "v2, too short for IPv4", B(SIG "\x21\x11\0\1x"), "PROXY header: 1 "
	    "octets are too few for its addresses" },
	{ "v2, too short for IPv6", B(SIG "\x21\x21\0\x0c" "012345678901"),
	    "PROXY header: 12 octets are too few for its addresses" },
	{ "v2, too long", B(SIG "\x21\x11\xff\xff"),
	    "PROXY header: 65535 octets are too many" },
	{ "v2, half a value", B(SIG "\x21\x11\0\x0e\xc0\0\2\1\xc6\x33\x64\1"
	    "\x3b\x75\0\x19\4\0"),
	    "PROXY header: a type-length-value passes its end" },
	{ "v2, a value too long", B(SIG "\x21\x11\0\x0f\xc0\0\2\1\xc6\x33\x64"
	    "\1\x3b\x75\0\x19\4\0\1"),
	    "PROXY header: a type-length-value passes its end" },
};

static void
describe(const struct proxy_header *h, char *out, size_t size)
{
	char client[ADDR_TEXT], local[ADDR_TEXT];

	if (h->is_local)
		snprintf(out, size, "local");
	else
		snprintf(out, size, "%s %s%s", addr_text(&h->client, client),
		    addr_text(&h->local, local), h->has_tls ? " tls" : "");
}

/* Each beginning of a good header wants more, from memory of its own. */
static bool
wants_more(struct span in)
{
	struct proxy_header h;
	struct err err;
	size_t len, used;
	char *piece;
	int ret;

	for (len = 0; len < in.len; len++) {
		piece = malloc(len + 1);
		memcpy(piece, in.p, len);
		piece = realloc(piece, len > 0 ? len : 1);
		ret = proxyproto_parse(span_n(piece, len), &used, &h, &err);
		free(piece);
		if (ret != 0)
			return false;
	}
	return true;
}

static void
test_parse(void)
{
	struct proxy_header h;
	struct err err;
	char got[300];
	size_t i, used;
	int ret;

	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		ret = proxyproto_parse(cases[i].in, &used, &h, &err);
		if (ret == 1) {
			describe(&h, got, sizeof(got));
			T_STR(cases[i].name, got, cases[i].want);
			T_INT(cases[i].name, used, cases[i].in.len);
			T_OK(cases[i].name, wants_more(cases[i].in));
		} else {
			T_INT(cases[i].name, ret, -1);
			T_STR(cases[i].name, err.text, cases[i].want);
		}
	}
}

/* The header comes in two pieces, with the first of TLS right behind it. */
static void
check_read(const char *name, struct span in, size_t cut)
{
	struct proxy_header h;
	struct conn *c;
	struct err err;
	char behind[16];
	int fd[2];

	if (socketpair(AF_UNIX, SOCK_STREAM, 0, fd) < 0 ||
	    send(fd[1], in.p, cut, 0) < 0)
		abort();
	c = conn_open(fd[0]);
	if (cut > 0)
		conn_fill_upto(c, cut, 0, &err);
	if (send(fd[1], in.p + cut, in.len - cut, 0) < 0 ||
	    send(fd[1], "\x16\x03\x01", 3, 0) < 0)
		abort();
	T_INT(name, proxyproto_read(c, 0, &h, &err), 0);
	T_INT(name, conn_input(c).len, 0);
	T_INT(name, recv(fd[0], behind, sizeof(behind), 0), 3);
	conn_close(&c);
	close(fd[1]);
}

static void
test_read(void)
{
	size_t i, cut;

	for (i = 0; cases[i].want[0] != 'n'; i++)
		for (cut = 0; cut <= 14; cut++)
			check_read(cases[i].name, cases[i].in, cut);
}

int
main(void)
{
	test_parse();
	test_read();
	return t_done();
}
