#ifndef BASE_IDN_H
#define BASE_IDN_H
#include <stdbool.h>
#include "base/arena.h"
#include "base/err.h"
#include "base/span.h"
/*
 * idn -- domain names as DNS has them: A-labels           RFC 5890, UTS #46
 *
 * A name that is ASCII already is only put into lower case and loses one
 * final dot: it is not judged, since names with underscores are looked up
 * too. One with U-labels (UTF-8) is mapped as browsers do it (UTS #46,
 * nontransitional: sharp s stays), which also takes the ideographic full
 * stops for dots. Names with symbols, which some registries have though
 * IDNA 2008 does not, are turned into what these have.
 *
 * Memory    the name lives in the arena given.
 * Errors    ERR_SYNTAX: not UTF-8, a label that IDNA does not allow, a name
 *           that is longer than DNS allows.
 * Limits    IDN_LONGEST octets in; longer ones are not looked at.
 */
#define IDN_LONGEST	1020	/* 255 characters of 4 octets */

/* That would give the name as it is: ASCII without capitals. */
bool	idn_is_ready(struct span name);
int	idn_to_ascii(struct arena *a, struct span name, const char **out,
	    struct err *err);
#endif
