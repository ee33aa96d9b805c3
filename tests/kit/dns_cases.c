#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/dns.h"
#include "tests/kit/dns_cases.h"
#include "tests/kit/t.h"

#define LABEL63 \
	"a23456789012345678901234567890123456789012345678901234567890123"

const char dns_cases_zone[] =
	"mail.x.example A 192.0.2.9\n"
	"mail.x.example AAAA 2001:db8::9\n"
	"v4.x.example A 192.0.2.10\n"
	"v6.x.example AAAA 2001:db8::10\n"
	"x.example 60 MX 10 Mail.X.example\n"
	"x.example 60 MX 20 backup.x.example\n"
	"null.example MX 0 .\n"
	"txt.example TXT \"v=spf1 \" \"mx\" \" -all\"\n"
	"txt2.example TXT \"one\"\n"
	"txt2.example TXT \"\" \"two\\255\\000\"\n"
	"ns.example NS ns1.example\n"
	"_25._tcp.mail.x.example TLSA 3 1 1 0123abcd\n"
	"www.example 50 CNAME www2.example\n"
	"www2.example 40 CNAME mail.x.example\n"
	"dangling.example CNAME nowhere.example\n"
	"half.example CNAME v4.x.example\n"
	"loop.example CNAME loop2.example\n"
	"loop2.example CNAME loop.example\n"
	"c1.example CNAME c2.example\nc2.example CNAME c3.example\n"
	"c3.example CNAME c4.example\nc4.example CNAME c5.example\n"
	"c5.example CNAME c6.example\nc6.example CNAME c7.example\n"
	"c7.example CNAME c8.example\nc8.example CNAME v4.x.example\n"
	"d1.example CNAME d2.example\nd2.example CNAME d3.example\n"
	"d3.example CNAME d4.example\nd4.example CNAME d5.example\n"
	"d5.example CNAME d6.example\nd6.example CNAME d7.example\n"
	"d7.example CNAME d8.example\nd8.example CNAME d9.example\n"
	"d9.example CNAME d10.example\nd10.example CNAME d11.example\n"
	"d11.example CNAME d12.example\nd12.example CNAME d13.example\n"
	"d13.example CNAME d14.example\nd14.example CNAME d15.example\n"
	"d15.example CNAME d16.example\nd16.example CNAME d17.example\n"
	"d17.example CNAME d18.example\nd18.example CNAME d19.example\n"
	"d19.example CNAME v4.x.example\n"
	"broken.example servfail\n"
	"silent.example timeout\n"
	"tobroken.example CNAME broken.example\n"
	"odd\\n@x.example A 192.0.2.77\n"
	LABEL63 ".example A 192.0.2.63\n"
	"host.test A 192.0.2.25\n"
	/* names of addresses */
	"9.2.0.192.in-addr.arpa PTR mail.x.example\n"
	"9.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2"
	    ".ip6.arpa PTR mail.x.example\n"
	"1.0.0.10.in-addr.arpa PTR inside.example\n"
	"inside.example A 10.0.0.1\n"
	"20.2.0.192.in-addr.arpa PTR v4.x.example\n"
	"21.2.0.192.in-addr.arpa PTR nowhere.example\n"
	"22.2.0.192.in-addr.arpa PTR broken.example\n"
	"23.2.0.192.in-addr.arpa PTR v4.x.example\n"
	"23.2.0.192.in-addr.arpa PTR broken.example\n"
	"23.2.0.192.in-addr.arpa PTR two.example\n"
	"two.example A 192.0.2.22\ntwo.example A 192.0.2.23\n"
	"24.2.0.192.in-addr.arpa servfail\n"
	"25.2.0.192.in-addr.arpa PTR v6.x.example\n"
	"26.2.0.192.in-addr.arpa PTR .\n"
	"27.2.0.192.in-addr.arpa PTR od;d.example\n"
	"28.2.0.192.in-addr.arpa timeout\n"
	"31.2.0.192.in-addr.arpa PTR gamma.example\n"
	"31.2.0.192.in-addr.arpa PTR alpha.example\n"
	"31.2.0.192.in-addr.arpa PTR .\n"
	"31.2.0.192.in-addr.arpa PTR beta.example\n"
	"alpha.example A 192.0.2.31\nbeta.example A 192.0.2.31\n"
	"gamma.example A 192.0.2.31\n"
	"30.2.0.192.in-addr.arpa PTR n1.many.example\n"
	"30.2.0.192.in-addr.arpa PTR n2.many.example\n"
	"30.2.0.192.in-addr.arpa PTR n3.many.example\n"
	"30.2.0.192.in-addr.arpa PTR n4.many.example\n"
	"30.2.0.192.in-addr.arpa PTR n5.many.example\n"
	"30.2.0.192.in-addr.arpa PTR n6.many.example\n"
	"30.2.0.192.in-addr.arpa PTR n7.many.example\n"
	"30.2.0.192.in-addr.arpa PTR n8.many.example\n"
	"30.2.0.192.in-addr.arpa PTR n9.many.example\n"
	"30.2.0.192.in-addr.arpa PTR n10.many.example\n"
	"30.2.0.192.in-addr.arpa PTR n11.many.example\n"
	"30.2.0.192.in-addr.arpa PTR n12.many.example\n";

