#ifndef GATEWAY_TRANSACTION_INTERNAL_H
#define GATEWAY_TRANSACTION_INTERNAL_H
#include "base/json_write.h"
#include "gateway/stages.h"
#include "gateway/transaction.h"
/*
 * transaction_internal -- what the files of a transaction share
 *
 * transaction.c	the object
 * transaction_plan.c	what is made ready for them as a worker begins
 * transaction_facts.c	facts and their values
 * transaction_phase.c	what the rules of a phase said
 * transaction_rcpt.c	recipients
 */

/* A fact that is told if it is known. */
struct told_fact {
	struct fact_ref	 ref;
	struct span	 key;		/* "client.ip", made ready */
	/* Members made ready, by value: of none, and of a yes/no, a word or an
	 * empty list; NULL: there are too many. */
	struct span	 none;
	const struct span *values;
	enum veil_what	 what;
	bool		 is_header;	/* a field: left out where it is cut */
	bool		 needs_no_nothing;	/* left out if it is nothing */
};
struct transaction_plan {
	const struct veil *veil;
	/* Made ready: members of all records, */
	struct span	 worker, rules;
	struct span	 stages[STAGES];	/* keys, */
	struct span	 bare[PHASES];	/* phases without a word but rcpt, */
	struct span	*places;	/* "rule" and "at", by its number. */
	const struct told_fact **by_slot;	/* those that rules name; NULL: it
						   is not among them */
	struct told_fact *facts;	/* of a mail */
	size_t		 nfacts;
	struct told_fact *subject;	/* of them; NULL: it is not hidden */
	struct told_fact *rcpt_facts;	/* of each recipient */
	size_t		 nrcpt_facts;
};

/* How much is told. */
enum told_extent { TOLD_ALL, TOLD_CUT, TOLD_BARE };

struct teller {
	struct json_out	 o;
	const struct veil *veil;
	struct span	 subject;	/* that is hidden; "": none is */
	/* Whose reply stands as in the rule file, since it names what is
	 * hidden; NULL: none. */
	const struct verdict *as_written;
	const struct transaction_plan *plan;	/* NULL: nothing is ready */
	struct buf	*scratch;	/* of all, one after the other: nothing
					   here yields */
};

/* Somebody may read of it: there is a journal, or what shows the rings. */
static inline bool
transaction_is_wanted(const struct session *s)
{
	return s->worker->journal != NULL ||
	    s->worker->settings->stats_address.text != NULL;
}

/* --- transaction_facts.c --- */
struct teller	tell_begin(struct buf *to, const struct veil *veil);
void	tell_end(struct teller *t);
/* A text that others may have said. */
void	tell_text(struct teller *t, struct span key, struct span text);
/* Its key stands there. */
void	tell_value(struct teller *t, const struct fact *fact,
	    enum veil_what what, const struct value *v);
void	tell_facts(struct teller *t, struct judge *j,
	    const struct findings *found,
	    const struct told_fact *facts, size_t n, bool with_headers);
/* The addresses of this mail are not to be in any text from here on. */
void	tell_know(struct teller *t, const struct mail *m);
/* Nor its subject. NULL: it may. */
void	tell_find_subject(struct teller *t, struct judge *j,
	    const struct findings *found, const struct told_fact *fact);
/* "dnsbl.zen", "header Subject" */
void	tell_put_name(struct buf *out, const struct fact_ref *ref);
enum veil_what tell_what(const struct veil *veil, const struct fact_ref *ref);
/* As a member; of facts that grow, of which nothing is hidden. */
void	tell_named(struct teller *t, const struct fact_ref *ref,
	    const struct value *v);

/* --- transaction_phase.c --- */
/* "550 5.7.1 text"; code 0: nothing. */
void	tell_reply(struct teller *t, struct span key, const struct reply *r);
/* The same of one that this rule said, if that is known; or NULL. */
void	tell_reply_of(struct teller *t, struct span key,
	    const struct reply *r, const struct rule *rule);
/* A reply that is this verdict's may name what is hidden. NULL: none is. */
void	tell_watch_reply(struct teller *t, const struct verdict *v);
/* Who it was: "rule", "at", "action". */
void	tell_rule(struct teller *t, const struct rule *rule);
/* The members of an object. */
void	tell_verdict(struct teller *t, const struct rules *rules,
	    const struct verdict *v);
/* One of connect, helo, mail, message. */
void	tell_phase(struct teller *t, enum phase phase,
	    const struct rules *rules, const struct verdict *v);
/* Who says it and where he stands, made ready. */
struct span tell_ready_place(struct json_stock *s, const struct rule *rule);
const char *told_by_name(enum told_by by);

/* --- transaction_rcpt.c --- */
/* Whoever decided about the first that was refused or discarded. */
enum told_by transaction_first_by(const struct mail *m);
void	tell_rcpts(struct teller *t, const struct mail *m, size_t most);
/* For tell_know(): whom the envelope has not, as far as they are told. */
void	tell_know_refused(struct teller *t, const struct mail *m);
#endif
