#include <string.h>

#include "gateway/draft.h"
#include "tests/kit/drafts.h"
#include "tests/kit/edits.h"
#include "tests/kit/t.h"

#define OURS	"Received: us\r\n"
#define HEADER	"From: f\r\nSubject: s\r\n\r\n"

/* --- a message, and what is done to it --- */

static void
begin(struct draft *d, struct arena *a, struct span text, bool is_binary)
{
	struct header_scan scan;

	drafts_begin(d, a, "/tmp", text, is_binary, &scan);
}

static void
put_spool(struct spool *s, struct buf *out)
{
	T_OK("read to its end", drafts_put_spool(s, out));
}

/* All that goes out. */
static const char *
put(struct arena *a, const struct draft *d, struct backend_message *out)
{
	struct backend_message message;
	struct buf text = {0};
	const char *all;

	if (out == NULL)
		out = &message;
	draft_put(d, SPAN_LIT(OURS), &text, out);
	T_OK("the header is text's",
	    span_eq(out->trace, buf_text(&text)));
	put_spool(out->spool, &text);
	all = arena_copy(a, buf_text(&text));
	buf_free(&text);
	return all;
}

static int
edit(struct arena *a, struct draft *d, const char *text, const char *body,
    struct err *err)
{
	struct edits edits;

	edits_read(a, text, false, &edits);
	if (body != NULL)
		edits.body = drafts_spool(a, "/tmp", span_z(body));
	return draft_edit(d, &edits, err);
}

/* --- messages --- */

static const struct {
	const char	*name, *in, *edits, *body, *want;
} cases[] = {
	{ "nothing is changed", HEADER "body\r\n", "", NULL,
	    OURS HEADER "body\r\n" },
	{ "a header alone", "A: b\r\n", "", NULL, OURS "A: b\r\n" },
	{ "and its empty line", "A: b\r\n\r\n", "", NULL,
	    OURS "A: b\r\n\r\n" },
	{ "an empty line alone", "\r\n", "", NULL, OURS "\r\n" },
	{ "an empty line and a body", "\r\nbody\r\n", "", NULL,
	    OURS "\r\nbody\r\n" },
	{ "no header: all is body", "body\r\nA: b\r\n", "", NULL,
	    OURS "\r\nbody\r\nA: b\r\n" },
	{ "white space at the front is body", " A: b\r\n\r\nbody\r\n", "",
	    NULL, OURS "\r\n A: b\r\n\r\nbody\r\n" },
	{ "nothing at all", "", "", NULL, OURS "\r\n" },
	{ "the last line has no end", "A: b", "", NULL, OURS "A: b\r\n" },
	{ "that of the body too", HEADER "body", "", NULL,
	    OURS HEADER "body" },
	{ "lines that are no fields", "A: b\r\nodd\r\nC: d\r\n\r\nbody\r\n",
	    "", NULL, OURS "A: b\r\nodd\r\nC: d\r\n\r\nbody\r\n" },

	{ "header", HEADER "body\r\n",
	    "insert 0 X: 1\ninsert 2 Y: 2\nadd Z: 3\nchange 1 Subject: t\n",
	    NULL, "X: 1\r\n" OURS "Y: 2\r\nFrom: f\r\nSubject: t\r\nZ: 3\r\n"
	    "\r\nbody\r\n" },
	{ "a field to a header alone", "A: b\r\n", "add C: d\n", NULL,
	    OURS "A: b\r\nC: d\r\n" },
	{ "whose last line has no end", "A: b", "add C: d\n", NULL,
	    OURS "A: b\r\nC: d\r\n" },
	{ "a field makes a header", "body\r\n", "add A: b\n", NULL,
	    OURS "A: b\r\n\r\nbody\r\n" },
	{ "where there was nothing too", "", "add A: b\n", NULL,
	    OURS "A: b\r\n\r\n" },
	{ "and under an empty line", "\r\nbody\r\n", "add A: b\n", NULL,
	    OURS "A: b\r\n\r\nbody\r\n" },
	{ "all fields are gone", HEADER "body\r\n",
	    "delete 1 From\ndelete 1 Subject\n", NULL,
	    OURS "\r\nbody\r\n" },
	{ "all fields of a header alone", "A: b\r\n", "delete 1 A\n", NULL,
	    OURS },

	{ "body", HEADER "body\r\n", "", "new\r\nbody\r\n",
	    OURS HEADER "new\r\nbody\r\n" },
	{ "body and header", HEADER "body\r\n", "add A: b\n", "new\r\n",
	    OURS "From: f\r\nSubject: s\r\nA: b\r\n\r\nnew\r\n" },
	{ "an empty body", HEADER "body\r\n", "", "", OURS HEADER },
	{ "a body for a header alone", "A: b\r\n", "", "new\r\n",
	    OURS "A: b\r\n\r\nnew\r\n" },
	{ "whose last line has no end", "A: b", "", "new\r\n",
	    OURS "A: b\r\n\r\nnew\r\n" },
	{ "an empty one", "A: b\r\n", "", "", OURS "A: b\r\n" },
	{ "a body in place of a message without a header", "body\r\n", "",
	    "new: 1\r\n", OURS "\r\nnew: 1\r\n" },
	{ "LF alone ends a line", HEADER "body\r\n", "", "a\nb\n\nc\n",
	    OURS HEADER "a\r\nb\r\n\r\nc\r\n" },
	{ "so does CR", HEADER "body\r\n", "", "a\rb\r\r\nc\r",
	    OURS HEADER "a\r\nb\r\n\r\nc\r\n" },
	{ "no end of its last line", HEADER "body\r\n", "", "a\nb",
	    OURS HEADER "a\r\nb" },
	{ "dots mean nothing", HEADER "body\r\n", "", "a\r\n.\r\n..b\r\n",
	    OURS HEADER "a\r\n.\r\n..b\r\n" },
	{ "a body that looks like a header", HEADER "body\r\n", "",
	    "A: b\r\n\r\nc\r\n", OURS HEADER "A: b\r\n\r\nc\r\n" },
};

