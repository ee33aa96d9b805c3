#include <inttypes.h>
#include <stdbool.h>
#include <string.h>

#include "base/utf8.h"
#include "conf/value.h"
#include "policy/action.h"
#include "policy/rule_trace.h"

/* --- pieces of a line --- */

static void
put_cut(struct buf *out, struct span text, size_t most)
{
	if (!utf8_put_printable(out, text, most, true))
		buf_puts(out, "...");
}

static void
put_quoted(struct buf *out, struct span text)
{
	struct value v = { .type = TYPE_TEXT, .text = text };

	value_put(out, &v, NULL);
}

static void
put_ref(struct buf *out, const struct fact_ref *ref)
{
	buf_puts(out, ref->fact->name);
	if (ref->fact->argument == FACT_TAKES_HEADER) {
		buf_puts(out, " ");
		put_quoted(out, ref->argument);
	} else
		buf_span(out, ref->argument);
}

static bool
has_counted(const struct rule_step *step)
{
	return step->applied && step->rule->action.kind == ACTION_LIMIT;
}

/* "sender in $abusers = "x.example"", or no, or unknown. */
static void
put_asked(struct buf *out, const struct set_reading *asked)
{
	struct buf text = {0};

	put_ref(out, &asked->cond->ref);
	buf_printf(out, " in $%s = ", asked->cond->set->name);
	if (asked->told == SET_HAS) {
		put_quoted(&text, asked->member);
		put_cut(out, buf_text(&text), TRACE_VALUE_MAX);
	} else
		buf_puts(out, asked->told == SET_HAS_NOT ? "no" : "unknown");
	buf_free(&text);
}

static void
put_readings(struct buf *out, const struct rule_step *step)
{
	struct buf text = {0};
	bool is_first = true;

	if (step->nreadings == 0 && step->nasked == 0 && !has_counted(step))
		return;
	buf_puts(out, " [");
	if (has_counted(step)) {
		buf_puts(out, "limit = ");
		if (step->number < 0)
			buf_puts(out, "unknown");
		else
			buf_printf(out, "%" PRId64, step->number);
		is_first = false;
	}
	for (size_t i = 0; i < step->nreadings; i++) {
		const struct fact_reading *r = &step->readings[i];

		buf_puts(out, is_first ? "" : ", ");
		is_first = false;
		put_ref(out, r->ref);
		buf_puts(out, " = ");
		buf_clear(&text);
		value_put(&text, &r->value, r->ref->fact->words);
		put_cut(out, buf_text(&text), TRACE_VALUE_MAX);
	}
	for (size_t i = 0; i < step->nasked; i++) {
		buf_puts(out, is_first ? "" : ", ");
		is_first = false;
		put_asked(out, &step->asked[i]);
	}
	buf_puts(out, "]");
	buf_free(&text);
}

static void
put_code(struct buf *out, int code, const char *enhanced)
{
	buf_printf(out, " %d", code);
	if (enhanced != NULL)
		buf_printf(out, " %s", enhanced);
}

static void
put_hundredths(struct buf *out, int64_t number)
{
	struct value v = { .type = TYPE_NUMBER, .number = number };

	buf_puts(out, " ");
	value_put(out, &v, NULL);
}

static bool
has_name(const struct action *a)
{
	return a->kind == ACTION_ADD_HEADER ||
	    a->kind == ACTION_REMOVE_HEADER ||
	    a->kind == ACTION_REPLACE_HEADER || a->kind == ACTION_SCORE;
}

void
rule_told_put(struct buf *out, const struct told *told)
{
	const struct action *a = action_in_effect(told->rule);

	buf_puts(out, action_name(a->kind));
	if (action_has_code(a->kind))
		put_code(out, a->code, a->enhanced);
	if (a->kind == ACTION_SCORE)
		put_hundredths(out, told->score);
	if (a->kind == ACTION_DELAY) {
		buf_puts(out, " ");
		value_put_duration(out, a->number);
	}
	if (a->kind == ACTION_TAG || a->kind == ACTION_ROUTE ||
	    a->kind == ACTION_MILTER) {
		buf_puts(out, " ");
		put_cut(out, a->name, TRACE_VALUE_MAX);
	}
	if (has_name(a) && a->name.len > 0) {
		buf_puts(out, " ");
		put_quoted(out, a->name);
	}
	if (a->text.n > 0) {
		buf_puts(out, " ");
		put_quoted(out, told->text);
	}
}

