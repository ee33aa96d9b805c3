#ifndef TESTS_KIT_RESOLVER_H
#define TESTS_KIT_RESOLVER_H
#include <stdbool.h>
#include <stdint.h>
#include "base/fiber.h"
#include "tests/kit/dnsd.h"
/*
 * resolver -- base/dns.c with a server of the test's own, and fibers that ask
 *
 * Each resolver_begin() makes a context and a server, so nothing is cached
 * before. The loop is there already.
 */
struct asking {			/* the argument of resolver_ask() */
	const char	*name;		/* its A records */
	int64_t		 patience;	/* us; 0: 20 s */
	int		 ret;
	bool		 done;
	char		 text[40];	/* outcome, reason or kind of error */
};

void		 resolver_begin(const char *zone);
void		 resolver_begin_with(const char *zone,
		    const char *trust_anchor);
void		 resolver_end(void);
struct dnsd	*resolver_server(void);
int64_t		 resolver_soon(void);	/* a deadline no test meets */

/* Fibers of the test, counted apart from those of the server. */
struct fiber	*resolver_start(void (*fn)(void *), void *arg);
void		 resolver_wait(void);		/* until all have ended */
void		 resolver_run(void (*fn)(void *), void *arg);	/* both */
MAY_YIELD void	 resolver_ask(void *asking);
#endif
