#ifndef POLICY_SET_H
#define POLICY_SET_H
#include <stdbool.h>
#include <stddef.h>
#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/span.h"
#include "policy/value.h"
/*
 * set -- what "in" asks: a set of addresses, names, mailboxes or texts
 *
 * An item's form says what it is, and all items of a set are of one family:
 *
 *	addresses	192.0.2.1, 192.0.2.0/24, 2001:db8::/32
 *	names		a.example	that name
 *			.a.example	what is below it, at any depth
 *			u@a.example	that mailbox
 *			u@		in every domain
 *	texts		anything else in one line of UTF-8, without controls
 *
 * A mailbox is in a set that has it, its local part or its domain. "a.example"
 * and "postmaster" are words that can be meant as texts too: a set of names
 * also takes a value of TYPE_TEXT, which is in it if it is an item to the
 * letter, and a set of such words alone becomes one of texts when the first
 * item comes that can be nothing else.
 *
 * Case does not matter in ASCII. Names may be given with U-labels and with a
 * final dot; a local part may be quoted. Address literals are compared as
 * they are written. The same item twice is one.
 *
 * Made for millions of items: built once, then read only, so that any number
 * of fibers may ask. A look-up takes a few cache lines, of ten items and of a
 * million: one hash table of all texts, networks sorted with an index. To read
 * a file again is to build a new set.
 *
 * Memory    the set's own; it ends with the arena. set_bytes() tells how much.
 * Limits    an item has at most SET_ITEM_MAX octets, a longer value is in no
 *           set of texts or names; a file has at most SET_FILE_MAX octets and
 *           SET_LINE_MAX octets in a line with its end (a comment may go on).
 */
#define SET_ITEM_MAX	1024		/* more than an address can have */
#define SET_LINE_MAX	(64 * 1024)	/* one buffer: that holds an item */
#define SET_FILE_MAX	(1 << 30)	/* places in the text are 32 bits */

enum set_family { SET_EMPTY, SET_ADDRESSES, SET_NAMES, SET_TEXTS };
struct set;
struct set_builder;

struct set_builder *set_begin(struct arena *a);
/* Errors: ERR_CONFIG, what is wrong with the item, or that it does not fit
 * those before it. */
int		 set_add(struct set_builder *b, struct span item,
		    struct err *err);
struct set	*set_end(struct set_builder **b);	/* nulls the pointer */
/*
 * The whole file: an item a line, without quotes; # at the start or behind
 * white space begins a comment. Lines end in LF or CRLF, a byte order mark is
 * skipped. What most of the lines in its first SET_LINE_MAX octets are decides
 * the family. `tell` is called for each bad line (number, column, why) and
 * the reading goes on; -1 (ERR_CONFIG) only if the file cannot be read.
 */
int		 set_read(struct arena *a, const char *path,
		    void (*tell)(void *arg, unsigned line, unsigned column,
		    const struct err *why), void *arg, struct set **set,
		    struct err *err);

enum set_family	 set_family(const struct set *s);
size_t		 set_size(const struct set *s);		/* items */
size_t		 set_bytes(const struct set *s);
/* Of the items as they were added: base/text_hash.h. */
uint64_t	 set_hash(const struct set *s);
/* Can a value of this type be in such a set at all? A TYPE_WORD cannot: who
 * has its words asks with the text. */
bool		 set_fits(enum set_family family, enum type type);
/* A list is in the set if one of its items is. None is in no set, nor is a
 * value that does not fit. A network is in one that holds all of it. */
bool		 set_has(const struct set *s, const struct value *v);
/* The same, and tells by which item: that which says most (the longest
 * prefix; a mailbox before its local part, that before its domain, that before
 * a domain above), as the set keeps it. Of a list: for its first item that is
 * in the set. */
bool		 set_match(const struct set *s, const struct value *v,
		    struct buf *item);
#endif
