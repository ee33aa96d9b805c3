#include <stdlib.h>
#include <string.h>

#include "policy/encoded_word.h"
#include "policy/header_edit.h"
#include "tests/kit/header_model.h"
#include "tests/kit/t.h"

#define ADD(n, v)	{ ACTION_ADD_HEADER, SPAN_LIT(n), SPAN_LIT(v) }
#define REMOVE(n)	{ ACTION_REMOVE_HEADER, SPAN_LIT(n), { NULL, 0 } }
#define REPLACE(n, v)	{ ACTION_REPLACE_HEADER, SPAN_LIT(n), SPAN_LIT(v) }
#define PREFIX(v)	{ ACTION_PREFIX_SUBJECT, { NULL, 0 }, SPAN_LIT(v) }
#define SAME		NULL	/* nothing changes */

#define TEN	"123456789 "
#define FIFTY	TEN TEN TEN TEN TEN

/* All fields of the name `cut` are cut out before. */
static const struct {
	const char		*name, *in, *cut;
	struct header_edit	 edits[5];
	const char		*want;
} cases[] = {
	{ "no edits", "A: b\r\n\r\n", NULL, {}, SAME },
	{ "added on top", "A: b\r\n\r\n", NULL, { ADD("X", "y") },
	    "X: y\r\nA: b\r\n\r\n" },
	{ "several: in their order", "A: b\r\n", NULL,
	    { ADD("X", "1"), ADD("Y", "2"), ADD("X", "3") },
	    "X: 1\r\nY: 2\r\nX: 3\r\nA: b\r\n" },
	{ "to an empty header", "\r\n", NULL, { ADD("X", "y") },
	    "X: y\r\n\r\n" },
	{ "an empty value", "A: b\r\n\r\n", NULL, { ADD("X", "") },
	    "X:\r\nA: b\r\n\r\n" },
	{ "last line without its end", "A: b", NULL, { ADD("X", "y") },
	    "X: y\r\nA: b" },
	{ "odd lines stay", "A: b\r\nhello\r\n \r\n c\r\n\xff: d\r\n\r\n",
	    NULL, { ADD("X", "y") },
	    "X: y\r\nA: b\r\nhello\r\n \r\n c\r\n\xff: d\r\n\r\n" },

	{ "removed", "A: b\r\nX: y\r\nC: d\r\n\r\n", NULL, { REMOVE("X") },
	    "A: b\r\nC: d\r\n\r\n" },
	{ "all of that name, in any case, with folds",
	    "X: y\r\n z\r\nA: b\r\nx :\r\n\ty\r\nXY: c\r\nx\r\n : d\r\n\r\n",
	    NULL, { REMOVE("X") }, "A: b\r\nXY: c\r\n\r\n" },
	{ "none to remove", "A: b\r\n\r\n", NULL, { REMOVE("X") }, SAME },
	{ "the last one", "X: y\r\n\r\n", NULL, { REMOVE("X") }, "\r\n" },
	{ "nothing is left", "X: y\r\n", NULL, { REMOVE("X") }, "" },
	{ "a name is a whole name", "XY: b\r\nX-Y: c\r\n\r\n", NULL,
	    { REMOVE("X") }, SAME },

	{ "replaced in its place", "A: b\r\nx: y\r\nC: d\r\nX: z\r\n\r\n",
	    NULL, { REPLACE("X", "new") }, "A: b\r\nX: new\r\nC: d\r\n\r\n" },
	{ "none to replace", "A: b\r\n\r\n", NULL, { REPLACE("X", "new") },
	    "X: new\r\nA: b\r\n\r\n" },
	{ "replaced twice", "A: b\r\nX: y\r\n\r\n", NULL,
	    { REPLACE("X", "1"), REPLACE("x", "2") },
	    "A: b\r\nx: 2\r\n\r\n" },

	{ "added, then removed", "A: b\r\n\r\n", NULL,
	    { ADD("X", "y"), REMOVE("x") }, SAME },
	{ "removed, then added", "A: b\r\nX: y\r\n\r\n", NULL,
	    { REMOVE("X"), ADD("X", "z") }, "X: z\r\nA: b\r\n\r\n" },
	{ "added, then replaced", "X: y\r\nA: b\r\n\r\n", NULL,
	    { ADD("X", "1"), ADD("Y", "2"), ADD("X", "3"),
	    REPLACE("X", "4") }, "X: 4\r\nY: 2\r\nA: b\r\n\r\n" },
	{ "and added again", "X: y\r\n\r\n", NULL,
	    { ADD("X", "1"), REPLACE("X", "2"), ADD("X", "3"),
	    ADD("X", "4") }, "X: 2\r\nX: 3\r\nX: 4\r\n\r\n" },
	{ "replaced, then added", "A: b\r\nX: y\r\n\r\n", NULL,
	    { REPLACE("X", "1"), ADD("X", "2"), ADD("X", "3"),
	    REPLACE("X", "4") }, "X: 4\r\nA: b\r\n\r\n" },
	{ "added, replaced, removed", "A: b\r\n\r\n", NULL,
	    { ADD("X", "1"), REPLACE("X", "2"), ADD("X", "3"),
	    REMOVE("X") }, SAME },

	{ "two added, replaced, added, removed", "A: b\r\n\r\n", NULL,
	    { ADD("X", "1"), ADD("X", "2"), REPLACE("X", "3"), ADD("X", "4"),
	    REMOVE("X") }, SAME },

	{ "cut", "A: b\r\nR: 1\r\nC: d\r\nR: 2\r\n\r\n", "R", {},
	    "A: b\r\nC: d\r\n\r\n" },
	{ "cut, then no edit finds it", "R: 1\r\nA: b\r\n\r\n", "R",
	    { REMOVE("R") }, "A: b\r\n\r\n" },
	{ "cut, then replaced", "A: b\r\nR: 1\r\n\r\n", "R",
	    { REPLACE("R", "2") }, "R: 2\r\nA: b\r\n\r\n" },
	{ "cut, then added", "R: 1\r\nA: b\r\n\r\n", "R", { ADD("R", "2") },
	    "R: 2\r\nA: b\r\n\r\n" },
	{ "a subject that is cut", "Subject: x\r\n\r\n", "Subject",
	    { PREFIX("p") }, "Subject: p\r\n\r\n" },

	{ "prefix", "A: b\r\nsubject: hi\r\n\r\n", NULL, { PREFIX("[x]") },
	    "A: b\r\nsubject: [x] hi\r\n\r\n" },
	{ "no subject", "A: b\r\n\r\n", NULL, { PREFIX("[x]") },
	    "Subject: [x]\r\nA: b\r\n\r\n" },
	{ "an empty subject", "Subject:\r\n\r\n", NULL, { PREFIX("[x]") },
	    "Subject: [x]\r\n\r\n" },
	{ "no blank behind the colon", "Subject:hi\r\n\r\n", NULL,
	    { PREFIX("[x]") }, "Subject: [x] hi\r\n\r\n" },
	{ "the rest stays", "Subject:  a \t\x01\xff\r\n\t b =?x?= \r\n c \r\n"
	    "\r\n", NULL, { PREFIX("[x]") }, "Subject: [x]  a \t\x01\xff\r\n"
	    "\t b =?x?= \r\n c \r\n\r\n" },
	{ "a subject that begins with a fold", "Subject:\r\n hi\r\n\r\n",
	    NULL, { PREFIX("[x]") }, "Subject: [x]\r\n hi\r\n\r\n" },
	{ "white space before the colon", "Subject\r\n : hi\r\n\r\n", NULL,
	    { PREFIX("[x]") }, "Subject\r\n : [x] hi\r\n\r\n" },
	{ "every subject", "Subject: a\r\nSubject: b\r\n\r\n", NULL,
	    { PREFIX("[x]") },
	    "Subject: [x] a\r\nSubject: [x] b\r\n\r\n" },
	{ "a last line without its end", "Subject: a", NULL,
	    { PREFIX("[x]") }, "Subject: [x] a" },
	{ "two prefixes", "Subject: a\r\n\r\n", NULL,
	    { PREFIX("1"), PREFIX("2") }, "Subject: 2 1 a\r\n\r\n" },
	{ "of an added subject", "A: b\r\n\r\n", NULL,
	    { PREFIX("1"), PREFIX("2") },
	    "Subject: 2 1\r\nA: b\r\n\r\n" },
	{ "of a replaced one", "Subject: a\r\n\r\n", NULL,
	    { PREFIX("1"), REPLACE("subject", "b"), PREFIX("2") },
	    "subject: 2 b\r\n\r\n" },
	{ "replaced behind it", "Subject: a\r\n\r\n", NULL,
	    { PREFIX("1"), REPLACE("Subject", "b") },
	    "Subject: b\r\n\r\n" },
	{ "removed behind it", "Subject: a\r\n\r\n", NULL,
	    { PREFIX("1"), REMOVE("SUBJECT") }, "\r\n" },
	{ "nothing but blanks is no prefix", "Subject: a\r\n\r\n", NULL,
	    { PREFIX(" \t") }, SAME },

	{ "begins with it", "Subject: [x] hi\r\n\r\n", NULL,
	    { PREFIX("[x]") }, SAME },
	{ "without a blank", "Subject:[x]hi\r\n\r\n", NULL,
	    { PREFIX("[x]") }, SAME },
	{ "is it", "Subject: [x]\r\n\r\n", NULL, { PREFIX("[x]") }, SAME },
	{ "in part", "Subject: [x\r\n\r\n", NULL, { PREFIX("[x]") },
	    "Subject: [x] [x\r\n\r\n" },
	{ "in another case", "Subject: Spam\r\n\r\n", NULL,
	    { PREFIX("SPAM") }, "Subject: SPAM Spam\r\n\r\n" },
	{ "a longer word", "Subject: SPAMALOT\r\n\r\n", NULL,
	    { PREFIX("SPAM") }, "Subject: SPAM SPAMALOT\r\n\r\n" },
	{ "a word", "Subject: SPAM: hi\r\n\r\n", NULL, { PREFIX("SPAM") },
	    SAME },
	{ "later on", "Subject: Re: [x] hi\r\n\r\n", NULL,
	    { PREFIX("[x]") }, "Subject: [x] Re: [x] hi\r\n\r\n" },
	{ "folded", "Subject:\r\n [a\r\n\tb]\r\n hi\r\n\r\n", NULL,
	    { PREFIX("[a b]") }, SAME },
	{ "encoded", "Subject: =?UTF-8?B?W3hdIGhp?=\r\n\r\n", NULL,
	    { PREFIX("[x]") }, SAME },
	{ "not ASCII, encoded", "Subject: =?utf-8?Q?=C3=BC?= hi\r\n\r\n",
	    NULL, { PREFIX("\xc3\xbc") }, SAME },
	{ "not ASCII, as it is", "Subject: \xc3\xbc hi\r\n\r\n", NULL,
	    { PREFIX("\xc3\xbc") }, SAME },
	{ "one of two", "Subject: [x] a\r\nSubject: b\r\n\r\n", NULL,
	    { PREFIX("[x]") },
	    "Subject: [x] a\r\nSubject: [x] b\r\n\r\n" },
	{ "the same prefix twice", "Subject: a\r\n\r\n", NULL,
	    { PREFIX("[x]"), PREFIX("[x]") }, "Subject: [x] a\r\n\r\n" },
	{ "two that are there", "Subject: 2 1 a\r\n\r\n", NULL,
	    { PREFIX("2 1"), PREFIX("2") }, SAME },
	{ "one prefix and the subject", "Subject: 1 a\r\n\r\n", NULL,
	    { PREFIX("2"), PREFIX("2 1 a") }, "Subject: 2 1 a\r\n\r\n" },

	{ "not ASCII", "A: b\r\n\r\n", NULL, { ADD("X", "a \xc3\xbc b") },
	    "X: a =?utf-8?Q?=C3=BC?= b\r\nA: b\r\n\r\n" },
	{ "controls and broken UTF-8", "A: b\r\n\r\n", NULL,
	    { ADD("X", " a\r\nB: c\0\x7f\xff\td ") },
	    "X: a??B: c??? d\r\nA: b\r\n\r\n" },
	{ "a prefix that is encoded", "Subject: hi\r\n\r\n", NULL,
	    { PREFIX("\xc3\xbc") },
	    "Subject: =?utf-8?Q?=C3=BC?= hi\r\n\r\n" },
	{ "before an encoded subject", "Subject: =?utf-8?Q?=C3=A4?=\r\n\r\n",
	    NULL, { PREFIX("\xc3\xbc") }, "Subject: =?utf-8?Q?=C3=BC?= "
	    "=?utf-8?Q?_?= =?utf-8?Q?=C3=A4?=\r\n\r\n" },
	{ "on the next line",
	    "Subject:\r\n =?utf-8?Q?=C3=A4?=\r\n\r\n",
	    NULL, { PREFIX("\xc3\xbc") }, "Subject: =?utf-8?Q?=C3=BC?= "
	    "=?utf-8?Q?_?=\r\n =?utf-8?Q?=C3=A4?=\r\n\r\n" },
	{ "two encoded ones", "Subject: hi\r\n\r\n", NULL,
	    { PREFIX("\xc3\xbc"), PREFIX("\xc3\xa4") },
	    "Subject: =?utf-8?Q?=C3=A4_=C3=BC?= hi\r\n\r\n" },

	{ "folded at spaces", "A: b\r\n\r\n", NULL,
	    { ADD("X-Long", FIFTY TEN TEN "end") },
	    "X-Long: " FIFTY "123456789\r\n " TEN "end\r\nA: b\r\n\r\n" },
	{ "a long word: below its name", "A: b\r\n\r\n", NULL,
	    { ADD("X-Longer", "1234567890123456789012345678901234567890"
	    "12345678901234567890123456789") }, "X-Longer:\r\n "
	    "1234567890123456789012345678901234567890"
	    "12345678901234567890123456789\r\nA: b\r\n\r\n" },
	{ "a prefix and a long subject", "Subject: " FIFTY TEN "\r\n\r\n",
	    NULL, { PREFIX("[12345678]") },
	    "Subject: [12345678]\r\n " FIFTY TEN "\r\n\r\n" },
	{ "without a blank before it", "Subject:" FIFTY TEN "\r\n\r\n",
	    NULL, { PREFIX("[12345678]") },
	    "Subject: [12345678]\r\n " FIFTY TEN "\r\n\r\n" },
	{ "no line of blanks is made", "Subject:                     "
	    "                                                 \r\n hi\r\n"
	    "\r\n", NULL, { PREFIX("[12345678]") },
	    "Subject: [12345678]\r\n hi\r\n\r\n" },
};

