#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/loop.h"
#include "milter/packet.h"
#include "tests/kit/t.h"

#define MOST	10

static const char	*wire;		/* what the filter sends */
static size_t		 wire_len, piece;
static struct conn	*mta, *filter;
static char		 got[512];

static MAY_YIELD void
send_pieces(void *arg)
{
	struct err err;
	size_t n;

	(void)arg;
	for (size_t at = 0; at < wire_len; at += n) {
		n = wire_len - at < piece ? wire_len - at : piece;
		if (conn_write(filter, wire + at, n, clock_now() +
		    10 * 1000000, &err) < 0)
			break;
		fiber_yield();
	}
	conn_close(&filter);
}

/* All packets until an error, in short. */
static MAY_YIELD void
read_all(void *arg)
{
	struct buf room = { 0 }, out = { 0 };
	char letter[PACKET_LETTER];
	struct packet p;
	struct err err;

	(void)arg;
	while (packet_read(mta, MOST, clock_now() + 10 * 1000000, &room, &p,
	    &err) == 0)
		buf_printf(&out, "%s[%.*s] ", packet_letter(p.command, letter),
		    SPAN_ARG(p.data));
	buf_printf(&out, "%s: %s", err_kind_name(err.kind), err.text);
	buf_put(&out, "", 1);
	snprintf(got, sizeof(got), "%s", out.p);
	buf_free(&out);
	buf_free(&room);
	conn_close(&mta);
}

static const char *
read_wire(const char *bytes, size_t len, size_t step)
{
	int fd[2];

	wire = bytes;
	wire_len = len;
	piece = step;
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0,
	    fd) < 0)
		abort();
	mta = conn_open(fd[0]);
	filter = conn_open(fd[1]);
	fiber_spawn("filter", send_pieces, NULL);
	fiber_spawn("mta", read_all, NULL);
	while (fiber_count() > 0)
		loop_turn(true);
	return got;
}

#define WIRE(text)	text, sizeof(text) - 1
static const struct {
	const char	*name, *in;
	size_t		 len;
	const char	*want;
} cases[] = {
	{ "no data", WIRE("\0\0\0\1c"),
	    "'c'[] closed: closed by the peer" },
	{ "data", WIRE("\0\0\0\4hab\0"),
	    "'h'[ab] closed: closed by the peer" },
	{ "several at once", WIRE("\0\0\0\1p\0\0\0\2bx\0\0\0\1a"),
	    "'p'[] 'b'[x] 'a'[] closed: closed by the peer" },
	{ "the most there may be", WIRE("\0\0\0\13b0123456789"),
	    "'b'[0123456789] closed: closed by the peer" },
	{ "one more", WIRE("\0\0\0\14b0123456789x"),
	    "syntax: a packet 'b' of 12 octets (0x0000000c), where 11 is "
	    "the most" },
	{ "length of a text", WIRE("HTTP/1.1 400 Bad Request\r\n"),
	    "syntax: a packet '/' of 1213486160 octets (0x48545450), where "
	    "11 is the most" },
	{ "the largest length", WIRE("\377\377\377\377\1"),
	    "syntax: a packet 0x01 of 4294967295 octets (0xffffffff), where "
	    "11 is the most" },
	{ "length 0", WIRE("\0\0\0\0c"),
	    "syntax: a packet without a command, then 'c'" },
	{ "ends in the head", WIRE("\0\0\0"),
	    "closed: after 3 octets of a packet: closed by the "
	    "peer" },
	{ "ends in the data", WIRE("\0\0\0\5hab"),
	    "closed: after 3 of 5 octets of a packet 'h': closed "
	    "by the peer" },
	{ "nothing", "", 0, "closed: closed by the peer" },
};

/* A filter that stops in the middle of a packet. */
static MAY_YIELD void
read_late(void *arg)
{
	struct buf room = { 0 };
	struct packet p;
	struct err err;

	(void)arg;
	T_INT("a packet that stops: fails", packet_read(mta, MOST,
	    clock_now() + 20 * 1000, &room, &p, &err), -1);
	T_INT("a packet that stops: timeout", err.kind, ERR_TIMEOUT);
	T_OK("a packet that stops: how far", strstr(err.text,
	    "after 2 of 3 octets of a packet 'y'") == err.text);
	buf_free(&room);
	conn_close(&mta);
}

static void
stall_test(void)
{
	int fd[2];

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0,
	    fd) < 0 || write(fd[1], "\0\0\0\3y5", 6) != 6)
		abort();
	mta = conn_open(fd[0]);
	fiber_spawn("mta", read_late, NULL);
	while (fiber_count() > 0)
		loop_turn(true);
	close(fd[1]);
}

/* 4 GiB announced, and 1 MiB allowed: the buffer holds what came. */
static MAY_YIELD void
read_large(void *arg)
{
	struct buf room = { 0 };
	struct packet p;
	struct err err;

	(void)arg;
	T_INT("a large length: fails", packet_read(mta, 1024 * 1024 - 1,
	    clock_now() + 10 * 1000000, &room, &p, &err), -1);
	T_OK("a large length takes no memory", room.cap <= 64 * 1024);
	buf_free(&room);
	conn_close(&mta);
}

static void
memory_test(void)
{
	int fd[2];

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0,
	    fd) < 0 || write(fd[1], "\0\20\0\0b12345", 10) != 10)
		abort();
	close(fd[1]);
	mta = conn_open(fd[0]);
	fiber_spawn("mta", read_large, NULL);
	while (fiber_count() > 0)
		loop_turn(true);
}

static void
put_test(void)
{
	struct buf b = { 0 };
	struct span data, text;
	uint32_t n;
	size_t at;

	packet_put(&b, 'c', span_n(NULL, 0));
	at = packet_begin(&b, 'L');
	packet_put_uint(&b, 0x01020304);
	packet_put_string(&b, SPAN_LIT("a\0b"));
	packet_put_string(&b, SPAN_LIT(""));
	packet_end(&b, at);
	T_OK("packets in a row", span_eq(buf_text(&b), SPAN_LIT(
	    "\0\0\0\1c" "\0\0\0\12L\1\2\3\4a?b\0\0")));
	data = span_n(b.p + 10, b.len - 10);
	T_OK("a number", packet_uint(&data, &n) && n == 0x01020304);
	T_OK("a string", packet_string(&data, &text) && span_is(text, "a?b"));
	T_OK("an empty string", packet_string(&data, &text) && text.len == 0);
	T_OK("no more strings", !packet_string(&data, &text));
	T_OK("no number", !packet_uint(&data, &n));
	data = SPAN_LIT("abc");
	T_OK("a string without NUL", !packet_string(&data, &text));
	buf_free(&b);
}

int
main(void)
{
	loop_create();
	put_test();
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		T_STR(cases[i].name, read_wire(cases[i].in, cases[i].len,
		    1000), cases[i].want);
		T_STR(cases[i].name, read_wire(cases[i].in, cases[i].len, 1),
		    cases[i].want);
	}
	stall_test();
	memory_test();
	loop_destroy();
	return t_done();
}
