#include <errno.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include <event2/event.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/clock.h"
#include "base/dns.h"
#include "base/fiber.h"
#include "base/log.h"
#include "base/loop.h"
#include "base/spool.h"
#include "base/together.h"
#include "gateway/backend.h"
#include "gateway/board.h"
#include "gateway/channel.h"
#include "gateway/collect.h"
#include "gateway/court.h"
#include "gateway/exit_code.h"
#include "gateway/identity.h"
#include "gateway/journal.h"
#include "gateway/limits.h"
#include "gateway/listener.h"
#include "gateway/route.h"
#include "gateway/sandbox.h"
#include "gateway/session.h"
#include "gateway/sockets.h"
#include "gateway/stats.h"
#include "gateway/stock.h"
#include "gateway/transaction.h"
#include "gateway/worker.h"
#include "gateway/worker_status.h"
#include "milter/milters.h"

#define FIRST_PROBES	(1 * CLOCK_S)	/* are waited for, no longer */
#define UNWIND_TIME	(2 * CLOCK_S)	/* for fibers that were stopped */

static const struct timeval beat_time = { .tv_sec = 1 };
static const struct timeval leave_time = { .tv_usec = 50 * 1000 };
static const int signals[] = { SIGTERM, SIGINT, SIGUSR1 };
#define NSIGNALS	(sizeof(signals) / sizeof(signals[0]))

struct life {			/* the worker, and what only this file needs */
	struct worker		 w;
	const struct worker_start *start;
	struct arena		*arena;
	struct event		*hear, *beat, *leave, *signals[NSIGNALS];
	int64_t			 deadline;	/* of draining, of stopping */
	bool			 is_cut;	/* sessions were stopped */
	struct collected	*collected;
	struct resolver_watch	 resolver;
};

/* --- the beat --- */

/* What others see of us: `forepost status`, the endpoint, the page. */
static void
tell_status(struct life *l)
{
	struct buf text = {0};
	struct dns_stats now;

	dns_statistics(&now);
	worker_status(&l->w, worker_status_resolver(&l->resolver, &now),
	    &text);
	board_write(stats_board(STATS_MINE), buf_text(&text));
	buf_free(&text);
}

static void
on_beat(evutil_socket_t fd, short what, void *arg)
{
	struct life *l = arg;

	(void)fd, (void)what;
	clock_tick();
	stats_beat(clock_now());
	collect(l->collected);
	journal_turn(l->w.journal);
	listeners_check_stress(&l->w);
	tell_status(l);
}

/* --- leaving --- */

static void
begin_stopping(struct life *l)
{
	if (l->w.state == WORKER_STOPPING)
		return;
	l->w.state = WORKER_STOPPING;
	l->deadline = clock_now() + l->w.settings->stop_timeout;
	listeners_close(&l->w, false);
	sessions_wake_idle(&l->w);
	event_add(l->leave, &leave_time);
}

static void
begin_draining(struct life *l)
{
	if (l->w.state != WORKER_RUNNING)
		return;
	l->w.state = WORKER_DRAINING;
	l->deadline = clock_now() + l->w.settings->drain_timeout;
	listeners_close(&l->w, true);
	channel_say(l->start->channel, CHANNEL_SHUT, span_z(""));
	event_add(l->leave, &leave_time);
}

static void
on_leave(evutil_socket_t fd, short what, void *arg)
{
	struct life *l = arg;

	(void)fd, (void)what;
	clock_tick();
	if (l->w.nsessions == 0) {
		loop_stop();
		return;
	}
	if (clock_now() < l->deadline)
		return;
	if (l->w.state == WORKER_DRAINING)
		begin_stopping(l);
	else if (!l->is_cut) {
		log_event(LOG_LABEL_WARN, "-",
		    "sessions are cut: time is over sessions=%zu",
		    l->w.nsessions);
		sessions_stop(&l->w);
		l->is_cut = true;
		l->deadline = clock_now() + UNWIND_TIME;
	} else
		loop_stop();
}

static void
reopen(struct life *l)
{
	log_reopen();
	journal_reopen(l->w.journal);
}

static void
on_signal(evutil_socket_t number, short what, void *arg)
{
	struct life *l = arg;

	(void)what;
	if (number == SIGUSR1)
		reopen(l);
	else
		begin_stopping(l);
}

/* --- the supervisor's word --- */

static void
on_word(evutil_socket_t fd, short what, void *arg)
{
	struct life *l = arg;
	struct channel_message m;

	(void)what;
	while ((m = channel_hear((int)fd)).kind != CHANNEL_NONE) {
		switch (m.kind) {
		case CHANNEL_GO:
			if (l->w.state == WORKER_RUNNING)
				listeners_open(&l->w);
			break;
		case CHANNEL_DRAIN:
			begin_draining(l);
			break;
		case CHANNEL_STOP:
			begin_stopping(l);
			break;
		case CHANNEL_REOPEN:
			reopen(l);
			break;
		default:
			/* The supervisor is gone, and nobody could start us
			 * again or tell us anything. */
			event_del(l->hear);
			log_event(LOG_LABEL_ERROR, "-",
			    "the supervisor is gone, worker stops");
			begin_stopping(l);
			return;
		}
	}
}

