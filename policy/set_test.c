#include <string.h>

#include "base/arena.h"
#include "policy/set.h"
#include "tests/kit/t.h"

#define NAMES_FORMS	" is no name: expected " \
	"a.example, .a.example, user@a.example or user@"
#define NET_FORMS	" is no network: " \
	"expected 192.0.2.0/24, 2001:db8::/32 or one address"

/* Items are parted by "|". The first that is refused, or NULL. */
static struct set *
build(struct arena *a, const char *items, struct err *err)
{
	struct set_builder *b = set_begin(a);
	struct span rest = span_z(items);
	struct set *s;

	while (rest.len > 0)
		if (set_add(b, span_until(&rest, '|'), err) < 0)
			return NULL;
	s = set_end(&b);
	T_OK("the builder is gone", b == NULL);
	return s;
}

static struct value
value_of(enum type type, const char *text)
{
	static struct addr addr;	/* of the last one */
	struct value v = { .type = type };
	struct err err;

	v.is_none = text == NULL;
	if (v.is_none)
		return v;
	if (type == TYPE_ADDRESS) {
		T_INT(text, addr_parse_ip(span_z(text), 25, &addr, &err), 0);
		v.address = &addr;
	} else if (type == TYPE_NETWORK)
		T_INT(text, network_parse(span_z(text), &v.network, &err), 0);
	else
		v.text = span_z(text);
	return v;
}

/* --- what is in a set --- */

