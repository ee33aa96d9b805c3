#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fiber.h"
#include "base/loop.h"
#include "gateway/dotstream.h"
#include "tests/kit/message_ref.h"
#include "tests/kit/t.h"

static const struct {
	const char		*name;
	enum newline_mode	 mode;
	bool			 bdat;
} modes[] = {
	{ "DATA strict", NEWLINE_STRICT, false },
	{ "DATA normalize", NEWLINE_NORMALIZE, false },
	{ "BDAT strict", NEWLINE_STRICT, true },
	{ "BDAT normalize", NEWLINE_NORMALIZE, true },
	{ "BDAT binary", NEWLINE_BINARY, true },
};
#define NMODES (sizeof(modes) / sizeof(modes[0]))

/* Octets as they can be printed. */
static const char *
shown(struct span s)
{
	static char text[256];
	size_t i, len = 0;

	for (i = 0; i < s.len && len < sizeof(text) - 8; i++)
		if (s.p[i] > ' ' && s.p[i] < 0x7f)
			text[len++] = s.p[i];
		else
			len += (size_t)sprintf(text + len, "\\x%02x",
			    (unsigned char)s.p[i]);
	text[len] = '\0';
	return text;
}

/* One message in one mode, cut in pieces in many ways. */
static bool
agrees(size_t mode, struct span wire, const uint64_t *cuts, size_t ncuts)
{
	struct message_ref want;
	const char *what = NULL;
	size_t i;

	message_ref(&want, modes[mode].mode, modes[mode].bdat, wire);
	for (i = 0; i < ncuts && what == NULL; i++)
		what = message_ref_differs(&want, modes[mode].mode,
		    modes[mode].bdat, wire, cuts[i]);
	message_ref_free(&want);
	if (what != NULL)
		printf("%s: %s differ for %s, cuts %#llx\n", modes[mode].name,
		    what, shown(wire), (unsigned long long)cuts[i - 1]);
	return what == NULL;
}

/* --- every string over the octets that matter --- */

#define ALL_CUTS	5	/* up to this length at all places at once */
#define LONGEST		7

static size_t
make_cuts(size_t len, uint64_t cuts[64])
{
	size_t n = 0, i;

	if (len <= ALL_CUTS) {
		for (i = 0; i < 1u << (len > 0 ? len - 1 : 0); i++)
			cuts[n++] = i;
		return n;
	}
	cuts[n++] = 0;
	cuts[n++] = ~UINT64_C(0);
	for (i = 0; i + 1 < len; i++)
		cuts[n++] = UINT64_C(1) << i;
	return n;
}

static void
test_exhaustively(void)
{
	static const char octets[] = { '\r', '\n', '.', '\0', 'a' };
	const size_t n = sizeof(octets);
	size_t len, ncuts, mode, i, total = 1, rest, bad = 0;
	uint64_t cuts[64];
	char text[LONGEST];
	unsigned number;

	for (len = 0; len <= LONGEST; len++, total *= n) {
		ncuts = make_cuts(len, cuts);
		for (number = 0; number < total; number++) {
			for (i = 0, rest = number; i < len; i++, rest /= n)
				text[i] = octets[rest % n];
			for (mode = 0; mode < NMODES && bad < 10; mode++)
				bad += !agrees(mode, span_n(text, len), cuts,
				    ncuts);
		}
	}
	T_INT("all short strings, all cuts", bad, 0);
}

/* --- the same inside of clean text: across the blocks of the fast path --- */

static void
test_in_long_text(void)
{
	static const char octets[] = { '\r', '\n', '.', '\0', 'a' };
	static char text[4096];
	const uint64_t whole[] = { 0 };
	size_t bad = 0, before, i, mode;
	unsigned number, rest;

	for (before = 100; before < 300 && bad < 10; before++)
		for (number = 0; number < 5 * 5 * 5 * 5; number += 7) {
			memset(text, 'x', sizeof(text));
			memcpy(text + 60, "\r\n", 2);
			rest = number;
			for (i = 0; i < 4; i++, rest /= 5)
				text[before + i] = octets[rest % 5];
			for (mode = 0; mode < NMODES && bad < 10; mode++)
				bad += !agrees(mode, span_n(text,
				    before + 4 + 300), whole, 1);
		}
	T_INT("faults across blocks", bad, 0);
}

static uint32_t seed = 1;

static uint32_t
next_random(uint32_t below)
{
	seed = seed * 1664525 + 1013904223;
	return (seed >> 8) % below;
}

