#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/conn.h"
#include "base/loop.h"
#include "tests/kit/t.h"

static struct conn	*left, *right;
static bool		 over_tcp;

static void
tcp_pair(int fd[2])
{
	struct sockaddr_in sin = { .sin_family = AF_INET };
	socklen_t len = sizeof(sin);
	int listener = socket(AF_INET, SOCK_STREAM, 0);

	sin.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	fd[1] = socket(AF_INET, SOCK_STREAM, 0);
	if (bind(listener, (struct sockaddr *)&sin, len) < 0 ||
	    listen(listener, 1) < 0 ||
	    getsockname(listener, (struct sockaddr *)&sin, &len) < 0 ||
	    connect(fd[1], (struct sockaddr *)&sin, len) < 0)
		abort();
	fd[0] = accept4(listener, NULL, NULL, SOCK_NONBLOCK);
	close(listener);
}

static void
pair(void)
{
	int fd[2];

	if (over_tcp)
		tcp_pair(fd);
	else if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK |
	    SOCK_CLOEXEC, 0, fd) < 0)
		abort();
	left = conn_open(fd[0]);
	right = conn_open(fd[1]);
}

static void
run(void (*a)(void *), void (*b)(void *))
{
	pair();
	fiber_spawn("left", a, NULL);
	if (b != NULL)
		fiber_spawn("right", b, NULL);
	while (fiber_count() > 0)
		loop_turn(true);
	conn_close(&left);
	conn_close(&right);
}

static int64_t
soon(void)
{
	return clock_now() + 5 * CLOCK_S;
}

/* --- a dialogue --- */

static char	heard[64];

static MAY_YIELD void
ask(void *arg)
{
	struct err err;

	(void)arg;
	conn_puts(left, "ping");
	T_INT("put gathers", conn_pending(left), 4);
	/* No flush: a wait for the answer sends what was gathered. */
	T_INT("fill gets the answer", conn_fill(left, soon(), &err), 0);
	T_STR("which is", conn_input(left).len == 4 ? "4" : "?", "4");
	memcpy(heard, conn_input(left).p, 4);
	conn_consume(left, 4);
	T_INT("all consumed", conn_input(left).len, 0);
	T_INT("counted in", conn_bytes_in(left), 4);
	T_INT("counted out", conn_bytes_out(left), 4);
}

static MAY_YIELD void
answer(void *arg)
{
	struct err err;

	(void)arg;
	while (conn_input(right).len < 4)
		if (conn_fill(right, soon(), &err) < 0)
			return;
	conn_write(right, "pong", 4, soon(), &err);
}

/* --- reading to a place of one's own, sending from many --- */

static MAY_YIELD void
send_runs(void *arg)
{
	struct iovec runs[] = {
		{ (void *)"one ", 4 }, { (void *)"", 0 },
		{ (void *)"two ", 4 }, { (void *)"three", 5 }
	};
	struct err err;

	(void)arg;
	conn_puts(left, "zero ");
	T_INT("runs", conn_writev(left, runs, 4, soon(), &err), 0);
	T_INT("and what was gathered", conn_pending(left), 0);
	T_INT("no run", conn_writev(left, NULL, 0, soon(), &err), 0);
}

static MAY_YIELD void
read_runs(void *arg)
{
	static const char want[] = "zero one two three";
	char text[64];
	struct err err;
	ssize_t n, got_now;

	(void)arg;
	T_INT("at most so many", conn_read(right, text, 6, soon(), &err), 6);
	T_INT("nothing is read ahead", conn_input(right).len, 0);
	conn_put_back(right, span_n("", 0));
	T_INT("nothing given back", conn_input(right).len, 0);
	conn_put_back(right, span_n(text + 2, 4));
	T_INT("given back", conn_input(right).len, 4);
	memset(text + 2, '-', 4);
	T_INT("it comes first", conn_read(right, text + 2, 3, soon(), &err),
	    3);
	for (n = 5; n < (ssize_t)strlen(want); n += got_now) {
		got_now = conn_read(right, text + n, sizeof(text) - n - 1,
		    soon(), &err);
		if (got_now < 0)
			break;
	}
	text[n] = '\0';
	T_STR("the runs", text, want);
	T_INT("each octet is counted once", conn_bytes_in(right), n);
}

/* More than an input buffer takes: it is read all the same, with what comes
 * behind it. */
static MAY_YIELD void
give_much_back(void *arg)
{
	static char much[CONN_INPUT + 100];
	struct err err;

	(void)arg;
	memset(much, 'x', sizeof(much));
	conn_put_back(right, span_n(much, sizeof(much)));
	T_INT("much given back", conn_input(right).len, sizeof(much));
	conn_consume(right, sizeof(much) - 4);
	T_INT("more comes", conn_fill(right, soon(), &err), 0);
	T_OK("behind it", span_is(conn_input(right), "xxxxmore"));
}

static MAY_YIELD void
send_more(void *arg)
{
	struct err err;

	(void)arg;
	conn_write(left, "more", 4, soon(), &err);
}

/* --- large transfers, both ways of sending --- */

