#include <sys/signalfd.h>
#include <sys/stat.h>

#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/charset.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "gateway/exit_code.h"
#include "gateway/journal.h"
#include "gateway/notify.h"
#include "gateway/stats.h"
#include "gateway/supervisor.h"
#include "gateway/supervisor_internal.h"

#define TURN		(1 * CLOCK_S)	/* the longest sleep */
#define KILL_GRACE	(5 * CLOCK_S)	/* beyond stop_timeout */

void
supervisor_tell_state(const struct supervisor *s)
{
	static const enum proc_state states[] = {
		[SUPERVISOR_RUNNING] = PROC_RUNNING,
		[SUPERVISOR_DRAINING] = PROC_DRAINING,
		[SUPERVISOR_STOPPING] = PROC_STOPPING,
		[SUPERVISOR_OVER] = PROC_STOPPING,
	};
	const struct stats_proc who = {
		.pid = getpid(),
		.index = -1,
		.state = states[s->state],
		.started = s->started,
		.wall = clock_wall() - (clock_now() - s->started),
		.generation = s->fleet != NULL ? s->fleet->generation : 0,
	};

	stats_proc_set(STATS_SUPERVISOR, &who);
}

/* --- the end --- */

/* False: there is nothing but a start to abandon, and end() does. */
static bool
abandon_reload(struct supervisor *s)
{
	if (s->fleet == NULL) {
		s->state = SUPERVISOR_OVER;
		return false;
	}
	if (s->next != NULL)
		reload_fail(s, EXIT_RUNTIME, "the gateway is ending\n");
	return true;
}

void
supervisor_drain(struct supervisor *s)
{
	if (s->state != SUPERVISOR_RUNNING || !abandon_reload(s))
		return;
	s->state = SUPERVISOR_DRAINING;
	supervisor_tell_state(s);
	log_event(LOG_LABEL_INFO, "-", "draining sessions=%" PRId64,
	    stats_get(STAT_SESSIONS_OPEN));
	notify_stopping();
	crew_tell(s, proc_drain);
	sockets_close(s->sockets);
}

void
supervisor_stop(struct supervisor *s)
{
	if (s->state == SUPERVISOR_STOPPING) {
		log_event(LOG_LABEL_WARN, "-", "stopping at once");
		crew_tell(s, proc_kill);
		web_crew_kill(s->web);
		return;
	}
	if (!abandon_reload(s))
		return;
	s->state = SUPERVISOR_STOPPING;
	supervisor_tell_state(s);
	s->kill_at = clock_now() + s->fleet->settings->stop_timeout +
	    KILL_GRACE;
	log_event(LOG_LABEL_INFO, "-", "stopping sessions=%" PRId64,
	    stats_get(STAT_SESSIONS_OPEN));
	notify_stopping();
	crew_tell(s, proc_stop);
	sockets_close(s->sockets);
}

/* --- signals --- */

static void
tell_reopen(const struct supervisor *s)
{
	for (const struct proc *p = s->procs; p != NULL; p = p->next)
		proc_say(p, CHANNEL_REOPEN);
}

static void
reopen_log(struct supervisor *s)
{
	log_reopen();
	if (s->fleet == NULL)
		return;
	/* Made anew by root; the workers open it again as what they are. */
	identity_own_file(&s->fleet->identity,
	    log_file(s->fleet->settings->log));
	journal_prepare(s->fleet->settings, &s->fleet->identity);
	tell_reopen(s);
	web_crew_reopen_log(s->web);
}

static void
take_signals(struct supervisor *s)
{
	struct signalfd_siginfo info;

	while (read(s->signals, &info, sizeof(info)) == sizeof(info)) {
		switch (info.ssi_signo) {
		case SIGCHLD:
			crew_collect(s);
			break;
		case SIGHUP:
			reload_begin(s);
			break;
		case SIGUSR1:
			reopen_log(s);
			break;
		default:
			supervisor_stop(s);
		}
	}
}

static int
open_signals(struct err *err)
{
	sigset_t set;
	int fd;

	sigemptyset(&set);
	sigaddset(&set, SIGCHLD);
	sigaddset(&set, SIGHUP);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGUSR1);
	signal(SIGPIPE, SIG_IGN);
	signal(SIGXFSZ, SIG_IGN);	/* a limit is as a full disk */
	sigprocmask(SIG_BLOCK, &set, NULL);
	fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	if (fd < 0)
		return err_set(err, ERR_UNAVAIL, "signals: %s",
		    strerror(errno));
	return fd;
}

/* --- the loop --- */

static void
sooner(int64_t *when, int64_t other)
{
	if (other < *when)
		*when = other;
}

