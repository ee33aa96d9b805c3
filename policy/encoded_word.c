#include <string.h>

#include "base/buf.h"
#include "base/utf8.h"
#include "policy/encoded_word.h"

/* One =?charset?encoding?text?= */
struct word {
	bool		is_base64;
	struct span	text;
	size_t		len;		/* of all of it */
};

static size_t
find(struct span text, const char *what)
{
	const char *at = text.len == 0 ? NULL :
	    memmem(text.p, text.len, what, strlen(what));

	return at == NULL ? text.len : (size_t)(at - text.p);
}

bool
encoded_word_is_in(struct span text)
{
	return find(text, "=?") < text.len;
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

struct span
encoded_word_decode(struct arena *a, struct span text)
{
	size_t len = 0, at, before = 0;	/* where the last word ended */
	size_t last = last_end(text);
	bool behind_word = false;
	struct word w;
	char *out;

	if (!encoded_word_is_in(text))
		return text;
	out = arena_alloc(a, text.len);
	for (at = 0; at < text.len; ) {
		if (at + 2 > last || memcmp(text.p + at, "=?", 2) != 0 ||
		    !word_read(behind(text, at), &w)) {
			behind_word = behind_word && is_space(text.p[at]);
			out[len++] = text.p[at++];
			continue;
		}
		if (behind_word)
			len = before;
		len += w.is_base64 ? decode_base64(w.text, out + len) :
		    decode_q(w.text, out + len);
		at += w.len;
		before = len;
		behind_word = true;
	}
	return span_n(out, len);
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
