#include "gateway/explain_internal.h"
#include "gateway/judge.h"
#include "gateway/message_check.h"
#include "gateway/results.h"
#include "gateway/route.h"
#include "gateway/sentence.h"
#include "gateway/stock.h"

/*
 * The way of a mail through a session, as session.c, cmd_rcpt.c and
 * mail_deliver.c go it: by the same judge, and in the same order, since what
 * is known when a rule is asked depends on it. The client keeps to the
 * protocol, in clear; the mail is the first of its session.
 */
struct way {
	struct arena		*arena;
	const struct court	*court;
	const struct smtp_conf	*conf;
	const struct explanation *x;
	struct hearing		*out;
	struct client		 client;
	struct envelope		 envelope;
	uint64_t		 errors;	/* of the session */
	struct judge		*judge;
	bool			 is_over;	/* nothing more is asked */
};

const char *
explain_fate_name(enum fate fate)
{
	static const char *const names[] = {
		[FATE_UNDECIDED] = "undecided",
		[FATE_DELIVERED] = "delivered",
		[FATE_QUARANTINED] = "quarantined",
		[FATE_DISCARDED] = "discarded",
		[FATE_REFUSED] = "refused", [FATE_DEFERRED] = "deferred",
		[FATE_DISCONNECTED] = "disconnected",
	};

	return names[fate];
}

/* --- the end of the way --- */

static void
settle(struct way *w, enum fate fate, enum phase phase,
    const struct rule *rule, const char *why)
{
	w->is_over = true;
	w->out->fate = fate;
	w->out->phase = phase;
	w->out->rule = rule;
	w->out->why = why;
}

static void
tell(struct way *w, struct reply r, const char *to)
{
	struct reply *told = arena_new(w->arena, struct reply);

	*told = r;
	w->out->reply = told;
	w->out->reply_to = to;
}

static bool
refuses(const struct verdict *v)
{
	return v->kind == ACTION_REJECT || v->kind == ACTION_DEFER ||
	    v->kind == ACTION_DISCONNECT;
}

static void
refuse(struct way *w, enum phase phase, const struct verdict *v,
    struct reply r, const char *to)
{
	enum fate fate = r.code / 100 == 4 ? FATE_DEFERRED : FATE_REFUSED;

	if (v->kind == ACTION_DISCONNECT)
		fate = FATE_DISCONNECTED;
	settle(w, fate, phase, v->rule, NULL);
	tell(w, r, to);
}

/* Not by a rule. */
static void
refuse_so(struct way *w, enum phase phase, struct reply r, const char *to,
    const char *why)
{
	settle(w, FATE_REFUSED, phase, NULL, why);
	tell(w, r, to);
}

/* The client is told that all is well. */
static void
discard(struct way *w, enum phase phase, const struct verdict *v)
{
	settle(w, FATE_DISCARDED, phase, v->rule, NULL);
	tell(w, reply(250, "2.0.0", "Ok"), "message");
}

static void
leave_open(struct way *w, enum phase phase, const char *why)
{
	settle(w, FATE_UNDECIDED, phase, NULL, why);
}

/* --- client, HELO, sender --- */

static void
find_unlooked(struct way *w)
{
	const struct addr *client = &w->client.addr;

	if (addr_is_loopback(client))
		w->out->unlooked = "nothing is looked up: the client is on "
		    "this machine";
	else if (court_is_unchecked(w->conf, client))
		w->out->unlooked = arena_printf(w->arena, "nothing is looked "
		    "up but the client's name: it is in `unchecked` of "
		    "listener %s", w->out->listener->name);
}

static void
come(struct way *w)
{
	struct judge_client who = {
		.client = &w->client,
		.listener = w->out->listener->name,
		.wants = court_wants(w->court, w->conf, &w->client.addr),
		.is_unchecked = court_is_unchecked(w->conf, &w->client.addr),
		.errors = &w->errors,
		.sessions = { .client = 1, .network = 1, .site = 1 },
	};

	find_unlooked(w);
	w->client.helo = NULL;
	if (!w->x->has_name)
		court_name(&w->client);
	w->judge = judge_begin(w->court, &who);
	judge_keep_traces(w->judge);
	judge_enter(w->judge, PHASE_CONNECT);
	judge_greeted(w->judge);
}

/* At the phase's own reply, if it has to be known by then. */
static MAY_YIELD int
decide_now(struct way *w, enum phase phase, const char *to, struct err *err)
{
	const struct verdict *v;

	if (w->is_over || !court_is_prompt(w->court, w->conf, phase))
		return 0;
	if (judge_await(w->judge, phase, err) < 0)
		return -1;
	v = judge_verdict(w->judge, phase);
	if (v != NULL && sentence_is_at_once(v, w->conf))
		refuse(w, phase, v, phase == PHASE_CONNECT ?
		    sentence_greeting(v) : sentence_reply(v, false), to);
	return 0;
}

