#ifndef GATEWAY_SUPERVISOR_INTERNAL_H
#define GATEWAY_SUPERVISOR_INTERNAL_H
#include <stdbool.h>
#include <stdint.h>
#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/json_write.h"
#include "gateway/control.h"
#include "gateway/fleet.h"
#include "gateway/proc.h"
#include "gateway/sockets.h"
#include "gateway/web_crew.h"
/*
 * supervisor_internal -- what supervisor.c, crew.c, reload.c, admin.c and
 * supervisor_status.c share
 */
enum supervisor_state {
	SUPERVISOR_RUNNING,
	SUPERVISOR_DRAINING,	/* ends with the last session */
	SUPERVISOR_STOPPING,
	SUPERVISOR_OVER		/* nothing was started, or all has ended */
};

/* Control requests that wait for something. */
enum { TOPIC_RELOAD = 1, TOPIC_NEXT_RELOAD };

struct supervisor {
	const struct fleet_source *source;
	enum supervisor_state	 state;
	int			 exit_code;
	int			 signals;	/* signalfd */
	struct sockets		*sockets;
	struct crowd		*crowd;		/* of all workers, ever */
	struct control		*control;
	struct proc		*procs;
	struct web_crew		*web;		/* the HTTP server */
	struct fleet		*fleet;		/* NULL: not yet started */
	int64_t			 started;
	int64_t			 kill_at;	/* while stopping */
	int64_t			 alive_at;	/* next WATCHDOG=1 */

	/* reload.c */
	struct fleet		*next;		/* NULL: none under way */
	struct buf		 warnings;	/* of its configuration */
	int64_t			 ready_by;	/* all its workers, or else */
	int64_t			 shut_by;	/* those before; 0: no wait */
	struct span		 told;		/* then, to who asked for it */
	bool			 reload_again;	/* asked for meanwhile */
	struct {
		int64_t		 at;		/* 0: there was none */
		bool		 is_refused;
		char		 why[240];
	}			 last;

	/* supervisor_status.c */
	int64_t			 shown;		/* when it wrote its board */
	uint64_t		 dropped;	/* of its log, as counted */
};

/* --- crew.c: the workers, as they come and go --- */
/* In a new process: what is the supervisor's own is closed. */
void	crew_let_go(void *supervisor);
int	crew_spawn(struct supervisor *s, struct fleet *f, size_t index,
	    struct err *err);
void	crew_hear(struct supervisor *s);	/* what they say */
void	crew_collect(struct supervisor *s);	/* those that ended */
/* Starts those that are missing and whose time has come. While a reload goes
 * on nobody is: it brings new ones, or it fails and this goes on. */
void	crew_complete(struct supervisor *s, int64_t now);
void	crew_tell(struct supervisor *s, void (*what)(struct proc *));

/* --- supervisor.c --- */
void	supervisor_stop(struct supervisor *s);
void	supervisor_drain(struct supervisor *s);
/* To all who read the statistics. */
void	supervisor_tell_state(const struct supervisor *s);
/* "2 workers, listening on 0.0.0.0:25": what is told to systemd. */
void	supervisor_summary(const struct supervisor *s, struct buf *out);

/* --- reload.c --- */
bool	reload_goes_on(const struct supervisor *s);
void	reload_begin(struct supervisor *s);	/* or later, if one goes on */
void	reload_worker_ready(struct supervisor *s);
void	reload_worker_shut(struct supervisor *s);	/* or has ended */
/* Nothing has changed. `report` is lines, each with its line end. */
void	reload_fail(struct supervisor *s, int code, const char *report);
void	reload_turn(struct supervisor *s, int64_t now);

/* --- reload_tell.c: what is said of a reload --- */
/* To who asked for it, lines; `old` is about to go. */
void	reload_tell_done(const struct supervisor *s, const struct fleet *old,
	    const struct fleet *new, struct buf *out);
void	reload_tell_refused(const struct supervisor *s, struct buf *out);
/* Of the last one, for later; NULL: it took effect. */
void	reload_remember(struct supervisor *s, const char *refused);
void	reload_status(const struct supervisor *s, struct json_out *o);

/* --- supervisor_status.c --- */
/* Once a second, on the board of the supervisor: what it alone knows. */
void	supervisor_show(struct supervisor *s, int64_t now);
/* That and all workers, each with what is on its board. */
void	supervisor_status(const struct supervisor *s, struct buf *out);
/* Of the state, as people and programs are told. */
const char *supervisor_state_name(enum supervisor_state state);

/* --- admin.c --- */
void	admin_run(void *supervisor, struct control_client *client,
	    struct span request);
#endif
