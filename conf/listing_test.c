#include <string.h>

#include "conf/listing.h"
#include "tests/kit/t.h"

/* --- patterns --- */

static struct listing_pattern
parse_line(struct arena *a, const char *line, const char **hint,
    struct err *err, int *ret)
{
	struct span words[8], rest = span_z(line);
	struct listing_pattern p;
	size_t n = 0;

	while (rest.len > 0 && n < 8)
		words[n++] = span_word(&rest);
	*ret = listing_parse(a, words, n, &p, hint, err);
	return p;
}

/* A good line comes back as it is printed, an empty `want` is the line. */
static const struct {
	const char *name, *in, *want;
} lines[] = {
	{ "one address", "127.0.0.2 score 5", "" },
	{ "a range", "127.0.0.2-3 score 5", "" },
	{ "any value", "127.0.*.1-3 score -4", "" },
	{ "several values", "127.0.0.2,4-7,255 score 1.5", "" },
	{ "a bit", "127.0.0.&8 score 3", "" },
	{ "bits and values", "127.0.0.&8,&64,1 score 3", "" },
	{ "a network", "127.0.0.0/24 score 3", "" },
	{ "a network of all answers", "127.0.0.0/8 ignore", "" },
	{ "one address as a network", "127.0.0.2/32 ignore", "" },
	{ "a tag", "127.0.0.2 tag Bad-sender_1.x", "" },
	{ "score and tag", "127.0.0.2 score 5 tag a", "" },
	{ "tag and score", "127.0.0.2 tag a score 5",
	    "127.0.0.2 score 5 tag a" },
	{ "an error of the list's own", "127.0.0.255 error", "" },
	{ "no score", "127.0.0.2 score 0", "" },
	{ "hundredths", "127.0.0.2 score -0.05", "" },
	{ "trailing zeros", "127.0.0.2 score +05.50",
	    "127.0.0.2 score 5.5" },
	{ "the highest score", "127.0.0.2 score 1000", "" },
	{ "nearly reserved", "127.255.254-255.1 score 1", "" },

	{ "nothing", "", "expected a pattern, as 127.0.0.2-3 score 5" },
	{ "no worth", "127.0.0.2", "nothing behind 127.0.0.2: expected score "
	    "N, tag NAME, ignore or error" },
	{ "three octets", "127.0.2 score 1", "\"127.0.2\": expected four "
	    "octets with dots, as 127.0.0.2-3" },
	{ "five octets", "127.0.0.0.2 score 1", "\"127.0.0.0.2\": expected "
	    "four octets with dots, as 127.0.0.2-3" },
	{ "no number", "127.0.0.x score 1", "\"127.0.0.x\": \"x\" is not an "
	    "octet: expected 0 to 255, as 4, 2-3, *, &8 or several with "
	    "commas" },
	{ "an empty octet", "127.0..2 score 1", "\"127.0..2\": \"\" is not an "
	    "octet: expected 0 to 255, as 4, 2-3, *, &8 or several with "
	    "commas" },
	{ "too large", "127.0.0.256 score 1", "\"127.0.0.256\": \"256\" is "
	    "not an octet: expected 0 to 255, as 4, 2-3, *, &8 or several "
	    "with commas" },
	{ "a zero in front", "127.0.0.02 score 1", "\"127.0.0.02\": \"02\" "
	    "is not an octet: expected 0 to 255, as 4, 2-3, *, &8 or several "
	    "with commas" },
	{ "an open range", "127.0.0.2- score 1", "\"127.0.0.2-\": \"2-\" is "
	    "not an octet: expected 0 to 255, as 4, 2-3, *, &8 or several "
	    "with commas" },
	{ "a last comma", "127.0.0.2, score 1", "\"127.0.0.2,\": \"\" is not "
	    "an octet: expected 0 to 255, as 4, 2-3, *, &8 or several with "
	    "commas" },
	{ "the form of another system", "127.0.0.[1..4;9] score 1",
	    "\"127.0.0.[1..4;9]\": expected four octets with dots, as "
	    "127.0.0.2-3" },
	{ "backwards", "127.0.0.3-2 score 1",
	    "\"127.0.0.3-2\": the range 3-2 runs backwards" },
	{ "no bit", "127.0.0.&0 score 1",
	    "\"127.0.0.&0\": \"&0\" is not & and a sum of bits, 1 to 255" },
	{ "not of this net", "10.0.0.1 score 1", "\"10.0.0.1\": answers of "
	    "DNS lists begin with 127; all others are errors" },
	{ "of other nets too", "126-127.0.0.1 score 1", "\"126-127.0.0.1\": "
	    "answers of DNS lists begin with 127; all others are errors" },
	{ "any net", "*.0.0.1 score 1", "\"*.0.0.1\": answers of DNS lists "
	    "begin with 127; all others are errors" },
	{ "never a listing", "127.255.255.254 score 1", "\"127.255.255.254\": "
	    "answers in 127.255.255.0/24 are errors, never listings" },
	{ "never to be ignored", "127.255.255.0/24 ignore",
	    "\"127.255.255.0/24\": answers in 127.255.255.0/24 are errors, "
	    "never listings" },
	{ "a network too large", "127.0.0.0/7 score 1", "\"127.0.0.0/7\": "
	    "\"/7\" is not the length of a network: expected /8 to /32" },
	{ "no length", "127.0.0.0/ score 1", "\"127.0.0.0/\": \"/\" is not "
	    "the length of a network: expected /8 to /32" },
	{ "bits behind the length", "127.0.0.1/24 score 1",
	    "\"127.0.0.1/24\": a network is its first address and a length, "
	    "as 127.0.0.0/24" },
	{ "a network of ranges", "127.0.0-1.0/24 score 1",
	    "\"127.0.0-1.0/24\": a network is its first address and a length, "
	    "as 127.0.0.0/24" },
	{ "an unknown word", "127.0.0.2 scor 5", "\"scor\" is not one of "
	    "score, tag, ignore or error (score?)" },
	{ "no score given", "127.0.0.2 score", "nothing behind score" },
	{ "no number of a score", "127.0.0.2 score five", "score \"five\": "
	    "expected a number from -1000 to 1000 with at most two decimals, "
	    "as 5, -4 or 1.5" },
	{ "three decimals", "127.0.0.2 score 1.555", "score \"1.555\": "
	    "expected a number from -1000 to 1000 with at most two decimals, "
	    "as 5, -4 or 1.5" },
	{ "a last point", "127.0.0.2 score 1.", "score \"1.\": expected a "
	    "number from -1000 to 1000 with at most two decimals, as 5, -4 or "
	    "1.5" },
	{ "too high", "127.0.0.2 score 1000.01", "score \"1000.01\": expected "
	    "a number from -1000 to 1000 with at most two decimals, as 5, -4 "
	    "or 1.5" },
	{ "two scores", "127.0.0.2 score 1 score 2", "score stands twice" },
	{ "a score to be ignored", "127.0.0.2 score 1 ignore",
	    "ignore stands alone" },
	{ "ignored with a tag", "127.0.0.2 ignore tag a",
	    "ignore stands alone" },
	{ "not a tag", "127.0.0.2 tag a/b", "tag \"a/b\": expected 1 to 64 "
	    "letters, digits, hyphens, underscores and dots" },
};

