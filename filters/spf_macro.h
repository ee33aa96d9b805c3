#ifndef FILTERS_SPF_MACRO_H
#define FILTERS_SPF_MACRO_H
#include <stdbool.h>
#include <stddef.h>
#include "base/err.h"
#include "base/span.h"
/*
 * spf_macro -- the macros in SPF records and explanations       RFC 7208 7
 *
 * "%{ir}.%{v}._spf.%{d2}" becomes "3.2.0.192.in-addr._spf.example.com". Text
 * is checked once; expanding what was checked cannot fail, though the result
 * may be no name that could be looked up.
 *
 * Errors    ERR_SYNTAX, says what is wrong and is printable.
 * Limits    time is linear in the text and the values; of a name the last
 *           253 octets are kept (7.3), of a text the first `size`.
 */
#define SPF_NAME_SIZE	256

enum spf_macro_place {
	SPF_IN_TERM,		/* c, r and t are not known here */
	SPF_IN_EXPLANATION	/* and here there may be spaces */
};

struct spf_macro_values {
	struct span	 sender;	/* s: local@domain */
	struct span	 local;		/* l */
	struct span	 sender_domain;	/* o */
	struct span	 domain;	/* d: whose record it is */
	struct span	 ip;		/* i: octets or nibbles between dots */
	struct span	 ip_text;	/* c: as people write it */
	struct span	 client_name;	/* p */
	struct span	 ip_zone;	/* v: "in-addr" or "ip6" */
	struct span	 helo;		/* h */
	struct span	 receiver;	/* r */
	struct span	 time;		/* t: seconds since 1970 */
};

int	 spf_macro_check(struct span text, enum spf_macro_place place,
	    struct err *err);
/* Is one of the letters (lower case) expanded in this text? */
bool	 spf_macro_uses(struct span text, const char *letters);
/* -1: no name that DNS could be asked for comes out. Without final dot. */
int	 spf_macro_name(struct span text, const struct spf_macro_values *values,
	    char out[SPF_NAME_SIZE]);
/* All octets as they come, a NUL behind them; at most size - 1 of them. */
size_t	 spf_macro_text(struct span text, const struct spf_macro_values *values,
	    char *out, size_t size);
#endif
