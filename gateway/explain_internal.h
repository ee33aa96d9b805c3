#ifndef GATEWAY_EXPLAIN_INTERNAL_H
#define GATEWAY_EXPLAIN_INTERNAL_H
#include <stdbool.h>
#include <stdint.h>
#include "base/span.h"
#include "filters/checks.h"
#include "filters/rdns.h"
#include "policy/envelope.h"
/*
 * explain_internal -- what explain.c found, for explain_print.c to tell
 */
struct explanation {
	struct client		 client;
	const char		*reverse_name;	/* found, confirmed or not */
	struct envelope		 envelope;
	bool			 has_rcpt, has_message;
	struct rcpt		 rcpt;
	uint64_t		 size;		/* of the message */
	struct rdns_helo	 helo;
	struct rdns_sender	 sender;
	struct findings		 findings;
	struct span		 fields;	/* that would be added */
	size_t			 ncuts;		/* fields that would go */
};

void	explain_print(struct arena *a, const struct explanation *x,
	    bool json);
#endif
