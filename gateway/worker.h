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
 * Forked by the supervisor with its listening sockets and TLS contexts (so
 * that a session ticket is good in every worker); makes its loop and resolver,
 * drops privileges, enters the sandbox, makes its backends, says that it is
 * ready and runs until told to leave. `worker_run` is its whole life and its
 * return value its exit code. It accepts from the supervisor's word on.
 *
 *	WORKER_RUNNING	accepts
 *	WORKER_DRAINING	(reload) accepts nothing new, sessions go on until
 *			they end or drain_timeout is over, then as STOPPING
 *	WORKER_STOPPING	(SIGTERM, or the supervisor is gone) idle clients are
 *			told 421, transactions finish; after stop_timeout they
 *			are cut
 */
struct backends;
struct court;
struct routes;
struct ruleset;
struct milters;
struct session;
struct stock;
struct event;
struct crowd;
struct journal;
struct transaction_plan;
struct identity;
struct socket_use;

enum worker_state { WORKER_RUNNING, WORKER_DRAINING, WORKER_STOPPING };

struct listener {		/* one listening socket in this worker */
	struct worker		*worker;
	const struct listener_conf *conf;
	struct tls_server	*tls;	/* NULL without certificates */
	int			 fd;
	bool			 is_passed;	/* by the service manager */
	struct event		*event;
};

struct worker {
	const struct settings	*settings;
	const struct ruleset	*rules;
	int			 slot;		/* of the statistics */
	enum worker_state	 state;
	struct listener		*listeners;
	size_t			 nlisteners;
	struct backends		*backends;
	struct routes		*routes;
	struct court		*court;		/* rules and checks */
	struct stock		*stock;		/* the store */
	struct milters		*milters;	/* the filters */
	struct journal		*journal;	/* NULL: none */
	struct transaction_plan	*transactions;	/* what is told of them */
	struct session		*sessions;	/* list, session.c's */
	size_t			 nsessions;
	uint64_t		 max_sessions;	/* limits_sessions() */
	bool			 is_stressed;	/* above stress_at */
	struct crowd		*crowd;		/* the supervisor's, of all */
	struct event		*rest;		/* accepting rests until then */
	int64_t			 rest_told;	/* when that was logged last */
};

struct worker_start {
	const struct settings	*settings;
	const struct ruleset	*rules;
	const struct identity	*identity;
	/* One for each of settings->listeners; NULL without certificates. */
	struct tls_server *const *tls;
	const struct socket_use	*sockets;
	size_t			 nsockets;
	int			 slot;		/* of the statistics */
	struct crowd		*crowd;		/* its share is in use */
	struct span		 journal_key;	/* random: see veil.h */
	int			 channel;	/* to the supervisor */
};

int	worker_run(const struct worker_start *start);
#endif
