#ifndef POLICY_REGEX_H
#define POLICY_REGEX_H
#include <stddef.h>
#include "base/arena.h"
#include "base/err.h"
#include "base/span.h"
/*
 * regex -- the regular expressions of rule files: PCRE2, within bounds
 *
 * Patterns are the administrator's, subjects are anybody's: no subject may
 * make a worker stand still. A subject is UTF-8 where it can be; octets that
 * are not match nothing. Patterns are compiled to machine code where the
 * system lets us, else interpreted; they match the same.
 *
 * Limits    of a subject the first REGEX_SUBJECT_MAX octets are looked at.
 *           The steps of one attempt are bounded, the more tightly the longer
 *           the subject, since there is an attempt at each of its octets.
 *           What runs out of steps, memory or depth does not match.
 * Stack     machine code runs on a stack of its own, not on the fiber's.
 * Yields    never: the stack and the place for results are the process's.
 * Memory    ends with the arena.
 */
#define REGEX_PATTERN_MAX	4096	/* octets: longer ones are lists */
#define REGEX_SUBJECT_MAX	8192	/* steps grow with its square */

struct regex;

/* `flags`: "" or "i" (upper and lower case are the same). Errors: ERR_CONFIG,
 * and the octet of the pattern that is wrong. */
struct regex	*regex_compile(struct arena *a, struct span pattern,
		    struct span flags, size_t *offset, struct err *err);
/* 1 if it matches somewhere in the subject, 0 if not, -1 if a limit was
 * met before that was known. */
int		 regex_match(const struct regex *re, struct span subject);
#endif
