#include <stdio.h>
#include <string.h>
#include <arpa/inet.h>

#include "base/addr.h"
#include "tests/kit/t.h"

#define FORMS	" is no address: " \
	"expected 192.0.2.1:25, [2001:db8::1]:25 or unix:/path"
#define IP_FORMS	" is no IP address: expected 192.0.2.1 or 2001:db8::1"
#define NET_FORMS	" is no network: " \
	"expected 192.0.2.0/24, 2001:db8::/32 or one address"

/* 107 bytes, the longest that a socket address holds; and one more. */
#define PATH50	"/aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define PATH107	PATH50 PATH50 "/bbbbbb"
#define PATH108	PATH107 "b"

static const struct {
	const char *name, *in, *want;	/* the text form, or the error */
} addresses[] = {
	{ "IPv4", "192.0.2.1:25", "192.0.2.1:25" },
	{ "IPv6", "[2001:db8::1]:25", "[2001:db8::1]:25" },
	{ "IPv6 written long", "[2001:DB8:0:0:0:0:0:1]:25",
	    "[2001:db8::1]:25" },
	{ "IPv6 longest", "[2001:0db8:1111:2222:3333:4444:5555:6666]:65535",
	    "[2001:db8:1111:2222:3333:4444:5555:6666]:65535" },
	{ "any IPv4", "0.0.0.0:25", "0.0.0.0:25" },
	{ "any IPv6", "[::]:25", "[::]:25" },
	{ "port 0", "127.0.0.1:0", "127.0.0.1:0" },
	{ "port 65535", "127.0.0.1:65535", "127.0.0.1:65535" },
	{ "mapped IPv4", "[::ffff:192.0.2.1]:25", "192.0.2.1:25" },
	{ "mapped IPv4 in hexadecimal", "[::FFFF:c000:201]:25",
	    "192.0.2.1:25" },
	{ "unix", "unix:/run/lmtp", "unix:/run/lmtp" },
	{ "unix, other case", "UNIX:/run/lmtp", "unix:/run/lmtp" },
	{ "unix with colons", "unix:/run/a:25", "unix:/run/a:25" },
	{ "unix longest", "unix:" PATH107, "unix:" PATH107 },

	{ "nothing", "", "\"\"" FORMS },
	{ "a name", "mail.example:25", "\"mail.example:25\"" FORMS },
	{ "no port", "192.0.2.1", "\"192.0.2.1\"" FORMS },
	{ "port missing", "192.0.2.1:",
	    "\"192.0.2.1:\": \"\" is no port: expected 0 to 65535" },
	{ "port too large", "192.0.2.1:65536",
	    "\"192.0.2.1:65536\": \"65536\" is no port: expected 0 to 65535" },
	{ "port by name", "192.0.2.1:smtp",
	    "\"192.0.2.1:smtp\": \"smtp\" is no port: expected 0 to 65535" },
	{ "port negative", "192.0.2.1:-1",
	    "\"192.0.2.1:-1\": \"-1\" is no port: expected 0 to 65535" },
	{ "port with a space", "192.0.2.1: 25",
	    "\"192.0.2.1: 25\": \" 25\" is no port: expected 0 to 65535" },
	{ "leading zero", "192.0.2.01:25", "\"192.0.2.01:25\"" FORMS },
	{ "three numbers", "192.0.2:25", "\"192.0.2:25\"" FORMS },
	{ "number above 255", "192.0.2.256:25", "\"192.0.2.256:25\"" FORMS },
	{ "IPv6 without brackets", "2001:db8::1:25",
	    "\"2001:db8::1:25\"" FORMS },
	{ "IPv6 without port", "[2001:db8::1]", "\"[2001:db8::1]\"" FORMS },
	{ "bracket not closed", "[2001:db8::1:25", "\"[2001:db8::1:25\"" FORMS },
	{ "bracket only", "[", "\"[\"" FORMS },
	{ "brackets only", "[]:25", "\"[]:25\"" FORMS },
	{ "IPv4 in brackets", "[192.0.2.1]:25", "\"[192.0.2.1]:25\"" FORMS },
	{ "IPv6 with zone", "[fe80::1%lo]:25", "\"[fe80::1%lo]:25\"" FORMS },
	{ "too long for an address",
	    "[2001:0db8:1111:2222:3333:4444:5555:6666:7777:8888]:25",
	    "\"[2001:0db8:1111:2222:3333:4444:5555:6666:7777:8888]:25\""
	    FORMS },
	{ "unix without path", "unix:",
	    "\"unix:\": expected an absolute path after \"unix:\"" },
	{ "unix relative", "unix:run/lmtp",
	    "\"unix:run/lmtp\": expected an absolute path after \"unix:\"" },
	{ "unix too long", "unix:" PATH108, "\"unix:" PATH108
	    "\": the path of a socket has at most 107 bytes" },
};