static void
test_random(void)
{
	static const char *const parts[] = {
		"\r\n", "\r\n", "\r\n", "\r\n.", "\r\n..", ".", "\n", "\r",
		"\r\n\r\n", "text of a line", "\r\n.\r", "more and more text "
		"until it passes a whole block, however it may have been "
		"aligned before that, and then some more of the same kind, "
		"so that one iteration is surely clean."
	};
	static char text[16384];
	size_t bad = 0, len, mode, i, n;
	uint64_t cuts[2];
	const char *part;

	for (i = 0; i < 3000 && bad < 10; i++) {
		n = 1 + next_random(40);
		for (len = 0; n > 0; n--) {
			part = parts[next_random(12)];
			memcpy(text + len, part, strlen(part));
			len += strlen(part);
			if (next_random(60) == 0)
				text[len++] = '\0';
		}
		if (next_random(2) == 0) {
			memcpy(text + len, "\r\n.\r\nQUIT\r\n", 11);
			len += 11;
		}
		cuts[0] = 0;
		cuts[1] = (uint64_t)next_random(1 << 24) << 24 |
		    next_random(1 << 24);
		for (mode = 0; mode < NMODES && bad < 10; mode++)
			bad += !agrees(mode, span_n(text, len), cuts, 2);
	}
	T_INT("random messages", bad, 0);
}

/* --- named cases --- */

static const struct {
	const char	*name;
	size_t		 mode;
	const char	*in, *out, *left;
	unsigned	 faults;
} cases[] = {
	{ "empty message", 0, ".\r\nQUIT\r\n", "", "QUIT\r\n", 0 },
	{ "one line", 0, "hi\r\n.\r\n", "hi\r\n", "", 0 },
	{ "a stuffed dot", 0, "..\r\n...\r\n.\r\n", ".\r\n..\r\n", "", 0 },
	{ "a dot that was not stuffed", 0, ".a\r\n.\r\n", "a\r\n", "", 0 },
	{ "bare LF before the dot", 1, "a\n.\r\nb\r\n.\r\n",
	    "a\r\n.\r\nb\r\n", "", FAULT_BARE_LF },
	{ "bare LF and two dots", 1, "a\n..b\r\n.\r\n",
	    "a\r\n..b\r\n", "", FAULT_BARE_LF },
	{ "bare LF behind the dot", 1, "a\r\n.\nb\r\n.\r\n",
	    "a\r\n\r\nb\r\n", "", FAULT_BARE_LF },
	{ "bare CR before the dot", 1, "a\r.\r\nb\r\n.\r\n",
	    "a\r\n.\r\nb\r\n", "", FAULT_BARE_CR },
	{ "two CR behind the dot", 1, "a\r\n.\r\r\nb\r\n.\r\n",
	    "a\r\n\r\n\r\nb\r\n", "", FAULT_BARE_CR },
	{ "strict hands out as it came", 0, "a\r\n.\r\r\nb\n.\r\n\r\n.\r\n",
	    "a\r\n\r\r\nb\n.\r\n\r\n", "", FAULT_BARE_CR | FAULT_BARE_LF },
	{ "BDAT knows no dots", 2, "a\r\n.\r\nb\r\n..", "a\r\n.\r\nb\r\n..",
	    "", 0 },
	{ "BDAT, bare LF repaired", 3, "a\n.\r\n", "a\r\n.\r\n", "",
	    FAULT_BARE_LF },
	{ "binary body", 4, "A: b\r\n\r\n\n\r.\n", "A: b\r\n\r\n\n\r.\n", "",
	    0 },
	{ "binary, fault in the header", 4, "A: b\nC: d\r\n\r\n\n",
	    "A: b\nC: d\r\n\r\n\n", "", FAULT_BARE_LF },
};

static void
test_cases(void)
{
	struct dotstream d;
	struct span in, run;
	struct buf out;
	size_t i;

	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		out = (struct buf){0};
		in = span_z(cases[i].in);
		dotstream_begin(&d, modes[cases[i].mode].mode,
		    modes[cases[i].mode].bdat);
		while (dotstream_next(&d, &in, &run))
			buf_span(&out, run);
		dotstream_end(&d);
		buf_put(&out, "", 1);
		T_STR(cases[i].name, out.p, cases[i].out);
		T_STR(cases[i].name, in.p, cases[i].left);
		T_INT(cases[i].name, d.faults, cases[i].faults);
		buf_free(&out);
	}
}