static bool
run(struct arena *a, struct span text, const struct header_cut *cuts,
    size_t ncuts, const struct header_edit *edits, size_t nedits, bool utf8,
    struct buf *out)
{
	struct fields h;
	struct header_change c = { .text = text, .fields = &h,
	    .cuts = cuts, .ncuts = ncuts, .edits = edits, .nedits = nedits,
	    .utf8 = utf8 };

	fields_parse(a, text, &h);
	return header_edit_put(a, &c, out);
}

static size_t
cuts_of(struct arena *a, struct span text, const char *name,
    struct header_cut *cuts)
{
	const struct field *f;
	struct fields h;
	size_t n = 0;

	if (name == NULL)
		return 0;
	fields_parse(a, text, &h);
	for (f = fields_find(&h, name, NULL); f != NULL;
	    f = fields_find(&h, name, f))
		cuts[n++] = (struct header_cut){ f->offset, f->whole.len };
	return n;
}

static void
check(size_t i)
{
	struct arena *a = arena_create("test");
	struct span text = span_z(cases[i].in);
	struct header_cut cuts[5];
	size_t ncuts = cuts_of(a, text, cases[i].cut, cuts), n = 0;
	struct buf out = {0};
	bool changed;

	while (n < 5 && (cases[i].edits[n].name.len > 0 ||
	    cases[i].edits[n].value.len > 0))
		n++;
	changed = run(a, text, cuts, ncuts, cases[i].edits, n, false, &out);
	T_OK(cases[i].name, changed == (cases[i].want != SAME));
	buf_put(&out, "", 1);
	T_STR(cases[i].name, out.p, cases[i].want == SAME ? "" :
	    cases[i].want);
	buf_free(&out);
	arena_destroy(&a);
}

