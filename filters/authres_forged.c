#include <string.h>

#include "base/buf.h"
#include "base/utf8.h"
#include "filters/authres_forged.h"
#include "policy/encoded_word.h"

/* How a reader understands a value. */
struct reader {
	bool	comments;	/* knows them */
	bool	nested;		/* ... within each other, and "\)" in them */
	bool	quotes;		/* knows quoted strings */
	bool	first_only;	/* looks for the id in the first place only */
};

static const struct reader by_rfc = { .comments = true, .nested = true,
    .quotes = true };
static const struct reader flat_comments = { .comments = true, .quotes = true,
    .first_only = true };
static const struct reader no_quotes = { .comments = true,
    .first_only = true };
static const struct reader no_comments = { .first_only = true };

struct search {
	struct arena			*work;
	const struct authres_ids	*ours;
	unsigned			 slow;	/* names above ASCII so far */
};

/* --- the value made plain: words, blanks, ";" and "=" --- */

#define HIDDEN	'\001'	/* what a quoted string held that is part of no name */
#define BREAK	'\002'	/* ends a word, but not a value */

static bool
is_breaking(char c)
{
	return c != '\0' && strchr("/,<>[]:", c) != NULL;
}

/* White space and controls at the front: how many octets. The names of
 * Unicode: NEL, NBSP, Ogham space, the spaces and separators of U+2000-206F,
 * ideographic space, BOM; and two of them in ISO 8859-1. */
static size_t
blank_length(struct span text)
{
	const unsigned char *p = (const unsigned char *)text.p;
	unsigned c;

	if (p[0] <= ' ' || p[0] == 0x7f)
		return 1;
	if (p[0] < 0x80)
		return 0;
	switch (utf8_char(text)) {
	case 0:
		return p[0] == 0x85 || p[0] == 0xa0;
	case 2:
		return p[0] == 0xc2 && (p[1] == 0x85 || p[1] == 0xa0) ? 2 : 0;
	case 3:
		c = (p[0] & 0x0fU) << 12 | (p[1] & 0x3fU) << 6 | (p[2] & 0x3fU);
		return c == 0x1680 || (c >= 0x2000 && c <= 0x206f) ||
		    c == 0x3000 || c == 0xfeff ? 3 : 0;
	default:
		return 0;
	}
}

/* Behind the comment that begins at `at`; 0: it does not end. */
static size_t
comment_end(struct span in, size_t at, bool nested)
{
	size_t depth = 0;

	for (; at < in.len; at++) {
		if (in.p[at] == '\\' && nested)
			at++;
		else if (in.p[at] == '(' && (nested || depth == 0))
			depth++;
		else if (in.p[at] == ')' && --depth == 0)
			return at + 1;
	}
	return 0;
}

/* Behind the quoted string that begins at `at`; 0: it does not end. */
static size_t
quoted_end(struct span in, size_t at)
{
	for (at++; at < in.len; at++) {
		if (in.p[at] == '\\')
			at++;
		else if (in.p[at] == '"')
			return at + 1;
	}
	return 0;
}

static void
put(struct buf *out, char c)
{
	out->p[out->len++] = c;
}

/* What stands between the quotes. */
static void
show_quoted(struct buf *out, struct span in)
{
	size_t i;

	for (i = 0; i < in.len; i++) {
		if (in.p[i] == '\\' && i + 1 < in.len)
			i++;
		if (blank_length(span_n(in.p + i, in.len - i)) > 0 ||
		    is_breaking(in.p[i]) || strchr("();=\"", in.p[i]) != NULL)
			put(out, HIDDEN);
		else
			put(out, in.p[i]);
	}
}

/* Comments and quoted strings, if there is a whole one at `at`. Returns where
 * it ends. One that does not end is none, nor is what begins behind it. */
static size_t
skip_group(struct reader *r, struct buf *out, struct span in, size_t at)
{
	size_t end = 0;

	if (in.p[at] == '(' && r->comments) {
		end = comment_end(in, at, r->nested);
		r->comments = end > 0;
		if (end > 0)
			put(out, ' ');
	} else if (in.p[at] == '"' && r->quotes) {
		end = quoted_end(in, at);
		r->quotes = end > 0;
		if (end > 0)
			show_quoted(out, span_n(in.p + at + 1,
			    end - at - 2));
	}
	return end;
}

/* Never longer than the value. */
static struct span
make_plain(struct arena *a, struct reader r, struct span in)
{
	struct buf out = { .p = arena_alloc(a, in.len), .cap = in.len };
	size_t at = 0, n;
	char c;

	while (at < in.len) {
		n = skip_group(&r, &out, in, at);
		if (n > 0) {
			at = n;
			continue;
		}
		c = in.p[at];
		n = blank_length(span_n(in.p + at, in.len - at));
		if (n > 0 || c == '(' || c == ')')
			put(&out, ' ');
		else if (is_breaking(c))
			put(&out, BREAK);
		else if (c != '"' && c != '\\')
			put(&out, c);
		at += n > 0 ? n : 1;
	}
	return buf_text(&out);
}

