#include "gateway/xtext.h"
#include "tests/kit/t.h"

static const struct {
	const char *name, *in, *decoded;	/* NULL: not valid */
} cases[] = {
	{ "empty", "", "" },
	{ "plain", "a!~b;@", "a!~b;@" },
	{ "encoded", "a+2Bb+3D+20", "a+b= " },
	{ "lower case digits", "+2b+3d", "+=" },
	{ "control", "a+0A", "a\n" },
	{ "plus alone", "a+", NULL },
	{ "one digit", "a+2", NULL },
	{ "no digits", "a+zz", NULL },
	{ "equals", "a=b", NULL },
	{ "space", "a b", NULL },
	{ "control as it is", "a\n", NULL },
	{ "8-bit", "\xc3\xbc", NULL },
};

int
main(void)
{
	struct buf out = {0}, again = {0};
	struct span in;
	size_t i;
	int octet;
	char c;

	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		in = span_z(cases[i].in);
		buf_clear(&out);
		T_INT(cases[i].name, xtext_is_valid(in, false),
		    cases[i].decoded != NULL);
		T_INT(cases[i].name, xtext_decode(in, &out),
		    cases[i].decoded != NULL ? 0 : -1);
		buf_put(&out, "", 1);
		if (cases[i].decoded != NULL)
			T_STR(cases[i].name, out.p, cases[i].decoded);
	}
	T_OK("UTF-8 where it may stand",
	    xtext_is_valid(span_z("\xc3\xbc+20"), true));

	buf_clear(&out);
	for (octet = 0; octet < 256; octet++) {
		c = (char)octet;
		buf_clear(&again);
		xtext_encode(span_n(&c, 1), &again);
		xtext_decode(buf_text(&again), &out);
	}
	T_INT("there and back: all octets", out.len, 256);
	for (octet = 0; octet < 256; octet++)
		if ((unsigned char)out.p[octet] != octet)
			break;
	T_INT("there and back: the same", octet, 256);
	buf_clear(&again);
	xtext_encode(span_z("a+b=c d\xc3"), &again);
	buf_put(&again, "", 1);
	T_STR("encoded", again.p, "a+2Bb+3Dc+20d+C3");
	buf_free(&out);
	buf_free(&again);
	return t_done();
}
