#ifndef GATEWAY_COURT_H
#define GATEWAY_COURT_H
#include <stdbool.h>
#include "base/arena.h"
#include "filters/authres_forged.h"
#include "filters/checks.h"
#include "gateway/ruleset.h"
#include "policy/phase.h"
/*
 * court -- what all sessions of a worker are judged by
 *
 * The rules, the checks that these and our own header fields can ask for, and
 * what is worth knowing of the rules before any of them is asked. Made once,
 * read only.
 */
struct stock;
struct court {
	const struct settings	*settings;
	const struct ruleset	*rules;
	struct checker		*checker;
	struct stock		*stock;		/* its owner's, set behind
						   court_open(); NULL: none */
	unsigned		 wants;		/* bits of enum check */
	bool			 has_rules[PHASES];
	/* It may hold the reply back or end the session (`delay`,
	 * `disconnect`), or have a filter told that is to hear of this stage
	 * at once; it may refuse. See court_is_prompt(). */
	bool			 is_prompt[PHASES];
	bool			 refuses[PHASES];
	/* Rules of connect that need no lookup may trust or refuse: before
	 * they are asked none begins. */
	bool			 has_gate;
	bool			 reads_header;	/* rules do, or change it */
	bool			 asks_store;	/* rules do, or routes */
	struct authres_ids	 ids;		/* names of ours in results */
};

/* Starts the checks, as checker_create() says. The ruleset and the settings
 * outlive it; it ends with the arena. */
struct court	*court_open(struct arena *a, const struct settings *s,
		    const struct ruleset *rules, dnsbl_event_fn *report);
/* This machine itself, and the networks of the listener's `unchecked`. */
bool		 court_is_unchecked(const struct smtp_conf *conf,
		    const struct addr *client);
/* What may be looked up for a client: nothing for this machine itself, and
 * for others that are unchecked the name, since Received tells it. */
unsigned	 court_wants(const struct court *c,
		    const struct smtp_conf *conf, const struct addr *client);
/* Whether a phase is decided before its own reply, and not only at RCPT. */
bool		 court_is_prompt(const struct court *c,
		    const struct smtp_conf *conf, enum phase phase);
/* Sets the name that is known without a lookup: of this machine, else none. */
void		 court_name(struct client *client);
#endif
