#include <string.h>

#include "base/dns_name.h"
#include "filters/spf_macro.h"

#define NAME_MAX_TEXT	253	/* RFC 7208 7.3 */
#define DELIMITERS	".-+,/_="
#define ALL_PARTS	1000	/* more than any value has */

/* What a text is made of: literal text, or one macro. */
struct piece {
	struct span	 literal;	/* if letter is 0 */
	char		 letter;	/* lower case */
	bool		 is_escaped;	/* it was upper case */
	bool		 is_reversed;
	unsigned	 parts;		/* how many of the right-hand ones */
	struct span	 delimiters;	/* "": the dot */
};

/* Where expanded text goes: the first or the last octets of it are kept. */
struct sink {
	char	*p;
	size_t	 size, len;
	bool	 keeps_end;
};

/* --- reading --- */

static bool
is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static char
lower(char c)
{
	return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

/* "ir}", "d2}", "l1r-}": what stands behind "%{". */
static int
take_braces(struct span *text, struct piece *m)
{
	size_t at = 1, first;

	if (text->len == 0)
		return -1;
	m->letter = lower(text->p[0]);
	m->is_escaped = m->letter != text->p[0];
	m->parts = 0;
	if (m->letter < 'a' || m->letter > 'z')
		return -1;
	for (first = at; at < text->len && is_digit(text->p[at]); at++)
		if (m->parts < ALL_PARTS)
			m->parts = m->parts * 10 +
			    (unsigned)(text->p[at] - '0');
	if (at > first && m->parts == 0)
		return -1;
	if (at == first)
		m->parts = ALL_PARTS;
	m->is_reversed = at < text->len && lower(text->p[at]) == 'r';
	at += m->is_reversed;
	for (first = at; at < text->len && text->p[at] != '\0' &&
	    strchr(DELIMITERS, text->p[at]) != NULL; at++)
		;
	m->delimiters = span_n(text->p + first, at - first);
	if (at == text->len || text->p[at] != '}')
		return -1;
	*text = span_n(text->p + at + 1, text->len - at - 1);
	return 0;
}

/* Takes one piece off the front. 1: there it is; 0: the text is at its end;
 * -1: a % that begins no macro. */
static int
take_piece(struct span *text, struct piece *m)
{
	const char *percent;
	size_t len;

	*m = (struct piece){ 0 };
	if (text->len == 0)
		return 0;
	percent = memchr(text->p, '%', text->len);
	len = percent == NULL ? text->len : (size_t)(percent - text->p);
	if (len > 0) {
		m->literal = span_n(text->p, len);
		*text = span_n(text->p + len, text->len - len);
		return 1;
	}
	if (text->len < 2)
		return -1;
	len = 2;
	switch (text->p[1]) {
	case '%':
		m->literal = SPAN_LIT("%");
		break;
	case '_':
		m->literal = SPAN_LIT(" ");
		break;
	case '-':
		m->literal = SPAN_LIT("%20");
		break;
	case '{':
		*text = span_n(text->p + 2, text->len - 2);
		return take_braces(text, m) < 0 ? -1 : 1;
	default:
		return -1;
	}
	*text = span_n(text->p + len, text->len - len);
	return 1;
}

static int
check_literal(struct span literal, enum spf_macro_place place, struct err *err)
{
	for (size_t i = 0; i < literal.len; i++) {
		unsigned char c = (unsigned char)literal.p[i];

		if (c == ' ' && place == SPF_IN_EXPLANATION)
			continue;
		if (c <= ' ' || c >= 0x7f)
			return err_set(err, ERR_SYNTAX,
			    "octet 0x%02x is not allowed", c);
	}
	return 0;
}

int
spf_macro_check(struct span text, enum spf_macro_place place, struct err *err)
{
	const char *letters = place == SPF_IN_TERM ? "slodipvh" :
	    "slodipvhcrt";
	struct span rest = text;
	struct piece m;
	int r;

	/* The literal that stands for %_ is a space: look at the text itself,
	 * in which each octet of a macro is one that is allowed. */
	if (check_literal(text, place, err) < 0)
		return -1;
	while ((r = take_piece(&rest, &m)) > 0)
		if (m.letter != 0 && strchr(letters, m.letter) == NULL)
			return err_set(err, ERR_SYNTAX,
			    "there is no macro %%{%c} here", m.letter);
	if (r < 0)
		return err_set(err, ERR_SYNTAX, "a %% that begins no macro");
	return 0;
}

bool
spf_macro_uses(struct span text, const char *letters)
{
	struct piece m;

	while (take_piece(&text, &m) > 0)
		if (m.letter != 0 && strchr(letters, m.letter) != NULL)
			return true;
	return false;
}

/* --- writing --- */

static void
put(struct sink *to, struct span s)
{
	size_t half = to->size / 2;

	while (s.len > 0) {
		size_t n = to->size - to->len;

		if (n == 0 && !to->keeps_end)
			return;
		if (n == 0) {
			memmove(to->p, to->p + half, to->size - half);
			to->len -= half;
			n = half;
		}
		if (n > s.len)
			n = s.len;
		memcpy(to->p + to->len, s.p, n);
		to->len += n;
		s = span_n(s.p + n, s.len - n);
	}
}

/* RFC 3986 2.3: all but the unreserved characters. */
static void
put_escaped(struct sink *to, struct span s)
{
	static const char hex[] = "0123456789ABCDEF";

	for (size_t i = 0; i < s.len; i++) {
		unsigned char c = (unsigned char)s.p[i];
		char three[3] = { '%', hex[c >> 4], hex[c & 15] };

		if ((lower((char)c) >= 'a' && lower((char)c) <= 'z') ||
		    is_digit((char)c) || (c != '\0' &&
		    strchr("-._~", c) != NULL))
			put(to, span_n(s.p + i, 1));
		else
			put(to, span_n(three, 3));
	}
}

static void
put_part(struct sink *to, const struct piece *m, struct span part,
    bool is_first)
{
	if (!is_first)
		put(to, SPAN_LIT("."));
	if (m->is_escaped)
		put_escaped(to, part);
	else
		put(to, part);
}

static bool
is_delimiter(const struct piece *m, char c)
{
	if (m->delimiters.len == 0)
		return c == '.';
	return memchr(m->delimiters.p, c, m->delimiters.len) != NULL;
}

/* The right-hand parts of the value, in their order. */
static void
put_forward(struct sink *to, const struct piece *m, struct span value)
{
	size_t begin = value.len, at, end;
	unsigned parts = 0;

	while (begin > 0 && !(is_delimiter(m, value.p[begin - 1]) &&
	    ++parts == m->parts))
		begin--;
	for (at = begin; at <= value.len; at = end + 1) {
		for (end = at; end < value.len &&
		    !is_delimiter(m, value.p[end]); end++)
			;
		put_part(to, m, span_n(value.p + at, end - at), at == begin);
	}
}

/* Turned round, the right-hand parts are the first ones, last one first. */
static void
put_reversed(struct sink *to, const struct piece *m, struct span value)
{
	size_t limit = 0, at, end;
	unsigned parts = 0;

	while (limit < value.len && !(is_delimiter(m, value.p[limit]) &&
	    ++parts == m->parts))
		limit++;
	for (end = limit; ; end = at - 1) {
		for (at = end; at > 0 && !is_delimiter(m, value.p[at - 1]);
		    at--)
			;
		put_part(to, m, span_n(value.p + at, end - at), end == limit);
		if (at == 0)
			return;
	}
}

static struct span
value_of(const struct spf_macro_values *v, char letter)
{
	switch (letter) {
	case 's':
		return v->sender;
	case 'l':
		return v->local;
	case 'o':
		return v->sender_domain;
	case 'd':
		return v->domain;
	case 'i':
		return v->ip;
	case 'p':
		return v->client_name;
	case 'v':
		return v->ip_zone;
	case 'h':
		return v->helo;
	case 'c':
		return v->ip_text;
	case 'r':
		return v->receiver;
	default:
		return v->time;
	}
}

static void
expand(struct sink *to, struct span text, const struct spf_macro_values *values)
{
	struct span value;
	struct piece m;

	while ((to->keeps_end || to->len < to->size) &&
	    take_piece(&text, &m) > 0) {
		value = value_of(values, m.letter);
		if (m.letter == 0)
			put(to, m.literal);
		else if (value.len > 0 && m.is_reversed)
			put_reversed(to, &m, value);
		else if (value.len > 0)
			put_forward(to, &m, value);
	}
}

int
spf_macro_name(struct span text, const struct spf_macro_values *values,
    char out[SPF_NAME_SIZE])
{
	char all[4 * SPF_NAME_SIZE];
	struct sink to = { .p = all, .size = sizeof(all), .keeps_end = true };
	struct dns_name name;
	struct span found;

	expand(&to, text, values);
	found = span_n(all, to.len);
	if (found.len > 0 && found.p[found.len - 1] == '.')
		found.len--;
	while (found.len > NAME_MAX_TEXT)
		span_until(&found, '.');
	if (found.len == 0 || memchr(found.p, '\0', found.len) != NULL)
		return -1;
	memcpy(out, found.p, found.len);
	out[found.len] = '\0';
	return dns_name_from_text(out, &name);
}

size_t
spf_macro_text(struct span text, const struct spf_macro_values *values,
    char *out, size_t size)
{
	struct sink to = { .p = out, .size = size - 1 };

	expand(&to, text, values);
	out[to.len] = '\0';
	return to.len;
}
