#ifndef MILTER_ANSWER_H
#define MILTER_ANSWER_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "base/arena.h"
#include "base/err.h"
#include "base/span.h"
#include "milter/option.h"
#include "milter/packet.h"
/*
 * answer -- what a filter says to a command, read and checked
 *
 *	do {
 *		packet_read(c, terms.chunk, deadline, &room, &p, &err);
 *		answer_read(a, &terms, SMFIC_BODYEOB, &p, &answer, &err);
 *		... keep an edit, set the deadline anew at PROGRESS
 *	} while (!answer_is_final(answer.kind));
 *
 * What is not legal at this command, or under the actions that were agreed on,
 * is an error, as is any text that could not stand in a mail or a reply: what
 * comes out can be used without looking again, but for the addresses, which
 * are valid but not yet checked against routes or backends.
 *
 * Edits come only at the end of the message and are not applied here. If the
 * final answer refuses or discards the mail, they are of no use.
 *
 * Memory    text is in the arena; only `body` lies in the packet
 * Errors    ERR_SYNTAX: what the filter sent, and in answer to which command.
 *           The dialogue with it cannot go on.
 * Limits    ANSWER_REPLY_LINES and ANSWER_REPLY_LINE are libmilter's own;
 *           ANSWER_ARGS_MAX is more than there are parameters. The number of
 *           edits is for the caller to limit.
 */
#define ANSWER_REPLY_LINES	32
#define ANSWER_REPLY_LINE	980
#define ANSWER_HEADER_LINE	998	/* RFC 5322 2.1.1 */
#define ANSWER_ARGS_MAX		32

enum answer_kind {
	/* these end the command */
	ANSWER_CONTINUE = 1,
	ANSWER_ACCEPT,		/* at connect and HELO: the whole session */
	ANSWER_REJECT,
	ANSWER_TEMPFAIL,
	ANSWER_DISCARD,
	ANSWER_REPLY,		/* code, enhanced, text */
	ANSWER_SKIP,		/* no more of the body */
	ANSWER_SHUTDOWN,	/* 421 to the client, and close */
	ANSWER_CONN_FAIL,	/* close the client's connection */
	/* after these more comes */
	ANSWER_PROGRESS,	/* the time begins anew */
	ANSWER_ADD_HEADER,	/* name, value: at the end */
	ANSWER_INSERT_HEADER,	/* index from 0, name, value */
	ANSWER_CHANGE_HEADER,	/* index from 1 of that name, name, value */
	ANSWER_DELETE_HEADER,	/* index from 1 of that name, name */
	ANSWER_CHANGE_SENDER,	/* address ("": null), args */
	ANSWER_ADD_RCPT,	/* address, args */
	ANSWER_DELETE_RCPT,	/* address */
	ANSWER_REPLACE_BODY,	/* body: one piece of the new one */
	ANSWER_QUARANTINE	/* text: the reason */
};

struct answer {
	enum answer_kind	 kind;
	int			 code;		/* 400-599 */
	char			 enhanced[12];	/* "5.7.1", of the same class;
						   or "" */
	struct span		 text;		/* lines with LF between them;
						   may hold other controls */
	uint32_t		 index;
	struct span		 name;
	struct span		 value;		/* all behind the colon, with
						   CRLF in folds, none at the
						   end */
	struct span		 address;	/* without < > */
	const struct span	*args;		/* "SIZE=1000" */
	size_t			 nargs;
	struct span		 body;		/* any octets; a CRLF may be
						   split over two pieces */
};

/* The answer to `command`, to which one is awaited (option_awaits()). */
int		 answer_read(struct arena *a, const struct terms *t,
		    char command, const struct packet *p, struct answer *out,
		    struct err *err);
bool		 answer_is_final(enum answer_kind kind);
bool		 answer_is_edit(enum answer_kind kind);
const char	*answer_name(enum answer_kind kind);	/* "add header" */
#endif
