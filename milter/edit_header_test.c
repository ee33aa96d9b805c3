#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "milter/edit_header.h"
#include "tests/kit/edits.h"
#include "tests/kit/t.h"

/* Line ends are CRLF, but written "\n" here; OURS is our block. */
#define OURS	"=ours=\n"

static const struct {
	const char	*name, *above, *below, *edits, *want;
} cases[] = {
	{ "no edits", "", "A: 1\nB: 2\n", "", OURS "A: 1\nB: 2\n" },
	{ "a header of nothing", "", "", "add A: 1\n", OURS "A: 1\n" },

	/* add */
	{ "add stands at the end", "", "A: 1\nB: 2\n", "add C: 3\n",
	    OURS "A: 1\nB: 2\nC: 3\n" },
	{ "add, though the name is there", "", "A: 1\nB: 2\n", "add a: 3\n",
	    OURS "A: 1\nB: 2\na: 3\n" },
	{ "adds in their order", "", "A: 1\n", "add B: 2\nadd C: 3\n",
	    OURS "A: 1\nB: 2\nC: 3\n" },
	{ "add with a fold", "", "A: 1\n", "add B: 2\\n\t3\n",
	    OURS "A: 1\nB: 2\n\t3\n" },
	{ "add cannot begin a field of its own", "", "A: 1\n",
	    "add B: 2\\nC: 3\\n\\nbody\n",
	    OURS "A: 1\nB: 2\n\tC: 3\n\tbody\n" },
	{ "add without a value", "", "A: 1\n", "add B:\n",
	    OURS "A: 1\nB: \n" },
	{ "add with octets above ASCII", "", "A: 1\n", "add B: \xe4\xff\n",
	    OURS "A: 1\nB: \xe4\xff\n" },

	/* insert */
	{ "insert 0 is above all", "", "A: 1\n", "insert 0 X: n\n",
	    "X: n\n" OURS "A: 1\n" },
	{ "insert 1 is below our block", "", "A: 1\n", "insert 1 X: n\n",
	    OURS "X: n\nA: 1\n" },
	{ "insert 2 is below the first field", "", "A: 1\nB: 2\n",
	    "insert 2 X: n\n", OURS "A: 1\nX: n\nB: 2\n" },
	{ "insert as many as there are is the end", "", "A: 1\nB: 2\n",
	    "insert 3 X: n\n", OURS "A: 1\nB: 2\nX: n\n" },
	{ "insert one more is the end", "", "A: 1\nB: 2\n", "insert 4 X: n\n",
	    OURS "A: 1\nB: 2\nX: n\n" },
	{ "insert many more is the end", "", "A: 1\nB: 2\n",
	    "insert 4294967295 X: n\n", OURS "A: 1\nB: 2\nX: n\n" },
	{ "0 twice: the later is above", "", "A: 1\n",
	    "insert 0 X: n\ninsert 0 Y: n\n", "Y: n\nX: n\n" OURS "A: 1\n" },
	{ "1 twice: the later is above", "", "A: 1\n",
	    "insert 1 X: n\ninsert 1 Y: n\n", OURS "Y: n\nX: n\nA: 1\n" },
	{ "1 below what was put above all", "", "A: 1\n",
	    "insert 0 X: n\ninsert 1 Y: n\n", "X: n\nY: n\n" OURS "A: 1\n" },
	{ "2 below our block then", "", "A: 1\n",
	    "insert 0 X: n\ninsert 2 Y: n\n", "X: n\n" OURS "Y: n\nA: 1\n" },
	{ "0, 1, 2", "", "A: 1\n",
	    "insert 0 X: n\ninsert 1 Y: n\ninsert 2 Z: n\n",
	    "X: n\nY: n\nZ: n\n" OURS "A: 1\n" },
	{ "what a filter before has put above counts", "U: 0\nV: 0\n",
	    "A: 1\n", "insert 1 X: n\ninsert 4 Y: n\n",
	    "U: 0\nX: n\nV: 0\n" OURS "Y: n\nA: 1\n" },
	{ "a folded field is one", "", "A: 1\n 1\n\t1\nB: 2\n",
	    "insert 2 X: n\n", OURS "A: 1\n 1\n\t1\nX: n\nB: 2\n" },
	{ "insert into nothing", "", "", "insert 1 X: n\ninsert 7 Y: n\n",
	    OURS "X: n\nY: n\n" },

	/* change */
	{ "change", "", "A: 1\nB: 2\nC: 3\n", "change 1 B: new\n",
	    OURS "A: 1\nB: new\nC: 3\n" },
	{ "change takes the name as it is written", "", "sUBJECT: 1\n",
	    "change 1 Subject: 2\n", OURS "Subject: 2\n" },
	{ "change the second", "", "A: 1\nB: 2\na: 3\n", "change 2 A: new\n",
	    OURS "A: 1\nB: 2\nA: new\n" },
	{ "0 is 1", "", "A: 1\nA: 2\n", "change 0 A: new\n",
	    OURS "A: new\nA: 2\n" },
	{ "beyond the last it is added", "", "A: 1\nB: 2\n",
	    "change 2 A: new\n", OURS "A: 1\nB: 2\nA: new\n" },
	{ "far beyond too", "", "A: 1\nB: 2\n", "change 4294967295 A: new\n",
	    OURS "A: 1\nB: 2\nA: new\n" },
	{ "of no such name too", "", "A: 1\nB: 2\n", "change 1 C: new\n",
	    OURS "A: 1\nB: 2\nC: new\n" },
	{ "change of a folded one", "", "A: 1\n 1\n\t1\nB: 2\n",
	    "change 1 A: n\\n ew\n", OURS "A: n\n ew\nB: 2\n" },
	{ "change of what was added", "", "A: 1\n",
	    "add B: 2\nchange 1 B: 3\n", OURS "A: 1\nB: 3\n" },
	{ "change of what stands above", "A: 0\n", "A: 1\n",
	    "change 1 A: n\nchange 2 A: m\n", "A: n\n" OURS "A: m\n" },
	{ "change of a name with white space behind it", "",
	    "From \t: x\nFrom\n : y\n", "change 2 From: n\nchange 1 From: m\n",
	    OURS "From: m\nFrom: n\n" },
	{ "no name is the beginning of another", "", "AB: 1\nA: 2\n",
	    "change 1 A: n\n", OURS "AB: 1\nA: n\n" },

	/* delete */
	{ "delete", "", "A: 1\nB: 2\nC: 3\n", "delete 1 b\n",
	    OURS "A: 1\nC: 3\n" },
	{ "delete 0 is 1", "", "A: 1\nA: 2\n", "delete 0 A\n",
	    OURS "A: 2\n" },
	{ "delete what is not there", "", "A: 1\n",
	    "delete 2 A\ndelete 1 B\n", OURS "A: 1\n" },
	{ "the first twice leaves the third", "", "A: 1\nA: 2\nA: 3\n",
	    "delete 1 A\ndelete 1 A\n", OURS "A: 3\n" },
	{ "1 and then 2 leaves the second", "", "A: 1\nA: 2\nA: 3\n",
	    "delete 1 A\ndelete 2 A\n", OURS "A: 2\n" },
	{ "from the last one up", "", "A: 1\nB: 0\nA: 2\nA: 3\n",
	    "delete 3 A\ndelete 2 A\ndelete 1 A\n", OURS "B: 0\n" },
	{ "delete a folded one", "", "A: 1\n 1\n\t1\nB: 2\n", "delete 1 A\n",
	    OURS "B: 2\n" },
	{ "all, and add", "", "A: 1\nB: 2\n",
	    "delete 1 B\ndelete 1 A\nadd C: 3\n", OURS "C: 3\n" },
	{ "the last, and add", "", "A: 1\nB: 2\n",
	    "delete 1 B\nadd C: 3\ninsert 9 D: 4\n",
	    OURS "A: 1\nC: 3\nD: 4\n" },
	{ "all that is above", "X: 1\nY: 2\n", "A: 1\n",
	    "delete 1 X\ndelete 1 Y\ninsert 1 Z: 3\n",
	    OURS "Z: 3\nA: 1\n" },
	{ "deleted ones do not count for insert", "", "A: 1\nB: 2\n",
	    "delete 1 A\ninsert 2 X: n\n", OURS "B: 2\nX: n\n" },

	/* our own block */
	{ "our Received is not changed, one is added", "", "A: 1\n",
	    "change 1 Received: n\n", OURS "A: 1\nReceived: n\n" },
	{ "our Received is not counted", "", "Received: 1\nReceived: 2\n",
	    "change 1 Received: n\ndelete 2 Received\ndelete 2 Received\n",
	    OURS "Received: n\n" },
	{ "our Received is not deleted", "", "A: 1\n", "delete 1 Received\n",
	    OURS "A: 1\n" },

	/* lines that are no fields */
	{ "they are not counted for insert", "", "A: 1\nrubbish\nB: 2\n",
	    "insert 3 X: n\n", OURS "A: 1\nrubbish\nB: 2\nX: n\n" },
	{ "a new field stands above them", "", "A: 1\nrubbish\nB: 2\n",
	    "insert 2 X: n\n", OURS "A: 1\nX: n\nrubbish\nB: 2\n" },
	{ "the end is below them", "", "A: 1\nrubbish\n",
	    "insert 2 X: n\ninsert 4 Y: n\nadd Z: n\n",
	    OURS "A: 1\nX: n\nrubbish\nY: n\nZ: n\n" },
	{ "no edit finds them", "", "A: 1\nA b: 2\n\x8f: 3\n: 4\nA\n",
	    "delete 2 A\nchange 1 A: n\n",
	    OURS "A: n\nA b: 2\n\x8f: 3\n: 4\nA\n" },
	{ "what they stood below goes without them", "",
	    "A: 1\nrubbish\n more\nB: 2\n", "delete 1 A\n",
	    OURS "rubbish\n more\nB: 2\n" },

	/* what filters do */
	{ "OpenDKIM: forged results go, its own is put on top", "",
	    "Received: r\nAuthentication-Results: us; 1\n"
	    "Authentication-Results: them; 2\n"
	    "authentication-results: us;\n 3\nFrom: f\n",
	    "delete 3 Authentication-Results\n"
	    "delete 1 Authentication-Results\n"
	    "insert 1 Authentication-Results: us; new\n",
	    OURS "Authentication-Results: us; new\nReceived: r\n"
	    "Authentication-Results: them; 2\nFrom: f\n" },
	{ "OpenDKIM and then OpenDMARC above all", "Authentication-Results: "
	    "us; dkim=pass\n", "From: f\n",
	    "insert 0 Authentication-Results: us; dmarc=pass\n",
	    "Authentication-Results: us; dmarc=pass\nAuthentication-Results: "
	    "us; dkim=pass\n" OURS "From: f\n" },
	{ "SpamAssassin: its own of last time, and new ones", "",
	    "X-Spam-Flag: YES\nSubject: s\nX-Spam-Level: *\n",
	    "change 1 X-Spam-Flag: NO\ndelete 1 X-Spam-Level\n"
	    "delete 2 X-Spam-Level\nchange 1 X-Spam-Status: No\n"
	    "change 1 Subject: [x] s\n",
	    OURS "X-Spam-Flag: NO\nSubject: [x] s\nX-Spam-Status: No\n" },
	{ "delete, and the same inserted", "", "A: 1\nB: 2\nC: 3\n",
	    "delete 1 B\ninsert 2 B: 4\n", OURS "A: 1\nB: 4\nC: 3\n" },
};

