#ifndef GATEWAY_SESSION_H
#define GATEWAY_SESSION_H
#include <stdbool.h>
#include <stdint.h>
#include "base/addr.h"
#include "base/arena.h"
#include "base/conn.h"
#include "base/span.h"
#include "conf/settings.h"
#include "gateway/reply.h"
#include "gateway/stages.h"
#include "gateway/worker.h"
#include "policy/envelope.h"
#include "policy/phase.h"
/*
 * session -- one client's connection, from greeting to the end line
 *
 * A session is a fiber and an arena. It owns its conn and at most one mail;
 * the stage of the dialogue is computed from what it holds (session_stage).
 * Its end writes the "session end" line and frees all of it.
 */
struct mail;
struct verdict;
struct judge;
struct crowd_place;
struct session_milters;

struct session {
	struct arena	*arena;
	struct worker	*worker;
	const struct listener *listener;
	const struct smtp_conf *conf;
	struct conn	*conn;
	struct fiber	*fiber;
	char		 id[16];
	struct client	 client;
	char		*helo_room;	/* where client.helo stands, or NULL */
	size_t		 helo_cap;
	struct mail	*mail;		/* NULL: none under way */
	const char	*where;		/* last command, for the end line */
	unsigned	 verb;		/* of the last line: WORD_VERB_* */
	int64_t		 heard;		/* when it came, or the message; -1:
					   it was answered */
	const char	*ended_by;	/* "client", "timeout", "us", ... */
	int64_t		 started;	/* clock_now() */
	struct stages	 stages;	/* connect, helo */
	unsigned	 advertised;	/* enum ability bits, at last EHLO */
	uint64_t	 max_size;	/* as advertised */
	uint64_t	 errors, unknown, mails, delivered, commands;
	unsigned	 told;		/* phases, bits: session_tell_judged */
	unsigned	 helos_told;	/* how many times that of HELO was */
	char		 last_error[80];	/* a command's 5yz, for the log */
	bool		 may_xclient;	/* its own address is trusted so far */
	bool		 is_idle;	/* waits for a command, owes nothing */
	bool		 is_turned_away;	/* by the greeting */
	/* What it was told instead of being served; NULL: it was not. */
	const struct reply *turned_away;
	bool		 is_recorded;	/* that it was */
	struct crowd_place *place;	/* NULL: it is counted nowhere */
	struct judge	*judge;
	struct session_milters *milters;	/* NULL: none can be told of it */
	struct session	*next, **prevp;	/* worker->sessions */
};

/* Takes the accepted descriptor over. Called on the main stack. */
void	session_accept(struct listener *l, int fd, const struct addr *peer);
/* The worker's state or the clock changed: idle sessions look at it. */
void	sessions_wake_idle(struct worker *w);
/* Ends them all: every wait returns -1. */
void	sessions_stop(struct worker *w);

/* --- for the command handlers --- */

/* Waits until client.name and client.reverse are set. */
MAY_YIELD void	session_await_name(struct session *s);
/* The client comes before the judge, or another one does: XCLIENT, which may
 * have told its name, or tell more of a client whose name was found. */
void	session_judge_client(struct session *s, bool name_is_known);
/* What the rules of this phase have to say instead of its own reply, once
 * they have been waited for where they may hold it back. Code 0: nothing. */
MAY_YIELD struct reply session_judge(struct session *s, enum phase phase);
/* Logs what the phases that are decided by now gave beside a verdict. */
void	session_tell_judged(struct session *s);
/* Held back by a rule. -1: ERR_CLOSED. */
MAY_YIELD int	session_delay(const struct verdict *v, struct err *err);
/* The client sent ahead where it may not: noted once, logged, counted. */
void	session_early_pipelining(struct session *s);
/* The client may ask for TLS: there is a certificate, and no TLS yet. */
bool	session_offers_tls(const struct session *s);
/* TLS is up: what was learnt in clear is forgotten (RFC 3207 4.2). */
void	session_tls_began(struct session *s);
/* Shorter under stress. */
int64_t	session_command_timeout(const struct session *s);
int64_t	session_data_timeout(const struct session *s);
/* It is told this, and may not see a mail: for the journal. */
void	session_turned_away(struct session *s, const struct reply *r);
/* 220, or what the rules of connect say instead; but a proxy that may tell of
 * its client is not the one to be judged. */
MAY_YIELD struct reply session_greeting(struct session *s, bool is_proxy);
#endif