static int
sleep_ms(const struct supervisor *s, int64_t now)
{
	int64_t until = now + TURN;

	if (s->alive_at > 0)
		sooner(&until, s->alive_at);
	sooner(&until, web_crew_restart_at(s->web));
	sooner(&until, log_next_try());
	for (size_t i = 0; s->fleet != NULL && i < s->fleet->nslots; i++) {
		if (!s->fleet->slots[i].is_manned)
			sooner(&until, s->fleet->slots[i].restart_at);
	}
	return until <= now ? 0 : (int)((until - now) / CLOCK_MS) + 1;
}

static void
wait_for_events(const struct supervisor *s)
{
	struct pollfd fds[1 + CONTROL_POLLFDS + STATS_SLOTS];
	size_t n = 0;

	fds[n++] = (struct pollfd){ .fd = s->signals, .events = POLLIN };
	if (s->control != NULL)
		n += control_poll(s->control, fds + n);
	for (const struct proc *p = s->procs; p != NULL; p = p->next)
		fds[n++] = (struct pollfd){ .fd = p->channel,
		    .events = POLLIN };
	n += web_crew_poll(s->web, fds + n);
	(void)poll(fds, n, sleep_ms(s, clock_now()));
	clock_tick();
}

static void
keep_time(struct supervisor *s, int64_t now)
{
	for (struct proc *p = s->procs; p != NULL; p = p->next)
		proc_watch(p, now);
	if (s->state == SUPERVISOR_STOPPING && now >= s->kill_at) {
		log_event(LOG_LABEL_WARN, "-", "workers are killed: "
		    "stop_timeout is over");
		crew_tell(s, proc_kill);
		s->kill_at = CLOCK_NEVER;
	}
	if (s->alive_at > 0 && now >= s->alive_at) {
		notify_alive();
		s->alive_at = now + notify_watchdog() / 3;
	}
	if (s->fleet != NULL && journal_rotate(s->fleet->settings,
	    &s->fleet->identity))
		tell_reopen(s);
	reload_turn(s, now);
	crew_complete(s, now);
	web_crew_turn(s->web, now);
	supervisor_show(s, now);
}

static void
turn(struct supervisor *s)
{
	wait_for_events(s);
	crew_hear(s);
	take_signals(s);
	keep_time(s, clock_now());
	if (s->control != NULL)
		control_turn(s->control, clock_now(), admin_run, s);
	if (s->state != SUPERVISOR_RUNNING && s->procs == NULL &&
	    web_crew_end(s->web, clock_now()))
		s->state = SUPERVISOR_OVER;
	log_turn();
}

void
supervisor_summary(const struct supervisor *s, struct buf *out)
{
	buf_printf(out, "%zu workers, listening on ", s->fleet->nslots);
	sockets_text(s->sockets, out);
}

/* --- life --- */

static int
begin(struct supervisor *s, struct err *err)
{
	/* First: a passed socket that is not open would be taken for one of
	 * ours with its number. */
	s->sockets = sockets_create();
	if (notify_open(err) < 0 || stats_create(err) < 0)
		return -1;
	s->signals = open_signals(err);
	if (s->signals < 0)
		return -1;
	if (notify_watchdog() > 0)
		s->alive_at = clock_now();
	return 0;
}

static void
end(struct supervisor *s)
{
	crew_tell(s, proc_kill);
	web_crew_kill(s->web);
	while (s->procs != NULL || !web_crew_is_gone(s->web)) {
		(void)poll(NULL, 0, 10);
		crew_collect(s);
	}
	control_close(&s->control, true);
	if (s->fleet != NULL)
		log_event(LOG_LABEL_INFO, "-", "stopped");
	fleet_destroy(&s->fleet);
	fleet_destroy(&s->next);
	sockets_destroy(&s->sockets, true);
	crowd_destroy(&s->crowd);
	web_crew_destroy(&s->web);
	buf_free(&s->warnings);
	close(s->signals);
	notify_close();
	charset_close();
	log_close();
}

int
supervisor_run(const struct fleet_source *source)
{
	/* On the heap: the workers inherit it, and leak checkers look there. */
	struct supervisor *s = mem_zalloc(sizeof(*s), "supervisor");
	struct err err;
	int code;

	clock_tick();
	s->source = source;
	s->web = web_crew_create();
	s->started = clock_now();
	umask(027);
	if (begin(s, &err) < 0) {
		fprintf(stderr, "forepost: %s\n", err.text);
		sockets_destroy(&s->sockets, true);
		web_crew_destroy(&s->web);
		free(s);
		return EXIT_RUNTIME;
	}
	reload_begin(s);
	while (s->state != SUPERVISOR_OVER)
		turn(s);
	end(s);
	code = s->exit_code;
	free(s);
	return code;
}
