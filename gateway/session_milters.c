#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/utf8.h"
#include "gateway/judge.h"
#include "gateway/mail.h"
#include "gateway/mail_milters.h"
#include "gateway/milter_macros.h"
#include "gateway/sentence.h"
#include "gateway/series.h"
#include "gateway/session_milters.h"
#include "gateway/stats.h"
#include "milter/command.h"

/* --- what the filters ask --- */

static void
give_macros(void *owner, char command, const struct chain_rcpt *rcpt,
    struct span *values)
{
	struct session_milters *sm = owner;
	struct session *s = sm->session;

	memcpy(values, sm->client, sizeof(sm->client));
	if (command != SMFIC_CONNECT && command != SMFIC_HELO &&
	    command != SMFIC_UNKNOWN)
		mail_milters_macros(s->mail, rcpt, values);
}

static const char *
word(const struct chain_verdict *v)
{
	switch (v->kind) {
	case CHAIN_REFUSE:
		return v->code >= 500 ? "reject" : "tempfail";
	case CHAIN_DISCARD:
		return "discard";
	case CHAIN_CLOSE:
		return "close";
	default:
		return "accept";
	}
}

static void
log_told(const struct session *s, const char *name, char command,
    const struct chain_verdict *v, int64_t us)
{
	struct logline l;

	/* That it is down was told as a warning, once. */
	log_begin(&l, v->is_failure && !v->is_resting ? LOG_LABEL_WARN :
	    LOG_LABEL_INFO, s->id, v->is_resting ? "milter rests" :
	    v->is_failure ? "milter failed" : "milter decided");
	if (s->mail != NULL)
		log_int(&l, "id", s->mail->number);
	log_z(&l, "milter", name);
	log_z(&l, "at", command_name(command));
	log_z(&l, v->is_failure ? "failure" : "verdict", word(v));
	if (v->code != 0)
		log_int(&l, "code", v->code);
	if (v->enhanced[0] != '\0')
		log_z(&l, "enhanced", v->enhanced);
	if (v->text.len > 0)
		log_str(&l, "reply", v->text);
	if (v->is_failure)
		log_z(&l, "why", v->why.text);
	log_int(&l, "ms", us / CLOCK_MS);
	log_end(&l);
}

static unsigned
word_of(const struct chain_verdict *v)
{
	switch (v->said) {
	case ANSWER_CONTINUE:
		return WORD_SAID_CONTINUE;
	case ANSWER_ACCEPT:
		return WORD_SAID_ACCEPT;
	case ANSWER_REJECT:
		return WORD_SAID_REJECT;
	case ANSWER_TEMPFAIL:
		return WORD_SAID_TEMPFAIL;
	case ANSWER_DISCARD:
		return WORD_SAID_DISCARD;
	case ANSWER_REPLY:
		return WORD_SAID_REPLYCODE;
	case ANSWER_SKIP:
		return WORD_SAID_SKIP;
	case ANSWER_SHUTDOWN:
	case ANSWER_CONN_FAIL:
		return WORD_SAID_SHUTDOWN;
	default:
		return WORD_SAID_FAILED;
	}
}

static void
note_told(void *owner, size_t milter, char command,
    const struct chain_verdict *v, int64_t us)
{
	struct session_milters *sm = owner;
	struct session *s = sm->session;

	series_add(SERIES_MILTER_ANSWERS, milter, word_of(v), 0, 1);
	series_time(SERIES_MILTER_TIME, milter, 0, us);
	if (s->mail != NULL && s->mail->milters != NULL)
		s->mail->milters->us[milter] += us;
	stats_add(STAT_MILTER_ANSWERS, 1);
	stats_add(STAT_MILTER_TIME, us);
	if (v->is_failure)
		stats_add(STAT_MILTER_FAILURES, 1);
	else if (v->kind == CHAIN_PASS)
		return;
	else
		stats_add(STAT_MILTER_REFUSALS, 1);
	log_told(s, s->worker->settings->milters[milter].name, command, v,
	    us);
}

static void
give_message(void *owner, struct chain_message *out)
{
	struct session_milters *sm = owner;

	mail_milters_show(sm->session->mail, out);
}

static MAY_YIELD int
apply(void *owner, size_t milter, const struct edits *edits, struct err *err)
{
	struct session_milters *sm = owner;

	return mail_milters_apply(sm->session->mail, milter, edits, err);
}

static void
refuse_rcpt(void *owner, size_t index, const struct chain_verdict *v)
{
	struct session_milters *sm = owner;

	mail_milters_refuse(sm->session->mail, index, v);
}

/* --- the client --- */

static bool
has_prompt(const struct settings *s)
{
	for (size_t i = 0; i < s->nmilters; i++)
		if (s->milters[i].tell_at == MILTER_AT_CONNECT)
			return true;
	return false;
}

bool
session_milters_begin(struct session *s)
{
	static const struct chain_source calls = {
		.macros = give_macros, .message = give_message,
		.apply = apply, .rcpt_refused = refuse_rcpt,
		.told = note_told
	};
	struct session_milters *sm;
	struct arena *a;

	if (s->milters != NULL)
		return true;
	if (s->worker->settings->nmilters == 0)
		return false;
	a = arena_create("milters");
	sm = arena_new(a, struct session_milters);
	sm->arena = a;
	sm->session = s;
	sm->source = calls;
	sm->source.owner = sm;
	sm->chain = chain_begin(a, s->worker->milters, &sm->source,
	    s->listener->conf->name, &s->client.addr);
	if (sm->chain == NULL) {
		arena_destroy(&a);
		return false;
	}
	sm->is_prompt = has_prompt(s->worker->settings);
	s->milters = sm;
	return true;
}

