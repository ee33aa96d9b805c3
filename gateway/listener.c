#include <sys/socket.h>

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <event2/event.h>

#include "base/addr.h"
#include "base/arena.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/loop.h"
#include "gateway/crowd.h"
#include "gateway/listener.h"
#include "gateway/session.h"
#include "gateway/stats.h"

#define A_TURN		16		/* clients accepted at once */
#define A_QUEUE		SOMAXCONN	/* ... when we close */
#define TELL_AGAIN	(60 * CLOCK_S)
static const struct timeval rest_time = { .tv_usec = 250 * 1000 };

/* --- who is let in --- */

void
listeners_check_stress(struct worker *w)
{
	uint64_t mark = w->max_sessions * w->settings->stress_at /
	    100;
	bool is_stressed = w->nsessions >= mark && mark > 0;

	/* It ends a tenth below the mark, so that it does not flutter. */
	if (w->is_stressed && w->nsessions >= mark - mark / 10)
		is_stressed = true;
	if (is_stressed == w->is_stressed)
		return;
	w->is_stressed = is_stressed;
	stats_add(STAT_STRESS, is_stressed ? 1 : -1);
	log_event(is_stressed ? LOG_LABEL_WARN : LOG_LABEL_INFO, "-",
	    "stress %s sessions=%zu", is_stressed ? "begins" : "is over",
	    w->nsessions);
}

static bool
are_too_many(const struct worker *w, uint64_t sessions, uint64_t max)
{
	if (max == 0)
		return false;
	if (w->is_stressed)
		max = max > 4 ? max / 4 : 1;
	return sessions > max;
}

/* Asked by one who has entered: see crowd.h. */
static bool
is_crowded(const struct worker *w, const struct addr *client)
{
	const struct settings *s = w->settings;
	struct crowd_counts now;

	crowd_count(w->crowd, client, &now);
	return are_too_many(w, now.client, s->max_sessions_per_client) ||
	    are_too_many(w, now.network, s->max_sessions_per_network) ||
	    are_too_many(w, now.site, s->max_sessions_per_site);
}

/* False: there are too many of them, it has left again. */
static bool
enter(const struct worker *w, const struct addr *client,
    struct crowd_place *place)
{
	crowd_enter(w->crowd, client, place);
	if (!is_crowded(w, client))
		return true;
	crowd_leave(place);
	return false;
}

/* It tells of its clients, by PROXY or XCLIENT: these are counted. */
static bool
speaks_for_others(const struct listener *l, const struct addr *peer)
{
	const struct networks *proxies = &l->conf->smtp.proxy_protocol;
	const struct networks *servers = &l->conf->smtp.xclient;

	return network_any_has(proxies->list, proxies->n, peer) ||
	    network_any_has(servers->list, servers->n, peer);
}

static void
leave(void *place)
{
	crowd_leave(place);
}

/* Until the session ends, or is another client's. */
static void
keep(struct session *s, const struct crowd_place *place)
{
	if (place->crowd == NULL)
		return;
	if (s->place == NULL) {
		s->place = arena_new(s->arena, struct crowd_place);
		arena_defer(s->arena, leave, s->place);
	}
	*s->place = *place;
}

/* In clear only: with implicit TLS the client could not read it. */
static void
turn_away(const struct listener *l, int fd, const char *why)
{
	char line[512];
	int len;

	stats_add(STAT_SESSIONS_REFUSED, 1);
	len = snprintf(line, sizeof(line), "421 %.255s %s\r\n",
	    l->worker->settings->hostname, why);
	if (l->conf->smtp.tls != TLS_MODE_IMPLICIT)
		(void)send(fd, line, (size_t)len, MSG_NOSIGNAL);
	(void)shutdown(fd, SHUT_WR);
	close(fd);
}

