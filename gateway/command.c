#include "base/clock.h"
#include "gateway/command.h"
#include "gateway/mail.h"
#include "gateway/series.h"
#include "gateway/session_count.h"
#include "gateway/session_milters.h"
#include "gateway/stats.h"

enum flags {
	NO_ARGS		= 1 << 0,
	NEEDS_ARGS	= 1 << 1,
	SYNC		= 1 << 2,	/* ends a pipelined group: nothing may
					   be waiting unread behind it */
	HIDDEN		= 1 << 3	/* not in HELP */
};

#define VERB(verb)	#verb, WORD_VERB_##verb
#define OTHER(verb)	#verb, WORD_VERB_OTHER
static const struct command {
	const char	*verb;
	unsigned	 counts_as;	/* WORD_VERB_* */
	struct reply	(*run)(struct session *, struct span);
	unsigned	 when;
	unsigned	 flags;
} commands[] = {
	/* verb            run           when                 flags */
	{ VERB(EHLO),      cmd_ehlo,     ANY,                 NEEDS_ARGS },
	{ VERB(HELO),      cmd_helo,     ANY,                 NEEDS_ARGS },
	{ VERB(MAIL),      cmd_mail,     AT_READY,            NEEDS_ARGS },
	{ VERB(RCPT),      cmd_rcpt,     AT_MAIL | AT_RCPT,   NEEDS_ARGS },
	{ VERB(DATA),      cmd_data,     AT_RCPT,             NO_ARGS | SYNC },
	{ VERB(BDAT),      cmd_bdat,     ANY,                 0 },
	{ VERB(RSET),      cmd_rset,     ANY,                 NO_ARGS },
	{ VERB(NOOP),      cmd_noop,     ANY,                 0 },
	{ VERB(QUIT),      cmd_quit,     ANY,                 NO_ARGS },
	{ VERB(VRFY),      cmd_vrfy,     ANY,                 NEEDS_ARGS },
	{ VERB(HELP),      cmd_help,     ANY,                 0 },
	{ VERB(STARTTLS),  cmd_starttls, AT_START | AT_READY, NO_ARGS | SYNC },
	{ VERB(XCLIENT),   cmd_xclient,  AT_START | AT_READY,
	    NEEDS_ARGS | HIDDEN },
	{ OTHER(EXPN),     cmd_not_here, ANY,                 HIDDEN },
	{ OTHER(ETRN),     cmd_not_here, ANY,                 HIDDEN },
	{ OTHER(TURN),     cmd_not_here, ANY,                 HIDDEN },
	{ OTHER(ATRN),     cmd_not_here, ANY,                 HIDDEN },
	{ OTHER(AUTH),     cmd_not_here, ANY,                 HIDDEN },
	{ OTHER(SEND),     cmd_not_here, ANY,                 HIDDEN },
	{ OTHER(SOML),     cmd_not_here, ANY,                 HIDDEN },
	{ OTHER(SAML),     cmd_not_here, ANY,                 HIDDEN },
	/* Web clients that were pointed at us: their next lines are an
	 * attacker's text, so the connection ends. */
	{ OTHER(GET),      cmd_not_smtp, ANY,                 HIDDEN },
	{ OTHER(POST),     cmd_not_smtp, ANY,                 HIDDEN },
	{ OTHER(PUT),      cmd_not_smtp, ANY,                 HIDDEN },
	{ OTHER(CONNECT),  cmd_not_smtp, ANY,                 HIDDEN },
	{ OTHER(OPTIONS),  cmd_not_smtp, ANY,                 HIDDEN },
};
#undef VERB
#undef OTHER

static const struct command *
command_find(struct span verb)
{
	size_t i;

	if (verb.len == 0)
		return NULL;
	for (i = 0; i < sizeof(commands) / sizeof(commands[0]); i++)
		if (((verb.p[0] ^ commands[i].verb[0]) & ~0x20) == 0 &&
		    span_is_nocase(verb, commands[i].verb))
			return &commands[i];
	return NULL;
}

enum stage
session_stage(const struct session *s)
{
	if (s->client.helo == NULL)
		return AT_START;
	if (s->mail == NULL)
		return AT_READY;
	if (s->mail->has_bdat)
		return AT_BDAT;
	return s->mail->envelope.nrcpts + s->mail->discarded > 0 ? AT_RCPT :
	    AT_MAIL;
}

