#ifndef POLICY_FACT_H
#define POLICY_FACT_H
#include <stdbool.h>
#include <stddef.h>
#include "base/span.h"
#include "policy/fact_table.h"
#include "policy/phase.h"
#include "policy/value.h"
/*
 * fact -- the one table of what a rule can ask for
 *
 * A row says all that there is to know of a fact: its name, type, the words
 * of a TYPE_WORD, the phase from which on it is known, how long it stays the
 * same (scope), whether it grows on the way, what it costs to find out, and
 * one line of help. The checker, the planner, `forepost facts` and
 * forepost-rules(5) read this table; the gateway fills in the values (struct
 * fact_source).
 *
 * Some facts take an argument: header "Name", headers "Name",
 * header-count "Name"; dnsbl.NAME, whose NAME is that of a list; milter.NAME,
 * whose NAME is that of a filter. A list that is called as another fact is
 * (dnsbl "score") cannot be asked so.
 *
 * "none" is either a word of a TYPE_WORD or, if it may be none, the absence of
 * the fact: no fact has both, so `is none` has one meaning.
 */
enum fact_scope {
	FACT_OF_SESSION,
	FACT_OF_HELO,			/* until the next one */
	FACT_OF_MAIL,
	FACT_OF_RCPT,
	FACT_OF_MESSAGE,
	FACT_OF_RULES			/* score, scores: made by rules */
};
/* GROWS: later phases may know more (DNS lists of the HELO name, then of the
 * sender), so it is asked for anew. */
enum fact_change { FACT_STAYS, FACT_GROWS };
enum fact_cost {
	FACT_FREE,
	FACT_DNS,
	FACT_STORE,			/* base/store.h is asked */
	FACT_BODY,			/* all of it is needed */
	FACT_FILTER			/* ... and a filter is told all of it */
};
enum fact_argument { FACT_TAKES_NOTHING, FACT_TAKES_HEADER, FACT_TAKES_LIST,
    FACT_TAKES_MILTER };

enum fact_id {
#define X(id, name, type, words, phase, scope, change, cost, argument, none, \
    help) \
	FACT_##id,
	FACT_TABLE(X)
#undef X
	FACTS
};
/* Small, since whoever tells of a mail goes through all of them. */
struct fact {
	const char		*name;
	const char *const	*words;		/* NULL-ended; TYPE_WORD */
	const char		*help;
	enum fact_id		 id : 8;
	enum type		 type : 8;
	enum phase		 phase : 8;
	enum fact_scope		 scope : 8;
	enum fact_change	 change : 8;
	enum fact_cost		 cost : 8;
	enum fact_argument	 argument : 8;
	bool			 may_be_none;
};

const struct fact	*fact_at(enum fact_id id);
/* Its argument stands behind the dot of its name: "dnsbl.zen". */
bool			 fact_is_dotted(const struct fact *fact);
/* `name` is all of "dnsbl.zen" too; *argument is what stands behind the dot
 * then. NULL: no such fact. */
const struct fact	*fact_find(struct span name, struct span *argument);
const char		*fact_nearest(struct span name);
/* Index in the fact's words; -1: it cannot say that. */
int			 fact_word(const struct fact *fact, struct span word);
#endif
