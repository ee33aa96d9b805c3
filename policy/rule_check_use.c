#include <stdlib.h>
#include <string.h>

#include "base/nearest.h"
#include "conf/list.h"
#include "conf/listing.h"
#include "policy/action.h"
#include "policy/rule_check.h"

/*
 * What a file declares or adds up, and nobody asks for: mostly a name that
 * was mistyped, or a rule that was taken out.
 */
struct mention {			/* of a tag */
	struct span	 name;
	struct place	 at;
};
struct mentions {
	struct mention	*list;
	size_t		 n;
};

struct use {
	struct rule_checker	*c;
	bool			 facts[FACTS];	/* asked for */
	bool			*lists;		/* dnsbl.NAME */
	struct mentions		 given;		/* by tag */
	struct mentions		 asked;		/* by tagged */
	size_t			 position;	/* of this rule */
	size_t			 last_read;	/* of score; 0: never */
};

static void
add_mention(struct use *u, struct mentions *m, struct span name,
    struct place at)
{
	m->list = list_room(u->c->a, m->list, m->n, sizeof(*m->list));
	m->list[m->n++] = (struct mention){ name, at };
}

static void
note_ref(struct use *u, const struct fact_ref *ref)
{
	const struct rules *r = u->c->rules;

	u->facts[ref->fact->id] = true;
	if (ref->fact->scope == FACT_OF_RULES)
		u->last_read = u->position;
	if (ref->fact->argument != FACT_TAKES_LIST)
		return;
	for (size_t i = 0; i < r->nlists; i++)
		if (span_is(ref->argument, r->lists[i].name))
			u->lists[i] = true;
}

static void
note_cond(struct use *u, const struct cond *cond)
{
	switch (cond->op) {
	case COND_AND:
	case COND_OR:
		note_cond(u, cond->left);
		note_cond(u, cond->right);
		break;
	case COND_NOT:
		note_cond(u, cond->left);
		break;
	case COND_TAGGED:
		add_mention(u, &u->asked, cond->value.text,
		    cond->literal->place);
		break;
	default:
		note_ref(u, &cond->ref);
	}
}

static void
note_action(struct use *u, const struct action *action)
{
	for (size_t i = 0; i < action->text.n; i++)
		if (action->text.parts[i].ref.fact != NULL)
			note_ref(u, &action->text.parts[i].ref);
	if (action->ref.fact != NULL)
		note_ref(u, &action->ref);
	if (action->kind == ACTION_TAG)
		add_mention(u, &u->given, action->name, action->name_at);
	if (action->brake == NULL)
		return;
	for (size_t i = 0; i < action->brake->nfacts; i++)
		note_ref(u, &action->brake->facts[i]);
	note_action(u, action->brake->action);
}

static void
note_rules(struct use *u, const struct rule *rules, size_t n)
{
	for (size_t i = 0; i < n; i++) {

		u->position++;
		if (rules[i].when != NULL)
			note_cond(u, rules[i].when);
		if (rules[i].group != NULL) {
			note_rules(u, rules[i].group, rules[i].ngroup);
			continue;
		}
		note_action(u, &rules[i].action);
	}
}

/* --- scores --- */

/* Counts as note_rules() does. False: once is enough. */
static bool
warn_scores(struct use *u, const struct rule *rules, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		const struct rule *rule = &rules[i];

		u->position++;
		if (rule->group != NULL) {
			if (!warn_scores(u, rule->group, rule->ngroup))
				return false;
		} else if (action_in_effect(rule)->kind == ACTION_SCORE &&
		    u->position >= u->last_read) {
			diagnostic_warn(u->c->d, rule->at, NULL, u->last_read
			    == 0 ? "this is added to score, and no rule asks "
			    "for score" : "this is added to score, and no "
			    "rule behind it asks for score");
			if (u->last_read == 0)
				return false;
		}
	}
	return true;
}

/* --- lists --- */

