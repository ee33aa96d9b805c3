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
#include "gateway/worker.h"
#include "policy/envelope.h"
/*
 * session -- one client's connection, from greeting to the end line
 *
 * A session is a fiber and an arena. It owns its conn and at most one mail;
 * the stage of the dialogue is computed from what it holds (session_stage).
 * Its end writes the "session end" line and frees all of it.
 */
struct mail;
struct client_checks;
struct inspection;
struct namer;

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
	const char	*ended_by;	/* "client", "timeout", "us", ... */
	int64_t		 started;	/* clock_now() */
	unsigned	 advertised;	/* enum ability bits, at last EHLO */
	uint64_t	 max_size;	/* as advertised */
	uint64_t	 errors, unknown, mails, delivered, commands;
	char		 last_error[80];	/* a command's 5yz, for the log */
	bool		 may_xclient;	/* its own address is trusted so far */
	bool		 is_idle;	/* waits for a command, owes nothing */
	struct namer	*namer;		/* NULL: its result is in client */
	struct client_checks *checks;	/* NULL: its mail is not inspected */
	struct inspection *left;	/* of a mail that was broken off */
	struct session	*next, **prevp;	/* worker->sessions */
};

/* Takes the accepted descriptor over. Called on the main stack. */
void	session_accept(struct listener *l, int fd, const struct addr *peer);
/* The worker's state or the clock changed: idle sessions look at it. */
void	sessions_wake_idle(struct worker *w);
/* Ends them all: every wait returns -1. */
void	sessions_stop(struct worker *w);

/* --- for the command handlers --- */

/* The client's confirmed reverse name is looked up from the first moment on;
 * this waits until client.name and client.reverse are set. */
MAY_YIELD void	session_await_name(struct session *s);
/* Forgets what is known of it and looks anew (XCLIENT). */
void	session_look_up_name(struct session *s);
/* Begins the checks of the client, anew if there were some. */
void	session_check_client(struct session *s);
/* The client sent ahead where it may not: noted once, logged, counted. */
void	session_early_pipelining(struct session *s);
/* The client may ask for TLS: there is a certificate, and no TLS yet. */
bool	session_offers_tls(const struct session *s);
/* TLS is up: what was learnt in clear is forgotten (RFC 3207 4.2). */
void	session_tls_began(struct session *s);
/* Shorter under stress. */
int64_t	session_command_timeout(const struct session *s);
int64_t	session_data_timeout(const struct session *s);
struct reply session_greeting(const struct session *s);
#endif
