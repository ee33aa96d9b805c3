#ifndef TESTS_SMTP_SIDE_H
#define TESTS_SMTP_SIDE_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "base/buf.h"
#include "tests/kit/script.h"
/*
 * side -- one side of a dialogue, played from its script (README)
 *
 *	side.c		client and backend; what all have in common
 *	side_milter.c	filter
 *
 * A side is stepped from the main stack between turns of the loop; where it
 * waits for the gateway it is stepped again after the next turn.
 */
enum side_kind { SIDE_BACKEND, SIDE_CLIENT, SIDE_MILTER };

/* One side of a dialogue: a descriptor and a place in its script. */
struct side {
	struct word	*words;
	size_t		 n, at;
	unsigned	 line;		/* of the script */
	int		 fd;		/* -1: none (any more) */
	enum side_kind	 kind;
	bool		 is_hanging;
	bool		 saw_end;
	struct buf	 in;		/* unread */
	struct buf	 got;		/* all that came */
	struct buf	 last;		/* the last reply, message or command */
	struct buf	 sent;		/* since the last expectation */
	bool		 ends_message;	/* the next 2yz is about a message */
	/* a filter's */
	char		 command;	/* the last one; 0: none */
	struct buf	 macros;	/* with it, "\nNAME=VALUE\n" */
	uint32_t	 steps;		/* as it has agreed */
};

/* What one performance has shown so far. */
struct judgement {
	bool		 is_fault_run;	/* some wait fails: answers may differ */
	bool		 is_lenient;	/* they may, and the script goes on */
	bool		 may_reject;	/* a filter that fails, says the
					   administrator */
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

/* --- for side_milter.c --- */
/* One action; false when it waits for the gateway. */
bool	side_milter_step(struct side *s);
bool	side_milter_is_action(const struct word *w);
/* A refusal of which a filter's script, or its failure action, is the cause. */
bool	side_milter_may_say(struct span reply);
/* What all kinds have; 1: done, 0: it waits, -1: it is none of these. */
int	side_common_step(struct side *s, size_t nwords);
/* The words of the action that begins at s->at: from 1 to the next one. */
size_t	side_action_words(const struct side *s);
/* They are how s->last begins, with a space between them. */
bool	side_begins_so(const struct side *s, size_t first, size_t nwords);
void	side_send(struct side *s, struct span text, bool with_crlf);
/* An expectation was answered otherwise. While waits are made to fail that is
 * to be expected; the client then leaves as a real one would. */
void	side_disappointed(struct side *s, size_t nwords);
#endif
