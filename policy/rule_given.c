#include "conf/list.h"
#include "policy/action.h"
#include "policy/rule_eval_internal.h"

enum fact_scope
rule_scope(enum phase phase)
{
	static const enum fact_scope scopes[PHASES] = {
		[PHASE_CONNECT] = FACT_OF_SESSION,
		[PHASE_HELO] = FACT_OF_HELO,
		[PHASE_MAIL] = FACT_OF_MAIL,
		[PHASE_RCPT] = FACT_OF_RCPT,
		[PHASE_MESSAGE] = FACT_OF_MESSAGE,
	};

	return scopes[phase];
}

int64_t
rule_sum(int64_t a, int64_t b)
{
	int64_t sum;

	if (__builtin_add_overflow(a, b, &sum))
		return b > 0 ? INT64_MAX : INT64_MIN;
	return sum;
}

void
given_add(struct arena *a, struct given *given, const struct rule *rule,
    int64_t score)
{
	if (given->n == given->cap) {
		given->list = list_room(a, given->list, given->n,
		    sizeof(*given->list));
		given->cap = given->n > 0 ? given->n * 2 : 1;
	}
	given->list[given->n++] = (struct gift){ rule, score };
	given->score = rule_sum(given->score, score);
}

/* The array stays: the next mail is given about as much. */
void
given_clear(struct given *given)
{
	given->n = 0;
	given->score = 0;
	given->untold = NULL;
}

void
given_copy(struct arena *a, struct given *to, const struct given *from)
{
	given_clear(to);
	for (size_t i = 0; i < from->n; i++)
		given_add(a, to, from->list[i].rule, from->list[i].score);
	to->untold = from->untold;
}

void
given_forget(struct evaluation *e, enum fact_scope scope)
{
	for (size_t w = 0; w < WORLDS; w++) {
		struct world *world = &e->worlds[w];

		for (size_t i = 0; i < PHASES; i++)
			if (rule_scope((enum phase)i) >= scope)
				given_clear(&world->given[i]);
		if (world->ended != NULL &&
		    rule_scope(world->ended_in) >= scope)
			world->ended = NULL;
		if (scope <= FACT_OF_MAIL) {
			given_clear(&e->kept[w].given);
			e->kept[w].ended = NULL;
			e->kept[w].is_kept = false;
		}
	}
}

/* --- scores --- */

struct span
score_name(const struct rule *rule)
{
	struct span name = action_in_effect(rule)->name;

	return name.len > 0 ? name : span_z(rule->name);
}

static int64_t
world_score(const struct world *world)
{
	int64_t sum = 0;

	for (size_t i = 0; i < PHASES; i++)
		sum = rule_sum(sum, world->given[i].score);
	return sum;
}

int64_t
evaluation_score(const struct evaluation *e)
{
	return world_score(&e->worlds[REAL]);
}

void
evaluation_put_scores(const struct evaluation *e, struct buf *out)
{
	const struct given *given = e->worlds[REAL].given;
	bool is_first = true;

	for (size_t i = 0; i < PHASES; i++)
		for (size_t k = 0; k < given[i].n; k++) {
			const struct rule *r = given[i].list[k].rule;

			if (action_in_effect(r)->kind != ACTION_SCORE)
				continue;
			buf_puts(out, is_first ? "" : ",");
			buf_span(out, score_name(r));
			is_first = false;
		}
}

static void
read_scores(struct rule_run *run, const struct given *given, struct value *v)
{
	size_t n = 0;

	for (size_t i = 0; i < PHASES; i++)
		n += given[i].n;
	v->list.items = arena_new_n(run->arena, n, struct value);
	v->list.n = 0;
	for (size_t i = 0; i < PHASES; i++)
		for (size_t j = 0; j < given[i].n; j++) {
			const struct rule *r = given[i].list[j].rule;

			if (action_in_effect(r)->kind != ACTION_SCORE)
				continue;
			v->list.items[v->list.n++] = (struct value){
			    .type = TYPE_TEXT, .text = score_name(r) };
		}
}

bool
rule_fact_given(struct rule_run *run, const struct fact *fact,
    struct value *value)
{
	const struct world *world = &run->e->worlds[run->world];

	if (fact->scope != FACT_OF_RULES)
		return false;
	*value = (struct value){ .type = fact->type };
	if (fact->id == FACT_SCORE)
		value->number = world_score(world);
	else
		read_scores(run, world->given, value);
	return true;
}

/* --- tags --- */

bool
world_tagged(const struct world *world, struct span tag)
{
	for (size_t i = 0; i < PHASES; i++)
		for (size_t j = 0; j < world->given[i].n; j++) {
			const struct action *a = action_in_effect(
			    world->given[i].list[j].rule);

			if (a->kind == ACTION_TAG && span_eq(a->name, tag))
				return true;
		}
	return false;
}

bool
evaluation_tagged(const struct evaluation *e, struct span tag)
{
	return world_tagged(&e->worlds[REAL], tag);
}
