#ifndef MILTER_CHAIN_H
#define MILTER_CHAIN_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "base/addr.h"
#include "base/arena.h"
#include "base/err.h"
#include "base/fiber.h"
#include "base/span.h"
#include "base/spool.h"
#include "milter/dialogue.h"
#include "milter/milters.h"
#include "policy/fields.h"
/*
 * chain -- one client, told to all filters that apply to him
 *
 *	c = chain_begin(session_arena, milters, &source, listener, &client);
 *	chain_connect(c, host, &v);
 *	chain_helo(c, name, &v);
 *	chain_mail(c, mail_arena, sender, args, nargs, login, &v);
 *	chain_rcpt(c, &rcpt, &v);	... each one whom all others took
 *	chain_data(c, &v);
 *	chain_message(c, SIZE_MAX, &v);
 *	chain_abort(c);			the mail is over, good or bad
 *	chain_end(&c);
 *
 * Each step remembers what it is given, brings the filters up to date that are
 * to hear of it now, and gives the verdict that holds: for this client, this
 * mail, or this recipient. A filter that is told late hears all in order:
 * connect, the last HELO, MAIL, the recipients taken, DATA.
 *
 * Who       a filter applies by its listeners and networks, by `authenticated`,
 *           and (`when rules`) once it was attached or consulted.
 * When      `tell_at rcpt`: not before chain_rcpt() with a recipient that is
 *           not refused; then each HELO at once, MAIL again with the first
 *           recipient. `tell_at connect`: at each step; but one that asks for
 *           `authenticated` yes or no not before MAIL, when that is known.
 * Verdict   the first in order that does not pass. It is held as the filter's
 *           own answers are (dialogue.h); as long as one is held for the client
 *           or the mail, nobody is told more of it. At a step all are told at
 *           the same time; but RCPT in order, and those behind a refusal (which
 *           is this recipient's alone) hear nothing of him. DISCARD at RCPT
 *           discards the message.
 * Replies   a filter's own code and text. REJECT is 550 5.7.1, TEMPFAIL 451
 *           4.7.1, as in Postfix, DISCARD is no reply; SHUTDOWN closes with 421
 *           4.7.0, a reply of code 421 too; CONN_FAIL without a word.
 * Message   asked in order, each sees it as those in front have left it, with
 *           their edits. A filter that may not edit runs beside the others, on
 *           the message as it stood at its turn. If it refuses, edits of those
 *           behind it may have been made already: then nothing of the message
 *           may be used.
 * Failure   no connection, no answer in time, nonsense, an edit that cannot be
 *           made: the failure action of the stage. That is the stage of the
 *           command that failed; for a connection, the one at which the filter
 *           was to be told; DATA is one of the message, an unknown command has
 *           `failure` itself. accept: the rest goes on without it. tempfail:
 *           451 4.7.1. reject: 550 5.5.0. shutdown: 421 4.7.1, and close. But
 *           a header field that is larger than a packet is 552 5.3.4 whatever
 *           the settings say: nobody can choose that a filter is passed over. It
 *           holds until the next MAIL, which tries anew. A connection that is found closed between two mails, or
 *           a kept one before it has given an answer, is replaced unseen: the
 *           filter was started anew.
 * Stop      if the fiber must stop (fiber_is_stopped()) the verdict is
 *           CHAIN_CLOSE with code 0 and `why` is ERR_CLOSED. That is no failure
 *           of a filter.
 * Memory    texts given are copied: the client's (HELO in one place, however
 *           often), the mail's into its arena. A verdict's text lives until
 *           the next call. What the source gives: see there.
 * Order     one call at a time. The mail's arena lives until chain_abort(), the
 *           next chain_mail(), or chain_end().
 * Limits    one connection for each filter and client; of the mail, what the
 *           caller lets pass (recipients, header fields)
 */
struct chain;

struct chain_rcpt {
	struct span		 address;	/* without < > */
	const struct span	*args;		/* "NOTIFY=NEVER" */
	size_t			 nargs;
	bool			 is_refused;	/* by us or the backend: */
	const char		*enhanced;
	struct span		 why;
};

enum chain_kind {
	CHAIN_PASS,
	CHAIN_REFUSE,
	CHAIN_DISCARD,
	CHAIN_CLOSE		/* the reply and close; code 0: without one */
};

#define CHAIN_NOBODY	SIZE_MAX

struct chain_verdict {
	enum chain_kind	 kind;
	int		 code;		/* of REFUSE and CLOSE: 400 to 599 */
	char		 enhanced[12];	/* "5.7.1"; or "" */
	struct span	 text;		/* LF between its lines; may hold
					   other controls */
	size_t		 milter;	/* who: index in the settings; of PASS
					   for all: CHAIN_NOBODY */
	enum answer_kind said;		/* its answer; 0: a failure, or of all */
	bool		 is_failure;	/* it has failed, this is what the
					   settings say to that */
	bool		 is_resting;	/* nor was it tried: milters.h */
	struct err	 why;		/* of a failure, and of a stop */
};

/* The message as it stands. What it points to stays as it is until the mail
 * is over, whatever edits are made in between: somebody may still be told. */
struct chain_message {
	/* Where the header ends is for the owner to say. Our own Received is
	 * not in it. A line that is no field (its name is empty) cannot be told
	 * and is passed over. */
	const struct field *fields;
	size_t		 nfields;
	struct spool	*body;
	uint64_t	 offset;	/* it begins here in the spool */
};

