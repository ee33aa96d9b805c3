#include <string.h>

#include "base/lexer.h"
#include "policy/value.h"
#include "tests/kit/t.h"

#define N(array)	(sizeof(array) / sizeof((array)[0]))

static const char *const words[] = { "none", "pass", "fail", NULL };

#define TEXT(kind, lit)	{ .type = kind, .text = { lit, sizeof(lit) - 1 } }

static struct value names[] = {
	TEXT(TYPE_NAME, "a.example"), TEXT(TYPE_NAME, "b.example")
};
static struct value texts[] = { TEXT(TYPE_TEXT, "say \"hi\"") };
static struct value other_names[] = {
	TEXT(TYPE_NAME, "A.example"), TEXT(TYPE_NAME, "c.example")
};

/* As a rule file has it, and within a sentence. */
static const struct {
	const char	*name;
	struct value	 value;
	const char	*rule, *plain;	/* NULL: the same */
} puttings[] = {
	{ "yes", { .type = TYPE_YESNO, .yes = true }, "yes", NULL },
	{ "no", { .type = TYPE_YESNO }, "no", NULL },
	{ "an integer", { .type = TYPE_INT, .number = 42 }, "42", NULL },
	{ "below zero", { .type = TYPE_INT, .number = INT64_MIN },
	    "-9223372036854775808", NULL },
	{ "a score", { .type = TYPE_NUMBER, .number = 1550 }, "15.5", NULL },
	{ "a whole score", { .type = TYPE_NUMBER, .number = -400 }, "-4", NULL },
	{ "hundredths", { .type = TYPE_NUMBER, .number = 5 }, "0.05", NULL },
	{ "a size", { .type = TYPE_SIZE, .number = 25 << 20 }, "25M", NULL },
	{ "octets", { .type = TYPE_SIZE, .number = 48211 }, "48211", NULL },
	{ "a duration", { .type = TYPE_DURATION, .number = 90 * 1000000 },
	    "90s", NULL },
	{ "none", { .type = TYPE_NAME, .is_none = true }, "none", NULL },
	{ "a word", { .type = TYPE_WORD, .word = 1 }, "pass", NULL },
	{ "a name", TEXT(TYPE_NAME, "a.example"), "\"a.example\"",
	    "a.example" },
	{ "a mailbox", TEXT(TYPE_MAILBOX, "\"a b\"@a.example"),
	    "\"\\\"a b\\\"@a.example\"", "\"a b\"@a.example" },
	{ "an empty text", TEXT(TYPE_TEXT, ""), "\"\"", "" },
	{ "a backslash", TEXT(TYPE_TEXT, "a\\n"), "\"a\\\\n\"", "a\\n" },
	{ "a tab", TEXT(TYPE_TEXT, "a\tb"), "\"a\\tb\"", "a b" },
	{ "what acts on a terminal", TEXT(TYPE_TEXT, "\x1b[2J\r\n\x7f\xc2\x9b"),
	    "\"?[2J????\"", "?[2J????" },
	{ "NUL", TEXT(TYPE_TEXT, "a\0b"), "\"a?b\"", "a?b" },
	{ "UTF-8", TEXT(TYPE_TEXT, "gr\xc3\xbc\xc3\x9f"),
	    "\"gr\xc3\xbc\xc3\x9f\"", "gr\xc3\xbc\xc3\x9f" },
	{ "no UTF-8", TEXT(TYPE_TEXT, "gr\xfc\xdf"), "\"gr??\"", "gr??" },
	{ "a network", { .type = TYPE_NETWORK, .network = { AF_INET, 24,
	    { 192, 0, 2 } } }, "192.0.2.0/24", NULL },
	{ "a list", { .type = TYPE_NAMES, .list = { names, 2 } },
	    "{ \"a.example\", \"b.example\" }", "a.example, b.example" },
	{ "a list of one", { .type = TYPE_TEXTS, .list = { texts, 1 } },
	    "{ \"say \\\"hi\\\"\" }", "say \"hi\"" },
	{ "a list of nothing", { .type = TYPE_TEXTS }, "{ }", "none" },
};

static void
test_put(void)
{
	struct buf rule = {0}, plain = {0};

	for (size_t i = 0; i < N(puttings); i++) {
		value_put(&rule, &puttings[i].value, words);
		value_put_plain(&plain, &puttings[i].value, words);
		buf_put(&rule, "", 1);
		buf_put(&plain, "", 1);
		T_STR(puttings[i].name, rule.p, puttings[i].rule);
		T_STR(puttings[i].name, plain.p, puttings[i].plain != NULL ?
		    puttings[i].plain : puttings[i].rule);
		buf_clear(&rule);
		buf_clear(&plain);
	}
	buf_free(&rule);
	buf_free(&plain);
}

/* A text that is put is read as itself, if nothing in it was replaced. */
static void
test_read_again(void)
{
	struct value v = TEXT(TYPE_TEXT, "a \"b\"\t\\ \xc3\xbc {x} # 'y'");
	struct arena *a = arena_create("test");
	struct source source = { .name = "test" };
	struct tokens tokens;
	struct buf out = {0};

	value_put(&out, &v, NULL);
	source.text = buf_text(&out);
	tokens = lex(a, &source, LEX_RULES, diagnostics_create(a));
	T_INT("one string", tokens.list[0].kind, TOKEN_STRING);
	T_OK("the same", span_eq(tokens.list[0].text, v.text));
	buf_free(&out);
	arena_destroy(&a);
}

