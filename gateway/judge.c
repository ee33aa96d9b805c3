#include "gateway/judge_internal.h"
#include "policy/action.h"

/* --- life --- */

static bool
is_without_rules(const struct court *c)
{
	for (size_t i = 0; i < PHASES; i++)
		if (c->has_rules[i])
			return false;
	return true;
}

struct judge *
judge_begin(const struct court *c, const struct judge_client *who)
{
	struct arena *a = arena_create("judge");
	struct judge *j = arena_new(a, struct judge);

	j->arena = a;
	j->court = c;
	j->who = *who;
	j->client = who->client;
	j->may_wait = true;
	j->phases[PHASE_CONNECT].arena = a;
	j->checks = client_checks_begin(c->checker, who->wants);
	if (is_without_rules(c))
		return j;
	j->source = judge_facts(j);
	j->evaluation = evaluation_begin(a, c->rules->rules, &j->source);
	return j;
}

void
judge_end(struct judge **jp)
{
	struct judge *j = *jp;
	struct arena *a;

	*jp = NULL;
	if (j == NULL)
		return;
	a = j->arena;
	if (j->left != NULL)
		judge_mail_free(&j->left);
	if (j->phases[PHASE_HELO].arena != NULL)
		arena_destroy(&j->phases[PHASE_HELO].arena);
	client_checks_end(&j->checks);
	arena_destroy(&a);
}

void
judge_keep_traces(struct judge *j)
{
	j->keeps_traces = true;
}

/* --- what was decided --- */

static bool
refuses(const struct verdict *v)
{
	return v->kind == ACTION_REJECT || v->kind == ACTION_DEFER ||
	    v->kind == ACTION_DISCONNECT;
}

const struct verdict *
judge_refusal(const struct judge *j)
{
	for (enum phase p = PHASE_CONNECT; p <= PHASE_MAIL; p++) {
		const struct verdict *v = judge_verdict(j, p);

		if (v != NULL && refuses(v))
			return v;
	}
	return NULL;
}

const struct verdict *
judge_verdict(const struct judge *j, enum phase phase)
{
	static const struct verdict accepted = { .kind = ACTION_ACCEPT };
	const struct phase_state *s = &j->phases[phase];

	if (!s->is_decided)
		return NULL;
	return s->ruling != NULL ? &s->ruling->verdict : &accepted;
}

const struct rule_trace *
judge_trace(const struct judge *j, enum phase phase)
{
	static const struct rule_trace nothing;
	const struct phase_state *s = &j->phases[phase];

	if (!s->is_decided)
		return NULL;
	return s->ruling != NULL ? &s->ruling->trace : &nothing;
}

const struct verdict *
judge_would(const struct judge *j)
{
	const struct verdict *v;

	for (enum phase p = PHASE_CONNECT; p <= PHASE_MAIL; p++) {
		v = judge_verdict(j, p);
		if (v != NULL && v->would != NULL && refuses(v->would))
			return v->would;
	}
	if (j->mail != NULL && j->mail->would_leave_out)
		return &j->mail->would;
	v = judge_verdict(j, PHASE_MESSAGE);
	return v != NULL ? v->would : NULL;
}

int64_t
judge_score(const struct judge *j)
{
	return j->evaluation != NULL ? evaluation_score(j->evaluation) : 0;
}

void
judge_put_scores(const struct judge *j, struct buf *out)
{
	if (j->evaluation != NULL)
		evaluation_put_scores(j->evaluation, out);
}

bool
judge_trusts(const struct verdict *v)
{
	return v->rule != NULL &&
	    action_in_effect(v->rule)->kind == ACTION_TRUST;
}

/* One recipient that is trusted does not make the mail so, though rules of the
 * message may have nothing in it that tells him from others. */
bool
judge_is_trusted(const struct judge *j)
{
	for (enum phase p = PHASE_CONNECT; p < PHASES; p++) {
		const struct verdict *v = judge_verdict(j, p);

		if (p == PHASE_RCPT || v == NULL || !judge_trusts(v))
			continue;
		if (p < PHASE_RCPT || v->kind == ACTION_TRUST ||
		    !j->mail->has_untrusted)
			return true;
	}
	return false;
}

/* --- phases --- */

void
judge_reopen(struct judge *j, enum phase phase, struct arena *a)
{
	for (enum phase p = phase; p < PHASES; p++)
		j->phases[p] = (struct phase_state){0};
	j->phases[phase].arena = a;
}