/*
 * The owner's side; it must outlive the chain. All but apply() return without
 * waiting, and may be called from other fibers than the chain's, but never two
 * at a time.
 */
struct chain_source {
	void	*owner;
	/* Sets the values of the macros for this command (SMFIC_*) among
	 * MACRO_COUNT, by enum macro, which are empty. `rcpt` only at RCPT.
	 * They live until the next call, or longer. */
	void	(*macros)(void *owner, char command,
		    const struct chain_rcpt *rcpt, struct span *values);
	void	(*message)(void *owner, struct chain_message *out);
	/* All edits of a filter that has let the mail pass, or none of them
	 * and -1: they cannot be made, err says which and why; that is a
	 * failure of the filter. Quarantine is one of them. Called in the
	 * fiber of the chain's caller, in the filters' order. */
	MAY_YIELD int (*apply)(void *owner, size_t milter,
		    const struct edits *edits, struct err *err);
	/* One who was taken has been refused by a filter that heard of him
	 * late: the index-th (from 0) whom chain_rcpt() let pass. This is his
	 * answer to the message; `v` is CHAIN_REFUSE, its text lives until the
	 * mail is over. At most once for each. */
	void	(*rcpt_refused)(void *owner, size_t index,
		    const struct chain_verdict *v);
	/* For log and statistics: a filter has answered this command, or
	 * failed at it (SMFIC_OPTNEG: at the connection), `us` after it was
	 * sent. The whole message is one command, SMFIC_BODYEOB, unless it was
	 * answered earlier. Not for what is only held. */
	void	(*told)(void *owner, size_t milter, char command,
		    const struct chain_verdict *v, int64_t us);
};

/* NULL: no filter can ever be told of this client. The chain lives in `a`, the
 * session's arena, but chain_end() is for the caller. */
struct chain	*chain_begin(struct arena *a, struct milters *m,
		    const struct chain_source *source, const char *listener,
		    const struct addr *client);
/* In a fiber. The mail, if any, is over too. Nulls the pointer; NULL is no
 * bug. */
MAY_YIELD void	 chain_end(struct chain **c);

/* An empty host: a client without a name. */
MAY_YIELD void	 chain_connect(struct chain *c, struct span host,
		    struct chain_verdict *v);
MAY_YIELD void	 chain_helo(struct chain *c, struct span name,
		    struct chain_verdict *v);
/* TLS begins: the mail is over, HELO is forgotten (RFC 3207 4.2). */
MAY_YIELD void	 chain_starttls(struct chain *c);
/* `a` is the mail's arena. The mail before is over. */
MAY_YIELD void	 chain_mail(struct chain *c, struct arena *a,
		    struct span sender, const struct span *args, size_t nargs,
		    bool is_authenticated, struct chain_verdict *v);
/* One who passes is kept and counted. A refused one is told to those who have
 * heard of the mail and want him; the verdict is PASS, whatever they say to
 * him. */
MAY_YIELD void	 chain_rcpt(struct chain *c, const struct chain_rcpt *rcpt,
		    struct chain_verdict *v);
/* Somebody who has heard of the mail wants refused ones too. */
bool		 chain_wants_refused(const struct chain *c);
MAY_YIELD void	 chain_data(struct chain *c, struct chain_verdict *v);
/* A command that nobody knows, not in a message. Told to those who have heard
 * of the client; the verdict is that on this one line. */
MAY_YIELD void	 chain_unknown(struct chain *c, struct span line,
		    struct chain_verdict *v);

/* --- by rules; `milter` is the index in the settings. What does not fit the
 * client (listener, networks, authenticated) is passed over. --- */

/* From now on it is told of this client (is_mail false) or of this mail, as if
 * it were `when always`. Between two mails that is the next one; chain_abort()
 * ends it, even if chain_mail() never came. */
void		 chain_attach(struct chain *c, size_t milter, bool is_mail);
/* The message has come. Asks those that apply and were not asked yet, in order,
 * up to and including `upto` (SIZE_MAX: all). */
MAY_YIELD void	 chain_message(struct chain *c, size_t upto,
		    struct chain_verdict *v);
/* The message has come: tells one of `when rules` everything up to its end,
 * once a mail. Neither its verdict nor its edits come to anything; see
 * chain_said(). */
MAY_YIELD void	 chain_consult(struct chain *c, size_t milter);
/* The same, and what it said holds: its verdict, or if it lets pass, its
 * edits. */
MAY_YIELD void	 chain_obey(struct chain *c, size_t milter,
		    struct chain_verdict *v);

enum chain_said {
	CHAIN_NONE,		/* it was not told of this mail */
	CHAIN_ACCEPTED,
	CHAIN_REJECTED,		/* 5yz */
	CHAIN_TEMPFAILED,	/* 4yz, and a closed connection */
	CHAIN_DISCARDED,
	CHAIN_QUARANTINED,	/* it lets pass, but it is to be kept back */
	CHAIN_ERROR		/* it failed, whatever its failure action */
};
/* On this mail, once it was asked by one of the three above. */
enum chain_said	 chain_said(const struct chain *c, size_t milter);

/* The mail is over: sent, refused, RSET, HELO, or the client has left. Whoever
 * is in the middle of it is told so. */
MAY_YIELD void	 chain_abort(struct chain *c);
#endif
