#include <string.h>

#include "filters/dnsbl_query.h"
#include "tests/kit/t.h"

static const struct {
	const char *name, *in, *want;
} addresses[] = {
	{ "IPv4", "192.0.2.99", "99.2.0.192" },
	{ "IPv6", "2001:db8:1:2:3:4:567:89ab", "b.a.9.8.7.6.5.0.4.0.0.0.3.0.0."
	    "0.2.0.0.0.1.0.0.0.8.b.d.0.1.0.0.2" },
	{ "mapped IPv4", "::ffff:1.2.3.4", "4.3.2.1" },
	{ "the loopback of IPv6", "::1", "1.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0."
	    "0.0.0.0.0.0.0.0.0.0.0.0.0.0.0" },
};

static const struct {
	const char *in;
	bool is_private;
} privates[] = {
	{ "10.0.0.1", true }, { "11.0.0.1", false },
	{ "172.15.255.255", false }, { "172.16.0.0", true },
	{ "172.31.255.255", true }, { "172.32.0.0", false },
	{ "192.168.255.255", true }, { "192.169.0.0", false },
	{ "127.0.0.1", true }, { "127.0.0.2", true }, { "126.0.0.1", false },
	{ "0.0.0.0", true }, { "169.254.1.1", true },
	{ "100.64.0.1", true }, { "100.128.0.1", false },
	{ "192.0.2.1", false }, { "::1", true }, { "::", true },
	{ "::2", false }, { "fe80::1", true }, { "febf::1", true },
	{ "fec0::1", false }, { "fd00::1", true }, { "fc00::1", true },
	{ "2001:db8::1", false }, { "::ffff:10.0.0.1", true },
};

static void
test_addresses(void)
{
	struct arena *a = arena_create("test");
	struct addr none = { .len = 0 }, ip;
	enum dnsbl_side side;
	struct err err;
	size_t i;

	for (i = 0; i < sizeof(addresses) / sizeof(*addresses); i++) {
		addr_parse_ip(span_z(addresses[i].in), 25, &ip, &err);
		T_STR(addresses[i].name, dnsbl_query_address(a, &ip, &side),
		    addresses[i].want);
		T_INT(addresses[i].name, side,
		    strlen(addresses[i].want) == 63 ? DNSBL_IPV6 : DNSBL_IPV4);
	}
	for (i = 0; i < sizeof(privates) / sizeof(*privates); i++) {
		addr_parse_ip(span_z(privates[i].in), 25, &ip, &err);
		T_INT(privates[i].in, dnsbl_query_is_private(&ip),
		    privates[i].is_private);
	}
	T_OK("no address", dnsbl_query_is_private(&none));
	addr_parse(SPAN_LIT("unix:/run/x"), &ip, &err);
	T_OK("a unix socket", dnsbl_query_is_private(&ip));
	arena_destroy(&a);
}

#define L63 "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"

/* NULL: not asked. */
static const struct {
	const char *name, *in, *want;
} domains[] = {
	{ "plain", "mail.x.example", "mail.x.example" },
	{ "capitals", "Mail.X.Example", "mail.x.example" },
	{ "a final dot", "x.example.", "x.example" },
	{ "UTF-8", "b\xc3\xbc" "cher.example", "xn--bcher-kva.example" },
	{ "an ideographic dot", "b\xc3\xbc" "cher\xe3\x80\x82" "example",
	    "xn--bcher-kva.example" },
	{ "an underscore", "_dmarc.x.example", "_dmarc.x.example" },
	{ "the longest label", L63 ".example", L63 ".example" },
	{ "one label", "localhost", NULL },
	{ "the test point", "TEST", NULL },
	{ "empty", "", NULL },
	{ "a dot", ".", NULL },
	{ "an empty label", "a..example", NULL },
	{ "a dot in front", ".x.example", NULL },
	{ "a label too long", L63 "a.example", NULL },
	{ "an IPv4 literal", "[192.0.2.1]", NULL },
	{ "an IPv6 literal", "[IPv6:2001:db8::1]", NULL },
	{ "an address without brackets", "192.0.2.1", NULL },
	{ "IPv6 without brackets", "2001:db8::1", NULL },
	{ "a space", "a b.example", NULL },
	{ "an at", "a@b.example", NULL },
	{ "a wide space", "a\xe3\x80\x80" "b.example", NULL },
	{ "not UTF-8", "b\xfc" "cher.example", NULL },
	{ "a line end", "a.example\r\n", NULL },
};