static const struct {
	const char *name, *items;
	enum type type;
	const char *value, *want;	/* the item, or NULL */
} matches[] = {
	{ "the address", "192.0.2.1", TYPE_ADDRESS, "192.0.2.1",
	    "192.0.2.1/32" },
	{ "another address", "192.0.2.1", TYPE_ADDRESS, "192.0.2.2", NULL },
	{ "in a network", "192.0.2.0/24", TYPE_ADDRESS, "192.0.2.255",
	    "192.0.2.0/24" },
	{ "behind a network", "192.0.2.0/24", TYPE_ADDRESS, "192.0.3.0", NULL },
	{ "before a network", "192.0.2.0/24", TYPE_ADDRESS, "192.0.1.255",
	    NULL },
	{ "the longest prefix", "10.0.0.0/8|10.1.0.0/16|10.1.2.0/24",
	    TYPE_ADDRESS, "10.1.2.3", "10.1.2.0/24" },
	{ "behind the longer one", "10.0.0.0/8|10.1.0.0/16|10.1.2.0/24",
	    TYPE_ADDRESS, "10.1.3.0", "10.1.0.0/16" },
	{ "behind both", "10.0.0.0/8|10.1.0.0/16|10.1.2.0/24",
	    TYPE_ADDRESS, "10.255.0.0", "10.0.0.0/8" },
	{ "all of IPv4", "0.0.0.0/0", TYPE_ADDRESS, "255.255.255.255",
	    "0.0.0.0/0" },
	{ "all of IPv4 is no IPv6", "0.0.0.0/0", TYPE_ADDRESS, "2001:db8::1",
	    NULL },
	{ "all of IPv6", "::/0", TYPE_ADDRESS, "ffff::", "::/0" },
	{ "both families", "192.0.2.0/24|2001:db8::/32", TYPE_ADDRESS,
	    "2001:db8:ffff::1", "2001:db8::/32" },
	{ "IPv6, one address", "2001:DB8::1", TYPE_ADDRESS, "2001:db8::1",
	    "2001:db8::1/128" },
	{ "IPv6, a prefix within an octet", "2001:db8:8000::/33",
	    TYPE_ADDRESS, "2001:db8:7fff::", NULL },
	{ "mapped IPv4 is IPv4", "::ffff:192.0.2.0/120", TYPE_ADDRESS,
	    "192.0.2.7", "192.0.2.0/24" },
	{ "a mapped client", "192.0.2.0/24", TYPE_ADDRESS, "::ffff:192.0.2.7",
	    "192.0.2.0/24" },
	{ "a network in a network", "192.0.0.0/16", TYPE_NETWORK,
	    "192.0.2.0/24", "192.0.0.0/16" },
	{ "the same network", "192.0.2.0/24", TYPE_NETWORK, "192.0.2.0/24",
	    "192.0.2.0/24" },
	{ "a network that is partly in the set", "192.0.2.0/25",
	    TYPE_NETWORK, "192.0.2.0/24", NULL },
	{ "a network, not by the longer prefix", "192.0.0.0/16|192.0.2.0/25",
	    TYPE_NETWORK, "192.0.2.0/24", "192.0.0.0/16" },

	{ "the name", "a.example", TYPE_NAME, "a.example", "a.example" },
	{ "not below a name", "a.example", TYPE_NAME, "b.a.example", NULL },
	{ "not the name itself", ".a.example", TYPE_NAME, "a.example", NULL },
	{ "below", ".a.example", TYPE_NAME, "b.a.example", ".a.example" },
	{ "far below", ".example", TYPE_NAME, "d.c.b.a.example", ".example" },
	{ "whole labels only", ".a.example", TYPE_NAME, "ba.example", NULL },
	{ "not above", "b.a.example|.b.a.example", TYPE_NAME, "a.example",
	    NULL },
	{ "the name before what is above", "b.a.example|.a.example|.example",
	    TYPE_NAME, "b.a.example", "b.a.example" },
	{ "the nearest above", ".a.example|.example", TYPE_NAME,
	    "b.a.example", ".a.example" },
	{ "case of the item", "A.Example", TYPE_NAME, "a.example",
	    "a.example" },
	{ "case of the value", ".a.example", TYPE_NAME, "X.A.EXAMPLE",
	    ".a.example" },
	{ "final dot of the item", "a.example.", TYPE_NAME, "a.example",
	    "a.example" },
	{ "final dot below", ".a.example.", TYPE_NAME, "b.a.example",
	    ".a.example" },
	{ "final dot of the value", "a.example", TYPE_NAME, "a.example.",
	    "a.example" },
	{ "two final dots are no name", "a.example.", TYPE_NAME,
	    "a.example..", NULL },
	{ "U-labels of the item", "B\xc3\xbc" "cher.example", TYPE_NAME,
	    "xn--bcher-kva.example", "xn--bcher-kva.example" },
	{ "U-labels below", ".b\xc3\xbc" "cher.example", TYPE_NAME,
	    "x.xn--bcher-kva.example", ".xn--bcher-kva.example" },
	{ "U-labels of the value", "xn--bcher-kva.example", TYPE_NAME,
	    "B\xc3\x9c" "CHER.example", "xn--bcher-kva.example" },
	{ "a value without A-labels", "a.example", TYPE_NAME,
	    "\xff.example", NULL },
	{ "one label", "localhost", TYPE_NAME, "localhost", "localhost" },
	{ "underscores", "_x.a.example", TYPE_NAME, "_x.a.example",
	    "_x.a.example" },
	{ "an address literal", "[192.0.2.1]", TYPE_NAME, "[192.0.2.1]",
	    "[192.0.2.1]" },
	{ "the empty name", ".example|a.example", TYPE_NAME, "", NULL },
	{ "a dot", ".example|a.example", TYPE_NAME, ".", NULL },
	{ "an item that is below is no name", ".a.example", TYPE_NAME,
	    ".a.example", NULL },
	{ "a mailbox is no name", "u@a.example", TYPE_NAME, "u@a.example",
	    NULL },
	{ "a mailbox says nothing of its domain", "u@a.example", TYPE_NAME,
	    "a.example", NULL },
	{ "127 labels", ".x|.c.x", TYPE_NAME,
	    "a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a."
	    "a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a."
	    "a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a."
	    "a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.b.c.x",
	    ".c.x" },
	{ "an item of 70 labels",
	    ".a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a."
	    "a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a."
	    "b.c.x", TYPE_NAME,
	    "z.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a."
	    "a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a."
	    "b.c.x",
	    ".a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a."
	    "a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a."
	    "b.c.x" },

	{ "the mailbox", "u@a.example", TYPE_MAILBOX, "u@a.example",
	    "u@a.example" },
	{ "another local part", "u@a.example", TYPE_MAILBOX, "v@a.example",
	    NULL },
	{ "another domain", "u@a.example", TYPE_MAILBOX, "u@b.example", NULL },
	{ "not a mailbox below", "u@a.example", TYPE_MAILBOX,
	    "u@b.a.example", NULL },
	{ "the local part in any domain", "u@", TYPE_MAILBOX, "u@b.example",
	    "u@" },
	{ "the end of a local part", "u@", TYPE_MAILBOX, "vu@b.example", NULL },
	{ "the domain", "a.example", TYPE_MAILBOX, "u@a.example", "a.example" },
	{ "below the domain", ".example", TYPE_MAILBOX, "u@a.example",
	    ".example" },
	{ "the mailbox says most", "u@a.example|u@|a.example|.example",
	    TYPE_MAILBOX, "u@a.example", "u@a.example" },
	{ "then the local part", "u@|a.example|.example", TYPE_MAILBOX,
	    "u@a.example", "u@" },
	{ "then the domain", "a.example|.example", TYPE_MAILBOX,
	    "u@a.example", "a.example" },
	{ "case of both", "User@A.Example", TYPE_MAILBOX, "uSER@a.eXAMPLE",
	    "user@a.example" },
	{ "quotes of the value", "john.d@a.example", TYPE_MAILBOX,
	    "\"john\\.d\"@a.example", "john.d@a.example" },
	{ "quotes of the item", "\"john d\"@a.example", TYPE_MAILBOX,
	    "\"John\\ d\"@a.example", "john d@a.example" },
	{ "quotes of a local part", "\"u\"@", TYPE_MAILBOX, "u@a.example",
	    "u@" },
	{ "a quote in quotes", "\"A\\\"b\"@a.example", TYPE_MAILBOX,
	    "\"a\\\"b\"@a.example", "a\"b@a.example" },
	{ "a quote in quotes, by its domain", "a.example", TYPE_MAILBOX,
	    "\"a\\\"b\"@a.example", "a.example" },
	{ "an @ in quotes", "a.example|u@b.example", TYPE_MAILBOX,
	    "\"u@b.example\"@c.example", NULL },
	{ "an @ in quotes, by its domain", "a.example", TYPE_MAILBOX,
	    "\"x@y\"@a.example", "a.example" },
	{ "U-labels", "u@xn--bcher-kva.example", TYPE_MAILBOX,
	    "u@b\xc3\xbc" "cher.example", "u@xn--bcher-kva.example" },
	{ "U-labels of the item", "u@b\xc3\xbc" "cher.example", TYPE_MAILBOX,
	    "u@xn--bcher-kva.example", "u@xn--bcher-kva.example" },
	{ "UTF-8 before the @", "\xc3\xbc@a.example", TYPE_MAILBOX,
	    "\xc3\xbc@A.example", "\xc3\xbc@a.example" },
	{ "a literal", "u@[192.0.2.1]", TYPE_MAILBOX, "u@[192.0.2.1]",
	    "u@[192.0.2.1]" },
	{ "postmaster without a domain", "postmaster@", TYPE_MAILBOX,
	    "Postmaster", "postmaster@" },
	{ "postmaster is no domain", "postmaster", TYPE_MAILBOX,
	    "postmaster", NULL },
	{ "an empty mailbox", "u@|a.example", TYPE_MAILBOX, "", NULL },
	{ "an @ alone", "u@|a.example|u@a.example", TYPE_MAILBOX, "@", NULL },
	{ "two @", "v@a.example|.example", TYPE_MAILBOX, "u@v@a.example",
	    NULL },
	{ "a quote that is not closed", "a.example", TYPE_MAILBOX,
	    "\"u@a.example", NULL },

	{ "a text", "hello world|bye", TYPE_TEXT, "Hello World",
	    "hello world" },
	{ "a part of a text", "hello world", TYPE_TEXT, "hello", NULL },
	{ "a text with more", "hello world", TYPE_TEXT, "hello world ", NULL },
	{ "text in UTF-8", "f\xc3\xbcr dich", TYPE_TEXT, "F\xc3\xbcr dich",
	    "f\xc3\xbcr dich" },
	{ "a word that could be a name", "TLSv1.2|TLSv1.3", TYPE_TEXT,
	    "TLSv1.3", "tlsv1.3" },
	{ "a word in UTF-8, as a text", "m\xc3\xbcller|maier", TYPE_TEXT,
	    "m\xc3\xbcller", "m\xc3\xbcller" },
	{ "a word in UTF-8, as a name", "m\xc3\xbcller|maier", TYPE_NAME,
	    "m\xc3\xbcller", "xn--mller-kva" },
	{ "a final dot, as a text", "Inc.", TYPE_TEXT, "INC.", "inc." },
	{ "words before a text", "Inc.|x.example|two words", TYPE_TEXT,
	    "inc.", "inc." },
	{ "a text among names is not looked for below", ".example",
	    TYPE_TEXT, "a.example", NULL },
	{ "a text that is the item", ".zip|.exe", TYPE_TEXT, ".EXE", ".exe" },
	{ "an address among texts", "two words|192.0.2.1", TYPE_TEXT,
	    "192.0.2.1", "192.0.2.1" },
	{ "an empty text", "two words", TYPE_TEXT, "", NULL },

	{ "none", "a.example", TYPE_NAME, NULL, NULL },
	{ "none among texts", "two words", TYPE_TEXT, NULL, NULL },
	{ "an empty set", "", TYPE_NAME, "a.example", NULL },
	{ "an empty set of texts", "", TYPE_TEXT, "", NULL },
	{ "an empty set and an address", "", TYPE_ADDRESS, "192.0.2.1", NULL },
	{ "an empty set and a network", "", TYPE_NETWORK, "192.0.2.0/24",
	    NULL },
	{ "a name among addresses", "192.0.2.1", TYPE_NAME, "a.example",
	    NULL },
	{ "an address among names", "a.example", TYPE_ADDRESS, "192.0.2.1",
	    NULL },
	{ "a name among texts", "two words|a.example", TYPE_NAME,
	    "a.example", NULL },
	{ "what is of no family", "a.example", TYPE_WORD, "a.example", NULL },
};

