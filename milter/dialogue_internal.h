#ifndef MILTER_DIALOGUE_INTERNAL_H
#define MILTER_DIALOGUE_INTERNAL_H
#include "base/buf.h"
#include "base/conn.h"
#include "milter/dialogue.h"
/*
 * dialogue_internal -- a step from its first octet to its verdict
 */
struct dialogue {
	const struct dialogue_conf *conf;
	struct conn	*conn;		/* NULL: over, see `why` */
	struct err	 why;
	struct terms	 terms;
	struct buf	 out;		/* the packets of this step */
	struct buf	 room;		/* the packet last read */
	struct answer	 client;	/* what holds; CONTINUE: nothing */
	struct answer	 mail;
	bool		 in_mail;	/* it has been told of one, and the
					   mail is not over for it */
	bool		 skips_body;
	int64_t		 message_end;	/* no later; 0: it has not begun */
	bool		 may_end;	/* here it knows "next client" */
};

/* 1: the step is to be said, its macros (if not NULL) are in d->out. 0: it is
 * not, the verdict is there. -1: it is all over. Macros of a step that the
 * filter does not want leave with the next one. */
MAY_YIELD int	dialogue_step(struct dialogue *d, char command,
		    const struct span *macros, struct answer *verdict,
		    struct err *err);
int64_t		dialogue_deadline(const struct dialogue *d, char command);
/* The filter has been silent, as it should, and is there. */
int		dialogue_is_quiet(struct dialogue *d, struct err *err);
/* Reads up to the final answer. `edits` is NULL but for the end. */
MAY_YIELD int	dialogue_answer(struct arena *a, struct dialogue *d,
		    char command, struct edits *edits, struct answer *verdict,
		    struct err *err);
/* Keeps what holds longer than this step; SKIP becomes CONTINUE. */
void		dialogue_hold(struct dialogue *d, char command,
		    struct answer *verdict);
/* Closes the connection and keeps the error, now with its place. */
int		dialogue_fail(struct dialogue *d, char command,
		    struct err *err);
#endif