/* "timeout" takes 300 ms, everything else up to 10 s. */
static int64_t
deadline_for(const char *want)
{
	return clock_now() + (strstr(want, "timeout") != NULL ?
	    300 * CLOCK_MS : 10 * CLOCK_S);
}

static int
by_text(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

static char *
record_text(struct arena *a, enum dns_type type, const struct dns_record *r)
{
	char ip[INET6_ADDRSTRLEN];
	char *out;
	size_t i;

	if (type == DNS_MX)
		return arena_printf(a, "%u %s", r->preference, r->name);
	if (r->name != NULL)
		return arena_strdup(a, r->name);
	if (type == DNS_A || type == DNS_AAAA)
		return arena_strdup(a, inet_ntop(type == DNS_A ? AF_INET :
		    AF_INET6, r->data.p, ip, sizeof(ip)));
	out = arena_strdup(a, "");
	for (i = 0; i < r->data.len; i++) {
		unsigned char c = (unsigned char)r->data.p[i];

		out = arena_printf(a, type == DNS_TXT && c >= ' ' &&
		    c < 0x7f ? "%s%c" : "%s<%02x>", out, c);
	}
	return out;
}

/* Outcome or reason, then the records in order of their text. */
static const char *
answer_text(struct arena *a, enum dns_type type, const struct dns_answer *w)
{
	char **texts = arena_new_n(a, w->n + 1, char *);
	const char *out;
	size_t i;

	if (w->outcome != DNS_OK)
		return w->outcome == DNS_FAIL ? w->why :
		    dns_outcome_name(w->outcome);
	for (i = 0; i < w->n; i++)
		texts[i] = record_text(a, type, &w->records[i]);
	qsort(texts, w->n, sizeof(*texts), by_text);
	out = w->n > 0 ? texts[0] : "";
	for (i = 1; i < w->n; i++)
		out = arena_printf(a, "%s, %s", out, texts[i]);
	return out;
}

static const struct {
	const char	*name;
	const char	*ask;
	enum dns_type	 type;
	const char	*want;
} lookups[] = {
	{ "address", "mail.x.example", DNS_A, "192.0.2.9" },
	{ "IPv6 address", "mail.x.example", DNS_AAAA, "2001:db8::9" },
	{ "letter case", "MAIL.x.Example", DNS_A, "192.0.2.9" },
	{ "final dot", "mail.x.example.", DNS_A, "192.0.2.9" },
	{ "no such name", "nowhere.example", DNS_A, "nxdomain" },
	{ "no such record", "v4.x.example", DNS_AAAA, "nodata" },
	{ "only names beneath", "_tcp.mail.x.example", DNS_A, "nodata" },
	{ "mail exchangers", "x.example", DNS_MX,
	    "10 mail.x.example, 20 backup.x.example" },
	{ "null MX", "null.example", DNS_MX, "0 " },
	{ "strings are joined", "txt.example", DNS_TXT, "v=spf1 mx -all" },
	{ "several TXT, any octet", "txt2.example", DNS_TXT,
	    "one, two<ff><00>" },
	{ "name server", "ns.example", DNS_NS, "ns1.example" },
	{ "TLSA", "_25._tcp.mail.x.example", DNS_TLSA,
	    "<03><01><01><01><23><ab><cd>" },
	{ "through CNAMEs", "www.example", DNS_A, "192.0.2.9" },
	{ "a CNAME itself", "www.example", DNS_CNAME, "www2.example" },
	{ "CNAME to nothing", "dangling.example", DNS_A, "nxdomain" },
	{ "CNAME to another type", "half.example", DNS_AAAA, "nodata" },
	{ "CNAME to a failure", "tobroken.example", DNS_A, "servfail" },
	{ "long chain", "c1.example", DNS_A, "192.0.2.10" },
	{ "chain without end", "loop.example", DNS_A, "servfail" },
	{ "chain too long", "d1.example", DNS_A, "servfail" },
	{ "failure", "broken.example", DNS_A, "servfail" },
	{ "silence", "silent.example", DNS_A, "timeout" },
	{ "odd octets", "odd\\n@x.example", DNS_A, "192.0.2.77" },
	{ "label of 63", LABEL63 ".example", DNS_A, "192.0.2.63" },
	{ "label of 64", LABEL63 "4.example", DNS_A, "bad name" },
	{ "empty label", "a..example", DNS_A, "bad name" },
	{ "leading dot", ".example", DNS_A, "bad name" },
	{ "empty name", "", DNS_A, "bad name" },
	{ "the root", ".", DNS_A, "bad name" },
	{ "254 octets", LABEL63 "." LABEL63 "." LABEL63 "."
	    "a2345678901234567890123456789012345678901234567890123456789012",
	    DNS_A, "bad name" },
	{ "253 octets", LABEL63 "." LABEL63 "." LABEL63 "."
	    "a234567890123456789012345678901234567890123456789012345678901",
	    DNS_A, "nxdomain" },
	{ "localhost", "localhost", DNS_A, "127.0.0.1" },
	{ "localhost, IPv6", "localhost", DNS_AAAA, "::1" },
	{ "a name under .test", "host.test", DNS_A, "192.0.2.25" },
};

MAY_YIELD static void
run_lookups(struct arena *a)
{
	struct dns_answer w;
	struct err err;
	size_t i;

	for (i = 0; i < sizeof(lookups) / sizeof(lookups[0]); i++) {
		T_INT(lookups[i].name, dns_lookup(a, lookups[i].ask,
		    lookups[i].type, deadline_for(lookups[i].want), &w, &err),
		    0);
		T_STR(lookups[i].name, answer_text(a, lookups[i].type, &w),
		    lookups[i].want);
	}
}

MAY_YIELD static void
run_ttls(struct arena *a)
{
	static const struct {
		const char *name, *ask;
		uint32_t most;
	} cases[] = {
		{ "a record's life", "mail.x.example", 300 },
		{ "the least of a chain", "www.example", 40 },
		{ "of what is not there", "nowhere.example", 60 },
		{ "of a failure", "broken.example", 0 },
	};
	struct dns_answer w;
	struct err err;
	size_t i;

	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		dns_lookup(a, cases[i].ask, DNS_A, deadline_for(""), &w, &err);
		/* Some seconds of it may be over. */
		T_OK(cases[i].name, w.ttl <= cases[i].most &&
		    w.ttl + 15 >= cases[i].most);
	}
}