static void
let_in(struct listener *l, int fd, const struct addr *peer)
{
	struct worker *w = l->worker;
	struct crowd_place place;

	if (w->nsessions >= w->max_sessions)
		turn_away(l, fd, "Too many sessions, try again later");
	else if (speaks_for_others(l, peer))
		session_accept(l, fd, peer);
	else if (!enter(w, peer, &place))
		turn_away(l, fd, "Too many sessions from your network, "
		    "try again later");
	else {
		session_accept(l, fd, peer);
		keep(w->sessions, &place);	/* the newest is the first */
	}
	listeners_check_stress(w);
}

bool
listener_admit(struct session *s)
{
	struct crowd_place place;

	if (s->place != NULL)
		crowd_leave(s->place);
	if (!enter(s->worker, &s->client.addr, &place)) {
		stats_add(STAT_SESSIONS_REFUSED, 1);
		return false;
	}
	keep(s, &place);
	return true;
}

/* --- accepting --- */

static void
on_rested(evutil_socket_t fd, short what, void *arg)
{
	struct worker *w = arg;

	(void)fd, (void)what;
	for (size_t i = 0; i < w->nlisteners; i++)
		event_add(w->listeners[i].event, NULL);
}

/* Every listener rests: what has run out is the process's. */
static void
begin_rest(struct worker *w, int e)
{
	for (size_t i = 0; i < w->nlisteners; i++)
		event_del(w->listeners[i].event);
	evtimer_add(w->rest, &rest_time);
	stats_add(STAT_ACCEPT_RESTS, 1);
	if (w->rest_told != 0 && clock_now() - w->rest_told < TELL_AGAIN)
		return;
	w->rest_told = clock_now();
	log_event(LOG_LABEL_ERROR, "-", "accepting rests: %s sessions=%zu",
	    strerror(e), w->nsessions);
}

static bool
has_run_out(int e)
{
	return e == EMFILE || e == ENFILE || e == ENOMEM || e == ENOBUFS;
}

/* 0, or the errno that ended it: EAGAIN when nobody is waiting any more. */
static int
accept_clients(struct listener *l, int most)
{
	struct sockaddr_storage sa;
	struct addr peer;
	socklen_t len;
	int fd;

	/* The turn has not begun: the clock still shows when the last one
	 * ended, and a session must not begin before its client came. */
	clock_tick();
	for (int i = 0; i < most; i++) {
		len = sizeof(sa);
		fd = accept4(l->fd, (struct sockaddr *)&sa, &len,
		    SOCK_CLOEXEC | SOCK_NONBLOCK);
		if (fd >= 0) {
			addr_from((struct sockaddr *)&sa, len, &peer);
			let_in(l, fd, &peer);
		} else if (errno == EAGAIN || has_run_out(errno))
			return errno;
		/* Else: that one client went away before we came to it. */
	}
	return 0;
}

static void
on_client(evutil_socket_t fd, short what, void *arg)
{
	struct listener *l = arg;
	int e;

	(void)fd, (void)what;
	e = accept_clients(l, A_TURN);
	if (has_run_out(e))
		begin_rest(l->worker, e);
}

void
listeners_open(struct worker *w)
{
	w->rest = evtimer_new(loop_base(), on_rested, w);
	for (size_t i = 0; i < w->nlisteners; i++) {
		struct listener *l = &w->listeners[i];

		l->event = event_new(loop_base(), l->fd, EV_READ | EV_PERSIST,
		    on_client, l);
		event_add(l->event, NULL);
	}
}

void
listeners_close(struct worker *w, bool take_queue)
{
	for (size_t i = 0; i < w->nlisteners; i++) {
		struct listener *l = &w->listeners[i];

		if (l->event != NULL)
			event_free(l->event);
		l->event = NULL;
		if (l->fd >= 0 && take_queue && !l->is_passed)
			(void)accept_clients(l, A_QUEUE);
		if (l->fd >= 0)
			close(l->fd);
		l->fd = -1;
	}
	if (w->rest != NULL)
		event_free(w->rest);
	w->rest = NULL;
}
