#include <stdbool.h>

#include "base/utf8.h"
#include "policy/action.h"
#include "policy/rule_trace.h"

/* JSON is UTF-8: what is none, and controls, are replaced. */
static json_t *
json_of_text(struct span text)
{
	struct buf out = {0};
	json_t *json;

	utf8_put_printable(&out, text, SIZE_MAX, true);
	json = json_stringn(out.len > 0 ? out.p : "", out.len);
	buf_free(&out);
	return json;
}

static json_t *
json_of_value(const struct value *v, const char *const *words)
{
	struct buf out = {0};
	json_t *json;

	if (v->is_none)
		return json_null();
	switch (v->type) {
	case TYPE_YESNO:
		return json_boolean(v->yes);
	case TYPE_INT:
	case TYPE_SIZE:
		return json_integer(v->number);
	case TYPE_NUMBER:
		return json_real((double)v->number / 100);
	case TYPE_DURATION:
		return json_real((double)v->number / 1e6);
	case TYPE_TEXT:
	case TYPE_NAME:
	case TYPE_MAILBOX:
		return json_of_text(v->text);
	case TYPE_TEXTS:
	case TYPE_NAMES:
	case TYPE_ADDRESSES:
		json = json_array();
		for (size_t i = 0; i < v->list.n; i++)
			json_array_append_new(json,
			    json_of_value(&v->list.items[i], NULL));
		return json;
	default:		/* words and addresses, as rules have them */
		value_put(&out, v, words);
		json = json_of_text(buf_text(&out));
		buf_free(&out);
		return json;
	}
}

/* "dnsbl.score", "header Subject" */
static void
put_ref(struct buf *out, const struct fact_ref *ref)
{
	buf_puts(out, ref->fact->name);
	if (ref->fact->argument == FACT_TAKES_HEADER)
		buf_puts(out, " ");
	utf8_put_printable(out, ref->argument, SIZE_MAX, true);
}

static void
set_fact(json_t *facts, const struct fact_reading *r)
{
	struct buf key = {0};

	put_ref(&key, r->ref);
	buf_put(&key, "", 1);
	json_object_set_new(facts, key.p, json_of_value(&r->value,
	    r->ref->fact->words));
	buf_free(&key);
}

static json_t *
json_of_asked(const struct rule_step *step)
{
	json_t *list = json_array();
	struct buf name = {0};

	for (size_t i = 0; i < step->nasked; i++) {
		const struct set_reading *asked = &step->asked[i];
		json_t *one = json_object();

		buf_clear(&name);
		put_ref(&name, &asked->cond->ref);
		json_object_set_new(one, "set",
		    json_of_text(span_z(asked->cond->set->name)));
		json_object_set_new(one, "fact",
		    json_of_text(buf_text(&name)));
		json_object_set_new(one, "in", asked->told == SET_UNTOLD ?
		    json_null() : json_boolean(asked->told == SET_HAS));
		if (asked->told == SET_HAS)
			json_object_set_new(one, "member",
			    json_of_text(asked->member));
		json_array_append_new(list, one);
	}
	buf_free(&name);
	return list;
}

static void
set_place(json_t *json, const struct rule *rule)
{
	if (rule->at.source != NULL) {
		json_object_set_new(json, "file",
		    json_of_text(span_z(rule->at.source->name)));
		json_object_set_new(json, "line",
		    json_integer(rule->at.line));
	}
	if (rule->name != NULL)
		json_object_set_new(json, "rule",
		    json_of_text(span_z(rule->name)));
}

static void
set_code(json_t *json, enum action_kind kind, int code, const char *enhanced)
{
	if (!action_has_code(kind))
		return;
	json_object_set_new(json, "code", json_integer(code));
	if (enhanced != NULL)
		json_object_set_new(json, "enhanced",
		    json_of_text(span_z(enhanced)));
}

static void
set_consulted(json_t *json, const struct consult_answer *answer)
{
	json_object_set_new(json, "said", json_string(
	    fact_at(FACT_MILTER)->words[answer->word]));
	json_object_set_new(json, "decided", json_boolean(
	    answer->outcome != CONSULT_PASSES));
}

/* What a rule does: its parameters, and its text when it was rendered. */
static void
set_effect(json_t *json, const struct rule_step *step)
{
	const struct action *a = action_in_effect(step->rule);
	bool is_done = step->applied && !step->is_let_pass;

	json_object_set_new(json, "action",
	    json_string(action_name(a->kind)));
	set_code(json, a->kind, a->code, a->enhanced);
	if (a->name.len > 0)
		json_object_set_new(json, "name", json_of_text(a->name));
	if (a->kind == ACTION_SCORE && (is_done || a->ref.fact == NULL))
		json_object_set_new(json, "score", json_real((double)
		    (is_done ? step->score : a->number) / 100));
	if (a->kind == ACTION_DELAY)
		json_object_set_new(json, "delay",
		    json_real((double)a->number / 1e6));
	if (step->is_consulted &&
	    step->consulted.outcome != CONSULT_UNASKED)
		set_consulted(json, &step->consulted);
	if (is_done && a->text.n > 0)
		json_object_set_new(json, "text", json_of_text(step->text));
}

