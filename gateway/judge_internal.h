#ifndef GATEWAY_JUDGE_INTERNAL_H
#define GATEWAY_JUDGE_INTERNAL_H
#include "gateway/judge.h"
/*
 * judge_internal -- what the files of the judge share
 *
 * judge.c	phases: entering, deciding, forgetting
 * judge_mail.c	a mail: its header and body, recipients, findings
 * judge_facts.c	the facts that rules ask for; judge_facts_mail.c those of a mail
 * judge_known.c	... without asking anybody
 * judge_store.c	... of the store, and what limits count
 * judge_set.c	sets in Redis
 * judge_milter.c	what filters say
 * judge_note.c	statistics of rules
 */
struct greylist_answer;
struct ruling {
	struct verdict		 verdict;
	struct rule_trace	 trace;		/* if they are kept */
};

struct phase_state {
	struct arena		*arena;		/* of the ruling */
	struct ruling		*ruling;	/* NULL: no rule was asked */
	bool			 is_started;	/* its lookups */
	bool			 is_decided;
	int64_t			 ran;		/* its rules: ns, without
						   waits */
};

struct judge_mail {
	struct arena		*arena;		/* it may outlive the mail */
	const struct envelope	*envelope;
	struct mail_checks	*checks;	/* NULL: not begun */
	/* recipients */
	const struct rcpt	*rcpt;		/* at hand */
	size_t			 count;
	struct arena		*scratch;	/* of the one at hand */
	struct span		 next_class;	/* of the one at hand */
	bool			 has_class;	/* one was taken */
	struct span		 class;
	const struct greylist_answer *greylist;	/* of the one at hand; NULL:
						   not asked yet */
	bool			 is_trusted;	/* the one at hand */
	bool			 has_untrusted;	/* such a one was taken */
	/* The first of those that were taken was to be refused or discarded by
	 * rules that observe, and so were all behind it. */
	bool			 would_leave_out;
	struct verdict		 would;
	/* the message */
	struct buf		 header;	/* gathered until it is over */
	bool			 is_gathered;	/* somebody needs it */
	bool			 is_over;	/* the header */
	bool			 is_headless;
	bool			 is_checked;	/* signatures and so on, too */
	bool			 is_waited;	/* for its end, or was */
	bool			 has_ended;	/* the message */
	uint64_t		 size;
	struct fields		*fields;	/* NULL: not parsed yet */
	struct author		*author;	/* the same */
	bool			 has_findings;
	struct findings		 findings;
};

struct judge {
	struct arena		*arena;
	const struct court	*court;
	struct judge_client	 who;
	struct client		*client;	/* who.client */
	struct fact_source	 source;
	struct evaluation	*evaluation;	/* NULL: there is no rule */
	struct client_checks	*checks;
	struct phase_state	 phases[PHASES];
	enum phase		 at;		/* whose rules are asked */
	bool			 is_greeted;
	bool			 awaits_greeting;	/* a rule does */
	bool			 may_wait;	/* this run of the rules may */
	bool			 keeps_traces;
	struct judge_mail	*mail;		/* NULL: none under way */
	struct judge_mail	*left;		/* broken off */
	int64_t			 store_rests_until;	/* for this client */
};

/* --- judge.c --- */
/* Begins the lookups of a phase, unless they have begun. */
void		 judge_start(struct judge *j, enum phase phase);
/* From this phase on all is open again. */
void		 judge_reopen(struct judge *j, enum phase phase,
		    struct arena *a);
/* Asks the rules of one phase. -1 with ERR_CLOSED, or with another kind if
 * it may not wait and had to. */
MAY_YIELD int	 judge_decide(struct judge *j, enum phase phase,
		    struct err *err);

/* It is by a rule of this phase, or an earlier one, that trusts. */
bool		 judge_trusts(const struct verdict *v);

/* --- judge_mail.c --- */
void		 judge_mail_start(struct judge *j);
void		 judge_message_start(struct judge *j);
const struct author *judge_author(struct judge *j);
void		 judge_mail_free(struct judge_mail **m);

/* --- judge_facts.c --- */
struct fact_source judge_facts(struct judge *j);
/* Of what is free, which is known once its phase has begun; false: but for
 * this one, not yet. The value has its type. */
bool		 judge_set_free(struct judge *j, const struct fact *fact,
		    struct value *v);
/* For what is asked anew in the next phase or for the next recipient. */
struct arena	*judge_room(const struct judge *j);
/* A rule that may not wait has come to what is not known yet. */
int		 judge_not_yet(struct err *err);
/* NULL: none. */
void		 judge_set_z(struct value *v, const char *text);
/* As names of facts are: lower case, A-labels; what is no such name, an
 * address literal or nonsense, stays as it is. "": none. */
void		 judge_set_name(struct arena *a, struct value *v,
		    struct span name);
void		 judge_set_lists(struct arena *a, const struct fact_ref *ref,
		    struct value *v, const struct dnsbl_answer *answer);
/* A list of them. */
void		 judge_set_texts(struct arena *a, struct value *v,
		    const char *const *texts, size_t n);

/* --- judge_facts_mail.c --- */
/* Of what checks of the message found; false: that was not looked for. The value
 * has its type. */
bool		 judge_set_found(struct arena *a, enum fact_id id,
		    struct value *v, const struct findings *f);
/* header, headers, header-count */
void		 judge_set_header(struct judge *j, const struct fact_ref *ref,
		    struct value *v);
/* judge_set_free() of a mail and of a recipient. */
void		 judge_set_envelope(struct judge *j, const struct fact *fact,
		    struct value *v);
/* All others from the phase `mail` on. */
MAY_YIELD int	 judge_mail_fact(struct judge *j, const struct fact_ref *ref,
		    struct value *v, struct err *err);

/* --- judge_note.c --- */
/* It is decided by its rules: once for each thing that they are asked about. */
void		 judge_note(enum phase phase, const struct phase_state *s);

/* --- judge_store.c --- */
void		 judge_set_greylist(const struct fact *fact, struct value *v,
		    const struct greylist_answer *answer);
/* All within the `timeout` of the store, once in a while for each client. */
MAY_YIELD int	 judge_greylist(struct judge *j, const struct fact *fact,
		    struct value *v, struct err *err);
MAY_YIELD int	 judge_count(void *owner, const struct rule *rule,
		    struct span key, int64_t window, int64_t *number,
		    struct err *err);

/* --- judge_milter.c --- */
/* Once the message has come. */
MAY_YIELD int	 judge_milter_fact(struct judge *j,
		    const struct fact_ref *ref, struct value *v,
		    struct err *err);
MAY_YIELD int	 judge_consult(void *owner, const struct action *action,
		    struct consult_answer *answer, struct err *err);

/* --- judge_set.c --- */
MAY_YIELD int	 judge_member(void *owner, const struct set_decl *set,
		    const struct value *value, struct set_answer *answer,
		    struct err *err);
#endif