/* Clean text goes through in one piece, however long it is. */
static void
test_one_run(void)
{
	static char text[40000];
	struct span in = { text, sizeof(text) }, run = {0};
	struct dotstream d;
	size_t i;

	memset(text, 'x', sizeof(text));
	for (i = 70; i < sizeof(text) - 1; i += 72)
		memcpy(text + i, "\r\n", 2);
	dotstream_begin(&d, NEWLINE_STRICT, false);
	T_OK("clean text: a run", dotstream_next(&d, &in, &run));
	T_OK("clean text: not copied", run.p == text);
	T_INT("clean text: all of it", run.len, sizeof(text));
	T_OK("clean text: no other run", !dotstream_next(&d, &in, &run));
}

static void
test_fault_names(void)
{
	T_STR("name of none", dotstream_fault_name(0), "none");
	T_STR("name of LF", dotstream_fault_name(FAULT_BARE_LF), "bare LF");
	T_STR("name of CR", dotstream_fault_name(FAULT_BARE_CR), "bare CR");
	T_STR("name of NUL", dotstream_fault_name(FAULT_NUL), "NUL");
	T_STR("name of all", dotstream_fault_name(7), "bare LF");
}

/* --- published false ends of data --- */

/* A false end within a message: no end, the right fault, and nothing bare is
 * left when it was repaired. */
static bool
stays_one_message(struct span bytes)
{
	struct buf wire = {0};
	struct dotstream d;
	struct span in, run;
	size_t cut, mode;
	bool good = true;

	buf_puts(&wire, "Subject: a\r\n\r\nfirst");
	buf_span(&wire, bytes);
	buf_puts(&wire, "MAIL FROM:<a@b.example>\r\n");
	for (mode = 0; mode < 2; mode++)
		for (cut = 0; cut < wire.len; cut++) {
			dotstream_begin(&d, modes[mode].mode, false);
			in = span_n(wire.p, cut);
			while (dotstream_next(&d, &in, &run))
				;
			in = span_n(wire.p + cut, wire.len - cut);
			while (dotstream_next(&d, &in, &run))
				good &= mode == 0 || run.len > 1 ||
				    (run.p[0] != '\r' && run.p[0] != '\n');
			good &= !d.done && d.faults != 0;
		}
	buf_free(&wire);
	return good;
}

static size_t
from_hex(const char *hex, char *out, size_t size)
{
	unsigned octet;
	size_t n = 0;

	for (; n < size && sscanf(hex, "%2x", &octet) == 1; hex += 2)
		out[n++] = (char)octet;
	return n;
}

static void
test_published(void)
{
	char path[512], row[512], bytes[64], *hex;
	unsigned count = 0;
	size_t len;
	FILE *f;

	snprintf(path, sizeof(path), "%s/smuggling/eod-public.yml",
	    t_vectors());
	f = fopen(path, "r");
	if (f == NULL) {
		t_skip("published false ends", "no test vectors");
		return;
	}
	while (fgets(row, sizeof(row), f) != NULL) {
		hex = strstr(row, "  hex: ");
		if (hex == NULL)
			continue;
		hex += strlen("  hex: ");
		hex += strspn(hex, "'\"");
		len = from_hex(hex, bytes, sizeof(bytes));
		hex[strcspn(hex, "'\"\n")] = '\0';
		T_OK(hex, stays_one_message(span_n(bytes, len)));
		count++;
	}
	fclose(f);
	T_INT("published false ends", count, 12);
}

/* --- going out --- */

static void
test_stuffing(void)
{
	static const struct {
		const char *name, *in, *want;
	} rows[] = {
		{ "nothing", "", "" },
		{ "first octet", ".", ".." },
		{ "every line", ".\r\n..\r\na.\r\n", "..\r\n...\r\na.\r\n" },
		{ "not within", "a.b\r\nc", "a.b\r\nc" },
	};
	struct buf out;
	size_t i, cut, bad;
	bool start;

	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		bad = 0;
		for (cut = 0; cut <= strlen(rows[i].in); cut++) {
			out = (struct buf){0};
			start = true;
			dot_stuff(&out, span_n(rows[i].in, cut), &start);
			dot_stuff(&out, span_z(rows[i].in + cut), &start);
			bad += !span_is(buf_text(&out), rows[i].want);
			buf_free(&out);
		}
		T_INT(rows[i].name, bad, 0);
	}
}

/* --- lines --- */

/* Every write is one read of the other end. */
static struct conn *
conn_of(const char *const *pieces)
{
	int fd[2];

	if (socketpair(AF_UNIX, SOCK_SEQPACKET, 0, fd) < 0)
		abort();
	for (; *pieces != NULL; pieces++)
		if (send(fd[1], *pieces, strlen(*pieces), 0) < 0)
			abort();
	close(fd[1]);
	return conn_open(fd[0]);
}

