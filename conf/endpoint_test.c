#include <stdio.h>
#include <string.h>

#include "conf/endpoint.h"
#include "tests/kit/t.h"

#define DIR "/etc/forepost"

static const struct {
	const char *name, *in, *want;
} listens[] = {
	{ "IPv4", "192.0.2.1:25", "192.0.2.1:25" },
	{ "all IPv4 addresses", "0.0.0.0:25", "0.0.0.0:25" },
	{ "IPv6", "[2001:DB8::1]:25", "[2001:db8::1]:25" },
	{ "all IPv6 addresses", "[0::0]:25", "[::]:25" },
	{ "a unix socket", "unix:/run/smtp", "unix:/run/smtp" },
	{ "a relative unix socket", "unix:smtp", "unix:" DIR "/smtp" },
	{ "a socket of systemd", "systemd:mx", "mx, passed" },
	{ "port 0", "192.0.2.1:0",
	    "\"192.0.2.1:0\" has port 0: expected 1 to 65535" },
	{ "no name for systemd", "systemd:",
	    "the name in \"systemd:\" is empty or holds a control character" },
	{ "no path", "unix:",
	    "the path in \"unix:\" is empty or holds a control character" },
};

static void
test_listen(void)
{
	struct arena *a = arena_create("endpoint test");

	for (size_t i = 0; i < sizeof(listens) / sizeof(*listens); i++) {
		const char *text;
		struct addr address;
		struct err err;

		if (endpoint_listen(a, DIR, span_z(listens[i].in), &address,
		    &text, &err) < 0)
			text = err.text;
		else if (address.len == 0)
			text = arena_printf(a, "%s, passed", text);
		T_STR(listens[i].name, text, listens[i].want);
	}
	arena_destroy(&a);
}

/* A URL in its usual form, then what was found in it. */
static const struct {
	const char *name, *in, *want;
} urls[] = {
	{ "a name", "smtp://mail.example",
	    "smtp://mail.example:25 smtp host=mail.example port=25 weight=1" },
	{ "a name and a port", "smtp://mail.example:2525",
	    "smtp://mail.example:2525 smtp host=mail.example port=2525 "
	    "weight=1" },
	{ "TLS from the start", "smtps://mail.example",
	    "smtps://mail.example:465 smtp tls host=mail.example port=465 "
	    "weight=1" },
	{ "an IPv4 address", "smtp://10.0.0.5",
	    "smtp://10.0.0.5:25 smtp addr=10.0.0.5:25 port=25 weight=1" },
	{ "an IPv6 address", "smtp://[2001:DB8::5]:26",
	    "smtp://[2001:db8::5]:26 smtp addr=[2001:db8::5]:26 port=26 "
	    "weight=1" },
	{ "the scheme in capitals", "LMTP://mail.example",
	    "lmtp://mail.example:24 lmtp host=mail.example port=24 weight=1" },
	{ "LMTP over a unix socket", "lmtp://unix:/run/lmtp?weight=3",
	    "lmtp://unix:/run/lmtp?weight=3 lmtp addr=unix:/run/lmtp port=0 "
	    "weight=3" },
	{ "SMTP over a unix socket", "smtp://unix:smtp",
	    "smtp://unix:" DIR "/smtp smtp addr=unix:" DIR "/smtp port=0 "
	    "weight=1" },
	{ "a Maildir", "maildir:/var/mail/in?weight=100",
	    "maildir:/var/mail/in?weight=100 maildir path=/var/mail/in port=0 "
	    "weight=100" },
	{ "a relative Maildir", "maildir:Maildir", "maildir:" DIR "/Maildir "
	    "maildir path=" DIR "/Maildir port=0 weight=1" },
	{ "another scheme", "http://mail.example",
	    "\"http://mail.example\" is not the URL of a backend: expected "
	    "smtp://, smtps://, lmtp:// or maildir:" },
	{ "nothing", "", "\"\" is not the URL of a backend: expected "
	    "smtp://, smtps://, lmtp:// or maildir:" },
	{ "no host", "smtp://", "\"smtp://\": \"\" is not a host name" },
	{ "a path", "smtp://a.example/",
	    "\"smtp://a.example/\": \"a.example/\" is not a host name" },
	{ "no port behind the colon", "smtp://a.example:",
	    "\"smtp://a.example:\": \":\" is no port: expected \":\" and 1 to "
	    "65535" },
	{ "a port too large", "smtp://a.example:65536",
	    "\"smtp://a.example:65536\": \":65536\" is no port: expected \":\" "
	    "and 1 to 65535" },
	{ "an open bracket", "smtp://[::1",
	    "\"smtp://[::1\": missing ] in \"[::1\"" },
	{ "text behind the bracket", "smtp://[::1]25",
	    "\"smtp://[::1]25\": \"25\" is no port: expected \":\" and 1 to "
	    "65535" },
	{ "a name in brackets", "smtp://[a.example]",
	    "\"smtp://[a.example]\": \"a.example\" is no IP address: expected "
	    "192.0.2.1 or 2001:db8::1" },
	{ "weight 0", "smtp://a.example?weight=0",
	    "\"smtp://a.example?weight=0\": 0 is too small, the least is 1" },
	{ "weight 101", "smtp://a.example?weight=101",
	    "\"smtp://a.example?weight=101\": 101 is too large, the most is "
	    "100" },
	{ "an empty query", "smtp://a.example?",
	    "\"smtp://a.example?\": \"?\" is not known: expected ?weight=N" },
	{ "no path of a Maildir", "maildir:",
	    "\"maildir:\": the value is empty" },
};