/* --- cases of their own --- */

static void
test_headless(void)
{
	static const struct header_edit add[] = { ADD("X", "y") };
	static const struct header_edit nothing[] = { REMOVE("X"),
	    PREFIX("") };
	struct arena *a = arena_create("test");
	struct fields none = {0};
	struct header_change c = { .fields = &none, .edits = add,
	    .nedits = 1, .is_headless = true };
	struct buf out = {0};

	T_OK("no header: a field makes one", header_edit_put(a, &c, &out));
	T_OK("no header: with its empty line", span_is(buf_text(&out),
	    "X: y\r\n\r\n"));
	c.edits = nothing;
	c.nedits = 2;
	T_OK("no header, and none is made", !header_edit_put(a, &c, &out));
	buf_free(&out);
	arena_destroy(&a);
}

static void
test_apart(void)
{
	static const struct header_edit edits[] = { ADD("N", "1"),
	    REPLACE("X", "2"), REMOVE("Y"), PREFIX("[x]") };
	struct arena *a = arena_create("test");
	struct buf above = {0}, below = {0};
	struct fields h;
	struct header_change c = { .fields = &h, .edits = edits,
	    .nedits = 4 };

	c.text = SPAN_LIT("X: a\r\nY: a\r\nSubject: s\r\n"
	    "A: b\r\nX: b\r\nY: b\r\nSubject: t\r\n\r\n");
	fields_parse(a, c.text, &h);
	T_OK("above ours", header_edit_put_apart(a, &c, 3, &above, &below));
	T_STR("they are changed as others are",
	    arena_copy(a, buf_text(&above)), "X: 2\r\nSubject: [x] s\r\n");
	T_STR("and what is added stands below ours",
	    arena_copy(a, buf_text(&below)),
	    "N: 1\r\nA: b\r\nSubject: [x] t\r\n\r\n");
	buf_free(&above);
	buf_free(&below);
	arena_destroy(&a);
}

