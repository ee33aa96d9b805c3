#ifndef FILTERS_CHECKS_INTERNAL_H
#define FILTERS_CHECKS_INTERNAL_H
#include "base/task.h"
#include "filters/checks.h"
/*
 * checks_internal -- between checks.c (what a worker and a client have),
 * checks_mail.c and checks_ask.c (the questions)
 */
struct checker {
	const struct settings	*settings;
	unsigned		 wants;
	struct dnsbl		*lists;		/* NULL: none are asked */
	unsigned		 subjects;	/* what any list is asked about */
	struct spf_options	 spf;
};

struct client_checks {
	struct checker	*checker;
	unsigned	 wants;
	struct task	*name;		/* these may be NULL: not begun */
	struct task	*address_lists;
	struct task	*reverse_lists;
	char		 helo[256];	/* what these are about */
	struct task	*helo_lists;
	struct task	*helo_spf;
	struct task	*helo_name;
};

/* --- checks_ask.c: a question each, NULL if it is not wanted, and the answer
 * to it: NULL for no question. They wait; -1 with ERR_CLOSED. --- */

struct task	*checks_ask_lists(struct client_checks *of,
		    enum listing_check check, const struct addr *ip,
		    const struct span *names, size_t n);
/* Those that are asked about the confirmed reverse name. */
struct task	*checks_ask_reverse(struct client_checks *of,
		    const struct client *client);
MAY_YIELD int	 checks_lists_answer(struct task *t,
		    const struct dnsbl_answer **answer, struct err *err);
/* The answers of several as one, in `a`. */
MAY_YIELD int	 checks_join_lists(struct arena *a, struct task *const *tasks,
		    size_t n, const struct dnsbl_answer **answer,
		    struct err *err);
/* `check` is CHECK_SPF or CHECK_SPF_HELO. */
struct task	*checks_ask_spf(struct client_checks *of, enum check check,
		    const struct client *client, struct span sender);
MAY_YIELD int	 checks_spf_answer(struct task *t,
		    const struct spf_answer **answer, struct err *err);
struct task	*checks_ask_name(struct client_checks *of,
		    const struct client *client);
/* Of a task that there is; the name goes to `a`. */
MAY_YIELD int	 checks_name_answer(struct task *t, struct arena *a,
		    struct client *client, struct err *err);
struct task	*checks_ask_helo(struct client_checks *of,
		    const struct client *client);
MAY_YIELD int	 checks_helo_answer(struct task *t,
		    const struct rdns_helo **answer, struct err *err);
struct task	*checks_ask_sender(struct client_checks *of,
		    const struct address *sender);
MAY_YIELD int	 checks_sender_answer(struct task *t,
		    const struct rdns_sender **answer, struct err *err);
/* 1: it has ended; 0: there is no task. */
MAY_YIELD int	 checks_await(struct task *t, struct err *err);
#endif