static void
test_matches(void)
{
	for (size_t i = 0; i < sizeof(matches) / sizeof(*matches); i++) {
		struct arena *a = arena_create("test");
		struct err err = { .text = "" };
		struct set *s = build(a, matches[i].items, &err);
		struct buf item = { 0 };
		struct value v;

		T_STR(matches[i].name, err.text, "");
		if (s != NULL) {
			v = value_of(matches[i].type, matches[i].value);
			buf_puts(&item,
			    set_match(s, &v, &item) ? "" : "not in it");
			buf_put(&item, "", 1);
			T_STR(matches[i].name, item.p, matches[i].want ?
			    matches[i].want : "not in it");
			T_INT(matches[i].name, set_has(s, &v),
			    matches[i].want != NULL);
		}
		buf_free(&item);
		arena_destroy(&a);
	}
}

static void
test_nul(void)
{
	struct arena *a = arena_create("test");
	struct err err;
	struct set *s = build(a, "a|b|a.example|u@a.example", &err);
	struct value v = { .type = TYPE_TEXT,
	    .text = SPAN_LIT("a\0b") };

	T_OK("a NUL is not the end of an item", !set_has(s, &v));
	v.type = TYPE_NAME;
	T_OK("nor in a name", !set_has(s, &v));
	v.type = TYPE_MAILBOX;
	v.text = SPAN_LIT("u@a.example\0");
	T_OK("nor in a mailbox", !set_has(s, &v));
	v.text = SPAN_LIT("u\0@a.example");
	T_OK("nor in a local part", !set_has(s, &v));
	arena_destroy(&a);
}

