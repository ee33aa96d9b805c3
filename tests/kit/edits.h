#ifndef TESTS_KIT_EDITS_H
#define TESTS_KIT_EDITS_H
#include "base/arena.h"
#include "base/buf.h"
#include "milter/edit_header.h"
/*
 * edits -- what filters do to a mail, written as text; and a plain model of
 * what must come of it
 *
 *	add X-A: b		change 2 Subject: c	delete 1 Subject
 *	insert 0 X-A: b
 *
 * A line each. The text goes through answer_read() as a filter's packet, so
 * that "\n" in it (both octets) is a fold there.
 */
/* Asserts that the text is right. */
void	edits_read(struct arena *a, const char *text, bool leading_space,
	    struct edits *out);
/* The next of a filter's answers to the end of a message, out of octets of any
 * kind: an octet of length, the letter, the data. What is no answer is passed
 * over; a length of 0 or more than there is: no more come. */
bool	edits_take(struct arena *a, struct span *in, bool leading_space,
	    struct answer *out);
/* What came of one packet is put behind those before it. */
void	edits_append(struct arena *a, struct edits *edits,
	    const struct answer *answer);

/* The whole fields; `ours` stands for our block. */
void	edits_put(const struct header_list *h, struct span ours,
	    struct buf *out);

/* The model: a header as lines of text, in which `ours` is our block (one
 * that no edit and no other line can be), and one edit of it. Both texts are
 * whole lines. An edit of something else leaves it as it is. */
void	edits_model(const struct answer *edit, struct span ours,
	    struct span header, struct buf *out);
#endif
