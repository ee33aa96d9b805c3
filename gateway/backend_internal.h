#ifndef GATEWAY_BACKEND_INTERNAL_H
#define GATEWAY_BACKEND_INTERNAL_H
#include "base/conn.h"
#include "base/offload.h"
#include "gateway/backend.h"
#include "gateway/maildir.h"
/*
 * backend_internal -- what the backend_*.c files share, and nobody else
 *
 *	backends.c		their life; what all of them can do
 *	backend.c		transactions; failover; meaning of answers
 *	backend_health.c	which address; up and down; probes
 *	backend_pool.c		open connections: limits, reuse, good-bye
 *	backend_open.c		connect, greeting, EHLO, TLS
 *	backend_smtp.c		the client told, MAIL, RCPT
 *	backend_message.c	the message, and the answer to it
 *	backend_answers.c	the answers to it, if there are several
 *	backend_count.c		statistics
 *
 * Everything lives in the arena of the struct backends, except connections
 * (struct backend_link), which come and go. Who uses it is counted: its own
 * fibers (a probe for each address, a keeper for each backend) and
 * transactions. After backends_destroy() the last of them frees it.
 *
 * Errors    in here a connection that breaks is ERR_UNAVAIL; ERR_CLOSED only
 *           means that this fiber must stop (see backend_smtp_failed).
 */
#define BACKEND_ADDRS_MAX	64	/* of one backend: bits of a set */
#define BACKEND_OF_MAILDIR	(ABILITY_8BITMIME | ABILITY_SMTPUTF8)

struct backend_link {		/* one open connection */
	struct backend_addr	*addr;
	struct conn		*conn;
	unsigned		 abilities;	/* of its last EHLO */
	uint64_t		 max_size;
	unsigned		 xclient, xforward;	/* attributes offered */
	struct buf		 client;	/* told by XCLIENT: what was sent */
	bool			 is_kept;	/* has been in the pool */
	bool			 needs_rset;	/* a transaction is open there */
	bool			 is_broken;	/* never to be used again */
	uint64_t		 uses;		/* mails begun */
	unsigned		 refusals;	/* since a message was taken */
	int64_t			 born, idle_since;
	struct backend_link	*next;
};

struct backend_addr {		/* one address of a backend */
	struct backend		*backend;
	const struct backend_url *url;
	const char		*where;		/* "inside smtp://10.0.0.5:25" */
	struct maildir		*maildir;	/* only of maildir: */
	/* what its last EHLO said */
	bool			 is_known;
	unsigned		 abilities;
	uint64_t		 max_size;
	int64_t			 learnt;	/* when; clock_now() */
	/* health */
	bool			 is_down;
	unsigned		 failures;	/* in a row */
	int64_t			 failed_at;	/* the last one */
	int64_t			 rest_until;
	int64_t			 since;		/* up or down */
	struct err		 why;		/* the last failure */
	bool			 is_tls_broken;	/* STARTTLS: last handshake */
	int64_t			 clear_until;	/* so no STARTTLS for a while */
	struct fiber		*probe;
	/* pool */
	struct backend_link	*idle;		/* newest first */
	size_t			 nidle, nopen;
};

struct backend_waiter {		/* on the stack of who waits for a place */
	struct fiber		*fiber;
	struct backend_waiter	*next;
};

struct backend {
	struct backends		*all;
	const struct backend_conf *conf;
	const char		*helo;
	struct tls_client	*tls;		/* NULL: never TLS */
	struct backend_addr	*addrs;
	size_t			 naddrs;
	/* pool */
	size_t			 nopen, nidle;	/* of all addresses; places
						   taken by dialling too */
	struct backend_waiter	*waiters, **waiters_end;
	struct backend_link	*leaving;	/* for the keeper: QUIT */
	struct fiber		*keeper;
	int64_t			 keeper_until;	/* it sleeps so long */
};

struct backends {
	struct arena		*arena;
	const struct settings	*settings;
	struct backend		*list;
	size_t			 n;
	struct offload		*offload;	/* for Maildir; else NULL */
	size_t			 nusers;
	bool			 is_ending;
};

struct backend_tx {
	struct backend		*backend;
	struct arena		*arena;
	const struct client	*client;
	const struct envelope	*envelope;
	const char		*session_id;
	struct backend_addr	*addr;		/* NULL: not yet connected */
	struct backend_link	*link;		/* NULL: none, or Maildir */
	bool			 asks_prdr;	/* MAIL said so */
	struct reply		*refusal;	/* of MAIL: for every RCPT */
	struct err		 failure;	/* kind 0: none. It is over */
	bool			 is_lost;	/* the answer to the message */
	bool			 is_resting;	/* link was given back */
	bool			 is_ended;
};

/* --- backend.c --- */
/* What an answer means at its place: a 2yz that belongs there, a refusal
 * (4yz, 5yz) that concerns the mail, or neither: -1, the connection is then
 * broken and err says what came (ERR_SYNTAX, or ERR_UNAVAIL for 421). `to`
 * names what was answered. */
int	 backend_judge(struct backend_link *l, const char *to,
	    const struct reply *r, struct err *err);

