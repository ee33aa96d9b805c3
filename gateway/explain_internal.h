#ifndef GATEWAY_EXPLAIN_INTERNAL_H
#define GATEWAY_EXPLAIN_INTERNAL_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <jansson.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/fiber.h"
#include "base/span.h"
#include "filters/checks.h"
#include "filters/greylist.h"
#include "filters/rdns.h"
#include "gateway/court.h"
#include "gateway/dotstream.h"
#include "gateway/reply.h"
#include "policy/envelope.h"
#include "policy/header.h"
#include "policy/rule_eval.h"
/*
 * explain_internal -- what the files of explain share
 *
 * explain.c		arguments, the message, one run of the loop
 * explain_look.c	all facts, whether a rule asks for them or not
 * explain_judge.c	the rules, phase by phase as in a session
 * explain_facts.c	the facts and their reasons, as JSON
 * explain_json.c	the page of --json
 * explain_text.c	the page for people
 */

/* What would become of the mail. */
enum fate {
	FATE_UNDECIDED,		/* not refused, as far as was asked */
	FATE_DELIVERED,		/* handed to the backend, who answers */
	FATE_QUARANTINED,
	FATE_DISCARDED,
	FATE_REFUSED, FATE_DEFERRED,
	FATE_DISCONNECTED
};

struct heard_phase {
	const struct verdict	*verdict;	/* NULL: not asked */
	struct rule_trace	 trace;
	const char		*unasked;	/* why */
};

/* What a session would have done. */
struct judge;
struct hearing {
	struct judge		*judge;		/* in which what follows lives */
	const struct listener_conf *listener;
	const char		*rules;		/* where they come from */
	bool			 is_observing;	/* `mode observe` */
	const char		*unlooked;	/* what is not looked up for
						   this client; NULL: nothing
						   that rules ask for */
	const struct greylist_answer *greylist;	/* NULL: no rule asked */
	const char		*store;		/* why it does not say; or NULL */
	struct heard_phase	 phases[PHASES];
	enum fate		 fate;
	enum phase		 phase;		/* where it was settled */
	const struct rule	*rule;		/* who did; NULL: no rule */
	const char		*why;		/* without a rule; or NULL */
	const struct reply	*reply;		/* NULL: the backend's */
	const char		*reply_to;	/* "greeting", "EHLO", ... */
	const char		*backend;	/* NULL: none, or not known */
	int64_t			 delay;
	int64_t			 score;
	struct span		 scores;	/* their names */
	const struct header_edit *edits;	/* of the message */
	size_t			 nedits;
	struct span		 fields;	/* that would be added on top */
	size_t			 ncuts;		/* forged ones that would go */
};

struct explanation {
	/* given */
	struct client		 client;
	bool			 has_name;	/* of the client; as if told */
	struct envelope		 envelope;
	bool			 has_rcpt, has_message;
	struct rcpt		 rcpt;
	struct span		 message;	/* as it came out of `in` */
	struct dotstream	 in;
	struct header_scan	 scan;
	/* found: explain_look() */
	struct client_checks	*checks;	/* what was found is theirs */
	const char		*reverse_name;	/* confirmed or not */
	struct rdns_helo	 helo;
	struct rdns_sender	 sender;
	struct findings		 findings;
	/* explain_judge() */
	struct hearing		 heard;
};

/* Both fill in their part, and may run side by side. -1 with ERR_CLOSED
 * alone. What they found lasts until their end. */
MAY_YIELD int	 explain_look(struct arena *a, const struct settings *s,
		    struct checker *checker, struct explanation *x,
		    struct err *err);
void		 explain_look_end(struct explanation *x);
MAY_YIELD int	 explain_judge(struct arena *a, const struct court *court,
		    struct explanation *x, struct err *err);
void		 explain_judge_end(struct explanation *x);

const char	*explain_fate_name(enum fate fate);	/* "delivered" */
/* Each fact goes into one object under its name; reasons into the other one,
 * under the same names. */
void		 explain_facts(struct arena *a, const struct explanation *x,
		    json_t *facts, json_t *why);
/* What DNS and mail say may be any octets: others than UTF-8 become "?". */
json_t		*explain_str(struct arena *a, struct span text);
void		 explain_json(struct arena *a, const struct explanation *x,
		    json_t *facts, json_t *why);
void		 explain_text(const struct explanation *x,
		    const json_t *facts, const json_t *why);
#endif