/* --- beginning --- */

static int
make_resolver(const struct settings *s, struct err *err)
{
	const struct dns_options options = {
		.forward = s->resolver_forward.list,
		.nforward = s->resolver_forward.n,
		.trust_anchor = s->resolver_trust_anchor
	};

	return dns_create(&options, err) < 0 ?
	    err_prefix(err, "resolver") : 0;
}

static int
check_spool(const struct settings *s, const struct identity *id,
    struct err *err)
{
	if (access(s->spool, W_OK | X_OK) == 0)
		return 0;
	return err_set(err, ERR_UNAVAIL, "spool %s: user %s cannot write "
	    "there: %s", s->spool, id->name, strerror(errno));
}

/* Of a file; NULL: there is none, or it is the root. */
static const char *
folder_of(struct arena *a, const char *path)
{
	const char *slash = path != NULL ? strrchr(path, '/') : NULL;

	return slash == NULL || slash == path ? NULL :
	    arena_copy(a, span_n(path, (size_t)(slash - path)));
}

/* Folders that are written to, and files that libraries will read. */
static int
enter_sandbox(struct life *l, struct err *err)
{
	const struct settings *s = l->w.settings;
	struct sandbox_paths paths = {0};
	const char **folders, **files;
	size_t n = 2;

	for (size_t i = 0; i < s->nbackends; i++)
		n += s->backends[i].nurls;
	folders = arena_new_n(l->arena, n, const char *);
	files = arena_new_n(l->arena, s->nbackends + 1, const char *);
	folders[paths.nfolders++] = s->spool;
	if (s->store.text != NULL && s->store.kind == STORE_LMDB)
		folders[paths.nfolders++] = s->store.path;
	for (size_t i = 0; i < s->nbackends; i++) {
		const struct backend_conf *b = &s->backends[i];

		for (size_t j = 0; j < b->nurls; j++) {
			if (b->urls[j].path != NULL)
				folders[paths.nfolders++] = b->urls[j].path;
		}
		if (b->tls_ca != NULL)
			files[paths.nfiles++] = b->tls_ca;
	}
	paths.folders = folders;
	paths.files = files;
	paths.log_folder = folder_of(l->arena, log_file(s->log));
	paths.journal_folder = folder_of(l->arena, s->journal_file);
	return sandbox_enter(&paths, err);
}

/* A filter does not log, so its owner does. */
static void
tell_of_list(void *owner, const struct dnsbl_event *event)
{
	struct logline line;

	(void)owner;
	if (event->is_suspended)
		stats_add(STAT_LISTS_SUSPENDED, 1);
	log_begin(&line, event->is_suspended ? LOG_LABEL_WARN :
	    LOG_LABEL_INFO, "-", event->is_suspended ? "dns list suspended" :
	    "dns list is back");
	log_z(&line, "list", event->list->name);
	log_z(&line, "side", dnsbl_side_name(event->side));
	log_z(&line, "why", event->why);
	log_end(&line);
}

static void
make_listeners(struct life *l)
{
	const struct worker_start *start = l->start;
	struct worker *w = &l->w;

	w->listeners = arena_new_n(l->arena, start->nsockets + 1,
	    struct listener);
	w->nlisteners = start->nsockets;
	w->crowd = start->crowd;
	for (size_t i = 0; i < start->nsockets; i++) {
		const struct socket_use *use = &start->sockets[i];

		w->listeners[i] = (struct listener){
			.worker = w,
			.conf = use->conf,
			.tls = start->tls[use->conf -
			    start->settings->listeners],
			.fd = use->fd,
			.is_passed = use->is_passed,
		};
	}
}

static void
watch(struct life *l)
{
	struct event_base *base = loop_base();
	sigset_t set;

	sigemptyset(&set);
	for (size_t i = 0; i < NSIGNALS; i++) {
		l->signals[i] = evsignal_new(base, signals[i], on_signal, l);
		event_add(l->signals[i], NULL);
		sigaddset(&set, signals[i]);
	}
	l->hear = event_new(base, l->start->channel, EV_READ | EV_PERSIST,
	    on_word, l);
	event_add(l->hear, NULL);
	l->beat = event_new(base, -1, EV_PERSIST, on_beat, l);
	event_add(l->beat, &beat_time);
	l->leave = event_new(base, -1, EV_PERSIST, on_leave, l);
	/* The supervisor blocks them and reads them from a descriptor. */
	signal(SIGHUP, SIG_IGN);
	sigprocmask(SIG_UNBLOCK, &set, NULL);
}

