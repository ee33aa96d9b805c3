#ifndef POLICY_RULE_EVAL_H
#define POLICY_RULE_EVAL_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/fiber.h"
#include "policy/rule.h"
/*
 * rule_eval -- what the rules say of the facts
 *
 * A pure function: the same rules and facts give the same verdict, whenever
 * the facts become known. A fact is asked for when a rule first needs it, at
 * most once for each of its scopes; asking may wait. One that grows
 * (fact.h) is asked for anew in each later phase, and when something was
 * forgotten: for the next recipient.
 *
 *	e = evaluation_begin(arena, rules, &source);	for a session
 *	evaluation_run(e, PHASE_CONNECT, a, &verdict, &trace, &err);
 *	...
 *	evaluation_forget(e, FACT_OF_RCPT);	the next recipient
 *	...
 *	evaluation_rcpt_restore(e);
 *	evaluation_run(e, PHASE_MESSAGE, a, &verdict, &trace, &err);
 *
 * Order     rules of a phase in the order in which they stand; a final action
 *           ends the phase. What no rule decides is accepted. `and` and `or`
 *           read their right side only if the left one leaves it open.
 *           A phase sees what earlier ones gave: when it is run again, its
 *           own scores and tags and those of later phases are gone.
 * Trust     every later phase accepts at once, by this rule, as long as that
 *           lasts for which it was given: that of connect for the session,
 *           that of rcpt for this recipient alone.
 * Observe   a rule that only observes is evaluated, rendered and traced, and
 *           does nothing. What it would have done is kept in a shadow that no
 *           rule sees but those that observe: these read the scores and tags
 *           of the rules that act and of those that observe, in the order in
 *           which they were given; and behind one that would have decided no
 *           more of them are asked in this phase, nor, unless it would have
 *           accepted, in later ones, for as long as that would have lasted:
 *           trust or a refusal at connect for the session, one at rcpt, or
 *           discard, for the recipient. So the trace is the same whether all
 *           rules act or all observe, phase by phase up to the one that
 *           decides against the mail. Rules that act say the same whether
 *           those that observe are there or not. Of a group without any rule
 *           that acts the condition is read in the shadow, of any other in
 *           what is real. The verdict lists what would have been done, and
 *           what would have been decided.
 * Scope     scores and tags live as long as what they were given for: those
 *           of connect with the session, those of rcpt with the recipient.
 * Limit     counts each thing that its phase is asked about once: the session,
 *           the HELO name, the mail, the recipient, the message. A rule that is
 *           not reached, or whose condition does not hold, counts nothing. One
 *           that observes counts too, for itself alone.
 * Rcpt      the rules of the message are asked once for all recipients: as for
 *           the one of evaluation_rcpt_keep(). Others belong to the same
 *           message if evaluation_rcpt_class() is equal: these rules cannot
 *           tell them apart. A filter that a rule of rcpt has told is told of
 *           the mail: it makes no difference. What only observes does not count. It sees the
 *           facts of the same recipient; in the shadow are the scores and tags
 *           of the first one whom the rules of rcpt would have taken.
 * Sets      that are kept elsewhere (Redis) are asked once for each value, for
 *           as long as its fact lasts. What is asked may not answer. Then
 *           neither `in` nor `not in` can be told, and a condition holds, or
 *           does not, only if it does whatever the answer would be (`or` with
 *           one that holds, `and` with one that does not). A rule whose
 *           condition cannot be told does nothing. If it could have spoken for
 *           the mail (it accepts, trusts, defers, discards, quarantines, tags
 *           or takes from the score), then what refuses for good or discards,
 *           for as long as its scores would have lasted, defers: 451 4.3.0, of
 *           `disconnect` 421; and so does what a filter refuses for good. It may
 *           be a filter too that could have spoken otherwise. If it routes, it is not known where the mail
 *           belongs, unless a later rule says it (`unrouted`).
 * Milter    at connect, helo, mail and rcpt this action lists filters that are
 *           to be told, and the rules go on. Of the message it asks the filter,
 *           once: if that lets the mail pass the rules go on, else its answer
 *           is the verdict. A rule that observes asks none, and is traced as if
 *           it let the mail pass. Asking for the fact alone decides nothing.
 * None      fits `is none` alone: no other test holds. A list of nothing is
 *           none too. Tests of a list hold if one of its items fits.
 * Case      of ASCII letters does not matter in texts; in a regular
 *           expression it does, unless it says /i.
 * Yields    evaluation_run(), where the source does.
 * Errors    -1 from the source alone. ERR_CLOSED: it is over. Any other: the
 *           fact is not known yet; a later run of the phase starts over, with
 *           what was read before, and gives the same verdict and trace as one
 *           that waits. The verdict of a run that stopped is none; its trace
 *           ends before the rule that was not finished.
 * Memory    verdict and trace live in the arena of the run, the texts of
 *           facts in them as long as the fact's scope. The evaluation itself
 *           keeps its room for the next mail, which needs about as much.
 * Limits    a text of a verdict is cut at VERDICT_TEXT_MAX octets, a value of
 *           a header at VERDICT_VALUE_MAX, between characters. Of a fact a
 *           rule adds RULE_SCORE_MAX at most, up or down; sums of scores do
 *           not wrap. A regular expression that meets its limit does not
 *           match; after eight such items the rest of a list is left.
 */
