#ifndef BASE_UTF8_H
#define BASE_UTF8_H
#include <stdbool.h>
#include <stddef.h>
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
/* Valid, and without controls: U+0085 too would be a line end to some. */
bool	utf8_is_printable(struct span text);
#endif
