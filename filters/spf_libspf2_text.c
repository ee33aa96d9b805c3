#include <string.h>

#include "base/buf.h"
#include "filters/spf_run.h"

/*
 * What libspf2 gets to read. It is not maintained, so whatever could harm it
 * stays away from it:
 * - numbers in macros are at most 999 (it adds digits up in an int, and takes
 *   no more than 128);
 * - a term or an explanation is so short that its compiled form fits the
 *   buffer of 511 octets (COST_MAX), a record has no more terms than the
 *   octet that counts them can hold (WRITTEN_MAX);
 * - an explanation has no error (it would lose the memory of the answer).
 * A record beyond that is an error to it; such an explanation is not there.
 */
#define COST_MAX	480	/* compiled: an octet for each character */
#define COST_MACRO	12	/* and this for each %, at most */
#define WRITTEN_MAX	250
#define NUMBER_MAX	999
#define TOO_LARGE	"v=spf1 too-large-a-record"	/* an error to it */

/* Copies one macro number, made smaller if need be. */
static size_t
put_number(struct buf *out, struct span text)
{
	unsigned value = 0;
	size_t n;

	for (n = 0; n < text.len && text.p[n] >= '0' && text.p[n] <= '9'; n++)
		if (value <= NUMBER_MAX)
			value = value * 10 + (unsigned)(text.p[n] - '0');
	if (n > 0)
		buf_uint(out, value <= NUMBER_MAX ? value : NUMBER_MAX);
	return n;
}

static const char *
with_small_numbers(struct arena *a, struct span text)
{
	struct buf out = { 0 };
	const char *copy;

	for (size_t i = 0; i < text.len; i++) {
		buf_put(&out, text.p + i, 1);
		if (text.p[i] != '%' || i + 2 >= text.len ||
		    text.p[i + 1] != '{')
			continue;
		buf_put(&out, text.p + i + 1, 2);
		i += 2;
		i += put_number(&out, span_n(text.p + i + 1,
		    text.len - i - 1));
	}
	copy = arena_copy(a, buf_text(&out));
	buf_free(&out);
	return copy;
}

static bool
is_small(struct span text)
{
	size_t cost = text.len;

	for (size_t i = 0; i < text.len; i++)
		cost += text.p[i] == '%' ? COST_MACRO : 0;
	return cost <= COST_MAX;
}

static bool
is_small_record(struct span text)
{
	size_t written = 0;

	if (text.len > SPF_LIMIT_RECORD)
		return false;
	while (text.len > 0) {
		struct span term = span_until(&text, ' ');

		if (!is_small(term) || ++written > WRITTEN_MAX)
			return false;
	}
	return true;
}

const char *
spf_libspf2_text(struct spf_run *run, struct span text)
{
	struct err why;

	/* Its strings end at a NUL; it would not see what is behind. */
	if (text.len > 0 && memchr(text.p, '\0', text.len) != NULL)
		text.len = strlen(text.p);
	if (spf_record_is(text) && !is_small_record(text)) {
		spf_problem(run, "the record is too large for libspf2");
		return TOO_LARGE;
	}
	if (!spf_record_is(text) && (!is_small(text) ||
	    spf_macro_check(text, SPF_IN_EXPLANATION, &why) < 0))
		return NULL;
	return with_small_numbers(run->arena, text);
}