static const struct {
	const char *name, *in, *ip, *literal;	/* ip: or the error */
} ips[] = {
	{ "IPv4", "192.0.2.1", "192.0.2.1", "[192.0.2.1]" },
	{ "IPv6", "2001:db8::1", "2001:db8::1", "[IPv6:2001:db8::1]" },
	{ "mapped", "::ffff:192.0.2.1", "192.0.2.1", "[192.0.2.1]" },
	{ "compatible, not mapped", "::192.0.2.1", "::192.0.2.1",
	    "[IPv6:::192.0.2.1]" },
	{ "loopback", "::1", "::1", "[IPv6:::1]" },
	{ "nothing", "", "\"\"" IP_FORMS, NULL },
	{ "a name", "localhost", "\"localhost\"" IP_FORMS, NULL },
	{ "with port", "192.0.2.1:25", "\"192.0.2.1:25\"" IP_FORMS, NULL },
	{ "brackets", "[::1]", "\"[::1]\"" IP_FORMS, NULL },
	{ "white space", "192.0.2.1 ", "\"192.0.2.1 \"" IP_FORMS, NULL },
};

static void
test_parsers(void)
{
	char out[ADDR_TEXT];
	struct addr a, b;
	struct err err;
	size_t i;

	for (i = 0; i < sizeof(addresses) / sizeof(addresses[0]); i++) {
		if (addr_parse(span_z(addresses[i].in), &a, &err) < 0) {
			T_INT(addresses[i].name, err.kind, ERR_SYNTAX);
			T_STR(addresses[i].name, err.text, addresses[i].want);
			continue;
		}
		T_STR(addresses[i].name, addr_text(&a, out),
		    addresses[i].want);
		addr_from(&a.u.sa, a.len, &b);
		T_STR("through addr_from", addr_text(&b, out),
		    addresses[i].want);
	}
	for (i = 0; i < sizeof(ips) / sizeof(ips[0]); i++) {
		if (addr_parse_ip(span_z(ips[i].in), 2525, &a, &err) < 0) {
			T_STR(ips[i].name, err.text, ips[i].ip);
			continue;
		}
		T_STR(ips[i].name, addr_ip(&a, out), ips[i].ip);
		T_STR(ips[i].name, addr_literal(&a, out), ips[i].literal);
		T_INT(ips[i].name, addr_port(&a), 2525);
		T_OK(ips[i].name, !addr_is_unix(&a));
	}
	T_INT("a NUL within an address",
	    addr_parse(span_n("1.2.3.4\0:25", 11), &a, &err), -1);
	T_INT("a NUL within an IP address",
	    addr_parse_ip(span_n("1.2.3.4\0", 8), 0, &a, &err), -1);
	T_INT("a NUL within a path",
	    addr_parse(span_n("unix:/a\0b", 9), &a, &err), -1);
	T_STR("is said so", err.text, "the path of a socket holds a NUL");
	T_INT("a zeroed span", addr_parse((struct span){0}, &a, &err), -1);
}

static void
from_in6(const char *ip, struct addr *a)
{
	struct sockaddr_in6 in6 = {
		.sin6_family = AF_INET6, .sin6_port = htons(4000)
	};

	inet_pton(AF_INET6, ip, &in6.sin6_addr);
	addr_from((struct sockaddr *)&in6, sizeof(in6), a);
}