static void
test_lines(void)
{
	struct arena *a = arena_create("test");

	for (size_t i = 0; i < sizeof(lines) / sizeof(*lines); i++) {
		const char *want = lines[i].want, *hint;
		struct listing_pattern p;
		struct buf out = {0};
		struct err err;
		int ret;

		p = parse_line(a, lines[i].in, &hint, &err, &ret);
		if (ret == 0)
			listing_put(&out, &p);
		else
			buf_puts(&out, err.text);
		if (ret < 0 && hint != NULL)
			buf_printf(&out, " (%s?)", hint);
		T_STR(lines[i].name, arena_copy(a, buf_text(&out)),
		    want[0] == '\0' ? lines[i].in : want);
		buf_free(&out);
	}
	arena_destroy(&a);
}

static struct listing_address
address(unsigned b, unsigned c, unsigned d)
{
	return (struct listing_address){ { 127, (uint8_t)b, (uint8_t)c,
	    (uint8_t)d } };
}

/* How many of the last octets match, of 127.0.0.x. */
static const struct {
	const char *name, *pattern;
	unsigned first, last, count;
} sets[] = {
	{ "one", "127.0.0.2", 2, 2, 1 },
	{ "range", "127.0.0.2-11", 2, 11, 10 },
	{ "any", "127.0.0.*", 0, 255, 256 },
	{ "any of another octet", "127.*.0.9", 9, 9, 1 },
	{ "several", "127.0.0.200,2,4-7", 2, 200, 6 },
	{ "a bit", "127.0.0.&128", 128, 255, 128 },
	{ "two bits", "127.0.0.&3", 3, 255, 64 },
	{ "one bit or the other", "127.0.0.&1,&2", 1, 255, 192 },
	{ "network", "127.0.0.0/24", 0, 255, 256 },
	{ "part of an octet", "127.0.0.64/27", 64, 95, 32 },
	{ "one address", "127.0.0.7/32", 7, 7, 1 },
	{ "another network", "127.0.1.0/24", 0, 0, 0 },
};

