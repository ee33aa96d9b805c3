#ifndef TESTS_SMTP_SIDE_H
#define TESTS_SMTP_SIDE_H
#include <stdbool.h>
#include <stddef.h>
#include "base/buf.h"
#include "tests/kit/script.h"
/*
 * side -- one side of a dialogue, played from its script (README)
 *
 * A side is stepped from the main stack between turns of the loop; where it
 * waits for the gateway it is stepped again after the next turn.
 */
/* One side of a dialogue: a descriptor and a place in its script. */
struct side {
	struct word	*words;
	size_t		 n, at;
	unsigned	 line;		/* of the script */
	int		 fd;		/* -1: none (any more) */
	bool		 is_client;
	bool		 is_hanging;
	bool		 saw_end;
	struct buf	 in;		/* unread */
	struct buf	 got;		/* all that came */
	struct buf	 last;		/* the last reply or message */
	struct buf	 sent;		/* since the last expectation */
	bool		 ends_message;	/* the next 2yz is about a message */
};

/* What one performance has shown so far. */
struct judgement {
	bool		 is_fault_run;	/* some wait fails: answers may differ */
	bool		 is_lenient;	/* they may, and the script goes on */
	char		 problem[512];	/* the first one; "": none */
	unsigned	 taken;		/* messages that a backend confirmed */
	unsigned	 acknowledged;	/* and that the client was told so of */
	char		 five[4096];	/* what is said by 5yz in the clean run */
};
extern struct judgement judgement;
bool	judgement_is_strict(void);	/* all must be as the script says */

void	problem(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
/* Until it waits or is done; true if anything moved. */
bool	side_run(struct side *s);
void	side_close(struct side *s);
void	side_free(struct side *s);
#endif
