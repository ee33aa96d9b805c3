#ifndef TESTS_SMTP_STORM_FILTERS_H
#define TESTS_SMTP_STORM_FILTERS_H
#include "base/buf.h"
#include "tests/smtp/storm.h"
/*
 * storm_filters -- a connection to a filter of a storm; storm_filters.c hears,
 * storm_answers.c says something to it
 */
struct storm_filter {
	int		 fd;		/* -1: over */
	struct buf	 in, out;
	int64_t		 due;		/* when `out` is said */
	bool		 is_agreed, is_deaf, leaves;
	unsigned	 trouble;	/* one of so many answers; 0: none */
	uint32_t	 actions, steps;
	/* the dialogue */
	bool		 is_refused;	/* the recipient, by others */
	bool		 is_client_over, is_mail_over;
	bool		 may_end;	/* "next client" may come */
	char		 last;		/* command; 0: of none of a mail */
	/* the mail */
	struct storm_edition e;
	struct buf	 told, body;
	size_t		 told_before;
	bool		 has_skipped;
};

/* The place of a command of a mail; 0: it is none. */
int	storm_place(char command);
/* Into f->out. */
void	storm_filter_answer(struct storm_filter *f, char command);
/* One of them has said so. */
void	storm_filters_discard(void);
#endif
