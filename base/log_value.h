#ifndef BASE_LOG_VALUE_H
#define BASE_LOG_VALUE_H
#include "base/buf.h"
#include "base/span.h"
/*
 * log_value -- text from outside, as a value in a log line
 *
 * As it is if it holds nothing but printable ASCII without space, quote,
 * backslash and "="; else in quotes, with \" \\ and \xHH. Valid UTF-8 stays,
 * but for the control characters U+0080 to U+009F. No bytes: "". More than
 * LOG_VALUE_MOST bytes: that many or up to three fewer, then "...".
 */
#define LOG_VALUE_MOST 512

void	log_value_put(struct buf *b, struct span value);
#endif
