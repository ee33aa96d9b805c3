#ifndef GATEWAY_SENTENCE_H
#define GATEWAY_SENTENCE_H
#include <stdbool.h>
#include "base/log.h"
#include "conf/settings.h"
#include "gateway/reply.h"
#include "policy/rule_eval.h"
/*
 * sentence -- what a verdict means for the dialogue and the log
 */
/* Of one that refuses. Not ASCII only if the client knows SMTPUTF8. */
struct reply	sentence_reply(const struct verdict *v, bool smtputf8);
/* The same instead of a greeting: 554, or 421 where it may be tried again;
 * without an enhanced code.                        RFC 5321 3.1, RFC 2034 4 */
struct reply	sentence_greeting(const struct verdict *v);
/* Any refusal. */
struct reply	sentence_as_greeting(struct reply r);
/* To a recipient that no route of the configuration takes. */
struct reply	sentence_relaying(void);
/* To one whose route could not be found out, for this reason, which is
 * logged. */
struct reply	sentence_unrouted(const char *session_id,
		    const struct err *why);
/* The reason, if the route depends on a rule (verdict.unrouted). */
void		 sentence_set_unrouted(const struct rule *rule,
		    struct err *err);
/* A verdict of connect, helo or mail refuses as the reply to these, and not
 * at each RCPT. */
bool		sentence_is_at_once(const struct verdict *v,
		    const struct smtp_conf *conf);
/* What a phase gave beside its verdict, a line each: rules that would have
 * acted, `log`, a regular expression that met its limit, and a refusal that is
 * none for good since a set did not answer. */
void		sentence_log(const char *session_id, enum phase phase,
		    const struct verdict *v);
/* "rule" and "action" of who decided; nothing for an accept by nobody. */
void		sentence_put(struct logline *l, const struct verdict *v);
/* "would-rule" and "would" of what observers would have decided; NULL:
 * nothing. */
void		 sentence_put_would(struct logline *l,
		    const struct verdict *would);
#endif
