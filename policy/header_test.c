#include <string.h>

#include "policy/header.h"
#include "tests/kit/t.h"

static const struct {
	const char	*name, *in;
	uint64_t	 size, fields, received;
	bool		 is_headless;
} cases[] = {
	{ "two fields", "A: b\r\nC: d\r\n\r\nbody\r\n", 14, 2, 0, false },
	{ "folded", "A: b\r\n c\r\n\td\r\nE: f\r\n\r\n", 22, 2, 0, false },
	{ "received", "Received: x\r\nRECEIVED: y\r\n z\r\nreceived : w\r\n"
	    "\r\n", 46, 3, 3, false },
	{ "nearly received", "Receive: x\r\nReceivedx: y\r\nX-Received: z\r\n"
	    "A: Received: b\r\n Received: c\r\n\r\n", 73, 4, 0, false },
	{ "received in the body", "A: b\r\n\r\nReceived: x\r\n\r\n", 8, 1, 0,
	    false },
	{ "no empty line", "A: b\r\nReceived: d\r\n", 19, 2, 1, false },
	{ "no line end", "A: b", 4, 1, 0, false },
	{ "empty line first", "\r\nbody\r\n", 2, 0, 0, false },
	{ "empty line only", "\r\n", 2, 0, 0, false },
	{ "empty value", "A:\r\n\r\n", 6, 1, 0, false },
	{ "white space line is no end", "A: b\r\n \r\nC: d\r\n\r\n", 17, 2, 0,
	    false },
	{ "later line without a colon", "A: b\r\nhello\r\nC: d\r\n\r\n", 21, 3,
	    0, false },
	{ "later line of another kind", "A: b\r\n\xc3\xbc\r\n\r\n", 12, 2, 0,
	    false },

	{ "nothing", "", 0, 0, 0, true },
	{ "a line without a colon", "hello\r\nA: b\r\n\r\n", 0, 0, 0, true },
	{ "the same without its end", "hello", 0, 0, 0, true },
	{ "words before a colon", "hello world: A\r\n\r\n", 0, 0, 0, true },
	{ "mbox line", "From a@b Mon Jan  1 00:00:00 2026\r\nA: b\r\n\r\n", 0,
	    0, 0, true },
	{ "white space first", " A: b\r\n\r\n", 0, 0, 0, true },
	{ "colon first", ": b\r\n\r\n", 0, 0, 0, true },
	{ "8-bit name", "\xc3\xbc: b\r\n\r\n", 0, 0, 0, true },
	{ "control in the name", "A\001: b\r\n\r\n", 0, 0, 0, true },
	{ "name and white space only", "A ", 0, 0, 0, true },
	{ "CR alone", "\r", 0, 0, 0, true },
};

/* In two pieces, cut at each place; and octet by octet. */
static void
check(size_t i)
{
	const char *in = cases[i].in;
	size_t len = strlen(in), cut, at, bad = 0;
	struct header_scan h;

	for (cut = 0; cut <= len + 1; cut++) {
		header_scan_begin(&h);
		if (cut <= len) {
			header_feed(&h, span_n(in, cut));
			header_feed(&h, span_n(in + cut, len - cut));
		} else {
			for (at = 0; at < len; at++)
				header_feed(&h, span_n(in + at, 1));
		}
		header_scan_end(&h);
		bad += h.size != cases[i].size ||
		    h.fields != cases[i].fields ||
		    h.received != cases[i].received ||
		    h.is_headless != cases[i].is_headless || !h.done;
	}
	T_INT(cases[i].name, bad, 0);
}

int
main(void)
{
	struct header_scan h;
	size_t i;

	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		check(i);
	header_scan_begin(&h);
	header_feed(&h, span_z("A: b\r\n"));
	T_OK("not over yet", !h.done);
	header_feed(&h, span_z("\r\n"));
	T_OK("over at the empty line", h.done);
	return t_done();
}