/* With CRLF. */
static struct span
crlf(struct arena *a, const char *text)
{
	struct span rest = span_z(text);
	struct buf b = {0};

	while (rest.len > 0) {
		buf_span(&b, span_until(&rest, '\n'));
		buf_puts(&b, "\r\n");
	}
	rest = arena_span(a, buf_text(&b));
	buf_free(&b);
	return rest;
}

static const char *
put(struct arena *a, const struct header_list *h)
{
	struct buf b = {0};
	const char *text;

	edits_put(h, crlf(a, OURS), &b);
	text = arena_copy(a, buf_text(&b));
	buf_free(&b);
	return text;
}

/* What the model makes of it, one edit after the other. */
static const char *
put_model(struct arena *a, const struct header_list *h,
    const struct edits *edits)
{
	struct span ours = crlf(a, OURS), text;
	struct buf b = {0};

	edits_put(h, ours, &b);
	for (const struct edit *e = edits->first; e != NULL; e = e->next) {
		text = arena_span(a, buf_text(&b));
		buf_clear(&b);
		edits_model(&e->answer, ours, text, &b);
	}
	text = arena_span(a, buf_text(&b));
	buf_free(&b);
	return arena_copy(a, text);
}

static void
test_cases(void)
{
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct arena *a = arena_create("test");
		const char *want = arena_copy(a, crlf(a, cases[i].want));
		struct header_list in, out;
		struct edits edits;
		struct err err;

		edit_header_read(a, crlf(a, cases[i].above),
		    crlf(a, cases[i].below), &in);
		edits_read(a, cases[i].edits, false, &edits);
		T_INT(cases[i].name, edit_header(a, &in, &edits, &out, &err),
		    0);
		T_STR(cases[i].name, put(a, &out), want);
		T_STR(cases[i].name, put_model(a, &in, &edits), want);
		T_INT(cases[i].name, edit_header_has(&edits), edits.n > 0);
		arena_destroy(&a);
	}
}

