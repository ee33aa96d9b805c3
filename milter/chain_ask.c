#include "base/clock.h"
#include "milter/chain_internal.h"

/* --- the message, in one go --- */

static void
note_answer(struct chain_link *l, char command)
{
	const struct terms *terms = dialogue_terms(l->use.d);

	if (option_sends(terms, command) && option_awaits(terms, command))
		milters_succeeded(&l->use, command, false);
}

static MAY_YIELD int
tell_header(struct chain_link *l, struct answer *answer, struct err *err)
{
	const struct chain_message *m = &l->message;

	*answer = (struct answer){ .kind = ANSWER_CONTINUE };
	for (size_t i = 0; i < m->nfields &&
	    answer->kind == ANSWER_CONTINUE; i++) {
		if (m->fields[i].name.len == 0)
			continue;
		if (dialogue_header(l->chain->mail, l->use.d,
		    m->fields[i].name, m->fields[i].value, answer, err) < 0)
			return -1;
		note_answer(l, SMFIC_HEADER);
	}
	return 0;
}

/* Up to the first answer that is not "continue", and which command that was
 * the answer to; or that failed. */
static MAY_YIELD int
tell_all(struct chain_link *l, char *command, struct answer *answer,
    struct err *err)
{
	struct span values[MACRO_COUNT] = { { 0 } };
	struct arena *a = l->chain->mail;
	struct dialogue *d = l->use.d;

	*command = SMFIC_HEADER;
	if (tell_header(l, answer, err) < 0)
		return -1;
	if (answer->kind != ANSWER_CONTINUE)
		return 0;
	*command = SMFIC_EOH;
	chain_macros(l, SMFIC_EOH, NULL, values);
	if (dialogue_end_of_header(a, d, values, answer, err) < 0)
		return -1;
	note_answer(l, SMFIC_EOH);
	if (answer->kind != ANSWER_CONTINUE)
		return 0;
	*command = SMFIC_BODY;
	if (dialogue_body_spool(a, d, l->message.body, l->message.offset,
	    answer, err) < 0)
		return -1;
	if (answer->kind != ANSWER_CONTINUE)
		return 0;
	*command = SMFIC_BODYEOB;
	memset(values, 0, sizeof(values));
	chain_macros(l, SMFIC_BODYEOB, NULL, values);
	return dialogue_end(a, d, values, &l->edits, answer, err);
}

static MAY_YIELD int
tell_message(struct chain_link *l)
{
	const struct chain_source *source = l->chain->source;
	int64_t began = clock_now();
	struct chain_verdict v;
	struct answer answer;
	struct err err;
	char command;
	int ret;

	l->use.is_waiting = true;
	ret = tell_all(l, &command, &answer, &err);
	l->use.is_waiting = false;
	if (ret < 0)
		return chain_failed(l, command, CHAIN_AT_DATA, &err,
		    clock_now() - began);
	milters_succeeded(&l->use, command, true);
	chain_verdict_of(l, &answer, &v);
	chain_hold(l, command, &answer, &v);
	source->told(source->owner, l->index, command, &v, clock_now() -
	    began);
	return 0;
}

/* --- one filter --- */

MAY_YIELD void
chain_ask(struct chain_link *l)
{
	do {
		if (!chain_is_for_nobody(l))
			chain_bring(l, CHAIN_AT_DATA);
		l->is_for_nobody = chain_is_for_nobody(l);
	} while (!chain_holds(l) && !l->is_for_nobody && tell_message(l) > 0);
	l->is_asked = true;
}

static MAY_YIELD void
apply(struct chain_link *l)
{
	const struct chain_source *source = l->chain->source;
	int64_t began = clock_now();
	struct chain_verdict *v;
	struct err err;

	if (source->apply(source->owner, l->index, &l->edits, &err) == 0)
		return;
	err_prefix(&err, "milter %s", l->conf->name);
	v = arena_new(l->chain->mail, struct chain_verdict);
	chain_verdict_failed(l, SMFIC_BODYEOB, CHAIN_AT_DATA, &err, v);
	l->v = v;
	if (v->is_failure)
		source->told(source->owner, l->index, SMFIC_BODYEOB, v,
		    clock_now() - began);
}

MAY_YIELD void
chain_settle(struct chain_link *l)
{
	if (l->is_settled)
		return;
	l->is_settled = true;
	chain_say_late(l);
	if (chain_held(l) == NULL &&
	    (l->edits.n > 0 || l->edits.body != NULL))
		apply(l);
}

/* --- what it said --- */

static bool
has_quarantine(const struct edits *edits)
{
	for (const struct edit *e = edits->first; e != NULL; e = e->next)
		if (e->answer.kind == ANSWER_QUARANTINE)
			return true;
	return false;
}

static enum chain_said
said_refusal(int code)
{
	return code >= 500 ? CHAIN_REJECTED : CHAIN_TEMPFAILED;
}

enum chain_said
chain_said(const struct chain *c, size_t milter)
{
	const struct chain_link *l = chain_find(c, milter);
	const struct chain_verdict *held;

	if (l == NULL || c->mail == NULL)
		return CHAIN_NONE;
	held = chain_held(l);
	if (held == NULL && !l->is_asked)
		return CHAIN_NONE;
	if (held != NULL && (held->is_failure || held->why.kind != 0))
		return CHAIN_ERROR;
	if (held != NULL && held->kind == CHAIN_DISCARD)
		return CHAIN_DISCARDED;
	if (held != NULL)
		return said_refusal(held->code);
	if (l->is_for_nobody)
		return l->late_code == 0 ? CHAIN_NONE :
		    said_refusal(l->late_code);
	return has_quarantine(&l->edits) ? CHAIN_QUARANTINED : CHAIN_ACCEPTED;
}
