#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <event2/event.h>

#include "base/arena.h"
#include "base/clock.h"
#include "base/conn.h"
#include "base/dns_name.h"
#include "base/dns_zone.h"
#include "base/loop.h"
#include "tests/kit/dnsd.h"

#define HEADER		12
#define UDP_MAX		1232
#define TRUNCATED	0x02

struct count {
	struct count	*next;
	struct dns_name	 name;
	unsigned	 n;
};

struct dnsd {
	struct arena	*arena;
	struct dns_zone	*zone;
	struct event	*udp, *tcp;
	int		 udp_fd, tcp_fd;
	char		 address[40];
	struct count	*counts;
	unsigned	 asked, by_tcp;
	unsigned	 late;		/* answers that will be sent later */
	uint32_t	 seed;
	int64_t		 dither;
	bool		 is_stopped;
};

/* An answer over UDP that is sent later. */
struct late {
	struct dnsd		*d;
	struct sockaddr_in	 to;
	int64_t			 delay;
	struct buf		 packet;
};

static void
need(bool ok, const char *what)
{
	if (ok)
		return;
	fprintf(stderr, "test DNS server: %s\n", what);
	exit(1);
}

static void
count_question(struct dnsd *d, const struct dns_name *name)
{
	struct count *c = d->counts;

	while (c != NULL && !dns_name_same(&c->name, name))
		c = c->next;
	if (c == NULL) {
		c = arena_new(d->arena, struct count);
		c->name = *name;
		c->next = d->counts;
		d->counts = c;
	}
	c->n++;
	d->asked++;
}

/* The answer to a question; false when there is none to be sent. */
static bool
reply(struct dnsd *d, const uint8_t *q, size_t len, struct buf *packet,
    struct dns_zone_how *how)
{
	struct dns_name name;
	size_t at = HEADER;

	if (len < HEADER || dns_name_from_packet(q, len, &at, &name) < 0 ||
	    len - at < 4)
		return false;
	count_question(d, &name);
	dns_zone_answer(d->zone, &name, (unsigned)q[at] << 8 | q[at + 1],
	    packet, how);
	if (how->outcome == DNS_ZONE_TIMEOUT)
		return false;
	memcpy(packet->p, q, 2);
	return true;
}

/* Header and question only, marked as cut. */
static void
cut(struct buf *packet)
{
	struct dns_name name;
	size_t at = HEADER;

	dns_name_from_packet((uint8_t *)packet->p, packet->len, &at, &name);
	packet->len = at + 4;
	packet->p[2] |= TRUNCATED;
	memset(packet->p + 6, 0, 6);
}

static void
free_if_over(struct dnsd *d)
{
	struct arena *a = d->arena;

	if (d->is_stopped && d->late == 0)
		arena_destroy(&a);
}

/* Marsaglia's xorshift. */
static int64_t
dither(struct dnsd *d)
{
	if (d->dither == 0)
		return 0;
	d->seed ^= d->seed << 13;
	d->seed ^= d->seed >> 17;
	d->seed ^= d->seed << 5;
	return d->seed % d->dither;
}

MAY_YIELD static void
send_late(void *arg)
{
	struct late *l = arg;
	struct dnsd *d = l->d;
	struct err err;

	if (fiber_sleep(l->delay, &err) == 0 && !d->is_stopped)
		sendto(d->udp_fd, l->packet.p, l->packet.len, 0,
		    (struct sockaddr *)&l->to, sizeof(l->to));
	buf_free(&l->packet);
	free(l);
	d->late--;
	free_if_over(d);
}

static void
on_udp(evutil_socket_t fd, short what, void *arg)
{
	struct dnsd *d = arg;
	struct dns_zone_how how;
	uint8_t q[512];
	ssize_t n;

	(void)what;
	for (;;) {
		struct late *l = calloc(1, sizeof(*l));
		socklen_t len = sizeof(l->to);

		need(l != NULL, "memory");
		l->d = d;
		n = recvfrom(fd, q, sizeof(q), 0, (struct sockaddr *)&l->to,
		    &len);
		if (n < 0 || !reply(d, q, (size_t)n, &l->packet, &how)) {
			buf_free(&l->packet);
			free(l);
			if (n < 0)
				return;
			continue;
		}
		if (how.truncate || l->packet.len > UDP_MAX)
			cut(&l->packet);
		l->delay = how.delay + dither(d);
		if (l->delay > 0) {
			d->late++;
			fiber_spawn("late", send_late, l);
			continue;
		}
		sendto(fd, l->packet.p, l->packet.len, 0,
		    (struct sockaddr *)&l->to, sizeof(l->to));
		buf_free(&l->packet);
		free(l);
	}
}

