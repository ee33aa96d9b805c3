#ifndef POLICY_RULE_TRACE_H
#define POLICY_RULE_TRACE_H
#include <jansson.h>

#include "base/buf.h"
#include "policy/rule_eval.h"
/*
 * rule_trace -- why the rules decided as they did, in words and as JSON
 *
 * A line for each rule that was looked at: where it stands and its label, its
 * condition as it is written, the facts that were read for it, what it did.
 *
 *	at connect: reject 554 5.7.1 "listed" by listed
 *	  in.rules:9: when client.ip in $trusted [client.ip = 192.0.2.1] -> no
 *	  in.rules:10 listed: when dnsbl.score >= 8 [dnsbl.score = 12]
 *	  -> reject 554 5.7.1 "listed"			(all in one line)
 *
 * Of greylist and limit the line says what decided, and then what was done:
 *
 *	  in.rules:12: limit 100/1h per client.network [limit = 101,
 *	  client.network = 192.0.2.0/24] -> defer 451 4.7.1 "slow down"
 *	  in.rules:13: greylist [greylist = known] -> goes on
 *
 * "limit = unknown": the store does not say.
 *
 * Of a set in Redis it says what was found in it, "no" or "unknown", behind the
 * facts; and of a verdict that only defers for that, why.
 *
 *	at rcpt: defer 451 4.3.0 "..." by spam, since in.rules:14 cannot be told
 *	  in.rules:14: when sender in $friends [sender = "a@x.example", sender in
 *	  $friends = unknown] -> cannot be told
 *
 * Of a filter that is asked it says what that said; "goes on" is that the mail
 * passed it.
 *
 *	at message: milter clamav by in.rules:15
 *	  in.rules:15: always -> milter clamav: reject
 *	  in.rules:16: always -> milter spam: quarantine, goes on
 *	  in.rules:17: always -> milter other: not asked
 *
 * A rule that observes "would reject", and so does the verdict, in addition:
 *
 *	at rcpt: accept, no rule decided; would reject 550 5.7.1 "no" by trial
 *	at message: accept, no rule decided; observation ended by trial
 *
 * That of a group says yes or no, and
 * the facts behind the one that settled "and" or "or" are not read. A regular
 * expression that met its limit is named.
 *
 * Limits    a value is shown up to TRACE_VALUE_MAX octets, a condition up to
 *           TRACE_CONDITION_MAX; JSON has all of it.
 * Text      printable UTF-8, whatever the facts hold.
 */
#define TRACE_VALUE_MAX		200
#define TRACE_CONDITION_MAX	400

/* As in a rule file, its text rendered: `reject 554 5.7.1 "listed"`. */
void		 rule_told_put(struct buf *out, const struct told *told);
void		 rule_step_put(struct buf *out, const struct rule_step *step);
void		 rule_trace_put(struct buf *out, const struct rule_trace *trace,
		    const struct verdict *verdict);
/* Its first line alone, without an end. */
void		 rule_trace_put_head(struct buf *out,
		    const struct rule_trace *trace,
		    const struct verdict *verdict);
/* `reject 554 5.7.1 "listed" by listed`; `accept, no rule decided` */
void		 rule_verdict_put(struct buf *out,
		    const struct verdict *verdict);
void		 rule_decision_put(struct buf *out,	/* without the rule */
		    const struct verdict *verdict);

/*
 * {"phase": "connect", "verdict": {"action": "reject", "rule": "listed",
 *  "code": 554, "enhanced": "5.7.1", "text": "listed"}, "rules": [{"file":
 *  "in.rules", "line": 10, "rule": "listed", "when": "dnsbl.score >= 8",
 *  "held": true, "observed": false, "action": "reject", "facts":
 *  {"dnsbl.score": 12}}, ...]}
 * Of greylist and limit, {"action": "limit", "most": 100, "window": 3600.0,
 *  "per": ["client.network"], "number": 101, "let-pass": false, "effect":
 *  {"action": "defer", "code": 451, ...}}: what they do if they let nothing
 * pass. "number" is null if the store does not say; it and "let-pass" are there
 * if the condition held.
 * A rule that asked sets in Redis has "sets": [{"set": "friends", "fact":
 * "sender", "in": true, "member": "x.example"}], "in" null if that is unknown;
 * "held" is null then if it cannot be told. A verdict that defers since some
 * rule's condition cannot be told names it: "unsure".
 * Of a filter, {"action": "milter", "name": "clamav", "said": "reject",
 *  "decided": true}, the last two if it was asked.
 * Durations are seconds; "gave-up" is the test of a regular expression that
 * met its limit. A verdict can have "would", what rules that observe would
 * have decided, and the phase "observation-ended-by", the rule that would have
 * ended it all in an earlier one. The reference is the caller's.
 */
json_t		*rule_trace_json(const struct rule_trace *trace,
		    const struct verdict *verdict);
#endif
