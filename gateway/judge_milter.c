#include "gateway/judge_internal.h"
#include "policy/test_facts.h"

/*
 * What filters say of the message, for its rules. Who they are and how they
 * are asked is the gateway's.
 */

static size_t
index_of(const struct judge *j, struct span name)
{
	const struct rules *rules = j->court->rules->rules;
	size_t i = 0;

	while (i < rules->nmilters && !span_is(name, rules->milters[i].name))
		i++;
	return i;
}

MAY_YIELD int
judge_milter_fact(struct judge *j, const struct fact_ref *ref,
    struct value *v, struct err *err)
{
	const struct judge_milters *m = j->who.milters;
	size_t i = index_of(j, ref->argument);

	test_facts_neutral(ref->fact, v);
	if (m == NULL || i == j->court->rules->rules->nmilters)
		return 0;
	return m->ask(m->owner, i, &v->word, err);
}

MAY_YIELD int
judge_consult(void *owner, const struct action *action,
    struct consult_answer *answer, struct err *err)
{
	struct judge *j = owner;
	const struct judge_milters *m = j->who.milters;

	*answer = (struct consult_answer){ .outcome = CONSULT_UNASKED };
	if (!j->mail->has_ended)
		return judge_not_yet(err);
	return m == NULL ? 0 : m->obey(m->owner, action->milter, answer, err);
}
