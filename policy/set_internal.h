#ifndef POLICY_SET_INTERNAL_H
#define POLICY_SET_INTERNAL_H
#include "base/text_hash.h"
#include "policy/set.h"
#include "policy/set_networks.h"
#include "policy/set_table.h"
/*
 * set_internal -- what set.c builds and set_match.c asks
 */
struct set {
	enum set_family		 family;
	size_t			 size;
	uint64_t		 hash;		/* of its items, in their order */
	struct set_networks	 v4, v6;
	struct set_table	 table;
	/* What is not in the table need not be looked for. Bit n: there is a
	 * ".a.example" with n dots, the last bit those of more. */
	uint64_t		 below;
	bool			 has_mailboxes;
	bool			 has_locals;
};
static inline uint64_t
set_below_bit(unsigned dots)
{
	return (uint64_t)1 << (dots < 63 ? dots : 63);
}

/* The family of what comes is known. Before the first item only. */
void	set_expect(struct set_builder *b, enum set_family family);
#endif