#define LARGE	(3 * 1024 * 1024 + 17)
static unsigned char	*large;
static size_t		 got;
static bool		 is_same;

static MAY_YIELD void
send_large(void *arg)
{
	FILE *file;
	struct err err;

	(void)arg;

	conn_puts(left, "head");
	T_INT("large write", conn_write(left, large, LARGE, soon(), &err), 0);
	file = tmpfile();
	if (file == NULL || fwrite(large, 1, LARGE, file) != LARGE ||
	    fflush(file) != 0)
		abort();
	conn_puts(left, "file");
	T_INT("large file", conn_send_file(left, fileno(file), 5, LARGE - 5,
	    soon(), &err), 0);
	fclose(file);
	shutdown(conn_fd(left), SHUT_WR);
}

static MAY_YIELD void
receive_large(void *arg)
{
	size_t total = 4 + LARGE + 4 + LARGE - 5;
	unsigned char *want = malloc(total);
	struct span in;
	struct err err;

	(void)arg;
	memcpy(want, "head", 4);
	memcpy(want + 4, large, LARGE);
	memcpy(want + 4 + LARGE, "file", 4);
	memcpy(want + 8 + LARGE, large + 5, LARGE - 5);
	is_same = true;
	for (got = 0; conn_fill(right, soon(), &err) == 0; ) {
		in = conn_input(right);
		is_same &= got + in.len <= total &&
		    memcmp(want + got, in.p, in.len) == 0;
		got += in.len;
		conn_consume(right, in.len);
	}
	T_INT("all octets came", got, total);
	T_OK("and are the same", is_same);
	T_INT("then the end is told", err.kind, ERR_CLOSED);
	free(want);
}

/* --- limits and failures --- */

static MAY_YIELD void
fill_over(void *arg)
{
	struct err err;
	int ret;

	(void)arg;
	while ((ret = conn_fill(right, soon(), &err)) == 0)
		;
	T_INT("unread input is bounded", conn_input(right).len, CONN_INPUT);
	T_INT("and more is refused", err.kind, ERR_SYNTAX);
	conn_consume(right, CONN_INPUT);
	/* The rest is still there. */
	while (conn_fill(right, soon(), &err) == 0)
		conn_consume(right, conn_input(right).len);
}

static MAY_YIELD void
send_and_close(void *arg)
{
	struct err err;

	(void)arg;
	conn_write(left, large, 2 * CONN_INPUT, soon(), &err);
	shutdown(conn_fd(left), SHUT_WR);
}

static MAY_YIELD void
time_out(void *arg)
{
	struct err err;

	(void)arg;
	T_INT("silence", conn_fill(left, clock_now() + CLOCK_MS, &err), -1);
	T_INT("is a timeout", err.kind, ERR_TIMEOUT);
	T_INT("a deadline in the past only looks",
	    conn_fill(left, 0, &err), -1);
	T_INT("and is a timeout too", err.kind, ERR_TIMEOUT);
	T_INT("nothing unread", conn_unread(left), 0);
	conn_puts(right, "x");
	conn_flush(right, soon(), &err);
	T_INT("a deadline in the past finds what is there",
	    conn_fill(left, 0, &err) == 0 || conn_fill(left, soon(), &err) == 0,
	    1);
	T_INT("unread", conn_unread(left), 1);
}

static MAY_YIELD void
write_to_nobody(void *arg)
{
	struct err err;

	(void)arg;
	T_INT("a reader that does not read", conn_write(left, large, LARGE,
	    clock_now() + 20 * CLOCK_MS, &err), -1);
	T_INT("ends by the deadline", err.kind, ERR_TIMEOUT);
	shutdown(conn_fd(right), SHUT_RDWR);
	T_INT("a peer that left", conn_write(left, "x", 1, soon(), &err), -1);
	T_INT("is closed", err.kind, ERR_CLOSED);
}

static MAY_YIELD void
go_stale(void *arg)
{
	struct err err;

	(void)arg;
	T_OK("a quiet connection is fresh", !conn_is_stale(left));
	T_OK("again", !conn_is_stale(left));
	conn_write(right, "421 bye", 7, soon(), &err);
	fiber_sleep(2 * CLOCK_MS, &err);
	T_OK("one that was written to is stale", conn_is_stale(left));
}

static MAY_YIELD void
go_closed(void *arg)
{
	struct err err;

	(void)arg;
	T_INT("look", conn_fill(left, clock_now() + CLOCK_MS, &err), -1);
	T_OK("a quiet connection is fresh", !conn_is_stale(left));
	conn_close(&right);
	fiber_sleep(2 * CLOCK_MS, &err);
	T_OK("one that was closed is stale", conn_is_stale(left));
}

/* The end of the stream comes with the last octets: it must not be missed
 * by the rule that a short read empties the socket. */
static MAY_YIELD void
last_words(void *arg)
{
	struct err err;

	(void)arg;
	T_INT("nothing yet", conn_fill(left, clock_now() + CLOCK_MS, &err),
	    -1);
	conn_write(right, "bye", 3, soon(), &err);
	conn_close(&right);
	T_INT("last octets", conn_fill(left, soon(), &err), 0);
	T_INT("all three", conn_input(left).len, 3);
	T_INT("then", conn_fill(left, soon(), &err), -1);
	T_INT("the end", err.kind, ERR_CLOSED);
}