MAY_YIELD void
session_milters_end(struct session *s)
{
	struct session_milters *sm = s->milters;
	struct arena *a;

	if (sm == NULL)
		return;
	chain_end(&sm->chain);
	a = sm->arena;
	s->milters = NULL;
	arena_destroy(&a);
}

/* A filter's lines, each made harmless. */
static struct reply
as_reply(const struct session *s, const struct chain_verdict *v)
{
	bool utf8 = s->mail != NULL && s->mail->envelope.smtputf8;
	struct span rest = v->text;
	struct buf text = {0};
	struct reply r;

	do {
		struct span line = span_until(&rest, '\n');

		if (text.len > 0)
			buf_puts(&text, "\n");
		utf8_put_printable(&text, line, REPLY_TEXT - 1, utf8);
	} while (rest.len > 0 && text.len < REPLY_TEXT);
	r = reply(v->code, v->enhanced, "%.*s", SPAN_ARG(buf_text(&text)));
	buf_free(&text);
	return r;
}

struct reply
session_milters_reply(struct session *s, const struct chain_verdict *v)
{
	struct reply r = reply_none();

	if (v->kind == CHAIN_PASS || v->kind == CHAIN_DISCARD)
		return r;
	if (v->code != 0)
		r = as_reply(s, v);
	r.close = v->kind == CHAIN_CLOSE;
	if (r.close && v->why.kind != ERR_CLOSED)
		s->ended_by = "milter";
	return r;
}

/* Against the client, whatever else is said of him later. */
static void
hold(struct session *s, const struct chain_verdict *v)
{
	s->milters->held = session_milters_reply(s, v);
	s->milters->has_failed = v->is_failure;
}

static bool
holds(const struct session *s)
{
	return s->milters->held.code != 0 || s->milters->held.close;
}

void
session_milters_attach(struct session *s, enum phase phase)
{
	const struct verdict *v = judge_verdict(s->judge, phase);

	for (size_t i = 0; v != NULL && s->milters != NULL &&
	    i < s->worker->settings->nmilters; i++)
		if (v->milters & (UINT32_C(1) << i))
			chain_attach(s->milters->chain, i,
			    phase == PHASE_MAIL);
}

MAY_YIELD void
session_milters_know(struct session *s)
{
	struct session_milters *sm = s->milters;
	struct chain_verdict v;

	if (!sm->is_known) {
		sm->is_known = true;
		session_await_name(s);
		milter_macros_client(sm->arena, s, sm->client);
		milter_macros_tls(sm->arena, &s->client, sm->client);
		chain_connect(sm->chain, span_z(s->client.name), &v);
		hold(s, &v);
	}
	if (!sm->is_named && s->client.helo != NULL &&
	    (!holds(s) || sm->has_failed)) {
		sm->is_named = true;
		chain_helo(sm->chain, span_z(s->client.helo), &v);
		hold(s, &v);
	}
}

void
session_milters_forgive(struct session *s)
{
	struct session_milters *sm = s->milters;

	if (sm->has_failed)
		sm->held = reply_none();
	sm->has_failed = false;
}

/* What is told at once. */
static struct reply
told_now(const struct session *s)
{
	const struct reply *held = &s->milters->held;

	return held->close || s->conf->reject_at_connect ? *held :
	    reply_none();
}

MAY_YIELD struct reply
session_milters_greet(struct session *s, bool is_proxy)
{
	struct reply r;

	session_milters_end(s);
	if (!has_prompt(s->worker->settings) || !session_milters_begin(s))
		return reply_none();
	s->milters->is_proxy = is_proxy;
	if (is_proxy)
		return reply_none();
	session_milters_attach(s, PHASE_CONNECT);
	session_milters_know(s);
	r = told_now(s);
	if (r.code == 0)
		return r;
	r = sentence_as_greeting(r);
	if (r.close)
		s->ended_by = "milter";
	return r;
}

/* Those who know him hear of each HELO at once. */
MAY_YIELD struct reply
session_milters_helo(struct session *s)
{
	struct session_milters *sm = s->milters;

	if (sm == NULL)
		return reply_none();
	sm->is_named = false;
	if ((!sm->is_prompt || sm->is_proxy) && !sm->is_known)
		return reply_none();
	session_milters_attach(s, PHASE_HELO);
	session_milters_know(s);
	return told_now(s);
}

MAY_YIELD void
session_milters_starttls(struct session *s)
{
	struct session_milters *sm = s->milters;

	if (sm == NULL)
		return;
	sm->is_named = false;
	chain_starttls(sm->chain);
	milter_macros_tls(sm->arena, &s->client, sm->client);
}

MAY_YIELD struct reply
session_milters_unknown(struct session *s, struct span line)
{
	struct chain_verdict v;

	if (s->milters == NULL || !s->milters->is_known ||
	    (s->mail != NULL && s->mail->has_bdat))
		return reply_none();
	chain_unknown(s->milters->chain, line, &v);
	return session_milters_reply(s, &v);
}