#define VERDICT_TEXT_MAX	400	/* of a reply line of 512, codes and a
					   session's id beside it */
#define VERDICT_VALUE_MAX	900	/* of a line of 998, RFC 5322 2.1.1 */

/* Whether a value is in a set that is kept elsewhere. */
enum set_told { SET_HAS_NOT, SET_HAS, SET_UNTOLD };
struct set_answer {
	enum set_told	 told;
	size_t		 question;	/* SET_HAS: by which of those of
					   policy/set_ask.h */
};

/* What a filter does with the message. */
enum consulted {
	CONSULT_UNASKED,		/* not this one, or not here: */
	CONSULT_PASSES,			/* the rules go on */
	CONSULT_DEFERS,
	CONSULT_REFUSES			/* for good; or it discards */
};
struct consult_answer {
	enum consulted	 outcome;
	unsigned	 word;		/* of the fact milter.NAME */
};

struct fact_source {
	void		*owner;
	/* Fills in the value (of the fact's type, or none). -1: ERR_CLOSED,
	 * or it is not known yet. Text lives until the fact's scope ends. Of a
	 * recipient it is the same again when he is that of the message, also
	 * what asking has changed since (greylist). */
	MAY_YIELD int	(*get)(void *owner, const struct fact_ref *ref,
			    struct value *value, struct err *err);
	/*
	 * One more event of this key: fills in how many there were in the
	 * last `window` microseconds, this one included; negative: that cannot
	 * be told, and the limit lets it pass. -1 as above, and then it was not
	 * counted: it will be asked again.
	 * The key names the rule, and the values of the facts; its octets and
	 * its length are what the client makes of these. It ends with the call.
	 * Needed if a rule has a `limit`.
	 */
	MAY_YIELD int	(*count)(void *owner, const struct rule *rule,
			    struct span key, int64_t window, int64_t *number,
			    struct err *err);
	/* Is the value, which is not none, in a set of Redis? -1 as above.
	 * Needed if a rule has such a set. */
	MAY_YIELD int	(*member)(void *owner, const struct set_decl *set,
			    const struct value *value,
			    struct set_answer *answer, struct err *err);
	/*
	 * The filter of this action, for the message: what it says holds, its
	 * changes too if it lets the mail pass. -1 as above, and then it will
	 * be asked again. Needed if a rule of the message has a `milter`.
	 */
	MAY_YIELD int	(*consult)(void *owner, const struct action *action,
			    struct consult_answer *answer, struct err *err);
};

struct header_edit {			/* of the forwarded message */
	enum action_kind	 kind;	/* ADD_, REMOVE_, REPLACE_HEADER,
					   PREFIX_SUBJECT */
	struct span		 name, value;
};

/* What a rule went by. */
struct fact_reading {
	const struct fact_ref	*ref;
	struct value		 value;
};
struct set_reading {			/* of a set in Redis */
	const struct cond	*cond;
	enum set_told		 told;
	struct span		 member;	/* of SET_HAS */
};
struct limit_reading {
	const struct rule	*rule;
	int64_t			 number;	/* that it counted; negative:
						   that could not be told */
};
struct milter_reading {
	size_t			 milter;	/* of rules.milters */
	struct consult_answer	 answer;
};

struct told {
	const struct rule	*rule;
	struct span		 text;	/* of its action, rendered */
	int64_t			 score;	/* of `score`; hundredths */
};