static void
test_utf8(void)
{
	static const struct header_edit edits[] = {
		ADD("X", "\xc3\xbc =?utf-8?Q?a?="), PREFIX("\xc3\xbc") };
	struct arena *a = arena_create("test");
	struct buf out = {0};

	run(a, SPAN_LIT("Subject: =?utf-8?Q?a?=\r\n"), NULL, 0, edits, 2,
	    true, &out);
	T_OK("SMTPUTF8: as it is", span_is(buf_text(&out), "X: \xc3\xbc "
	    "=?utf-8?Q?=3D=3Futf-8=3FQ=3Fa=3F=3D?=\r\n"
	    "Subject: \xc3\xbc =?utf-8?Q?a?=\r\n"));
	buf_free(&out);
	arena_destroy(&a);
}

static size_t
longest_line(struct span text)
{
	size_t most = 0;

	while (text.len > 0) {
		struct span line = span_until(&text, '\n');

		if (line.len > most)
			most = line.len;
	}
	return most;	/* with the CR */
}

static void
test_long(void)
{
	static char word[2000], name[FIELD_NAME_MAX], subject[1100];
	struct header_edit edits[] = { ADD("", ""), PREFIX("") };
	struct arena *a = arena_create("test");
	struct buf out = {0};

	memset(word, 'w', sizeof(word));
	memset(name, 'n', sizeof(name));
	edits[0].name = span_n(name, sizeof(name));
	edits[0].value = edits[1].value = span_n(word, sizeof(word));
	memset(subject, 's', sizeof(subject));
	memcpy(subject, "Subject: ", 9);
	memcpy(subject + 997, "\r\n\r\n", 4);
	run(a, span_n(subject, 1001), NULL, 0, edits, 2, false, &out);
	T_OK("no line passes 998 octets", longest_line(buf_text(&out)) < 998);
	T_INT("a value is cut", out.len, sizeof(name) + 4 +
	    VERDICT_VALUE_MAX + 2 + 1001 + 2 + 1 + VERDICT_VALUE_MAX + 2);
	buf_clear(&out);
	memset(word, ' ', VERDICT_VALUE_MAX);
	word[0] = 'a';
	word[VERDICT_VALUE_MAX - 1] = 'b';
	edits[0].value.len = VERDICT_VALUE_MAX;
	run(a, SPAN_LIT("A: b\r\n"), NULL, 0, edits, 1, false, &out);
	T_OK("nor one of spaces", longest_line(buf_text(&out)) < 998);
	buf_free(&out);
	arena_destroy(&a);
}