static void
warn_list(struct use *u, size_t i)
{
	const struct dnsbl_list *list = &u->c->rules->lists[i];
	struct place at = u->c->rules->list_places[i];
	bool scores = false, tags = false;

	for (size_t j = 0; j < list->npatterns; j++) {
		scores |= list->patterns[j].score != 0;
		tags |= list->patterns[j].tag != NULL;
	}
	if (!u->lists[i] && !u->facts[FACT_DNSBL_SCORE] &&
	    !u->facts[FACT_DNSBL_NAMES] && !u->facts[FACT_DNSBL_TAGS] &&
	    !u->facts[FACT_DNSBL_FAILED])
		diagnostic_warn(u->c->d, at, NULL, "no rule asks for the list "
		    "\"%s\"", list->name);
	else if (scores && !u->facts[FACT_DNSBL_SCORE])
		diagnostic_warn(u->c->d, at, NULL, "what the list \"%s\" "
		    "scores is read by no rule: none asks for dnsbl.score",
		    list->name);
	/* Those of the configuration are in the log, too. */
	else if (tags && !u->facts[FACT_DNSBL_TAGS] &&
	    i >= u->c->rules->nconfigured)
		diagnostic_warn(u->c->d, at, NULL, "the tags of the list "
		    "\"%s\" are read by no rule: none asks for dnsbl.tags",
		    list->name);
}

/* --- tags --- */

static int
by_name(const void *a, const void *b)
{
	const struct mention *x = a, *y = b;
	size_t len = x->name.len < y->name.len ? x->name.len : y->name.len;
	int order = len > 0 ? memcmp(x->name.p, y->name.p, len) : 0;

	if (order != 0)
		return order;
	return x->name.len < y->name.len ? -1 : x->name.len > y->name.len;
}

static void
sort(struct mentions *m)
{
	if (m->n > 0)
		qsort(m->list, m->n, sizeof(*m->list), by_name);
}

static bool
has(const struct mentions *m, const struct mention *wanted)
{
	return m->n > 0 && bsearch(wanted, m->list, m->n, sizeof(*m->list),
	    by_name) != NULL;
}

static const char *
near_tag(struct use *u, const struct mentions *m, struct span name)
{
	const char **names = arena_new_n(u->c->a, m->n + 1, const char *);
	size_t n = 0;

	for (size_t i = 0; i < m->n; i++)
		if (i == 0 || by_name(&m->list[i - 1], &m->list[i]) != 0)
			names[n++] = arena_copy(u->c->a, m->list[i].name);
	return check_meant(u->c, nearest(name, names, n));
}

static void
warn_tags(struct use *u)
{
	sort(&u->given);
	sort(&u->asked);
	for (size_t i = 0; i < u->given.n; i++) {
		const struct mention *m = &u->given.list[i];

		if (!has(&u->asked, m))
			diagnostic_warn(u->c->d, m->at, NULL, "the tag %s is "
			    "asked for by no rule",
			    check_show(u->c, m->name));
	}
	for (size_t i = 0; i < u->asked.n; i++) {
		const struct mention *m = &u->asked.list[i];

		if (!has(&u->given, m))
			diagnostic_warn(u->c->d, m->at, near_tag(u,
			    &u->given, m->name), "this is never true: no rule "
			    "gives the tag %s", check_show(u->c, m->name));
	}
}

void
check_use(struct rule_checker *c)
{
	const struct rules *r = c->rules;
	struct use u = { .c = c };

	u.lists = arena_new_n(c->a, r->nlists + 1, bool);
	for (unsigned i = 0; i < PHASES; i++)
		note_rules(&u, r->phases[i].rules, r->phases[i].n);
	u.position = 0;
	for (unsigned i = 0; i < PHASES; i++)
		if (!warn_scores(&u, r->phases[i].rules, r->phases[i].n))
			break;
	for (size_t i = 0; i < r->nlists; i++)
		warn_list(&u, i);
	for (size_t i = 0; i < r->nsets; i++)
		if (r->sets[i]->uses == 0)
			diagnostic_warn(c->d, r->sets[i]->at, NULL,
			    "the set \"%s\" is not used", r->sets[i]->name);
	warn_tags(&u);
}
