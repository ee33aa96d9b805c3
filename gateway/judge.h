#ifndef GATEWAY_JUDGE_H
#define GATEWAY_JUDGE_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/fiber.h"
#include "filters/checks.h"
#include "gateway/court.h"
#include "gateway/crowd.h"
#include "policy/envelope.h"
#include "policy/header.h"
#include "policy/rule_eval.h"
/*
 * judge -- one client and its mails before the rules, phase by phase
 *
 * Stands between what the rules say (policy/rule_eval.h) and what has to be
 * looked up for them (filters/checks.h). A session has one for as long as its
 * client stays the same; `forepost explain` has one too.
 *
 *	j = judge_begin(court, &who);
 *	judge_enter(j, PHASE_CONNECT);		at each phase's input
 *	judge_await(j, PHASE_MAIL, &err);	where the answer is needed
 *	v = judge_refusal(j);			NULL: nothing against it
 *
 * Entering a phase never waits. If all before it is decided, its rules are
 * asked as far as what is known reaches: a client that they trust or refuse
 * so costs no lookup. Otherwise everything that this phase and later ones can
 * ask for, and that can be known from now on, begins to be looked up.
 * judge_await() decides all phases up to the one given, in their order. What
 * is refused at one phase is refused at all behind it, which are not asked.
 *
 * Trust     nothing is looked up behind it, for as long as it lasts; a mail is
 *           given no findings then.
 * Yields    those that are marked; within the timeouts of the checks.
 * Memory    a verdict lives as long as its phase: that of connect with the
 *           judge, of helo until the next one, of mail and message with the
 *           mail, of rcpt in the arena given.
 * Errors    -1 only with ERR_CLOSED: this fiber must stop.
 * Never     replies or logs: see gateway/sentence.h.
 */
struct judge;
struct store;

/*
 * The filters, as the rules of the message ask them: each at most once for a
 * mail, whoever asks. `milter` is the index in the settings. -1 with ERR_CLOSED
 * alone: what fails is something that a filter says.
 */
struct judge_milters {
	void		*owner;
	/* For the fact milter.NAME, by the index of its word. Of a filter that
	 * is told by rules alone nothing comes of what it says; any other is
	 * asked in its turn, behind those in front of it, and is obeyed. */
	MAY_YIELD int	(*ask)(void *owner, size_t milter, unsigned *word,
			    struct err *err);
	/* For the action: what it says holds. If it lets the mail pass its
	 * changes are made now, else its reply is the mail's. */
	MAY_YIELD int	(*obey)(void *owner, size_t milter,
			    struct consult_answer *answer, struct err *err);
};

struct judge_client {
	struct client		*client;	/* name and reverse are set */
	const char		*listener;
	unsigned		 wants;		/* court_wants() */
	bool			 is_unchecked;	/* court_is_unchecked() */
	const uint64_t		*errors;	/* of the session; by pointer */
	struct crowd_counts	 sessions;	/* open when it came */
	const struct judge_milters *milters;	/* NULL: none is asked */
};

struct judge	*judge_begin(const struct court *c,
		    const struct judge_client *who);
void		 judge_end(struct judge **j);
/* Traces are made for all phases from now on, in judge_trace(). */
void		 judge_keep_traces(struct judge *j);

/* Behind judge_enter(j, PHASE_CONNECT): the greeting is due, and whether the
 * client spoke before it is known. */
void		 judge_greeted(struct judge *j);
/* Before judge_enter(j, PHASE_HELO): waits for what the last name set off, if
 * this is another one. Who says HELO without end makes no more lookups than
 * others. */
MAY_YIELD int	 judge_settle_helo(struct judge *j, struct err *err);
/* Connect, helo (the client's HELO name is set) and message. */
void		 judge_enter(struct judge *j, enum phase phase);
MAY_YIELD int	 judge_await(struct judge *j, enum phase upto,
		    struct err *err);
/* Of connect, helo or mail: what refuses, or NULL. */
const struct verdict *judge_refusal(const struct judge *j);
/* NULL: not decided (yet). */
const struct verdict *judge_verdict(const struct judge *j, enum phase phase);
const struct rule_trace *judge_trace(const struct judge *j, enum phase phase);
/* What rules that observe would have decided of the mail at hand: what they
 * would have refused it with before its recipients, or all of these, or what
 * they would have decided of the message. NULL: nothing. */
