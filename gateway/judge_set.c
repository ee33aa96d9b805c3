#include "gateway/judge_internal.h"
#include "gateway/lookup.h"
#include "gateway/stock.h"
#include "policy/set_ask.h"

int64_t *
judge_store_rest(struct judge *j)
{
	return &j->store_rests_until;
}

/* What cannot be told is no failure: the rules go on. */
static MAY_YIELD int
ask(struct judge *j, struct span key, const struct span *members, size_t n,
    struct set_answer *answer, struct err *err)
{
	struct stock *stock = j->court->stock;
	struct err why;

	if (lookup_set(stock->lookup, &j->store_rests_until, key, members, n,
	    &answer->question, &why) == 0) {
		answer->told = answer->question < n ? SET_HAS : SET_HAS_NOT;
		return 0;
	}
	if (why.kind == ERR_CLOSED) {
		*err = why;
		return -1;
	}
	answer->told = SET_UNTOLD;
	if (stock->only_looks)
		stock_note_problem(stock, why.text);
	return 0;
}

static MAY_YIELD int
find(struct judge *j, struct span key, const struct span *members, size_t n,
    struct set_answer *answer, struct err *err)
{
	struct stock *stock = j->court->stock;

	answer->told = SET_HAS_NOT;
	if (n == 0)
		return 0;
	answer->told = SET_UNTOLD;
	if (stock == NULL)
		return 0;
	if (j->may_wait)
		return ask(j, key, members, n, answer, err);
	if (!lookup_set_known(stock->lookup, key, members, n,
	    &answer->question))
		return judge_not_yet(err);
	answer->told = answer->question < n ? SET_HAS : SET_HAS_NOT;
	return 0;
}

MAY_YIELD int
judge_member(void *owner, const struct set_decl *set,
    const struct value *value, struct set_answer *answer, struct err *err)
{
	struct arena *a = arena_create("members of a set");
	struct span members[SET_QUESTIONS_MAX];
	size_t n = set_questions(a, value, members);
	int ret = find(owner, span_z(set->redis), members, n, answer, err);

	arena_destroy(&a);
	return ret;
}