static void
test_prefixes_max(void)
{
	struct header_edit edits[HEADER_PREFIXES_MAX + 5];
	struct arena *a = arena_create("test");
	struct buf out = {0};
	const size_t n = sizeof(edits) / sizeof(*edits);

	for (size_t i = 0; i < n; i++)
		edits[i] = (struct header_edit){ ACTION_PREFIX_SUBJECT,
		    { NULL, 0 }, span_z(arena_printf(a, "%zu", i)) };
	run(a, SPAN_LIT("Subject: x\r\n"), NULL, 0, edits, n, false, &out);
	T_OK("so many texts before a subject", span_is(buf_text(&out),
	    "Subject: 15 14 13 12 11 10 9 8 7 6 5 4 3 2 1 0 x\r\n"));
	buf_free(&out);
	arena_destroy(&a);
}

/* With a search through all fields for each edit this would be 10^10 names;
 * it ends in a moment, or the test never does. */
static void
test_many(void)
{
	const size_t n = 100000;
	struct arena *a = arena_create("test");
	struct header_edit *edits = arena_new_n(a, n, struct header_edit);
	struct buf in = {0}, out = {0};

	for (size_t i = 0; i < n; i++) {
		buf_puts(&in, i % 2 == 0 ? "X: y\r\n" : "Subject: z\r\n");
		edits[i].kind = i % 3 == 0 ? ACTION_REMOVE_HEADER :
		    i % 3 == 1 ? ACTION_REPLACE_HEADER : ACTION_ADD_HEADER;
		edits[i].name = i % 5 == 0 ? SPAN_LIT("X") :
		    span_z(arena_printf(a, "X-%zu", i));
		edits[i].value = SPAN_LIT("v");
	}
	T_OK("many edits of many fields", run(a, buf_text(&in), NULL, 0,
	    edits, n, false, &out));
	buf_free(&in);
	buf_free(&out);
	arena_destroy(&a);
}

