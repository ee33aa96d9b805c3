#include <stdlib.h>
#include <string.h>

#include "base/nearest.h"
#include "conf/list.h"
#include "conf/listing.h"
#include "policy/action.h"
#include "policy/rule_check.h"

const char *
check_meant(struct rule_checker *c, const char *near)
{
	return near == NULL ? NULL :
	    arena_printf(c->a, "did you mean \"%s\"?", near);
}

const char *
check_show(struct rule_checker *c, struct span text)
{
	return arena_printf(c->a, "\"%.*s\"", text.len > 60 ? 60 :
	    (int)text.len, text.p);
}

const char *
check_fact_name(struct rule_checker *c, const struct fact_ref *ref)
{
	if (ref->fact->argument == FACT_TAKES_NOTHING)
		return ref->fact->name;
	if (fact_is_dotted(ref->fact))
		return arena_printf(c->a, "%s%.*s", ref->fact->name,
		    SPAN_ARG(ref->argument));
	return arena_printf(c->a, "%s %s", ref->fact->name,
	    check_show(c, ref->argument));
}

/* --- facts --- */

static bool
check_list(struct rule_checker *c, const struct fact_ref *ref)
{
	const struct rules *r = c->rules;
	const char **names = arena_new_n(c->a, r->nlists + 1, const char *);

	for (size_t i = 0; i < r->nlists; i++) {
		names[i] = r->lists[i].name;
		if (span_is(ref->argument, names[i]))
			return true;
	}
	/* A fact's own name may be what was meant: dnsbl.scor. */
	if (r->nlists == 0 || nearest(ref->argument, names, r->nlists) == NULL)
		diagnostic(c->d, ref->at, check_meant(c, fact_nearest(span_z(
		    check_fact_name(c, ref)))), "no DNS list is called "
		    "%s", check_show(c, ref->argument));
	else
		diagnostic(c->d, ref->at, check_meant(c,
		    arena_printf(c->a, "dnsbl.%s", nearest(ref->argument,
		    names, r->nlists))), "no DNS list is called %s",
		    check_show(c, ref->argument));
	return false;
}

static void
check_store(struct rule_checker *c, const char *name, struct place at)
{
	if (!c->context->has_store)
		diagnostic(c->d, at, NULL, "\"%s\" needs a store: \"store\" "
		    "in the configuration", name);
}

/* Whether it is known what is asked for. */
static bool
check_ref(struct rule_checker *c, const struct fact_ref *ref,
    enum phase phase)
{
	if (ref->fact->phase > phase)
		diagnostic(c->d, ref->at, NULL, "%s is not known at %s: it is "
		    "from %s on", check_fact_name(c, ref), phase_name(phase),
		    phase_name(ref->fact->phase));
	if (ref->fact->cost == FACT_STORE)
		check_store(c, ref->fact->name, ref->at);
	if (ref->fact->argument == FACT_TAKES_MILTER)
		return check_milter_fact(c, ref);
	return ref->fact->argument != FACT_TAKES_LIST || check_list(c, ref);
}

/* --- rules --- */

static void
check_cond(struct rule_checker *c, struct cond *cond, enum phase phase)
{
	switch (cond->op) {
	case COND_AND:
	case COND_OR:
		check_cond(c, cond->left, phase);
		check_cond(c, cond->right, phase);
		break;
	case COND_NOT:
		check_cond(c, cond->left, phase);
		break;
	case COND_TAGGED:
		cond->value = (struct value){ .type = TYPE_TEXT,
		    .text = cond->literal->text };
		break;
	default:
		if (cond->ref.fact == NULL)	/* reported */
			break;
		if (check_ref(c, &cond->ref, phase))
			check_leaf(c, cond);
	}
}

static void
check_route(struct rule_checker *c, const struct action *action)
{
	const char *const *names = c->context->backends;
	size_t n;

	for (n = 0; names[n] != NULL; n++)
		if (span_is(action->name, names[n]))
			return;
	diagnostic(c->d, action->name_at, check_meant(c,
	    nearest(action->name, names, n)), "unknown backend %s",
	    check_show(c, action->name));
}

/* Scores of other scores would count twice. */
static void
check_score(struct rule_checker *c, const struct fact_ref *ref,
    enum phase phase)
{
	const struct fact *fact = ref->fact;

	if (!check_ref(c, ref, phase))
		return;
	if (fact->scope == FACT_OF_RULES)
		diagnostic(c->d, ref->at, NULL, "%s is what scores add up to: "
		    "expected another fact", fact->name);
	else if (fact->type != TYPE_NUMBER && fact->type != TYPE_INT)
		diagnostic(c->d, ref->at, type_is_list(fact->type) ||
		    fact->type == TYPE_YESNO ? arena_printf(c->a,
		    "a number behind score is added where a condition holds: "
		    "score 1 when %s%s", check_fact_name(c, ref),
		    fact->type == TYPE_YESNO ? "" : " is not none") : NULL,
		    "%s is %s: score adds numbers", check_fact_name(c, ref),
		    type_name(fact->type));
}

