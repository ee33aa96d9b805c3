#ifndef CONF_LIST_H
#define CONF_LIST_H
#include <stddef.h>
#include "base/arena.h"
/*
 * list -- an array in an arena that grows by one
 *
 * The capacity is the power of two at or above n, so nothing but the pointer
 * and the count need be kept. What was there before a move stays in the
 * arena unused: at most as much again.
 */

/* Room for item n (zeroed); the caller counts it. `list` is NULL at first. */
void	*list_room(struct arena *a, void *list, size_t n, size_t size);
#endif
