#ifndef GATEWAY_PROC_H
#define GATEWAY_PROC_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>
#include "base/buf.h"
#include "base/err.h"
#include "gateway/channel.h"
#include "gateway/crowd.h"
#include "gateway/fleet.h"
#include "gateway/sockets.h"
/*
 * proc -- one worker process, as the supervisor sees it
 *
 *	PROC_STARTING	forked, has not said that it is ready
 *	PROC_READY	waits for the word to accept
 *	PROC_RUNNING	accepts
 *	PROC_DRAINING	told to finish its sessions
 *	PROC_STOPPING	told to leave soon, or killed
 */
enum proc_state { PROC_STARTING, PROC_READY, PROC_RUNNING, PROC_DRAINING,
    PROC_STOPPING };

struct proc {
	struct proc	*next;
	struct fleet	*fleet;		/* NULL: it has no place in one */
	size_t		 index;		/* of its slot in the fleet */
	pid_t		 pid;
	int		 channel;	/* -1: the worker closed it */
	int		 stats;		/* slot of the statistics */
	struct crowd	*crowd;		/* a share of it, of the same number */
	char		*journal;	/* its file; NULL: none */
	enum proc_state	 state;
	bool		 is_open;	/* told to accept, has not said that
					 * it shut */
	int64_t		 started;
	int64_t		 kill_at;	/* CLOCK_NEVER: need not */
	unsigned	 words;		/* that it has said */
	char		 failure[240];	/* why it could not start */
};

/* In the child, `let_go` closes what only the supervisor uses; then it is a
 * worker and does not return. NULL: err (no process, no descriptors, all
 * slots of the statistics taken). */
struct proc	*proc_spawn(struct fleet *fleet, size_t index,
		    struct sockets **sockets, struct crowd *crowd,
		    void (*let_go)(void *arg), void *arg, struct err *err);
void		 proc_set_state(struct proc *p, enum proc_state state);
/* After its end was collected: what it counted as open is gone with it. */
void		 proc_free(struct proc *p);
void		 proc_say(const struct proc *p, enum channel_kind word);
void		 proc_go(struct proc *p);
void		 proc_drain(struct proc *p);
void		 proc_stop(struct proc *p);
void		 proc_kill(struct proc *p);
const char	*proc_state_name(enum proc_state state);
/* "SIGKILL", of a status of wait(2); NULL: it ended by exit. */
const char	*proc_signal(int status, char out[16]);

#define PROC_SILENCE	(60 * CLOCK_S)	/* the loop has not turned */
#define PROC_LAST_WORD	(5 * CLOCK_S)	/* from SIGABRT to SIGKILL */
/* Kills what hangs; to be called about once a second. */
void		 proc_watch(struct proc *p, int64_t now);
#endif
