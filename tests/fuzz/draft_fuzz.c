#include <assert.h>
#include <stdint.h>
#include <string.h>

#include "gateway/dotstream.h"
#include "gateway/draft.h"
#include "tests/kit/drafts.h"
#include "tests/kit/edits.h"

/*
 * A message through several filters: what goes out is, octet by octet, what
 * the plain model makes of it; and through rules. The input: an octet of flags,
 * packets (edits.h; a final answer ends a filter, the next one follows), and
 * the message.
 */
int	LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum flag { LEADING_SPACE = 1, BINARY = 2, RULES = 4, CUTS = 8 };

#define OURS	SPAN_LIT("\0ours\r\n")	/* no NUL is in a header */
#define DIR	"/tmp"

struct message {		/* as the model has it */
	struct buf	header;		/* with OURS, without the empty line */
	struct buf	body;
	bool		has_empty_line;
};

/* --- the input --- */

/* False: such a message is refused before. */
static bool
take_message(struct arena *a, struct span in, bool is_binary,
    struct span *out)
{
	struct dotstream d;
	struct buf text = {0};
	struct span run;

	dotstream_begin(&d, is_binary ? NEWLINE_BINARY : NEWLINE_NORMALIZE,
	    true);
	while (dotstream_next(&d, &in, &run))
		buf_span(&text, run);
	dotstream_end(&d);
	*out = arena_span(a, buf_text(&text));
	buf_free(&text);
	return !is_binary || d.faults == 0;
}

static void
begin(struct arena *a, struct draft *d, struct message *m, struct span text,
    bool is_binary)
{
	struct header_scan scan;
	struct fields h;
	size_t len;

	drafts_begin(d, a, DIR, text, is_binary, &scan);
	len = scan.is_headless ? 0 : (size_t)scan.size;
	fields_parse(a, span_n(text.p, len), &h);
	assert(len == h.size || len == h.size + 2);
	buf_span(&m->header, OURS);
	buf_put(&m->header, text.p, h.size);
	if (h.size > 0 && text.p[h.size - 1] != '\n')
		buf_puts(&m->header, "\r\n");
	m->has_empty_line = scan.is_headless || len > h.size;
	if (text.len > len)
		buf_put(&m->body, text.p + len, text.len - len);
}

/* --- filters --- */

static void
edit_model(struct message *m, const struct edit *first)
{
	struct buf next;

	for (const struct edit *e = first; e != NULL; e = e->next) {
		next = (struct buf){0};
		edits_model(&e->answer, OURS, buf_text(&m->header), &next);
		buf_free(&m->header);
		m->header = next;
	}
}

/* Octet by octet. */
static void
replace_model(struct message *m, struct span body, bool is_binary)
{
	buf_clear(&m->body);
	for (size_t i = 0; i < body.len; i++) {
		char c = body.p[i];

		if (is_binary)
			buf_put(&m->body, &c, 1);
		else if (c == '\n' || (c == '\r' &&
		    (i + 1 == body.len || body.p[i + 1] != '\n')))
			buf_puts(&m->body, "\r\n");
		else if (c != '\r' && c != '\0')
			buf_put(&m->body, &c, 1);
	}
}

/* One filter, all or nothing: false if no other follows. */
static bool
edit(struct arena *a, struct draft *d, struct message *m, struct span *in,
    unsigned flags)
{
	struct edits edits = {0};
	struct answer answer;
	struct buf body = {0};
	bool has_body = false, more;
	struct err err;
	int ret;

	while ((more = edits_take(a, in, flags & LEADING_SPACE, &answer)) &&
	    !answer_is_final(answer.kind)) {
		if (answer.kind == ANSWER_REPLACE_BODY) {
			has_body = true;
			buf_span(&body, answer.body);
		} else if (answer_is_edit(answer.kind))
			edits_append(a, &edits, &answer);
	}
	if (has_body)
		edits.body = drafts_spool(a, DIR, buf_text(&body));
	ret = draft_edit(d, &edits, &err);
	assert(ret == 0 || err.kind == ERR_SYNTAX);
	if (ret == 0) {
		edit_model(m, edits.first);
		if (has_body)
			replace_model(m, buf_text(&body), flags & BINARY);
	}
	buf_free(&body);
	return more;
}

/* --- what goes out --- */

static void
check_marks(const struct backend_message *out, struct span body)
{
	bool crlf = body.len >= 2 &&
	    memcmp(body.p + body.len - 2, "\r\n", 2) == 0;

	assert(out->ends_in_crlf == (crlf || body.len == 0));
	for (size_t i = 0; i < body.len; i++)
		if (body.p[i] == '.' && (i == 0 || body.p[i - 1] == '\n'))
			assert(out->has_dots);
}

