#ifndef FILTERS_SPF_RECORD_H
#define FILTERS_SPF_RECORD_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "base/arena.h"
#include "base/err.h"
#include "base/span.h"
#include "filters/spf.h"
/*
 * spf_record -- a record, read whole                    RFC 7208 4.5, 4.6, 12
 *
 * What RFC 7208 leaves open: a modifier is one by its name, so a bad "exp="
 * is an error and no unknown modifier; prefix lengths have no leading zeros.
 *
 * Memory    the terms are in the arena given; texts point into the record.
 * Errors    ERR_SYNTAX, names the term and is printable.
 * Limits    SPF_LIMIT_RECORD octets, SPF_LIMIT_WRITTEN terms, and
 *           SPF_LIMIT_DOMAIN octets of a domain-spec.
 */
enum spf_mechanism { SPF_MECH_ALL, SPF_MECH_INCLUDE, SPF_MECH_A, SPF_MECH_MX,
    SPF_MECH_PTR, SPF_MECH_IP4, SPF_MECH_IP6, SPF_MECH_EXISTS };

struct spf_term {
	uint8_t		 mechanism;	/* enum spf_mechanism */
	uint8_t		 result;	/* enum spf_result, if it matches */
	uint8_t		 bits4, bits6;	/* of the prefixes */
	struct span	 written;	/* for people */
	union {
		struct span	 domain;	/* "": the current */
		uint8_t		 ip[16];	/* ip4, ip6 */
	} u;
};

struct spf_record {
	struct spf_term	*terms;		/* the mechanisms */
	size_t		 n;
	struct span	 redirect;	/* domain-spec; p is NULL: none */
	struct span	 explanation;	/* exp, the same */
	struct span	 redirect_written;
};

/* Does it begin with the version, alone or with a space behind it? */
bool	 spf_record_is(struct span text);
int	 spf_record_parse(struct arena *a, struct span text,
	    struct spf_record *record, struct err *err);
/* Does it do a lookup, that is: does it count for SPF_LIMIT_TERMS? */
bool	 spf_term_asks(const struct spf_term *term);
/* Text of the record as it may be shown: printable, cut to a line. */
#define SPF_SHOWN	80
const char *spf_shown(struct span text, char out[SPF_SHOWN]);
#endif