/* --- any headers and edits, against a list made line by line --- */

static unsigned long long seed = 1;

static unsigned
next_random(unsigned below)
{
	seed = seed * 6364136223846793005ULL + 1442695040888963407ULL;
	return (unsigned)(seed >> 33) % below;
}

#define LONG_WORD "and-one-that-does-not-fit-into-one-since-a-name-stands" \
	"-before-it-and-many-more-letters"

static const char *const names[] = { "X", "x", "Subject", "SUBJECT", "Y",
    "Authentication-Results", "X-A-Very-Long-Name-For-A-Field-Of-A-Header" };
static const char *const words[] = { "a", "[x]", "SPAM", "spamalot",
    "\xc3\xbc", "\xe2\x82\xac\xe2\x82\xac", "=?utf-8?Q?=C3=BC?=",
    "=?utf-8?B?W3hdIGE=?=", "=?", "?=", ":", "\xff", "\x01",
    "a-word-that-takes-a-good-part-of-a-line-of-78-octets",
    LONG_WORD };
#define PICK(list) (list)[next_random(sizeof(list) / sizeof(*(list)))]

static void
random_words(struct buf *out, const char *const *between, unsigned n)
{
	for (unsigned i = next_random(8); i > 0; i--) {
		buf_puts(out, between[next_random(n)]);
		buf_puts(out, PICK(words));
	}
}

static void
random_header(struct buf *out)
{
	static const char *const blanks[] = { "", " ", "  ", "\t", "\r\n ",
	    "\r\n\t ", " \r\n ", " \r\n \r\n " };
	static const char *const colons[] = { ":", ":", ":", " :", "\r\n :",
	    "" };

	for (unsigned i = next_random(8); i > 0; i--) {
		buf_puts(out, PICK(names));
		buf_puts(out, PICK(colons));
		random_words(out, blanks, 8);
		if (i > 1 || next_random(4) > 0)
			buf_puts(out, "\r\n");
	}
	if (out->len >= 2 && out->p[out->len - 1] == '\n' &&
	    next_random(4) > 0)
		buf_puts(out, "\r\n");
}