static const char *
describe(struct arena *a, const struct backend_url *url)
{
	static const char *const protos[] = { "smtp", "lmtp", "maildir" };
	char out[ADDR_TEXT];

	return arena_printf(a, "%s %s%s%s%s%s%s%s%s port=%d weight=%u",
	    url->text, protos[url->proto], url->implicit_tls ? " tls" : "",
	    url->host != NULL ? " host=" : "",
	    url->host != NULL ? url->host : "",
	    url->addr.len > 0 ? " addr=" : "",
	    url->addr.len > 0 ? addr_text(&url->addr, out) : "",
	    url->path != NULL ? " path=" : "",
	    url->path != NULL ? url->path : "", url->port, url->weight);
}

static void
test_backend(void)
{
	struct arena *a = arena_create("endpoint test");

	for (size_t i = 0; i < sizeof(urls) / sizeof(*urls); i++) {
		struct backend_url url;
		struct err err;

		if (endpoint_backend(a, DIR, span_z(urls[i].in), &url,
		    &err) < 0) {
			T_STR(urls[i].name, err.text, urls[i].want);
			continue;
		}
		T_STR(urls[i].name, describe(a, &url), urls[i].want);
		T_INT(urls[i].name, endpoint_backend(a, "/", span_z(url.text),
		    &url, &err), 0);
		T_STR("read from its usual form", describe(a, &url),
		    urls[i].want);
	}
	arena_destroy(&a);
}

static const struct {
	const char *name, *in, *want;
} forwards[] = {
	{ "an address", "192.0.2.1", "192.0.2.1:53" },
	{ "an address and a port", "192.0.2.1:5353", "192.0.2.1:5353" },
	{ "IPv6", "2001:db8::53", "[2001:db8::53]:53" },
	{ "IPv6 and a port", "[2001:db8::53]:5353", "[2001:db8::53]:5353" },
	{ "port 0", "192.0.2.1:0", "\"192.0.2.1:0\" is no name server: "
	    "expected an IP address, as 192.0.2.1 or 192.0.2.1:53" },
	{ "a unix socket", "unix:/run/dns", "\"unix:/run/dns\" is no name "
	    "server: expected an IP address, as 192.0.2.1 or 192.0.2.1:53" },
	{ "a name", "ns.example", "\"ns.example\" is no name server: expected "
	    "an IP address, as 192.0.2.1 or 192.0.2.1:53" },
};