/* What the client should have said first. */
static struct reply
out_of_order(const struct session *s, const struct command *c)
{
	switch (session_stage(s)) {
	case AT_START:
		return reply(503, "5.5.1", "Say EHLO or HELO before %s",
		    c->verb);
	case AT_READY:
		return reply(503, "5.5.1", "%s needs MAIL first", c->verb);
	case AT_MAIL:
		if (c->when & AT_RCPT)
			return reply(503, "5.5.1", "%s needs a recipient that "
			    "was accepted", c->verb);
		break;
	case AT_BDAT:
		return reply(503, "5.5.1", "A message by BDAT is under way: "
		    "BDAT or RSET, not %s", c->verb);
	default:
		break;
	}
	return reply(503, "5.5.1", "%s not while a mail is under way: RSET "
	    "first", c->verb);
}

static MAY_YIELD struct reply
unknown_command(struct session *s, struct span line)
{
	struct reply r;

	stats_add(STAT_COMMAND_ERRORS, 1);
	s->errors++;
	if (++s->unknown < s->conf->max_unknown_commands) {
		r = session_milters_unknown(s, line);
		return r.code != 0 || r.close ? r :
		    reply(500, "5.5.2", "Command not recognised");
	}
	s->ended_by = "unknown-commands";
	return reply_close(421, "4.7.0", "Too many unknown commands");
}

/* Replies to commands that are wrong, not to mail that is not wanted. */
static bool
is_error(int code)
{
	return (code >= 500 && code <= 504) || code == 530 || code == 553 ||
	    code == 555;
}

struct reply
command_sent_ahead(struct session *s)
{
	session_early_pipelining(s);
	s->ended_by = "early-pipelining";
	return reply_close(554, "5.5.0", "You sent more before the reply to "
	    "%s", s->where);
}

/* The client is told of its HELO name, and of the mail, in these. */
static void
note_time(struct session *s, const struct command *c, int64_t us)
{
	if (c->run == cmd_ehlo || c->run == cmd_helo) {
		stages_set(&s->stages, STAGE_HELO, us);
		session_count_stage(s, STAGE_HELO, us);
	} else if (c->run == cmd_mail && s->mail != NULL)
		stages_add(&s->mail->stages, STAGE_MAIL, us);
	else if (c->run == cmd_rcpt)
		stages_add(&s->mail->stages, STAGE_RCPT, us);
}

/* In its place: it runs. */
static MAY_YIELD struct reply
run(struct session *s, const struct command *c, struct span args)
{
	int64_t began = clock_now();
	struct reply r = c->run(s, args);

	note_time(s, c, clock_now() - began);
	return r;
}

MAY_YIELD struct reply
command_run(struct session *s, struct span line)
{
	struct span args = line;
	const struct command *c = command_find(span_word(&args));
	uint64_t before = s->errors;
	struct reply r;

	args = span_trim(args);
	s->commands++;
	stats_add(STAT_COMMANDS, 1);
	if (c == NULL)
		return unknown_command(s, line);
	s->where = c->verb;
	s->verb = c->counts_as;
	if (s->is_turned_away && c->run != cmd_quit)
		r = reply(503, "5.5.1", "You were turned away: only QUIT");
	else if (!(c->when & session_stage(s)))
		r = out_of_order(s, c);
	else if ((c->flags & NO_ARGS) && args.len > 0)
		r = reply(501, "5.5.4", "%s takes no argument", c->verb);
	else if ((c->flags & NEEDS_ARGS) && args.len == 0)
		r = reply(501, "5.5.4", "%s needs an argument", c->verb);
	else if ((c->flags & SYNC) && conn_unread(s->conn) > 0)
		r = command_sent_ahead(s);
	else
		r = run(s, c, args);
	/* RCPT has counted for itself what is refused and no bad command. */
	if (s->errors == before && is_error(r.code)) {
		s->errors++;
		stats_add(STAT_COMMAND_ERRORS, 1);
	}
	return r;
}

void
command_verbs(struct buf *out)
{
	size_t i;

	for (i = 0; i < sizeof(commands) / sizeof(commands[0]); i++)
		if (!(commands[i].flags & HIDDEN))
			buf_printf(out, "%s%s", out->len > 0 ? " " : "",
			    commands[i].verb);
}
