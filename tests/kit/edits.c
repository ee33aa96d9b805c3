#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/mem.h"
#include "tests/kit/edits.h"

/* --- as text --- */

void
edits_append(struct arena *a, struct edits *edits, const struct answer *answer)
{
	struct edit **end = &edits->first;

	while (*end != NULL)
		end = &(*end)->next;
	*end = arena_new(a, struct edit);
	(*end)->answer = *answer;
	edits->n++;
}

static int
read_answer(struct arena *a, const struct packet *p, bool leading_space,
    struct answer *out)
{
	struct terms t = { .version = 6, .actions = OPTION_ACTIONS,
	    .steps = leading_space ? SMFIP_HDR_LEADSPC : 0,
	    .chunk = OPTION_CHUNK };
	struct err err;

	return answer_read(a, &t, SMFIC_BODYEOB, p, out, &err);
}

bool
edits_take(struct arena *a, struct span *in, bool leading_space,
    struct answer *out)
{
	struct packet p;
	size_t len;

	while (in->len >= 2) {
		len = (unsigned char)in->p[0];
		*in = span_n(in->p + 1, in->len - 1);
		if (len == 0 || len > in->len)
			return false;
		p = (struct packet){ in->p[0], span_n(in->p + 1, len - 1) };
		*in = span_n(in->p + len, in->len - len);
		if (read_answer(a, &p, leading_space, out) == 0)
			return true;
	}
	return false;
}

/* "\n" becomes a line end. */
static void
put_value(struct buf *b, struct span text)
{
	for (size_t i = 0; i < text.len; i++)
		if (text.p[i] == '\\' && i + 1 < text.len &&
		    text.p[i + 1] == 'n') {
			buf_puts(b, "\n");
			i++;
		} else
			buf_put(b, &text.p[i], 1);
}

static void
read_line(struct arena *a, struct span line, bool leading_space,
    struct edits *out)
{
	struct span verb = span_word(&line);
	struct answer answer;
	struct buf b = {0};
	struct packet p;
	uint64_t n;
	int ret;

	p.command = span_is(verb, "add") ? SMFIR_ADDHEADER :
	    span_is(verb, "insert") ? SMFIR_INSHEADER : SMFIR_CHGHEADER;
	if (p.command != SMFIR_ADDHEADER) {
		ret = span_uint(span_word(&line), UINT32_MAX, &n);
		assert(ret == 0);
		packet_put_uint(&b, (uint32_t)n);
	}
	packet_put_string(&b, span_until(&line, ':'));
	if (!leading_space && line.len > 0 && line.p[0] == ' ')
		line = span_n(line.p + 1, line.len - 1);
	if (!span_is(verb, "delete"))
		put_value(&b, line);
	buf_put(&b, "", 1);
	p.data = buf_text(&b);
	ret = read_answer(a, &p, leading_space, &answer);
	assert(ret == 0);
	edits_append(a, out, &answer);
	buf_free(&b);
}

void
edits_read(struct arena *a, const char *text, bool leading_space,
    struct edits *out)
{
	struct span rest = span_z(text);

	*out = (struct edits){0};
	while (rest.len > 0)
		read_line(a, span_until(&rest, '\n'), leading_space, out);
}

/* --- headers --- */

void
edits_put(const struct header_list *h, struct span ours, struct buf *out)
{
	for (size_t i = 0; i <= h->n; i++) {
		if (i == h->nabove)
			buf_span(out, ours);
		if (i < h->n)
			buf_span(out, h->list[i].whole);
	}
}

/* --- the model: lines --- */

/* The first line, and those that begin with white space behind it. */
static struct span
first_field(struct span text)
{
	size_t n = 0;

	do {
		while (text.p[n] != '\n')
			n++;
		n++;
	} while (n < text.len && (text.p[n] == ' ' || text.p[n] == '\t'));
	return span_n(text.p, n);
}

static bool
is_name(struct span line, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if ((unsigned char)line.p[i] <= ' ' ||
		    (unsigned char)line.p[i] >= 0x7f)
			return false;
	return len > 0;
}

/* Has it a name, and this one (NULL: any)? */
static bool
has_name(struct span field, const struct span *name)
{
	const char *colon = memchr(field.p, ':', field.len);
	size_t len;

	if (colon == NULL)
		return false;
	len = (size_t)(colon - field.p);
	while (len > 0 && strchr(" \t\r\n", field.p[len - 1]) != NULL)
		len--;
	if (!is_name(field, len))
		return false;
	return name == NULL || (len == name->len &&
	    strncasecmp(field.p, name->p, len) == 0);
}

static bool
is_block(struct span rest, struct span ours)
{
	return rest.len >= ours.len &&
	    memcmp(rest.p, ours.p, ours.len) == 0;
}

/* How long is what the edit counts as one thing at the front of the text;
 * does it count? */
static size_t
thing(const struct answer *edit, struct span ours, struct span rest,
    bool *counts)
{
	if (is_block(rest, ours)) {
		*counts = edit->kind == ANSWER_INSERT_HEADER;
		return ours.len;
	}
	*counts = has_name(first_field(rest),
	    edit->kind == ANSWER_INSERT_HEADER ? NULL : &edit->name);
	return first_field(rest).len;
}

static void
put_new(const struct answer *edit, struct buf *out)
{
	buf_span(out, edit->name);
	buf_puts(out, ":");
	buf_span(out, edit->value);
	buf_puts(out, "\r\n");
}

void
edits_model(const struct answer *edit, struct span ours, struct span header,
    struct buf *out)
{
	bool is_insert = edit->kind == ANSWER_INSERT_HEADER;
	bool is_done = edit->kind == ANSWER_ADD_HEADER, counts;
	size_t at, len, seen = 0, want = edit->index;

	if (edit->name.len == 0) {
		buf_span(out, header);
		return;
	}
	for (at = 0; at < header.len; at += len) {
		struct span rest = span_n(header.p + at, header.len - at);

		len = thing(edit, ours, rest, &counts);
		if (is_insert && !is_done && seen == want) {
			put_new(edit, out);
			is_done = true;
		}
		seen += counts;
		if (!is_insert && !is_done && counts && seen == want) {
			if (edit->kind == ANSWER_CHANGE_HEADER)
				put_new(edit, out);
			is_done = true;
		} else
			buf_put(out, rest.p, len);
	}
	if (edit->kind == ANSWER_ADD_HEADER ||
	    (!is_done && edit->kind != ANSWER_DELETE_HEADER))
		put_new(edit, out);
}
