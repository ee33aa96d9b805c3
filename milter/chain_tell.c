#include "base/clock.h"
#include "base/together.h"
#include "milter/chain_internal.h"

/* --- the connection --- */

static MAY_YIELD void
disconnect(struct chain_link *l)
{
	milters_close(&l->use);
	arena_destroy(&l->arena);
	l->client = NULL;
	l->is_over_client = false;
	l->has_connect = l->has_data = false;
	l->helo = l->mail = 0;
	l->rcpts = 0;
	l->late = NULL;
	l->nlate = 0;
	l->late_code = 0;
}

static MAY_YIELD void
fail(struct chain_link *l, char command, enum chain_stage stage,
    const struct err *err, int64_t us)
{
	const struct chain_source *source = l->chain->source;
	struct chain_verdict *v;

	disconnect(l);
	l->arena = arena_create("milter failure");
	v = arena_new(l->arena, struct chain_verdict);
	chain_verdict_failed(l, command, stage, err, v);
	v->is_resting = command == SMFIC_OPTNEG && l->use.is_spared;
	l->failure = v;
	if (v->is_failure)
		source->told(source->owner, l->index, command, v, us);
}

MAY_YIELD int
chain_failed(struct chain_link *l, char command, enum chain_stage stage,
    const struct err *err, int64_t us)
{
	if (l->use.is_kept && err->kind == ERR_CLOSED && !fiber_is_stopped()) {
		disconnect(l);
		l->must_be_fresh = true;
		return 1;
	}
	milters_failed(&l->use, command, err);
	fail(l, command, stage, err, us);
	return -1;
}

static MAY_YIELD int
connect_to(struct chain_link *l, enum chain_stage stage)
{
	int64_t began = clock_now();
	struct err err;

	if (l->use.d != NULL)
		return 0;
	if (milters_open(&l->use, l->must_be_fresh, &err) < 0) {
		fail(l, SMFIC_OPTNEG, stage, &err, clock_now() - began);
		return -1;
	}
	l->must_be_fresh = false;
	l->arena = arena_create("milter connection");
	return 0;
}

/* --- one command --- */

void
chain_macros(const struct chain_link *l, char command,
    const struct chain_rcpt *rcpt, struct span *values)
{
	const struct chain_source *source = l->chain->source;

	source->macros(source->owner, command, rcpt, values);
}

static MAY_YIELD int
say(struct chain_link *l, struct arena *a, char command,
    const struct chain_rcpt *rcpt, struct span line, struct answer *answer,
    struct err *err)
{
	struct span values[MACRO_COUNT] = { { 0 } };
	struct dialogue *d = l->use.d;
	struct chain *c = l->chain;

	/* Before the macros are asked for: behind them nothing waits until
	 * they are sent. */
	if (command == SMFIC_MAIL)
		dialogue_abort(d);
	chain_macros(l, command, rcpt, values);
	switch (command) {
	case SMFIC_CONNECT:
		return dialogue_connect(a, d, values, c->host, &c->addr,
		    answer, err);
	case SMFIC_HELO:
		return dialogue_helo(a, d, values, buf_text(&c->helo), answer,
		    err);
	case SMFIC_MAIL:
		return dialogue_mail(a, d, values, c->sender, c->args,
		    c->nargs, answer, err);
	case SMFIC_RCPT:
		return dialogue_rcpt(a, d, values, rcpt->address, rcpt->args,
		    rcpt->nargs, answer, err);
	case SMFIC_DATA:
		return dialogue_data(a, d, values, answer, err);
	default:
		return dialogue_unknown(a, d, values, line, answer, err);
	}
}

/* It decides no more on this mail or client. */
static bool
is_final(char command, const struct answer *answer)
{
	if (command == SMFIC_RCPT)
		return answer->kind == ANSWER_ACCEPT ||
		    answer->kind == ANSWER_DISCARD;
	return command != SMFIC_UNKNOWN && answer->kind != ANSWER_CONTINUE;
}

MAY_YIELD int
chain_tell(struct chain_link *l, struct arena *a, char command,
    enum chain_stage stage, const struct chain_rcpt *rcpt, struct span line,
    struct chain_verdict *v)
{
	const struct chain_source *source = l->chain->source;
	const struct terms *terms = dialogue_terms(l->use.d);
	int64_t began = clock_now();
	struct answer answer;
	struct err err;
	int ret;

	chain_verdict_pass(v);
	l->use.is_waiting = true;
	ret = say(l, a, command, rcpt, line, &answer, &err);
	l->use.is_waiting = false;
	if (ret < 0)
		return chain_failed(l, command, stage, &err, clock_now() -
		    began);
	if (!option_sends(terms, command) || !option_awaits(terms, command))
		return 0;
	milters_succeeded(&l->use, command, is_final(command, &answer));
	chain_verdict_of(l, &answer, v);
	chain_hold(l, command, &answer, v);
	source->told(source->owner, l->index, command, v, clock_now() - began);
	return 0;
}

/* --- bringing up to date --- */

bool
chain_is_told(const struct chain_link *l)
{
	return l->use.d != NULL && l->has_connect;
}

bool
chain_is_in_mail(const struct chain_link *l)
{
	return l->use.d != NULL && l->chain->mail != NULL &&
	    l->mail == l->chain->mails;
}

