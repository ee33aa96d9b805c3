#include <string.h>

#include "base/span.h"

/* Only ASCII letters have two cases here, whatever the locale says. */
static unsigned char
lower(char c)
{
	unsigned char u = (unsigned char)c;

	return u >= 'A' && u <= 'Z' ? u + ('a' - 'A') : u;
}

static bool
is_blank(char c)
{
	return c == ' ' || c == '\t';
}

static void
skip(struct span *s, size_t n)
{
	if (n > 0) {
		s->p += n;
		s->len -= n;
	}
}

bool
span_eq(struct span a, struct span b)
{
	return a.len == b.len && (a.len == 0 || memcmp(a.p, b.p, a.len) == 0);
}

bool
span_eq_nocase(struct span a, struct span b)
{
	size_t i;

	if (a.len != b.len)
		return false;
	if (a.len == 0 || memcmp(a.p, b.p, a.len) == 0)
		return true;
	for (i = 0; i < a.len; i++)
		if (lower(a.p[i]) != lower(b.p[i]))
			return false;
	return true;
}

bool
span_is(struct span a, const char *text)
{
	return span_eq(a, span_z(text));
}

bool
span_is_nocase(struct span a, const char *text)
{
	return span_eq_nocase(a, span_z(text));
}

bool
span_starts_nocase(struct span a, const char *prefix)
{
	size_t len = strlen(prefix);

	return a.len >= len &&
	    span_eq_nocase(span_n(a.p, len), span_n(prefix, len));
}

struct span
span_word(struct span *s)
{
	struct span word = { s->p, 0 };
	size_t n;

	while (word.len < s->len && !is_blank(s->p[word.len]))
		word.len++;
	for (n = word.len; n < s->len && is_blank(s->p[n]); n++)
		;
	skip(s, n);
	return word;
}

struct span
span_trim(struct span s)
{
	while (s.len > 0 && is_blank(s.p[0]))
		skip(&s, 1);
	while (s.len > 0 && is_blank(s.p[s.len - 1]))
		s.len--;
	return s;
}

struct span
span_until(struct span *s, char c)
{
	struct span part = *s;
	const char *found = NULL;

	if (s->len > 0)
		found = memchr(s->p, c, s->len);
	if (found == NULL) {
		skip(s, s->len);
		return part;
	}
	part.len = (size_t)(found - s->p);
	skip(s, part.len + 1);
	return part;
}

int
span_uint(struct span s, uint64_t max, uint64_t *value)
{
	uint64_t n = 0;
	unsigned digit;
	size_t i;

	if (s.len == 0)
		return -1;
	for (i = 0; i < s.len; i++) {
		if (s.p[i] < '0' || s.p[i] > '9')
			return -1;
		digit = (unsigned)(s.p[i] - '0');
		if (n > max / 10 || n * 10 > max - digit || digit > max)
			return -1;
		n = n * 10 + digit;
	}
	*value = n;
	return 0;
}