static void
test_sets(void)
{
	struct arena *a = arena_create("test");

	for (size_t i = 0; i < sizeof(sets) / sizeof(*sets); i++) {
		unsigned first = 0, last = 0, count = 0;
		struct listing_pattern p;
		const char *hint;
		struct err err;
		int ret;

		p = parse_line(a, arena_printf(a, "%s score 1",
		    sets[i].pattern), &hint, &err, &ret);
		T_INT(sets[i].name, ret, 0);
		for (unsigned v = 0; v <= 255; v++)
			if (listing_matches(&p, address(0, 0, v))) {
				if (count++ == 0)
					first = v;
				last = v;
			}
		T_INT(sets[i].name, first, sets[i].first);
		T_INT(sets[i].name, last, sets[i].last);
		T_INT(sets[i].name, count, sets[i].count);
	}
	arena_destroy(&a);
}

/* --- answers --- */

static struct listing_pattern patterns[LISTING_PATTERNS];

static struct dnsbl_list
make_list(struct arena *a, const char *const *texts)
{
	struct dnsbl_list list = { .name = "test", .patterns = patterns };
	const char *hint;
	struct err err;
	int ret;

	while (texts[list.npatterns] != NULL) {
		patterns[list.npatterns] = parse_line(a,
		    texts[list.npatterns], &hint, &err, &ret);
		T_INT("a good pattern", ret, 0);
		list.npatterns++;
	}
	return list;
}

static void
test_judge(void)
{
	static const char *const plain[] = { NULL };
	static const char *const texts[] = { "127.0.0.2-3 score 5",
	    "127.0.0.3-4 score 1.25", "127.0.0.10 ignore",
	    "127.0.0.* score 0.5", "127.0.0.255 error", NULL };
	static const struct {
		const char *name;
		struct listing_address in[3];
		size_t n;
		enum listing_verdict want;
		int64_t score;
	} cases[] = {
		{ "one pattern and the wide one", {{{127, 0, 0, 2}}}, 1,
		    LISTING_LISTED, 550 },
		{ "several patterns", {{{127, 0, 0, 3}}}, 1, LISTING_LISTED,
		    675 },
		{ "a pattern counts once", {{{127, 0, 0, 2}}, {{127, 0, 0, 3}},
		    {{127, 0, 0, 3}}}, 3, LISTING_LISTED, 675 },
		{ "ignored, whatever else matches", {{{127, 0, 0, 10}}}, 1,
		    LISTING_OTHER, 0 },
		{ "ignored beside another", {{{127, 0, 0, 10}},
		    {{127, 0, 0, 4}}}, 2, LISTING_LISTED, 175 },
		{ "no pattern", {{{127, 0, 1, 2}}}, 1, LISTING_OTHER, 0 },
		{ "an error of the list's own", {{{127, 0, 0, 255}}}, 1,
		    LISTING_REFUSED, 0 },
		{ "you may not ask", {{{127, 255, 255, 254}}}, 1,
		    LISTING_REFUSED, 0 },
		{ "not in 127/8", {{{192, 0, 2, 1}}}, 1, LISTING_REFUSED, 0 },
		{ "one error spoils all", {{{127, 0, 0, 2}},
		    {{127, 255, 255, 252}}}, 2, LISTING_REFUSED, 0 },
		{ "nothing", {{{0}}}, 0, LISTING_EMPTY, 0 },
	};
	struct arena *a = arena_create("test");
	struct dnsbl_list list = make_list(a, texts);
	uint64_t matched;

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		T_INT(cases[i].name, listing_judge(&list, cases[i].in,
		    cases[i].n, &matched), cases[i].want);
		T_INT(cases[i].name, listing_score(&list, matched),
		    cases[i].score);
	}
	list = make_list(a, plain);
	T_INT("without patterns any answer counts", listing_judge(&list,
	    cases[0].in, 1, &matched), LISTING_LISTED);
	T_INT("for nothing", listing_score(&list, matched), 0);
	T_INT("but no error does", listing_judge(&list, cases[8].in, 1,
	    &matched), LISTING_REFUSED);
	arena_destroy(&a);
}

