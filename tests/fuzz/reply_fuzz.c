#include <assert.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fiber.h"
#include "base/loop.h"
#include "base/utf8.h"
#include "gateway/reply.h"

/*
 * What a server sends, read as replies until it makes no sense; each reply
 * goes out again as ours, in lines that are short, whole and printable, and
 * reads as one reply with the same code. The first octet says how long the
 * pieces are in which it comes.
 */
int	LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define INPUT_MAX 16384

static struct conn *
conn_of(const uint8_t *data, size_t size, size_t piece)
{
	int fd[2];
	size_t n;

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK, 0, fd) < 0)
		abort();
	for (; size > 0; data += n, size -= n) {
		n = size < piece ? size : piece;
		if (send(fd[1], data, n, 0) < 0)
			break;		/* the socket is full: that is all */
	}
	close(fd[1]);
	return conn_open(fd[0]);
}

static void
check_line(struct span line, int code)
{
	assert(line.len >= 4 && line.len <= 510);
	assert(line.p[0] == '0' + code / 100);
	assert(line.p[3] == ' ' || line.p[3] == '-');
	assert(utf8_is_printable(line));
}

static MAY_YIELD void
check_wire(const struct reply *r)
{
	struct buf out = {0};
	struct span rest, line;
	struct reply again;
	struct conn *c;
	struct err err;

	reply_format(r, "5f3a91c2", &out);
	rest = buf_text(&out);
	while (rest.len > 0) {
		line = span_until(&rest, '\n');
		assert(line.len > 0 && line.p[line.len - 1] == '\r');
		check_line(span_n(line.p, line.len - 1), r->code);
	}
	c = conn_of((const uint8_t *)out.p, out.len, 65536);
	assert(reply_read(c, CLOCK_NEVER, &again, &err) == 0);
	assert(again.code == r->code);
	assert(conn_input(c).len == 0);
	conn_close(&c);
	buf_free(&out);
}

struct input {
	const uint8_t	*data;
	size_t		 size;
};

static MAY_YIELD void
read_replies(void *arg)
{
	const struct input *in = arg;
	struct conn *c;
	struct reply r;
	struct err err;

	c = conn_of(in->data + 1, in->size - 1,
	    in->data[0] < 100 ? in->data[0] + 1 : 65536);
	while (reply_read(c, CLOCK_NEVER, &r, &err) == 0) {
		assert(r.code >= 200 && r.code <= 599);
		assert(strlen(r.text) < sizeof(r.text));
		check_wire(&r);
	}
	assert(err.kind == ERR_SYNTAX || err.kind == ERR_CLOSED);
	conn_close(&c);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static bool has_loop;
	struct input in = { data, size };

	if (size < 1 || size > INPUT_MAX)
		return 0;
	if (!has_loop)
		loop_create();
	has_loop = true;
	fiber_spawn("replies", read_replies, &in);
	while (fiber_count() > 0)
		loop_turn(true);
	return 0;
}