static void
test_lists(void)
{
	struct arena *a = arena_create("test");
	struct err err;
	struct set *s = build(a, "a.example|.b.example", &err);
	struct value items[3] = { value_of(TYPE_NAME, "c.example"),
	    value_of(TYPE_NAME, NULL), value_of(TYPE_NAME, "x.b.example") };
	struct value v = { .type = TYPE_NAMES, .list = { items, 3 } };
	struct buf item = { 0 };

	T_OK("one item of a list", set_match(s, &v, &item));
	T_OK("which", span_is(buf_text(&item), ".b.example"));
	v.list.n = 2;
	T_OK("no item of a list", !set_has(s, &v));
	v.list.n = 0;
	T_OK("an empty list", !set_has(s, &v));
	v = (struct value){ .type = TYPE_TEXTS, .list = { items, 3 } };
	for (int i = 0; i < 3; i++)
		items[i].type = TYPE_TEXT;
	T_OK("a list of texts", !set_has(s, &v));
	items[1] = value_of(TYPE_TEXT, ".B.example");
	T_OK("to the letter", set_has(s, &v));
	buf_free(&item);
	arena_destroy(&a);
}

/* --- what is no item --- */

/* 64 octets */
#define LONG_LABEL	"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa" \
	"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"

static const struct {
	const char *name, *items, *want;
} errors[] = {
	{ "host bits", "10.1.2.3/8", "\"10.1.2.3/8\" has bits set behind its "
	    "prefix: did you mean 10.0.0.0/8?" },
	{ "host bits of IPv6", "2001:db8::1/32", "\"2001:db8::1/32\" has bits "
	    "set behind its prefix: did you mean 2001:db8::/32?" },
	{ "host bits, later", "10.0.0.0/8|10.0.0.1/31", "\"10.0.0.1/31\" has "
	    "bits set behind its prefix: did you mean 10.0.0.0/31?" },
	{ "a prefix too long", "10.0.0.0/33", "\"10.0.0.0/33\": \"33\" is no "
	    "prefix length: expected 0 to 32" },
	{ "a number too large", "192.0.2.256", "\"192.0.2.256\"" NET_FORMS },
	{ "a short network", "192.0.2/24", "\"192.0.2/24\"" NET_FORMS },
	{ "an old network", "192.0.2.", "\"192.0.2.\"" NET_FORMS },
	{ "IPv6 wrong", "2001:db8:::1", "\"2001:db8:::1\"" NET_FORMS },
	{ "a name among addresses", "192.0.2.1|a.example",
	    "\"a.example\"" NET_FORMS },
	{ "an address among names", "a.example|192.0.2.1",
	    "\"192.0.2.1\" is an address in a set of names" },
	{ "an address among mailboxes", "u@|192.0.2.1",
	    "\"192.0.2.1\" is an address in a set of names" },
	{ "a text among names", ".a.example|two words",
	    "\"two words\"" NAMES_FORMS },
	{ "a text among mailboxes", "a.example|u@a.example|a..example",
	    "\"a..example\"" NAMES_FORMS },
	{ "a label too long", ".a.example|" LONG_LABEL ".example",
	    "\"" LONG_LABEL ".example\"" NAMES_FORMS },
	{ "another system's domain", "@a.example",
	    "\"@a.example\": did you mean \"a.example\"?" },
	{ "any user", "*@a.example",
	    "\"*@a.example\": did you mean \"a.example\"?" },
	{ "a wildcard", "*.a.example",
	    "\"*.a.example\": did you mean \".a.example\"?" },
	{ "an @ alone", "@", "\"@\" is no mailbox: nothing before the @" },
	{ "a bad local part", "u(@a.example", "\"u(@a.example\" is no mailbox:"
	    " unexpected \"(\" at octet 2 of the address" },
	{ "a bad domain", "u@a..example", "\"u@a..example\" is no mailbox: "
	    "\"a..example\" is not a domain or an address literal" },
	{ "a domain below", "u@.a.example",
	    "\"u@.a.example\" is no mailbox: its domain is none" },
	{ "no A-labels", "u@\xcc\x80.example",
	    "\"u@\xcc\x80.example\" is no mailbox: its domain is none" },
	{ "empty", "a.example||b.example", "an empty item" },
	{ "a control character", "a.example|b\x01",
	    "a control character at octet 2 of the item" },
	{ "a C1 control", "a\xc2\x85",
	    "a control character at octet 2 of the item" },
	{ "no UTF-8", "f\xfcr dich",
	    "octet 0xfc at octet 2 of the item is no UTF-8" },
	{ "no UTF-8 among texts", "two words|f\xfcr",
	    "octet 0xfc at octet 2 of the item is no UTF-8" },
};

