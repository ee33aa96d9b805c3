#ifndef GATEWAY_OUTCOME_H
#define GATEWAY_OUTCOME_H
#include <stdbool.h>
#include <stddef.h>
#include "gateway/reply.h"
/*
 * outcome -- one reply to a message that several recipients had
 *
 *	struct outcome o = {0};
 *	outcome_add(&o, answer);		for each recipient
 *	r = outcome_reply(&o);
 *
 * If all took it, or all refused it for good, or all for now, that is the
 * reply, in the words of the first. Otherwise it is 451: whoever has the mail
 * must not be told that it failed, and whoever has not must not be told that
 * it did not. If one of them closes the connection, so does it.
 *
 * Memory    the answers are kept by pointer.
 */
struct outcome {
	size_t			 n, ok, temp, perm;
	bool			 closes;	/* one of them does */
	const struct reply	*first_ok, *first_temp, *first_perm;
};

void		 outcome_add(struct outcome *o, const struct reply *answer);
bool		 outcome_is_mixed(const struct outcome *o);
struct reply	 outcome_reply(const struct outcome *o);
/* To a client that was told each answer: whether there was a 2yz. */
struct reply	 outcome_last_word(const struct outcome *o);
#endif
