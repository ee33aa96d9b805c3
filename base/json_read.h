#ifndef BASE_JSON_READ_H
#define BASE_JSON_READ_H
#include <stdint.h>
#include "base/arena.h"
#include "base/err.h"
#include "base/span.h"
/*
 * json_read -- the values of a JSON text, one after the other     RFC 8259
 *
 * The caller pulls: each json_next() gives one value with the key that it
 * has in its object. An object or an array is given when it opens, then what
 * is in it, then JSON_IN_CLOSE. Who does not want it leaves it by json_skip().
 *
 *	json_begin(&in, a, line);
 *	while (json_next(&in, &v, err) == 0 && v.kind != JSON_IN_END)
 *		...
 *
 * A text is read once, from left to right, without recursion. All of it has
 * been checked when JSON_IN_END comes: one value, grammar, UTF-8, and nothing
 * behind it. What it means (which keys, how often) is the caller's.
 *
 * Strings   may have NUL in them (\u0000). A lone \udc80-\udcff is the octet
 *           80-ff, as json_write writes what is no UTF-8; any other half of
 *           a surrogate pair is an error.
 * Numbers   are given as they are written; json_in_decimal() reads those that
 *           have a fixed number of digits, without a double in between.
 * Memory    strings with escapes are in the arena, all others in the text.
 *           Without an arena (NULL) strings are checked and given raw, with
 *           their escapes: to check a text, or where nothing is escaped.
 * Errors    ERR_SYNTAX with the octet. Behind one there is nothing to read.
 * Limits    JSON_DEPTH_MOST objects and arrays within each other; a text of
 *           JSON_TEXT_MOST octets.
 * Tested    json_read_test.c, tests/fuzz/json_read_fuzz.c (against jansson)
 */
#define JSON_DEPTH_MOST	16	/* ours have 6; a bit of a word for each */
#define JSON_TEXT_MOST	(4 * 1024 * 1024)	/* far more than any of ours */

/* Not JSON_OBJECT and so on: these are of jansson. */
enum json_in_kind {
	JSON_IN_END,	/* the text is over, and was right */
	JSON_IN_CLOSE,	/* the innermost object or array ends */
	JSON_IN_OBJECT,
	JSON_IN_ARRAY,
	JSON_IN_STRING,
	JSON_IN_NUMBER,
	JSON_IN_TRUE,
	JSON_IN_FALSE,
	JSON_IN_NULL
};

struct json_value {
	enum json_in_kind kind;
	struct span	key;		/* empty where there is none */
	struct span	text;		/* string, number */
};

struct json_in {
	struct arena	*arena;
	const char	*begin, *p, *end;
	unsigned	 depth;
	uint32_t	 arrays;	/* bit n: what is open at depth n */
	bool		 is_first;	/* nothing was in it yet */
	bool		 is_read;	/* the outermost value was given */
};

void	json_begin(struct json_in *in, struct arena *a, struct span text);
int	json_next(struct json_in *in, struct json_value *v, struct err *err);
/* Leaves the object or array that `v` has opened, behind its end; of another
 * value there is nothing to leave. */
int	json_skip(struct json_in *in, const struct json_value *v,
	    struct err *err);
/* The text is JSON. */
int	json_check(struct span text, struct err *err);
/* A number without exponent, in units of 10^-digits: "3.5" with two digits is
 * 350. -1: it is none, has more digits than these, or is too large. */
int	json_in_decimal(struct span number, unsigned digits, int64_t *value);
#endif
