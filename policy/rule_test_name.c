#include "base/nearest.h"
#include "conf/list.h"
#include "policy/action.h"
#include "policy/rule_test_internal.h"

/* "": none of that kind. */
static struct span
name_of(const struct rule *rule, enum test_named what)
{
	const struct action *action = action_in_effect(rule);
	enum action_kind kind = action->kind;
	bool has = false;

	if (what == NAMED_RULE)
		return span_z(rule->name);
	if (rule->group != NULL)
		return span_z("");
	if (what == NAMED_LIMIT)
		return rule->action.kind == ACTION_LIMIT ?
		    span_z(rule->name) : span_z("");
	if (what == NAMED_TAG)
		has = kind == ACTION_TAG;
	else if (what == NAMED_ROUTE)
		has = kind == ACTION_ROUTE;
	else if (what == NAMED_MILTER)
		has = kind == ACTION_MILTER;
	else if (what == NAMED_HEADER)
		has = kind == ACTION_ADD_HEADER ||
		    kind == ACTION_REPLACE_HEADER;
	else
		has = kind == ACTION_REMOVE_HEADER;
	return has ? action->name : span_z("");
}

static bool
has_name(const struct rule *rules, size_t n, enum test_named what,
    struct span name)
{
	for (size_t i = 0; i < n; i++) {
		struct span own = name_of(&rules[i], what);
		bool is_header = what == NAMED_HEADER || what == NAMED_REMOVED;

		if (own.len > 0 && (is_header ? span_eq_nocase(name, own) :
		    span_eq(name, own)))
			return true;
		if (has_name(rules[i].group, rules[i].ngroup, what, name))
			return true;
	}
	return false;
}

/* Those that people gave: "in.rules:21" is hardly misspelt. */
static void
add_names(struct arena *a, const struct rule *rules, size_t n,
    enum test_named what, const char ***names, size_t *nnames)
{
	for (size_t i = 0; i < n; i++) {
		struct span own = name_of(&rules[i], what);

		add_names(a, rules[i].group, rules[i].ngroup, what, names,
		    nnames);
		if (own.len == 0 || (!rules[i].has_label &&
		    (what == NAMED_RULE || what == NAMED_LIMIT)))
			continue;
		*names = list_room(a, *names, *nnames, sizeof(**names));
		(*names)[(*nnames)++] = arena_copy(a, own);
	}
}

bool
test_take_name(struct test_reading *r, enum test_named what,
    struct span *name)
{
	static const char *const complaints[] = {
		[NAMED_RULE] = "no rule is named",
		[NAMED_LIMIT] = "no limit is named",
		[NAMED_TAG] = "no rule gives the tag",
		[NAMED_ROUTE] = "no rule routes to",
		[NAMED_MILTER] = "no rule has a milter",
		[NAMED_HEADER] = "no rule adds a header field",
		[NAMED_REMOVED] = "no rule removes a header field",
	};
	const char **names = NULL;
	size_t n = 0;

	*name = r->p.t->text;
	for (size_t i = 0; i < PHASES; i++)
		if (has_name(r->rules->phases[i].rules, r->rules->phases[i].n,
		    what, *name)) {
			r->p.t++;
			return true;
		}
	for (size_t i = 0; i < PHASES; i++)
		add_names(r->p.a, r->rules->phases[i].rules,
		    r->rules->phases[i].n, what, &names, &n);
	diagnostic(r->p.d, r->p.t->place, n == 0 ? NULL :
	    rule_meant(&r->p, nearest(*name, names, n)), "%s %s",
	    complaints[what], rule_show(&r->p, r->p.t));
	return false;
}