struct verdict {
	enum action_kind	 kind;	/* ACCEPT, TRUST, REJECT, DEFER,
					   DISCONNECT, DISCARD, QUARANTINE,
					   MILTER: as that filter says */
	const struct rule	*rule;	/* NULL: no rule decided */
	int			 code;
	const char		*enhanced;
	struct span		 text;	/* rendered; one line */
	size_t			 milter;	/* MILTER: of rules.milters */
	/* Filters that are to be told from here on, a bit each (1 << index in
	 * rules.milters): not by rules of the message. */
	uint32_t		 milters;
	/* us, of all `delay` of the phase, RULE_DELAY_MAX at most */
	int64_t			 delay;
	struct span		 route;	/* "": none; the last one counts */
	/* It may be another: the condition of this rule, which routes and
	 * stands behind what set `route`, could not be told. NULL: it is not. */
	const struct rule	*unrouted;
	struct header_edit	*edits;
	size_t			 nedits;
	struct told		*logs;	/* of `log` */
	size_t			 nlogs;
	/* Rules that acted, in their order, who decided among them: not
	 * groups, nor greylist and limit that let pass. */
	struct told		*hits;
	size_t			 nhits;
	/* Rules and groups whose condition could not be told. */
	const struct rule	**untold;
	size_t			 nuntold;
	struct told		*observed;	/* what would have acted */
	size_t			 nobserved;
	/* What the rules of this phase went by that is not the same for others:
	 * facts that grow, as they were here; what sets, limits and filters
	 * answered. Each once, in the order of asking. All of it lives as long
	 * as the verdict. */
	struct fact_reading	*read;
	size_t			 nread;
	struct set_reading	*asked;
	size_t			 nasked;
	struct limit_reading	*counted;
	size_t			 ncounted;
	struct milter_reading	*consulted;
	size_t			 nconsulted;
	/* What the rules that observe would have decided in this phase: kind,
	 * rule, code, enhanced, text. NULL: nothing. */
	const struct verdict	*would;
	/* The first regular expression that met its limit; NULL: none did. */
	const struct cond	*gave_up;
	const struct rule	*gave_up_rule;
	/* It defers only since the condition of this rule could not be told,
	 * and `rule` refuses or discards. NULL: it is as `rule` says. */
	const struct rule	*unsure;
};

/* One rule that was looked at. */
struct rule_step {
	const struct rule	*rule;
	bool			 applied;	/* its condition held */
	bool			 is_untold;	/* or nobody knows */
	bool			 is_let_pass;	/* by greylist, limit */
	bool			 observed;	/* "would have" */
	struct span		 text;		/* of its action, rendered */
	int64_t			 score;		/* of `score` */
	int64_t			 number;	/* that `limit` counted */
	bool			 is_consulted;	/* a filter; or it would be */
	struct consult_answer	 consulted;
	/* A regular expression that met its limit, so did not match; the
	 * first one. */
	const struct cond	*gave_up;
	/* The facts that were read for it, in the order of reading, each
	 * once. */
	struct fact_reading	*readings;
	size_t			 nreadings;
	/* The sets of Redis that were asked for it, each once for a fact. */
	struct set_reading	*asked;
	size_t			 nasked;
};
struct rule_trace {
	enum phase		 phase;
	/* The rule that trusts; then no rule was looked at. */
	const struct rule	*trusted;
	/* The rule that in an earlier phase would have trusted, refused or
	 * discarded; then no rule that observes was looked at. */
	const struct rule	*would_end;
	struct rule_step	*steps;
	size_t			 n;
};

struct evaluation;

struct evaluation *evaluation_begin(struct arena *a,
		    const struct rules *rules,
		    const struct fact_source *source);
MAY_YIELD int	 evaluation_run(struct evaluation *e, enum phase phase,
		    struct arena *a,	/* for verdict and trace */
		    struct verdict *verdict,
		    struct rule_trace *trace,	/* NULL: not wanted */
		    struct err *err);
/* What has this scope or a narrower one is over: its facts, scores, tags,
 * trust. */
void		 evaluation_forget(struct evaluation *e,
		    enum fact_scope scope);
/* After the rcpt phase of a recipient: octets that are equal for those whom the
 * rules of the message cannot tell apart; "" for all, if these read nothing
 * that differs. Waits and fails as evaluation_run(). */
MAY_YIELD int	 evaluation_rcpt_class(struct evaluation *e, struct arena *a,
		    struct span *class, struct err *err);
/* For each recipient that is taken: the scores, tags and trust of the first
 * one's rcpt phase are those of the message. They last until FACT_OF_MAIL is
 * forgotten. */
void		 evaluation_rcpt_keep(struct evaluation *e);
/* Back to them, whatever recipients were evaluated since. Facts of the
 * recipient are asked for anew: of the one that was kept. */
void		 evaluation_rcpt_restore(struct evaluation *e);
/* What was read of a fact that stays, by its slot, while its scope lasts; NULL:
 * nothing was. */
const struct value *evaluation_known(const struct evaluation *e,
		    unsigned slot);
int64_t		 evaluation_score(const struct evaluation *e);
/* The names of the scores, with a comma between them. */
void		 evaluation_put_scores(const struct evaluation *e,
		    struct buf *out);
bool		 evaluation_tagged(const struct evaluation *e,
		    struct span tag);
#endif