static void
test_cases(void)
{
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct arena *a = arena_create("test");
		struct draft d;
		struct err err;

		begin(&d, a, span_z(cases[i].in), false);
		T_INT(cases[i].name, edit(a, &d, cases[i].edits,
		    cases[i].body, &err), 0);
		T_STR(cases[i].name, put(a, &d, NULL), cases[i].want);
		T_INT(cases[i].name, d.is_changed,
		    cases[i].edits[0] != '\0' || cases[i].body != NULL);
		T_INT(cases[i].name, d.has_new_body, cases[i].body != NULL);
		arena_destroy(&a);
	}
}

/* --- what must be known of the body to send it --- */

static const struct {
	const char	*name, *in, *body;
	bool		 is_binary, has_dots, ends_in_crlf;
} marks[] = {
	{ "plain", HEADER "body\r\n", NULL, false, false, true },
	{ "a dot", HEADER ".body\r\n", NULL, false, true, true },
	{ "no end", HEADER "body", NULL, false, false, false },
	{ "header without an end", "A: b", NULL, false, false, true },
	{ "new: a dot", HEADER "body", ".\r\n", false, true, true },
	{ "new: a dot behind LF", HEADER "body", "a\n.b\n", false, true,
	    true },
	{ "new: a dot behind CR", HEADER "body", "a\r.b", false, true, false },
	{ "new: a dot within", HEADER ".body", "a.b", false, false, false },
	{ "new: LF at the end", HEADER "body", "a\n", false, false, true },
	{ "new: CR at the end", HEADER "body", "a\r", false, false, true },
	{ "new: nothing", HEADER ".body", "", false, false, true },
	{ "binary", HEADER "body\n", NULL, true, true, false },
	{ "binary, new", HEADER "body\n", "a\r\n", true, true, true },
	{ "binary, new, LF", HEADER "body\n", "a\n", true, true, false },
	{ "binary, new: nothing", HEADER "body\n", "", true, false, true },
};

static void
test_marks(void)
{
	for (size_t i = 0; i < sizeof(marks) / sizeof(marks[0]); i++) {
		struct arena *a = arena_create("test");
		struct backend_message out;
		struct draft d;
		struct err err;

		begin(&d, a, span_z(marks[i].in), marks[i].is_binary);
		T_INT(marks[i].name, edit(a, &d, "", marks[i].body, &err), 0);
		put(a, &d, &out);
		T_INT(marks[i].name, out.is_binary, marks[i].is_binary);
		T_INT(marks[i].name, out.has_dots, marks[i].has_dots);
		T_INT(marks[i].name, out.ends_in_crlf,
		    marks[i].ends_in_crlf);
		arena_destroy(&a);
	}
}

