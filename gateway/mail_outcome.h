#ifndef GATEWAY_MAIL_OUTCOME_H
#define GATEWAY_MAIL_OUTCOME_H
#include "gateway/series_table.h"
/*
 * mail_outcome -- what became of a mail, in a word, and counting it
 *
 * Once it is over, and before its last reply leaves: what a client was told is
 * counted, whatever happens to us behind it.
 */
enum mail_outcome {
#define X(list, id, name) MAIL_##id,
	WORDS_OUTCOME(X)
#undef X
};

struct mail;

enum mail_outcome mail_outcome(const struct mail *m);
const char	*mail_outcome_name(enum mail_outcome outcome);
/* Once for each mail, at its end. */
void		 mail_count(struct mail *m);
#endif
