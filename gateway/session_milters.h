#ifndef GATEWAY_SESSION_MILTERS_H
#define GATEWAY_SESSION_MILTERS_H
#include <stdbool.h>
#include "base/fiber.h"
#include "gateway/reply.h"
#include "gateway/session.h"
#include "milter/chain.h"
#include "milter/macro.h"
#include "policy/phase.h"
/*
 * session_milters -- a session's client before the filters
 *
 * Between the dialogue with the client and the filters of the configuration
 * (milter/chain.h); of his mails: mail_milters.h. Nothing is held, and nothing
 * done, in a session of whom no filter can ever be told.
 *
 * What filters say against the client or his HELO is told at each RCPT, as what
 * rules say; or at once if `reject_at connect` says so. One that closes the
 * session does it at once.
 *
 * Yields    for the client's name and the filters, within their timeouts.
 * Replies   code 0: nothing against it; with `close` the session is over.
 * Logs      a line for each answer that does not let pass, and each failure
 */
struct session_milters {
	struct arena	*arena;
	struct session	*session;
	struct chain_source source;
	struct chain	*chain;
	bool		 is_prompt;	/* some are told at connect */
	bool		 is_proxy;	/* who may yet tell of another client:
					   nobody hears of him before MAIL */
	struct span	 client[MACRO_COUNT];	/* values of macros */
	bool		 is_known;	/* the chain knows the client */
	bool		 is_named;	/* and his HELO */
	struct reply	 held;		/* against him; code 0: nothing */
	bool		 has_failed;	/* held by that, until MAIL */
};

/* There is another client. What to say instead of a greeting, unless he
 * `is_proxy` who may tell us of others. */
MAY_YIELD struct reply session_milters_greet(struct session *s,
		    bool is_proxy);
MAY_YIELD struct reply session_milters_helo(struct session *s);
MAY_YIELD void	 session_milters_starttls(struct session *s);
/* A line that is no command. Between the chunks of a message no filter hears of
 * it: libmilter does not take it there, and a client could put filters to rest
 * with it. */
MAY_YIELD struct reply session_milters_unknown(struct session *s,
		    struct span line);
/* The session is over. */
MAY_YIELD void	 session_milters_end(struct session *s);

/* --- for mail_milters.c --- */
/* False: no filter can be told of this client. Unless filters are told at
 * connect, it is a client's first mail that begins it: who is idle before that
 * holds nothing for filters. */
bool		 session_milters_begin(struct session *s);
/* The chain knows the client, whose name is looked up for that, and his HELO.
 * Who is told late hears of them with the mail. */
MAY_YIELD void	 session_milters_know(struct session *s);
/* What rules of this phase, up to MAIL, want filters to hear of, as far as it is
 * known by now: this client, or this mail. */
void		 session_milters_attach(struct session *s, enum phase phase);
/* MAIL: filters that have failed are tried anew, and what was held for that is
 * held no longer. */
void		 session_milters_forgive(struct session *s);
/* What a verdict is to the client; code 0: PASS and DISCARD. */
struct reply	 session_milters_reply(struct session *s,
		    const struct chain_verdict *v);
#endif
