#ifndef BASE_NEAREST_H
#define BASE_NEAREST_H
#include <stddef.h>
#include "base/span.h"
/*
 * nearest -- the name that somebody meant to write
 *
 * An edit is one letter added, left out, changed, or exchanged with its
 * neighbour; upper and lower case are the same letter. Two edits are let
 * through in words of six letters or more, one in words of three to five,
 * none in shorter ones.
 *
 * Returns the nearest of the names; NULL if none is near, or if two are
 * equally near, since a wrong hint is worse than none.
 */
const char	*nearest(struct span word, const char *const *names, size_t n);
#endif
