#ifndef MILTER_DIALOGUE_H
#define MILTER_DIALOGUE_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/uio.h>
#include "base/addr.h"
#include "base/arena.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/fiber.h"
#include "base/span.h"
#include "base/spool.h"
#include "milter/answer.h"
#include "milter/option.h"
/*
 * dialogue -- one client, told to one filter over one connection
 *
 *	dialogue_open(&conf, &d, &err);
 *	dialogue_connect(session_arena, d, macros, host, &client, &v, &err);
 *	dialogue_helo(session_arena, d, macros, name, &v, &err);
 *	dialogue_mail(mail_arena, d, macros, sender, args, n, &v, &err);
 *	... rcpt, data, header fields, end_of_header, body
 *	dialogue_end(mail_arena, d, macros, &edits, &v, &err);
 *	dialogue_quit(&d);
 *
 * Each step sends its macros, and its command if the filter wants it, waits for
 * an answer if there is one, and gives a verdict: a final answer, never SKIP.
 * CONTINUE and ACCEPT let pass; what was not sent or has no answer is CONTINUE.
 * Macros without their command wait for the next thing that is sent.
 *
 * Held      a verdict other than CONTINUE is given again by later steps, and
 *           nothing more is sent: from connect and HELO until the client
 *           goes; shutdown and connection failure too, whenever they come;
 *           from MAIL on until the next MAIL, or dialogue_abort(). A refusal
 *           at RCPT is that of one recipient, one of an unknown command that
 *           of one command; ACCEPT to that accepts the mail it stands in.
 * Order     is the caller's: the mail first, its header before its body. MAIL
 *           ends the mail before it. RSET, HELO, STARTTLS or a client who
 *           goes in a mail: dialogue_abort().
 * Time      each step has its own, for sending and for the answer; PROGRESS
 *           gives it anew, but most_time is the end of all; the message, from
 *           its first field on, is one step in that.
 * Yields    every step that sends
 * Memory    texts of verdicts and edits are in the arena given; what is held
 *           lies there too, so that connect and HELO take the session's. The
 *           conf must outlive the dialogue; dialogue_quit() frees it.
 * Errors    -1: the filter is of no use any more, "milter NAME: MAIL: what
 *           happened"; the connection is closed, and each later step gives the
 *           same error. An answer that nobody waited for is seen at the next
 *           step, or behind that to the end of the message: whose answers are
 *           whose is not known then. ERR_CONFIG at a header field: it is larger than a packet. A spool that cannot be written is none of the dialogue.
 * Limits    DIALOGUE_*; the octets of a new body by body_most
 */
#define DIALOGUE_EDITS		1000	/* in one mail: no filter does so much
					   to one, and each takes time */
#define DIALOGUE_EDIT_OCTETS	((size_t)1024 * 1024)	/* of all of them, but
					   for the body: one packet of the
					   largest size */
#define DIALOGUE_PROOF		CLOCK_S	/* a filter that has nothing to do
					   closes at once */
#define DIALOGUE_PROGRESS	4096	/* in one step: one a second for an
					   hour */

struct dialogue;

struct dialogue_conf {
	const char	*name;		/* of the filter, for messages */
	const char	*host;		/* to look up; NULL: addr is known */
	int		 port;
	struct addr	 addr;
	/* us */
	int64_t		 connect_time;	/* and to agree on options */
	int64_t		 command_time;
	int64_t		 body_time;	/* each packet of the body */
	int64_t		 end_time;	/* from the end of the message on */
	int64_t		 most_time;	/* a step, or the message, whatever its
					   progress */
	uint64_t	 body_most;	/* octets of a new body */
	const char	*spool_dir;	/* where that goes */
};

struct edit {
	struct answer	 answer;	/* answer_is_edit(), not the body */
	struct edit	*next;
};

