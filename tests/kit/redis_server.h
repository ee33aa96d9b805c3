#ifndef TESTS_KIT_REDIS_SERVER_H
#define TESTS_KIT_REDIS_SERVER_H
#include <stdbool.h>
#include <sys/types.h>
/*
 * redis_server -- a real Redis, in a folder and on a port of the test's own
 *
 * The program is $FOREPOST_PEERS/redis (tests/e2e/peers.sh), or else the one
 * that is installed; a Redis that the machine may run is never touched. It
 * keeps its data (appendonly) in the folder, over a restart too, and dies with
 * the test.
 */
struct redis_server {
	char	folder[40];
	char	socket[60];
	int	port;			/* on 127.0.0.1 */
	pid_t	pid;			/* 0: it does not run */
};

/* False: there is no program; the test is to be skipped. */
bool	redis_server_is_there(void);
/* `options` is lines of redis.conf more, or NULL. It has answered a PING. */
void	redis_server_begin(struct redis_server *s, const char *options);
void	redis_server_end(struct redis_server *s);	/* the folder goes */

void	redis_server_kill(struct redis_server *s);	/* and waits for it */
void	redis_server_start(struct redis_server *s);	/* behind a kill */
/* Begun, but not waited for. */
void	redis_server_launch(struct redis_server *s);
void	redis_server_freeze(struct redis_server *s);	/* SIGSTOP */
void	redis_server_thaw(struct redis_server *s);
/* Says a command and waits for the answer, over a connection of its own and
 * blocking the process; in words, "%s" as redisCommand() has them. The answer
 * as text is good until the next call: "OK", "(nil)", "7", "-ERR ...". */
const char *redis_server_tell(struct redis_server *s, const char *format, ...);
#endif
