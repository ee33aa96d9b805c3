#ifndef POLICY_ENCODED_WORD_H
#define POLICY_ENCODED_WORD_H
#include <stdbool.h>
#include "base/arena.h"
#include "base/span.h"
/*
 * encoded_word -- =?charset?Q?text?= undone                      RFC 2047
 *
 * Lenient, as readers of mail are: a word may stand anywhere, touch other
 * text, be too long or lack the padding of base64. White space between two
 * words is dropped (6.2). The octets come out as they are, in their charset:
 * good for finding ASCII or UTF-8 text that was hidden so.
 *
 * Memory    in the arena given, only if there is a word to decode
 * Limits    none of its own; linear
 */
/* Whether there could be one. */
bool		encoded_word_is_in(struct span text);
struct span	encoded_word_decode(struct arena *a, struct span text);
#endif
