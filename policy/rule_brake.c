#include "conf/list.h"
#include "policy/rule_eval_internal.h"

/* --- greylist --- */

static MAY_YIELD int
ask_greylist(struct rule_run *run, const struct brake *brake,
    struct err *err)
{
	const struct fact_ref *ref = &brake->facts[0];
	struct value v;
	int word;

	if (rule_fact(run, ref, &v, err) < 0)
		return -1;
	word = (int)v.word;
	run->step.is_let_pass = word != fact_word(ref->fact, span_z("new")) &&
	    word != fact_word(ref->fact, span_z("early"));
	return 0;
}

/* --- limit --- */

static void
put_name(struct buf *key, const struct fact_ref *ref)
{
	buf_puts(key, " ");
	buf_puts(key, ref->fact->name);
	if (ref->fact->argument == FACT_TAKES_HEADER)
		buf_puts(key, " ");
	rule_put_folded(key, ref->argument);
}

/*
 * A label stays when the file is edited, and is the same on other gateways.
 * What is counted by other facts, or for another time, is something else
 * whatever the name; and what is only observed must not fill up what acts.
 */
static MAY_YIELD int
put_key(struct rule_run *run, struct buf *key, struct err *err)
{
	const struct rule *rule = run->step.rule;
	const struct brake *brake = rule->action.brake;

	buf_puts(key, rule->observe ? "observe " : "limit ");
	if (rule->has_label)
		buf_puts(key, rule->name);
	else
		buf_printf(key, "#%u", rule->number);
	buf_printf(key, " %llds", (long long)(brake->window / 1000000));
	for (size_t i = 0; i < brake->nfacts; i++) {
		struct value v;

		if (rule_fact(run, &brake->facts[i], &v, err) < 0)
			return -1;
		put_name(key, &brake->facts[i]);
		buf_puts(key, "=");
		rule_fact_put(key, &brake->facts[i], &v);
	}
	return 0;
}

/* Once for what the phase is asked about, however often it is: a run that had
 * to stop must not count again. */
static MAY_YIELD int
count(struct rule_run *run, struct span key, int64_t *number,
    struct err *err)
{
	const struct fact_source *source = run->e->source;
	const struct rule *rule = run->step.rule;
	const struct brake *brake = rule->action.brake;
	struct count_slot *slot = &run->e->counts[brake->slot];

	if (!slot->known) {
		if (source->count(source->owner, rule, key, brake->window,
		    &slot->number, err) < 0)
			return -1;
		slot->known = true;
		slot->phase = run->phase;
	}
	*number = slot->number;
	return 0;
}

static void
note_counted(struct rule_run *run, int64_t number)
{
	struct verdict *v = run->verdict;

	v->counted = list_room(run->arena, v->counted, v->ncounted,
	    sizeof(*v->counted));
	v->counted[v->ncounted++] = (struct limit_reading){ run->step.rule,
	    number };
}

static MAY_YIELD int
ask_limit(struct rule_run *run, const struct brake *brake, struct err *err)
{
	struct buf key = {0};
	int64_t number;
	int rc = put_key(run, &key, err);

	if (rc == 0)
		rc = count(run, buf_text(&key), &number, err);
	buf_free(&key);
	if (rc < 0)
		return -1;
	run->step.number = number;
	note_counted(run, number);
	run->step.is_let_pass = number <= brake->most;
	return 0;
}

void
rule_counts_forget(struct evaluation *e, enum fact_scope scope)
{
	for (size_t i = 0; i < e->rules->nlimits; i++)
		if (rule_scope(e->counts[i].phase) >= scope)
			e->counts[i].known = false;
}

/* --- both --- */

MAY_YIELD int
rule_brake(struct rule_run *run, struct err *err)
{
	const struct action *action = &run->step.rule->action;

	return action->kind == ACTION_GREYLIST ?
	    ask_greylist(run, action->brake, err) :
	    ask_limit(run, action->brake, err);
}
