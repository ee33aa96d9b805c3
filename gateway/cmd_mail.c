#include "gateway/command.h"
#include "gateway/judge.h"
#include "gateway/mail.h"
#include "gateway/mail_milters.h"
#include "gateway/path.h"

/*
 * MAIL -- a transaction begins                          RFC 5321 4.1.1.2
 *
 * Nothing is asked of a backend yet: which one it will be is known with the
 * first recipient.
 */
MAY_YIELD struct reply
cmd_mail(struct session *s, struct span args)
{
	struct path_limits limits = { s->advertised, s->max_size };
	const struct verdict *refusal;
	struct path_fault fault;
	struct reply r;
	struct mail *m;
	struct err err;

	if (s->conf->tls == TLS_MODE_REQUIRE && conn_tls(s->conn) == NULL)
		return reply(530, "5.7.0", "Must issue STARTTLS first");
	if (s->mails >= s->conf->max_mails) {
		s->ended_by = "max-mails";
		return reply_close(421, "4.5.3", "Too many mails in one "
		    "session, connect again");
	}
	m = mail_begin(s);
	if (path_parse_mail(m->arena, args, &limits, &m->envelope,
	    &fault) < 0) {
		mail_drop(&m);
		s->mails--;
		return reply(fault.code, fault.enhanced, "%s", fault.text);
	}
	s->told &= (1u << PHASE_MAIL) - 1;
	if (judge_mail_begin(s->judge, &m->envelope, &err) < 0) {
		mail_drop(&m);
		s->mails--;
		return reply_err(&err);
	}
	s->mail = m;
	r = session_judge(s, PHASE_MAIL);
	if (r.code != 0 || r.close) {
		refusal = judge_refusal(s->judge);
		m->rule = refusal != NULL ? refusal->rule : NULL;
		return mail_answer(m, r);
	}
	r = mail_milters_begin(m);
	if (r.code != 0 || r.close)
		return mail_answer(m, r);
	return reply(250, "2.1.0", "Ok");
}
