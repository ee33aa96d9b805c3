#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/buf.h"
#include "gateway/http.h"
#include "tests/kit/t.h"

#define HOST	"Host: localhost\r\n"
#define MORE	1000		/* not at its end yet */
#define REST	" HTTP/1.1\r\n" HOST "\r\n"

static const struct {
	const char *name, *in;
	int want;
} requests[] = {
	{ "the plain one", "GET / HTTP/1.1\r\n" HOST "\r\n", 0 },
	{ "HEAD", "HEAD /metrics" REST, 0 },
	{ "HTTP/1.0, with a Host", "GET / HTTP/1.0\r\n" HOST "\r\n", 0 },
	{ "no body by its length", "GET / HTTP/1.1\r\n" HOST
	    "Content-Length: 0\r\n\r\n", 0 },
	{ "tabs around a value", "GET / HTTP/1.1\r\nHost:\tlocalhost\t\r\n"
	    "\r\n", 0 },
	{ "UTF-8 in a field", "GET / HTTP/1.1\r\n" HOST
	    "User-Agent: \xc3\xa9\r\n\r\n", 0 },
	{ "an address as a proxy is asked", "GET http://localhost/x" REST, 0 },
	{ "what follows is nobody's", "GET /" REST "GET /2" REST, 0 },

	{ "nothing yet", "", MORE },
	{ "half a line", "GET / HT", MORE },
	{ "no empty line yet", "GET / HTTP/1.1\r\n" HOST, MORE },
	{ "half a line end", "GET / HTTP/1.1\r\n" HOST "\r", MORE },

	{ "HTTP/0.9", "GET /\r\n\r\n", 400 },
	{ "HTTP/2", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 505 },
	{ "HTTP/3", "GET / HTTP/3.0\r\n" HOST "\r\n", 505 },
	{ "no version at all", "GET / HTTP/1\r\n" HOST "\r\n", 400 },
	{ "version in small letters", "GET / http/1.1\r\n" HOST "\r\n", 400 },
	{ "two spaces", "GET  / HTTP/1.1\r\n" HOST "\r\n", 400 },
	{ "a tab for a space", "GET\t/ HTTP/1.1\r\n" HOST "\r\n", 400 },
	{ "space in the target", "GET /a b" REST, 400 },
	{ "octets beyond ASCII in the target", "GET /\xc3\xa9" REST, 400 },
	{ "a fragment", "GET /#x" REST, 400 },
	{ "no slash", "GET metrics" REST, 400 },
	{ "asterisk", "GET *" REST, 400 },
	{ "another scheme", "GET https://localhost/" REST, 400 },
	{ "no authority", "GET http:///x" REST, 400 },
	{ "empty line first", "\r\nGET /" REST, 400 },
	{ "POST", "POST /" REST, 405 },
	{ "OPTIONS", "OPTIONS *" REST, 405 },
	{ "CONNECT", "CONNECT localhost:25" REST, 405 },
	{ "small letters are another method", "get /" REST, 405 },
	{ "no token", "G@T /" REST, 400 },

	{ "no Host", "GET / HTTP/1.1\r\n\r\n", 400 },
	{ "empty Host", "GET / HTTP/1.1\r\nHost:\r\n\r\n", 400 },
	{ "two Hosts", "GET / HTTP/1.1\r\n" HOST HOST "\r\n", 400 },
	{ "space before the colon", "GET / HTTP/1.1\r\nHost : localhost\r\n"
	    "\r\n", 400 },
	{ "no colon", "GET / HTTP/1.1\r\n" HOST "what\r\n\r\n", 400 },
	{ "no name", "GET / HTTP/1.1\r\n" HOST ": x\r\n\r\n", 400 },
	{ "folded", "GET / HTTP/1.1\r\n" HOST "A: b\r\n c\r\n\r\n", 400 },
	{ "body", "GET / HTTP/1.1\r\n" HOST "Content-Length: 3\r\n\r\nabc",
	    413 },
	{ "odd length", "GET / HTTP/1.1\r\n" HOST "Content-Length: -1\r\n"
	    "\r\n", 413 },
	{ "chunks", "GET / HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\n"
	    "\r\n", 413 },

	{ "bare LF", "GET / HTTP/1.1\n" HOST "\n", 400 },
	{ "bare LF, seen at once", "GET / HTTP/1.1\n", 400 },
	{ "bare CR", "GET / HTTP/1.1\r\n" HOST "A: b\rc\r\n\r\n", 400 },
	{ "two CR", "GET / HTTP/1.1\r\r\n", 400 },
	{ "control character", "GET / HTTP/1.1\r\n" HOST "A: \001\r\n\r\n",
	    400 },
	{ "DEL", "GET /\177" REST, 400 },
	{ "TLS", "\026\003\001", 400 },
};

/* A copy of just that size, for who looks behind its end. */
static int
parse(const char *in, size_t len)
{
	char *copy = malloc(len > 0 ? len : 1);
	struct http_request r;
	size_t used;
	int status;

	memcpy(copy, in, len);
	status = (int)http_parse(span_n(copy, len), &used, &r);
	free(copy);
	return status == HTTP_NONE && used == 0 ? MORE : status;
}

