#ifndef POLICY_SET_TABLE_H
#define POLICY_SET_TABLE_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "base/span.h"
/*
 * set_table -- keys in one block of text, and a hash table of their places
 *
 * The table is open, in groups of one cache line: each has the places of up to
 * twelve keys and eight bits of the hash of each. A key that is not there
 * mostly costs one cache line, one that is there two.
 *
 * The hash runs from the last octet to the first, so that one pass over a name
 * gives the hash of each of its suffixes.
 *
 *	add, add, ...; build; find, find, ...
 *
 * Limits    a text of SET_TEXT_MAX octets: places in it have 32 bits. Keys
 *           hold no NUL; one ends each.
 * Memory    about 7 octets for each key beside its text and NUL.
 */
#define SET_TEXT_MAX	UINT32_MAX

struct set_group;

struct set_table {
	char			*text;
	size_t			 len, cap;
	size_t			 n;		/* keys added, then kept */
	struct set_group	*groups;	/* aligned, in `block` */
	size_t			 ngroups;
	void			*block;
};

/* Keeps to SET_TEXT_MAX: who adds looks at `len` first. */
void		 set_table_add(struct set_table *t, struct span key);
/* Drops what is there twice. Returns how many different keys there were among
 * the first `count` that were added. */
size_t		 set_table_build(struct set_table *t, size_t count);
void		 set_table_free(struct set_table *t);
size_t		 set_table_bytes(const struct set_table *t);

#define SET_HASH_BEGIN	0xcbf29ce484222325u

/* One octet more at the front (FNV-1a, but backwards). */
static inline uint64_t
set_hash_more(uint64_t hash, char c)
{
	return (hash ^ (unsigned char)c) * 0x100000001b3u;
}

/* `hash` of the whole key, which holds no NUL. */
bool		 set_table_has(const struct set_table *t, uint64_t hash,
		    struct span key);
#endif
