#include <string.h>
#include <sys/socket.h>

#include "base/clock.h"
#include "base/conn.h"
#include "tests/kit/milter_part.h"
#include "tests/kit/spooled.h"

#define LONG	(20 * CLOCK_S)

static MAY_YIELD int
say_bytes(struct conn *c, struct span s)
{
	struct err err;

	return conn_write(c, s.p, s.len, clock_now() + LONG, &err);
}

static MAY_YIELD int
say_options(struct milter_part *m, struct conn *c)
{
	struct buf b = { 0 };
	size_t at = packet_begin(&b, SMFIC_OPTNEG);
	struct packet p = { .command = SMFIC_OPTNEG };
	struct err err;
	int ret;

	packet_put_uint(&b, 6);
	packet_put_uint(&b, m->scene->actions);
	packet_put_uint(&b, m->scene->steps);
	packet_end(&b, at);
	p.data = span_n(b.p + PACKET_HEAD, b.len - PACKET_HEAD);
	option_read(&p, &m->terms, &err);
	ret = say_bytes(c, buf_text(&b));
	buf_free(&b);
	return ret;
}

static MAY_YIELD int
say_forever(struct conn *c)
{
	struct err err;

	while (say_bytes(c, SPAN_LIT("\0\0\0\1p")) == 0)
		if (fiber_sleep(CLOCK_MS, &err) < 0)
			break;
	return -1;
}

static MAY_YIELD int
answer(struct milter_part *m, struct conn *c, char command, unsigned nth)
{
	const struct milter_scene *scene = m->scene;

	if (command == scene->at && nth == scene->nth) {
		switch (scene->manner) {
		case MILTER_SAYS:
			return say_bytes(c, scene->answer);
		case MILTER_CLOSES:
			return -1;
		case MILTER_SILENT:
			return 0;
		case MILTER_FOREVER:
			return say_forever(c);
		}
	}
	if (command == SMFIC_OPTNEG)
		return say_options(m, c);
	return option_awaits(&m->terms, command) ?
	    say_bytes(c, SPAN_LIT("\0\0\0\1c")) : 0;
}

static void
note(struct milter_part *m, const struct packet *p)
{
	size_t len = strlen(m->heard);

	if (p->command == SMFIC_EOH)
		m->body = 0;
	if (p->command == SMFIC_BODY) {
		m->body_is_right = m->body_is_right &&
		    spooled_is_right(p->data.p, p->data.len, m->body);
		m->body += p->data.len;
	}
	if (p->command != SMFIC_MACRO && len + 1 < sizeof(m->heard))
		m->heard[len] = p->command;
}

MAY_YIELD void
milter_part_play(void *part)
{
	struct milter_part *m = part;
	struct buf room = { 0 };
	unsigned times[256] = { 0 };
	struct conn *c;
	struct packet p;
	struct err err;
	int fd;

	memset(m->heard, 0, sizeof(m->heard));
	m->body = 0;
	m->body_is_right = true;
	while ((fd = accept4(m->listener, NULL, NULL, SOCK_NONBLOCK |
	    SOCK_CLOEXEC)) < 0)
		fiber_sleep(CLOCK_MS, &err);
	c = conn_open(fd);
	while (packet_read(c, OPTION_CHUNK_1M, clock_now() + LONG, &room, &p,
	    &err) == 0) {
		note(m, &p);
		if (p.command == SMFIC_QUIT || (p.command != SMFIC_MACRO &&
		    answer(m, c, p.command,
		    times[(unsigned char)p.command]++) < 0))
			break;
	}
	buf_free(&room);
	conn_close(&c);
}