MAY_YIELD static void
run_addresses(struct arena *a)
{
	static const struct {
		const char *name, *ask, *want;
	} cases[] = {
		{ "both kinds", "mail.x.example",
		    "192.0.2.9:25 [2001:db8::9]:25 " },
		{ "IPv4 only", "v4.x.example", "192.0.2.10:25 " },
		{ "IPv6 only", "v6.x.example", "[2001:db8::10]:25 " },
		{ "CNAME", "www.example", "192.0.2.9:25 [2001:db8::9]:25 " },
		{ "an address", "192.0.2.1", "192.0.2.1:25 " },
		{ "an IPv6 address", "2001:db8::1", "[2001:db8::1]:25 " },
		{ "localhost", "localhost", "127.0.0.1:25 [::1]:25 " },
		{ "no such host", "nowhere.example", "nxdomain" },
		{ "a host without addresses", "txt.example", "nodata" },
		{ "failure", "broken.example", "servfail" },
		{ "silence", "silent.example", "timeout" },
		{ "bad name", "a..example", "bad name" },
	};
	struct dns_answer w;
	struct err err;
	size_t i, k, n;

	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct addr *addrs;
		const char *out = "";

		T_INT(cases[i].name, dns_addresses(a, cases[i].ask, 25,
		    deadline_for(cases[i].want), &addrs, &n, &w, &err), 0);
		for (k = 0; k < n; k++) {
			char text[ADDR_TEXT];

			out = arena_printf(a, "%s%s ", out,
			    addr_text(&addrs[k], text));
		}
		if (n == 0)
			out = answer_text(a, DNS_A, &w);
		T_STR(cases[i].name, out, cases[i].want);
	}
}

