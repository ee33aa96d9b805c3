#include <sys/socket.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <event2/event.h>

#include "base/arena.h"
#include "base/clock.h"
#include "base/conn.h"
#include "base/log.h"
#include "base/loop.h"
#include "base/mem.h"
#include "gateway/web_internal.h"

#define A_TURN		8		/* accepted at once */
#define ASK_TIME	(5 * CLOCK_S)	/* for the whole request */
#define ANSWER_TIME	(20 * CLOCK_S)	/* for the whole answer */
#define END_TIME	(2 * CLOCK_S)	/* to see that it is over */
#define SEND_ROOM	(64 * 1024)	/* of the kernel, for each of them */
#define TELL_AGAIN	(60 * CLOCK_S)
static const struct timeval rest_time = { .tv_usec = 250 * 1000 };

struct web_client {
	struct web_client	*next, *previous;
	struct web		*web;
	struct conn		*conn;
	struct fiber		*fiber;
	bool			 gives_way;
};

/* --- one client --- */

static MAY_YIELD void
serve(struct web_client *client, struct web_exchange *x)
{
	enum http_status status = http_read(client->conn, x->arena,
	    clock_now() + ASK_TIME, &x->request);
	struct err err;

	if (status == HTTP_GONE)
		return;
	if (status == HTTP_NONE)
		web_answer(x);
	else
		web_say(x, status, http_reason(status));
	web_count(x);
	x->answer.is_head = x->request.is_head;
	if (http_answer(client->conn, &x->answer, clock_now() + ANSWER_TIME,
	    &err) == 0)
		http_end(client->conn, clock_now() + END_TIME);
	web_body_leave(x);
}

static void
leave(struct web_client *client)
{
	struct web *w = client->web;

	if (client->previous != NULL)
		client->previous->next = client->next;
	else
		w->clients = client->next;
	if (client->next != NULL)
		client->next->previous = client->previous;
	conn_close(&client->conn);
	free(client);
	if (w->is_ending && w->clients == NULL)
		loop_stop();
}

static MAY_YIELD void
run_client(void *arg)
{
	struct web_client *client = arg;
	struct arena *a = arena_create("request");
	struct web_exchange *x = arena_new(a, struct web_exchange);

	x->web = client->web;
	x->arena = a;
	serve(client, x);
	arena_destroy(&a);
	leave(client);
}

/* The oldest has had the most time, and is there still. */
static void
make_room(struct web *w)
{
	struct web_client *oldest = NULL;
	size_t n = 0;

	for (struct web_client *c = w->clients; c != NULL; c = c->next) {
		if (c->gives_way)
			continue;
		oldest = c;
		n++;
	}
	if (n < WEB_CLIENTS)
		return;
	oldest->gives_way = true;
	fiber_stop(oldest->fiber);
}

static void
let_in(struct web *w, int fd)
{
	const int room = SEND_ROOM;
	struct web_client *client;

	make_room(w);
	/* Else it would keep megabytes for who does not read. */
	(void)setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &room, sizeof(room));
	client = mem_zalloc(sizeof(*client), "client");
	client->web = w;
	client->conn = conn_open(fd);
	client->next = w->clients;
	if (client->next != NULL)
		client->next->previous = client;
	w->clients = client;
	client->fiber = fiber_spawn("http", run_client, client);
}

/* --- accepting: as listener.c does, for one socket --- */

static void
on_rested(evutil_socket_t fd, short what, void *arg)
{
	struct web *w = arg;

	(void)fd, (void)what;
	if (w->accept != NULL)
		event_add(w->accept, NULL);
}

/* Out of descriptors or memory: clients wait in the queue of the kernel, and
 * we do not spin. */
static void
begin_rest(struct web *w, int e)
{
	event_del(w->accept);
	evtimer_add(w->rest, &rest_time);
	if (w->rest_told != 0 && clock_now() - w->rest_told < TELL_AGAIN)
		return;
	w->rest_told = clock_now();
	log_event(LOG_LABEL_ERROR, "-", "statistics: accepting rests: %s",
	    strerror(e));
}

static bool
has_run_out(int e)
{
	return e == EMFILE || e == ENFILE || e == ENOMEM || e == ENOBUFS;
}

static void
on_client(evutil_socket_t listening, short what, void *arg)
{
	struct web *w = arg;
	int fd;

	(void)what;
	clock_tick();
	for (int i = 0; i < A_TURN; i++) {
		fd = accept4(listening, NULL, NULL,
		    SOCK_CLOEXEC | SOCK_NONBLOCK);
		if (fd >= 0)
			let_in(w, fd);
		else if (has_run_out(errno)) {
			begin_rest(w, errno);
			return;
		} else if (errno == EAGAIN)
			return;
		/* Else: that one went away before we came to it. */
	}
}

void
web_clients_open(struct web *w)
{
	w->rest = evtimer_new(loop_base(), on_rested, w);
	w->accept = event_new(loop_base(), w->start->socket,
	    EV_READ | EV_PERSIST, on_client, w);
	event_add(w->accept, NULL);
}

void
web_clients_close(struct web *w)
{
	if (w->accept != NULL) {
		event_free(w->accept);
		/* Who is being served may be slow, and others want the
		 * address. */
		close(w->start->socket);
	}
	if (w->rest != NULL)
		event_free(w->rest);
	w->accept = w->rest = NULL;
}

void
web_clients_stop(struct web *w)
{
	for (struct web_client *c = w->clients; c != NULL; c = c->next)
		fiber_stop(c->fiber);
}
