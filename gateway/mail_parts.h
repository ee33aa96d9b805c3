#ifndef GATEWAY_MAIL_PARTS_H
#define GATEWAY_MAIL_PARTS_H
#include <stdbool.h>
#include <stddef.h>
#include "gateway/backend.h"
#include "gateway/mail.h"
/*
 * mail_parts -- a mail's recipients, by the backend that they go to
 *
 * Each backend that a recipient needs is a part, with a transaction of its own,
 * open from its first recipient on. The message goes to all of them at once,
 * and each recipient has an answer then (struct mail_fate).
 *
 * Yields    for the backends' dialogues, within their timeouts.
 * Memory    all is in the mail's arena.
 */
struct mail_part {
	struct mail	*mail;
	int		 backend;	/* index in the configuration */
	struct backend_tx *tx;
	struct envelope	 envelope;	/* the mail's, with these recipients */
	size_t		*fates;		/* of each of them, in mail->fates */
	size_t		 room;
	struct err	 failure;	/* kind 0: none */
	/* The backend has taken somebody who is not among the recipients: the
	 * transaction is begun anew before the message. */
	bool		 has_stray;
	struct mail_part *next;
};

/* One of the recipients that were taken goes to another backend. */
bool		 mail_parts_have_others(const struct mail *m, int backend);
/* What the backend says to this recipient, ours if it fails (*failure says
 * why, kind 0: it did not). If it is a 2yz, mail_add_rcpt() follows. */
MAY_YIELD struct reply mail_part_ask(struct mail *m, int backend,
		    const struct rcpt *rcpt, struct err *failure);
/* One that was taken by the backend that was asked last: the fate's index. */
void		 mail_parts_add(struct mail *m, size_t fate,
		    const struct rcpt *rcpt, unsigned needs);
/* Another one than the client's, for what is begun from here on; with its
 * parameters. Kept by pointer. The backends are asked at once. -1: one of them
 * will not have it (ERR_SYNTAX: for good). */
MAY_YIELD int	 mail_parts_change_sender(struct mail *m,
		    const struct envelope *sender, struct err *err);
/* The one asked last has taken a recipient who is not taken after all: he gets
 * nothing. */
void		 mail_part_forget(struct mail *m);
/* The backends' connections go back for a while. */
void		 mail_parts_rest(struct mail *m);
/* To this backend instead, with all recipients that have no answer yet. -1:
 * it does not take one of them. */
MAY_YIELD int	 mail_parts_turn(struct mail *m, int backend,
		    struct err *err);
/* To all who have no answer yet; now they have one. */
MAY_YIELD void	 mail_parts_send(struct mail *m,
		    const struct backend_message *message);
/* Nothing will be sent: the connections are given back. */
void		 mail_parts_end(struct mail *m);
/* For the log: the backends, with a comma between them; "": none. */
void		 mail_parts_where(const struct mail *m, struct buf *out);
#endif
