#include <sys/resource.h>

#include <signal.h>
#include <string.h>
#include <unistd.h>

#include <event2/event.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/loop.h"
#include "gateway/channel.h"
#include "gateway/exit_code.h"
#include "gateway/identity.h"
#include "gateway/sandbox.h"
#include "gateway/stats.h"
#include "gateway/web_internal.h"

#define LAST_ANSWERS	(2 * CLOCK_S)	/* for who is being served at the end */
#define UNWIND_TIME	(1 * CLOCK_S)	/* for fibers that were stopped */
#define POLITENESS	10		/* mail comes first */

static const struct timeval beat_time = { .tv_sec = 1 };

struct life {			/* the server, and what only this file needs */
	struct web	 web;
	struct event	*hear, *beat, *term, *reopen;
	int64_t		 deadline;	/* of the end */
};

/* --- leaving --- */

static void
begin_ending(struct life *l)
{
	if (l->web.is_ending)
		return;
	l->web.is_ending = true;
	l->deadline = clock_now() + LAST_ANSWERS;
	web_clients_close(&l->web);
	if (l->web.clients == NULL)
		loop_stop();
}

static void
on_beat(evutil_socket_t fd, short what, void *arg)
{
	struct life *l = arg;

	(void)fd, (void)what;
	clock_tick();
	stats_beat(clock_now());
	if (l->web.is_ending && clock_now() >= l->deadline)
		loop_stop();
}

static void
on_signal(evutil_socket_t number, short what, void *arg)
{
	(void)what;
	clock_tick();
	if (number == SIGUSR1)
		log_reopen();
	else
		begin_ending(arg);
}

/* --- the supervisor's word --- */

static void
on_word(evutil_socket_t fd, short what, void *arg)
{
	struct life *l = arg;
	struct channel_message m;

	(void)what;
	clock_tick();
	while ((m = channel_hear((int)fd)).kind != CHANNEL_NONE) {
		if (m.kind == CHANNEL_REOPEN)
			log_reopen();
		else {
			/* To end, or the supervisor is gone: nobody is left
			 * whom we could tell of. */
			event_del(l->hear);
			begin_ending(l);
			return;
		}
	}
}

/* --- beginning --- */

/* The log, which is opened again when it was rotated, and nothing else. */
static int
enter_sandbox(struct life *l, struct err *err)
{
	const char *log = log_file(l->web.start->settings->log);
	const char *slash = log != NULL ? strrchr(log, '/') : NULL;
	struct sandbox_paths paths = {0};

	if (slash != NULL && slash > log)
		paths.log_folder = arena_copy(l->web.arena,
		    span_n(log, (size_t)(slash - log)));
	return sandbox_enter(&paths, err);
}

static struct event *
watch_signal(struct life *l, int number, sigset_t *set)
{
	struct event *e = evsignal_new(loop_base(), number, on_signal, l);

	event_add(e, NULL);
	sigaddset(set, number);
	return e;
}

static void
watch(struct life *l)
{
	sigset_t set;

	sigemptyset(&set);
	l->term = watch_signal(l, SIGTERM, &set);
	l->reopen = watch_signal(l, SIGUSR1, &set);
	l->hear = event_new(loop_base(), l->web.start->channel,
	    EV_READ | EV_PERSIST, on_word, l);
	event_add(l->hear, NULL);
	l->beat = event_new(loop_base(), -1, EV_PERSIST, on_beat, l);
	event_add(l->beat, &beat_time);
	signal(SIGHUP, SIG_IGN);
	/* From a terminal it is for all, and we go as the last. */
	signal(SIGINT, SIG_IGN);
	sigaddset(&set, SIGINT);
	sigprocmask(SIG_UNBLOCK, &set, NULL);
}

static int
begin(struct life *l, struct err *err)
{
	const struct web_start *start = l->web.start;

	(void)setpriority(PRIO_PROCESS, 0, POLITENESS);
	if (identity_assume(start->identity, err) < 0 ||
	    enter_sandbox(l, err) < 0)
		return -1;
	watch(l);
	web_clients_open(&l->web);
	return 0;
}

/* --- the end --- */

static void
end(struct life *l)
{
	struct event *events[] = { l->hear, l->beat, l->term, l->reopen };
	int64_t deadline;

	web_clients_close(&l->web);
	web_clients_stop(&l->web);
	clock_tick();
	deadline = clock_now() + UNWIND_TIME;
	while (fiber_count() > 0 && clock_now() < deadline)
		loop_turn(true);
	log_close();
	if (fiber_count() > 0)
		return;		/* what they hold cannot be freed */
	web_bodies_free(&l->web);
	for (size_t i = 0; i < sizeof(events) / sizeof(events[0]); i++) {
		if (events[i] != NULL)
			event_free(events[i]);
	}
	loop_destroy();
	arena_destroy(&l->web.arena);
}

int
web_run(const struct web_start *start)
{
	struct life l = { .web = { .start = start,
	    .arena = arena_create("web") } };
	struct err err;

	loop_create();
	if (begin(&l, &err) < 0) {
		channel_say(start->channel, CHANNEL_FAILED,
		    span_z(err.text));
		end(&l);
		return EXIT_RUNTIME;
	}
	channel_say(start->channel, CHANNEL_READY, span_z(""));
	loop_run();
	end(&l);
	return 0;
}
