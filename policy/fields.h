#ifndef POLICY_FIELDS_H
#define POLICY_FIELDS_H
#include <stdbool.h>
#include <stddef.h>
#include "base/arena.h"
#include "base/span.h"
/*
 * fields -- the message header as a list                    RFC 5322 2.2, 4.5
 *
 * Made of the header's octets as they came, CRLF line ends and folding kept;
 * ends at the empty line or with the text. Nothing is lost: the fields stand
 * in their order and each begins where the one before ended. A line that is
 * no field (no colon, no name, a control or 8-bit octet or a blank within the
 * name, white space on the first line) is kept too, with an empty name.
 *
 * White space before the colon (obsolete syntax) and even a fold there do not
 * hide a field: a reader behind us may take "From : x" for a From.
 *
 * A bare CR or LF is no line end here: none gets past base/dotstream.
 *
 * Memory    spans into the text given; the list is in the arena, one struct
 *           field for each field (headers are limited before: header.h)
 * Limits    none of its own; time and memory are linear
 */
struct field {
	struct span	 name;		/* as written; "": no field */
	struct span	 value;		/* behind the colon, with folding, without
					   the last CRLF; of a line that is no
					   field: all of it */
	struct span	 whole;		/* from the name to the last CRLF, which
					   the very last may lack */
	size_t		 offset;	/* of `whole` in the text */
};

struct fields {
	struct field	*list;
	size_t		 n;
	size_t		 size;		/* octets of all of them: there the empty
					   line stands, if there is one */
};

void	fields_parse(struct arena *a, struct span text, struct fields *out);
/* The next one of that name, case ignored, behind `after`; NULL: from the top.
 *	for (f = fields_find(h, "To", NULL); f; f = fields_find(h, "To", f))
 */
const struct field *fields_find_n(const struct fields *h, struct span name,
	    const struct field *after);
size_t	fields_count_n(const struct fields *h, struct span name);
static inline const struct field *
fields_find(const struct fields *h, const char *name,
    const struct field *after)
{
	return fields_find_n(h, span_z(name), after);
}

static inline size_t
fields_count(const struct fields *h, const char *name)
{
	return fields_count_n(h, span_z(name));
}

/* The value on one line: folds undone (RFC 5322 2.2.3), stray CR and LF are
 * spaces, no blanks at its ends. Copied only if it has to be. */
struct span field_unfold(struct arena *a, const struct field *f);
/* Whether a field of ours may have this name: RFC 5322 2.2, and of a length
 * that lets it stand on a line of 78 octets with its colon. */
#define FIELD_NAME_MAX 76
bool	field_name_is_valid(struct span name);
#endif
