#include "base/log.h"
#include "gateway/command.h"
#include "gateway/mail.h"

MAY_YIELD struct reply
cmd_rset(struct session *s, struct span args)
{
	(void)args;
	mail_end(&s->mail);
	return reply(250, "2.0.0", "Ok");
}

MAY_YIELD struct reply
cmd_noop(struct session *s, struct span args)
{
	(void)s, (void)args;
	return reply(250, "2.0.0", "Ok");
}

/* RFC 5321 3.5.3: neither yes nor no, so that nobody can harvest names. */
MAY_YIELD struct reply
cmd_vrfy(struct session *s, struct span args)
{
	(void)s, (void)args;
	return reply(252, "2.5.2", "Send some mail, it will be tried");
}

MAY_YIELD struct reply
cmd_help(struct session *s, struct span args)
{
	struct buf verbs = {0};
	struct reply r;

	(void)s, (void)args;
	command_verbs(&verbs);
	r = reply(214, "2.0.0", "%.*s", SPAN_ARG(buf_text(&verbs)));
	buf_free(&verbs);
	return r;
}

MAY_YIELD struct reply
cmd_quit(struct session *s, struct span args)
{
	(void)args;
	mail_end(&s->mail);
	s->ended_by = "client";
	return reply_close(221, "2.0.0", "Bye");
}

MAY_YIELD struct reply
cmd_not_here(struct session *s, struct span args)
{
	(void)args;
	return reply(502, "5.5.1", "%s is not offered here", s->where);
}

MAY_YIELD struct reply
cmd_not_smtp(struct session *s, struct span args)
{
	(void)args;
	s->ended_by = "not-smtp";
	return reply_close(521, "5.5.1", "This is SMTP");
}
