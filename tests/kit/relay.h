#ifndef TESTS_KIT_RELAY_H
#define TESTS_KIT_RELAY_H
#include <stdbool.h>
#include <stddef.h>
#include "gateway/backend.h"
#include "tests/kit/mail_server.h"
/*
 * relay -- one backend under test, its servers, and mails given to it
 *
 *	static struct relay r;		too large for a stack
 *	relay_begin(&r, 2);		two servers, and settings for them
 *	r.conf.max_idle = 0;		as the test likes
 *	relay_start(&r);
 *	T_STR("it works", relay_try(&r, &(struct mailing){0}),
 *	    "rcpt 250, message 250 2.0.0 taken");
 *	relay_end(&r);
 *
 * Deadlines are long and probes are off unless the test says otherwise. The
 * log goes to a file of the test's own.
 */
#define RELAY_SERVERS	3

struct relay {
	struct settings		 settings;
	struct backend_conf	 conf;
	struct backend_url	 urls[RELAY_SERVERS];
	char			 url_text[RELAY_SERVERS][ADDR_TEXT];
	struct mail_server	 servers[RELAY_SERVERS];
	struct backends		*backends;
	char			 folder[64];
	char			 log_path[96];
};

/* A mail, and what became of it. Zeroed: one recipient, a short message. */
struct mailing {
	/* the mail */
	unsigned	 needs;		/* enum ability bits */
	enum body_type	 body;
	size_t		 nrcpts;	/* asked for; 0: 1 */
	bool		 no_message;	/* ends after RCPT */
	const char	*text;		/* message; NULL: a short one */
	size_t		 repeats;	/* of text; 0: 1 */
	size_t		 memory;	/* of the spool; 0: plenty */
	bool		 has_dots, no_crlf, is_binary;
	const char	*client;	/* address; NULL: 192.0.2.9 */
	int64_t		 hold;		/* us between RCPT and message */
	/* the outcome */
	bool		 done;
	struct fiber	*fiber;		/* until done */
	size_t		 accepted;
	size_t		 ok;		/* recipients that have it */
	char		 codes[64];	/* their answers to the message */
	bool		 prdr;		/* asks for them */
	struct err	 err;
	char		 where[128];
	char		 outcome[600];
	struct relay	*relay;
};

void	relay_begin(struct relay *r, size_t nservers);
/* All deadlines; may be changed between mails. */
void	relay_patience(struct relay *r, int64_t us);
void	relay_start(struct relay *r);
void	relay_end(struct relay *r);
/* Runs the mail to its end. The text says each answer; "failed" stands for an
 * error, with what our client is told. */
const char *relay_try(struct relay *r, struct mailing *m);
/* Begins it; the loop must turn until m->done. */
void	relay_spawn(struct relay *r, struct mailing *m);
void	relay_wait(struct mailing *m);
void	relay_sleep(int64_t us);	/* the loop turns meanwhile */
/* Turns until the condition of the macro holds. */
#define RELAY_UNTIL(condition) \
	do { loop_turn(true); } while (!(condition))
/* What was logged; good until the next call. */
const char *relay_log(struct relay *r);
size_t	relay_logged(struct relay *r, const char *text);	/* how often */
#endif
