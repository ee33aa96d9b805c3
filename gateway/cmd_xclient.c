#include "base/log.h"
#include "gateway/command.h"
#include "gateway/listener.h"
#include "gateway/mail.h"
#include "gateway/xclient.h"

/*
 * XCLIENT -- a trusted proxy tells who its client is
 *
 * Everything that the session knows is about the proxy until then, so the
 * dialogue begins anew with a greeting. Who may say it is decided by the
 * address that connected (or that a PROXY header told), not by what an
 * earlier XCLIENT said.
 */
MAY_YIELD struct reply
cmd_xclient(struct session *s, struct span args)
{
	char ip[ADDR_TEXT];
	struct client told;
	bool is_another;
	struct err err;

	if (!s->may_xclient)
		return reply(550, "5.7.0", "You may not say XCLIENT");
	/* The lookup under way is about the proxy, and writes to client. */
	session_await_name(s);
	told = s->client;
	told.helo = told.unconfirmed = NULL;
	if (told.name != NULL)		/* it would go with its judge */
		told.name = arena_strdup(s->arena, told.name);
	if (xclient_parse(s->arena, args, &told, &err) < 0)
		return reply(501, "5.5.4", "%s", err.text);
	mail_end(&s->mail);
	is_another = !addr_same_ip(&told.addr, &s->client.addr);
	s->client = told;
	if (is_another && !listener_admit(s)) {
		s->ended_by = "crowd";
		return reply_close(421, "4.7.0", "Too many sessions from your "
		    "network, try again later");
	}
	session_judge_client(s, !is_another || told.name != NULL);
	/* HELO= is what the client said to the proxy; the dialogue with us
	 * still needs one of its own. */
	s->client.helo = NULL;
	s->client.esmtp = false;
	s->advertised = 0;
	log_event(LOG_LABEL_INFO, s->id, "xclient client=%s",
	    addr_ip(&s->client.addr, ip));
	return session_greeting(s, false);
}
