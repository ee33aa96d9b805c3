#include "gateway/transaction_internal.h"
#include "policy/action.h"
#include "policy/fact.h"

const char *
told_by_name(enum told_by by)
{
	static const char *const names[] = { [BY_RULE] = "rule",
	    [BY_MILTER] = "milter", [BY_BACKEND] = "backend", [BY_US] = "us",
	    [BY_CLIENT] = "client", [BY_NOBODY] = NULL };

	return names[by];
}

void
tell_reply(struct teller *t, const char *key, const struct reply *r)
{
	if (r->code == 0)
		return;
	buf_clear(&t->scratch);
	buf_uint(&t->scratch, (uint64_t)r->code);
	buf_puts(&t->scratch, " ");
	buf_puts(&t->scratch, r->enhanced);
	buf_puts(&t->scratch, r->enhanced[0] != '\0' ? " " : "");
	buf_puts(&t->scratch, r->text);
	tell_text(t, key, buf_text(&t->scratch));
}

/* --- rules --- */

static void
tell_place(struct teller *t, const struct rule *rule)
{
	json_z(&t->o, "rule", rule->name);
	if (rule->at.source == NULL)
		return;
	buf_clear(&t->scratch);
	buf_puts(&t->scratch, rule->at.source->name);
	buf_puts(&t->scratch, ":");
	buf_uint(&t->scratch, (uint64_t)rule->at.line);
	json_span(&t->o, "at", buf_text(&t->scratch));
}

void
tell_rule(struct teller *t, const struct rule *rule)
{
	tell_place(t, rule);
	json_z(&t->o, "action", action_name(rule->action.kind));
}

static void
tell_hit(struct teller *t, const struct told *hit, bool observed)
{
	const struct action *action = action_in_effect(hit->rule);

	json_open(&t->o, NULL, '{');
	tell_place(t, hit->rule);
	json_z(&t->o, "action", action_name(action->kind));
	if (action->name.len > 0)
		json_span(&t->o, "name", action->name);
	if (action->kind == ACTION_SCORE)
		json_decimal(&t->o, "score", hit->score, 2);
	if (hit->text.len > 0)
		tell_text(t, "text", hit->text);
	if (observed)
		json_bool(&t->o, "observed", true);
	json_close(&t->o, '}');
}

static void
tell_hits(struct teller *t, const struct verdict *v)
{
	if (v->nhits + v->nobserved == 0)
		return;
	json_open(&t->o, "hits", '[');
	for (size_t i = 0; i < v->nhits; i++)
		tell_hit(t, &v->hits[i], false);
	for (size_t i = 0; i < v->nobserved; i++)
		tell_hit(t, &v->observed[i], true);
	json_close(&t->o, ']');
}

/* --- what they went by --- */

static void
tell_read(struct teller *t, const struct verdict *v)
{
	if (v->nread == 0)
		return;
	json_open(&t->o, "read", '{');
	for (size_t i = 0; i < v->nread; i++) {
		tell_ref_key(t, v->read[i].ref);
		tell_value(t, NULL, v->read[i].ref->fact, VEIL_TEXT,
		    &v->read[i].value);
	}
	json_close(&t->o, '}');
}

static void
tell_limits(struct teller *t, const struct verdict *v)
{
	if (v->ncounted == 0)
		return;
	json_open(&t->o, "limits", '{');
	for (size_t i = 0; i < v->ncounted; i++) {
		if (v->counted[i].number < 0)
			json_none(&t->o, v->counted[i].rule->name);
		else
			json_int(&t->o, v->counted[i].rule->name,
			    v->counted[i].number);
	}
	json_close(&t->o, '}');
}

static void
tell_set(struct teller *t, const struct set_reading *r)
{
	json_open(&t->o, NULL, '{');
	json_z(&t->o, "set", r->cond->set->name);
	buf_clear(&t->scratch);
	buf_puts(&t->scratch, r->cond->ref.fact->name);
	if (r->cond->ref.fact->argument == FACT_TAKES_HEADER)
		buf_puts(&t->scratch, " ");
	buf_span(&t->scratch, r->cond->ref.argument);
	json_span(&t->o, "fact", buf_text(&t->scratch));
	if (r->told == SET_UNTOLD)
		json_none(&t->o, "in");
	else
		json_bool(&t->o, "in", r->told == SET_HAS);
	if (r->told == SET_HAS)
		tell_text(t, "member", r->member);
	json_close(&t->o, '}');
}

static void
tell_sets(struct teller *t, const struct verdict *v)
{
	if (v->nasked == 0)
		return;
	json_open(&t->o, "sets", '[');
	for (size_t i = 0; i < v->nasked; i++)
		tell_set(t, &v->asked[i]);
	json_close(&t->o, ']');
}

static void
tell_untold(struct teller *t, const struct verdict *v)
{
	if (v->nuntold == 0)
		return;
	json_open(&t->o, "untold", '[');
	for (size_t i = 0; i < v->nuntold; i++)
		json_z(&t->o, NULL, v->untold[i]->name);
	json_close(&t->o, ']');
}

static void
tell_consulted(struct teller *t, const struct rules *rules,
    const struct verdict *v)
{
	const struct fact *fact = fact_at(FACT_MILTER);

	if (v->nconsulted == 0)
		return;
	json_open(&t->o, "milters", '{');
	for (size_t i = 0; i < v->nconsulted; i++) {
		const struct milter_reading *r = &v->consulted[i];

		json_open(&t->o, rules->milters[r->milter].name, '{');
		json_z(&t->o, "said", fact->words[r->answer.word]);
		json_bool(&t->o, "decided",
		    r->answer.outcome == CONSULT_DEFERS ||
		    r->answer.outcome == CONSULT_REFUSES);
		json_close(&t->o, '}');
	}
	json_close(&t->o, '}');
}

/* --- the verdict --- */

static void
tell_decision(struct teller *t, const struct verdict *v)
{
	json_z(&t->o, "action", action_name(v->kind));
	if (v->rule != NULL)
		tell_place(t, v->rule);
	if (v->code != 0)
		json_int(&t->o, "code", v->code);
	if (v->code != 0 && v->enhanced != NULL)
		json_z(&t->o, "enhanced", v->enhanced);
	if (v->text.len > 0)
		tell_text(t, "text", v->text);
	if (v->unsure != NULL)
		json_z(&t->o, "unsure", v->unsure->name);
}

void
tell_verdict(struct teller *t, const struct rules *rules,
    const struct verdict *v)
{
	tell_decision(t, v);
	if (v->route.len > 0)
		json_span(&t->o, "route", v->route);
	if (v->delay > 0)
		json_decimal(&t->o, "delay", v->delay, 6);
	if (v->would != NULL) {
		json_open(&t->o, "would", '{');
		tell_decision(t, v->would);
		json_close(&t->o, '}');
	}
	tell_hits(t, v);
	tell_read(t, v);
	tell_limits(t, v);
	tell_sets(t, v);
	tell_consulted(t, rules, v);
	tell_untold(t, v);
}
