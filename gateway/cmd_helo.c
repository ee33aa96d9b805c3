#include <string.h>

#include "gateway/backend.h"
#include "gateway/command.h"
#include "gateway/judge.h"
#include "gateway/mail.h"
#include "gateway/session_milters.h"
#include "gateway/transaction.h"
#include "policy/address.h"

/*
 * HELO, EHLO -- who the client says it is, and what we can do for it
 *                                  RFC 5321 4.1.1.1, 4.2.4; RFC 9422
 * What is advertised is what the backends behind us can do, unless the
 * setting `advertise` says otherwise; PIPELINING, CHUNKING, PRDR and LIMITS
 * are ours to offer whatever they can.
 */
static const struct keyword {
	const char	*name;
	unsigned	 ability;
} keywords[] = {
	{ "PIPELINING", ABILITY_PIPELINING },
	{ "SIZE", ABILITY_SIZE },
	{ "8BITMIME", ABILITY_8BITMIME },
	{ "SMTPUTF8", ABILITY_SMTPUTF8 },
	{ "DSN", ABILITY_DSN },
	{ "CHUNKING", ABILITY_CHUNKING },
	{ "BINARYMIME", ABILITY_BINARYMIME },
	{ "ENHANCEDSTATUSCODES", ABILITY_ENHANCED },
	{ "PRDR", ABILITY_PRDR },
};
#define LONGEST_NAME	255	/* RFC 5321 4.5.3.1.2 */
#define SHORT_NAME	64
#define NKEYWORDS	(sizeof(keywords) / sizeof(keywords[0]))

static unsigned
named_abilities(const struct names *names)
{
	unsigned found = 0;
	size_t i, j;

	for (i = 0; i < names->n; i++)
		for (j = 0; j < NKEYWORDS; j++)
			if (span_is_nocase(span_z(names->list[i]),
			    keywords[j].name))
				found |= keywords[j].ability;
	return found;
}

static unsigned
abilities_to_offer(struct session *s)
{
	uint64_t backend_max = 0;
	unsigned offer;

	offer = backends_abilities(s->worker->backends, &backend_max) &
	    (ABILITY_8BITMIME | ABILITY_SMTPUTF8 | ABILITY_DSN |
	    ABILITY_BINARYMIME);
	offer |= ABILITY_PIPELINING | ABILITY_SIZE | ABILITY_CHUNKING |
	    ABILITY_ENHANCED | ABILITY_PRDR;
	s->max_size = s->conf->max_message_size;
	if (backend_max != 0 && backend_max < s->max_size)
		s->max_size = backend_max;
	if (s->conf->advertise.n > 0)
		offer = named_abilities(&s->conf->advertise);
	return offer;
}

/* Takes the name; an address literal or anything that looks like a name. It
 * may be said again and again, so the session does not grow by it. */
static MAY_YIELD bool
take_name(struct session *s, struct span args, struct reply *r)
{
	struct span name = span_word(&args);

	if (name.len > LONGEST_NAME ||
	    (!domain_is_valid(name, true) && !domain_is_literal(name))) {
		*r = reply(501, "5.5.4", "The name is not a domain or an "
		    "address literal");
		return false;
	}
	mail_end(&s->mail);
	if (name.len >= s->helo_cap) {	/* once or twice: a short, a long */
		s->helo_cap = name.len < SHORT_NAME ? SHORT_NAME :
		    LONGEST_NAME + 1;
		s->helo_room = arena_alloc(s->arena, s->helo_cap);
	}
	memcpy(s->helo_room, name.p, name.len);
	s->helo_room[name.len] = '\0';
	s->client.helo = s->helo_room;
	return true;
}

/* The rules of helo have the name now. One that they refuse at once was never
 * said. */
static MAY_YIELD bool
pass_rules(struct session *s, struct reply *r)
{
	struct err err;

	if (judge_settle_helo(s->judge, &err) < 0) {
		*r = reply_err(&err);
		return false;
	}
	s->told &= (1u << PHASE_HELO) - 1;
	judge_enter(s->judge, PHASE_HELO);
	*r = session_judge(s, PHASE_HELO);
	if (r->code == 0 && !r->close) {
		*r = session_milters_helo(s);
		if (r->code == 0 && !r->close)
			return true;
		if (r->code != 0)
			session_turned_away(s, r);
	}
	transaction_session(s);		/* while the name is known */
	s->client.helo = NULL;
	return false;
}

MAY_YIELD struct reply
cmd_helo(struct session *s, struct span args)
{
	struct reply r;

	if (!take_name(s, args, &r))
		return r;
	s->client.esmtp = false;
	if (!pass_rules(s, &r))
		return r;
	s->advertised = 0;
	s->max_size = s->conf->max_message_size;
	return reply(250, "", "%s", s->worker->settings->hostname);
}

MAY_YIELD struct reply
cmd_ehlo(struct session *s, struct span args)
{
	const struct smtp_conf *conf = s->conf;
	struct buf text = {0};
	struct reply r;
	size_t i;

	if (!take_name(s, args, &r))
		return r;
	s->client.esmtp = true;
	if (!pass_rules(s, &r))
		return r;
	s->advertised = abilities_to_offer(s);
	buf_reserve(&text, sizeof(r.text));
	buf_puts(&text, s->worker->settings->hostname);
	for (i = 0; i < NKEYWORDS; i++) {
		if (!(s->advertised & keywords[i].ability))
			continue;
		buf_puts(&text, "\n");
		buf_puts(&text, keywords[i].name);
		if (keywords[i].ability == ABILITY_SIZE) {
			buf_puts(&text, " ");
			buf_uint(&text, s->max_size);
		}
	}
	if (session_offers_tls(s))
		buf_puts(&text, "\nSTARTTLS");
	if (conf->advertise.n == 0) {
		buf_puts(&text, "\nLIMITS RCPTMAX=");
		buf_uint(&text, conf->max_recipients);
		buf_puts(&text, " MAILMAX=");
		buf_uint(&text, conf->max_mails);
	}
	if (s->may_xclient)
		buf_puts(&text,
		    "\nXCLIENT NAME ADDR PORT PROTO HELO LOGIN DESTADDR "
		    "DESTPORT");
	r = reply(250, "", "%.*s", SPAN_ARG(buf_text(&text)));
	buf_free(&text);
	return r;
}
