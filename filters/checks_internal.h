#ifndef FILTERS_CHECKS_INTERNAL_H
#define FILTERS_CHECKS_INTERNAL_H
#include "base/task.h"
#include "filters/checks.h"
/*
 * checks_internal -- between checks.c (what a worker and a client have) and
 * checks_mail.c
 */
struct checker {
	const struct settings	*settings;
	struct dnsbl		*lists;		/* NULL: none are configured */
	unsigned		 subjects;	/* what any list is asked about */
	struct spf_options	 spf;
};

struct client_checks {
	struct checker	*checker;
	struct task	*address_lists;	/* these may be NULL: not begun */
	struct task	*reverse_lists;
	char		 helo[256];	/* what these two are about */
	struct task	*helo_lists;
	struct task	*helo_spf;
};

/* DNS lists are asked about one or several subjects. */
struct task	*checks_ask_lists(struct checker *c, enum listing_check check,
		    const struct addr *ip,
		    const struct span *names, size_t n);
struct task	*checks_ask_spf(struct checker *c, enum spf_identity identity,
		    const struct client *client, struct span sender);
/* Waits; NULL for no task. -1 with ERR_CLOSED. */
MAY_YIELD int	 checks_lists_answer(struct task *t,
		    const struct dnsbl_answer **answer, struct err *err);
MAY_YIELD int	 checks_spf_answer(struct task *t,
		    const struct spf_answer **answer, struct err *err);
/* Begins what hangs on the HELO name, unless that was done. */
void		 checks_helo(struct client_checks *of,
		    const struct client *client);
#endif