MAY_YIELD static void
run_reverse(struct arena *a)
{
	static const struct {
		const char *name, *ip, *want;
	} cases[] = {
		{ "points back", "192.0.2.9", "ok mail.x.example" },
		{ "points back, IPv6", "2001:db8::9", "ok mail.x.example" },
		{ "mapped into IPv6", "::ffff:192.0.2.9",
		    "ok mail.x.example" },
		{ "private network", "10.0.0.1", "ok inside.example" },
		{ "one of several", "192.0.2.23", "ok two.example" },
		{ "several that point back", "192.0.2.31",
		    "ok alpha.example" },
		{ "points elsewhere", "192.0.2.20", "mismatch v4.x.example" },
		{ "points to nothing", "192.0.2.21",
		    "mismatch nowhere.example" },
		{ "only an address of the other kind", "192.0.2.25",
		    "mismatch v6.x.example" },
		{ "to the root", "192.0.2.26", "mismatch " },
		{ "no name of a host", "192.0.2.27",
		    "mismatch od\\;d.example" },
		{ "cannot be checked", "192.0.2.22", "temperror" },
		{ "no name", "192.0.2.99", "none" },
		{ "failure", "192.0.2.24", "temperror" },
		{ "timeout", "192.0.2.28", "temperror" },
	};
	static const char *const words[] = { [DNS_REVERSE_NONE] = "none",
	    [DNS_REVERSE_OK] = "ok", [DNS_REVERSE_MISMATCH] = "mismatch",
	    [DNS_REVERSE_TEMPERROR] = "temperror" };
	enum dns_reverse result;
	struct dns_stats before, after;
	struct addr ip = { 0 };
	const char *name;
	struct err err;
	size_t i;

	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		if (addr_parse_ip(span_z(cases[i].ip), 25, &ip, &err) < 0)
			abort();
		T_INT(cases[i].name, dns_reverse_name(a, &ip,
		    deadline_for(cases[i].name), &result, &name, &err), 0);
		T_STR(cases[i].name, name == NULL ? words[result] :
		    arena_printf(a, "%s %s", words[result], name),
		    cases[i].want);
	}
	dns_statistics(&before);
	addr_parse_ip(SPAN_LIT("192.0.2.30"), 25, &ip, &err);
	dns_reverse_name(a, &ip, deadline_for(""), &result, &name, &err);
	dns_statistics(&after);
	T_INT("of many names ten are looked at", after.asked - before.asked,
	    1 + DNS_REVERSE_NAMES);
	T_INT("of many names ten are looked at", result,
	    DNS_REVERSE_MISMATCH);
	if (addr_parse(SPAN_LIT("unix:/run/x"), &ip, &err) < 0)
		abort();
	dns_reverse_name(a, &ip, deadline_for(""), &result, &name, &err);
	T_OK("a unix socket has none", result == DNS_REVERSE_NONE &&
	    name == NULL);
}

MAY_YIELD void
dns_cases_run(void *unused)
{
	struct arena *a = arena_create("dns cases");

	(void)unused;
	run_lookups(a);
	run_ttls(a);
	run_addresses(a);
	run_reverse(a);
	arena_destroy(&a);
}