static void
test_from(void)
{
	struct sockaddr_un un = { .sun_family = AF_UNIX };
	socklen_t head = offsetof(struct sockaddr_un, sun_path);
	char out[ADDR_TEXT];
	struct addr a = {0};

	T_STR("none has no text", addr_text(&a, out), "");
	T_STR("nor an IP", addr_ip(&a, out), "");
	T_STR("nor a literal", addr_literal(&a, out), "");
	T_INT("nor a port", addr_port(&a), 0);
	T_OK("and is not unix", !addr_is_unix(&a));

	from_in6("::ffff:192.0.2.7", &a);
	T_STR("a mapped peer is IPv4", addr_text(&a, out), "192.0.2.7:4000");
	T_INT("in the family too", a.u.sa.sa_family, AF_INET);
	T_INT("and in the length", a.len, sizeof(struct sockaddr_in));
	from_in6("2001:db8::7", &a);
	T_STR("an IPv6 peer", addr_text(&a, out), "[2001:db8::7]:4000");

	addr_from((struct sockaddr *)&un, head, &a);
	T_STR("an unnamed unix peer", addr_text(&a, out), "unix:");
	T_OK("is unix", addr_is_unix(&a));
	T_STR("without a literal", addr_literal(&a, out), "");
	memcpy(un.sun_path, "\0name", 5);
	addr_from((struct sockaddr *)&un, head + 5, &a);
	T_STR("an abstract name", addr_text(&a, out), "unix:@name");
	memset(un.sun_path, 'p', sizeof(un.sun_path));
	addr_from((struct sockaddr *)&un, sizeof(un), &a);
	T_INT("a path without its NUL", strlen(addr_text(&a, out)), 5 + 108);

	un.sun_family = AF_INET6;
	addr_from((struct sockaddr *)&un, 8, &a);
	T_INT("a cut IPv6 address is none", a.len, 0);
	un.sun_family = AF_INET;
	addr_from((struct sockaddr *)&un, 8, &a);
	T_INT("a cut IPv4 address is none", a.len, 0);
	addr_from((struct sockaddr *)&un, 0, &a);
	T_INT("nothing is none", a.len, 0);
}

static const struct {
	const char *name, *a, *b;
	bool want;
} same[] = {
	{ "same IP, other port", "192.0.2.1:25", "192.0.2.1:26", true },
	{ "other IP", "192.0.2.1:25", "192.0.2.2:25", false },
	{ "same IPv6", "[2001:db8::1]:25", "[2001:db8:0::1]:1", true },
	{ "mapped", "192.0.2.1:25", "[::ffff:192.0.2.1]:25", true },
	{ "other family", "0.0.0.0:25", "[::]:25", false },
	{ "unix has no IP", "unix:/a", "unix:/a", false },
};

static void
test_same(void)
{
	struct addr a, b;
	struct err err;
	size_t i;

	for (i = 0; i < sizeof(same) / sizeof(same[0]); i++) {
		addr_parse(span_z(same[i].a), &a, &err);
		addr_parse(span_z(same[i].b), &b, &err);
		T_INT(same[i].name, addr_same_ip(&a, &b), same[i].want);
	}
}

static const struct {
	const char *name, *in, *want;
} networks[] = {
	{ "IPv4", "10.0.0.0/8", "10.0.0.0/8" },
	{ "one IPv4 address", "192.0.2.1", "192.0.2.1/32" },
	{ "one IPv6 address", "2001:db8::1", "2001:db8::1/128" },
	{ "IPv6", "2001:db8::/33", "2001:db8::/33" },
	{ "all IPv4", "0.0.0.0/0", "0.0.0.0/0" },
	{ "all IPv6", "::/0", "::/0" },
	{ "odd length", "192.0.2.254/31", "192.0.2.254/31" },
	{ "mapped", "::ffff:10.0.0.0/104", "10.0.0.0/8" },
	{ "mapped, one address", "::ffff:10.0.0.1", "10.0.0.1/32" },
	{ "all mapped", "::ffff:0:0/96", "0.0.0.0/0" },
	{ "wider than the mapped ones", "::/95", "::/95" },

	{ "nothing", "", "\"\"" NET_FORMS },
	{ "a name", "local", "\"local\"" NET_FORMS },
	{ "length only", "/8", "\"/8\"" NET_FORMS },
	{ "short form", "10/8", "\"10/8\"" NET_FORMS },
	{ "netmask", "10.0.0.0/255.0.0.0", "\"10.0.0.0/255.0.0.0\": "
	    "\"255.0.0.0\" is no prefix length: expected 0 to 32" },
	{ "length missing", "10.0.0.0/", "\"10.0.0.0/\": "
	    "\"\" is no prefix length: expected 0 to 32" },
	{ "length too large", "10.0.0.0/33", "\"10.0.0.0/33\": "
	    "\"33\" is no prefix length: expected 0 to 32" },
	{ "IPv6 length too large", "::/129", "\"::/129\": "
	    "\"129\" is no prefix length: expected 0 to 128" },
	{ "bits behind the prefix", "10.1.2.3/8", "\"10.1.2.3/8\" "
	    "has bits set behind its prefix: did you mean 10.0.0.0/8?" },
	{ "bits within a byte", "192.0.2.255/31", "\"192.0.2.255/31\" "
	    "has bits set behind its prefix: did you mean 192.0.2.254/31?" },
	{ "IPv6 bits", "2001:db8::1/64", "\"2001:db8::1/64\" "
	    "has bits set behind its prefix: did you mean 2001:db8::/64?" },
	{ "bits behind length 0", "128.0.0.0/0", "\"128.0.0.0/0\" "
	    "has bits set behind its prefix: did you mean 0.0.0.0/0?" },
	{ "two slashes", "10.0.0.0/8/8", "\"10.0.0.0/8/8\": "
	    "\"8/8\" is no prefix length: expected 0 to 32" },
	{ "port", "10.0.0.1:25", "\"10.0.0.1:25\"" NET_FORMS },
};

