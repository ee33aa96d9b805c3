#ifndef BASE_SPAN_H
#define BASE_SPAN_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
/*
 * span -- text that somebody else owns: a pointer and a length
 *
 * Passed by value. Never NUL-terminated by promise; print with
 * "%.*s", SPAN_ARG(s). A span lives no longer than what it points into.
 */
struct span {
	const char	*p;
	size_t		 len;
};

#define SPAN_ARG(s)	(int)(s).len, (s).p
#define SPAN_LIT(lit)	((struct span){ (lit), sizeof(lit) - 1 })

bool		span_eq(struct span a, struct span b);
bool		span_eq_nocase(struct span a, struct span b);	/* ASCII */
bool		span_is(struct span a, const char *text);	/* exact */
bool		span_is_nocase(struct span a, const char *text);
bool		span_starts_nocase(struct span a, const char *prefix);
/* Takes the first word (up to space or tab) off the front of *s, and the
 * white space behind it. */
struct span	span_word(struct span *s);
struct span	span_trim(struct span s);	/* space and tab, both ends */
/* Takes what stands before the first `c` off the front of *s, and `c`
 * itself. Without one: all of it. */
struct span	span_until(struct span *s, char c);
/* The whole span is decimal digits and at most `max`; else -1. */
int		span_uint(struct span s, uint64_t max, uint64_t *value);

/* Of a C string; NULL: empty. */
static inline struct span
span_z(const char *text)
{
	if (text == NULL)
		text = "";
	return (struct span){ text, strlen(text) };
}

static inline struct span
span_n(const void *p, size_t len)
{
	return (struct span){ p, len };
}
#endif