/* ": reject"; ": accept, goes on" */
static void
put_consulted(struct buf *out, const struct rule_step *step)
{
	const struct consult_answer *c = &step->consulted;

	if (c->outcome == CONSULT_UNASKED) {
		buf_puts(out, ": not asked");
		return;
	}
	buf_printf(out, ": %s%s", fact_at(FACT_MILTER)->words[c->word],
	    c->outcome == CONSULT_PASSES ? ", goes on" : "");
}

static void
put_outcome(struct buf *out, const struct rule_step *step)
{
	struct told told = { step->rule, step->text, step->score };

	if (step->is_untold)
		buf_puts(out, "cannot be told");
	else if (!step->applied)
		buf_puts(out, "no");
	else if (step->rule->group != NULL)
		buf_puts(out, "yes");
	else if (step->is_let_pass)
		buf_puts(out, "goes on");
	else {
		if (step->observed)
			buf_puts(out, "would ");
		rule_told_put(out, &told);
		if (step->is_consulted)
			put_consulted(out, step);
	}
}

/* --- lines --- */

static void
put_place(struct buf *out, const struct rule *rule)
{
	const struct source *source = rule->at.source;

	if (source == NULL)
		buf_puts(out, rule->name != NULL ? rule->name : "");
	else
		buf_printf(out, "%s:%u", source->name, rule->at.line);
	if (rule->has_label && source != NULL)
		buf_printf(out, " %s", rule->name);
}

/* As it is written, but what is done. */
static void
put_brake(struct buf *out, const struct action *action)
{
	const struct brake *brake = action->brake;

	buf_puts(out, action_name(action->kind));
	if (action->kind != ACTION_LIMIT)
		return;
	buf_printf(out, " %" PRId64 "/", brake->most);
	value_put_duration(out, brake->window);
	for (size_t i = 0; i < brake->nfacts; i++) {
		buf_puts(out, i == 0 ? " per " : ", ");
		put_ref(out, &brake->facts[i]);
	}
}

void
rule_step_put(struct buf *out, const struct rule_step *step)
{
	const struct rule *rule = step->rule;

	put_place(out, rule);
	buf_puts(out, rule->when != NULL ? ": when " :
	    rule->action.brake != NULL ? ": " : ": always");
	if (rule->when != NULL)
		put_cut(out, rule->when->text, TRACE_CONDITION_MAX);
	if (rule->action.brake != NULL) {
		buf_puts(out, rule->when != NULL ? ", " : "");
		put_brake(out, &rule->action);
	}
	put_readings(out, step);
	buf_puts(out, " -> ");
	put_outcome(out, step);
	if (step->gave_up != NULL) {
		buf_puts(out, " (met a limit, so no match: ");
		put_cut(out, step->gave_up->text, TRACE_CONDITION_MAX);
		buf_puts(out, ")");
	}
	buf_puts(out, "\n");
}

void
rule_decision_put(struct buf *out, const struct verdict *v)
{
	buf_puts(out, action_name(v->kind));
	if (action_has_code(v->kind))
		put_code(out, v->code, v->enhanced);
	if (v->kind == ACTION_MILTER) {
		buf_puts(out, " ");
		put_cut(out, action_in_effect(v->rule)->name,
		    TRACE_VALUE_MAX);
	}
	if (v->text.len > 0) {
		buf_puts(out, " ");
		put_quoted(out, v->text);
	}
}

void
rule_verdict_put(struct buf *out, const struct verdict *v)
{
	rule_decision_put(out, v);
	if (v->rule != NULL)
		buf_printf(out, " by %s", v->rule->name);
	else
		buf_puts(out, ", no rule decided");
	if (v->unsure != NULL)
		buf_printf(out, ", since %s cannot be told", v->unsure->name);
}

void
rule_trace_put_head(struct buf *out, const struct rule_trace *trace,
    const struct verdict *verdict)
{
	buf_printf(out, "at %s: ", phase_name(trace->phase));
	rule_verdict_put(out, verdict);
	if (verdict->unrouted != NULL)
		buf_printf(out, "; its route depends on %s, which cannot be "
		    "told", verdict->unrouted->name);
	if (trace->trusted != NULL)
		buf_puts(out, ", which trusts");
	if (verdict->would != NULL) {
		buf_puts(out, "; would ");
		rule_verdict_put(out, verdict->would);
	}
	if (trace->would_end != NULL)
		buf_printf(out, "; observation ended by %s",
		    trace->would_end->name);
}

void
rule_trace_put(struct buf *out, const struct rule_trace *trace,
    const struct verdict *verdict)
{
	rule_trace_put_head(out, trace, verdict);
	buf_puts(out, "\n");
	for (size_t i = 0; i < trace->n; i++) {
		buf_puts(out, "  ");
		rule_step_put(out, &trace->steps[i]);
	}
}
