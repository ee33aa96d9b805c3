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

/* --- checks_ask.c: a question each; NULL if it is not wanted --- */

struct task	*checks_ask_lists(struct client_checks *of,
		    enum listing_check check, const struct addr *ip,
		    const struct span *names, size_t n);
/* Those that are asked about the confirmed reverse name. */
struct task	*checks_ask_reverse(struct client_checks *of,
		    const struct client *client);
/* `check` is CHECK_SPF or CHECK_SPF_HELO. */
struct task	*checks_ask_spf(struct client_checks *of, enum check check,
		    const struct client *client, struct span sender);
struct task	*checks_ask_name(struct client_checks *of,
		    const struct client *client);
struct task	*checks_ask_helo(struct client_checks *of,
		    const struct client *client);
struct task	*checks_ask_sender(struct client_checks *of,
		    const struct address *sender);

/* Waits for it; of NULL for nothing. -1 with ERR_CLOSED. */
MAY_YIELD int	 checks_await(struct task *t, struct err *err);
/* Its answer, of the type that belongs to the question; not of a name. NULL:
 * there is none (yet). */
const void	*checks_found(struct task *t);
/* The answers of several about lists as one, in `a`. */
MAY_YIELD int	 checks_join_lists(struct arena *a, struct task *const *tasks,
		    size_t n, const struct dnsbl_answer **answer,
		    struct err *err);
/* Of a task that there is; the name goes to `a`. */
MAY_YIELD int	 checks_name_answer(struct task *t, struct arena *a,
		    struct client *client, struct err *err);
#endif
