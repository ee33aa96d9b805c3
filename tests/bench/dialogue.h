#ifndef TESTS_BENCH_DIALOGUE_H
#define TESTS_BENCH_DIALOGUE_H
#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "tests/bench/letter.h"
/*
 * dialogue -- many SMTP sessions at a time that bring letters
 *
 * Each session waits for each reply, checks its code, and begins a new
 * connection when one has ended, until what was asked for is done. Letters
 * are taken in turn.
 */
struct dialogue {
	struct sockaddr_in	 to;
	struct letters		 letters;
	unsigned		 sessions;	/* at a time */
	uint64_t		 messages;	/* in all */
	int64_t			 until;		/* net_now() after which none
						   begins; 0: by count */
	uint64_t		 kept;		/* messages over a connection;
						   0: no limit */
	unsigned		 recipients;
	bool			 pipelining;
	bool			 tls;		/* by STARTTLS */
};

struct series {			/* of times, us */
	size_t		 n, room;
	uint32_t	*v;
};

/* Times count from connect(), with kept connections from MAIL. */
struct outcome {
	uint64_t	done, failed, connections;
	struct series	rcpt;	/* to the reply to the last RCPT */
	struct series	dot;	/* to the reply to the message */
	struct series	whole;	/* to the reply to QUIT; kept: as dot */
};

/* What fails is counted, the first ones are told on stderr. */
void	dialogue_run(const struct dialogue *d, struct outcome *out);
#endif
