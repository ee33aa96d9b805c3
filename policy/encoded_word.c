#include <string.h>

#include "base/buf.h"
#include "base/charset.h"
#include "base/utf8.h"
#include "policy/encoded_word.h"

/* One =?charset?encoding?text?= */
struct word {
	bool		is_base64;
	struct span	charset, text;
	size_t		len;		/* of all of it */
};

static size_t
find(struct span text, const char *what)
{
	const char *at = text.len == 0 ? NULL :
	    memmem(text.p, text.len, what, strlen(what));

	return at == NULL ? text.len : (size_t)(at - text.p);
}

/* memmem() takes longer to begin than most fields are long. */
bool
encoded_word_is_in(struct span text)
{
	return text.len > 0 && memchr(text.p, '=', text.len) != NULL &&
	    find(text, "=?") < text.len;
}

static struct span
behind(struct span text, size_t n)
{
	return span_n(text.p + n, text.len - n);
}

static bool
is_space(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

/* RFC 2047 2: a charset is a token of some letters. */
#define CHARSET_MAX 64

/* The text begins with "=?". The end is looked for behind the encoding, since
 * a Q text may begin with "="; the text may hold "?", as readers let it. */
static bool
word_read(struct span text, struct word *w)
{
	struct span rest = behind(text, 2), head;
	size_t charset, end;
	char encoding;

	head = span_n(rest.p, rest.len < CHARSET_MAX ? rest.len : CHARSET_MAX);
	charset = find(head, "?");
	if (charset == head.len || rest.len < charset + 3 ||
	    rest.p[charset + 2] != '?')
		return false;
	encoding = rest.p[charset + 1];
	if (strchr("BbQq", encoding) == NULL || encoding == '\0')
		return false;
	rest = behind(rest, charset + 3);
	end = find(rest, "?=");
	if (end == rest.len)
		return false;
	w->is_base64 = encoding == 'B' || encoding == 'b';
	w->charset = span_n(head.p, charset);
	w->text = span_n(rest.p, end);
	w->len = (size_t)(rest.p + end + 2 - text.p);
	return true;
}

static int
hex(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c |= 'a' - 'A';
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static size_t
decode_q(struct span in, char *out)
{
	size_t i, len = 0;
	int high, low;

	for (i = 0; i < in.len; i++) {
		high = low = -1;
		if (in.p[i] == '=' && i + 2 < in.len) {
			high = hex(in.p[i + 1]);
			low = hex(in.p[i + 2]);
		}
		if (high >= 0 && low >= 0) {
			out[len++] = (char)(high << 4 | low);
			i += 2;
		} else {
			out[len++] = in.p[i] == '_' ? ' ' : in.p[i];
		}
	}
	return len;
}

static size_t
decode_base64(struct span in, char *out)
{
	static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
	    "abcdefghijklmnopqrstuvwxyz0123456789+/";
	const char *at;
	unsigned bits = 0, n = 0;
	size_t i, len = 0;

	for (i = 0; i < in.len && in.p[i] != '='; i++) {
		at = memchr(digits, in.p[i], sizeof(digits) - 1);
		if (at == NULL)
			continue;
		bits = (bits << 6 | (unsigned)(at - digits)) & 0xffffff;
		n += 6;
		if (n >= 8) {
			n -= 8;
			out[len++] = (char)(bits >> n);
		}
	}
	return len;
}

/* The octets up to and with the last "?=": behind it no word can end, so that
 * none is looked for again and again. */
static size_t
last_end(struct span text)
{
	size_t n;

	for (n = text.len; n >= 2; n--)
		if (text.p[n - 2] == '?' && text.p[n - 1] == '=')
			return n;
	return 0;
}

/* Where the next word begins; the end: there is none. */
static size_t
next_word(struct span text, const char *last, struct word *w)
{
	struct span rest = text;
	size_t at;

	for (;;) {
		at = find(rest, "=?");
		rest = behind(rest, at);
		if (rest.len == 0 || rest.p + 2 > last)
			return text.len;
		if (word_read(rest, w))
			return (size_t)(rest.p - text.p);
		rest = behind(rest, 2);
	}
}

static bool
is_blank(struct span text)
{
	for (size_t i = 0; i < text.len; i++)
		if (!is_space(text.p[i]))
			return false;
	return true;
}

/* What is being decoded. */
struct decoder {
	bool			 is_text;	/* in UTF-8, not octets */
	struct buf		 out;
	struct buf		 octets;	/* words of one charset */
	const struct charset	*charset;
};

static void
put_text(struct decoder *d, const struct charset *from, struct span octets)
{
	if (d->is_text)
		charset_put(&d->out, from, octets);
	else
		buf_span(&d->out, octets);
}

static void
end_words(struct decoder *d)
{
	put_text(d, d->charset, buf_text(&d->octets));
	buf_clear(&d->octets);
}

static void
put_word(struct decoder *d, const struct word *w)
{
	const struct charset *charset = charset_find(w->charset);
	struct buf *octets = &d->octets;

	if (charset != d->charset)
		end_words(d);
	d->charset = charset;
	buf_reserve(octets, w->text.len + 1);
	octets->len += w->is_base64 ?
	    decode_base64(w->text, octets->p + octets->len) :
	    decode_q(w->text, octets->p + octets->len);
}

static struct span
decode(struct arena *a, struct span text, bool is_text)
{
	struct decoder d = { .is_text = is_text };
	const char *last = text.p + last_end(text);
	bool behind_word = false;
	struct span rest = text;
	struct word w = {0};
	size_t n;

	for (;;) {
		n = next_word(rest, last, &w);
		if (!behind_word || n == rest.len ||
		    !is_blank(span_n(rest.p, n))) {
			end_words(&d);
			put_text(&d, NULL, span_n(rest.p, n));
		}
		if (n == rest.len)
			break;
		put_word(&d, &w);
		rest = behind(rest, n + w.len);
		behind_word = true;
	}
	text = arena_span(a, buf_text(&d.out));
	buf_free(&d.out);
	buf_free(&d.octets);
	return text;
}

struct span
encoded_word_decode(struct arena *a, struct span text)
{
	return encoded_word_is_in(text) ? decode(a, text, false) : text;
}

static bool
is_utf8(struct span text)
{
	size_t n = 1;

	if (utf8_is_ascii(text))
		return true;
	for (; text.len > 0 && n > 0; text = behind(text, n))
		n = utf8_char(text);
	return n > 0;
}

struct span
encoded_word_text(struct arena *a, struct span text)
{
	return encoded_word_is_in(text) || !is_utf8(text) ?
	    decode(a, text, true) : text;
}

/* --- the other way --- */

#define BEGIN	"=?utf-8?Q?"
#define END	"?="
#define WORD_MAX (75 - (sizeof(BEGIN) - 1) - (sizeof(END) - 1))	/* section 2 */

/* Up to the next space. */
static size_t
word_len(struct span text)
{
	return find(text, " ");
}

static bool
needs_encoding(struct span word, bool utf8)
{
	return encoded_word_is_in(word) || (!utf8 && !utf8_is_ascii(word));
}

/* The text begins with a word that is to be encoded. With the next ones that
 * are, since a space between two encoded words is not shown (6.2). */
static size_t
run_len(struct span text, bool utf8)
{
	size_t len = word_len(text), next, n;

	for (;;) {
		for (next = len; next < text.len && text.p[next] == ' '; )
			next++;
		n = word_len(behind(text, next));
		if (n == 0 || !needs_encoding(span_n(text.p + next, n), utf8))
			return len;
		len = next + n;
	}
}

/* What may stand in a word in any field: section 5 (3). */
static bool
is_safe(char c)
{
	return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') ||
	    (c >= 'a' && c <= 'z') ||
	    (c != '\0' && strchr("!*+-/", c) != NULL);
}

/* Appends one character in its Q form, of at most 12 octets. */
static void
put_q(struct buf *out, struct span character)
{
	if (character.len == 1 && character.p[0] == ' ')
		buf_puts(out, "_");
	else if (character.len == 1 && is_safe(character.p[0]))
		buf_span(out, character);
	else
		for (size_t i = 0; i < character.len; i++)
			buf_printf(out, "=%02X",
			    (unsigned char)character.p[i]);
}

static void
put_encoded(struct buf *out, struct span text)
{
	size_t begin, before, n;

	buf_puts(out, BEGIN);
	begin = out->len;
	for (; text.len > 0; text = behind(text, n)) {
		n = utf8_char(text);
		n += n == 0;
		before = out->len;
		put_q(out, span_n(text.p, n));
		if (out->len - begin <= WORD_MAX)
			continue;
		out->len = before;	/* it begins the next piece */
		buf_puts(out, END " " BEGIN);
		begin = out->len;
		put_q(out, span_n(text.p, n));
	}
	buf_puts(out, END);
}

struct span
encoded_word_encode(struct arena *a, struct span text, bool utf8)
{
	struct buf out = {0};
	size_t n;

	if (!needs_encoding(text, utf8))
		return text;
	for (; text.len > 0; text = behind(text, n)) {
		n = word_len(text);
		if (n == 0) {
			n = 1;
			buf_puts(&out, " ");
		} else if (needs_encoding(span_n(text.p, n), utf8)) {
			n = run_len(text, utf8);
			put_encoded(&out, span_n(text.p, n));
		} else
			buf_put(&out, text.p, n);
	}
	text = arena_span(a, buf_text(&out));
	buf_free(&out);
	return text;
}