const struct verdict *judge_would(const struct judge *j);
/* Of the recipient at hand; NULL: no rule asked. */
struct greylist_answer;
const struct greylist_answer *judge_greylist_answer(const struct judge *j);
int64_t		 judge_score(const struct judge *j);
/* The names of the scores, with a comma between them. */
void		 judge_put_scores(const struct judge *j, struct buf *out);
bool		 judge_is_trusted(const struct judge *j);
/* The client's name and reverse are set. Whether that takes no waiting. */
bool		 judge_has_name(const struct judge *j);
MAY_YIELD int	 judge_name(struct judge *j, struct err *err);

/* --- a mail: judge_mail.c --- */

/* Enters PHASE_MAIL. The envelope is kept by pointer; the mail's arena must
 * end behind judge_mail_end(). Waits for what the checks of a mail before,
 * that was broken off, have still under way: a client that begins mails
 * without end makes no more lookups than one that sends them. */
MAY_YIELD int	 judge_mail_begin(struct judge *j,
		    const struct envelope *envelope, struct err *err);
void		 judge_mail_end(struct judge *j);
/* The store for this client, NULL: there is none, or he has just waited for it
 * in vain, and is not made to wait again so soon. Whoever asked it and got no
 * answer says when he began. */
struct store	*judge_store(const struct judge *j);
void		 judge_store_waited(struct judge *j, int64_t began);
/* Who sends the mail at hand, by all that the greylist tells senders from each
 * other by and that was found so far: an origin as fates.h has it. */
const char	*judge_origin(struct judge *j, struct arena *a);
/* Until when this client is not made to wait for the store: for lookup.h. */
int64_t		*judge_store_rest(struct judge *j);
/* Waits until nothing is under way for this client any more. */
MAY_YIELD int	 judge_settle(struct judge *j, struct err *err);

/*
 * One recipient; all phases before are decided. `count` is its number among
 * those that were taken. *is_apart: the rules of the message may treat it
 * otherwise than the recipients that were taken before, so that it needs a
 * mail of its own. judge_rcpt_taken() follows if it is taken.
 */
MAY_YIELD int	 judge_rcpt(struct judge *j, struct arena *a,
		    const struct rcpt *rcpt, size_t count,
		    struct verdict *verdict, bool *is_apart, struct err *err);
void		 judge_rcpt_taken(struct judge *j);

/* The message begins: enters PHASE_MESSAGE. */
void		 judge_message_begin(struct judge *j);
/* The next octets, behind header_feed(). A header beyond the limits, whose
 * mail will be refused, is not looked at. */
void		 judge_message_feed(struct judge *j,
		    const struct header_scan *scan,
		    const struct smtp_conf *limits, struct span octets);
/* All has come: the rules of the message, as for the first of the recipients
 * that were taken. */
MAY_YIELD int	 judge_message(struct judge *j,
		    const struct header_scan *scan, uint64_t size,
		    struct verdict *verdict, struct err *err);
/* Behind that: everything that was found, NULL if nothing was looked for. */
MAY_YIELD int	 judge_findings(struct judge *j,
		    const struct findings **findings, struct err *err);
/* What was found so far, for the log; during a mail. */
void		 judge_found(struct judge *j, struct findings *out);
/*
 * A fact that is known by now: nothing is looked up, asked, parsed or waited
 * for. `found` is of judge_found(). Facts of a recipient are those of the one
 * at hand, between judge_rcpt() and the end of its arena. False: it is not
 * known, or was never looked for. The value lives until the end of the mail, or
 * of the client if there is none.
 */
bool		 judge_known(struct judge *j, const struct findings *found,
		    const struct fact_ref *ref, struct value *v);
/* What was gathered of the header, with its empty line; "": nobody needs it.
 * It lives until judge_mail_end(). */
struct span	 judge_header(struct judge *j);
const struct fields *judge_fields(struct judge *j);
#endif
