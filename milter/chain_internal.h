#ifndef MILTER_CHAIN_INTERNAL_H
#define MILTER_CHAIN_INTERNAL_H
#include "base/buf.h"
#include "milter/chain.h"
#include "milter/milters_internal.h"
/*
 * chain_internal -- what the chain_*.c files share, and nobody else
 *
 *	chain.c			their life; the steps, told to all
 *	chain_rcpt.c		recipients, told in order
 *	chain_tell.c		one filter brought up to date, one command told
 *	chain_message.c		the message, told to all
 *	chain_ask.c		the message, told to one filter
 *	chain_verdict.c		answers, failures, and what holds
 *
 * A link is one filter of one chain. What it was told over the connection that
 * it has now is counted, and what it was not told yet is told when it is to
 * hear of something that comes behind. So being late, HELO said again, and a
 * connection that is made anew are all one case.
 */
enum chain_stage {		/* what a link is brought up to */
	CHAIN_AT_CONNECT,
	CHAIN_AT_HELO,
	CHAIN_AT_MAIL,
	CHAIN_AT_RCPT,		/* all who were taken */
	CHAIN_AT_DATA
};

/* One who was taken, and refused by a filter that heard of him late. */
struct chain_late {
	size_t			 index;
	struct chain_verdict	 v;
	struct chain_late	*next;
};

struct chain_link {
	struct chain		*chain;
	size_t			 index;		/* in the settings */
	const struct milter_conf *conf;
	bool			 is_attached;	/* to the client, by a rule */
	bool			 is_attached_mail;
	/* the connection, and what was told over it */
	struct milters_use	 use;
	bool			 must_be_fresh;	/* the next one */
	struct arena		*arena;		/* ends with it, or with the
						   failure */
	bool			 has_connect;
	unsigned		 helo, mail;	/* chain.helos, chain.mails */
	size_t			 rcpts;
	bool			 has_data;
	/* What holds, or NULL: for the client; for the mail; because it has
	 * failed, until the next MAIL. */
	const struct chain_verdict *client, *v, *failure;
	bool			 is_over_client, is_over; /* it has accepted */
	/* this mail */
	struct chain_late	*late, **late_end;	/* not yet said */
	size_t			 nlate;
	int			 late_code;	/* of the first one */
	bool			 is_asked;	/* about the message */
	bool			 is_for_nobody;	/* nobody was left for whom */
	bool			 is_settled;	/* and the owner told */
	struct edits		 edits;
	struct chain_message	 message;	/* as it stood at its turn */
	struct fiber		*fiber;		/* beside the others; or NULL */
};

struct chain_taken {		/* a recipient */
	struct chain_rcpt	 rcpt;
	bool			 is_refused;	/* by a filter, later */
};

struct chain {
	struct arena		*arena;		/* the session's */
	struct milters		*milters;
	const struct chain_source *source;
	struct chain_link	*links;
	size_t			 n;
	/* the client */
	struct addr		 addr;
	bool			 has_connect;
	struct span		 host;
	unsigned		 helos;		/* how many; 0: none yet */
	bool			 has_helo;
	struct buf		 helo;
	struct arena		*scratch;	/* chain_scratch(); or NULL */
	/* the mail */
	struct arena		*mail;		/* NULL: none */
	unsigned		 mails;		/* how many */
	struct span		 sender;
	const struct span	*args;
	size_t			 nargs;
	bool			 is_authenticated;
	struct chain_taken	*rcpts;
	size_t			 nrcpts, rcpts_cap, nrefused;
	bool			 has_data;
	/* the message */
	struct fiber		*asker;
	size_t			 nasking;	/* fibers beside it */
};

/* --- chain.c --- */

/* NULL: it does not fit the client. */
struct chain_link *chain_find(const struct chain *c, size_t milter);
/* It fits the mail, and it is one of `when always` or was attached. */
bool		 chain_applies(const struct chain_link *l);
/* Its `authenticated` fits; one that cares does not fit before MAIL. */
bool		 chain_fits(const struct chain_link *l);
/* The step is told to all who are to hear of it now. */
MAY_YIELD void	 chain_tell_all(struct chain *c, enum chain_stage stage,
		    struct chain_verdict *v);
/* Until the next of them: for the answers to a command that hold no longer. */
struct arena	*chain_scratch(struct chain *c);
void		 chain_copy_args(struct arena *a, const struct span *args,
		    size_t n, const struct span **out);

/* --- chain_verdict.c --- */

void		 chain_verdict_pass(struct chain_verdict *v);
/* What an answer means to the client. Text stays where it is. */
void		 chain_verdict_of(const struct chain_link *l,
		    const struct answer *answer, struct chain_verdict *v);
/* What is said to a failure at this command, at this stage of the client. */
void		 chain_verdict_failed(const struct chain_link *l, char command,
		    enum chain_stage stage, const struct err *err,
		    struct chain_verdict *v);
/* Keeps what holds longer than this command. */
void		 chain_hold(struct chain_link *l, char command,
		    const struct answer *answer, const struct chain_verdict *v);
/* Something holds, and it is told nothing more of the mail; chain_verdict_now()
 * is what it says to it. */
bool		 chain_holds(const struct chain_link *l);
const struct chain_verdict *chain_held(const struct chain_link *l);
void		 chain_verdict_now(const struct chain_link *l,
		    struct chain_verdict *v);
/* The first of those that apply, in order, that does not pass: true. */
bool		 chain_verdict_first(const struct chain *c,
		    struct chain_verdict *v);

/* --- chain_tell.c --- */

/* Told over the connection that it has now. */
bool		 chain_is_told(const struct chain_link *l);
bool		 chain_is_in_mail(const struct chain_link *l);
/* Tells whatever it does not know yet, up to and including the stage. What
 * comes of it holds. */
MAY_YIELD void	 chain_bring(struct chain_link *l, enum chain_stage stage);
/* Those of the list, at the same time if they have to be waited for. */
MAY_YIELD void	 chain_bring_all(struct chain_link **list, size_t n,
		    enum chain_stage stage);
/* One command; its verdict holds as far as such a one holds. `rcpt` only of
 * RCPT, `line` of an unknown command. -1: it has failed, that holds. 1: a kept
 * connection had gone, nothing has been told over the next one yet. */
MAY_YIELD int	 chain_tell(struct chain_link *l, struct arena *a, char command,
		    enum chain_stage stage, const struct chain_rcpt *rcpt,
		    struct span line, struct chain_verdict *v);
/* Behind a command that failed: -1 or 1, as chain_tell(). */
MAY_YIELD int	 chain_failed(struct chain_link *l, char command,
		    enum chain_stage stage, const struct err *err, int64_t us);
/* All recipients were refused by filters that heard of them late. Libmilter
 * answers neither DATA nor a message then. */
bool		 chain_is_for_nobody(const struct chain_link *l);
/* Macros of the command, into `values`. */
void		 chain_macros(const struct chain_link *l, char command,
		    const struct chain_rcpt *rcpt, struct span *values);
/* Whoever it refused late is made known to the owner. */
void		 chain_say_late(struct chain_link *l);

/* --- chain_ask.c --- */

/* Tells the message, l->message; what comes of it holds, or is in l->edits. */
MAY_YIELD void	 chain_ask(struct chain_link *l);
/* It counts: recipients that it refused late, and its edits. */
MAY_YIELD void	 chain_settle(struct chain_link *l);
#endif