static void
test_forward(void)
{
	struct arena *a = arena_create("endpoint test");

	for (size_t i = 0; i < sizeof(forwards) / sizeof(*forwards); i++) {
		const char *text;
		struct err err;

		if (endpoint_forward(a, span_z(forwards[i].in), &text,
		    &err) < 0)
			text = err.text;
		T_STR(forwards[i].name, text, forwards[i].want);
	}
	arena_destroy(&a);
}

static const struct {
	const char *name, *in, *want;
} stores[] = {
	{ "LMDB", "lmdb:/var/lib/forepost/store",
	    "lmdb:/var/lib/forepost/store path=/var/lib/forepost/store" },
	{ "LMDB, relative", "LMDB:store", "lmdb:" DIR "/store path=" DIR
	    "/store" },
	{ "LMDB without a folder", "lmdb:",
	    "\"lmdb:\": the value is empty" },
	{ "Redis by name", "redis://redis.example",
	    "redis://redis.example:6379/0 host=redis.example port=6379 db=0" },
	{ "Redis by address", "redis://192.0.2.7:6380",
	    "redis://192.0.2.7:6380/0 host=192.0.2.7 port=6380 db=0" },
	{ "Redis by IPv6", "Redis://[2001:db8::7]/15",
	    "redis://[2001:db8::7]:6379/15 host=2001:db8::7 port=6379 db=15" },
	{ "Redis by socket", "redis:unix:/run/redis.sock",
	    "redis:unix:/run/redis.sock?db=0 path=/run/redis.sock db=0" },
	{ "Redis by socket, a database", "redis:unix:r/s?db=16383",
	    "redis:unix:" DIR "/r/s?db=16383 path=" DIR "/r/s db=16383" },
	{ "no such database", "redis://a.example/16384",
	    "\"redis://a.example/16384\": the number of the database: "
	    "16384 is too large, the most is 16383" },
	{ "no number of a database", "redis://a.example/",
	    "\"redis://a.example/\": the number of the database: \"\" is not "
	    "a number" },
	{ "no host", "redis://:6379",
	    "\"redis://:6379\": \"\" is not a host name" },
	{ "no such port", "redis://a.example:0",
	    "\"redis://a.example:0\": \":0\" is no port: expected \":\" and 1 "
	    "to 65535" },
	{ "a password in it", "redis://:secret@a.example",
	    "\"redis://:secret@a.example\": \":secret@a.example\" is no port: "
	    "expected \":\" and 1 to 65535" },
	{ "no address in brackets", "redis://[a.example]",
	    "\"redis://[a.example]\": \"a.example\" is no IP address: "
	    "expected 192.0.2.1 or 2001:db8::1" },
	{ "a path", "/var/lib/store", "\"/var/lib/store\" is no store: "
	    "expected none, lmdb:/path, redis://host:port or "
	    "redis:unix:/path" },
};

static const char *
store_text(struct arena *a, const struct store_conf *s)
{
	if (s->kind == STORE_LMDB)
		return arena_printf(a, "%s path=%s", s->text, s->path);
	if (s->path != NULL)
		return arena_printf(a, "%s path=%s db=%u", s->text, s->path,
		    s->database);
	return arena_printf(a, "%s host=%s port=%d db=%u", s->text, s->host,
	    s->port, s->database);
}

static void
test_stores(void)
{
	struct arena *a = arena_create("endpoint test");

	for (size_t i = 0; i < sizeof(stores) / sizeof(*stores); i++) {
		struct store_conf store, again;
		struct err err;

		if (endpoint_store(a, DIR, span_z(stores[i].in), &store,
		    &err) < 0) {
			T_STR(stores[i].name, err.text, stores[i].want);
			continue;
		}
		T_STR(stores[i].name, store_text(a, &store), stores[i].want);
		T_INT("its usual form is read",
		    endpoint_store(a, "/", span_z(store.text), &again, &err),
		    0);
		T_STR("and is the same", store_text(a, &again),
		    stores[i].want);
	}
	arena_destroy(&a);
}

