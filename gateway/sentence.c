#include "base/utf8.h"
#include "gateway/sentence.h"
#include "gateway/stats.h"
#include "policy/action.h"
#include "policy/rule_trace.h"

/* --- replies --- */

struct reply
sentence_reply(const struct verdict *v, bool smtputf8)
{
	struct buf text = {0};
	struct reply r;

	utf8_put_printable(&text, v->text, REPLY_TEXT - 1, smtputf8);
	r = reply(v->code, v->enhanced, "%.*s", SPAN_ARG(buf_text(&text)));
	r.close = v->kind == ACTION_DISCONNECT;
	buf_free(&text);
	return r;
}

struct reply
sentence_as_greeting(struct reply r)
{
	if (r.code / 100 == 4)
		r.code = 421;
	else if (r.code != 521)
		r.code = 554;
	r.enhanced[0] = '\0';
	/* 421 says that it is closed, 554 that QUIT is awaited. */
	r.close |= r.code == 421;
	return r;
}

struct reply
sentence_greeting(const struct verdict *v)
{
	return sentence_as_greeting(sentence_reply(v, false));
}

struct reply
sentence_relaying(void)
{
	return reply(550, "5.7.1", "Relaying is not permitted");
}

void
sentence_set_unrouted(const struct rule *rule, struct err *err)
{
	err_set(err, ERR_UNAVAIL, "rule %s routes by a set in Redis, which "
	    "does not say", rule->name);
}

struct reply
sentence_unrouted(const char *id, const struct err *why)
{
	struct logline l;

	if (why->kind != ERR_CLOSED) {
		log_begin(&l, why->kind == ERR_CONFIG ? LOG_LABEL_WARN :
		    LOG_LABEL_INFO, id, "route is not known");
		log_z(&l, "why", why->text);
		log_end(&l);
	}
	return reply_err(why);
}

bool
sentence_is_at_once(const struct verdict *v, const struct smtp_conf *conf)
{
	return v->kind == ACTION_DISCONNECT || (conf->reject_at_connect &&
	    (v->kind == ACTION_REJECT || v->kind == ACTION_DEFER));
}

/* --- the log --- */

static void
log_observed(const char *id, enum phase phase, const struct told *o)
{
	struct buf text = {0};
	struct logline l;

	rule_told_put(&text, o);
	log_begin(&l, LOG_LABEL_INFO, id, "observed");
	log_z(&l, "rule", o->rule->name);
	log_z(&l, "phase", phase_name(phase));
	log_str(&l, "would", buf_text(&text));
	log_end(&l);
	buf_free(&text);
}

static void
log_unsure(const char *id, enum phase phase, const struct verdict *v)
{
	struct logline l;

	stats_add(STAT_REFUSALS_UNSURE, 1);
	log_begin(&l, LOG_LABEL_INFO, id, "refused for now only");
	log_z(&l, "rule", v->rule->name);
	log_z(&l, "phase", phase_name(phase));
	log_z(&l, "unsure", v->unsure->name);
	log_end(&l);
}

void
sentence_log(const char *id, enum phase phase, const struct verdict *v)
{
	struct logline l;

	for (size_t i = 0; i < v->nobserved; i++)
		log_observed(id, phase, &v->observed[i]);
	if (v->nobserved > 0)
		stats_add(STAT_RULES_OBSERVED, (int64_t)v->nobserved);
	for (size_t i = 0; i < v->nlogs; i++) {
		log_begin(&l, LOG_LABEL_INFO, id, "rule log");
		log_z(&l, "rule", v->logs[i].rule->name);
		log_z(&l, "phase", phase_name(phase));
		log_str(&l, "text", v->logs[i].text);
		log_end(&l);
	}
	if (v->unsure != NULL)
		log_unsure(id, phase, v);
	if (v->gave_up_rule == NULL)
		return;
	stats_add(STAT_REGEX_LIMITS, 1);
	log_begin(&l, LOG_LABEL_WARN, id, "a regular expression met its limit");
	log_z(&l, "rule", v->gave_up_rule->name);
	log_str(&l, "condition", v->gave_up->text);
	log_end(&l);
}

void
sentence_put(struct logline *l, const struct verdict *v)
{
	if (v == NULL || v->rule == NULL)
		return;
	log_z(l, "rule", v->rule->name);
	log_z(l, "action", action_name(v->rule->action.kind));
}

void
sentence_put_would(struct logline *l, const struct verdict *would)
{
	struct buf text = {0};

	if (would == NULL)
		return;
	rule_decision_put(&text, would);
	log_z(l, "would-rule", would->rule->name);
	log_str(l, "would", buf_text(&text));
	buf_free(&text);
}