/* --- is there a name of ours? --- */

static bool
is_ours(struct search *s, struct span name)
{
	if (!utf8_is_ascii(name) && s->slow++ >= AUTHRES_SLOW_MAX)
		return true;
	return authres_id_is_ours(s->work, s->ours, name);
}

static bool
is_word(char c)
{
	return c != ' ' && c != ';' && c != '=' && c != BREAK;
}

static size_t
skip(struct span text, size_t at, char a, char b)
{
	while (at < text.len && (text.p[at] == a || text.p[at] == b))
		at++;
	return at;
}

/* Behind the value that the "=" at `at` begins. */
static size_t
skip_value(struct span text, size_t at)
{
	at = skip(text, at, '=', ' ');
	while (at < text.len && text.p[at] != ' ' && text.p[at] != ';')
		at++;
	return at;
}

/* The words since the last ";", put together. */
struct joined {
	size_t	words;
	size_t	len;		/* AUTHRES_ID_MAX + 1: no name any more */
	char	text[AUTHRES_ID_MAX];
};

static void
join(struct joined *j, struct span word)
{
	j->words++;
	if (j->len + word.len > sizeof(j->text)) {
		j->len = AUTHRES_ID_MAX + 1;
		return;
	}
	memcpy(j->text + j->len, word.p, word.len);
	j->len += word.len;
}

static bool
word_claims(struct search *s, struct joined *j, struct span word,
    bool first_only)
{
	if (word.len == 0)
		return false;
	join(j, word);
	if ((j->words == 1 || !first_only) && is_ours(s, word))
		return true;
	return j->words > 1 && j->len <= AUTHRES_ID_MAX &&
	    is_ours(s, span_n(j->text, j->len));
}

static bool
claims(struct search *s, struct span text, bool first_only)
{
	struct joined j = { .len = 0 };
	size_t at = 0, begin;
	struct span word;

	while (at < text.len) {
		for (begin = at; at < text.len && is_word(text.p[at]); at++)
			;
		word = span_n(text.p + begin, at - begin);
		at = skip(text, at, ' ', BREAK);
		if (!first_only && at < text.len && text.p[at] == '=') {
			at = skip_value(text, at);
			j.len = AUTHRES_ID_MAX + 1;
		} else if (word_claims(s, &j, word, first_only)) {
			return true;
		} else if (at < text.len && !is_word(text.p[at])) {
			if (first_only)
				return false;
			j.words = j.len = 0;
			at++;
		}
	}
	return false;
}

static bool
read_by(struct search *s, const struct reader *r, struct span value)
{
	return claims(s, make_plain(s->work, *r, value), r->first_only);
}

/* Whether there is nothing in front of the first ";" but comments. */
static bool
has_no_id(struct search *s, struct span value)
{
	struct span text = make_plain(s->work, by_rfc, value);
	size_t at = skip(text, 0, ' ', BREAK);

	return at == text.len || text.p[at] == ';';
}

static bool
value_claims(struct search *s, struct span value)
{
	return read_by(s, &by_rfc, value) ||
	    read_by(s, &flat_comments, value) ||
	    read_by(s, &no_quotes, value) ||
	    (has_no_id(s, value) && read_by(s, &no_comments, value));
}

/* --- the fields --- */

/* Takes the name and the colon off the front of *text, if it is that name when
 * all but printable ASCII is left out. */
static bool
is_named(struct span *text)
{
	static const char want[] = "Authentication-Results";
	size_t at, n = 0;

	for (at = 0; at < text->len && text->p[at] != ':'; at++) {
		if (text->p[at] <= ' ' || text->p[at] >= 0x7f)
			continue;
		if (n == sizeof(want) - 1 || !span_eq_nocase(
		    span_n(text->p + at, 1), span_n(want + n, 1)))
			return false;
		n++;
	}
	if (n < sizeof(want) - 1 || at == text->len)
		return false;
	*text = span_n(text->p + at + 1, text->len - at - 1);
	return true;
}

static bool
field_claims(const struct authres_ids *ours, struct span value,
    unsigned *slow)
{
	struct search s = { arena_create("authres"), ours, *slow };
	bool found = value_claims(&s, value);

	if (!found && encoded_word_is_in(value))
		found = value_claims(&s, encoded_word_decode(s.work, value));
	*slow = s.slow;
	arena_destroy(&s.work);
	return found;
}

size_t
authres_forged(struct arena *a, const struct fields *h,
    const struct authres_ids *ours, struct authres_cut **cuts)
{
	const struct field *f;
	struct span value;
	unsigned slow = 0;
	size_t i, n = 0;

	*cuts = NULL;
	for (i = 0; i < h->n; i++) {
		f = &h->list[i];
		value = f->whole;
		if (!is_named(&value) || !field_claims(ours, value, &slow))
			continue;
		if (*cuts == NULL)
			*cuts = arena_new_n(a, h->n, struct authres_cut);
		(*cuts)[n++] = (struct authres_cut){ f->offset, f->whole.len };
	}
	return n;
}
