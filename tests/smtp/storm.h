#ifndef TESTS_SMTP_STORM_H
#define TESTS_SMTP_STORM_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "base/arena.h"
#include "base/span.h"
/*
 * storm -- what the parts of a storm know of each other
 *
 * storm_servers.c plays the backends, SMTP and LMTP, and notes for whom they
 * have taken a message. storm_heard.c reads what the client is told, as a
 * client would, and holds each 2yz against that. storm_filters.c plays the
 * filters, which pass, refuse, edit and fail; storm_edits.c keeps what they
 * want, and holds what the backends get against that: an edition of a message
 * that was made has its number in a field of the header, and then all the
 * rest of it must have been made, or nothing.
 */
#define STORM_NAME	64	/* an address */
#define STORM_MESSAGES	2	/* "id 1", ... in the body; 0: another */

unsigned storm_any(unsigned below);	/* of the storm's own dice */
#define STORM_ANY_OF(list) \
	((list)[storm_any(sizeof(list) / sizeof((list)[0]))])

/* --- the backends --- */

void	 storm_servers_begin(void);
/* Of what has come since. False: nothing had. */
bool	 storm_servers_turn(void);
void	 storm_servers_end(void);
/* How often somebody has this message. */
unsigned storm_copies(struct span sender, struct span rcpt, unsigned message);
/* The most that anybody has of one; *who is told in words. */
unsigned storm_most_copies(const char **who);

/* --- the client --- */

/* Rules may discard any message. */
void	 storm_heard_begin(bool rules_discard);
/* Before it is sent: a command, maybe with a chunk behind it, or (message not
 * 0) the rest of a message and its dot. */
void	 storm_heard_say(const char *text, unsigned message);
/* Replies, as far as they have come. */
void	 storm_heard_read(void);
/* DATA was said, and has no answer. */
bool	 storm_heard_awaits_go_ahead(void);
/* DATA was answered 354, and the message is not said yet. */
bool	 storm_heard_awaits_message(void);
/* The message that was said and has no answer yet; 0: there is none, or it is
 * not known what was said. */
unsigned storm_heard_message(void);
/* It has no answer yet, whatever it is. */
bool	 storm_heard_is_waiting(void);
/* Of the mail at hand. */
const char *storm_heard_sender(void);
bool	 storm_heard_has_rcpt(const char *path);	/* told 2yz */
size_t	 storm_heard_named(struct span path);	/* how often */

/* --- filters --- */

/* As lines of a script. They are by_rules as those of rule_maker must be. */
const char *storm_filters_settings(struct arena *a, bool by_rules);
void	 storm_filters_begin(void);
/* The next connection to one of them: as fake_dial(). */
int	 storm_filters_dial(int fd);
bool	 storm_filters_turn(void);
int64_t	 storm_filters_due(void);	/* the next of them has something to
					   say then */
void	 storm_filters_end(void);
/* Somebody has said so, in this storm. */
bool	 storm_filters_discarded(void);

/* --- what they want --- */

#define STORM_CHANGES	2	/* of recipients, either way, an edition */
#define STORM_SERIALS	8	/* editions of a message */
#define STORM_FIELD	"X-Storm"

struct storm_edition {
	size_t		 filter;
	unsigned	 message;	/* storm_heard_message() */
	bool		 passes;	/* its verdict was that */
	char		 sender[STORM_NAME];	/* as it was told */
	bool		 has_sender;
	char		 added[STORM_CHANGES][STORM_NAME];
	size_t		 nadded;
	char		 deleted[STORM_CHANGES][STORM_NAME];
	size_t		 ndeleted;
	struct span	 body;		/* CRLF ends; p NULL: it stays */
	unsigned	 seen[STORM_SERIALS];	/* those made before */
	size_t		 nseen;
	/* Whom it was told of, a line each; p NULL: of nobody, it did not
	 * want to know. */
	struct span	 told;
};

struct storm_delivery {
	const char	*sender, (*rcpts)[STORM_NAME];
	size_t		 nrcpts;
	unsigned	 serials[STORM_SERIALS];
	size_t		 nserials;
	struct span	 body;
};

void	 storm_edits_begin(void);
/* Its number, from 1; 0: there are too many. */
unsigned storm_edits_add(const struct storm_edition *e);
struct storm_edition *storm_edits_at(unsigned serial);
/* What the body must be, with these made; p NULL: it is not known. */
struct span storm_edits_body(const unsigned *serials, size_t n);
/* What a backend has got. */
void	 storm_edits_check(const struct storm_delivery *d);
/* How many of them a filter had changed, of which all is known. */
unsigned storm_edits_checked(void);
/* The sender as the client said it. */
const char *storm_edits_sender(const char *sender);
/* A filter wanted that in the message, or (0) in any. */
bool	 storm_edits_has_deleted(const char *rcpt, unsigned message);
bool	 storm_edits_is_added(const char *rcpt);
/* The whole message that a client says, with its dot, and its body. */
const char *storm_message(unsigned id);
struct span storm_message_body(unsigned id);
#endif