static void
set_limit(json_t *json, const struct rule_step *step)
{
	const struct brake *brake = step->rule->action.brake;
	json_t *per = json_array();
	struct buf name = {0};

	json_object_set_new(json, "most", json_integer(brake->most));
	json_object_set_new(json, "window",
	    json_real((double)brake->window / 1e6));
	for (size_t i = 0; i < brake->nfacts; i++) {
		buf_clear(&name);
		put_ref(&name, &brake->facts[i]);
		json_array_append_new(per, json_of_text(buf_text(&name)));
	}
	buf_free(&name);
	json_object_set_new(json, "per", per);
	if (step->applied)
		json_object_set_new(json, "number", step->number < 0 ?
		    json_null() : json_integer(step->number));
}

static void
set_action(json_t *json, const struct rule_step *step)
{
	const struct action *a = &step->rule->action;
	json_t *effect;

	if (a->brake == NULL) {
		set_effect(json, step);
		return;
	}
	json_object_set_new(json, "action",
	    json_string(action_name(a->kind)));
	if (a->kind == ACTION_LIMIT)
		set_limit(json, step);
	if (step->applied)
		json_object_set_new(json, "let-pass",
		    json_boolean(step->is_let_pass));
	effect = json_object();
	set_effect(effect, step);
	json_object_set_new(json, "effect", effect);
}

static json_t *
json_of_step(const struct rule_step *step)
{
	json_t *json = json_object(), *facts = json_object();

	set_place(json, step->rule);
	if (step->rule->when != NULL)
		json_object_set_new(json, "when",
		    json_of_text(step->rule->when->text));
	json_object_set_new(json, "held", step->is_untold ? json_null() :
	    json_boolean(step->applied));
	json_object_set_new(json, "observed", json_boolean(step->observed));
	if (step->rule->group == NULL)
		set_action(json, step);
	for (size_t i = 0; i < step->nreadings; i++)
		set_fact(facts, &step->readings[i]);
	json_object_set_new(json, "facts", facts);
	if (step->nasked > 0)
		json_object_set_new(json, "sets", json_of_asked(step));
	if (step->gave_up != NULL)
		json_object_set_new(json, "gave-up",
		    json_of_text(step->gave_up->text));
	return json;
}

static json_t *
json_of_decision(const struct verdict *v)
{
	json_t *json = json_object();

	json_object_set_new(json, "action", json_string(action_name(v->kind)));
	if (v->rule != NULL)
		set_place(json, v->rule);
	set_code(json, v->kind, v->code, v->enhanced);
	if (v->kind == ACTION_MILTER)
		json_object_set_new(json, "name",
		    json_of_text(action_in_effect(v->rule)->name));
	if (v->text.len > 0)
		json_object_set_new(json, "text", json_of_text(v->text));
	if (v->unsure != NULL)
		json_object_set_new(json, "unsure",
		    json_of_text(span_z(v->unsure->name)));
	return json;
}

static json_t *
json_of_verdict(const struct verdict *v)
{
	json_t *json = json_of_decision(v);

	if (v->delay > 0)
		json_object_set_new(json, "delay",
		    json_real((double)v->delay / 1e6));
	if (v->route.len > 0)
		json_object_set_new(json, "route", json_of_text(v->route));
	if (v->unrouted != NULL)
		json_object_set_new(json, "unrouted",
		    json_of_text(span_z(v->unrouted->name)));
	if (v->would != NULL)
		json_object_set_new(json, "would", json_of_decision(v->would));
	return json;
}

json_t *
rule_trace_json(const struct rule_trace *trace, const struct verdict *verdict)
{
	json_t *json = json_object(), *rules = json_array();

	json_object_set_new(json, "phase",
	    json_string(phase_name(trace->phase)));
	json_object_set_new(json, "verdict", json_of_verdict(verdict));
	if (trace->would_end != NULL)
		json_object_set_new(json, "observation-ended-by",
		    json_of_text(span_z(trace->would_end->name)));
	for (size_t i = 0; i < trace->n; i++)
		json_array_append_new(rules, json_of_step(&trace->steps[i]));
	json_object_set_new(json, "rules", rules);
	return json;
}