static void
test_requests(void)
{
	for (size_t i = 0; i < sizeof(requests) / sizeof(requests[0]); i++)
		T_INT(requests[i].name, parse(requests[i].in,
		    strlen(requests[i].in)), requests[i].want);
	T_INT("NUL", parse("GET /\0 HTTP/1.1\r\n", 17), 400);
}

static void
test_sizes(void)
{
	struct buf in = {0};

	buf_puts(&in, "GET / HTTP/1.1\r\n" HOST "A: ");
	while (in.len < HTTP_HEAD - 4)
		buf_puts(&in, "x");
	buf_puts(&in, "\r\n\r\n");
	T_INT("the largest head", parse(in.p, in.len), 0);
	in.len -= 4;
	buf_puts(&in, "x\r\n\r\n");
	T_INT("one octet more", parse(in.p, in.len), 431);
	in.len = HTTP_HEAD - 5;
	T_INT("not yet", parse(in.p, in.len), MORE);
	buf_free(&in);
}

static void
test_parts(void)
{
	struct http_request r;
	size_t used;
	struct span in = SPAN_LIT("HEAD http://[::1]:80/a/b?c=d?e HTTP/1.1\r\n"
	    "hOST: elsewhere\r\naccept: text/plain\r\nAccept: second\r\n"
	    "Authorization:  Bearer abc \r\n\r\nmore");

	T_INT("a whole one", http_parse(in, &used, &r), 0);
	T_INT("used", used, in.len - 4);
	T_OK("HEAD", r.is_head);
	T_OK("path", span_is(r.path, "/a/b"));
	T_OK("query", span_is(r.query, "c=d?e"));
	T_OK("the host of the address counts", span_is(r.host, "[::1]:80"));
	T_OK("accept", span_is(r.accept, "text/plain"));
	T_OK("authorization", span_is(r.authorization, "Bearer abc"));
	in = SPAN_LIT("GET http://localhost?x HTTP/1.1\r\nHost: a\r\n\r\n");
	T_INT("an address without a path", http_parse(in, &used, &r), 0);
	T_OK("is that of the root", span_is(r.path, "/"));
	T_OK("with its query", span_is(r.query, "x"));
}

static const struct {
	const char *host;
	bool is_ours;
} hosts[] = {
	{ "localhost", true }, { "LocalHost:9925", true },
	{ "127.0.0.1", true }, { "127.0.0.1:80", true },
	{ "[::1]:9925", true }, { "[2001:db8::1]", true },
	{ "192.0.2.1:1", true }, { "MX.example.org", true },
	{ "mx.example.org:9925", true },
	{ "evil.example", false }, { "evil.example:9925", false },
	{ "localhost.evil.example", false }, { "mx.example.org.", false },
	{ "mx.example.orgx", false }, { "127.0.0.1.nip.example", false },
	{ "::1", false }, { "[127.0.0.1]", false }, { "[::1", false },
	{ "", false }, { ":9925", false }, { "localhost:", true },
	{ "a@localhost", false }, { "127.1", false }, { "[]", false },
};

static void
test_hosts(void)
{
	for (size_t i = 0; i < sizeof(hosts) / sizeof(hosts[0]); i++)
		T_INT(hosts[i].host, http_host_is_ours(span_z(hosts[i].host),
		    "mx.example.org"), hosts[i].is_ours);
}

static const struct {
	const char *query, *want;
} queries[] = {
	{ "", "" },
	{ "a=b", "a=b;" },
	{ "a=b&c=d", "a=b;c=d;" },
	{ "&&a=b&", "a=b;" },
	{ "a", "a=;" },
	{ "a=b=c", "a=b=c;" },
	{ "a=b+c%20d", "a=b c d;" },
	{ "%61=%e9%00x", "a=\xe9.x;" },
	{ "a=%", "bad" },
	{ "a=%4", "bad" },
	{ "a=%zz", "bad" },
	{ "x=1&%g=2", "x=1;bad" },
};

static void
test_queries(void)
{
	struct arena *a = arena_create("queries");

	for (size_t i = 0; i < sizeof(queries) / sizeof(queries[0]); i++) {
		struct span query = span_z(queries[i].query), name, value;
		struct buf got = {0};
		bool is_bad;

		while (http_parameter(a, &query, &name, &value, &is_bad)) {
			buf_span(&got, name);
			buf_puts(&got, "=");
			for (size_t j = 0; j < value.len; j++)
				buf_put(&got, value.p[j] == '\0' ? "." :
				    &value.p[j], 1);
			buf_puts(&got, ";");
		}
		buf_puts(&got, is_bad ? "bad" : "");
		buf_put(&got, "", 1);
		T_STR(queries[i].query, got.p, queries[i].want);
		buf_free(&got);
	}
	arena_destroy(&a);
}

int
main(void)
{
	test_requests();
	test_sizes();
	test_parts();
	test_hosts();
	test_queries();
	return t_done();
}
