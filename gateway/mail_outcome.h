#ifndef GATEWAY_MAIL_OUTCOME_H
#define GATEWAY_MAIL_OUTCOME_H
/*
 * mail_outcome -- what became of a mail, in a word, and counting it
 *
 * Once it is over, and before its last reply leaves: what a client was told is
 * counted, whatever happens to us behind it.
 */
#define MAIL_OUTCOMES(X) \
	X(ABORTED, "aborted")		/* it came to no message */ \
	X(REFUSED, "refused")		/* 5yz */ \
	X(DEFERRED, "deferred")		/* 4yz */ \
	X(MIXED, "mixed")		/* not the same for all recipients */ \
	X(DELIVERED, "delivered") \
	X(REMEMBERED, "remembered")	/* all of them had it already */ \
	X(QUARANTINED, "quarantined") \
	X(DISCARDED, "discarded")

enum mail_outcome {
#define X(id, name) MAIL_##id,
	MAIL_OUTCOMES(X)
#undef X
};

struct mail;

enum mail_outcome mail_outcome(const struct mail *m);
const char	*mail_outcome_name(enum mail_outcome outcome);
/* Once for each mail, at its end. */
void		 mail_count(struct mail *m);
#endif
