#ifndef GATEWAY_RECORDED_INTERNAL_H
#define GATEWAY_RECORDED_INTERNAL_H
#include "gateway/recorded.h"
/*
 * recorded_internal -- what the files of a record share
 *
 * recorded.c		a line, taken apart
 * recorded_follows.c	facts that it leaves out
 * recorded_value.c	from JSON to values of facts
 * recorded_source.c	what rules ask for: facts, limits, sets, filters
 * recorded_judge.c	the phases of a session
 */

/* A record before rules. */
struct trial {
	struct arena		*arena;
	const struct recorded	*record;
	const struct rules	*rules;
	struct fact_source	 source;
	struct evaluation	*evaluation;
	struct judgement	*out;
	/* What is asked at the moment. */
	enum phase		 at;
	size_t			 rcpt;		/* at hand */
	const struct recorded_phase *then;
	/* Recipients who are taken now, the first of them, and how many were
	 * then. */
	size_t			 first, taken, were_taken;
	size_t			 discarded;	/* of both: he has a number */
	bool			 has_class;
	struct span		 class;
};

/* --- recorded_follows.c --- */
/* Adds what follows from others. */
void	recorded_follows(struct arena *a, struct recorded *r);

/* --- recorded_value.c --- */
/* As a value of this fact. false: it is hidden, or none of this type. */
bool	recorded_value(struct arena *a, const struct fact *fact,
	    const struct recorded_fact *f, struct value *v);
/* The fact of a rule among these, or what follows from one. false: it is
 * missing. */
bool	recorded_get(struct arena *a, const struct recorded_facts *facts,
	    const struct fact_ref *ref, struct value *v);

/* --- recorded_source.c --- */
struct fact_source recorded_source(struct trial *t);
/* The phase as it was then; of rcpt, that of the recipient at hand. NULL: there
 * is none. */
const struct recorded_phase *recorded_then(const struct trial *t,
	    enum phase phase);
#endif
