#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "conf/list.h"
#include "conf/listing.h"
#include "policy/rule_plan.h"

/* --- all that rules name --- */

/* References in the order in which the rules name them. Conditions are gone
 * through without recursion: "or" may have thousands of members. */
struct gathering {
	struct arena		*arena;
	struct fact_ref		**refs;
	size_t			 n, cap;
	struct cond		**open;		/* right sides, still to come */
	size_t			 nopen, open_cap;
	struct cond		**asking;	/* sets in Redis */
	size_t			 nasking, asking_cap;
	bool			 has_limit;	/* one that counts */
	bool			 has_milter;	/* that a rule has told */
};

/* Room for one more; what was emptied keeps its own. */
static void *
room(struct arena *a, void *list, size_t n, size_t *cap)
{
	if (n < *cap)
		return list;
	*cap = n > 0 ? n * 2 : 1;
	return list_room(a, list, n, sizeof(void *));
}

static void
gather_ref(struct gathering *g, struct fact_ref *ref)
{
	if (ref->fact == NULL)
		return;
	g->refs = room(g->arena, g->refs, g->n, &g->cap);
	g->refs[g->n++] = ref;
}

static void
gather_question(struct gathering *g, struct cond *c)
{
	if (c->op != COND_IN || c->set->redis == NULL)
		return;
	g->asking = room(g->arena, g->asking, g->nasking, &g->asking_cap);
	g->asking[g->nasking++] = c;
}

static void
gather_cond(struct gathering *g, struct cond *c)
{
	g->nopen = 0;
	for (;;) {
		if (c == NULL) {
			if (g->nopen == 0)
				return;
			c = g->open[--g->nopen];
		}
		if (c->op == COND_AND || c->op == COND_OR) {
			g->open = room(g->arena, g->open, g->nopen,
			    &g->open_cap);
			g->open[g->nopen++] = c->right;
		} else if (c->op != COND_NOT) {
			gather_ref(g, &c->ref);
			gather_question(g, c);
		}
		c = c->op == COND_AND || c->op == COND_OR ||
		    c->op == COND_NOT ? c->left : NULL;
	}
}

static void
gather_action(struct gathering *g, struct action *action)
{
	struct brake *brake = action->brake;

	g->has_limit |= action->kind == ACTION_LIMIT;
	g->has_milter |= action->kind == ACTION_MILTER;
	for (size_t i = 0; brake != NULL && i < brake->nfacts; i++)
		gather_ref(g, &brake->facts[i]);
	if (brake != NULL)
		gather_action(g, brake->action);	/* which has none */
	gather_ref(g, &action->ref);
	for (size_t i = 0; i < action->text.n; i++)
		gather_ref(g, &action->text.parts[i].ref);
}

static void
gather_rule(struct gathering *g, struct rule *rule)
{
	gather_cond(g, rule->when);
	gather_action(g, &rule->action);
	for (size_t i = 0; i < rule->ngroup; i++)
		gather_rule(g, &rule->group[i]);
}

static void
gather_phase(struct gathering *g, const struct phase_rules *rules)
{
	for (size_t i = 0; i < rules->n; i++)
		gather_rule(g, &rules->rules[i]);
}

/* --- numbers --- */

static int
compare_nocase(struct span a, struct span b)
{
	size_t len = a.len < b.len ? a.len : b.len;
	int c = len > 0 ? strncasecmp(a.p, b.p, len) : 0;

	return c != 0 ? c : (a.len > b.len) - (a.len < b.len);
}

static int
by_fact(const void *a, const void *b)
{
	const struct fact_ref *x = *(struct fact_ref *const *)a;
	const struct fact_ref *y = *(struct fact_ref *const *)b;

	if (x->fact != y->fact)
		return x->fact->id < y->fact->id ? -1 : 1;
	return compare_nocase(x->argument, y->argument);
}

static int
by_question(const void *a, const void *b)
{
	const struct cond *x = *(struct cond *const *)a;
	const struct cond *y = *(struct cond *const *)b;
	int c = strcmp(x->set->redis, y->set->redis);

	if (c != 0)
		return c;
	return x->ref.slot < y->ref.slot ? -1 : x->ref.slot > y->ref.slot;
}

/* Behind the numbers of facts. */
static void
number_questions(struct rules *rules, struct gathering *g)
{
	if (g->nasking > 0)
		qsort(g->asking, g->nasking, sizeof(struct cond *),
		    by_question);
	rules->nquestions = 0;
	for (size_t i = 0; i < g->nasking; i++) {
		if (i == 0 || by_question(&g->asking[i - 1],
		    &g->asking[i]) != 0)
			rules->nquestions++;
		g->asking[i]->question = (unsigned)rules->nquestions - 1;
	}
}