static void
test_errors(void)
{
	for (size_t i = 0; i < sizeof(errors) / sizeof(*errors); i++) {
		struct arena *a = arena_create("test");
		struct err err = { .text = "no error" };
		struct set *s = build(a, errors[i].items, &err);

		T_OK(errors[i].name, s == NULL);
		T_STR(errors[i].name, err.text, errors[i].want);
		T_INT(errors[i].name, err.kind, ERR_CONFIG);
		arena_destroy(&a);
	}
}

static void
test_long_items(void)
{
	struct arena *a = arena_create("test");
	struct set_builder *b = set_begin(a);
	char text[SET_ITEM_MAX + 1];
	struct value v = { .type = TYPE_TEXT };
	struct err err;
	struct set *s;

	memset(text, 'x', sizeof(text));
	text[1] = ' ';
	T_INT("the longest item", set_add(b, span_n(text, SET_ITEM_MAX), &err),
	    0);
	T_INT("one octet more", set_add(b, span_n(text, SET_ITEM_MAX + 1),
	    &err), -1);
	T_STR("one octet more", err.text, "an item of more than 1024 octets");
	/* A domain that grows by its A-labels. */
	memset(text, 'x', 900);
	for (int i = 0; i < 62; i++)
		memcpy(text + 900 + 2 * i, "\xc3\xbc", 2);
	T_INT("the longest mailbox", set_add(b, span_n(text, 1024), &err), 0);
	s = set_end(&b);
	memset(text, 'X', sizeof(text));
	text[1] = ' ';
	v.text = span_n(text, SET_ITEM_MAX);
	T_OK("the longest text is found", set_has(s, &v));
	v.text.len++;
	T_OK("a longer one is not", !set_has(s, &v));
	for (size_t n = 1000; n < 60000; n += 59000 / 3) {
		char *longer = arena_alloc(a, n + 2);

		memset(longer, 'x', n);
		longer[n] = '@';
		longer[n + 1] = 'y';
		v.text = span_n(longer, n + 2);
		for (v.type = TYPE_TEXT; v.type <= TYPE_MAILBOX; v.type++)
			T_OK("a long value", !set_has(s, &v));
	}
	arena_destroy(&a);
}

