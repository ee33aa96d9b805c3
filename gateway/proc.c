#include <sys/prctl.h>
#include <sys/wait.h>

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/log.h"
#include "base/mem.h"
#include "gateway/proc.h"
#include "gateway/series.h"
#include "gateway/stats.h"
#include "gateway/worker.h"

static __attribute__((noreturn)) void
be_worker(const struct proc *p, int channel, struct sockets **sockets)
{
	const struct fleet *f = p->fleet;
	struct worker_start start = {
		.settings = f->settings,
		.rules = f->rules,
		.identity = &f->identity,
		.tls = f->tls,
		.slot = p->stats,
		.crowd = p->crowd,
		.journal_key = f->journal_key,
		.channel = channel,
	};
	struct socket_use *list;
	char name[16];

	start.nsockets = sockets_of_worker(*sockets, f->settings, p->index,
	    f->nslots, &list);
	start.sockets = list;
	sockets_keep(sockets, list, start.nsockets);
	stats_use_slot(p->stats);
	log_keep(stats_shelf(STATS_MINE), f->settings->log_delay);
	stats_leave_others();
	series_use(f->series);
	crowd_use_share(p->crowd, (size_t)p->stats);
	snprintf(name, sizeof(name), "forepost-w%zu", p->index);
	(void)prctl(PR_SET_NAME, name, 0, 0, 0);
	exit(worker_run(&start));
}

static int
make_process(struct proc *p, struct sockets **sockets,
    void (*let_go)(void *), void *arg, struct err *err)
{
	int channel[2];

	if (channel_pair(channel, err) < 0)
		return -1;
	p->channel = channel[0];
	log_flush();		/* or the child would write it once more */
	p->pid = fork();
	if (p->pid == 0) {
		close(channel[0]);
		let_go(arg);
		be_worker(p, channel[1], sockets);
	}
	close(channel[1]);
	if (p->pid > 0)
		return 0;
	close(channel[0]);
	return err_set(err, ERR_UNAVAIL, "new worker: %s", strerror(errno));
}

static void
give_back(const struct proc *p)
{
	crowd_end_share(p->crowd, (size_t)p->stats);
	stats_slot_release(p->stats);
}

/* To all who read the statistics. */
static void
tell_who(const struct proc *p)
{
	const struct stats_proc who = {
		.pid = p->pid,
		.index = (int64_t)p->index,
		.state = p->state,
		.started = p->started,
		.wall = clock_wall(),
		.generation = p->fleet->generation,
	};

	stats_proc_set(p->stats, &who);
}

void
proc_set_state(struct proc *p, enum proc_state state)
{
	struct stats_proc who;

	p->state = state;
	(void)stats_proc_get(p->stats, &who);
	who.state = state;
	stats_proc_set(p->stats, &who);
}

/* A worker may outlive the configuration that it has. */
static char *
copy_of(const char *path)
{
	return path == NULL ? NULL :
	    strcpy(mem_alloc(strlen(path) + 1, "worker"), path);
}

struct proc *
proc_spawn(struct fleet *fleet, size_t index, struct sockets **sockets,
    struct crowd *crowd, void (*let_go)(void *), void *arg, struct err *err)
{
	struct proc *p = mem_zalloc(sizeof(*p), "worker");

	*p = (struct proc){ .fleet = fleet, .index = index,
	    .started = clock_now(), .kill_at = CLOCK_NEVER,
	    .stats = stats_slot_take(), .crowd = crowd };
	if (p->stats < 0) {
		err_set(err, ERR_UNAVAIL, "new worker: %d workers are alive, "
		    "old ones included", STATS_SLOTS);
		free(p);
		return NULL;
	}
	crowd_begin_share(crowd, (size_t)p->stats);
	/* What the last one there did not pass on had no journal to go to. */
	ring_pass_all(stats_ring(p->stats));
	p->journal = copy_of(fleet->settings->journal_file);
	if (make_process(p, sockets, let_go, arg, err) < 0) {
		give_back(p);
		free(p->journal);
		free(p);
		return NULL;
	}
	tell_who(p);
	stats_add(STAT_WORKER_STARTS, 1);
	fleet->slots[index].is_manned = true;
	return p;
}

void
proc_free(struct proc *p)
{
	give_back(p);
	if (p->channel >= 0)
		close(p->channel);
	free(p->journal);
	free(p);
}

void
proc_say(const struct proc *p, enum channel_kind word)
{
	channel_say(p->channel, word, span_z(""));
}

void
proc_go(struct proc *p)
{
	proc_set_state(p, PROC_RUNNING);
	p->is_open = true;
	proc_say(p, CHANNEL_GO);
}

void
proc_drain(struct proc *p)
{
	p->fleet = NULL;
	if (p->state >= PROC_DRAINING)
		return;
	proc_set_state(p, PROC_DRAINING);
	proc_say(p, CHANNEL_DRAIN);
}

void
proc_stop(struct proc *p)
{
	p->fleet = NULL;
	if (p->state == PROC_STOPPING)
		return;
	proc_set_state(p, PROC_STOPPING);
	proc_say(p, CHANNEL_STOP);
}

void
proc_kill(struct proc *p)
{
	p->fleet = NULL;
	proc_set_state(p, PROC_STOPPING);
	(void)kill(p->pid, SIGKILL);
}

const char *
proc_state_name(enum proc_state state)
{
	static const char *const names[] = { "starting", "ready", "running",
	    "draining", "stopping" };

	return names[state];
}

const char *
proc_signal(int status, char out[16])
{
	const char *name;

	if (!WIFSIGNALED(status))
		return NULL;
	name = sigabbrev_np(WTERMSIG(status));
	if (name != NULL)
		snprintf(out, 16, "SIG%s", name);
	else
		snprintf(out, 16, "%d", WTERMSIG(status));
	return out;
}

void
proc_watch(struct proc *p, int64_t now)
{
	if (now >= p->kill_at) {
		log_event(LOG_LABEL_ERROR, "-", "worker %zu is killed: it "
		    "does not leave pid=%d", p->index, p->pid);
		(void)kill(p->pid, SIGKILL);
		p->kill_at = CLOCK_NEVER;
	} else if (p->kill_at == CLOCK_NEVER &&
	    now - stats_last_beat(p->stats) > PROC_SILENCE) {
		log_event(LOG_LABEL_ERROR, "-", "worker %zu hangs: its loop "
		    "has not turned for %d s, it is aborted pid=%d", p->index,
		    (int)(PROC_SILENCE / CLOCK_S), p->pid);
		(void)kill(p->pid, SIGABRT);
		p->kill_at = now + PROC_LAST_WORD;
	}
}
