#ifndef TESTS_KIT_HEARING_H
#define TESTS_KIT_HEARING_H
#include <stddef.h>
#include <stdint.h>
#include "base/arena.h"
#include "base/buf.h"
#include "conf/settings.h"
#include "gateway/court.h"
#include "gateway/judge.h"
#include "policy/envelope.h"
/*
 * hearing -- a client and its mails before a judge, out of texts
 *
 *	static void
 *	refused(struct hearing *h)
 *	{
 *		hearing_helo(h, "c.example");
 *		hearing_mail(h, "a@x.example");
 *		T_STR("...", hearing_rcpt(h, "b@here.example"), "...");
 *	}
 *	struct hearing h = { .rules = "on helo { ... }", .zone = "..." };
 *	hearing_hold(&h, refused);
 *
 * The function runs in a fiber, as a session would; the client is there by
 * then, and was greeted. Time is virtual: it passes from one deadline to the
 * next when nothing else moves. Linked with tests/fake/clock.c, libfakedns.a
 * and --wrap=dns_lookup, which notes what is asked. The loop is there already.
 */
#define HEARING_RCPTS	20	/* that are taken */

struct hearing {
	const char		*rules;
	const char		*conf;		/* settings; NULL: none */
	const char		*zone;		/* of DNS; NULL: empty */
	const char		*peer;		/* NULL: 192.0.2.9 */
	bool			 is_not_greeted;	/* the test does that */
	bool			 has_store;	/* for the checker of rules */
	bool			 has_redis;	/* the same */
	const struct judge_milters *milters;	/* NULL: none is asked */
	void			*test;		/* the test's own */
	/* out */
	struct arena		*arena;
	struct settings		*settings;
	struct ruleset		*rules_read;
	struct court		*court;
	struct client		 client;
	uint64_t		 errors;
	struct judge		*judge;
	struct arena		*mail;		/* NULL: none is under way */
	struct envelope		 envelope;
	struct rcpt		 rcpts[HEARING_RCPTS];
	struct verdict		 verdict;	/* the last, of rcpt or message */
	struct arena		*scratch;	/* of the last recipient */
	struct err		 err;
	struct buf		 asked;
	void			(*run)(struct hearing *h);
	bool			 is_over;
};

void		 hearing_hold(struct hearing *h,
		    void (*run)(struct hearing *h));

/* --- in the function; texts live as long as the hearing --- */

/* What DNS was asked since the last time, in the order of asking: "PTR
 * 9.2.0.192.in-addr.arpa, A c.example". What was begun gets the time to ask,
 * but not to wait. */
MAY_YIELD const char *hearing_asked(struct hearing *h);
MAY_YIELD void	 hearing_helo(struct hearing *h, const char *name);
/* Ends the mail before. */
MAY_YIELD void	 hearing_mail(struct hearing *h, const char *sender);
void		 hearing_mail_end(struct hearing *h);
/* A verdict as the traces print it, of the phase that refuses; "apart". Those
 * that are not refused, discarded or apart are taken. */
MAY_YIELD const char *hearing_rcpt(struct hearing *h, const char *to);
/* A whole message, in pieces of 7 octets. */
MAY_YIELD const char *hearing_message(struct hearing *h, const char *text);
/* What the last verdict logs, by "; ". */
const char	*hearing_logs(struct hearing *h);
#endif