/* --- the space behind the colon --- */

static void
test_space(void)
{
	static const struct {
		const char *name, *edits, *want;
	} space[] = {
		{ "the value is taken as it is", "add A:b\nadd A: c\n",
		    OURS "A:b\nA: c\n" },
		{ "with a tab", "add A:\tb\n", OURS "A:\tb\n" },
		{ "with a fold at once", "add A:\\n b\n", OURS "A:\n b\n" },
		{ "without anything", "add A:\n", OURS "A:\n" },
	};
	struct header_list none = {0}, out;
	struct edits edits;
	struct err err;

	for (size_t i = 0; i < sizeof(space) / sizeof(space[0]); i++) {
		struct arena *a = arena_create("test");

		edits_read(a, space[i].edits, true, &edits);
		T_INT(space[i].name, edit_header(a, &none, &edits, &out, &err),
		    0);
		T_STR(space[i].name, put(a, &out),
		    arena_copy(a, crlf(a, space[i].want)));
		arena_destroy(&a);
	}
}

/* --- what is not touched, and what is not of the header --- */

static void
test_kept(void)
{
	struct arena *a = arena_create("test");
	struct answer others[] = { { .kind = ANSWER_ADD_RCPT },
	    { .kind = ANSWER_CHANGE_SENDER }, { .kind = ANSWER_QUARANTINE } };
	struct header_list in, out;
	struct edits edits = {0};
	struct err err;

	for (size_t i = 0; i < 3; i++)
		edits_append(a, &edits, &others[i]);
	T_OK("edits of the envelope are none of the header",
	    !edit_header_has(&edits));
	edit_header_read(a, crlf(a, "X: 0\n"), crlf(a, "A: 1\nB: 2\n"), &in);
	T_INT("and are passed over", edit_header(a, &in, &edits, &out, &err),
	    0);
	T_STR("so that nothing changes", put(a, &out), put(a, &in));
	edits_read(a, "change 1 A: n\n", false, &edits);
	edit_header(a, &in, &edits, &out, &err);
	T_OK("what stays lies where it was", out.n == 3 &&
	    out.list[2].whole.p == in.list[2].whole.p &&
	    out.list[2].offset == in.list[2].offset);
	T_OK("what is new stands in no text",
	    out.list[1].offset == EDIT_HEADER_OFFSET);
	T_OK("and is a field as others are",
	    span_is(out.list[1].name, "A") &&
	    span_is(out.list[1].value, " n"));
	T_OK("the header before is as it was",
	    span_is(in.list[1].value, " 1"));
	arena_destroy(&a);
}