void
judge_start(struct judge *j, enum phase phase)
{
	if (j->phases[phase].is_started)
		return;
	j->phases[phase].is_started = true;
	switch (phase) {
	case PHASE_CONNECT:
		client_checks_start(j->checks, j->client);
		break;
	case PHASE_HELO:
		client_checks_helo(j->checks, j->client);
		break;
	case PHASE_MAIL:
		judge_mail_start(j);
		break;
	case PHASE_RCPT:
		break;			/* nothing hangs on a recipient */
	case PHASE_MESSAGE:
		judge_message_start(j);
		break;
	}
}

/* Room for it is made once: the first run of the rules may stop. */
static MAY_YIELD int
ask_rules(struct judge *j, enum phase phase, struct err *err)
{
	struct phase_state *s = &j->phases[phase];
	int ret;

	if (s->ruling == NULL)
		s->ruling = arena_new(s->arena, struct ruling);
	j->at = phase;
	fiber_meter_begin();
	ret = evaluation_run(j->evaluation, phase, s->arena,
	    &s->ruling->verdict, j->keeps_traces ? &s->ruling->trace : NULL,
	    err);
	s->ran += fiber_meter_end();
	return ret;
}

MAY_YIELD int
judge_decide(struct judge *j, enum phase phase, struct err *err)
{
	if (j->evaluation != NULL && ask_rules(j, phase, err) < 0)
		return -1;
	j->phases[phase].is_decided = true;
	if (j->court->has_rules[phase])
		judge_note(phase, &j->phases[phase]);
	return 0;
}

static bool
are_decided_before(const struct judge *j, enum phase phase)
{
	for (enum phase p = PHASE_CONNECT; p < phase && p <= PHASE_MAIL; p++)
		if (!j->phases[p].is_decided)
			return false;
	return true;
}

/* As far as it goes without waiting: not at all, if it waits for an earlier
 * phase. */
static void
try(struct judge *j, enum phase phase)
{
	struct err err;

	if (!are_decided_before(j, phase) || j->phases[phase].is_decided)
		return;
	j->may_wait = false;
	(void)judge_decide(j, phase, &err);
	j->may_wait = true;
}

static void
open_phase(struct judge *j, enum phase phase)
{
	if (phase != PHASE_HELO)
		return;
	if (j->phases[PHASE_HELO].arena != NULL)
		arena_destroy(&j->phases[PHASE_HELO].arena);
	judge_reopen(j, phase, j->evaluation != NULL ? arena_create("helo") :
	    NULL);
	if (j->evaluation != NULL)
		evaluation_forget(j->evaluation, FACT_OF_HELO);
}

void
judge_enter(struct judge *j, enum phase phase)
{
	open_phase(j, phase);
	if (judge_refusal(j) != NULL)
		return;
	try(j, phase);
	if (judge_refusal(j) == NULL && !judge_is_trusted(j) &&
	    !(j->awaits_greeting && j->court->has_gate))
		judge_start(j, phase);
}

/* A rule in front asks who spoke early. */
void
judge_greeted(struct judge *j)
{
	j->is_greeted = true;
	if (!j->awaits_greeting)
		return;
	j->awaits_greeting = false;
	judge_enter(j, PHASE_CONNECT);
}

MAY_YIELD int
judge_await(struct judge *j, enum phase upto, struct err *err)
{
	for (enum phase p = PHASE_CONNECT; p <= upto; p++) {
		if (judge_refusal(j) != NULL)
			return 0;
		if (!j->phases[p].is_decided && judge_decide(j, p, err) < 0)
			return -1;
	}
	return 0;
}

bool
judge_has_name(const struct judge *j)
{
	return client_checks_has_name(j->checks);
}

MAY_YIELD int
judge_name(struct judge *j, struct err *err)
{
	return client_checks_name(j->checks, j->arena, j->client, err);
}

MAY_YIELD int
judge_settle_helo(struct judge *j, struct err *err)
{
	return client_checks_settle_helo(j->checks, j->client, err);
}

MAY_YIELD int
judge_settle(struct judge *j, struct err *err)
{
	struct findings ignored;
	int ret = 0;

	if (j->left != NULL) {
		ret = mail_checks_finish(j->left->checks, &ignored, err);
		judge_mail_free(&j->left);
	}
	return ret < 0 ? -1 : client_checks_settle(j->checks, err);
}
