#ifndef BASE_LOG_VALUE_H
#define BASE_LOG_VALUE_H
#include "base/buf.h"
#include "base/span.h"
/*
 * log_value -- text from outside, as a value in a log line
 *
 * As it is if it holds nothing but printable ASCII without space, quote,
 * backslash and "="; else in quotes, with \" \\ and \xHH. Valid UTF-8 stays,
 * but for the control characters U+0080 to U+009F and what turns the direction
 * of text or separates lines (utf8_turns_text()). No bytes: "". More than
 * LOG_VALUE_MOST bytes: that many or up to three fewer, then "...".
 */
#define LOG_VALUE_MOST 512

void	log_value_put(struct buf *b, struct span value);
/* As within the quotes, without them and uncut: for lines to people. */
void	log_value_words(struct buf *b, struct span value);
/*
 * The same as a string of JSON (RFC 8259 7): in quotes, cut at the same place.
 * A byte that belongs to no valid UTF-8 comes out as U+FFFD; control
 * characters, those from U+0080 to U+009F as well, as \u00XX, and so what turns
 * text.
 */
void	log_value_json(struct buf *b, struct span value);
#endif
