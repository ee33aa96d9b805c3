#include <stdbool.h>
#include <string.h>

#include "filters/greylist_sender.h"

static char
lower(char c)
{
	return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

static bool
is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static bool
is_hex(char c)
{
	return is_digit(c) || (c >= 'a' && c <= 'f');
}

/* Of a word; what is not separates words. Octets of UTF-8 are letters. */
static bool
is_word(char c)
{
	return is_digit(c) || (c >= 'a' && c <= 'z') || c == '#' ||
	    (c & 0x80) != 0;
}

/* In lower case, without the quotes of a quoted string. */
static struct span
unquote(struct arena *a, struct span local)
{
	char *out = arena_alloc(a, local.len + 1);
	bool is_quoted = local.len >= 2 && local.p[0] == '"' &&
	    local.p[local.len - 1] == '"';
	size_t end = is_quoted ? local.len - 1 : local.len, n = 0, i;

	for (i = is_quoted ? 1 : 0; i < end; i++) {
		if (is_quoted && local.p[i] == '\\' && i + 1 < end)
			i++;
		out[n++] = lower(local.p[i]);
	}
	return span_n(out, n);
}

static bool
starts(struct span s, const char *with)
{
	return s.len > strlen(with) && memcmp(s.p, with, strlen(with)) == 0;
}

static struct span
skip(struct span s, size_t n)
{
	return n >= s.len ? span_n(s.p + s.len, 0) :
	    span_n(s.p + n, s.len - n);
}

/* --- signatures: BATV, SRS --- */

/* "prvs=TAG=joe", and "prvs=joe/TAG" of its first drafts. */
static struct span
without_batv(struct span s)
{
	static const char *const marks[] = { "prvs=", "btv1==", "msprvs1=" };
	const char *eq, *slash;
	struct span rest;

	for (size_t i = 0; i < sizeof(marks) / sizeof(*marks); i++) {
		if (!starts(s, marks[i]))
			continue;
		rest = skip(s, strlen(marks[i]));
		eq = memchr(rest.p, '=', rest.len);
		if (eq != NULL) {
			rest = skip(rest, (size_t)(eq - rest.p) + 1);
			/* btv1 has two. */
			return starts(rest, "=") ? skip(rest, 1) : rest;
		}
		slash = memchr(rest.p, '/', rest.len);
		return slash == NULL ? s :
		    span_n(rest.p, (size_t)(slash - rest.p));
	}
	return s;
}

/* What SRS0 holds behind "SRS0=": HHH=TT=domain=local. False: it does not. */
static bool
read_srs(struct span s, struct span *domain, struct span *local)
{
	const char *eq;

	for (int i = 0; i < 2; i++) {
		if ((eq = memchr(s.p, '=', s.len)) == NULL)
			return false;
		s = skip(s, (size_t)(eq - s.p) + 1);
	}
	if ((eq = memchr(s.p, '=', s.len)) == NULL)
		return false;
	*domain = span_n(s.p, (size_t)(eq - s.p));
	*local = skip(s, domain->len + 1);
	return true;
}

/* SRS1=HHH=forwarder=and what stood behind "SRS0", its "=" included. */
static bool
read_forwarded_srs(struct span s, struct span *domain, struct span *local)
{
	struct span rest = skip(s, 5);
	const char *p, *end = rest.p + rest.len;

	if ((p = memchr(rest.p, '=', rest.len)) == NULL)
		return false;
	p++;
	if ((p = memchr(p, '=', (size_t)(end - p))) == NULL || end - p < 2)
		return false;
	return read_srs(span_n(p + 2, (size_t)(end - p) - 2), domain, local);
}

static bool
is_srs(struct span s, const char *mark)
{
	return starts(s, mark) && (s.p[4] == '=' || s.p[4] == '+' ||
	    s.p[4] == '-');
}

/* --- tags and recipients behind the name --- */

static struct span
without_tag(struct span s)
{
	const char *plus = s.len > 1 ?
	    memchr(s.p + 1, '+', s.len - 1) : NULL;

	return plus == NULL ? s : span_n(s.p, (size_t)(plus - s.p));
}

/*
 * "list-return-42-ann=here.example": cut before "ann". Where her name begins
 * cannot be known ("jean-luc"); that part of it stays does no harm, since the
 * recipient is in the key too.
 */
static struct span
without_recipient(struct span s)
{
	const char *at = s.len > 1 ? memchr(s.p + 1, '*', s.len - 1) : NULL;
	size_t n;

	if (at != NULL)			/* LISTSERV: list*ann**domain */
		return span_n(s.p, (size_t)(at - s.p));
	at = s.len > 1 ? memchr(s.p + 1, '=', s.len - 1) : NULL;
	if (at == NULL || memchr(at, '.', (size_t)(s.p + s.len - at)) == NULL)
		return s;
	for (n = (size_t)(at - s.p); n > 0; n--)
		if (s.p[n - 1] == '-' || s.p[n - 1] == '_')
			break;
	/* Nothing before it: what it is the name of is all there is. */
	return n < 2 ? span_n(s.p, (size_t)(at - s.p)) : span_n(s.p, n - 1);
}

/* --- numbers and ids --- */

struct word {
	size_t	len, digits, changes;
	bool	is_hex;
};

static struct word
word_at(struct span s, size_t at)
{
	struct word w = { .is_hex = true };
	char c;

	for (; at + w.len < s.len && is_word(s.p[at + w.len]); w.len++) {
		c = s.p[at + w.len];
		w.digits += is_digit(c) || c == '#';
		w.is_hex &= is_hex(c) || c == '#';
		w.changes += w.len > 0 &&
		    is_digit(c) != is_digit(s.p[at + w.len - 1]);
	}
	return w;
}

/* Certainly: whatever stands beside it. */
static bool
is_id(const struct word *w)
{
	if (w->digits == 0)
		return false;
	return w->digits == w->len || (w->len >= GREYLIST_SENDER_ID &&
	    (w->is_hex || w->changes >= GREYLIST_SENDER_CHANGES));
}

static bool
is_mailbox_number(struct span s)
{
	struct word w = word_at(s, 0);

	return w.len == s.len && w.digits == s.len &&
	    s.len <= GREYLIST_SENDER_MAILBOX_DIGITS &&
	    memchr(s.p, '#', s.len) == NULL;
}

static void
put_word(char *out, size_t *n, struct span word, bool id)
{
	if (!id) {
		memcpy(out + *n, word.p, word.len);
		*n += word.len;
		return;
	}
	/* "#-#" becomes "#". */
	if (*n >= 2 && out[*n - 2] == '#' && !is_word(out[*n - 1]))
		--*n;
	else
		out[(*n)++] = '#';
}

/*
 * Each id becomes "#". The groups of a UUID are too short to be known by
 * themselves ("beef", "6c1a"): hexadecimal behind an id is one too.
 */
static struct span
without_ids(struct arena *a, struct span s)
{
	char *out = arena_alloc(a, s.len + 1);
	bool is_behind = false, id;
	size_t at = 0, n = 0;
	struct word w;

	while (at < s.len) {
		w = word_at(s, at);
		if (w.len == 0) {
			out[n++] = s.p[at++];
			continue;
		}
		id = is_id(&w) || (is_behind && w.is_hex);
		put_word(out, &n, span_n(s.p + at, w.len), id);
		is_behind = id;
		at += w.len;
	}
	return span_n(out, n);
}

struct span
greylist_sender_local(struct arena *a, struct span text)
{
	struct span s = without_batv(unquote(a, text)), local, domain;
	char *joined;

	if ((is_srs(s, "srs0") && read_srs(skip(s, 5), &domain, &local)) ||
	    (is_srs(s, "srs1") && read_forwarded_srs(s, &domain, &local))) {
		local = without_recipient(without_tag(local));
		joined = arena_alloc(a, domain.len + local.len + 2);
		memcpy(joined, domain.p, domain.len);
		joined[domain.len] = '!';
		if (local.len > 0)
			memcpy(joined + domain.len + 1, local.p, local.len);
		return without_ids(a,
		    span_n(joined, domain.len + 1 + local.len));
	}
	if (is_mailbox_number(s))
		return s;
	return without_ids(a, without_recipient(without_tag(s)));
}

struct span
greylist_sender_rcpt(struct arena *a, struct span text)
{
	return without_tag(without_batv(unquote(a, text)));
}