static void
test_domains(void)
{
	struct arena *a = arena_create("test");
	const char *longest = L63 "." L63 "." L63 ".aaaaaaaaaaaaaaaaaaaaaaaaa"
	    "aaaaaaaaaaaaaaaaaaaaaaaaaaaaa.aa";

	for (size_t i = 0; i < sizeof(domains) / sizeof(*domains); i++)
		T_STR(domains[i].name, dnsbl_query_domain(a,
		    span_z(domains[i].in)), domains[i].want);
	T_OK("a NUL", dnsbl_query_domain(a, SPAN_LIT("a\0b.example")) == NULL);
	T_STR("a name", dnsbl_query_name(a, "x.example", "bl.example"),
	    "x.example.bl.example");
	T_INT("so long", (int64_t)strlen(longest), 249);
	T_OK("as long as names can be", dnsbl_query_name(a, longest, "bl") !=
	    NULL);
	T_OK("too long with its zone", dnsbl_query_name(a, longest, "bls.x") ==
	    NULL);
	arena_destroy(&a);
}

/* --- answers --- */

static void
test_reading(void)
{
	static char many[DNSBL_ADDRESSES * 4 * 2];
	struct listing_pattern pattern = { .text = "none" };
	struct dnsbl_list list = { .name = "test" }, strict = {
	    .name = "strict", .patterns = &pattern, .npatterns = 1 };
	struct arena *a = arena_create("test");
	static struct dns_record records[DNSBL_ADDRESSES * 2];
	struct dns_answer answer = { .outcome = DNS_NXDOMAIN,
	    .records = records };
	struct dnsbl_reading r;

	dnsbl_query_read(a, &list, &answer, &r);
	T_INT("no such name", r.state, DNSBL_UNLISTED);
	answer.outcome = DNS_NODATA;
	dnsbl_query_read(a, &list, &answer, &r);
	T_INT("no address", r.state, DNSBL_UNLISTED);
	answer.outcome = DNS_FAIL;
	answer.why = "servfail";
	dnsbl_query_read(a, &list, &answer, &r);
	T_INT("failed", r.state, DNSBL_FAILED);
	T_STR("why", r.why, "servfail");
	answer.outcome = DNS_OK;
	answer.n = 2;
	records[0].data = SPAN_LIT("\x7f\0\0\x02");
	records[1].data = SPAN_LIT("\x7f\0\0\x04");
	dnsbl_query_read(a, &list, &answer, &r);
	T_INT("listed", r.state, DNSBL_LISTED);
	T_INT("with all addresses", r.n, 2);
	T_INT("with all addresses", r.addresses[1].octet[3], 4);
	dnsbl_query_read(a, &strict, &answer, &r);
	T_INT("no pattern fits", r.state, DNSBL_UNLISTED);
	T_INT("but there were addresses", r.verdict, LISTING_OTHER);
	records[1].data = SPAN_LIT("\x7f\xff\xff\xfe");
	dnsbl_query_read(a, &list, &answer, &r);
	T_INT("refused", r.state, DNSBL_ERROR);
	T_STR("why", r.why, "answers 127.255.255.254, which is no listing: we "
	    "may not ask");
	records[1].data = SPAN_LIT("\xcb\0\x71\x07");
	dnsbl_query_read(a, &list, &answer, &r);
	T_INT("parked", r.state, DNSBL_ERROR);
	T_STR("why", r.why, "answers 203.0.113.7, which is no listing");
	for (answer.n = 0; answer.n < DNSBL_ADDRESSES * 2; answer.n++) {
		memcpy(many + answer.n * 4, "\x7f\0\0\x02", 4);
		records[answer.n].data = span_n(many + answer.n * 4, 4);
	}
	dnsbl_query_read(a, &list, &answer, &r);
	T_INT("so many at most", r.n, DNSBL_ADDRESSES);
	arena_destroy(&a);
}

int
main(void)
{
	test_addresses();
	test_domains();
	test_reading();
	return t_done();
}
