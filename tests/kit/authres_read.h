#ifndef TESTS_KIT_AUTHRES_READ_H
#define TESTS_KIT_AUTHRES_READ_H
#include <stddef.h>
#include "base/arena.h"
#include "base/err.h"
#include "base/span.h"
/*
 * authres_read -- Authentication-Results as RFC 8601 2.2 has it
 *
 * Strict, with folding, comments and UTF-8, to see that what filters/authres
 * writes is read as it was meant. Names are put in lower case; quoted strings
 * are undone, but not in the local part of a mailbox.
 *
 * Memory    in the arena given
 * Errors    ERR_SYNTAX, says at which octet
 */
struct authres_read_property {
	struct span	name;		/* "header.d" */
	struct span	value;
};
struct authres_read_result {
	struct span	method, result;
	struct span	comment;	/* the first behind the result */
	struct span	reason;		/* "": none */
	struct authres_read_property *properties;
	size_t		nproperties;
};
struct authres_read {
	struct span	authserv_id;
	struct authres_read_result *results;	/* "none": no results */
	size_t		n;
};

/* The value: what stands behind the colon, with folding. */
int	authres_read(struct arena *a, struct span value,
	    struct authres_read *out, struct err *err);
#endif