static MAY_YIELD int
go_to_mail(struct way *w, struct err *err)
{
	come(w);
	if (decide_now(w, PHASE_CONNECT, "greeting", err) < 0)
		return -1;
	if (w->is_over)
		return 0;
	w->client.helo = w->x->client.helo;
	judge_enter(w->judge, PHASE_HELO);
	if (decide_now(w, PHASE_HELO, "EHLO", err) < 0)
		return -1;
	if (w->is_over)
		return 0;
	if (judge_mail_begin(w->judge, &w->envelope, err) < 0)
		return -1;
	return decide_now(w, PHASE_MAIL, "MAIL", err);
}

/* --- the recipient --- */

static MAY_YIELD int
hear_refusal(struct way *w, struct err *err)
{
	const struct verdict *v;
	enum phase phase = PHASE_CONNECT;

	if (judge_await(w->judge, PHASE_MAIL, err) < 0)
		return -1;
	v = judge_refusal(w->judge);
	if (v == NULL)
		return 0;
	while (judge_verdict(w->judge, phase) != v)
		phase++;
	refuse(w, phase, v, sentence_reply(v, w->envelope.smtputf8), "RCPT");
	return 0;
}

static MAY_YIELD int
take_rcpt(struct way *w, const struct verdict *v, struct err *err)
{
	const struct settings *s = w->court->settings;
	struct stock *stock = w->court->stock;
	const struct routes *routes = routes_create(w->arena, s,
	    stock != NULL ? stock->lookup : NULL);
	int index = route_find(routes, &w->x->rcpt.addr,
	    judge_store_rest(w->judge), err);

	if (index >= 0 && v->unrouted != NULL) {
		sentence_set_unrouted(v->unrouted, err);
		index = ROUTE_UNKNOWN;
	}
	if (index == ROUTE_UNKNOWN && err->kind == ERR_CLOSED)
		return -1;
	if (index == ROUTE_UNKNOWN) {
		settle(w, FATE_DEFERRED, PHASE_RCPT, NULL,
		    arena_strdup(w->arena, err->text));
		tell(w, reply_err(err), "RCPT");
		return 0;
	}
	if (index < 0) {
		refuse_so(w, PHASE_RCPT, sentence_relaying(), "RCPT",
		    "no route takes this recipient");
		return 0;
	}
	w->out->backend = s->backends[index].name;
	if (v->route.len > 0)
		w->out->backend = arena_copy(w->arena, v->route);
	w->envelope.rcpts = arena_new(w->arena, struct rcpt);
	w->envelope.rcpts[0] = w->x->rcpt;
	w->envelope.nrcpts = 1;
	judge_rcpt_taken(w->judge);
	return 0;
}

static MAY_YIELD int
hear_rcpt(struct way *w, struct err *err)
{
	struct verdict *v = arena_new(w->arena, struct verdict);
	bool is_apart;

	if (judge_rcpt(w->judge, w->arena, &w->x->rcpt, 1, v, &is_apart,
	    err) < 0)
		return -1;
	w->out->phases[PHASE_RCPT].verdict = v;
	w->out->greylist = judge_greylist_answer(w->judge);
	if (refuses(v))
		refuse(w, PHASE_RCPT, v, sentence_reply(v,
		    w->envelope.smtputf8), "RCPT");
	else if (v->kind == ACTION_DISCARD)
		discard(w, PHASE_RCPT, v);
	else
		return take_rcpt(w, v, err);
	return 0;
}

static MAY_YIELD int
go_to_rcpt(struct way *w, struct err *err)
{
	if (!w->is_over && hear_refusal(w, err) < 0)
		return -1;
	if (w->is_over)
		return 0;
	if (w->x->has_rcpt)
		return hear_rcpt(w, err);
	leave_open(w, PHASE_RCPT, "no recipient was given (--to)");
	return 0;
}

/* --- the message --- */

static MAY_YIELD int
find_fields(struct way *w, const struct verdict *v, struct err *err)
{
	const struct settings *s = w->court->settings;
	const struct findings *found = NULL;
	const struct header_cut *cuts;
	struct buf out = {0};

	if (judge_name(w->judge, err) < 0 || (results_are_wanted(s) &&
	    judge_findings(w->judge, &found, err) < 0))
		return -1;
	results_put_quarantine(w->arena, v, w->envelope.smtputf8, &out);
	if (found != NULL)
		results_put(w->arena, s, &w->client, &w->envelope, found,
		    &out);
	if (!court_is_unchecked(w->conf, &w->client.addr))
		w->out->ncuts = results_cuts(w->arena, w->court,
		    judge_fields(w->judge), &cuts);
	w->out->fields = arena_span(w->arena, buf_text(&out));
	buf_free(&out);
	return 0;
}

static MAY_YIELD int
take_message(struct way *w, const struct verdict *v, struct err *err)
{
	const char *quarantine = w->court->settings->quarantine_name;
	enum fate fate = FATE_DELIVERED;

	if (v->kind == ACTION_QUARANTINE) {
		fate = FATE_QUARANTINED;
		if (quarantine != NULL)
			w->out->backend = quarantine;
	}
	settle(w, fate, PHASE_MESSAGE, v->rule, v->rule == NULL ?
	    "no rule decided" : NULL);
	w->out->edits = v->edits;
	w->out->nedits = v->nedits;
	return find_fields(w, v, err);
}

