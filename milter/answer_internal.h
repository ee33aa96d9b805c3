#ifndef MILTER_ANSWER_INTERNAL_H
#define MILTER_ANSWER_INTERNAL_H
#include "milter/answer.h"
/*
 * answer_internal -- what the data of an answer means, by kind; for answer.c
 *
 * Each takes the whole data and fills in its part of the answer. The errors say
 * what is wrong with the data; answer.c says of which answer.
 */
typedef int answer_data(struct arena *a, const struct terms *t,
	    struct span data, struct answer *out, struct err *err);

answer_data	 answer_add_header, answer_insert_header,
		 answer_change_header;		/* answer_header.c */
answer_data	 answer_reply, answer_reason;	/* answer_reply.c */
answer_data	 answer_sender, answer_rcpt, answer_rcpt_args;
						/* answer_address.c */
#endif
