#ifndef GATEWAY_WEB_CREW_H
#define GATEWAY_WEB_CREW_H
#include <poll.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>
#include "base/buf.h"
#include "base/err.h"
#include "gateway/fleet.h"
/*
 * web_crew -- the supervisor's part of the HTTP server (web.h)
 *
 * Its socket is bound once and stays through all reloads that do not move it,
 * so that who asks is never refused; the process is made anew with each
 * configuration, and the one before finishes what it was asked. One that dies
 * is started again, later and later if it does so at once. Nothing waits for
 * it: neither a start nor a reload, and at the end it goes after the workers.
 *
 * A reload changes the socket and the token as sockets.h does: prepare, which
 * can fail, then commit or rollback.
 */
struct web_crew;

struct web_crew	*web_crew_create(void);
/* All its processes have ended. */
void		 web_crew_destroy(struct web_crew **w);

int		 web_crew_prepare(struct web_crew *w,
		    const struct settings *settings, struct err *err);
/* Between prepare and commit: another one, where it goes on to answer. */
bool		 web_crew_token_changes(const struct web_crew *w);
void		 web_crew_rollback(struct web_crew *w);
/* In the child, `let_go` closes what only the supervisor uses. */
void		 web_crew_commit(struct web_crew *w, struct fleet *fleet,
		    void (*let_go)(void *arg), void *arg);
/* In any child: closes and forgets what is the supervisor's. */
void		 web_crew_let_go(struct web_crew *w);

/* Starts what is missing, hears, and kills what hangs. */
void		 web_crew_turn(struct web_crew *w, int64_t now);
int64_t		 web_crew_restart_at(const struct web_crew *w);
size_t		 web_crew_poll(const struct web_crew *w, struct pollfd *fds);
/* True: it was one of these. */
bool		 web_crew_bury(struct web_crew *w, pid_t pid, int status);
void		 web_crew_reopen_log(const struct web_crew *w);
/* Again and again, until it is true: all have ended. */
bool		 web_crew_end(struct web_crew *w, int64_t now);
void		 web_crew_kill(struct web_crew *w);
bool		 web_crew_is_gone(const struct web_crew *w);

struct web_crew_state {
	const char	*address;	/* NULL: none */
	pid_t		 pid;		/* 0: not just now */
	int64_t		 started;
};
struct web_crew_state web_crew_state(const struct web_crew *w);
#endif