static MAY_YIELD int
hear_message(struct way *w, struct err *err)
{
	const struct explanation *x = w->x;
	struct verdict *v = arena_new(w->arena, struct verdict);

	if (judge_message(w->judge, &x->scan, x->in.size, v, err) < 0)
		return -1;
	w->out->phases[PHASE_MESSAGE].verdict = v;
	if (refuses(v))
		refuse(w, PHASE_MESSAGE, v, sentence_reply(v,
		    w->envelope.smtputf8), "message");
	else if (v->kind == ACTION_DISCARD)
		discard(w, PHASE_MESSAGE, v);
	else
		return take_message(w, v, err);
	return 0;
}

static MAY_YIELD int
go_to_message(struct way *w, struct err *err)
{
	const struct explanation *x = w->x;
	struct reply r;

	if (w->is_over)
		return 0;
	if (!x->has_message) {
		leave_open(w, PHASE_MESSAGE, "no message was given");
		return 0;
	}
	judge_message_begin(w->judge);
	r = message_check(w->conf, w->conf->max_message_size, &x->in,
	    &x->scan);
	if (r.code != 0) {
		refuse_so(w, PHASE_MESSAGE, r, "message",
		    "the message's form, before any rule is asked");
		return 0;
	}
	judge_message_feed(w->judge, &x->scan, w->conf, x->message);
	return hear_message(w, err);
}

/* --- what is told of it --- */

static const char *
why_unasked(const struct way *w, enum phase phase)
{
	const struct hearing *out = w->out;

	if (!w->court->has_rules[phase])
		return "there are no rules";
	if (out->fate == FATE_UNDECIDED && phase == PHASE_MESSAGE &&
	    !w->x->has_message)
		return "no message was given";
	if (out->why != NULL)
		return out->why;
	return arena_printf(w->arena, "%s at %s",
	    explain_fate_name(out->fate), phase_name(out->phase));
}

static void
note_phase(struct way *w, enum phase phase)
{
	struct heard_phase *p = &w->out->phases[phase];
	const struct rule_trace *trace = judge_trace(w->judge, phase);

	if (p->verdict == NULL)
		p->verdict = judge_verdict(w->judge, phase);
	if (p->verdict == NULL || !w->court->has_rules[phase]) {
		p->verdict = NULL;
		p->unasked = why_unasked(w, phase);
		return;
	}
	p->trace = *trace;
	w->out->delay += p->verdict->delay;
}

/* One that trusts decides every phase behind its own. */
static void
find_phase(struct hearing *out)
{
	for (enum phase p = PHASE_CONNECT; p < PHASES; p++)
		if (out->phases[p].verdict != NULL &&
		    out->phases[p].verdict->rule == out->rule) {
			out->phase = p;
			return;
		}
}

/* What is not decided yet may be known to be trusted. */
static void
find_trust(struct hearing *out)
{
	for (enum phase p = PHASE_CONNECT; p < PHASES; p++) {
		const struct verdict *v = out->phases[p].verdict;

		if (v != NULL && v->rule != NULL &&
		    v->rule->action.kind == ACTION_TRUST)
			out->rule = v->rule;
	}
}

static void
note_all(struct way *w)
{
	const struct stock *stock = w->court->stock;
	struct buf scores = {0};

	if (stock != NULL && stock->problem[0] != '\0')
		w->out->store = stock->problem;
	for (enum phase p = PHASE_CONNECT; p < PHASES; p++)
		note_phase(w, p);
	if (w->out->fate == FATE_UNDECIDED)
		find_trust(w->out);
	if (w->out->rule != NULL)
		find_phase(w->out);
	w->out->score = judge_score(w->judge);
	judge_put_scores(w->judge, &scores);
	w->out->scores = arena_span(w->arena, buf_text(&scores));
	buf_free(&scores);
}

MAY_YIELD int
explain_judge(struct arena *a, const struct court *court,
    struct explanation *x, struct err *err)
{
	struct way *w = arena_new(a, struct way);

	w->arena = a;
	w->court = court;
	w->conf = &x->heard.listener->smtp;
	w->x = x;
	w->out = &x->heard;
	w->client = x->client;
	w->envelope.sender = x->envelope.sender;
	w->envelope.smtputf8 = x->envelope.smtputf8;
	if (go_to_mail(w, err) < 0 || go_to_rcpt(w, err) < 0 ||
	    go_to_message(w, err) < 0) {
		judge_mail_end(w->judge);
		judge_end(&w->judge);
		return -1;
	}
	note_all(w);
	x->heard.judge = w->judge;
	return 0;
}

void
explain_judge_end(struct explanation *x)
{
	if (x->heard.judge == NULL)
		return;
	judge_mail_end(x->heard.judge);
	judge_end(&x->heard.judge);
}
