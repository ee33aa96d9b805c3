#ifndef POLICY_ENCODED_WORD_H
#define POLICY_ENCODED_WORD_H
#include <stdbool.h>
#include "base/arena.h"
#include "base/span.h"
/*
 * encoded_word -- =?charset?Q?text?= undone, and done  RFC 2047, RFC 2231 5
 *
 * Lenient, as readers of mail are: a word may stand anywhere, touch other
 * text, be too long or lack the padding of base64. White space between two
 * words is dropped (6.2).
 *
 * Memory    in the arena given, only if the text changes
 * Limits    none of its own; linear. A text in UTF-8 has at most 4 times the
 *           octets that it came in (base/charset.h)
 */
/* Whether there could be one. */
bool		encoded_word_is_in(struct span text);
/* The octets as they are, in their charset: good for finding what is ASCII. */
struct span	encoded_word_decode(struct arena *a, struct span text);
/* The text as it is shown, all of it in UTF-8. Words of one charset that follow
 * one another are one text: some writers end them within a character, which
 * RFC 2047 5 forbids. Octets outside of words that are not UTF-8 are read as
 * those of no known charset. */
struct span	encoded_word_text(struct arena *a, struct span text);
/* A text in UTF-8 without controls as the value of an unstructured header
 * field: words that are not ASCII are encoded, unless `utf8` (RFC 6532), and
 * so is what would be taken for an encoded word. Decoded, it is the same text.
 * What is encoded is in pieces of at most 75 octets, for folding at spaces. */
struct span	encoded_word_encode(struct arena *a, struct span text,
		    bool utf8);
#endif
