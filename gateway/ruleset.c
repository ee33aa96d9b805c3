#include <stdio.h>

#include "conf/conf.h"
#include "conf/listing.h"
#include "gateway/ruleset.h"
#include "policy/action.h"

_Static_assert(MILTERS_MAX <= RULE_MILTERS_MAX, "a bit for each filter");

struct rule_context
ruleset_context(struct arena *a, const struct settings *s)
{
	struct rule_context context = { .files = true,
	    .has_store = s->store.text != NULL,
	    .has_redis = s->store.text != NULL &&
	    s->store.kind == STORE_REDIS, .observe = s->observe };
	const char **backends = arena_new_n(a, s->nbackends + 1, const char *);
	struct dnsbl_list *lists = arena_new_n(a, s->nlists,
	    struct dnsbl_list);
	struct rule_milter *milters = arena_new_n(a, s->nmilters + 1,
	    struct rule_milter);
	size_t n = 0;

	/* Only what has errors, or is none of the administrator's, has
	 * something without a name. */
	for (size_t i = 0; i < s->nbackends; i++)
		if (s->backends[i].name != NULL)
			backends[n++] = s->backends[i].name;
	context.backends = n == s->nbackends ? backends : NULL;
	for (size_t i = 0; i < s->nlists; i++)
		if (s->lists[i].list.name != NULL)
			lists[context.nlists++] = s->lists[i].list;
	context.lists = lists;
	for (size_t i = 0; i < s->nmilters; i++)
		if (s->milters[i].name != NULL && i < MILTERS_MAX)
			milters[context.nmilters++] = (struct rule_milter){
			    s->milters[i].name,
			    s->milters[i].when == MILTER_BY_RULES };
	if (context.backends != NULL && context.nmilters == s->nmilters)
		context.milters = milters;
	return context;
}

static struct rules *
read_rules(struct arena *a, const struct settings *s, const char **name,
    struct diagnostics *d)
{
	const struct rule_context context = ruleset_context(a, s);

	switch (s->rules.choice) {
	case RULES_FILE:
		*name = s->rules.path;
		return rules_read(a, *name, &context, d);
	case RULES_NONE:
		*name = "rules none";
		return rules_read_text(a, *name, span_z(""), &context, d);
	case RULES_DEFAULT:
		break;
	}
	*name = "default.rules";
	return rules_read_text(a, *name, conf_default_rules(), &context, d);
}

struct ruleset *
ruleset_read(struct arena *a, const struct settings *s,
    struct diagnostics *d)
{
	struct ruleset *r = arena_new(a, struct ruleset);
	const struct rules *rules = read_rules(a, s, &r->name, d);

	if (rules == NULL)
		return NULL;
	r->rules = rules;
	snprintf(r->hash, sizeof(r->hash), "%016llx",
	    (unsigned long long)rules->hash);
	r->plan = rule_plan(a, rules);
	r->lists = rules->lists;
	r->nlists = rules->nlists;
	return r;
}

/* --- what is hardly meant --- */

/* With the rule that is an example of it; NULL: none puts anything there. */
static const struct rule *
find_quarantine(const struct rule *rules, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		const struct rule *rule = &rules[i], *inner;

		if (rule->group == NULL) {
			if (action_in_effect(rule)->kind == ACTION_QUARANTINE)
				return rule;
			continue;
		}
		inner = find_quarantine(rule->group, rule->ngroup);
		if (inner != NULL)
			return inner;
	}
	return NULL;
}

/* By the action; the fact has it asked, too. */
static uint32_t
find_told(const struct rule *rules, size_t n)
{
	uint32_t told = 0;

	for (size_t i = 0; i < n; i++) {
		const struct action *action = action_in_effect(&rules[i]);

		if (rules[i].group != NULL)
			told |= find_told(rules[i].group, rules[i].ngroup);
		else if (action->kind == ACTION_MILTER && !rules[i].observe)
			told |= UINT32_C(1) << action->milter;
	}
	return told;
}

static bool
has_fact(const struct rule_plan *plan, const char *milter)
{
	const struct phase_plan *p = &plan->phases[PHASE_MESSAGE];

	for (size_t i = 0; i < p->nneeds; i++)
		if (p->needs[i]->fact->argument == FACT_TAKES_MILTER &&
		    span_is(p->needs[i]->argument, milter))
			return true;
	return false;
}

static void
check_milters(const struct rules *rules, struct diagnostics *d)
{
	struct arena *a = arena_create("filters of rules");
	const struct rule_plan *plan = rule_plan(a, rules);
	uint32_t told = 0;

	for (size_t i = 0; i < PHASES; i++)
		told |= find_told(rules->phases[i].rules,
		    rules->phases[i].n);
	for (size_t i = 0; i < rules->nmilters; i++) {
		const struct rule_milter *m = &rules->milters[i];

		if (m->is_by_rules && (told >> i & 1) == 0 &&
		    !has_fact(plan, m->name))
			diagnostic_warn(d, (struct place){0}, NULL, "the "
			    "milter \"%s\" is never asked: it has \"when "
			    "rules\", and no rule has it told", m->name);
	}
	arena_destroy(&a);
}

static void
check_quarantine(const struct rules *rules, const struct settings *s,
    struct diagnostics *d)
{
	const struct phase_rules *message = &rules->phases[PHASE_MESSAGE];
	const struct rule *rule = find_quarantine(message->rules, message->n);

	if (rule == NULL || s->quarantine_name != NULL)
		return;
	diagnostic_warn(d, rule->action.at, "quarantine BACKEND in the "
	    "configuration would send it elsewhere", "no quarantine backend "
	    "is set: such mail goes to its own backend, with the header "
	    "X-Forepost-Quarantine");
}

void
ruleset_check(const struct rules *rules, const struct settings *s,
    struct diagnostics *d)
{
	check_quarantine(rules, s, d);
	check_milters(rules, d);
}
