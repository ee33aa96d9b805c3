#ifndef POLICY_SET_H
#define POLICY_SET_H
#include <stdbool.h>
#include <stddef.h>
#include "base/arena.h"
#include "base/err.h"
#include "base/span.h"
#include "policy/value.h"
/*
 * set -- what "in" asks: a set of addresses, names, mailboxes or words
 *
 * Items of a set are of one family: addresses and networks (longest prefix
 * is not needed to know whether, but to know which: set_match()); domains
 * ("a.example" is that name, ".a.example" what is below it) and mailboxes
 * ("u@a.example", "u@" in every domain); plain texts. Case does not matter,
 * names may be given with U-labels.
 *
 * Made for millions of items: built once, then read only; a lookup costs the
 * same for ten and for a million.
 *
 * Memory    the set's own; it ends with the arena. `bytes` tells how much.
 */
enum set_family { SET_EMPTY, SET_ADDRESSES, SET_NAMES, SET_TEXTS };
struct set;
struct set_builder;

struct set_builder *set_begin(struct arena *a);
/* Errors: ERR_CONFIG, what is wrong with the item, or that it does not fit
 * those before it. */
int		 set_add(struct set_builder *b, struct span item,
		    struct err *err);
struct set	*set_end(struct set_builder **b);	/* nulls the pointer */
/* The whole file: an item a line, # begins a comment. `tell` is called for
 * each bad line (number, column, why) and the reading goes on; -1 only if the
 * file cannot be read. */
int		 set_read(struct arena *a, const char *path,
		    void (*tell)(void *arg, unsigned line, unsigned column,
		    const struct err *why), void *arg, struct set **set,
		    struct err *err);

enum set_family	 set_family(const struct set *s);
size_t		 set_size(const struct set *s);		/* items */
size_t		 set_bytes(const struct set *s);
/* A list is in the set if one of its items is. None is in no set. */
bool		 set_has(const struct set *s, const struct value *v);
#endif
