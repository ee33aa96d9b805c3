#include "conf/list.h"
#include "policy/action.h"
#include "policy/rule_plan.h"

/*
 * What differs for the message when its recipient does. Rules that only
 * observe do not count: they must not make a recipient wait for a mail of its
 * own.
 */
struct reading {
	struct arena		*arena;
	struct rcpt_reads	*reads;
	/* What rules of rcpt can give. */
	bool			 score, tags, trust;
};

/* --- what rcpt gives --- */

static void
find_given(struct reading *r, const struct rule *rules, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		const struct rule *rule = &rules[i];
		enum action_kind kind = action_in_effect(rule)->kind;

		if (rule->group != NULL)
			find_given(r, rule->group, rule->ngroup);
		else if (!rule->observe) {
			r->score |= kind == ACTION_SCORE;
			r->tags |= kind == ACTION_TAG;
			r->trust |= kind == ACTION_TRUST;
		}
	}
}

/* --- what the message reads --- */

/* Whether it is a fact of the recipient that is the same for the message. */
static bool
is_of_rcpt(struct reading *r, const struct fact_ref *ref)
{
	if (ref->fact->scope == FACT_OF_RULES) {
		r->reads->score |= r->score &&
		    ref->fact->id == FACT_SCORE;
		r->reads->scores |= r->score &&
		    ref->fact->id == FACT_SCORES;
	}
	return ref->fact->scope == FACT_OF_RCPT &&
	    ref->fact->change == FACT_STAYS;
}

static void
read_cond(struct reading *r, const struct cond *c)
{
	struct rcpt_reads *reads = r->reads;

	if (c->op == COND_AND || c->op == COND_OR || c->op == COND_NOT) {
		read_cond(r, c->left);
		if (c->op != COND_NOT)
			read_cond(r, c->right);
	} else if (c->op == COND_TAGGED ? r->tags : is_of_rcpt(r, &c->ref)) {
		reads->tests = list_room(r->arena, reads->tests,
		    reads->ntests, sizeof(*reads->tests));
		reads->tests[reads->ntests++] = c;
	}
}

/* Its value as a text. */
static void
read_ref(struct reading *r, const struct fact_ref *ref)
{
	struct rcpt_reads *reads = r->reads;

	if (ref->fact == NULL || !is_of_rcpt(r, ref))
		return;
	reads->texts = list_room(r->arena, reads->texts, reads->ntexts,
	    sizeof(*reads->texts));
	reads->texts[reads->ntexts++] = ref;
}

static void
read_action(struct reading *r, const struct action *action)
{
	read_ref(r, &action->ref);
	for (size_t i = 0; i < action->text.n; i++)
		read_ref(r, &action->text.parts[i].ref);
	if (action->brake == NULL)
		return;
	for (size_t i = 0; i < action->brake->nfacts; i++)
		read_ref(r, &action->brake->facts[i]);
	read_action(r, action->brake->action);
}

static void
read_rules(struct reading *r, const struct rule *rules, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if (rules[i].observe)
			continue;
		r->reads->trust |= r->trust;
		if (rules[i].when != NULL)
			read_cond(r, rules[i].when);
		read_action(r, &rules[i].action);
		read_rules(r, rules[i].group, rules[i].ngroup);
	}
}

void
rule_plan_rcpt(struct rules *rules)
{
	const struct phase_rules *rcpt = &rules->phases[PHASE_RCPT];
	const struct phase_rules *message = &rules->phases[PHASE_MESSAGE];
	struct reading r = { .arena = rules->arena,
	    .reads = &rules->rcpt_reads };

	*r.reads = (struct rcpt_reads){0};
	find_given(&r, rcpt->rules, rcpt->n);
	read_rules(&r, message->rules, message->n);
}
