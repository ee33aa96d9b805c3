#include "base/nearest.h"
#include "conf/list.h"
#include "policy/rule_check.h"

/*
 * The filters that rules name. Without a configuration any name will do, and
 * they are numbered as they come.
 */
static bool
find(const struct rules *rules, struct span name, size_t *index)
{
	for (*index = 0; *index < rules->nmilters; (*index)++)
		if (span_is(name, rules->milters[*index].name))
			return true;
	return false;
}

static bool
add(struct rule_checker *c, struct span name, struct place at)
{
	struct rules *r = c->rules;

	if (r->nmilters == RULE_MILTERS_MAX) {
		diagnostic(c->d, at, NULL, "this is one milter too many: the "
		    "most is %d", RULE_MILTERS_MAX);
		return false;
	}
	r->milters = list_room(r->arena, r->milters, r->nmilters,
	    sizeof(*r->milters));
	r->milters[r->nmilters++] = (struct rule_milter){
	    .name = arena_copy(r->arena, name), .is_by_rules = true };
	return true;
}

static void
complain(struct rule_checker *c, struct span name, struct place at,
    bool is_action)
{
	const struct rules *r = c->rules;
	const char *names[RULE_MILTERS_MAX], *near;
	size_t n = 0;

	for (size_t i = 0; i < r->nmilters; i++)
		if (!is_action || r->milters[i].is_by_rules)
			names[n++] = r->milters[i].name;
	if (r->nmilters == 0) {
		diagnostic(c->d, at, NULL, "unknown milter %s: the "
		    "configuration has none", check_show(c, name));
		return;
	}
	near = nearest(name, names, n);
	if (near != NULL && !is_action)
		near = arena_printf(c->a, "milter.%s", near);
	diagnostic(c->d, at, check_meant(c, near), "unknown milter %s",
	    check_show(c, name));
}

static bool
check_name(struct rule_checker *c, struct span name, struct place at,
    bool is_action, size_t *index)
{
	if (find(c->rules, name, index))
		return true;
	if (c->context->milters == NULL)
		return add(c, name, at);
	complain(c, name, at, is_action);
	return false;
}

bool
check_milter_fact(struct rule_checker *c, const struct fact_ref *ref)
{
	size_t index;

	return check_name(c, ref->argument, ref->at, false, &index);
}

/* One that is told of every mail needs no rule, and a rule could not make it
 * be told earlier or of fewer. */
void
check_milter_action(struct rule_checker *c, struct action *action)
{
	if (action->name.len == 0)	/* reported */
		return;
	if (check_name(c, action->name, action->name_at, true,
	    &action->milter) &&
	    !c->rules->milters[action->milter].is_by_rules)
		diagnostic(c->d, action->name_at, NULL, "%s is asked without a "
		    "rule: this action is for milters that have \"when "
		    "rules\" in the configuration",
		    check_show(c, action->name));
}
