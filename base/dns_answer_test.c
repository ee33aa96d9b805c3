#include <string.h>

#include "base/dns_answer.h"
#include "base/dns_name.h"
#include "tests/kit/t.h"

/*
 * Packets, written as hex digits and 'letters'. All ask for x.example (octet
 * 12 on); c00c points to that name.
 */
#define HEAD(flags, answers, authorities) \
	"0000 " flags " 0001 " answers " " authorities " 0000 " QUESTION
#define QUESTION	"01'x'07'example'00 0001 0001 "
#define OK1		HEAD("8180", "0001", "0000")
#define OK2		HEAD("8180", "0002", "0000")
#define A_IN		"0001 0001 0000012c "
#define SOA		"c00c 0006 0001 00000064 0016 00 00 " \
	"00000000 00000000 00000000 00000000 0000003c"

static size_t
packet_of(const char *text, uint8_t *out)
{
	size_t n = 0, digits = 0;
	bool quoted = false;

	for (; *text != '\0'; text++) {
		if (*text == '\'')
			quoted = !quoted;
		else if (quoted)
			out[n++] = (uint8_t)*text;
		else if (*text != ' ') {
			unsigned v = (unsigned)(*text <= '9' ? *text - '0' :
			    *text - 'a' + 10);

			if (digits++ % 2 == 0)
				out[n] = (uint8_t)(v << 4);
			else
				out[n++] |= (uint8_t)v;
		}
	}
	return n;
}

static const struct {
	const char	*name, *packet;
	enum dns_type	 type;
	const char	*want;
	uint32_t	 ttl;
} cases[] = {
	{ "one address", OK1 "c00c " A_IN "0004 c0000201", DNS_A,
	    "<c0><00><02><01>", 300 },
	{ "the owner in full, upper case",
	    OK1 "01'X'07'EXAMPLE'00 " A_IN "0004 c0000201", DNS_A,
	    "<c0><00><02><01>", 300 },
	{ "least TTL of two", OK2 "c00c " A_IN "0004 c0000201"
	    "c00c 0001 0001 0000000a 0004 c0000202", DNS_A,
	    "<c0><00><02><01>; <c0><00><02><02>", 10 },
	{ "a TTL with the highest bit is 0",
	    OK1 "c00c 0001 0001 80000001 0004 c0000201", DNS_A,
	    "<c0><00><02><01>", 0 },
	{ "through a compressed CNAME, out of order",
	    OK2 "01'm' c00e " A_IN "0004 c0000201"
	    "c00c 0005 0001 00000005 0004 01'M'c00e", DNS_A,
	    "<c0><00><02><01>", 5 },
	{ "records of others do not count",
	    OK1 "01'y'c00e " A_IN "0004 c0000201", DNS_A, "nodata", 0 },
	{ "nor those of another class",
	    OK1 "c00c 0001 0003 0000012c 0004 c0000201", DNS_A, "nodata", 0 },
	{ "nor those of another type", OK1 "c00c " A_IN "0004 c0000201",
	    DNS_TXT, "nodata", 0 },
	{ "NODATA", HEAD("8180", "0000", "0001") SOA, DNS_A, "nodata", 60 },
	{ "NXDOMAIN", HEAD("8183", "0000", "0001") SOA, DNS_A, "nxdomain",
	    60 },
	{ "NXDOMAIN behind a CNAME", HEAD("8183", "0001", "0001")
	    "c00c 0005 0001 00000005 0004 01'm'c00e" SOA, DNS_A, "nxdomain",
	    5 },
	{ "SERVFAIL", HEAD("8182", "0000", "0000"), DNS_A, "servfail", 0 },
	{ "REFUSED", HEAD("8185", "0000", "0000"), DNS_A, "servfail", 0 },
	{ "CNAME to itself", OK1 "c00c 0005 0001 00000005 0002 c00c", DNS_A,
	    "servfail", 0 },
	{ "exchanger", OK1 "c00c 000f 0001 00000005 0005 000a 00 c00c",
	    DNS_MX, "malformed", 0 },
	{ "exchanger, compressed",
	    OK1 "c00c 000f 0001 00000005 0004 000a c00c", DNS_MX, "x.example",
	    5 },
	{ "null MX", OK1 "c00c 000f 0001 00000005 0003 0000 00", DNS_MX, "",
	    5 },
	{ "odd octets in a name",
	    OK1 "c00c 000c 0001 00000005 000b 04'a.b;'04'C'205c00 00", DNS_PTR,
	    "a\\.b\\;.c\\032\\\\\\000", 5 },
	{ "strings", OK1 "c00c 0010 0001 00000005 0007 02'ab'00 02'cd'",
	    DNS_TXT, "'abcd'", 5 },
	{ "no string", OK1 "c00c 0010 0001 00000005 0000", DNS_TXT, "''", 5 },
	{ "start of authority", OK1 SOA, DNS_SOA, "", 100 },

	{ "empty", "", DNS_A, "malformed", 0 },
	{ "header only", "0000 8180 0001 0000 0000 0000", DNS_A,
	    "malformed", 0 },
	{ "no question", "0000 8180 0000 0000 0000 0000 0000 0000", DNS_A,
	    "malformed", 0 },
	{ "cut short by the server", HEAD("8380", "0000", "0000"), DNS_A,
	    "malformed", 0 },
	{ "fewer records than said", OK2 "c00c " A_IN "0004 c0000201", DNS_A,
	    "malformed", 0 },
	{ "authority missing", HEAD("8180", "0000", "0001"), DNS_A,
	    "malformed", 0 },
	{ "cut in the record's head", OK1 "c00c 0001 0001 0000", DNS_A,
	    "malformed", 0 },
	{ "cut in the record's data", OK1 "c00c " A_IN "0004 c00002", DNS_A,
	    "malformed", 0 },
	{ "address of three octets", OK1 "c00c " A_IN "0003 c00002", DNS_A,
	    "malformed", 0 },
	{ "pointer to itself", OK1 "c01b " A_IN "0004 c0000201", DNS_A,
	    "malformed", 0 },
	{ "pointer forwards", OK1 "c020 " A_IN "0004 c0000201", DNS_A,
	    "malformed", 0 },
	{ "pointer out of the packet", OK1 "ffff " A_IN "0004 c0000201",
	    DNS_A, "malformed", 0 },
	{ "reserved kind of label", OK1 "4001 " A_IN "0004 c0000201", DNS_A,
	    "malformed", 0 },
	{ "target longer than its data",
	    OK1 "c00c 0005 0001 00000005 0001 01'm'00", DNS_A, "malformed",
	    0 },
	{ "target shorter than its data",
	    OK1 "c00c 0005 0001 00000005 0004 01'm'00 00", DNS_A,
	    "malformed", 0 },
	{ "exchanger without a name", OK1 "c00c 000f 0001 00000005 0002 000a",
	    DNS_MX, "malformed", 0 },
	{ "string longer than its data",
	    OK1 "c00c 0010 0001 00000005 0003 03'ab'", DNS_TXT, "malformed",
	    0 },
};