/* A filter in its usual form, then what was found in it. */
static const struct {
	const char *name, *in, *want;
} milters[] = {
	{ "a unix socket", "unix:/run/opendkim/sock",
	    "unix:/run/opendkim/sock addr" },
	{ "the same as sendmail has it", "local:/run/opendkim/sock",
	    "unix:/run/opendkim/sock addr" },
	{ "a relative unix socket", "UNIX:opendkim.sock",
	    "unix:" DIR "/opendkim.sock addr" },
	{ "a relative one of sendmail", "Local:../sock",
	    "unix:" DIR "/../sock addr" },
	{ "a colon in the path", "unix:/run/a:b", "unix:/run/a:b addr" },
	{ "an @ in the path", "unix:/run/a@b", "unix:/run/a@b addr" },
	{ "a name", "inet:filter.example:8891",
	    "inet:filter.example:8891 host=filter.example port=8891" },
	{ "a name, sendmail", "inet:8891@filter.example",
	    "inet:filter.example:8891 host=filter.example port=8891" },
	{ "a name, inet6", "inet6:8891@localhost",
	    "inet:localhost:8891 host=localhost port=8891" },
	{ "a name, inet6 and host:port", "inet6:localhost:8891",
	    "inet:localhost:8891 host=localhost port=8891" },
	{ "a name alone", "filter.example:1",
	    "inet:filter.example:1 host=filter.example port=1" },
	{ "a name alone, sendmail", "inet:65535@unix",
	    "inet:unix:65535 host=unix port=65535" },
	{ "an address", "inet:127.0.0.1:8891",
	    "inet:127.0.0.1:8891 addr port=8891" },
	{ "an address, sendmail", "INET:8891@127.0.0.1",
	    "inet:127.0.0.1:8891 addr port=8891" },
	{ "an address alone", "127.0.0.1:8891",
	    "inet:127.0.0.1:8891 addr port=8891" },
	{ "IPv6", "inet6:[2001:DB8::11]:11332",
	    "inet6:[2001:db8::11]:11332 addr port=11332" },
	{ "IPv6 under inet", "inet:[::1]:11332",
	    "inet6:[::1]:11332 addr port=11332" },
	{ "IPv6 alone", "[::1]:11332", "inet6:[::1]:11332 addr port=11332" },
	{ "IPv6, sendmail", "inet6:11332@::1",
	    "inet6:[::1]:11332 addr port=11332" },
	{ "IPv6, sendmail, in brackets", "inet6:11332@[::1]",
	    "inet6:[::1]:11332 addr port=11332" },
	{ "IPv4 under inet6", "inet6:127.0.0.1:25",
	    "\"inet6:127.0.0.1:25\": this is no IPv6 address" },
	{ "IPv4 within IPv6", "inet6:25@::ffff:127.0.0.1",
	    "\"inet6:25@::ffff:127.0.0.1\": this is no IPv6 address" },
	{ "nothing", "", "\"\" is not where a filter is: expected "
	    "unix:/path, inet:host:port or inet6:[2001:db8::1]:port" },
	{ "a path alone", "/run/opendkim/sock",
	    "\"/run/opendkim/sock\" is not where a filter is: expected "
	    "unix:/path, inet:host:port or inet6:[2001:db8::1]:port" },
	{ "another scheme", "tcp://filter.example:8891",
	    "\"tcp://filter.example:8891\" is not where a filter is: expected "
	    "unix:/path, inet:host:port or inet6:[2001:db8::1]:port" },
	{ "a name without a port", "filter.example",
	    "\"filter.example\" is not where a filter is: expected "
	    "unix:/path, inet:host:port or inet6:[2001:db8::1]:port" },
	{ "no path", "local:",
	    "\"local:\": the path in \"local:\" is empty or holds a control "
	    "character" },
	{ "no port", "inet:filter.example", "\"inet:filter.example\": there "
	    "is no port: expected host:port or port@host" },
	{ "a port alone", "inet:8891", "\"inet:8891\": there is no port: "
	    "expected host:port or port@host" },
	{ "no port behind brackets", "inet6:[::1]", "\"inet6:[::1]\": there "
	    "is no port: expected host:port or port@host" },
	{ "no host", "inet::8891",
	    "\"inet::8891\": \"\" is not a host name" },
	{ "no host behind @", "inet:8891@",
	    "\"inet:8891@\": \"\" is not a host name" },
	{ "no port before @", "inet:@filter.example",
	    "\"inet:@filter.example\": \"\" is no port: expected 1 to 65535 "
	    "and \"@\"" },
	{ "both forms at once", "inet:8891@filter.example:8891",
	    "\"inet:8891@filter.example:8891\": \"filter.example:8891\" is "
	    "not a host name" },
	{ "host@port", "inet:filter.example@8891",
	    "\"inet:filter.example@8891\": \"filter.example\" is no port: "
	    "expected 1 to 65535 and \"@\"" },
	{ "port 0", "inet:filter.example:0", "\"inet:filter.example:0\": "
	    "\":0\" is no port: expected \":\" and 1 to 65535" },
	{ "port 0 before @", "inet:0@filter.example",
	    "\"inet:0@filter.example\": \"0\" is no port: expected 1 to "
	    "65535 and \"@\"" },
	{ "a port too large", "inet:65536@filter.example",
	    "\"inet:65536@filter.example\": \"65536\" is no port: expected "
	    "1 to 65535 and \"@\"" },
	{ "an open bracket", "inet6:[::1:8891", "\"inet6:[::1:8891\": "
	    "missing ] in \"[::1:8891\"" },
	{ "an open bracket behind @", "inet6:8891@[::1",
	    "\"inet6:8891@[::1\": missing ] in \"[::1\"" },
	{ "a bracket and nothing else", "inet6:8891@[",
	    "\"inet6:8891@[\": missing ] in \"[\"" },
	{ "a name in brackets", "inet6:8891@[a.example]",
	    "\"inet6:8891@[a.example]\": \"a.example\" is no IP address: "
	    "expected 192.0.2.1 or 2001:db8::1" },
	{ "IPv6 without brackets", "inet6:::1:8891",
	    "\"inet6:::1:8891\": \"::1:8891\" is no port: expected \":\" "
	    "and 1 to 65535" },
};