static size_t
random_edits(struct arena *a, struct header_edit *edits, size_t most)
{
	static const enum action_kind kinds[] = { ACTION_ADD_HEADER,
	    ACTION_REMOVE_HEADER, ACTION_REPLACE_HEADER,
	    ACTION_PREFIX_SUBJECT, ACTION_PREFIX_SUBJECT };
	static const char *const spaces[] = { " ", "   " };
	const size_t n = next_random((unsigned)most + 1);
	/* Of few names there are long stories. */
	const unsigned nnames = 1 + next_random(sizeof(names) /
	    sizeof(*names));
	struct buf value = {0};

	for (size_t i = 0; i < n; i++) {
		random_words(&value, spaces, 2);
		edits[i] = (struct header_edit){ PICK(kinds),
		    span_z(names[next_random(nnames)]),
		    arena_span(a, buf_text(&value)) };
		buf_clear(&value);
	}
	buf_free(&value);
	return n;
}

static size_t
random_cuts(struct arena *a, struct span text, struct header_cut *cuts)
{
	struct fields h;
	size_t n = 0;

	fields_parse(a, text, &h);
	for (size_t i = 0; i < h.n; i++)
		if (next_random(6) == 0)
			cuts[n++] = (struct header_cut){ h.list[i].offset,
			    h.list[i].whole.len };
	return n;
}

/* `above` put into `below` there makes the whole. */
static bool
fits(struct span above, struct span below, size_t at, struct span whole)
{
	struct buf all = {0};
	bool same;

	buf_put(&all, below.p, at);
	buf_span(&all, above);
	if (at < below.len)
		buf_put(&all, below.p + at, below.len - at);
	same = span_eq(buf_text(&all), whole);
	buf_free(&all);
	return same;
}

/* Fields that stand above ours only change their place: it is the header
 * `whole`, out of which they are taken. */
static const char *
compare_apart(struct arena *a, const struct header_change *c, bool changed,
    struct span whole)
{
	size_t nabove = next_random((unsigned)c->fields->n + 1), at = 0;
	struct buf above = {0}, below = {0};
	bool same;

	same = header_edit_put_apart(a, c, nabove, &above, &below) == changed;
	while (same && at < below.len && !fits(buf_text(&above),
	    buf_text(&below), at, whole))
		at++;
	same = same && fits(buf_text(&above), buf_text(&below), at, whole);
	buf_free(&above);
	buf_free(&below);
	return same ? NULL : "other with fields above ours";
}

/* What is wrong with what came out; NULL: nothing. */
static const char *
random_case(void)
{
	struct arena *a = arena_create("test");
	struct header_edit edits[10];
	struct header_cut cuts[64];
	struct buf in = {0}, out = {0};
	const char *wrong;
	struct fields h;
	struct header_change c = { .fields = &h, .cuts = cuts,
	    .edits = edits, .utf8 = next_random(2) == 0 };
	bool changed;

	random_header(&in);
	c.text = buf_text(&in);
	fields_parse(a, c.text, &h);
	c.ncuts = next_random(2) == 0 ? 0 : random_cuts(a, c.text, cuts);
	c.nedits = random_edits(a, edits, 10);
	changed = header_edit_put(a, &c, &out);
	wrong = header_model_compare(a, &c, changed, buf_text(&out));
	if (wrong == NULL)
		wrong = compare_apart(a, &c, changed, buf_text(&out));
	if (wrong != NULL)
		header_model_print(&c, buf_text(&out));
	buf_free(&in);
	buf_free(&out);
	arena_destroy(&a);
	return wrong;
}

int
main(void)
{
	const char *wrong = NULL;

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++)
		check(i);
	test_headless();
	test_apart();
	test_utf8();
	test_long();
	test_prefixes_max();
	test_many();
	for (unsigned i = 0; i < 20000 && wrong == NULL; i++)
		wrong = random_case();
	T_STR("any headers and edits", wrong == NULL ? "" : wrong, "");
	return t_done();
}