/* --- families --- */

static const struct {
	const char *name, *items;
	enum set_family want;
	size_t size;
} families[] = {
	{ "nothing", "", SET_EMPTY, 0 },
	{ "addresses", "192.0.2.1|10.0.0.0/8|::1", SET_ADDRESSES, 3 },
	{ "names", "a.example|.b.example", SET_NAMES, 2 },
	{ "mailboxes", "u@a.example|u@|a.example", SET_NAMES, 3 },
	{ "words", "postmaster|abuse", SET_NAMES, 2 },
	{ "versions", "1.0|1.1", SET_NAMES, 2 },
	{ "a text", "two words", SET_TEXTS, 1 },
	{ "words and a text", "a.example|b|two words|c", SET_TEXTS, 4 },
	{ "a text and anything", "two words|.a.example|u@|192.0.2.1|@x",
	    SET_TEXTS, 5 },
	{ "a sentence with an @", "hello @ all", SET_TEXTS, 1 },
	{ "a time", "12:30", SET_TEXTS, 1 },
	{ "a slash", "text/html|a/b", SET_TEXTS, 2 },

	{ "the same address", "192.0.2.1|192.0.2.1/32|::ffff:192.0.2.1",
	    SET_ADDRESSES, 1 },
	{ "the same network", "2001:db8::/32|2001:DB8::/32", SET_ADDRESSES,
	    1 },
	{ "other prefixes", "10.0.0.0/8|10.0.0.0/9|10.0.0.0/8",
	    SET_ADDRESSES, 2 },
	{ "the same name", "a.example|A.EXAMPLE|a.example.", SET_NAMES, 1 },
	{ "the same name by U-labels",
	    "b\xc3\xbc" "cher.example|xn--bcher-kva.example|"
	    "B\xc3\xbc" "cher.example.", SET_NAMES, 1 },
	{ "the same mailbox", "u@a.example|\"U\"@a.example", SET_NAMES, 1 },
	{ "the same text", "a b|A b|a B|a b ", SET_TEXTS, 2 },
};

