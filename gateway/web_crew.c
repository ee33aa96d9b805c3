#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <openssl/crypto.h>

#include "base/arena.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "gateway/bind.h"
#include "gateway/channel.h"
#include "gateway/proc.h"
#include "gateway/secret.h"
#include "gateway/series.h"
#include "gateway/stats.h"
#include "gateway/web.h"
#include "gateway/web_crew.h"

#define QUEUE		128		/* of the kernel, who ask */
#define END_GRACE	(5 * CLOCK_S)	/* then it is killed */

struct web_proc {
	struct web_proc	*next;
	pid_t		 pid;
	int		 channel;	/* -1: closed */
	int		 slot;		/* of the statistics */
	int64_t		 started;
	bool		 is_leaving;
	int64_t		 kill_at;	/* CLOCK_NEVER: need not */
	unsigned	 words;		/* that it has said */
	char		 failure[240];	/* why it could not start */
};

struct web_crew {
	int		 socket, prepared;	/* -1: none */
	bool		 stays;		/* the socket, with this reload */
	char		 address[ADDR_TEXT], prepared_address[ADDR_TEXT];
	struct addr	 bound, prepared_bound;
	/* "": nobody needs one. Kept, so that a process that is made anew has
	 * what this configuration began with, whatever is in the file now. */
	char		 token[SECRET_MAX + 1], prepared_token[SECRET_MAX + 1];
	struct fleet	*fleet;		/* NULL: none yet, or at the end */
	struct fleet_slot slot;
	struct web_proc	*procs;		/* the newest is the first */
	void		 (*let_go)(void *arg);
	void		*arg;
};

struct web_crew *
web_crew_create(void)
{
	struct web_crew *w = mem_zalloc(sizeof(*w), "statistics process");

	w->socket = w->prepared = -1;
	return w;
}