static void	check_action(struct rule_checker *c, struct action *action,
		    enum phase phase);

/* What a limit counts by. */
static void
check_key(struct rule_checker *c, const struct brake *brake,
    enum phase phase)
{
	for (size_t i = 0; i < brake->nfacts; i++) {
		const struct fact_ref *ref = &brake->facts[i];

		if (ref->fact == NULL)		/* reported */
			continue;
		check_ref(c, ref, phase);
		if (ref->fact->scope == FACT_OF_RULES)
			diagnostic(c->d, ref->at, NULL, "%s is made by the "
			    "rules: a limit counts by what comes in",
			    ref->fact->name);
		for (size_t j = 0; j < i; j++)
			if (brake->facts[j].fact == ref->fact &&
			    span_eq_nocase(brake->facts[j].argument,
			    ref->argument))
				diagnostic(c->d, ref->at, NULL, "%s is there "
				    "twice", check_fact_name(c, ref));
	}
}

static void
check_brake(struct rule_checker *c, const struct action *action,
    enum phase phase)
{
	check_store(c, action_name(action->kind), action->at);
	if (action->kind == ACTION_LIMIT)
		check_key(c, action->brake, phase);
	else if (phase != PHASE_RCPT || !c->context->has_store)
		return;		/* its own facts would say so once more */
	check_action(c, action->brake->action, phase);
}

static void
check_action(struct rule_checker *c, struct action *action, enum phase phase)
{
	if (action->brake != NULL)
		check_brake(c, action, phase);
	if (action->ref.fact != NULL)
		check_score(c, &action->ref, phase);
	for (size_t i = 0; i < action->text.n; i++)
		if (action->text.parts[i].ref.fact != NULL)
			check_ref(c, &action->text.parts[i].ref, phase);
	if (action->kind == ACTION_ROUTE && action->name.len > 0 &&
	    c->context != NULL && c->context->backends != NULL)
		check_route(c, action);
	if (action->kind == ACTION_MILTER)
		check_milter_action(c, action);
}

static void
check_rules(struct rule_checker *c, struct rule *rules, size_t n,
    enum phase phase, const struct rule ***labels, size_t *nlabels)
{
	for (size_t i = 0; i < n; i++) {
		struct rule *rule = &rules[i];

		if (rule->when != NULL)
			check_cond(c, rule->when, phase);
		if (rule->group != NULL)
			check_rules(c, rule->group, rule->ngroup, phase,
			    labels, nlabels);
		else
			check_action(c, &rule->action, phase);
		if (!rule->has_label)
			continue;
		*labels = list_room(c->a, *labels, *nlabels, sizeof(rule));
		(*labels)[(*nlabels)++] = rule;
	}
}

/* --- labels --- */

static int
by_label(const void *a, const void *b)
{
	const struct rule *const *x = a, *const *y = b;
	int order = strcmp((*x)->name, (*y)->name);

	if (order != 0)
		return order;
	return (*x)->number < (*y)->number ? -1 : 1;
}

static void
check_labels(struct rule_checker *c, const struct rule **labels, size_t n)
{
	if (n == 0)
		return;
	qsort(labels, n, sizeof(*labels), by_label);
	for (size_t i = 1, first = 0; i < n; i++) {
		const struct rule *rule = labels[i], *other = labels[first];

		if (strcmp(rule->name, other->name) == 0)
			diagnostic(c->d, rule->at, NULL, "the label \"%s\" "
			    "was already given at %s:%u", rule->name,
			    other->at.source->name, other->at.line);
		else
			first = i;
	}
}

void
rule_check(struct rules *rules, const struct rule_context *context,
    struct diagnostics *d)
{
	struct rule_checker c = { rules->arena, rules, context, d };
	const struct rule **labels = NULL;
	size_t n = 0;

	for (size_t i = 0; i < rules->nsets; i++)
		check_set_build(&c, rules->sets[i]);
	for (unsigned i = 0; i < PHASES; i++)
		check_rules(&c, rules->phases[i].rules, rules->phases[i].n,
		    (enum phase)i, &labels, &n);
	check_labels(&c, labels, n);
	if (diagnostics_errors(d) > 0)
		return;
	c.a = arena_create("rule warnings");	/* no part of the rules */
	check_flow(&c);
	check_use(&c);
	arena_destroy(&c.a);
}
