#include <assert.h>
#include <string.h>

#include "base/utf8.h"
#include "policy/field_writer.h"

#define FOLD_AT	78	/* RFC 5322 2.1.1 */

void
field_begin(struct field_writer *w, struct buf *out, const char *name,
    bool utf8)
{
	*w = (struct field_writer){ .out = out, .line = out->len,
	    .utf8 = utf8 };
	buf_puts(out, name);
	buf_puts(out, ":");
}

/* A ";" must fit behind the word. */
static bool
fits(const struct field_writer *w, size_t len)
{
	return w->out->len - w->line + 1 + len + 1 <= FOLD_AT;
}

void
field_word(struct field_writer *w, struct span word)
{
	assert(word.len <= FIELD_WORD_MAX);
	if (!fits(w, word.len))
		field_fold(w);
	else if (w->out->p[w->out->len - 1] != '\t')
		buf_puts(w->out, " ");
	buf_span(w->out, word);
}

void
field_fold(struct field_writer *w)
{
	if (w->out->p[w->out->len - 1] == '\t')
		return;
	w->line = w->out->len + 2;
	buf_puts(w->out, "\r\n\t");
}

void
field_end(struct field_writer *w)
{
	buf_puts(w->out, "\r\n");
}

/* The character at the front, if it can be shown: its octets. 0: it cannot,
 * and is one octet. */
static size_t
shown(struct span text, bool utf8)
{
	size_t n = utf8_char(text);

	if (n == 0 || utf8_is_control(text) || (n > 1 && !utf8))
		return 0;
	return n;
}

/* What stands for an ASCII character in a comment. */
static char
commented(char c)
{
	static const char from[] = "()\\;\"", to[] = "[]/,'";
	const char *at = memchr(from, c, sizeof(from) - 1);

	return at == NULL ? c : to[at - from];
}

/* Up to the next space, made harmless, between `before` and `after`. */
static void
comment_word(struct field_writer *w, struct span text, const char *before,
    const char *after)
{
	char word[FIELD_COMMENT_MAX + 4];
	size_t len = strlen(before), n;

	memcpy(word, before, len);
	for (; text.len > 0; text = span_n(text.p + n, text.len - n)) {
		n = shown(text, w->utf8);
		if (n > 1)
			memcpy(word + len, text.p, n);
		else
			word[len] = n == 0 ? '?' : commented(text.p[0]);
		n += n == 0;
		len += n;
	}
	memcpy(word + len, after, strlen(after));
	field_word(w, span_n(word, len + strlen(after)));
}

/* The octets that fit: no character is cut in two. */
static struct span
cut(struct span text)
{
	if (text.len <= FIELD_COMMENT_MAX)
		return text;
	text.len = FIELD_COMMENT_MAX;
	while (text.len > 0 && ((unsigned char)text.p[text.len] & 0xc0) == 0x80)
		text.len--;
	return text;
}

void
field_comment(struct field_writer *w, struct span text)
{
	const char *before = "(";
	struct span word;

	text = span_trim(cut(text));
	while (text.len > 0) {
		word = span_word(&text);
		comment_word(w, word, before, text.len == 0 ? ")" : "");
		before = "";
	}
}

static bool
is_atext(unsigned char c)
{
	return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') ||
	    (c >= 'a' && c <= 'z') ||
	    (c != '\0' && strchr("!#$%&'*+-/=?^_`{|}~", c) != NULL);
}

bool
text_is_token(struct span text)
{
	size_t i;

	for (i = 0; i < text.len; i++)
		if (text.p[i] <= ' ' || text.p[i] >= 0x7f ||
		    strchr("()<>@,;:\\\"/[]?=", text.p[i]) != NULL)
			return false;
	return text.len > 0;
}

bool
text_is_dot_atom(struct span text, bool utf8)
{
	bool was_dot = true;	/* none in front, at the end, or two */
	size_t n;

	for (; text.len > 0; text = span_n(text.p + n, text.len - n)) {
		n = shown(text, utf8);
		if (n == 0 || (n == 1 && text.p[0] == '.' && was_dot))
			return false;
		if (n == 1 && text.p[0] != '.' &&
		    !is_atext((unsigned char)text.p[0]))
			return false;
		was_dot = text.p[0] == '.';
	}
	return !was_dot;
}

bool
text_is_quotable(struct span text, bool utf8)
{
	size_t n;

	for (; text.len > 0; text = span_n(text.p + n, text.len - n))
		if ((n = shown(text, utf8)) == 0)
			return false;
	return true;
}

struct span
text_quoted(struct arena *a, struct span text, bool utf8)
{
	char *out = arena_alloc(a, 2 * text.len + 2);
	size_t len = 0, n;

	out[len++] = '"';
	for (; text.len > 0; text = span_n(text.p + n, text.len - n)) {
		n = shown(text, utf8);
		if (n == 0) {
			out[len++] = '?';
			n = 1;
			continue;
		}
		if (text.p[0] == '"' || text.p[0] == '\\')
			out[len++] = '\\';
		memcpy(out + len, text.p, n);
		len += n;
	}
	out[len++] = '"';
	return span_n(out, len);
}