/* --- limits --- */

static struct span
many(struct arena *a, size_t n, const char *field)
{
	struct buf b = {0};
	struct span text;

	for (size_t i = 0; i < n; i++)
		buf_printf(&b, "%s: %zu\r\n", field, i);
	text = arena_span(a, buf_text(&b));
	buf_free(&b);
	return text;
}

static void
test_limits(void)
{
	struct arena *a = arena_create("test");
	struct answer last = { .kind = ANSWER_DELETE_HEADER, .index = 1,
	    .name = SPAN_LIT("B") };
	struct header_list in, out = {0};
	struct edits edits = {0};
	struct err err;

	for (size_t i = 0; i < DIALOGUE_EDITS; i++)
		edits_append(a, &edits, &last);
	edit_header_read(a, SPAN_LIT(""), many(a, 1000, "A"), &in);
	T_INT("1000 edits of 1000 fields",
	    edit_header(a, &in, &edits, &out, &err), 0);
	edit_header_read(a, SPAN_LIT(""), many(a, 100000, "A"), &in);
	out.n = 7;
	T_INT("1000 edits of 100000",
	    edit_header(a, &in, &edits, &out, &err), -1);
	T_STR("are too much", err.text, "1000 edits of a header of 100000 "
	    "fields, which is too much work");
	T_INT("by the filter's fault", err.kind, ERR_SYNTAX);
	T_INT("and nothing is made", out.n, 7);
	edit_header_read(a, SPAN_LIT(""), many(a, 100000, "B"), &in);
	T_INT("unless they are at the top",
	    edit_header(a, &in, &edits, &out, &err), 0);
	T_INT("all of them", out.n, 99000);
	arena_destroy(&a);
}

int
main(void)
{
	test_cases();
	test_space();
	test_kept();
	test_limits();
	return t_done();
}