/* --- backends.c --- */
/* A fiber or a transaction is done with it: its last act. */
void	 backends_leave(struct backends *all);

/* --- backend_health.c --- */
/* The address to try next, or NULL. `tried` is the set of those that this
 * transaction has tried; *has_forced keeps that it tried a resting one. */
struct backend_addr *backend_health_choose(struct backend *b,
	    uint64_t tried, bool *has_forced);
void	 backend_health_up(struct backend_addr *addr);
void	 backend_health_down(struct backend_addr *addr,
	    const struct err *why);
void	 backend_health_learn(struct backend_addr *addr, unsigned abilities,
	    uint64_t max_size);
void	 backend_health_start(struct backend_addr *addr);

/* --- backend_pool.c --- */
/* A kept connection to the address, or none (*l NULL) and a place to open
 * one. With `fresh` always the latter. */
MAY_YIELD int backend_pool_take(struct backend_addr *addr, bool fresh,
	    struct backend_link **l, struct err *err);
/* A place without waiting, for probes. */
bool	 backend_pool_try(struct backend_addr *addr);
/* The place is not needed: no connection came of it. */
void	 backend_pool_release(struct backend_addr *addr);
/* An open connection in a place that was taken. Takes the conn over. */
struct backend_link *backend_pool_add(struct backend_addr *addr,
	    struct conn *conn);
/* Closes it at once; its place stays taken. */
void	 backend_pool_discard(struct backend_link **l);
/* Keeps it for the next mail, or lets it go. */
void	 backend_pool_give(struct backend_link **l);
/* Lets it go: it is told QUIT. */
void	 backend_pool_dismiss(struct backend_link **l);
void	 backend_pool_start(struct backend *b);
/* At once and without waiting: the idle ones are told QUIT. */
void	 backend_pool_end(struct backend *b);

/* --- backend_open.c --- */
/* Connects, greets, negotiates, in a place that was taken; gives the place up
 * when it fails. */
MAY_YIELD int backend_open(struct backend_addr *addr,
	    struct backend_link **l, struct err *err);
/* EHLO, LHLO or HELO, and what is offered. */
MAY_YIELD int backend_open_hello(struct backend_link *l, struct err *err);

/* --- backend_smtp.c --- */
/* Tells of the client, then MAIL and RCPT. *is_refused: the answer is that to
 * MAIL. */
MAY_YIELD int backend_smtp_begin(struct backend_tx *tx,
	    const struct rcpt *rcpt, struct reply *answer, bool *is_refused,
	    struct err *err);
MAY_YIELD int backend_smtp_rcpt(struct backend_tx *tx,
	    const struct rcpt *rcpt, struct reply *answer, struct err *err);
/* One reply to what `to` names; a failure breaks the link. */
MAY_YIELD int backend_smtp_read(struct backend_link *l, const char *to,
	    int64_t patience, struct reply *r, struct err *err);
/* After a call on the link's conn failed: the link is broken, and the error
 * says whether the backend left or this fiber must stop. */
MAY_YIELD int backend_smtp_failed(struct backend_link *l, const char *doing,
	    struct err *err);
/* Before a command: nothing may be waiting. An answer too many would be taken
 * for the next one, and in the end for that to the message. */
int	 backend_smtp_in_step(struct backend_link *l, struct err *err);
/* An answer that leaves nothing to talk about: the link is broken. */
int	 backend_smtp_no_good(struct backend_link *l, const char *to,
	    const struct reply *r, struct err *err);

/* --- backend_message.c --- */
/* DATA or BDAT and the message to its end. 0: all was sent, the answer is to
 * come. 1: *answer came before that, and is a refusal. -1: it failed, and
 * the backend does not have the message. */
MAY_YIELD int backend_message_send(struct backend_tx *tx,
	    const struct backend_message *message, struct reply *answer,
	    struct err *err);
/* One answer to the message. -1: lost, or nonsense; *answer is what the client
 * is told, a line is in the log, and the link stays broken. 353 only where the
 * transaction asks for PRDR. */
MAY_YIELD int backend_message_read(struct backend_tx *tx,
	    struct reply *answer);
/* All answers have come: the link is good for another transaction. */
void	 backend_message_done(struct backend_link *l,
	    const struct reply *answer);

/* --- backend_answers.c --- */
/* All answers to the message, for whom there is none yet. Cannot fail: what is
 * lost is told by an answer. */
MAY_YIELD void backend_answers_read(struct backend_tx *tx,
	    const struct reply **answers);
/* The one for all who have none yet. */
void	 backend_answers_fill(const struct backend_tx *tx,
	    const struct reply **answers, const struct reply *r);

/* --- backend_count.c --- */
/* Times are those since `began`. A connection can be used. */
void	 backend_count_opened(const struct backend_addr *addr, int64_t began);
/* It has answered a RCPT. */
void	 backend_count_rcpt(const struct backend_tx *tx, int64_t began);
/* The message was handed over. `answers` NULL: the transaction failed. */
void	 backend_count_message(const struct backend_tx *tx, int64_t began,
	    const struct reply *const *answers);
#endif
