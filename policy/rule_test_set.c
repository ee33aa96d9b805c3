#include <string.h>

#include "base/nearest.h"
#include "conf/list.h"
#include "policy/rule_test_internal.h"

struct members {
	struct span	*list;
	size_t		 n;
};

/* What the rules call so; reported if it is none, or none of Redis. */
static const struct set_decl *
find_set(struct test_reading *r, const struct token *t)
{
	const struct rules *rules = r->rules;
	const char **names = arena_new_n(r->p.a, rules->nsets + 1,
	    const char *);
	size_t n = 0;

	for (size_t i = 0; i < rules->nsets; i++) {
		const struct set_decl *set = rules->sets[i];

		if (set->redis != NULL)
			names[n++] = set->name;
		if (!span_is(t->text, set->name))
			continue;
		if (set->redis != NULL)
			return set;
		diagnostic(r->p.d, t->place, NULL, "the set %s is not in "
		    "Redis: what is in it stands in the rules",
		    rule_show(&r->p, t));
		return NULL;
	}
	diagnostic(r->p.d, t->place, rule_meant(&r->p, nearest(t->text, names,
	    n)), "the rules have no set %s in Redis", rule_show(&r->p, t));
	return NULL;
}

static bool
take_member(struct test_reading *r, struct members *m)
{
	if (!rule_is_value(r->p.t))
		return test_expected(r, "a member of the set");
	m->list = list_room(r->p.a, m->list, m->n, sizeof(*m->list));
	m->list[m->n++] = r->p.t++->text;
	return true;
}

static bool
take_members(struct test_reading *r, struct members *m)
{
	if (!test_take_punct(r, "{", "and what is in the set, or none"))
		return false;
	m->list = arena_new(r->p.a, struct span);	/* it is not none */
	for (;;) {
		test_skip_line_ends(r);
		if (token_is_punct(r->p.t, "}"))
			break;
		if (!take_member(r, m))
			return false;
		test_skip_line_ends(r);
		if (!token_is_punct(r->p.t, ","))
			break;
		r->p.t++;
	}
	return test_take_punct(r, "}", "or , behind a member");
}

bool
test_take_set(struct test_reading *r)
{
	const struct token *name = ++r->p.t;
	const struct set_decl *set;
	struct members m = {0};

	if (name->kind != TOKEN_WORD)
		return test_expected(r, "the name of a set behind set");
	set = find_set(r, name);
	if (set == NULL)
		return false;
	r->p.t++;
	if (!test_take_punct(r, "=", "and the members") ||
	    (!test_take_word(r, "none") && !take_members(r, &m)))
		return false;
	if (!test_facts_fill(r->test->facts, set, m.list, m.n)) {
		diagnostic(r->p.d, name->place, NULL, "the set %s is given "
		    "twice", rule_show(&r->p, name));
		return false;
	}
	return test_ends_line(r);
}