static struct value
address(struct addr *addr, const char *text)
{
	struct value v = { .type = TYPE_ADDRESS, .address = addr };
	struct err err;

	if (addr_parse_ip(span_z(text), 0, addr, &err) < 0)
		v.is_none = true;
	return v;
}

static void
test_addresses(void)
{
	struct addr addrs[3];
	struct value four = address(&addrs[0], "192.0.2.1");
	struct value six = address(&addrs[1], "2001:db8::1");
	struct value mapped = address(&addrs[2], "::ffff:192.0.2.1");
	struct value items[] = { four, six };
	struct value list = { .type = TYPE_ADDRESSES, .list = { items, 2 } };
	struct buf out = {0};

	T_OK("another address", !value_equal(&four, &six));
	T_OK("one client has one name", value_equal(&four, &mapped));
	addrs[0].u.in.sin_port = 25;
	T_OK("whatever the port", value_equal(&four, &mapped));
	value_put(&out, &list, NULL);
	buf_put(&out, "", 1);
	T_STR("put", out.p, "{ 192.0.2.1, 2001:db8::1 }");
	buf_free(&out);
}

/* Two values of one type. */
static const struct {
	const char	*name;
	struct value	 a, b;
	bool		 equal;
} pairs[] = {
	{ "yes and yes", { .type = TYPE_YESNO, .yes = true },
	    { .type = TYPE_YESNO, .yes = true }, true },
	{ "yes and no", { .type = TYPE_YESNO, .yes = true },
	    { .type = TYPE_YESNO }, false },
	{ "numbers", { .type = TYPE_NUMBER, .number = 150 },
	    { .type = TYPE_NUMBER, .number = 150 }, true },
	{ "other numbers", { .type = TYPE_SIZE, .number = 150 },
	    { .type = TYPE_SIZE, .number = 151 }, false },
	{ "nones", { .type = TYPE_INT, .is_none = true, .number = 1 },
	    { .type = TYPE_INT, .is_none = true }, true },
	{ "none and nought", { .type = TYPE_INT, .is_none = true },
	    { .type = TYPE_INT }, false },
	{ "nought and none", { .type = TYPE_INT },
	    { .type = TYPE_INT, .is_none = true }, false },
	{ "words", { .type = TYPE_WORD, .word = 1 },
	    { .type = TYPE_WORD, .word = 1 }, true },
	{ "other words", { .type = TYPE_WORD, .word = 1 },
	    { .type = TYPE_WORD, .word = 2 }, false },
	{ "texts", TEXT(TYPE_TEXT, "Yes"), TEXT(TYPE_TEXT, "yES"), true },
	{ "a part of a text", TEXT(TYPE_TEXT, "yes"), TEXT(TYPE_TEXT, "ye"),
	    false },
	{ "mailboxes", TEXT(TYPE_MAILBOX, "Bob@a.example"),
	    TEXT(TYPE_MAILBOX, "bob@a.example"), true },
	{ "networks", { .type = TYPE_NETWORK, .network = { AF_INET, 24,
	    { 192, 0, 2 } } }, { .type = TYPE_NETWORK, .network = { AF_INET,
	    24, { 192, 0, 2 } } }, true },
	{ "a wider network", { .type = TYPE_NETWORK, .network = { AF_INET, 24,
	    { 192, 0, 0 } } }, { .type = TYPE_NETWORK, .network = { AF_INET,
	    16, { 192, 0, 0 } } }, false },
	{ "lists", { .type = TYPE_NAMES, .list = { names, 2 } },
	    { .type = TYPE_NAMES, .list = { names, 2 } }, true },
	{ "a longer list", { .type = TYPE_NAMES, .list = { names, 2 } },
	    { .type = TYPE_NAMES, .list = { names, 1 } }, false },
	{ "lists that end differently",
	    { .type = TYPE_NAMES, .list = { names, 2 } },
	    { .type = TYPE_NAMES, .list = { other_names, 2 } }, false },
	{ "empty lists", { .type = TYPE_TEXTS }, { .type = TYPE_TEXTS }, true },
};

static void
test_types(void)
{
	T_STR("for messages", type_name(TYPE_YESNO), "yes or no");
	T_STR("for messages", type_name(TYPE_NAMES),
	    "a list of domain names");
	for (int t = TYPE_YESNO; t <= TYPE_ADDRESSES; t++) {
		enum type type = (enum type)t;

		T_INT(type_name(type), type_is_number(type),
		    type >= TYPE_INT && type <= TYPE_DURATION);
		T_INT(type_name(type), type_is_list(type), type >= TYPE_TEXTS);
	}
	T_INT("texts", type_of_item(TYPE_TEXTS), TYPE_TEXT);
	T_INT("names", type_of_item(TYPE_NAMES), TYPE_NAME);
	T_INT("addresses", type_of_item(TYPE_ADDRESSES), TYPE_ADDRESS);
}

int
main(void)
{
	test_types();
	test_put();
	test_read_again();
	test_addresses();
	for (size_t i = 0; i < N(pairs); i++)
		T_INT(pairs[i].name, value_equal(&pairs[i].a, &pairs[i].b),
		    pairs[i].equal);
	return t_done();
}