static void
number_limits(struct rules *all, const struct rule *rules, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if (rules[i].action.kind == ACTION_LIMIT)
			rules[i].action.brake->slot = (unsigned)all->nlimits++;
		number_limits(all, rules[i].group, rules[i].ngroup);
	}
}

void
rule_plan_number(struct rules *rules)
{
	struct arena *scratch = arena_create("facts of rules");
	struct gathering g = { .arena = scratch };

	for (size_t i = 0; i < PHASES; i++)
		gather_phase(&g, &rules->phases[i]);
	if (g.n > 0)
		qsort(g.refs, g.n, sizeof(struct fact_ref *), by_fact);
	rules->nslots = 0;
	for (size_t i = 0; i < g.n; i++) {
		if (i == 0 || by_fact(&g.refs[i - 1], &g.refs[i]) != 0)
			rules->nslots++;
		g.refs[i]->slot = (unsigned)rules->nslots - 1;
	}
	number_questions(rules, &g);
	arena_destroy(&scratch);
	rules->nlimits = 0;
	for (size_t i = 0; i < PHASES; i++)
		number_limits(rules, rules->phases[i].rules,
		    rules->phases[i].n);
	rule_plan_rcpt(rules);
}

/* --- the plan --- */

/* `seen` has a place for each slot. */
static void
plan_needs(struct arena *a, const struct gathering *g, bool *seen,
    struct phase_plan *plan)
{
	plan->needs = arena_new_n(a, g->n, const struct fact_ref *);
	for (size_t i = 0; i < g->n; i++) {
		if (seen[g->refs[i]->slot])
			continue;
		seen[g->refs[i]->slot] = true;
		plan->needs[plan->nneeds++] = g->refs[i];
	}
}

/* A filter is asked at once of the message alone. */
static size_t
count_leading(struct gathering *g, const struct phase_rules *rules,
    enum phase phase)
{
	size_t i;

	for (i = 0; i < rules->n; i++) {
		g->n = 0;
		g->nasking = 0;
		g->has_limit = false;
		g->has_milter = false;
		gather_rule(g, &rules->rules[i]);
		if (g->has_limit || g->nasking > 0 ||
		    (g->has_milter && phase == PHASE_MESSAGE))
			return i;
		for (size_t j = 0; j < g->n; j++)
			if (g->refs[j]->fact->cost != FACT_FREE)
				return i;
	}
	return i;
}

static bool
is_named(const struct span *list, size_t n, struct span name)
{
	for (size_t i = 0; i < n; i++)
		if (span_eq_nocase(list[i], name))
			return true;
	return false;
}

/* Those that are asked for by name, each once. */
static void
plan_named_lists(struct arena *a, struct rule_plan *plan, size_t nslots)
{
	plan->lists = arena_new_n(a, nslots, struct span);
	for (size_t i = 0; i < PHASES; i++)
		for (size_t j = 0; j < plan->phases[i].nneeds; j++) {
			const struct fact_ref *r = plan->phases[i].needs[j];

			if (r->fact->argument == FACT_TAKES_LIST &&
			    !is_named(plan->lists, plan->nlists, r->argument))
				plan->lists[plan->nlists++] = r->argument;
		}
}

static void
plan_lists(struct arena *a, const struct rules *rules, struct rule_plan *plan)
{
	bool all = plan->facts[FACT_DNSBL_SCORE] ||
	    plan->facts[FACT_DNSBL_NAMES] || plan->facts[FACT_DNSBL_TAGS] ||
	    plan->facts[FACT_DNSBL_FAILED];

	if (!all) {
		plan_named_lists(a, plan, rules->nslots);
		return;
	}
	plan->lists = arena_new_n(a, rules->nlists, struct span);
	for (size_t i = 0; i < rules->nlists; i++)
		plan->lists[plan->nlists++] = span_z(rules->lists[i].name);
}

struct rule_plan *
rule_plan(struct arena *a, const struct rules *rules)
{
	struct rule_plan *plan = arena_new(a, struct rule_plan);
	struct gathering g = { .arena = a };

	for (size_t i = 0; i < PHASES; i++) {
		struct phase_plan *p = &plan->phases[i];

		p->leading = count_leading(&g, &rules->phases[i],
		    (enum phase)i);
		g.n = 0;
		gather_phase(&g, &rules->phases[i]);
		plan_needs(a, &g, arena_new_n(a, rules->nslots, bool), p);
		for (size_t j = 0; j < p->nneeds; j++)
			plan->facts[p->needs[j]->fact->id] = true;
	}
	plan_lists(a, rules, plan);
	return plan;
}