static void
compare(const struct draft *d, struct message *m)
{
	struct buf text = {0}, body = {0};
	struct backend_message out;

	draft_put(d, OURS, &text, &out);
	if (m->has_empty_line || m->body.len > 0)
		buf_puts(&m->header, "\r\n");
	assert(span_eq(out.trace, buf_text(&m->header)));
	drafts_put_spool(out.spool, &body);
	assert(span_eq(buf_text(&body), buf_text(&m->body)));
	check_marks(&out, buf_text(&body));
	buf_free(&text);
	buf_free(&body);
}

/* --- rules --- */

static const struct header_edit rules[] = {
	{ ACTION_ADD_HEADER, SPAN_LIT("X-Rule"), SPAN_LIT("r") },
	{ ACTION_REMOVE_HEADER, SPAN_LIT("X-A"), { NULL, 0 } },
	{ ACTION_REPLACE_HEADER, SPAN_LIT("X-B"), SPAN_LIT("b") },
};

static bool
is_named(const struct field *f)
{
	return span_is_nocase(f->name, "X-Rule") ||
	    span_is_nocase(f->name, "X-A") || span_is_nocase(f->name, "X-B");
}

static bool
is_same(const struct field *f, const struct field *g)
{
	return span_eq(f->whole, g->whole);
}

/* What the rules do not name is still there, on its side of ours. */
static void
check_rules(struct arena *a, const struct draft *d,
    const struct header_list *before)
{
	const struct header_list *h = &d->header;
	size_t at = 0, bs = 0;
	struct header_list again;
	struct buf text = {0};

	for (size_t i = 0; i < before->n; i++) {
		if (is_named(&before->list[i]))
			continue;
		while (at < h->n && !is_same(&h->list[at], &before->list[i]))
			at++;
		assert(at < h->n);
		assert((at < h->nabove) == (i < before->nabove));
		at++;
	}
	for (size_t i = 0; i < h->n; i++) {
		assert(!span_is_nocase(h->list[i].name, "X-A"));
		bs += span_is_nocase(h->list[i].name, "X-B");
	}
	assert(bs == 1);
	assert(h->n > h->nabove &&
	    span_eq(h->list[h->nabove].name, rules[0].name));
	edits_put(h, SPAN_LIT(""), &text);
	edit_header_read(a, SPAN_LIT(""), buf_text(&text), &again);
	assert(again.n == h->n);
	buf_free(&text);
}

/* Every second field that came goes, if it is still as it came. */
static void
check_cuts(struct arena *a, struct draft *d, const struct header_list *came)
{
	struct header_cut *cuts = arena_new_n(a, came->n + 1,
	    struct header_cut);
	struct header_list before = d->header;
	size_t n = 0, at = 0;

	for (size_t i = 1; i < came->n; i += 2)
		cuts[n++] = (struct header_cut){ came->list[i].offset,
		    came->list[i].whole.len };
	draft_rules(d, cuts, n, NULL, 0, false);
	for (size_t i = 0; i < before.n; i++) {
		const char *p = before.list[i].whole.p;
		bool is_cut = false;

		for (size_t j = 1; j < came->n; j += 2)
			is_cut |= p == came->list[j].whole.p;
		if (is_cut)
			continue;
		assert(at < d->header.n && d->header.list[at].whole.p == p);
		assert((at < d->header.nabove) == (i < before.nabove));
		at++;
	}
	assert(at == d->header.n);
}

static void
fuzz(struct arena *a, unsigned flags, struct span in)
{
	struct span packets = in, message;
	struct message m = { .has_empty_line = false };
	struct header_list came, before;
	struct answer answer;
	struct draft d;

	for (message = in; edits_take(a, &message, true, &answer); )
		;
	if (take_message(a, message, flags & BINARY, &message)) {
		begin(a, &d, &m, message, flags & BINARY);
		came = d.header;
		while (edit(a, &d, &m, &packets, flags))
			;
		compare(&d, &m);
		if (flags & CUTS)
			check_cuts(a, &d, &came);
		before = d.header;
		if (flags & RULES) {
			draft_rules(&d, NULL, 0, rules, 3, false);
			check_rules(a, &d, &before);
		}
	}
	buf_free(&m.header);
	buf_free(&m.body);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct arena *a;

	if (size == 0)
		return 0;
	spool_memory((size_t)64 << 20);
	a = arena_create("fuzz");
	fuzz(a, data[0], span_n(data + 1, size - 1));
	arena_destroy(&a);
	return 0;
}
