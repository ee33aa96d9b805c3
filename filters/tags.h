#ifndef FILTERS_TAGS_H
#define FILTERS_TAGS_H
#include <stdbool.h>
#include <stddef.h>
#include "base/arena.h"
#include "base/err.h"
#include "base/span.h"
/*
 * tags -- tag=value lists                             RFC 6376 3.2, RFC 8616
 *
 * The form of DKIM and ARC signatures and of their key records. Order and
 * letter case are kept; a tag that is there twice makes the whole list
 * invalid, as does an empty place between two ";" (one at the end may stand).
 * Values may hold UTF-8 (RFC 8616 3) but no control characters; folding
 * counts as white space wherever that is allowed.
 *
 * Memory    spans into the text given; the list is in the arena.
 * Errors    ERR_SYNTAX: what is wrong. Names in it are letters and digits.
 * Limits    TAGS_MOST tags in a list
 */
#define TAGS_MOST	64	/* 15 are defined for a signature */

struct tag {
	struct span	name;
	struct span	value;	/* without white space at its ends */
	struct span	raw;	/* all between "=" and ";" */
};
struct tags {
	struct tag	*list;
	size_t		 n;
};

int	tags_parse(struct arena *a, struct span text, struct tags *out,
	    struct err *err);
/* By its exact name; NULL if there is none. */
const struct tag *tags_find(const struct tags *tags, const char *name);
/* Takes the next item off a list "a : b : c" and trims it. An empty list is
 * one empty item; false when all are taken (*list is then NULL). */
bool	tags_item(struct span *list, struct span *item);
/* One of the items is `word`, letter case ignored. */
bool	tags_has(struct span list, const char *word);
/* White space within is nothing, padding may be missing. -1: not base64. */
int	tags_base64(struct arena *a, struct span value, struct span *out);
#endif