bool
chain_is_for_nobody(const struct chain_link *l)
{
	const struct chain *c = l->chain;

	return c->nrcpts > 0 && c->nrefused + l->nlate >= c->nrcpts;
}

static void
add_late(struct chain_link *l, size_t index, const struct chain_verdict *v)
{
	struct chain_late *late = arena_new(l->chain->mail, struct chain_late);

	*late = (struct chain_late){ .index = index, .v = *v };
	if (l->late == NULL)
		l->late_end = &l->late;
	*l->late_end = late;
	l->late_end = &late->next;
	l->nlate++;
	if (l->late_code == 0)
		l->late_code = v->code;
}

/* A recipient who was taken before it came. */
static MAY_YIELD int
tell_taken(struct chain_link *l)
{
	struct chain *c = l->chain;
	size_t i = l->rcpts++;
	struct chain_verdict v;
	int ret;

	if (c->rcpts[i].is_refused)
		return 0;
	ret = chain_tell(l, c->mail, SMFIC_RCPT, CHAIN_AT_RCPT,
	    &c->rcpts[i].rcpt, (struct span){ 0 }, &v);
	if (ret == 0 && v.kind == CHAIN_REFUSE)
		add_late(l, i, &v);
	else if (ret == 0 && v.kind == CHAIN_CLOSE && l->client == NULL) {
		struct chain_verdict *held = arena_new(c->mail,
		    struct chain_verdict);

		*held = v;	/* the reply 421 */
		l->v = held;
	}
	return ret;
}

/* The command that it has to hear next; 0: it knows all up to the stage. */
static char
next_command(const struct chain_link *l, enum chain_stage stage)
{
	const struct chain *c = l->chain;

	if (!l->has_connect)
		return SMFIC_CONNECT;
	if (stage >= CHAIN_AT_HELO && c->has_helo && l->helo != c->helos)
		return SMFIC_HELO;
	if (stage >= CHAIN_AT_MAIL && l->mail != c->mails)
		return SMFIC_MAIL;
	if (stage >= CHAIN_AT_RCPT && l->rcpts < c->nrcpts)
		return SMFIC_RCPT;
	if (stage >= CHAIN_AT_DATA && c->has_data && !l->has_data &&
	    !chain_is_for_nobody(l))
		return SMFIC_DATA;
	return 0;
}

/* Noted before it is told: if it fails, it is all forgotten. */
static MAY_YIELD int
tell_next(struct chain_link *l, char command, enum chain_stage stage)
{
	struct chain *c = l->chain;
	struct arena *a = c->mail;
	struct chain_verdict v;

	switch (command) {
	case SMFIC_CONNECT:
		l->has_connect = true;
		a = l->arena;
		break;
	case SMFIC_HELO:
		l->helo = c->helos;
		a = l->arena;
		break;
	case SMFIC_MAIL:
		l->mail = c->mails;
		break;
	case SMFIC_RCPT:
		return tell_taken(l);
	default:
		l->has_data = true;
	}
	return chain_tell(l, a, command, stage, NULL, (struct span){ 0 }, &v);
}

/* A filter that was started anew while the client had nothing to say has lost
 * nothing: it is told all again. */
static MAY_YIELD void
renew(struct chain_link *l)
{
	if (l->use.d == NULL || chain_is_in_mail(l) ||
	    dialogue_is_usable(l->use.d))
		return;
	disconnect(l);
	l->must_be_fresh = true;
}

MAY_YIELD void
chain_bring(struct chain_link *l, enum chain_stage stage)
{
	char command;

	if (!chain_holds(l))
		renew(l);
	while (!chain_holds(l) && connect_to(l, stage) == 0 &&
	    (command = next_command(l, stage)) != 0)
		tell_next(l, command, stage);
}

/* --- several --- */

struct bringing {
	struct chain_link	*list[MILTERS_MAX];
	enum chain_stage	 stage;
};

static MAY_YIELD void
bring_one(void *arg, size_t i)
{
	struct bringing *b = arg;

	chain_bring(b->list[i], b->stage);
}

/* Only a guess, by the next command: what else there is to tell is told by a
 * filter that has just come. */
static bool
must_wait(const struct chain_link *l, enum chain_stage stage)
{
	const struct terms *terms;
	char command;

	if (chain_holds(l))
		return false;
	if (l->use.d == NULL)
		return true;
	terms = dialogue_terms(l->use.d);
	command = next_command(l, stage);
	return command != 0 && option_sends(terms, command) &&
	    option_awaits(terms, command);
}

MAY_YIELD void
chain_bring_all(struct chain_link **list, size_t n, enum chain_stage stage)
{
	struct bringing b = { .stage = stage };
	size_t waiting = 0;

	for (size_t i = 0; i < n; i++)
		if (must_wait(list[i], stage))
			b.list[waiting++] = list[i];
		else
			chain_bring(list[i], stage);
	together("milter", bring_one, &b, waiting, waiting);
}

void
chain_say_late(struct chain_link *l)
{
	struct chain *c = l->chain;
	const struct chain_late *late = l->late;

	l->late = NULL;
	l->nlate = 0;
	for (; late != NULL; late = late->next) {
		if (c->rcpts[late->index].is_refused)
			continue;
		c->rcpts[late->index].is_refused = true;
		c->nrefused++;
		c->source->rcpt_refused(c->source->owner, late->index,
		    &late->v);
	}
}
