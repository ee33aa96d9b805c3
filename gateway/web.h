#ifndef GATEWAY_WEB_H
#define GATEWAY_WEB_H
#include "base/err.h"
#include "conf/settings.h"
#include "gateway/ruleset.h"
/*
 * web -- the process that shows over HTTP what all others do
 *
 * Forked by the supervisor with each configuration, as the workers are, with
 * the same identity; it sees no file and makes no connection, and reads what
 * the others have left in the memory that they share. No worker ever waits
 * for it, so that whoever asks, and however much, mail does not notice.
 *
 *	/metrics		numbers, for Prometheus
 *	/stats.json		the same and the state of all processes
 *	/transactions.json	the last mails, by what is asked for
 *	/healthz /readyz	200 or 503
 *	/ /page.css /page.js	the page for people
 *
 * `web_run` is its whole life and its return value its exit code.
 *
 * Limits    WEB_CLIENTS connections: for one more the oldest gives way, since
 *           who is still there then is slow; so slow clients shut nobody out.
 *           5 s for a request, 20 s for its answer. What is asked for by many
 *           is made once a second.
 * Trusts    nobody: not who asks, and not what workers have written.
 * Tested    tests/e2e/test_web*.py
 */
struct identity;

#define WEB_CLIENTS	32

struct web_start {
	const struct settings	*settings;
	const struct ruleset	*rules;
	const struct identity	*identity;
	const char		*token;		/* NULL: nobody needs one */
	int			 socket;	/* listens */
	int			 channel;	/* to the supervisor */
};

int	web_run(const struct web_start *start);
#endif