static void
test_binary(void)
{
	static const char octets[] = "a\nb\rc\0d\r\n.\r\n";
	struct arena *a = arena_create("test");
	struct edits edits = {0};
	struct buf out = {0};
	struct draft d;
	struct err err;

	edits.body = drafts_spool(a, "/tmp", SPAN_LIT(octets));
	begin(&d, a, SPAN_LIT(HEADER "\0\n"), true);
	T_INT("binary", draft_edit(&d, &edits, &err), 0);
	put_spool(d.body, &out);
	T_OK("a new body stays as it is", span_eq(buf_text(&out),
	    SPAN_LIT(octets)));
	buf_clear(&out);
	begin(&d, a, SPAN_LIT(HEADER "body\r\n"), false);
	T_INT("text", draft_edit(&d, &edits, &err), 0);
	put_spool(d.body, &out);
	T_OK("is repaired", span_eq(buf_text(&out),
	    SPAN_LIT("a\r\nb\r\ncd\r\n.\r\n")));
	buf_free(&out);
	arena_destroy(&a);
}

/* --- one filter after the other --- */

static void
test_chain(void)
{
	struct arena *a = arena_create("test");
	struct header_list before;
	struct spool *body;
	struct buf out = {0};
	struct draft d;
	struct err err;

	begin(&d, a, SPAN_LIT(HEADER "body\r\n"), false);
	before = d.header;
	body = d.body;
	edit(a, &d, "insert 0 A: 1\nchange 1 Subject: t\n", "one\n", &err);
	T_INT("the next is shown what this one made", d.header.n, 3);
	T_STR("of which one field is above ours",
	    arena_copy(a, d.header.list[0].whole), "A: 1\r\n");
	T_INT("alone", d.header.nabove, 1);
	T_OK("who still reads what was there goes on", before.n == 2 &&
	    span_is(before.list[1].value, " s"));
	put_spool(body, &out);
	T_STR("in the body too", arena_copy(a, buf_text(&out)), "body\r\n");
	edit(a, &d, "insert 1 B: 2\ndelete 1 A\nchange 1 Subject: u\n",
	    "two\n", &err);
	T_STR("the next one edits that", put(a, &d, NULL), "B: 2\r\n" OURS
	    "From: f\r\nSubject: u\r\n\r\ntwo\r\n");
	edit(a, &d, "add C: 3\n", NULL, &err);
	T_STR("and one more", put(a, &d, NULL), "B: 2\r\n" OURS
	    "From: f\r\nSubject: u\r\nC: 3\r\n\r\ntwo\r\n");
	buf_free(&out);
	arena_destroy(&a);
}

/* --- rules --- */

#define ADD(n, v)	{ ACTION_ADD_HEADER, SPAN_LIT(n), SPAN_LIT(v) }
#define REMOVE(n)	{ ACTION_REMOVE_HEADER, SPAN_LIT(n), { NULL, 0 } }
#define REPLACE(n, v)	{ ACTION_REPLACE_HEADER, SPAN_LIT(n), SPAN_LIT(v) }
#define PREFIX(v)	{ ACTION_PREFIX_SUBJECT, { NULL, 0 }, SPAN_LIT(v) }

/* All fields of the name `cut` that came are cut. */
static const struct {
	const char		*name, *in, *edits, *cut;
	struct header_edit	 rules[4];
	const char		*want;
} ruled[] = {
	{ "no rules", "A: b\r\n\r\nc\r\n", "", NULL, {},
	    OURS "A: b\r\n\r\nc\r\n" },
	{ "added below ours", "A: b\r\n\r\nc\r\n", "insert 0 X: 1\n", NULL,
	    { ADD("R", "1"), ADD("S", "2") },
	    "X: 1\r\n" OURS "R: 1\r\nS: 2\r\nA: b\r\n\r\nc\r\n" },
	{ "removed wherever it stands", "A: b\r\nX: 2\r\n\r\nc\r\n",
	    "insert 0 X: 1\ninsert 0 Y: 3\nadd x: 3\n", NULL,
	    { REMOVE("X") }, "Y: 3\r\n" OURS "A: b\r\n\r\nc\r\n" },
	{ "replaced where the first stands", "A: b\r\nX: 2\r\n\r\nc\r\n",
	    "insert 0 X: 1\n", NULL, { REPLACE("X", "r") },
	    "X: r\r\n" OURS "A: b\r\n\r\nc\r\n" },
	{ "a subject of a filter", "Subject: b\r\n\r\nc\r\n",
	    "change 1 Subject: s\n", NULL, { PREFIX("[x]") },
	    OURS "Subject: [x] s\r\n\r\nc\r\n" },
	{ "to no header", "body\r\n", "", NULL, { ADD("R", "1") },
	    OURS "R: 1\r\n\r\nbody\r\n" },
	{ "the last field goes", "A: b\r\n\r\nc\r\n", "", NULL,
	    { REMOVE("A") }, OURS "\r\nc\r\n" },

	{ "what is forged goes", "X: 1\r\nA: b\r\nX: 2\r\nx: 3\r\n\r\nc\r\n",
	    "", "X", {}, OURS "A: b\r\n\r\nc\r\n" },
	{ "what a filter says stays", "X: 1\r\nA: b\r\nX: 2\r\nX: 3\r\n\r\n",
	    "insert 0 X: f\ninsert 1 X: g\ninsert 3 X: h\nchange 5 X: i\n"
	    "add X: j\n", "X", {},
	    "X: f\r\nX: g\r\n" OURS "X: h\r\nA: b\r\nX: i\r\nX: j\r\n\r\n" },
	{ "what a filter took away already", "X: 1\r\nA: b\r\nX: 2\r\n\r\n",
	    "delete 2 X\ninsert 0 B: c\n", "X", { ADD("R", "1") },
	    "B: c\r\n" OURS "R: 1\r\nA: b\r\n\r\n" },
	{ "nothing else came", "X: 1\r\n\r\nc\r\n", "insert 0 B: c\n", "X",
	    {}, "B: c\r\n" OURS "\r\nc\r\n" },
	{ "cut before it is counted", "X: 1\r\nA: b\r\n\r\nc\r\n", "", "X",
	    { REPLACE("X", "r") }, OURS "X: r\r\nA: b\r\n\r\nc\r\n" },
};

