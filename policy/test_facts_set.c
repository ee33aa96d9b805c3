#include <string.h>

#include "conf/list.h"
#include "policy/set_ask.h"
#include "policy/test_facts_internal.h"

bool
test_facts_fill(struct test_facts *facts, const struct set_decl *set,
    const struct span *items, size_t n)
{
	for (size_t i = 0; i < facts->nsets; i++)
		if (strcmp(facts->sets[i].set->redis, set->redis) == 0)
			return false;
	facts->sets = list_room(facts->arena, facts->sets, facts->nsets,
	    sizeof(*facts->sets));
	facts->sets[facts->nsets++] = (struct given_set){ set, items, n };
	return true;
}

/* Of one key there may be several declarations. */
static const struct given_set *
given_set(const struct test_facts *facts, const struct set_decl *set)
{
	for (size_t i = 0; i < facts->nsets; i++)
		if (strcmp(facts->sets[i].set->redis, set->redis) == 0)
			return &facts->sets[i];
	return NULL;
}

static bool
has_item(const struct given_set *g, struct span member)
{
	for (size_t i = 0; i < g->n; i++)
		if (span_eq(g->items[i], member))
			return true;
	return false;
}

void
test_facts_ask(const struct test_facts *facts, const struct set_decl *set,
    const struct value *value, struct set_answer *answer)
{
	const struct given_set *g = given_set(facts, set);
	struct span members[SET_QUESTIONS_MAX];
	size_t n = set_questions(facts->arena, value, members), i;

	*answer = (struct set_answer){ .told = SET_HAS_NOT };
	if (g == NULL || n == 0)
		return;
	if (g->items == NULL) {
		answer->told = SET_UNTOLD;
		return;
	}
	for (i = 0; i < n && !has_item(g, members[i]); i++)
		;
	if (i < n)
		*answer = (struct set_answer){ SET_HAS, i };
}