static void
close_socket(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

void
web_crew_destroy(struct web_crew **w)
{
	close_socket(&(*w)->socket);
	close_socket(&(*w)->prepared);
	free(*w);
	*w = NULL;
}

/* --- the socket --- */

/* Ours stands in the way of a plain bind: 127.0.0.1:9925 of 0.0.0.0:9925. */
static bool
has_port_of(const struct web_crew *w, const struct addr *a)
{
	return w->socket >= 0 &&
	    w->bound.u.sa.sa_family == a->u.sa.sa_family &&
	    addr_port(&w->bound) == addr_port(a);
}

/* What is forked from here has nothing of it in memory that was let go. */
static int
read_token(struct web_crew *w, const struct settings *settings,
    struct err *err)
{
	const char *path = settings->stats_token_file, *token;
	struct arena *a;

	OPENSSL_cleanse(w->prepared_token, sizeof(w->prepared_token));
	if (path == NULL || settings->stats_address.text == NULL)
		return 0;
	a = arena_create("token");
	token = secret_token(a, path, err);
	if (token != NULL)
		secret_move(w->prepared_token, (char *)token);
	arena_destroy(&a);
	return token != NULL ? 0 : -1;
}

int
web_crew_prepare(struct web_crew *w, const struct settings *settings,
    struct err *err)
{
	const struct address_conf *at = &settings->stats_address;

	if (read_token(w, settings, err) < 0)
		return -1;
	snprintf(w->prepared_address, sizeof(w->prepared_address), "%s",
	    at->text != NULL ? at->text : "");
	w->stays = w->socket >= 0 &&
	    strcmp(w->address, w->prepared_address) == 0;
	if (at->text == NULL || w->stays)
		return 0;
	w->prepared_bound = at->addr;
	if (bind_tcp(&at->addr, !has_port_of(w, &at->addr), &w->prepared,
	    err) < 0)
		return err_prefix(err, "stats");
	if (listen(w->prepared, QUEUE) == 0)
		return 0;
	err_set(err, ERR_UNAVAIL, "stats: cannot listen on %s: %s", at->text,
	    strerror(errno));
	close_socket(&w->prepared);
	return -1;
}

bool
web_crew_token_changes(const struct web_crew *w)
{
	return w->address[0] != '\0' && w->prepared_address[0] != '\0' &&
	    CRYPTO_memcmp(w->token, w->prepared_token, sizeof(w->token)) != 0;
}

void
web_crew_rollback(struct web_crew *w)
{
	close_socket(&w->prepared);
	OPENSSL_cleanse(w->prepared_token, sizeof(w->prepared_token));
}

static void
take_socket(struct web_crew *w)
{
	if (w->stays)
		return;
	/* The process before has it too, and may yet be serving. */
	if (w->socket >= 0)
		(void)shutdown(w->socket, SHUT_RDWR);
	close_socket(&w->socket);
	w->socket = w->prepared;
	w->bound = w->prepared_bound;
	w->prepared = -1;
	snprintf(w->address, sizeof(w->address), "%s", w->prepared_address);
}

/* --- the process --- */

void
web_crew_let_go(struct web_crew *w)
{
	close_socket(&w->socket);
	close_socket(&w->prepared);
	OPENSSL_cleanse(w->token, sizeof(w->token));
	OPENSSL_cleanse(w->prepared_token, sizeof(w->prepared_token));
	for (struct web_proc *p = w->procs; p != NULL; p = p->next)
		close_socket(&p->channel);
}

static __attribute__((noreturn)) void
be_server(struct web_crew *w, const char *token, int listening, int slot,
    int channel)
{
	struct fleet *f = w->fleet;
	struct web_start start = {
		.settings = f->settings,
		.rules = f->rules,
		.identity = &f->identity,
		.token = token[0] != '\0' ? token : NULL,
		.socket = listening,
		.channel = channel,
	};

	/* It needs no key, and has none that it could give away. */
	for (size_t i = 0; i < f->settings->nlisteners; i++)
		tls_server_destroy(&f->tls[i]);
	stats_use_slot(slot);
	stats_only_read_others();
	series_use(f->series);
	(void)prctl(PR_SET_NAME, "forepost-stats", 0, 0, 0);
	exit(web_run(&start));
}

static void
tell_who(const struct web_proc *p, const struct fleet *f,
    enum proc_state state)
{
	const struct stats_proc who = {
		.pid = p->pid,
		.index = -1,
		.state = state,
		.started = p->started,
		.wall = clock_wall(),
		.generation = f->generation,
	};

	stats_proc_set(p->slot, &who);
}

static int
spawn(struct web_crew *w, struct web_proc *p, struct err *err)
{
	int channel[2], listening = w->socket;
	char token[sizeof(w->token)];

	if (channel_pair(channel, err) < 0)
		return -1;
	log_flush();		/* or the child would write it once more */
	p->pid = fork();
	if (p->pid == 0) {
		close(channel[0]);
		w->socket = -1;		/* these are the child's to keep */
		memcpy(token, w->token, sizeof(token));
		w->let_go(w->arg);
		be_server(w, token, listening, p->slot, channel[1]);
	}
	close(channel[1]);
	p->channel = channel[0];
	if (p->pid > 0)
		return 0;
	close(channel[0]);
	return err_set(err, ERR_UNAVAIL, "%s", strerror(errno));
}

static void
start(struct web_crew *w)
{
	struct web_proc *p = mem_zalloc(sizeof(*p), "statistics process");
	struct err err;

	p->started = clock_now();
	p->kill_at = CLOCK_NEVER;
	p->slot = stats_slot_take();
	if (p->slot < 0)
		err_set(&err, ERR_UNAVAIL, "%d processes are alive, old ones "
		    "included", STATS_SLOTS);
	if (p->slot >= 0 && spawn(w, p, &err) == 0) {
		tell_who(p, w->fleet, PROC_RUNNING);
		p->next = w->procs;
		w->procs = p;
		w->slot.is_manned = true;
		return;
	}
	if (p->slot >= 0)
		stats_slot_release(p->slot);
	free(p);
	(void)fleet_worker_lost(&w->slot, 0, clock_now());
	log_event(LOG_LABEL_WARN, "-", "new statistics process: %s",
	    err.text);
}

static void
dismiss(struct web_crew *w, int64_t now)
{
	for (struct web_proc *p = w->procs; p != NULL; p = p->next) {
		if (p->is_leaving)
			continue;
		p->is_leaving = true;
		p->kill_at = now + END_GRACE;
		channel_say(p->channel, CHANNEL_STOP, span_z(""));
	}
}

void
web_crew_commit(struct web_crew *w, struct fleet *fleet,
    void (*let_go)(void *arg), void *arg)
{
	take_socket(w);
	OPENSSL_cleanse(w->token, sizeof(w->token));
	secret_move(w->token, w->prepared_token);
	dismiss(w, clock_now());
	w->fleet = fleet;
	w->let_go = let_go;
	w->arg = arg;
	w->slot = (struct fleet_slot){0};
	if (w->socket >= 0)
		start(w);
}

/* --- as time goes on --- */

static void
hear(struct web_proc *p)
{
	struct channel_message m;

	while (p->channel >= 0 &&
	    (m = channel_hear(p->channel)).kind != CHANNEL_NONE) {
		if (m.kind == CHANNEL_FAILED)
			snprintf(p->failure, sizeof(p->failure), "%.*s",
			    SPAN_ARG(m.text));
		else if (m.kind == CHANNEL_CLOSED)
			close_socket(&p->channel);
		if (++p->words > CHANNEL_WORDS) {
			close_socket(&p->channel);
			p->kill_at = 0;
		}
	}
}

static void
watch(struct web_proc *p, int64_t now)
{
	if (p->kill_at == CLOCK_NEVER &&
	    now - stats_last_beat(p->slot) > PROC_SILENCE) {
		log_event(LOG_LABEL_ERROR, "-", "the statistics process hangs, "
		    "it is killed pid=%d", p->pid);
		p->kill_at = now;
	}
	if (now >= p->kill_at) {
		(void)kill(p->pid, SIGKILL);
		p->kill_at = now + END_GRACE;
	}
}

void
web_crew_turn(struct web_crew *w, int64_t now)
{
	for (struct web_proc *p = w->procs; p != NULL; p = p->next) {
		hear(p);
		watch(p, now);
	}
	if (now >= web_crew_restart_at(w))
		start(w);
}

int64_t
web_crew_restart_at(const struct web_crew *w)
{
	return w->fleet == NULL || w->socket < 0 || w->slot.is_manned ?
	    CLOCK_NEVER : w->slot.restart_at;
}

size_t
web_crew_poll(const struct web_crew *w, struct pollfd *fds)
{
	size_t n = 0;

	for (const struct web_proc *p = w->procs; p != NULL; p = p->next)
		fds[n++] = (struct pollfd){ .fd = p->channel,
		    .events = POLLIN };
	return n;
}

void
web_crew_reopen_log(const struct web_crew *w)
{
	for (const struct web_proc *p = w->procs; p != NULL; p = p->next)
		channel_say(p->channel, CHANNEL_REOPEN, span_z(""));
}

/* --- it ends --- */

static void
tell_end(const struct web_proc *p, int status, int64_t restart)
{
	struct logline l;
	char text[16];

	log_begin(&l, restart >= 0 ? LOG_LABEL_WARN : LOG_LABEL_INFO, "-",
	    "statistics process ended");
	log_int(&l, "pid", p->pid);
	if (WIFEXITED(status))
		log_int(&l, "exit", WEXITSTATUS(status));
	else
		log_z(&l, "signal", proc_signal(status, text));
	if (p->failure[0] != '\0')
		log_z(&l, "why", p->failure);
	if (restart >= 0)
		log_int(&l, "restart-ms", restart / CLOCK_MS);
	log_end(&l);
}

bool
web_crew_bury(struct web_crew *w, pid_t pid, int status)
{
	struct web_proc **place = &w->procs, *p;
	int64_t restart = -1;

	while (*place != NULL && (*place)->pid != pid)
		place = &(*place)->next;
	p = *place;
	if (p == NULL)
		return false;
	*place = p->next;
	hear(p);		/* its last words */
	if (!p->is_leaving)
		restart = fleet_worker_lost(&w->slot,
		    clock_now() - p->started, clock_now());
	if (restart >= 0 || status != 0)
		tell_end(p, status, restart);
	stats_slot_release(p->slot);
	close_socket(&p->channel);
	free(p);
	return true;
}

bool
web_crew_end(struct web_crew *w, int64_t now)
{
	w->fleet = NULL;
	dismiss(w, now);
	return w->procs == NULL;
}

void
web_crew_kill(struct web_crew *w)
{
	w->fleet = NULL;
	for (struct web_proc *p = w->procs; p != NULL; p = p->next) {
		p->is_leaving = true;
		(void)kill(p->pid, SIGKILL);
	}
}

bool
web_crew_is_gone(const struct web_crew *w)
{
	return w->procs == NULL;
}

struct web_crew_state
web_crew_state(const struct web_crew *w)
{
	struct web_crew_state state = {0};

	if (w->socket < 0)
		return state;
	state.address = w->address;
	if (w->slot.is_manned && w->procs != NULL) {
		state.pid = w->procs->pid;
		state.started = w->procs->started;
	}
	return state;
}