static size_t
cuts_of(struct arena *a, struct span header, const char *name,
    struct header_cut *cuts)
{
	const struct field *f = NULL;
	struct fields h;
	size_t n = 0;

	fields_parse(a, header, &h);
	while (name != NULL && (f = fields_find(&h, name, f)) != NULL)
		cuts[n++] = (struct header_cut){ f->offset, f->whole.len };
	return n;
}

static size_t
rules_of(const struct header_edit *edits)
{
	size_t n = 0;

	while (n < 4 && (edits[n].name.len > 0 || edits[n].value.len > 0))
		n++;
	return n;
}

/* Cuts, rules, a filter, rules again. */
static void
test_rules_first(void)
{
	static const struct header_edit first = PREFIX("[x]"),
	    second = REMOVE("X");
	struct span in = SPAN_LIT("X: 1\r\nSubject: s\r\n\r\nc\r\n");
	struct arena *a = arena_create("test");
	struct header_cut cuts[8];
	struct draft d, before;
	struct err err;

	begin(&d, a, in, false);
	draft_rules(&d, cuts, cuts_of(a, in, "X", cuts), NULL, 0, false);
	T_INT("a filter is not shown what is forged", d.header.n, 1);
	draft_rules(&d, NULL, 0, &first, 1, false);
	T_STR("it sees what the rules have made",
	    arena_copy(a, d.header.list[0].whole), "Subject: [x] s\r\n");
	before = d;
	edit(a, &d, "insert 0 X: 2\nchange 1 Subject: t\n", "new\r\n", &err);
	draft_rules(&d, NULL, 0, &second, 1, false);
	T_STR("and has its say", put(a, &d, NULL),
	    OURS "Subject: t\r\n\r\nnew\r\n");
	d = before;
	T_STR("or not", put(a, &d, NULL),
	    OURS "Subject: [x] s\r\n\r\nc\r\n");
	arena_destroy(&a);
}

static void
test_rules(void)
{
	for (size_t i = 0; i < sizeof(ruled) / sizeof(ruled[0]); i++) {
		struct arena *a = arena_create("test");
		struct header_cut cuts[8];
		size_t ncuts = cuts_of(a, span_z(ruled[i].in), ruled[i].cut,
		    cuts), nrules = rules_of(ruled[i].rules);
		struct draft d;
		struct err err;

		begin(&d, a, span_z(ruled[i].in), false);
		T_INT(ruled[i].name, edit(a, &d, ruled[i].edits, NULL, &err),
		    0);
		draft_rules(&d, cuts, ncuts, ruled[i].rules, nrules, false);
		T_STR(ruled[i].name, put(a, &d, NULL), ruled[i].want);
		T_INT(ruled[i].name, d.is_changed, ncuts + nrules > 0 ||
		    ruled[i].edits[0] != '\0');
		arena_destroy(&a);
	}
}

int
main(void)
{
	spool_memory(64 << 20);
	test_cases();
	test_marks();
	test_binary();
	test_chain();
	test_rules();
	test_rules_first();
	return t_done();
}