static MAY_YIELD void
test_lines(void)
{
	static const char a50[] =
	    "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";
	static const struct {
		const char	*name, *pieces[5];
		const char	*text;
		enum line_fault	 fault;
		const char	*next;	/* line behind it */
	} rows[] = {
		{ "a line", { "NOOP\r\nQUIT\r\n" }, "NOOP", LINE_GOOD, "QUIT" },
		{ "an empty line", { "\r\n" }, "", LINE_GOOD, NULL },
		{ "a line in pieces", { "N", "OOP\r", "\nQUIT\r", "\n" },
		    "NOOP", LINE_GOOD, "QUIT" },
		{ "bare LF ends it", { "NOOP\nQUIT\r\n" }, "NOOP",
		    LINE_BARE_LF, "QUIT" },
		{ "LF alone", { "\nQUIT\r\n" }, "", LINE_BARE_LF, "QUIT" },
		{ "bare CR", { "NO\rOP\r\nQUIT\r\n" }, "NO\rOP",
		    LINE_BARE_CR, "QUIT" },
		{ "CR CR LF", { "NOOP\r\r\nQUIT\r\n" }, "NOOP\r",
		    LINE_BARE_CR, "QUIT" },
		{ "longest", { a50, a50, "\r\n" }, NULL, LINE_GOOD, NULL },
		{ "one too long", { a50, a50, "b\r\nQUIT\r\n" }, NULL,
		    LINE_TOO_LONG, "QUIT" },
		{ "much too long", { a50, a50, a50, a50, "\r\nQUIT\r\n" },
		    NULL, LINE_TOO_LONG, "QUIT" },
	};
	const char *pieces[6];
	struct line line;
	struct conn *c;
	struct err err;
	char text[128];
	size_t i;

	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		memset(pieces, 0, sizeof(pieces));
		memcpy(pieces, rows[i].pieces, sizeof(rows[i].pieces));
		c = conn_of(pieces);
		T_INT(rows[i].name,
		    line_read(c, 102, CLOCK_NEVER, &line, &err), 0);
		T_INT(rows[i].name, line.fault, rows[i].fault);
		snprintf(text, sizeof(text), "%.*s", SPAN_ARG(line.text));
		if (rows[i].text != NULL)
			T_STR(rows[i].name, text, rows[i].text);
		else
			T_OK(rows[i].name, line.text.len >= LINE_FIRST &&
			    strncmp(text, a50, 50) == 0);
		if (rows[i].next != NULL) {
			T_INT(rows[i].name,
			    line_read(c, 102, CLOCK_NEVER, &line, &err), 0);
			snprintf(text, sizeof(text), "%.*s",
			    SPAN_ARG(line.text));
			T_STR(rows[i].name, text, rows[i].next);
		}
		T_INT(rows[i].name,
		    line_read(c, 102, CLOCK_NEVER, &line, &err), -1);
		T_INT(rows[i].name, err.kind, ERR_CLOSED);
		conn_close(&c);
	}
}

static MAY_YIELD void
test_nul_in_line(void)
{
	static const char bytes[] = "MAIL FROM:<a\0b@c>\r\nRSET\r\nN";
	struct line line;
	struct conn *c;
	struct err err;
	int fd[2];

	if (socketpair(AF_UNIX, SOCK_SEQPACKET, 0, fd) < 0 ||
	    send(fd[1], bytes, sizeof(bytes) - 1, 0) < 0)
		abort();
	c = conn_open(fd[0]);
	T_OK("nothing is waiting yet", !line_is_waiting(c));
	T_INT("NUL: read", line_read(c, 512, CLOCK_NEVER, &line, &err),
	    0);
	T_INT("NUL: fault", line.fault, LINE_NUL);
	T_INT("NUL: not cut", line.text.len, 17);
	T_OK("the next is waiting", line_is_waiting(c));
	T_INT("the next", line_read(c, 512, CLOCK_NEVER, &line, &err),
	    0);
	T_OK("half a line is not waiting", !line_is_waiting(c));
	conn_close(&c);
	close(fd[1]);
}

static MAY_YIELD void
read_lines(void *arg)
{
	(void)arg;
	test_lines();
	test_nul_in_line();
}

int
main(void)
{
	test_cases();
	test_one_run();
	test_fault_names();
	test_exhaustively();
	test_in_long_text();
	test_random();
	test_published();
	test_stuffing();
	loop_create();
	fiber_spawn("lines", read_lines, NULL);
	while (fiber_count() > 0)
		loop_turn(true);
	loop_destroy();
	return t_done();
}
