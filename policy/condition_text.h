#ifndef POLICY_CONDITION_TEXT_H
#define POLICY_CONDITION_TEXT_H
#include "base/buf.h"
#include "base/span.h"
/*
 * condition_text -- a condition as it stands in the file, in one line
 *
 * White space between two words, line ends and comments become one space.
 * Strings and regular expressions stay as they are.
 */
void	condition_text_put(struct buf *out, struct span source);
#endif
