#include <sys/wait.h>

#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "gateway/channel.h"
#include "gateway/exit_code.h"
#include "gateway/journal.h"
#include "gateway/notify.h"
#include "gateway/stats.h"
#include "gateway/supervisor_internal.h"

/* --- workers begin --- */

void
crew_let_go(void *arg)
{
	struct supervisor *s = arg;

	close(s->signals);
	control_close(&s->control, false);
	notify_close();
	for (struct proc *p = s->procs; p != NULL; p = p->next) {
		if (p->channel >= 0)
			close(p->channel);
	}
	web_crew_let_go(s->web);
}

int
crew_spawn(struct supervisor *s, struct fleet *f, size_t index,
    struct err *err)
{
	struct proc *p = proc_spawn(f, index, &s->sockets, s->crowd,
	    crew_let_go, s, err);
	struct proc **last = &s->procs;

	if (p == NULL)
		return -1;
	while (*last != NULL)
		last = &(*last)->next;
	*last = p;
	return 0;
}

static void
man_slot(struct supervisor *s, size_t index)
{
	struct fleet_slot *slot = &s->fleet->slots[index];
	struct err err;
	int64_t delay;

	if (crew_spawn(s, s->fleet, index, &err) == 0)
		return;
	delay = fleet_worker_lost(slot, 0, clock_now());
	log_event(LOG_LABEL_ERROR, "-", "%s, next try in ms=%" PRId64,
	    err.text, delay / CLOCK_MS);
}

void
crew_complete(struct supervisor *s, int64_t now)
{
	if (s->state != SUPERVISOR_RUNNING || s->next != NULL ||
	    s->fleet == NULL)
		return;
	for (size_t i = 0; i < s->fleet->nslots; i++) {
		const struct fleet_slot *slot = &s->fleet->slots[i];

		if (!slot->is_manned && now >= slot->restart_at)
			man_slot(s, i);
	}
}

/* --- workers speak --- */

static void
hear_ready(struct supervisor *s, struct proc *p)
{
	proc_set_state(p, PROC_READY);
	if (p->fleet == s->next)
		reload_worker_ready(s);
	else			/* started again */
		proc_go(p);
}

/* It is in somebody's hands: who listened to it for ever would hear no other. */
static void
tell_off(struct proc *p)
{
	log_event(LOG_LABEL_ERROR, "-", "worker %zu says what no worker says, "
	    "it is killed pid=%d", p->index, p->pid);
	(void)kill(p->pid, SIGKILL);
	close(p->channel);
	p->channel = -1;
}

static void
hear(struct supervisor *s, struct proc *p)
{
	struct channel_message m;

	while ((m = channel_hear(p->channel)).kind > 0) {
		if (++p->words > CHANNEL_WORDS) {
			tell_off(p);
			return;
		}
		switch (m.kind) {
		case CHANNEL_READY:
			if (p->state == PROC_STARTING && p->fleet != NULL)
				hear_ready(s, p);
			break;
		case CHANNEL_SHUT:
			p->is_open = false;
			reload_worker_shut(s);
			break;
		case CHANNEL_FAILED:
			snprintf(p->failure, sizeof(p->failure), "%.*s",
			    SPAN_ARG(m.text));
			break;
		default:
			tell_off(p);
			return;
		}
	}
	if (m.kind == CHANNEL_CLOSED && p->channel >= 0) {
		close(p->channel);
		p->channel = -1;
	}
}

void
crew_hear(struct supervisor *s)
{
	for (struct proc *p = s->procs; p != NULL; p = p->next)
		hear(s, p);
}

void
crew_tell(struct supervisor *s, void (*what)(struct proc *))
{
	for (struct proc *p = s->procs; p != NULL; p = p->next)
		what(p);
}

/* --- workers end --- */

static void
tell_end(enum log_label label, const struct proc *p, int status,
    int64_t restart)
{
	int64_t lost = stats_get_slot(p->stats, STAT_SESSIONS_OPEN);
	char text[16];
	struct logline l;

	log_begin(&l, label, "-", "worker ended");
	log_int(&l, "worker", (int64_t)p->index);
	log_int(&l, "pid", p->pid);
	log_z(&l, "state", proc_state_name(p->state));
	if (WIFEXITED(status))
		log_int(&l, "exit", WEXITSTATUS(status));
	else
		log_z(&l, "signal", proc_signal(status, text));
	if (lost > 0)
		log_int(&l, "sessions-lost", lost);
	if (p->failure[0] != '\0')
		log_z(&l, "why", p->failure);
	if (restart >= 0)
		log_int(&l, "restart-ms", restart / CLOCK_MS);
	log_end(&l);
}

/* One of the workers that a reload waits for. */
static void
fail_reload(struct supervisor *s, const struct proc *p, int status)
{
	char text[320], name[16];
	const char *signal = proc_signal(status, name);

	if (p->failure[0] != '\0')
		snprintf(text, sizeof(text), "%s\n", p->failure);
	else if (signal != NULL)
		snprintf(text, sizeof(text),
		    "a new worker was ended by %s while it started\n", signal);
	else
		snprintf(text, sizeof(text), "a new worker ended with code %d "
		    "while it started\n", WEXITSTATUS(status));
	reload_fail(s, EXIT_RUNTIME, text);
}

static void
lose_worker(struct supervisor *s, struct proc *p, int status)
{
	int64_t delay = fleet_worker_lost(&s->fleet->slots[p->index],
	    clock_now() - p->started, clock_now());

	stats_add(STAT_WORKER_CRASHES, 1);
	tell_end(LOG_LABEL_ERROR, p, status, delay);
}

static void
bury(struct supervisor *s, struct proc *p, int status)
{
	struct fleet *fleet = p->fleet;
	const struct fleet *any = fleet != NULL ? fleet : s->fleet;

	hear(s, p);		/* its last words */
	log_rescue(stats_shelf(p->stats));
	if (any == NULL)
		return;		/* the start failed, and that was told */
	journal_rescue(p->journal, &any->identity, stats_ring(p->stats));
	if (fleet == NULL)
		tell_end(WIFEXITED(status) && WEXITSTATUS(status) == 0 ?
		    LOG_LABEL_INFO : LOG_LABEL_WARN, p, status, -1);
	else if (fleet == s->next)
		fail_reload(s, p, status);
	else
		lose_worker(s, p, status);
}

void
crew_collect(struct supervisor *s)
{
	struct proc **place, *p;
	int status;
	pid_t pid;

	while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
		if (web_crew_bury(s->web, pid, status))
			continue;
		place = &s->procs;
		while (*place != NULL && (*place)->pid != pid)
			place = &(*place)->next;
		p = *place;
		if (p == NULL)
			continue;	/* as init of a container */
		*place = p->next;
		bury(s, p, status);
		proc_free(p);
		reload_worker_shut(s);
	}
}
