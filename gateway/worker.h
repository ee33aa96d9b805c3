#ifndef GATEWAY_WORKER_H
#define GATEWAY_WORKER_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "base/err.h"
#include "base/tls.h"
#include "conf/settings.h"
/*
 * worker -- one process that serves sessions
 *
 * Forked by the supervisor with its listening sockets open; drops privileges,
 * makes its loop, resolver, TLS contexts and backends, and runs until told to
 * leave. `worker_run` is its whole life and its return value its exit code.
 *
 *	WORKER_RUNNING	accepts
 *	WORKER_DRAINING	(reload) accepts nothing new, sessions go on until
 *			they end or drain_timeout is over, then as STOPPING
 *	WORKER_STOPPING	(SIGTERM) idle clients are told 421, transactions
 *			finish; after stop_timeout they are cut
 */
struct backends;
struct routes;
struct session;
struct event;

enum worker_state { WORKER_RUNNING, WORKER_DRAINING, WORKER_STOPPING };

struct listener {		/* one listening socket in this worker */
	struct worker		*worker;
	const struct listener_conf *conf;
	struct tls_server	*tls;	/* NULL without certificates */
	int			 fd;
	struct event		*event;
};

struct worker {
	const struct settings	*settings;
	int			 slot;		/* of the statistics */
	enum worker_state	 state;
	struct listener		*listeners;
	size_t			 nlisteners;
	struct backends		*backends;
	struct routes		*routes;
	struct session		*sessions;	/* list, session.c's */
	size_t			 nsessions;
	bool			 is_stressed;	/* above stress_at */
};
#endif
