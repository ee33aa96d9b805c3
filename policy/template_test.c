#include <string.h>

#include "policy/template.h"
#include "tests/kit/t.h"

#define N(array)	(sizeof(array) / sizeof((array)[0]))
#define MOST_PARTS	6

/*
 * A text is given as its parts: "=" is a fact, and takes the next value.
 */
static const struct {
	const char	*name;
	const char	*parts[MOST_PARTS];
	const char	*values[MOST_PARTS];	/* NULL: none */
	size_t		 most;
	const char	*want;
} cases[] = {
	{ "no fact", { "Go away" }, { NULL }, 100, "Go away" },
	{ "nothing", { NULL }, { NULL }, 100, "" },
	{ "a fact", { "You are ", "=", "." }, { "a.example" }, 100,
	    "You are a.example." },
	{ "a fact alone", { "=" }, { "a.example" }, 100, "a.example" },
	{ "two facts", { "=", " is not ", "=" }, { "a", "b" }, 100,
	    "a is not b" },
	{ "two facts in a row", { "=", "=" }, { "a", "b" }, 100, "ab" },
	{ "none", { "I know ", "=" }, { NULL }, 100, "I know none" },
	{ "white space at the ends goes", { " a ", "=" }, { " b \t" }, 100,
	    "a  b" },
	{ "a fact adds no line to a reply", { "No: ", "=" },
	    { "x\r\n250 2.0.0 yes" }, 100, "No: x??250 2.0.0 yes" },
	{ "nor to a header", { "=" }, { "x\r\n\tBcc: all\nY: z" }, 100,
	    "x?? Bcc: all?Y: z" },
	{ "nor acts on a terminal", { "=" }, { "\x1b]0;x\a\xc2\x9b" "2J" },
	    100, "?]0;x??2J" },
	{ "nor do the rule's words", { "a\nb" }, { NULL }, 100, "a?b" },
	{ "UTF-8 stays", { "gr\xc3\xbc\xc3\x9f ", "=" }, { "\xe2\x82\xac" },
	    100, "gr\xc3\xbc\xc3\x9f \xe2\x82\xac" },
	{ "what is none does not", { "=" }, { "gr\xfc\xdf\xe2\x82" }, 100,
	    "gr????" },
	{ "as long as there is room", { "12345" }, { NULL }, 5, "12345" },
	{ "cut", { "1234567" }, { NULL }, 6, "123..." },
	{ "the rule's words stay", { "by ", "=", " today" },
	    { "a.very.long.example" }, 20, "by a.very.l... today" },
	{ "each fact gets a half of the rest", { "=", "/", "=" },
	    { "aaaaaaaaaaaaaaaaaaaa", "bb" }, 21, "aaaaaaa.../bb" },
	{ "the last one all of it", { "=", "/", "=" },
	    { "aa", "bbbbbbbbbbbbbbbbbbbb" }, 21, "aa/bbbbbbbbbbbbbbb..." },
	{ "the words alone are too long", { "123456", "=", "789" }, { "a" },
	    8, "12345..." },
	{ "no room for a fact", { "12345", "=" }, { "abc" }, 7, "12345" },
	{ "no room at all", { "=" }, { "abc" }, 0, "" },
	{ "room for the mark alone", { "=" }, { "abcd" }, 3, "..." },
	{ "cut between characters", { "=" }, { "a\xe2\x82\xac\xe2\x82\xac" },
	    6, "a..." },
	{ "and just behind one", { "=" }, { "\xe2\x82\xac\xe2\x82\xac" "b" },
	    6, "\xe2\x82\xac..." },
	{ "a long character at the end", { "=" },
	    { "abc\xf0\x9f\x98\x80" }, 6, "abc..." },
	{ "what is replaced is shorter", { "=" }, { "\xc2\x85\xc2\x85" }, 2,
	    "??" },
};

static void
render(struct arena *a, size_t i)
{
	struct template_part parts[MOST_PARTS] = {0};
	struct value values[MOST_PARTS] = {0};
	struct template t = { .parts = parts };
	const char *const *next = cases[i].values;

	for (; t.n < MOST_PARTS && cases[i].parts[t.n] != NULL; t.n++) {
		const char *part = cases[i].parts[t.n];

		if (strcmp(part, "=") != 0) {
			parts[t.n].text = span_z(part);
			continue;
		}
		parts[t.n].ref.fact = fact_at(FACT_TLS_CIPHER);
		values[t.n].type = TYPE_TEXT;
		values[t.n].is_none = *next == NULL;
		values[t.n].text = span_z(*next++);
	}
	T_STR(cases[i].name, arena_copy(a, template_render(a, &t, values,
	    cases[i].most)), cases[i].want);
}

/* A fact of each kind, as people write it. */
static void
test_types(struct arena *a)
{
	struct value zones[] = {
		{ .type = TYPE_TEXT, .text = SPAN_LIT("zen") },
		{ .type = TYPE_TEXT, .text = SPAN_LIT("wl") },
	};
	struct template_part parts[] = {
		{ .ref.fact = fact_at(FACT_DNSBL_NAMES) },
		{ .text = SPAN_LIT("; ") },
		{ .ref.fact = fact_at(FACT_SPF) },
		{ .text = SPAN_LIT("; ") },
		{ .ref.fact = fact_at(FACT_SCORE) },
		{ .text = SPAN_LIT("; ") },
		{ .ref.fact = fact_at(FACT_DKIM_DOMAINS) },
	};
	struct value values[N(parts)] = {
		{ .type = TYPE_TEXTS, .list = { zones, N(zones) } }, {0},
		{ .type = TYPE_WORD, .word = 4 }, {0},
		{ .type = TYPE_NUMBER, .number = 750 }, {0},
		{ .type = TYPE_NAMES },
	};
	struct template t = { .parts = parts, .n = N(parts) };

	T_STR("lists, words and numbers",
	    arena_copy(a, template_render(a, &t, values, 100)),
	    "zen, wl; softfail; 7.5; none");
}

int
main(void)
{
	struct arena *a = arena_create("test");

	for (size_t i = 0; i < N(cases); i++)
		render(a, i);
	test_types(a);
	arena_destroy(&a);
	return t_done();
}
