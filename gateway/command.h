#ifndef GATEWAY_COMMAND_H
#define GATEWAY_COMMAND_H
#include "base/fiber.h"
#include "base/span.h"
#include "gateway/reply.h"
#include "gateway/session.h"
/*
 * command -- one table: dispatch, order, arguments, synchronisation, HELP
 *
 * A handler runs from top to bottom and returns the one reply. It may be
 * asked only at the stages that its row names; the stage is computed from
 * what the session holds (session_stage), never stored.
 */
enum stage {
	AT_START	= 1 << 0,	/* no HELO or EHLO yet */
	AT_READY	= 1 << 1,	/* greeted, no mail under way */
	AT_MAIL		= 1 << 2,	/* MAIL was taken, no recipient yet */
	AT_RCPT		= 1 << 3,	/* at least one recipient was taken */
	AT_BDAT		= 1 << 4,	/* some BDAT chunk has come */
	ANY		= 0x1f
};

enum stage	session_stage(const struct session *s);

/* One command line: finds the row, checks order and arguments, runs it. */
MAY_YIELD struct reply command_run(struct session *s, struct span line);
/* To who has said more behind a command that must stand last: all of the table
 * that has to be so is looked at, but not what comes while it runs. */
struct reply	command_sent_ahead(struct session *s);
/* The verbs, for HELP. */
void		command_verbs(struct buf *out);

MAY_YIELD struct reply cmd_helo(struct session *s, struct span args);
MAY_YIELD struct reply cmd_ehlo(struct session *s, struct span args);
MAY_YIELD struct reply cmd_starttls(struct session *s, struct span args);
MAY_YIELD struct reply cmd_xclient(struct session *s, struct span args);
MAY_YIELD struct reply cmd_mail(struct session *s, struct span args);
MAY_YIELD struct reply cmd_rcpt(struct session *s, struct span args);
MAY_YIELD struct reply cmd_data(struct session *s, struct span args);
MAY_YIELD struct reply cmd_bdat(struct session *s, struct span args);
MAY_YIELD struct reply cmd_rset(struct session *s, struct span args);
MAY_YIELD struct reply cmd_noop(struct session *s, struct span args);
MAY_YIELD struct reply cmd_vrfy(struct session *s, struct span args);
MAY_YIELD struct reply cmd_help(struct session *s, struct span args);
MAY_YIELD struct reply cmd_quit(struct session *s, struct span args);
MAY_YIELD struct reply cmd_not_here(struct session *s, struct span args);
MAY_YIELD struct reply cmd_not_smtp(struct session *s, struct span args);
#endif