/*
 * The order matters. The first lookup needs the main stack and reads the
 * trust anchor; the password of the store may be for the eyes of root only,
 * and its folder is the workers'; the sandbox binds only threads that begin
 * after it, and the backends bring some; folders are made as the user that
 * delivers.
 */
static int
begin(struct life *l, struct err *err)
{
	const struct settings *s = l->w.settings;
	const char *password;
	struct span veil;

	if (make_resolver(s, err) < 0 ||
	    checks_open(s, err) < 0 ||
	    stock_password(l->arena, s, &password, err) < 0 ||
	    veil_key(l->arena, s, l->start->journal_key, &veil, err) < 0 ||
	    identity_assume(l->start->identity, err) < 0 ||
	    check_spool(s, l->start->identity, err) < 0)
		return -1;
	l->w.journal = journal_open(l->arena, s, stats_ring(STATS_MINE),
	    loop_base());
	l->w.stock = stock_open(s, password, err);
	if (l->w.stock == NULL || enter_sandbox(l, err) < 0)
		return -1;
	spool_memory(s->spool_memory);
	l->w.backends = backends_create(s, err);
	if (l->w.backends == NULL)
		return -1;
	l->w.routes = routes_create(l->arena, s, l->w.stock->lookup);
	l->w.court = court_open(l->arena, s, l->w.rules, tell_of_list);
	l->w.court->stock = l->w.stock;
	l->w.milters = milters_create(s);
	l->w.transactions = transaction_plan(l->arena, l->w.rules,
	    veil_create(l->arena, s, veil));
	l->collected = collect_begin(l->arena, &l->w);
	make_listeners(l);
	watch(l);
	return 0;
}

/* --- the end --- */

/* Lines that the log never took are counted too, though late; so many are
 * counted already. */
static void
end_log(uint64_t counted)
{
	log_close();
	stats_add(STAT_LOG_DROPPED, (int64_t)(log_dropped() - counted));
}

static void
end(struct life *l)
{
	int64_t deadline = clock_now() + UNWIND_TIME;
	uint64_t counted = 0;
	struct event *events[] = { l->hear, l->beat, l->leave };

	listeners_close(&l->w, false);
	if (l->collected != NULL)
		collect(l->collected);	/* filters cannot be asked later */
	if (l->w.backends != NULL)
		backends_destroy(&l->w.backends);
	if (l->w.milters != NULL)
		milters_destroy(&l->w.milters);
	if (l->w.court != NULL)
		checker_stop(l->w.court->checker);
	if (l->w.stock != NULL)
		stock_stop(l->w.stock);
	while (fiber_count() > 0 && clock_now() < deadline)
		loop_turn(true);
	if (l->collected != NULL) {
		counted = log_dropped();
		collect(l->collected);
	}
	if (fiber_count() > 0) {
		/* What they hold cannot be freed under them. */
		log_bug("-", "worker ends with fibers=%zu", fiber_count());
		end_log(counted);
		return;
	}
	for (size_t i = 0; i < sizeof(events) / sizeof(events[0]); i++) {
		if (events[i] != NULL)
			event_free(events[i]);
	}
	for (size_t i = 0; i < NSIGNALS; i++) {
		if (l->signals[i] != NULL)
			event_free(l->signals[i]);
	}
	checks_close();
	journal_close(l->w.journal);
	stock_close(&l->w.stock);
	dns_destroy();
	loop_destroy();
	arena_destroy(&l->arena);
	end_log(counted);
}

static MAY_YIELD void
be_patient(void *arg)
{
	struct err err;

	(void)fiber_sleep(FIRST_PROBES, &err);
	*(bool *)arg = true;
}

/* The first client shall be offered what the backends can do, so their first
 * probes are waited for; but not long, since one may be gone. */
static void
await_probes(const struct life *l)
{
	static bool is_over;	/* the fiber may outlive this call */
	struct fiber *patience;

	is_over = false;
	patience = fiber_spawn("patience", be_patient, &is_over);
	while (!is_over && (!backends_are_probed(l->w.backends) ||
	    !checker_is_probed(l->w.court->checker)))
		loop_turn(true);
	if (!is_over)		/* or the worker could not end before it */
		fiber_stop(patience);
}

int
worker_run(const struct worker_start *start)
{
	struct life l = {
		.w = { .settings = start->settings, .rules = start->rules,
		    .slot = start->slot,
		    .max_sessions = limits_sessions(start->settings) },
		.start = start,
		.arena = arena_create("worker"),
	};
	struct err err;

	loop_create();
	together_limit(limits_helpers(start->settings));
	if (begin(&l, &err) < 0) {
		channel_say(start->channel, CHANNEL_FAILED, span_z(err.text));
		end(&l);
		return EXIT_RUNTIME;
	}
	await_probes(&l);
	tell_status(&l);
	channel_say(start->channel, CHANNEL_READY, span_z(""));
	loop_run();
	end(&l);
	return 0;
}