struct stream {
	struct dnsd	*d;
	struct conn	*conn;
};

/* The question at the front of what has come, behind its length, answered.
 * 0: there is no whole one yet. -1: the end. */
MAY_YIELD static int
answer_one(struct stream *s, struct buf *packet)
{
	struct span in = conn_input(s->conn);
	const uint8_t *p = (const uint8_t *)in.p;
	size_t len = in.len < 2 ? 2 : (size_t)p[0] << 8 | p[1];
	struct dns_zone_how how;
	uint8_t head[2];
	struct err err;

	if (in.len < 2 + len)
		return 0;
	s->d->by_tcp++;
	buf_clear(packet);
	if (!reply(s->d, p + 2, len, packet, &how))
		return -1;
	conn_consume(s->conn, 2 + len);
	head[0] = (uint8_t)(packet->len >> 8);
	head[1] = (uint8_t)packet->len;
	conn_put(s->conn, head, 2);
	conn_put(s->conn, packet->p, packet->len);
	return conn_flush(s->conn, CLOCK_NEVER, &err) < 0 ? -1 : 1;
}

/* Resolvers may send several questions without waiting. */
MAY_YIELD static void
serve(void *arg)
{
	struct stream *s = arg;
	struct buf packet = { 0 };
	struct err err;
	int r = 0;

	while (r >= 0 && conn_fill(s->conn, CLOCK_NEVER, &err) == 0)
		while ((r = answer_one(s, &packet)) > 0)
			;
	buf_free(&packet);
	conn_close(&s->conn);
	free(s);
}

static void
on_tcp(evutil_socket_t fd, short what, void *arg)
{
	struct stream *s = calloc(1, sizeof(*s));
	int client = accept4(fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);

	(void)what;
	need(s != NULL && client >= 0, "accept");
	s->d = arg;
	s->conn = conn_open(client);
	fiber_spawn("dns stream", serve, s);
}

/* UDP takes any free port, TCP must get the same: so a few tries. */
static bool
bind_both(struct dnsd *d)
{
	struct sockaddr_in a = { .sin_family = AF_INET,
	    .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t len = sizeof(a);
	int size = 1 << 20;

	d->udp_fd = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK |
	    SOCK_CLOEXEC, 0);
	d->tcp_fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK |
	    SOCK_CLOEXEC, 0);
	setsockopt(d->udp_fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof(size));
	if (bind(d->udp_fd, (struct sockaddr *)&a, len) == 0 &&
	    getsockname(d->udp_fd, (struct sockaddr *)&a, &len) == 0 &&
	    bind(d->tcp_fd, (struct sockaddr *)&a, len) == 0 &&
	    listen(d->tcp_fd, SOMAXCONN) == 0) {
		snprintf(d->address, sizeof(d->address), "127.0.0.1:%d",
		    ntohs(a.sin_port));
		return true;
	}
	close(d->udp_fd);
	close(d->tcp_fd);
	return false;
}

struct dnsd *
dnsd_start(const char *zone)
{
	struct arena *a = arena_create("dnsd");
	struct dnsd *d = arena_new(a, struct dnsd);
	struct err err;
	int tries;

	d->arena = a;
	d->zone = dns_zone_parse(a, zone, &err);
	need(d->zone != NULL, err.text);
	for (tries = 0; !bind_both(d); tries++)
		need(tries < 50, "no free port");
	d->udp = event_new(loop_base(), d->udp_fd, EV_READ | EV_PERSIST,
	    on_udp, d);
	d->tcp = event_new(loop_base(), d->tcp_fd, EV_READ | EV_PERSIST,
	    on_tcp, d);
	event_add(d->udp, NULL);
	event_add(d->tcp, NULL);
	return d;
}

void
dnsd_stop(struct dnsd **dp)
{
	struct dnsd *d = *dp;

	*dp = NULL;
	event_free(d->udp);
	event_free(d->tcp);
	close(d->udp_fd);
	close(d->tcp_fd);
	d->is_stopped = true;
	free_if_over(d);
}

void
dnsd_dither(struct dnsd *d, uint32_t seed, int64_t most)
{
	d->seed = seed | 1;
	d->dither = most;
}

const char *
dnsd_address(const struct dnsd *d)
{
	return d->address;
}

unsigned
dnsd_asked(const struct dnsd *d, const char *text)
{
	const struct count *c;
	struct dns_name name;

	if (text == NULL)
		return d->asked;
	need(dns_name_from_text(text, &name) == 0, text);
	for (c = d->counts; c != NULL; c = c->next)
		if (dns_name_same(&c->name, &name))
			return c->n;
	return 0;
}

unsigned
dnsd_by_tcp(const struct dnsd *d)
{
	return d->by_tcp;
}
