#ifndef GATEWAY_MAIL_MILTERS_H
#define GATEWAY_MAIL_MILTERS_H
#include <stdbool.h>
#include <stdint.h>
#include "base/arena.h"
#include "base/buf.h"
#include "gateway/draft.h"
#include "gateway/judge.h"
#include "gateway/mail.h"
#include "gateway/milter_macros.h"
#include "gateway/session_milters.h"
#include "policy/rule_eval.h"
/*
 * mail_milters -- a mail before the filters, and what they make of it
 *
 * Filters hear of what everybody else lets pass: of a recipient when the rules
 * and his backend have taken him, of the message when its rules have. They see
 * it without what claims to be a result of ours and is not, with what the rules
 * have changed, and without our own fields. Their edits are made on a draft,
 * which is delivered instead of what came.
 *
 * Of a mail of which no filter can hear m->milters is NULL, and all of this
 * does nothing.
 *
 * Yields, Replies, Logs	as session_milters.h
 */
struct mail_milters {
	struct mail	*mail;
	bool		 is_told;	/* the chain knows of it */
	struct span	 values[MACRO_COUNT];
	struct milter_counts counts;
	struct reply	 held;		/* against client or sender */
	bool		 is_dropped;	/* a filter discards the message */
	size_t		 by;		/* who decided; CHAIN_NOBODY */
	size_t		 rcpt_by;	/* on the last recipient; the same */
	uint32_t	 changed;	/* who changed something, a bit each */
	int64_t		*us;		/* that each was waited for */
	/* Why a filter has it kept back; p NULL: none has. */
	struct span	 quarantine;
	struct draft	*draft;		/* NULL: nobody has asked for it */
	bool		 has_rules;	/* what they change is in the draft */
	const struct verdict *verdict;	/* of the rules; NULL: not at hand */
	struct reply	 ruled;		/* of the filter that a rule obeys */
	struct reply	 at_data;	/* a refusal, told behind the message */
	/* What a filter wants could not be done, and that is not its fault:
	 * 451, whatever its failure action is. Kind 0: nothing. */
	struct err	 broken;
};

MAY_YIELD struct reply mail_milters_begin(struct mail *m);
/* Against the client or the sender, to be told at RCPT. */
struct reply	 mail_milters_held(const struct mail *m);
/* Rules of a recipient want some filters to hear of this mail. */
void		 mail_milters_attach(struct mail *m, const struct verdict *v);
/* One whom all others have taken. */
MAY_YIELD struct reply mail_milters_rcpt(struct mail *m,
		    const struct rcpt *rcpt, struct arena *scratch);
/* One whom somebody else has refused. */
MAY_YIELD void	 mail_milters_refused(struct mail *m,
		    const struct rcpt *rcpt, struct arena *scratch,
		    const struct reply *r);
/* They have heard of some recipient, so the message is for them too. */
bool		 mail_milters_hear(const struct mail *m);
/* Before the message is asked for. Where somebody seems to have it already a
 * refusal for good waits for what the message shows: mail_milters_at_data(). */
MAY_YIELD struct reply mail_milters_data(struct mail *m);
const struct reply *mail_milters_at_data(const struct mail *m);
/* It has come, and the rules let it pass with this verdict. */
MAY_YIELD struct reply mail_milters_message(struct mail *m,
		    const struct verdict *v);
/* A rule has asked the filter that decides (ACTION_MILTER). */
struct reply	 mail_milters_ruled(struct mail *m);
/* Behind these: a filter discards the message. */
bool		 mail_milters_drop(const struct mail *m);
/* A filter has it kept back: `v` quarantines then, and says why. */
void		 mail_milters_quarantine(struct mail *m, struct verdict *v);
/* What is delivered instead of what came; NULL: it is as it came. */
const struct draft *mail_milters_draft(const struct mail *m);
/* For the log: who decided on the mail, and who refused the recipient that was
 * asked about last, NULL if none did; and who changed it, with a comma between
 * them. */
const char	*mail_milters_by(const struct mail *m);
const char	*mail_milters_rcpt_by(const struct mail *m);
void		 mail_milters_put_changed(const struct mail *m,
		    struct buf *out);
/* What a filter has said of it so far, as the fact milter.NAME has it; NULL: it
 * was not asked. */
const char	*mail_milters_said(const struct mail *m, size_t milter);
/* It is over; before its memory goes. */
MAY_YIELD void	 mail_milters_end(struct mail *m);

/* --- mail_milters_rules.c --- */
/* What rules may ask, for the judge. NULL: there are no filters. */
const struct judge_milters *mail_milters_for_rules(struct session *s);
/* Keeps what a verdict is to the mail. Code 0: it passes, or is to be dropped
 * at the end. */
struct reply	 mail_milters_take(struct mail *m,
		    const struct chain_verdict *v);

/* --- for session_milters.c: what the chain asks --- */
void		 mail_milters_macros(struct mail *m,
		    const struct chain_rcpt *rcpt, struct span *values);
void		 mail_milters_show(struct mail *m,
		    struct chain_message *out);
MAY_YIELD int	 mail_milters_apply(struct mail *m, size_t milter,
		    const struct edits *edits, struct err *err);
void		 mail_milters_refuse(struct mail *m, size_t index,
		    const struct chain_verdict *v);
#endif