static const char *
milter_text(struct arena *a, const struct milter_url *url)
{
	const char *port = url->port == 0 ? "" :
	    arena_printf(a, " port=%d", url->port);

	if (url->host != NULL)
		return arena_printf(a, "%s host=%s%s%s", url->text, url->host,
		    url->addr.len == 0 ? "" : " addr", port);
	return arena_printf(a, "%s%s%s", url->text, url->addr.len == 0 ? "" :
	    " addr", port);
}

static void
test_milters(void)
{
	struct arena *a = arena_create("endpoint test");

	for (size_t i = 0; i < sizeof(milters) / sizeof(*milters); i++) {
		struct milter_url url, again;
		struct err err;

		if (endpoint_milter(a, DIR, span_z(milters[i].in), &url,
		    &err) < 0) {
			T_STR(milters[i].name, err.text, milters[i].want);
			continue;
		}
		T_STR(milters[i].name, milter_text(a, &url), milters[i].want);
		T_INT("its usual form is read",
		    endpoint_milter(a, "/", span_z(url.text), &again, &err),
		    0);
		T_STR("and is the same", milter_text(a, &again),
		    milters[i].want);
	}
	arena_destroy(&a);
}

int
main(void)
{
	test_listen();
	test_stores();
	test_backend();
	test_forward();
	test_milters();
	return t_done();
}
