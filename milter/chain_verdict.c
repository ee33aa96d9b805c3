#include <stdio.h>

#include "milter/chain_internal.h"

/* --- what is said to the client --- */

static void
set(struct chain_verdict *v, enum chain_kind kind, int code,
    const char *enhanced, const char *text)
{
	v->kind = kind;
	v->code = code;
	snprintf(v->enhanced, sizeof(v->enhanced), "%s", enhanced);
	v->text = span_z(text);
}

void
chain_verdict_pass(struct chain_verdict *v)
{
	*v = (struct chain_verdict){ .kind = CHAIN_PASS,
	    .milter = CHAIN_NOBODY };
}

void
chain_verdict_of(const struct chain_link *l, const struct answer *answer,
    struct chain_verdict *v)
{
	*v = (struct chain_verdict){ .milter = l->index,
	    .said = answer->kind };
	switch (answer->kind) {
	case ANSWER_REJECT:
		set(v, CHAIN_REFUSE, 550, "5.7.1", "Command rejected");
		break;
	case ANSWER_TEMPFAIL:
		set(v, CHAIN_REFUSE, 451, "4.7.1", "Service unavailable - try "
		    "again later");
		break;
	case ANSWER_REPLY:
		set(v, answer->code == 421 ? CHAIN_CLOSE : CHAIN_REFUSE,
		    answer->code, answer->enhanced, "");
		v->text = answer->text;
		break;
	case ANSWER_DISCARD:
		v->kind = CHAIN_DISCARD;
		break;
	case ANSWER_SHUTDOWN:
		set(v, CHAIN_CLOSE, 421, "4.7.0", "Closing the connection");
		break;
	case ANSWER_CONN_FAIL:
		v->kind = CHAIN_CLOSE;
		break;
	default:
		v->kind = CHAIN_PASS;
	}
}

/* --- failures --- */

static enum milter_failure
action(const struct milter_conf *conf, char command, enum chain_stage stage)
{
	switch (command) {
	case SMFIC_CONNECT:
		return conf->failure_connect;
	case SMFIC_HELO:
		return conf->failure_helo;
	case SMFIC_MAIL:
		return conf->failure_mail;
	case SMFIC_RCPT:
		return conf->failure_rcpt;
	case SMFIC_UNKNOWN:
		return conf->failure;
	case SMFIC_OPTNEG:
		break;
	default:
		return conf->failure_message;
	}
	switch (stage) {
	case CHAIN_AT_CONNECT:
		return conf->failure_connect;
	case CHAIN_AT_HELO:
		return conf->failure_helo;
	case CHAIN_AT_MAIL:
		return conf->failure_mail;
	case CHAIN_AT_RCPT:
		return conf->failure_rcpt;
	case CHAIN_AT_DATA:
		break;
	}
	return conf->failure_message;
}

void
chain_verdict_failed(const struct chain_link *l, char command,
    enum chain_stage stage, const struct err *err, struct chain_verdict *v)
{
	*v = (struct chain_verdict){ .milter = l->index, .is_failure = true,
	    .why = *err };
	if (fiber_is_stopped()) {
		v->kind = CHAIN_CLOSE;
		v->is_failure = false;
		v->why.kind = ERR_CLOSED;
		return;
	}
	/* Larger than a packet, and so it is the next time too. And a sender
	 * must not choose that a filter is passed over. */
	if (command == SMFIC_HEADER && err->kind == ERR_CONFIG) {
		set(v, CHAIN_REFUSE, 552, "5.3.4", "A header field is larger "
		    "than can be checked here");
		return;
	}
	switch (action(l->conf, command, stage)) {
	case MILTER_ACCEPT:
		v->kind = CHAIN_PASS;
		break;
	case MILTER_TEMPFAIL:
		set(v, CHAIN_REFUSE, 451, "4.7.1", "This cannot be checked "
		    "now, try again later");
		break;
	case MILTER_REJECT:
		set(v, CHAIN_REFUSE, 550, "5.5.0", "This cannot be checked");
		break;
	case MILTER_SHUTDOWN:
		set(v, CHAIN_CLOSE, 421, "4.7.1", "This cannot be checked "
		    "now, try again later");
		break;
	}
}

/* --- what holds --- */

static const struct chain_verdict *
keep(struct arena *a, const struct chain_verdict *v)
{
	struct chain_verdict *kept = arena_new(a, struct chain_verdict);

	*kept = *v;
	return kept;
}

/* As in the dialogue, which knows it too but does not tell (dialogue.h). */
void
chain_hold(struct chain_link *l, char command, const struct answer *answer,
    const struct chain_verdict *v)
{
	bool is_of_client = command == SMFIC_CONNECT || command == SMFIC_HELO;

	if (answer->kind == ANSWER_SHUTDOWN ||
	    answer->kind == ANSWER_CONN_FAIL)
		l->client = keep(l->arena, v);
	else if (answer->kind == ANSWER_CONTINUE ||
	    (command == SMFIC_UNKNOWN && (answer->kind != ANSWER_ACCEPT ||
	    !chain_is_in_mail(l))))
		return;
	else if (answer->kind == ANSWER_ACCEPT && is_of_client)
		l->is_over_client = true;
	else if (answer->kind == ANSWER_ACCEPT)
		l->is_over = true;
	else if (is_of_client)
		l->client = keep(l->arena, v);
	else if (command != SMFIC_RCPT || answer->kind == ANSWER_DISCARD)
		l->v = keep(l->chain->mail, v);
}

const struct chain_verdict *
chain_held(const struct chain_link *l)
{
	if (l->failure != NULL)
		return l->failure;
	return l->client != NULL ? l->client : l->v;
}

bool
chain_holds(const struct chain_link *l)
{
	return chain_held(l) != NULL || l->is_over_client || l->is_over;
}

void
chain_verdict_now(const struct chain_link *l, struct chain_verdict *v)
{
	const struct chain_verdict *held = chain_held(l);

	if (held != NULL)
		*v = *held;
	else
		chain_verdict_pass(v);
}

bool
chain_verdict_first(const struct chain *c, struct chain_verdict *v)
{
	for (size_t i = 0; i < c->n; i++) {
		const struct chain_verdict *held = chain_held(&c->links[i]);

		if (held != NULL && held->kind != CHAIN_PASS &&
		    chain_applies(&c->links[i])) {
			*v = *held;
			return true;
		}
	}
	chain_verdict_pass(v);
	return false;
}
