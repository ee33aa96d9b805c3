#include <stdbool.h>

#include "policy/condition_text.h"

static bool
is_space(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

/* Octets up to the closing mark, itself included. */
static size_t
closed_by(struct span s, char mark)
{
	for (size_t i = 1; i < s.len; i++) {
		if (s.p[i] == '\\')
			i++;
		else if (s.p[i] == mark)
			return i + 1;
	}
	return s.len;
}

/* A slash within a word is that of a network. */
static size_t
token_length(struct span s, bool begins_word)
{
	if (s.p[0] == '"' || (s.p[0] == '/' && begins_word))
		return closed_by(s, s.p[0]);
	return 1;
}

static size_t
gap_length(struct span s)
{
	size_t i = 0;

	while (i < s.len && (is_space(s.p[i]) || s.p[i] == '#')) {
		if (s.p[i] == '#')
			while (i < s.len && s.p[i] != '\n')
				i++;
		else
			i++;
	}
	return i;
}

void
condition_text_put(struct buf *out, struct span source)
{
	bool begins_word = true;
	size_t n;

	while (source.len > 0) {
		n = gap_length(source);
		if (n > 0) {
			source = span_n(source.p + n, source.len - n);
			if (source.len > 0 && out->len > 0)
				buf_puts(out, " ");
			begins_word = true;
			continue;
		}
		n = token_length(source, begins_word);
		buf_put(out, source.p, n);
		begins_word = source.p[0] == '(' || source.p[0] == ',';
		source = span_n(source.p + n, source.len - n);
	}
}