/* A reset that is told by the same event as the last octets is not waited
 * for in vain. */
static MAY_YIELD void
last_words_and_reset(void *arg)
{
	struct linger now = { .l_onoff = 1 };
	struct err err;

	(void)arg;
	T_INT("nothing yet", conn_fill(left, clock_now() + CLOCK_MS, &err),
	    -1);
	conn_write(right, "bye", 3, soon(), &err);
	setsockopt(conn_fd(right), SOL_SOCKET, SO_LINGER, &now, sizeof(now));
	conn_close(&right);
	while (conn_fill(left, soon(), &err) == 0)
		;
	T_INT("a reset is the end", err.kind, ERR_CLOSED);
}

/* A line that comes octet by octet is kept over the waits. */
static MAY_YIELD void
drip(void *arg)
{
	const char *text = "drip drip";
	struct err err;

	(void)arg;
	for (; *text != '\0'; text++) {
		conn_write(left, text, 1, soon(), &err);
		fiber_sleep(CLOCK_MS, &err);
	}
	shutdown(conn_fd(left), SHUT_WR);
}

static MAY_YIELD void
collect(void *arg)
{
	struct err err;

	(void)arg;
	while (conn_fill(right, soon(), &err) == 0)
		;
	T_OK("octets of a slow line add up", span_is(conn_input(right),
	    "drip drip"));
}

/* --- a peer that sends faster than we work --- */

static unsigned	turns_of_others;
static bool	is_flooded;

static MAY_YIELD void
flooded(void *arg)
{
	int64_t deadline = clock_now() + 20 * CLOCK_MS;
	static char some[1000];
	struct err err = {0};
	int i;

	(void)arg;
	is_flooded = true;
	for (i = 0; i < 100 * 1000 * 1000; i++) {
		conn_write(right, some, sizeof(some), soon(), &err);
		if (conn_fill(left, deadline, &err) < 0)
			break;
		conn_consume(left, conn_input(left).len);
	}
	T_INT("a deadline holds without a wait", err.kind, ERR_TIMEOUT);
	T_OK("others run meanwhile", turns_of_others > 2);
	is_flooded = false;
}

static MAY_YIELD void
look_on(void *arg)
{
	(void)arg;
	do {
		turns_of_others++;
		fiber_yield();
	} while (is_flooded);
}

/* --- who does not wait for the peer --- */

static MAY_YIELD void
rest_between(void *arg)
{
	const char *block;
	struct err err;

	(void)arg;
	conn_write(right, "one", 3, soon(), &err);
	conn_fill(left, soon(), &err);
	conn_rest(left);
	T_OK("what is unread stays", span_is(conn_input(left), "one"));
	block = conn_input(left).p;
	conn_consume(left, 3);
	conn_rest(left);
	conn_write(left, "two", 3, soon(), &err);
	conn_fill(right, soon(), &err);
	T_OK("an empty buffer is another's", conn_input(right).p == block);
	conn_write(right, "three", 5, soon(), &err);
	T_INT("who has rested reads on", conn_fill(left, soon(), &err), 0);
	T_OK("what has come", span_is(conn_input(left), "three"));
}

/* --- last words to a peer that is still sending --- */

static MAY_YIELD void
send_and_listen(void *arg)
{
	struct err err;

	(void)arg;
	conn_write(left, large, 100 * 1024, soon(), &err);
	T_INT("the last words are heard", conn_fill(left, soon(), &err), 0);
	T_OK("whole", span_is(conn_input(left), "421 bye"));
	conn_consume(left, conn_input(left).len);
	T_INT("then the end, not a reset", conn_fill(left, soon(), &err), -1);
	T_STR("which says so", err.text, "closed by the peer");
	conn_close(&left);
}

static MAY_YIELD void
say_and_linger(void *arg)
{
	int64_t begin = clock_now();
	struct err err;

	(void)arg;
	conn_fill(right, soon(), &err);
	conn_puts(right, "421 bye");
	conn_linger(right, 1 << 20, soon());
	T_OK("until the peer closes", clock_now() - begin < 4 * CLOCK_S);
	conn_close(&right);
}

int
main(void)
{
	size_t i;

	large = malloc(LARGE);
	for (i = 0; i < LARGE; i++)
		large[i] = (unsigned char)(i * 31 + i / 251);
	loop_create();
	run(ask, answer);
	T_STR("the answer", heard, "pong");
	run(send_runs, read_runs);
	run(give_much_back, send_more);
	run(send_large, receive_large);
	run(send_and_close, fill_over);
	run(time_out, NULL);
	run(write_to_nobody, NULL);
	run(go_stale, NULL);
	run(go_closed, NULL);
	run(last_words, NULL);
	run(drip, collect);
	run(rest_between, NULL);
	run(send_and_listen, say_and_linger);
	run(flooded, look_on);
	over_tcp = true;
	run(last_words_and_reset, NULL);
	loop_destroy();
	free(large);
	return t_done();
}
