#include <string.h>

#include "base/fiber.h"
#include "base/idn.h"
#include "base/loop.h"
#include "tests/kit/t.h"

static const struct {
	const char *name, *in, *want;
} cases[] = {
	{ "ASCII", "mail.X.Example", "mail.x.example" },
	{ "one final dot", "x.example.", "x.example" },
	{ "underscores", "_dmarc.x.example", "_dmarc.x.example" },
	{ "an A-label", "XN--BCHER-KVA.example", "xn--bcher-kva.example" },
	{ "nothing", "", "" },
	{ "U-label", "b\xc3\xbc" "cher.example", "xn--bcher-kva.example" },
	{ "upper case", "B\xc3\x9c" "CHER.Example", "xn--bcher-kva.example" },
	{ "not composed", "bu\xcc\x88" "cher.example",
	    "xn--bcher-kva.example" },
	{ "sharp s stays", "fa\xc3\x9f.example", "xn--fa-hia.example" },
	{ "beside an underscore", "_dmarc.b\xc3\xbc" "cher.example",
	    "_dmarc.xn--bcher-kva.example" },
	{ "ideographic full stop", "b\xc3\xbc" "cher\xe3\x80\x82" "example",
	    "xn--bcher-kva.example" },
	{ "U-label and final dot", "b\xc3\xbc" "cher.example.",
	    "xn--bcher-kva.example" },
	{ "full width letters", "\xef\xbd\x98.example", "x.example" },
	{ "no UTF-8", "b\xfc" "cher.example", "error" },
	{ "a symbol", "\xe2\x98\x83.example", "xn--n3h.example" },
	{ "a control character", "b\xc3\xbc\x01.example", "error" },
	{ "a lone combining mark", "\xcc\x88.example", "error" },
	{ "mixed directions", "\xd7\x90" "b\xc3\xbc.example", "error" },
};

/* Each octet at each place of names of each length, as they are looked at
 * several at once: ready is what stays as it is. */
static void
test_ready(struct arena *a)
{
	char name[20];
	size_t wrong = 0;

	for (unsigned c = 0; c < 0x100 * sizeof(name) * sizeof(name); c++) {
		size_t at = c / 0x100 % sizeof(name);
		size_t len = 1 + c / 0x100 / sizeof(name);
		struct span in = span_n(name, len);
		const char *got;
		struct err err;

		if (at >= len)
			continue;
		memset(name, 'x', sizeof(name));
		name[at] = (char)c;
		if ((unsigned char)name[at] >= 0x80)
			wrong += idn_is_ready(in);
		else
			wrong += idn_is_ready(in) !=
			    (idn_to_ascii(a, in, &got, &err) == 0 &&
			    span_is(in, got));
	}
	T_INT("only what stays as it is is ready", wrong, 0);
	T_OK("and nothing at all", idn_is_ready(SPAN_LIT("")));
}

/* In a fiber: the library must get along with its stack. */
MAY_YIELD static void
run(void *unused)
{
	struct arena *a = arena_create("test");
	char longest[IDN_LONGEST + 2];
	const char *got;
	struct err err;

	(void)unused;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		T_STR(cases[i].name, idn_to_ascii(a, span_z(cases[i].in), &got,
		    &err) < 0 ? "error" : got, cases[i].want);
	T_INT("a NUL", idn_to_ascii(a, SPAN_LIT("x\0y"), &got, &err), -1);
	memset(longest, 'x', sizeof(longest));
	T_INT("too long", idn_to_ascii(a, span_n(longest, sizeof(longest)),
	    &got, &err), -1);
	longest[0] = '\xc3';
	longest[1] = '\xbc';
	T_INT("a label too long", idn_to_ascii(a, span_n(longest, 300), &got,
	    &err), -1);
	for (size_t i = 0; i + 1 < IDN_LONGEST; i += 2)
		memcpy(longest + i, i % 40 == 0 ? "." "x" : "\xc3\xbc", 2);
	T_INT("a name too long", idn_to_ascii(a, span_n(longest + 2,
	    IDN_LONGEST - 2), &got, &err), -1);
	T_OK("what is too long is not ready", !idn_is_ready(span_n(longest,
	    sizeof(longest))));
	test_ready(a);
	arena_destroy(&a);
	loop_stop();
}

int
main(void)
{
	loop_create();
	fiber_spawn("test", run, NULL);
	loop_run();
	while (fiber_count() > 0)
		loop_turn(false);
	T_OK("in the stack of a fiber", fiber_stack_high_water() < 32 * 1024);
	loop_destroy();
	return t_done();
}
