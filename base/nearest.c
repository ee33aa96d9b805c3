#include <stdbool.h>

#include "base/nearest.h"

#define WORD_MAX 48		/* longer words are nobody's misspelling */

static char
lower(char c)
{
	return c >= 'A' && c <= 'Z' ? (char)(c + 'a' - 'A') : c;
}

/*
 * Edits from a to b, an exchange of neighbours counted as one. Three rows of
 * the usual table are enough: this one, the one above and the one above that.
 */
static size_t
distance(struct span a, struct span b)
{
	size_t rows[3][WORD_MAX + 1];
	size_t i, j, best, *now, *up, *upup;

	for (j = 0; j <= b.len; j++)
		rows[0][j] = j;
	for (i = 1; i <= a.len; i++) {
		now = rows[i % 3];
		up = rows[(i + 2) % 3];
		upup = rows[(i + 1) % 3];
		now[0] = i;
		for (j = 1; j <= b.len; j++) {
			char x = lower(a.p[i - 1]), y = lower(b.p[j - 1]);

			best = up[j - 1] + (x != y);
			if (up[j] + 1 < best)
				best = up[j] + 1;
			if (now[j - 1] + 1 < best)
				best = now[j - 1] + 1;
			if (i > 1 && j > 1 && x == lower(b.p[j - 2]) &&
			    y == lower(a.p[i - 2]) && upup[j - 2] + 1 < best)
				best = upup[j - 2] + 1;
			now[j] = best;
		}
	}
	return rows[a.len % 3][b.len];
}

const char *
nearest(struct span word, const char *const *names, size_t n)
{
	size_t allowed = word.len < 3 ? 0 : word.len < 6 ? 1 : 2;
	size_t best = allowed + 1, d, i;
	const char *found = NULL;
	bool tie = false;

	if (word.len > WORD_MAX)
		return NULL;
	for (i = 0; i < n; i++) {
		struct span name = span_z(names[i]);

		if (name.len > WORD_MAX)
			continue;
		d = distance(word, name);
		if (d < best) {
			best = d;
			found = names[i];
			tie = false;
		} else if (d == best && found != NULL)
			tie = true;
	}
	return tie ? NULL : found;
}
