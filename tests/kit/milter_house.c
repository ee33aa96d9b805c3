#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/conn.h"
#include "base/fiber.h"
#include "base/mem.h"
#include "milter/option.h"
#include "milter/packet.h"
#include "tests/kit/milter_house.h"

struct milter_house {
	struct milter_house_scene scene;
	struct addr	 addr;
	struct conn	*listener;
	struct fiber	*fiber;		/* that accepts; NULL: not any more */
	uint32_t	 times[256];	/* of each command */
	struct buf	 heard;
	size_t		 connections;	/* open */
	size_t		 users;		/* and this struct's owner */
};

struct guest {			/* one connection */
	struct milter_house	*house;
	struct conn		*conn;
	struct terms		 terms;
	bool			 is_refused;	/* the next recipient */
};

static void
leave(struct milter_house *h)
{
	if (--h->users > 0)
		return;
	buf_free(&h->heard);
	free(h);
}

/* --- what is said --- */

static MAY_YIELD int
say_bytes(struct conn *c, struct span s)
{
	struct err err;

	return conn_write(c, s.p, s.len, CLOCK_NEVER, &err);
}

static MAY_YIELD int
say_options(struct guest *g)
{
	const struct milter_house_scene *scene = &g->house->scene;
	struct packet p = { .command = SMFIC_OPTNEG };
	struct buf b = { 0 };
	size_t at = packet_begin(&b, SMFIC_OPTNEG);
	struct err err;
	int ret;

	packet_put_uint(&b, 6);
	packet_put_uint(&b, scene->actions);
	packet_put_uint(&b, scene->steps);
	packet_end(&b, at);
	p.data = span_n(b.p + PACKET_HEAD, b.len - PACKET_HEAD);
	option_read(&p, &g->terms, &err);
	ret = say_bytes(g->conn, buf_text(&b));
	buf_free(&b);
	return ret;
}

static const struct milter_house_turn *
turn_at(struct milter_house *h, char command)
{
	uint32_t nth = h->times[(unsigned char)command]++;

	for (size_t i = 0; i < HOUSE_TURNS; i++) {
		const struct milter_house_turn *t = &h->scene.turns[i];

		if (t->at == command && (t->nth == HOUSE_ALWAYS ||
		    t->nth == nth))
			return t;
	}
	return NULL;
}

/* -1: the connection ends. */
static MAY_YIELD int
answer(struct guest *g, char command)
{
	const struct milter_house_turn *t = turn_at(g->house, command);
	struct err err;

	if (t != NULL) {
		if (t->delay > 0)
			fiber_sleep(t->delay, &err);
		if (t->manner == HOUSE_SILENT)
			return 0;
		if (t->manner == HOUSE_CLOSES)
			return -1;
		if (t->answer.len > 0)
			return say_bytes(g->conn, t->answer);
	}
	if (command == SMFIC_OPTNEG)
		return say_options(g);
	return option_awaits(&g->terms, command) ?
	    say_bytes(g->conn, SPAN_LIT("\0\0\0\1c")) : 0;
}

/* --- what is heard --- */

static void
note_rcpt(struct guest *g, struct span data)
{
	char c;

	for (size_t i = 1; i < data.len && data.p[i] != '@'; i++) {
		c = data.p[i];
		if (g->is_refused)
			c -= 'a' - 'A';
		buf_put(&g->house->heard, &c, 1);
	}
}

static void
note(struct guest *g, const struct packet *p)
{
	struct buf *heard = &g->house->heard;
	struct span data = p->data, name;

	if (p->command == SMFIC_MACRO) {
		if (data.len > 0 && data.p[0] == SMFIC_RCPT)
			g->is_refused = memmem(data.p, data.len, "error",
			    5) != NULL;
		return;
	}
	buf_put(heard, &p->command, 1);
	if (p->command == SMFIC_HELO || p->command == SMFIC_UNKNOWN)
		buf_puts(heard, data.p);
	else if (p->command == SMFIC_RCPT)
		note_rcpt(g, data);
	else if (p->command == SMFIC_HEADER && packet_string(&data, &name))
		buf_puts(heard, data.p);
}

/* --- life --- */

static void
serve(void *arg)
{
	struct guest *g = arg;
	struct buf room = { 0 };
	struct packet p;
	struct err err;

	while (packet_read(g->conn, OPTION_CHUNK_1M, CLOCK_NEVER, &room, &p,
	    &err) == 0) {
		note(g, &p);
		if (p.command == SMFIC_QUIT || (p.command != SMFIC_MACRO &&
		    answer(g, p.command) < 0))
			break;
	}
	buf_free(&room);
	conn_close(&g->conn);
	g->house->connections--;
	leave(g->house);
	free(g);
}

static void
accept_all(void *arg)
{
	struct milter_house *h = arg;
	struct guest *g;
	struct err err;
	int fd;

	do {
		while ((fd = accept4(conn_fd(h->listener), NULL, NULL,
		    SOCK_NONBLOCK | SOCK_CLOEXEC)) >= 0) {
			g = mem_zalloc(sizeof(*g), "guest");
			g->house = h;
			g->conn = conn_open(fd);
			h->users++;
			h->connections++;
			fiber_spawn("guest", serve, g);
		}
	} while (conn_wait(h->listener, false, CLOCK_NEVER, &err) == 0);
	conn_close(&h->listener);
	h->fiber = NULL;
	leave(h);
}

struct milter_house *
milter_house_open(const char *path, const struct milter_house_scene *scene)
{
	struct milter_house *h = mem_zalloc(sizeof(*h), "milter house");
	struct err err;
	struct buf text = { 0 };
	int s;

	h->scene = *scene;
	buf_printf(&text, "unix:%s", path);
	unlink(path);
	s = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (addr_parse(buf_text(&text), &h->addr, &err) < 0 || s < 0 ||
	    bind(s, &h->addr.u.sa, h->addr.len) < 0 || listen(s, 64) < 0)
		abort();
	buf_free(&text);
	h->listener = conn_open(s);
	h->users = 2;
	h->fiber = fiber_spawn("milter house", accept_all, h);
	return h;
}

const struct addr *
milter_house_addr(const struct milter_house *h)
{
	return &h->addr;
}

struct span
milter_house_heard(const struct milter_house *h)
{
	return buf_text(&h->heard);
}

size_t
milter_house_connections(const struct milter_house *h)
{
	return h->connections;
}

void
milter_house_close(struct milter_house **hp)
{
	struct milter_house *h = *hp;

	*hp = NULL;
	unlink(h->addr.u.un.sun_path);
	if (h->fiber != NULL)
		fiber_stop(h->fiber);
	leave(h);
}