static void
test_allow(void)
{
	static const char *const allow[] = { "127.0.0.2 score -1",
	    "127.0.0.3 tag x", NULL };
	static const char *const both[] = { "127.0.0.2 score -1",
	    "127.0.0.3 score 1", NULL };
	static const char *const tags[] = { "127.0.0.3 tag x", NULL };
	struct arena *a = arena_create("test");
	struct dnsbl_list list = make_list(a, allow);

	T_OK("negative scores", listing_is_allow(&list));
	list = make_list(a, both);
	T_OK("scores of both kinds", !listing_is_allow(&list));
	list = make_list(a, tags);
	T_OK("no scores", !listing_is_allow(&list));
	arena_destroy(&a);
}

/* --- zones and checks --- */

#define L60 "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"

static const struct {
	const char *name, *in, *want;
} zones[] = {
	{ "plain", "bl.example", "bl.example" },
	{ "capitals", "BL.Example", "bl.example" },
	{ "UTF-8", "b\xc3\xbc.example", "xn--b-eha.example" },
	{ "a key in it", "ab_12.bl.example", "ab_12.bl.example" },
	{ "empty", "", "\"\" is not a domain" },
	{ "an address", "http://bl.example",
	    "\"http://bl.example\" is not a domain" },
	{ "two dots", "bl..example", "\"bl..example\" is not a domain" },
	{ "too long", L60 "." L60 "." L60 ".example",
	    "\"" L60 "." "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\" is longer "
	    "than 189 octets: no address would fit in front of it" },
};

static void
test_zones(void)
{
	struct arena *a = arena_create("test");

	for (size_t i = 0; i < sizeof(zones) / sizeof(*zones); i++) {
		const char *got;
		struct err err;

		if (listing_zone(a, span_z(zones[i].in), &got, &err) < 0)
			got = err.text;
		T_STR(zones[i].name, got, zones[i].want);
	}
	arena_destroy(&a);
}

static void
test_checks(void)
{
	const char *hint;
	unsigned checks;
	struct err err;

	T_INT("both families", listing_check(SPAN_LIT("client"), &checks,
	    &hint, &err), 0);
	T_INT("both families", checks, LISTING_IPV4 | LISTING_IPV6);
	for (unsigned bit = LISTING_IPV4; bit <= LISTING_DKIM; bit <<= 1) {
		const char *name = listing_check_name(bit);

		T_INT(name, listing_check(span_z(name), &checks, &hint, &err),
		    0);
		T_INT(name, checks, bit);
	}
	T_INT("unknown", listing_check(SPAN_LIT("helos"), &checks, &hint,
	    &err), -1);
	T_STR("what was meant", hint, "helo");
}

int
main(void)
{
	test_lines();
	test_sets();
	test_judge();
	test_allow();
	test_zones();
	test_checks();
	return t_done();
}
