#include <string.h>

#include "base/arena.h"
#include "base/buf.h"
#include "policy/set_ask.h"
#include "tests/kit/t.h"

static struct arena *arena;

static const char *
asked(const struct value *v)
{
	struct span list[SET_QUESTIONS_MAX];
	size_t n = set_questions(arena, v, list);
	struct buf out = {0};
	const char *text;

	for (size_t i = 0; i < n; i++)
		buf_printf(&out, "%s%.*s", i > 0 ? " " : "",
		    SPAN_ARG(list[i]));
	text = arena_copy(arena, buf_text(&out));
	buf_free(&out);
	return text;
}

static const struct {
	const char	*name;
	enum type	 type;
	const char	*text, *want;
} cases[] = {
	{ "an IPv4 address and its network", TYPE_ADDRESS, "192.0.2.1",
	    "192.0.2.1 192.0.2.0/24" },
	{ "an IPv6 address, written in one way", TYPE_ADDRESS,
	    "2001:DB8:1:2:0::5",
	    "2001:db8:1:2::5 2001:db8:1:2::/64 2001:db8:1::/48" },
	{ "a mapped one is IPv4", TYPE_ADDRESS, "::ffff:192.0.2.1",
	    "192.0.2.1 192.0.2.0/24" },
	{ "a network", TYPE_NETWORK, "192.0.2.0/24", "192.0.2.0/24" },
	{ "a small one", TYPE_NETWORK, "192.0.2.128/25",
	    "192.0.2.128/25 192.0.2.0/24" },
	{ "a large one", TYPE_NETWORK, "10.0.0.0/8", "10.0.0.0/8" },
	{ "one of IPv6", TYPE_NETWORK, "2001:db8:1:2::/64",
	    "2001:db8:1:2::/64 2001:db8:1::/48" },
	{ "a name and what is above it", TYPE_NAME, "a.b.example",
	    "a.b.example .b.example .example" },
	{ "one label", TYPE_NAME, "localhost", "localhost" },
	{ "capital letters, a final dot", TYPE_NAME, "A.Example.",
	    "a.example .example" },
	{ "U-labels", TYPE_NAME, "b\xc3\xbc" "cher.example",
	    "xn--bcher-kva.example .example" },
	{ "a literal", TYPE_NAME, "[192.0.2.1]", "[192.0.2.1]" },
	{ "no name", TYPE_NAME, "a..", "" },
	{ "with an @ it cannot be meant", TYPE_NAME, "a@b.example", "" },
	{ "many labels: what is nearest to the top", TYPE_NAME,
	    "n.l.k.j.i.h.g.f.e.d.c.example", "n.l.k.j.i.h.g.f.e.d.c.example "
	    ".i.h.g.f.e.d.c.example "
	    ".h.g.f.e.d.c.example .g.f.e.d.c.example .f.e.d.c.example "
	    ".e.d.c.example .d.c.example .c.example .example" },
	{ "a mailbox", TYPE_MAILBOX, "U@b.Example",
	    "u@b.example u@ b.example .example" },
	{ "quotes that are not needed", TYPE_MAILBOX, "\"u\\.v\"@b.example",
	    "u.v@b.example u.v@ b.example .example" },
	{ "postmaster", TYPE_MAILBOX, "Postmaster", "postmaster@" },
	{ "a text", TYPE_TEXT, "Some Text", "some text" },
	{ "no text", TYPE_TEXT, "", "" },
};

static struct value
value_of(enum type type, const char *text)
{
	struct value v = { .type = type };
	struct addr *a = arena_new(arena, struct addr);
	struct err err;

	v.address = a;
	if (type == TYPE_ADDRESS)
		T_INT(text, addr_parse_ip(span_z(text), 0, a, &err), 0);
	else if (type == TYPE_NETWORK)
		T_INT(text, network_parse(span_z(text), &v.network, &err), 0);
	else
		v.text = span_z(text);
	return v;
}

static void
test_lists(void)
{
	struct value names = { .type = TYPE_NAMES }, texts = {
	    .type = TYPE_TEXTS }, items[40];
	char long_text[2000];
	const char *all;
	size_t spaces = 0;

	items[0] = value_of(TYPE_NAME, "a.example");
	items[1] = value_of(TYPE_NAME, "b.test");
	items[1].is_none = true;
	items[2] = value_of(TYPE_NAME, "c.test");
	names.list.items = items;
	names.list.n = 3;
	T_STR("of each item that is there", asked(&names),
	    "a.example .example c.test .test");
	names.list.n = 0;
	T_STR("of none", asked(&names), "");
	names.is_none = true;
	T_STR("none", asked(&names), "");
	memset(long_text, 'x', sizeof(long_text));
	items[0] = (struct value){ .type = TYPE_TEXT,
	    .text = span_n(long_text, sizeof(long_text)) };
	T_STR("too long", asked(&items[0]), "");
	for (size_t i = 0; i < 40; i++)
		items[i] = value_of(TYPE_TEXT, "x");
	texts.list.items = items;
	texts.list.n = 40;
	all = asked(&texts);
	for (const char *c = all; *c != '\0'; c++)
		spaces += *c == ' ';
	T_INT("no more than so many", spaces + 1, SET_QUESTIONS_MAX);
}

int
main(void)
{
	arena = arena_create("test");
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct value v = value_of(cases[i].type, cases[i].text);

		T_STR(cases[i].name, asked(&v), cases[i].want);
	}
	test_lists();
	arena_destroy(&arena);
	return t_done();
}