static void
test_families(void)
{
	for (size_t i = 0; i < sizeof(families) / sizeof(*families); i++) {
		struct arena *a = arena_create("test");
		struct err err = { .text = "" };
		struct set *s = build(a, families[i].items, &err);

		T_STR(families[i].name, err.text, "");
		if (s != NULL) {
			T_INT(families[i].name, set_family(s),
			    families[i].want);
			T_INT(families[i].name, set_size(s),
			    families[i].size);
			T_OK(families[i].name, set_bytes(s) < 8192);
		}
		arena_destroy(&a);
	}
}

static void
test_fits(void)
{
	T_OK("address", set_fits(SET_ADDRESSES, TYPE_ADDRESS));
	T_OK("network", set_fits(SET_ADDRESSES, TYPE_NETWORK));
	T_OK("address list", set_fits(SET_ADDRESSES, TYPE_ADDRESSES));
	T_OK("name", !set_fits(SET_ADDRESSES, TYPE_NAME));
	T_OK("name in names", set_fits(SET_NAMES, TYPE_NAME));
	T_OK("mailbox in names", set_fits(SET_NAMES, TYPE_MAILBOX));
	T_OK("text in names", set_fits(SET_NAMES, TYPE_TEXT));
	T_OK("name in texts", !set_fits(SET_TEXTS, TYPE_NAME));
	T_OK("mailbox in texts", !set_fits(SET_TEXTS, TYPE_MAILBOX));
	T_OK("texts in texts", set_fits(SET_TEXTS, TYPE_TEXTS));
	T_OK("number", !set_fits(SET_TEXTS, TYPE_INT));
	T_OK("word", !set_fits(SET_NAMES, TYPE_WORD));
	for (enum type t = TYPE_YESNO; t <= TYPE_ADDRESSES; t++)
		T_INT("an empty set", set_fits(SET_EMPTY, t),
		    set_fits(SET_ADDRESSES, t) || set_fits(SET_NAMES, t));
}

int
main(void)
{
	test_matches();
	test_nul();
	test_lists();
	test_errors();
	test_long_items();
	test_families();
	test_fits();
	return t_done();
}
