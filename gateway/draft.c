#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "gateway/dotstream.h"
#include "gateway/draft.h"

#define AT_ONCE	(32 * 1024)	/* of a new body */
#define PIECE	(1 << 20)	/* the same, before others run */

/* --- the message as it came --- */

/* With the end of its last line. */
static struct span
whole_lines(struct arena *a, struct span header)
{
	char *p;

	if (header.len == 0 || header.p[header.len - 1] == '\n')
		return header;
	p = arena_alloc(a, header.len + 2);
	memcpy(p, header.p, header.len);
	memcpy(p + header.len, "\r\n", 2);
	return span_n(p, header.len + 2);
}

static size_t
octets_of(const struct header_list *h)
{
	size_t n = 0;

	for (size_t i = 0; i < h->n; i++)
		n += h->list[i].whole.len;
	return n;
}

void
draft_begin(struct draft *d, struct arena *a, const char *spool_dir,
    struct span header, const struct backend_message *came)
{
	struct span lines = whole_lines(a, header);

	*d = (struct draft){
		.body = came->spool,
		.arena = a, .spool_dir = spool_dir,
		.has_dots = came->has_dots,
		.ends_in_crlf = came->ends_in_crlf,
		.is_binary = came->is_binary,
	};
	edit_header_read(a, SPAN_LIT(""), lines, &d->header);
	d->fields_came = d->header.n;
	d->octets_came = octets_of(&d->header);
	d->has_empty_line = lines.len > d->octets_came || lines.len == 0;
	spool_skip(d->body, header.len);
	if (spool_size(d->body) == 0)
		d->ends_in_crlf = true;
}

/* --- a new body --- */

struct body {
	struct spool	*spool;
	struct dotstream out;
};

static int
write_runs(struct body *b, struct span in, struct err *err)
{
	struct span run;

	while (dotstream_next(&b->out, &in, &run))
		if (spool_write(b->spool, run, err) < 0)
			return -1;
	return 0;
}

/* As octets counted by BDAT: a dot means nothing. The body of a binary message
 * begins behind an empty line, as that does. */
static void
begin_body(const struct draft *d, struct body *b)
{
	struct span line = SPAN_LIT("\r\n"), run;

	b->spool = spool_open(d->arena, d->spool_dir);
	dotstream_begin(&b->out, d->is_binary ? NEWLINE_BINARY :
	    NEWLINE_NORMALIZE, true);
	while (d->is_binary && dotstream_next(&b->out, &line, &run))
		;
}

static MAY_YIELD int
copy_body(struct body *b, struct spool *from, struct err *err)
{
	char *block = mem_alloc(AT_ONCE, "a new body");
	uint64_t at = 0, rest_at = PIECE;
	ssize_t n;

	while ((n = spool_read(from, at, block, AT_ONCE, err)) > 0) {
		at += (uint64_t)n;
		if (write_runs(b, span_n(block, (size_t)n), err) < 0) {
			n = -1;
			break;
		}
		if (at >= rest_at) {
			rest_at = at + PIECE;
			fiber_yield();
		}
	}
	free(block);
	dotstream_end(&b->out);
	return n < 0 ? -1 : spool_end(b->spool, err);
}

static MAY_YIELD int
make_body(const struct draft *d, struct spool *from, struct body *b,
    struct err *err)
{
	begin_body(d, b);
	if (copy_body(b, from, err) < 0)
		return err_prefix(err, "a new body from a filter");
	return 0;
}

/* --- edits --- */

static int
make_header(const struct draft *d, const struct edits *edits,
    struct header_list *out, struct err *err)
{
	size_t octets;

	*out = d->header;
	if (!edit_header_has(edits))
		return 0;
	if (edit_header(d->arena, &d->header, edits, out, err) < 0)
		return -1;
	if (out->n > d->fields_came + DRAFT_FIELDS)
		return err_set(err, ERR_SYNTAX, "a header of %zu fields that "
		    "filters have made out of %zu", out->n, d->fields_came);
	octets = octets_of(out);
	if (octets > d->octets_came + DRAFT_OCTETS)
		return err_set(err, ERR_SYNTAX, "a header of %zu octets that "
		    "filters have made out of %zu", octets, d->octets_came);
	return 0;
}

MAY_YIELD int
draft_edit(struct draft *d, const struct edits *edits, struct err *err)
{
	struct header_list header;
	struct body body;

	if (make_header(d, edits, &header, err) < 0)
		return -1;
	if (edits->body != NULL) {
		if (make_body(d, edits->body, &body, err) < 0)
			return -1;
		d->body = body.spool;
		d->has_dots = body.out.has_dots;
		d->ends_in_crlf = body.out.ends_in_crlf;
		d->has_new_body = d->is_changed = true;
	}
	d->is_changed |= header.list != d->header.list;
	d->header = header;
	return 0;
}

/* --- rules --- */

/* What came stands in its order, as the cuts do, and below ours. */
static void
cut(struct draft *d, const struct header_cut *cuts, size_t ncuts)
{
	const struct header_list *h = &d->header;
	struct field *list = arena_new_n(d->arena, h->n, struct field);
	struct header_list left = { .list = list, .nabove = h->nabove };

	for (size_t i = 0; i < h->n; i++) {
		const struct field *f = &h->list[i];

		if (i >= h->nabove && f->offset != EDIT_HEADER_OFFSET) {
			while (ncuts > 0 &&
			    cuts->offset + cuts->len <= f->offset) {
				cuts++;
				ncuts--;
			}
			if (ncuts > 0 && cuts->offset <= f->offset)
				continue;
		}
		list[left.n++] = *f;
	}
	if (left.n == h->n)
		return;
	d->header = left;
	d->is_changed = true;
}

void
draft_rules(struct draft *d, const struct header_cut *cuts, size_t ncuts,
    const struct header_edit *edits, size_t nedits, bool utf8)
{
	struct buf above = {0}, below = {0};
	struct header_change change = { .edits = edits, .nedits = nedits,
	    .utf8 = utf8 };
	struct fields fields;

	assert(ncuts == 0 || !d->has_rules);
	if (ncuts > 0)
		cut(d, cuts, ncuts);
	fields = (struct fields){ .list = (struct field *)d->header.list,
	    .n = d->header.n };
	change.fields = &fields;
	if (header_edit_put_apart(d->arena, &change, d->header.nabove, &above,
	    &below)) {
		edit_header_read(d->arena,
		    arena_span(d->arena, buf_text(&above)),
		    arena_span(d->arena, buf_text(&below)), &d->header);
		d->has_rules = d->is_changed = true;
	}
	buf_free(&above);
	buf_free(&below);
}

/* --- what goes out --- */

void
draft_put(const struct draft *d, struct span ours, struct buf *text,
    struct backend_message *out)
{
	const struct header_list *h = &d->header;

	for (size_t i = 0; i < h->nabove; i++)
		buf_span(text, h->list[i].whole);
	buf_span(text, ours);
	for (size_t i = h->nabove; i < h->n; i++)
		buf_span(text, h->list[i].whole);
	if (d->has_empty_line || spool_size(d->body) > 0)
		buf_puts(text, "\r\n");
	*out = (struct backend_message){
		.trace = buf_text(text),
		.spool = d->body,
		.has_dots = d->has_dots,
		.ends_in_crlf = d->ends_in_crlf,
		.is_binary = d->is_binary,
	};
}
