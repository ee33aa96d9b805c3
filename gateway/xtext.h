#ifndef GATEWAY_XTEXT_H
#define GATEWAY_XTEXT_H
#include <stdbool.h>
#include "base/buf.h"
#include "base/span.h"
/*
 * xtext -- text as a parameter's value: "+" and "=" are hexadecimal
 *                                                          RFC 3461 4
 * Shared by the DSN parameters and XCLIENT. Hexadecimal digits may be of
 * either case when read; they are upper case when written.
 */

/* With `utf8`, octets above 127 may stand as they are (RFC 6533). */
bool	xtext_is_valid(struct span text, bool utf8);
/* Appends the octets that are meant. -1: not valid xtext. */
int	xtext_decode(struct span text, struct buf *out);
/* Appends the text encoded: printable ASCII only, no white space. */
void	xtext_encode(struct span text, struct buf *out);
#endif
