#include <assert.h>

#include "milter/answer.h"
#include "milter/answer_internal.h"
#include "milter/command.h"

enum when {
	ANY,		/* any command with an answer */
	MAIL_ONLY,	/* not before there is a mail */
	BODY_ONLY,
	END_ONLY
};

static answer_data no_data, body_data;

static const struct row {
	char			 letter;
	enum answer_kind	 kind;
	const char		*name;
	enum when		 when;
	uint32_t		 action;	/* any of these must be agreed */
	answer_data		*read;
} rows[] = {
	{ SMFIR_CONTINUE, ANSWER_CONTINUE, "continue", ANY, 0, no_data },
	{ SMFIR_ACCEPT, ANSWER_ACCEPT, "accept", ANY, 0, no_data },
	{ SMFIR_REJECT, ANSWER_REJECT, "reject", ANY, 0, no_data },
	{ SMFIR_TEMPFAIL, ANSWER_TEMPFAIL, "tempfail", ANY, 0, no_data },
	{ SMFIR_DISCARD, ANSWER_DISCARD, "discard", MAIL_ONLY, 0, no_data },
	{ SMFIR_REPLYCODE, ANSWER_REPLY, "reply", ANY, 0, answer_reply },
	{ SMFIR_SKIP, ANSWER_SKIP, "skip", BODY_ONLY, 0, no_data },
	{ SMFIR_SHUTDOWN, ANSWER_SHUTDOWN, "shutdown", ANY, 0, no_data },
	{ SMFIR_CONN_FAIL, ANSWER_CONN_FAIL, "connection failure", ANY, 0,
	    no_data },
	{ SMFIR_PROGRESS, ANSWER_PROGRESS, "progress", ANY, 0, no_data },
	{ SMFIR_ADDHEADER, ANSWER_ADD_HEADER, "add header", END_ONLY,
	    SMFIF_ADDHDRS, answer_add_header },
	{ SMFIR_INSHEADER, ANSWER_INSERT_HEADER, "insert header", END_ONLY,
	    SMFIF_ADDHDRS, answer_insert_header },
	{ SMFIR_CHGHEADER, ANSWER_CHANGE_HEADER, "change header", END_ONLY,
	    SMFIF_CHGHDRS, answer_change_header },
	{ SMFIR_CHGFROM, ANSWER_CHANGE_SENDER, "change sender", END_ONLY,
	    SMFIF_CHGFROM, answer_sender },
	{ SMFIR_ADDRCPT, ANSWER_ADD_RCPT, "add recipient", END_ONLY,
	    SMFIF_ADDRCPT, answer_rcpt },
	{ SMFIR_ADDRCPT_PAR, ANSWER_ADD_RCPT, "add recipient with parameters",
	    END_ONLY, SMFIF_ADDRCPT_PAR, answer_rcpt_args },
	{ SMFIR_DELRCPT, ANSWER_DELETE_RCPT, "delete recipient", END_ONLY,
	    SMFIF_DELRCPT, answer_rcpt },
	{ SMFIR_REPLBODY, ANSWER_REPLACE_BODY, "replace body", END_ONLY,
	    SMFIF_CHGBODY, body_data },
	{ SMFIR_QUARANTINE, ANSWER_QUARANTINE, "quarantine", END_ONLY,
	    SMFIF_QUARANTINE, answer_reason },
};

bool
answer_is_final(enum answer_kind kind)
{
	return kind < ANSWER_PROGRESS;
}

bool
answer_is_edit(enum answer_kind kind)
{
	return kind > ANSWER_PROGRESS;
}

const char *
answer_name(enum answer_kind kind)
{
	if (kind == ANSWER_DELETE_HEADER)	/* a change to nothing */
		return "delete header";
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		if (rows[i].kind == kind)
			return rows[i].name;
	assert(!"a kind of answer");
	return "";
}

static int
no_data(struct arena *a, const struct terms *t, struct span data,
    struct answer *out, struct err *err)
{
	(void)a;
	(void)t;
	(void)out;
	if (data.len == 0)
		return 0;
	return err_set(err, ERR_SYNTAX, "%zu octets of data, where there is "
	    "none", data.len);
}

static int
body_data(struct arena *a, const struct terms *t, struct span data,
    struct answer *out, struct err *err)
{
	(void)a;
	(void)t;
	(void)err;
	out->body = data;
	return 0;
}

static bool
is_at(enum when when, char command)
{
	switch (when) {
	case ANY:
		return true;
	case MAIL_ONLY:
		return command != SMFIC_CONNECT && command != SMFIC_HELO &&
		    command != SMFIC_UNKNOWN;
	case BODY_ONLY:
		return command == SMFIC_BODY;
	case END_ONLY:
		return command == SMFIC_BODYEOB;
	}
	return false;
}

static int
check(const struct row *row, const struct terms *t, char command,
    struct err *err)
{
	const char *to = command_name(command);

	if (!is_at(row->when, command))
		return err_set(err, ERR_SYNTAX, "the filter answered \"%s\" "
		    "to %s, where it cannot be", row->name, to);
	if ((row->action != 0 && (t->actions & row->action) == 0) ||
	    (row->kind == ANSWER_SKIP && (t->steps & SMFIP_SKIP) == 0))
		return err_set(err, ERR_SYNTAX, "the filter answered \"%s\" "
		    "to %s without having asked for that when it was "
		    "connected", row->name, to);
	return 0;
}

int
answer_read(struct arena *a, const struct terms *t, char command,
    const struct packet *p, struct answer *out, struct err *err)
{
	const struct row *row = NULL;
	char letter[PACKET_LETTER];

	assert(option_awaits(t, command) && command != SMFIC_OPTNEG);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		if (rows[i].letter == p->command)
			row = &rows[i];
	if (row == NULL)
		return err_set(err, ERR_SYNTAX, "the filter answered %s to "
		    "%s, which is no answer", packet_letter(p->command,
		    letter), command_name(command));
	if (check(row, t, command, err) < 0)
		return -1;
	*out = (struct answer){ .kind = row->kind };
	if (row->read(a, t, p->data, out, err) < 0)
		return err_prefix(err, "the filter answered \"%s\" to %s",
		    row->name, command_name(command));
	return 0;
}