static const char *
text_of(struct arena *a, enum dns_type type, const struct dns_answer *w)
{
	const char *out = "";
	size_t i, k;

	if (w->outcome != DNS_OK)
		return w->outcome == DNS_FAIL ? w->why :
		    dns_outcome_name(w->outcome);
	for (i = 0; i < w->n; i++) {
		const struct dns_record *r = &w->records[i];

		if (i > 0)
			out = arena_printf(a, "%s; ", out);
		if (r->name != NULL)
			out = arena_printf(a, "%s%s", out, r->name);
		else if (type == DNS_TXT)
			out = arena_printf(a, "%s'%.*s'", out,
			    SPAN_ARG(r->data));
		else
			for (k = 0; k < r->data.len; k++)
				out = arena_printf(a, "%s<%02x>", out,
				    (unsigned char)r->data.p[k]);
	}
	return out;
}

static void
test_packets(void)
{
	struct arena *a = arena_create("test");
	size_t i;

	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		uint8_t packet[512];
		size_t len = packet_of(cases[i].packet, packet);
		/* Of its exact size, so that reading on is seen. */
		struct span exact = arena_span(a, span_n(packet, len));
		struct dns_answer w;

		dns_answer_parse(a, (const uint8_t *)exact.p, len,
		    cases[i].type, &w);
		T_STR(cases[i].name, text_of(a, cases[i].type, &w),
		    cases[i].want);
		T_INT(cases[i].name, w.ttl, cases[i].ttl);
	}
	arena_destroy(&a);
}

static void
test_names(void)
{
	static const struct {
		const char *name, *in, *want;	/* NULL: refused */
	} names[] = {
		{ "lower case", "Mail.EXAMPLE", "mail.example" },
		{ "final dot", "a.b.", "a.b" },
		{ "two final dots", "a.b..", NULL },
		{ "root", ".", NULL },
		{ "plain signs", "_a-b/c+d=e%f", "_a-b/c+d=e%f" },
		{ "escaped signs", "a\\b\"c;d", "a\\\\b\\\"c\\;d" },
		{ "space, control, high", "a b\x01\xff",
		    "a\\032b\\001\\255" },
	};
	struct dns_name name;
	char text[DNS_NAME_TEXT];
	size_t i;

	for (i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		if (dns_name_from_text(names[i].in, &name) < 0) {
			T_STR(names[i].name, NULL, names[i].want);
			continue;
		}
		dns_name_print(&name, text);
		T_STR(names[i].name, text, names[i].want);
	}
}

int
main(void)
{
	test_packets();
	test_names();
	return t_done();
}
