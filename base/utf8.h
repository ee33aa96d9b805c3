#ifndef BASE_UTF8_H
#define BASE_UTF8_H
#include <stdbool.h>
#include <stddef.h>
#include "base/buf.h"
#include "base/span.h"
/*
 * utf8 -- what is valid UTF-8, and what is a control character  RFC 3629
 *
 * Strict: no overlong forms, no surrogates, nothing above U+10FFFF.
 */

/* Octets of the character that the text begins with: 1-4; 0: none is valid. */
size_t	utf8_char(struct span text);
bool	utf8_is_ascii(struct span text);
/* ASCII controls and DEL, and the C1 controls U+0080-9F of UTF-8, which
 * terminals obey too. Looks at the first character. */
bool	utf8_is_control(struct span text);
/* The first character turns the direction of the text behind it (U+200E,
 * U+200F, U+202A to U+202E, U+2066 to U+2069) or separates lines (U+2028,
 * U+2029): a reader would see another text than there is. */
bool	utf8_turns_text(struct span text);
/* Valid, and without controls: U+0085 too would be a line end to some. */
bool	utf8_is_printable(struct span text);
/* Appends the text, at most `room` octets of it and whole characters only.
 * What comes out is printable: a tab becomes a space, other controls and what
 * is no UTF-8 "?", and unless `utf8` so does all that is not ASCII. Whether
 * all of it went in. */
bool	utf8_put_printable(struct buf *out, struct span text, size_t room,
	    bool utf8);
/* The same in UTF-8, for a terminal: what turns text is "?" too. */
bool	utf8_put_shown(struct buf *out, struct span text, size_t room);
#endif
