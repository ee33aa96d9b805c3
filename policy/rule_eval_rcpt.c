#include "policy/action.h"
#include "policy/rule_eval_internal.h"

/* --- what tells recipients apart --- */

static MAY_YIELD int
put_facts(struct rule_run *run, const struct rcpt_reads *reads,
    struct buf *out, struct err *err)
{
	for (size_t i = 0; i < reads->ntests; i++) {
		enum truth truth;

		if (rule_cond(run, reads->tests[i], &truth, err) < 0)
			return -1;
		buf_puts(out, truth == TRUTH_YES ? "1" :
		    truth == TRUTH_NO ? "0" : "?");
	}
	for (size_t i = 0; i < reads->ntexts; i++) {
		struct value value;

		if (rule_fact(run, reads->texts[i], &value, err) < 0)
			return -1;
		rule_fact_put(out, reads->texts[i], &value);
		buf_puts(out, ",");
	}
	return 0;
}

/* Those of earlier phases are the same for all. */
static void
put_given(const struct given *given, const struct rcpt_reads *reads,
    struct buf *out)
{
	struct value score = { .type = TYPE_NUMBER, .number = given->score };

	if (reads->score)
		value_put(out, &score, NULL);
	for (size_t i = 0; reads->scores && i < given->n; i++) {
		const struct rule *rule = given->list[i].rule;
		struct value name = { .type = TYPE_TEXT,
		    .text = score_name(rule) };

		if (action_in_effect(rule)->kind == ACTION_SCORE)
			value_put(out, &name, NULL);
	}
}

static bool
reads_nothing(const struct rcpt_reads *reads)
{
	return reads->ntests == 0 && reads->ntexts == 0 && !reads->score &&
	    !reads->scores && !reads->trust;
}

MAY_YIELD int
evaluation_rcpt_class(struct evaluation *e, struct arena *a,
    struct span *class, struct err *err)
{
	const struct rcpt_reads *reads = &e->rules->rcpt_reads;
	const struct world *real = &e->worlds[REAL];
	struct rule_run run = { .e = e, .phase = PHASE_RCPT, .world = REAL,
	    .arena = a };
	struct buf out = {0};
	int rc = 0;

	*class = span_z("");
	/* Who is trusted is asked no rule of the message. */
	if ((reads_nothing(reads) &&
	    real->given[PHASE_RCPT].untold == NULL) ||
	    (real->ended != NULL && real->ended_in < PHASE_RCPT))
		return 0;
	if (real->ended != NULL && real->ended_in == PHASE_RCPT)
		buf_puts(&out, "trusted");
	else {
		/* What would refuse all may only defer this one. */
		buf_puts(&out, real->given[PHASE_RCPT].untold != NULL ?
		    "unsure" : "-");
		rc = put_facts(&run, reads, &out, err);
		put_given(&real->given[PHASE_RCPT], reads, &out);
	}
	if (rc == 0)
		*class = arena_span(a, buf_text(&out));
	buf_free(&out);
	return rc;
}

/* --- one for the message --- */

static const struct rule *
ended_at_rcpt(const struct world *world)
{
	return world->ended_in == PHASE_RCPT ? world->ended : NULL;
}

static bool
takes(const struct rule *ended)
{
	return ended == NULL ||
	    action_in_effect(ended)->kind == ACTION_TRUST;
}

/* The first one; for observers, the first of those whom they would take. */
static bool
is_to_keep(const struct evaluation *e, enum world_kind w)
{
	return !e->kept[w].is_kept || (!takes(e->kept[w].ended) &&
	    takes(ended_at_rcpt(&e->worlds[w])));
}

void
evaluation_rcpt_keep(struct evaluation *e)
{
	for (size_t w = 0; w < WORLDS; w++) {
		if (!is_to_keep(e, (enum world_kind)w))
			continue;
		e->kept[w].is_kept = true;
		given_copy(e->arena, &e->kept[w].given,
		    &e->worlds[w].given[PHASE_RCPT]);
		e->kept[w].ended = ended_at_rcpt(&e->worlds[w]);
	}
}

void
evaluation_rcpt_restore(struct evaluation *e)
{
	rule_facts_forget(e, FACT_OF_RCPT);
	for (size_t w = 0; w < WORLDS; w++) {
		given_copy(e->arena, &e->worlds[w].given[PHASE_RCPT],
		    &e->kept[w].given);
		if (e->kept[w].ended != NULL) {
			e->worlds[w].ended = e->kept[w].ended;
			e->worlds[w].ended_in = PHASE_RCPT;
		}
	}
}
