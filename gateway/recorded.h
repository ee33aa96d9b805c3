#ifndef GATEWAY_RECORDED_H
#define GATEWAY_RECORDED_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "base/arena.h"
#include "base/err.h"
#include "base/json_read.h"
#include "base/span.h"
#include "gateway/ruleset.h"
#include "policy/rule_eval.h"
/*
 * recorded -- a transaction as the journal has it, and before rules again
 *
 * recorded_read() takes a line of the journal (docs/journal.md) apart.
 * recorded_judge() asks rules, the same as then or others, in the order of a
 * session (judge.h): connect, helo, mail, each recipient, the message as for
 * the first recipient who was taken. What refuses ends it. Nothing is looked
 * up: facts are those of the record.
 *
 * Facts     are read by the type that they have today. What the record does not
 *           have, or has only as a hash (veil.h), is missing: it is never taken
 *           for neutral, but for what is left out since it follows from others
 *           (recorded_follows.c). The judgement ends there and names it.
 * Growing   facts (fact.h) are as the rules of the same phase read them then;
 *           else, if what was read before and behind it is equal, that; or
 *           nothing, if nothing is what there was in the end.
 * Limits    count what was counted then for the rule of the same name.
 * Sets      in Redis answer as they did then for the same value.
 * Filters   say what they said.
 * Rcpts     one is taken if he was then, or if rules refused him then and do
 *           not now: nobody knows what his backend would have said.
 * Reach     phases that were asked then; where rules refused then and do not
 *           now, also those behind it, as far as the record has facts.
 * Memory    the record points into the line and the arena; the judgement is in
 *           the arena.
 * Errors    ERR_SYNTAX: the line is no record. recorded_judge() has none.
 * Limits    RECORDED_LINE_MOST octets of a line; those of json_read.
 * Tested    recorded_test.c; recorded_property_test.c: over all shipped rules
 *           and generated facts the verdicts are those that were written.
 */
#define RECORDED_LINE_MOST	(1024 * 1024)	/* a mail may have thousands of
						   recipients */

/* A member of an object: the text of arrays and objects is their JSON. */
struct recorded_fact {
	struct span		 name;
	enum json_in_kind	 kind;
	struct span		 text;
};
struct recorded_facts {
	struct recorded_fact	*list;
	size_t			 n;
};

struct recorded_verdict {
	struct span		 action;	/* "": nothing */
	struct span		 rule, at;	/* "": nobody */
	struct span		 enhanced, text;
	struct span		 name;		/* of a field or route */
	int			 code;
};

struct recorded_hit {
	struct span		 rule, at, action, text;
	struct span		 name;		/* of a route, tag, field */
	struct span		 score;
	bool			 is_observed;
};

struct recorded_set {
	struct span		 set, fact, member;
	enum set_told		 told;
};

struct recorded_phase {
	bool			 is_there;
	struct recorded_verdict	 verdict, would;
	struct recorded_hit	*hits;
	size_t			 nhits;
	struct recorded_set	*sets;
	size_t			 nsets;
	struct recorded_facts	 read;		/* that grow */
	struct recorded_facts	 limits;	/* number by rule */
	struct recorded_facts	 milters;	/* objects by name */
	struct span		 untold;	/* JSON; "": none */
};

struct recorded_rcpt {
	struct recorded_fact	 to;
	struct span		 reply, outcome, backend, final;
	struct recorded_phase	 phase;
	struct recorded_facts	 facts;
};

struct recorded {
	struct span		 time, session, kind, listener, rules;
	struct span		 outcome, reply, rule, at, action, by;
	struct span		 backend, tls, why, score;
	struct span		 id;		/* "": of a session */
	struct span		 size;
	struct span		 milters, us;	/* JSON; "": none */
	bool			 is_cut;	/* not all of it was written */
	bool			 is_veiled;	/* addresses in texts are hashes */
	struct recorded_facts	 facts;
	struct recorded_phase	 phases[PHASES];	/* not of rcpt */
	struct recorded_rcpt	*rcpts;
	size_t			 nrcpts;
};

struct judged {
	bool			 is_asked;
	bool			 is_taken;	/* a recipient, now */
	struct verdict		 verdict;
	struct rule_trace	 trace;		/* if traces are kept */
};

struct judgement {
	bool			 keeps_traces;	/* in */
	struct judged		 phases[PHASES];	/* not of rcpt */
	struct judged		*rcpts;		/* as many as recorded */
	size_t			 nrcpts;
	int64_t			 score;
	const char		*missing;	/* NULL: all was there */
	enum phase		 missing_at;
	size_t			 missing_rcpt;	/* if that is rcpt */
};

int	recorded_read(struct arena *a, struct span line, struct recorded **out,
	    struct err *err);
void	recorded_judge(struct arena *a, const struct recorded *r,
	    const struct rules *rules, struct judgement *out);
/* One that speaks against the client or the mail: reject, defer, disconnect. */
bool	recorded_refuses(const struct recorded_verdict *v);
/* NULL: it has none of this name. */
const struct recorded_fact *recorded_find(const struct recorded_facts *facts,
	    struct span name);
/* A record leaves this fact out if there is nothing of it (value_is_nothing())
 * and the one beside it is known, as it is whenever this one is:
 * recorded_read() puts it back. False: it does not. */
bool	recorded_leaves_out(enum fact_id id, enum fact_id *beside);
#endif