static const struct {
	const char *network, *ip;
	bool want;
} members[] = {
	{ "10.0.0.0/8", "10.255.255.255", true },
	{ "10.0.0.0/8", "11.0.0.0", false },
	{ "192.0.2.128/25", "192.0.2.127", false },
	{ "192.0.2.128/25", "192.0.2.128", true },
	{ "192.0.2.254/31", "192.0.2.255", true },
	{ "192.0.2.254/31", "192.0.2.253", false },
	{ "192.0.2.1", "192.0.2.1", true },
	{ "192.0.2.1", "192.0.2.2", false },
	{ "0.0.0.0/0", "203.0.113.9", true },
	{ "0.0.0.0/0", "2001:db8::1", false },
	{ "::/0", "2001:db8::1", true },
	{ "::/0", "203.0.113.9", false },
	{ "::/0", "::ffff:203.0.113.9", false },
	{ "2001:db8::/33", "2001:db8:7fff::", true },
	{ "2001:db8::/33", "2001:db8:8000::", false },
	{ "2001:db8::1", "2001:db8::1", true },
	{ "2001:db8::1", "2001:db8::", false },
	{ "::ffff:10.0.0.0/104", "10.9.9.9", true },
};

static const struct {
	const char *ip, *want;
} of[] = {
	{ "192.0.2.77", "192.0.2.0/24" },
	{ "2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64" },
	{ "::ffff:192.0.2.77", "192.0.2.0/24" },
};

static void
test_networks(void)
{
	struct network n, two[2], none = {0};
	char out[ADDR_TEXT], name[80];
	struct addr a, un;
	struct err err;
	size_t i;

	for (i = 0; i < sizeof(networks) / sizeof(networks[0]); i++)
		T_STR(networks[i].name,
		    network_parse(span_z(networks[i].in), &n, &err) < 0 ?
		    err.text : network_text(&n, out), networks[i].want);
	for (i = 0; i < sizeof(members) / sizeof(members[0]); i++) {
		snprintf(name, sizeof(name), "%s in %s", members[i].ip,
		    members[i].network);
		network_parse(span_z(members[i].network), &n, &err);
		addr_parse_ip(span_z(members[i].ip), 25, &a, &err);
		T_INT(name, network_has(&n, &a), members[i].want);
	}
	for (i = 0; i < sizeof(of) / sizeof(of[0]); i++) {
		addr_parse_ip(span_z(of[i].ip), 25, &a, &err);
		network_of(&a, &n);
		T_STR("network of an address", network_text(&n, out),
		    of[i].want);
		T_OK("holds it", network_has(&n, &a));
	}

	addr_parse(SPAN_LIT("unix:/run/x"), &un, &err);
	network_of(&un, &n);
	T_STR("unix is in no network", network_text(&n, out), "");
	network_parse(SPAN_LIT("0.0.0.0/0"), &n, &err);
	T_OK("not even in the widest", !network_has(&n, &un));
	T_OK("a zeroed network is empty", !network_has(&none, &a));
	T_OK("for unix too", !network_has(&none, &un));

	network_parse(SPAN_LIT("10.0.0.0/8"), &two[0], &err);
	network_parse(SPAN_LIT("2001:db8::/32"), &two[1], &err);
	addr_parse_ip(SPAN_LIT("2001:db8::5"), 25, &a, &err);
	T_OK("in the second of two", network_any_has(two, 2, &a));
	T_OK("not in the first alone", !network_any_has(two, 1, &a));
	T_OK("in none of none", !network_any_has(NULL, 0, &a));
}

int
main(void)
{
	test_parsers();
	test_from();
	test_same();
	test_networks();
	return t_done();
}