/* In the order in which they came; none if the verdict is no pass. */
struct edits {
	struct edit	*first;
	size_t		 n;
	/* All pieces behind each other, as they came (line ends as well);
	 * NULL: the body stays. */
	struct spool	*body;
	/* The body could not be kept: our disk is full, or the like. Kind 0: it
	 * was. */
	struct err	 lost;
};

MAY_YIELD int	dialogue_open(const struct dialogue_conf *conf,
		    struct dialogue **d, struct err *err);
const struct terms *dialogue_terms(const struct dialogue *d);

/* `macros` is MACRO_COUNT values by enum macro; the texts are as command.h
 * has them. */
MAY_YIELD int	dialogue_connect(struct arena *a, struct dialogue *d,
		    const struct span *macros, struct span host,
		    const struct addr *client, struct answer *verdict,
		    struct err *err);
MAY_YIELD int	dialogue_helo(struct arena *a, struct dialogue *d,
		    const struct span *macros, struct span name,
		    struct answer *verdict, struct err *err);
MAY_YIELD int	dialogue_mail(struct arena *a, struct dialogue *d,
		    const struct span *macros, struct span address,
		    const struct span *args, size_t nargs,
		    struct answer *verdict, struct err *err);
MAY_YIELD int	dialogue_rcpt(struct arena *a, struct dialogue *d,
		    const struct span *macros, struct span address,
		    const struct span *args, size_t nargs,
		    struct answer *verdict, struct err *err);
MAY_YIELD int	dialogue_data(struct arena *a, struct dialogue *d,
		    const struct span *macros, struct answer *verdict,
		    struct err *err);
/* Between other commands, not in a message. */
MAY_YIELD int	dialogue_unknown(struct arena *a, struct dialogue *d,
		    const struct span *macros, struct span line,
		    struct answer *verdict, struct err *err);
MAY_YIELD int	dialogue_header(struct arena *a, struct dialogue *d,
		    struct span name, struct span value,
		    struct answer *verdict, struct err *err);
MAY_YIELD int	dialogue_end_of_header(struct arena *a, struct dialogue *d,
		    const struct span *macros, struct answer *verdict,
		    struct err *err);
/* The body, or a part of it, in packets of the size agreed on; without a copy.
 * Small parts make small packets. */
MAY_YIELD int	dialogue_body(struct arena *a, struct dialogue *d,
		    const struct iovec *runs, size_t n,
		    struct answer *verdict, struct err *err);
/* From `offset` of the spool to its end. */
MAY_YIELD int	dialogue_body_spool(struct arena *a, struct dialogue *d,
		    struct spool *spool, uint64_t offset,
		    struct answer *verdict, struct err *err);
MAY_YIELD int	dialogue_end(struct arena *a, struct dialogue *d,
		    const struct span *macros, struct edits *edits,
		    struct answer *verdict, struct err *err);

/* The mail is over for reasons of others. Nothing happens if there is none. */
MAY_YIELD void	dialogue_abort(struct dialogue *d);
/* The client goes, another may come: dialogue_connect() begins with him. True
 * only if the last thing said was the end of a message, and the verdict on it
 * CONTINUE. Otherwise, or if the filter cannot: dialogue_quit(). Not of one that
 * answers where it had agreed not to (option_answers_all()): whose answers are
 * whose is told by their order alone, so that each would be taken for that to
 * the command behind, the last one for that to the next client's mail. */
MAY_YIELD bool	dialogue_next(struct dialogue *d);
/* Says QUIT and waits, DIALOGUE_PROOF at most, until the filter closes. True:
 * nothing came behind its answer to the whole message, so it is none of those.
 * Then dialogue_quit(). */
MAY_YIELD bool	dialogue_prove(struct dialogue *d);
/* It has not failed, closed the connection, or said anything unasked: to be
 * looked at before one that has rested is used for the next client. */
bool		dialogue_is_usable(struct dialogue *d);
/* Says so if it still can, without waiting; frees it and nulls the pointer. */
MAY_YIELD void	dialogue_quit(struct dialogue **d);
#endif
