#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>

#include "base/clock.h"
#include "base/dial.h"
#include "base/redis_internal.h"

#define PAUSE_MIN	(100 * CLOCK_MS)
#define PAUSE_MAX	(4 * CLOCK_S)	/* and a quarter of it for jitter */
#define STEADY		CLOCK_S		/* a link that lived as long was good */
#define DOUBLINGS	6		/* of PAUSE_MIN: beyond PAUSE_MAX */

/* Before the n-th attempt. */
static int64_t
pause_before(unsigned n)
{
	int64_t us;

	if (n == 0)
		return 0;
	us = PAUSE_MIN << (n - 1 < DOUBLINGS ? n - 1 : DOUBLINGS);
	if (us > PAUSE_MAX)
		us = PAUSE_MAX;
	return us + arc4random_uniform((uint32_t)(us / 4));
}

/* --- sending, and watching that answers come --- */

/* Until when the oldest call may stay unanswered: behind its deadline it has
 * left, and the link gets as long again as a new one would. */
static int64_t
patience(const struct redis_link *l)
{
	int64_t more = l->redis->options.timeout;

	if (l->first == NULL || l->first->deadline > CLOCK_NEVER - more)
		return CLOCK_NEVER;
	return l->first->deadline + more;
}

static MAY_YIELD int
send_gathered(struct redis_link *l, struct buf *b, struct err *err)
{
	struct buf empty = *b;
	int ret;

	*b = l->out;
	l->out = empty;
	l->sending = b->len;
	ret = conn_write(l->conn, b->p, b->len, patience(l), err);
	l->sending = 0;
	buf_clear(b);
	return ret;
}

static MAY_YIELD void
write_main(void *arg)
{
	struct redis_link *l = arg;
	struct buf b = {0};
	struct err err;

	for (;;) {
		if (l->out.len > 0) {
			if (send_gathered(l, &b, &err) < 0)
				break;
		} else if (fiber_wait(patience(l), &err) < 0 &&
		    (err.kind != ERR_TIMEOUT || clock_now() >= patience(l)))
			break;
	}
	l->is_silent = err.kind == ERR_TIMEOUT;
	l->state = LINK_DOWN;	/* nobody would send more calls */
	buf_free(&b);
	shutdown(conn_fd(l->conn), SHUT_RDWR);	/* the reader sees it */
}

/* --- answers --- */

/* A replica refuses changes, and who has lost his rights everything: another
 * connection may reach the master, or be let in. */
static void
renew(struct redis_link *l, const struct redis_reply *reply)
{
	const struct redis_reply *error = redis_reply_error(reply);
	struct span code;

	if (error == NULL || l->is_leaving || clock_now() < l->renew_at)
		return;
	code = redis_reply_code(error);
	if (!span_is(code, "READONLY") && !span_is(code, "NOAUTH"))
		return;
	if (clock_now() > l->renew_at + 2 * PAUSE_MAX)
		l->renewals = 0;
	l->renew_at = clock_now() + pause_before(++l->renewals);
	l->is_leaving = true;
	l->attempts = 0;
}

static void
finish(struct redis_link *l, bool is_lost)
{
	struct redis_call *call = l->first;

	l->first = call->next;
	if (l->first == NULL)
		l->end = &l->first;
	l->waiting--;
	if (call->fiber == NULL) {
		free(call);
		return;
	}
	call->is_done = true;
	call->is_lost = is_lost;
	fiber_wake(call->fiber);
}

static int
take_answer(struct redis_link *l, const struct redis_reply *reply,
    struct err *err)
{
	struct redis_call *call = l->first;

	if (call == NULL) {	/* its last words, mostly */
		if (redis_reply_check(reply, err) < 0)
			return -1;
		return err_set(err, ERR_SYNTAX,
		    "an answer that nobody asked for");
	}
	l->is_suspect = false;
	if (call->fiber != NULL)
		call->replies[call->answered] = redis_reply_copy(call->arena,
		    reply);
	renew(l, reply);
	if (++call->answered == call->n)
		finish(l, false);
	return 0;
}

/* More of the next answer, or some of them. */
static MAY_YIELD int
hear(struct redis_link *l, int64_t deadline, struct err *err)
{
	struct span bytes;

	if (conn_fill(l->conn, deadline, err) < 0)
		return -1;
	bytes = conn_input(l->conn);
	if (redis_reader_feed(l->reader, bytes, err) < 0)
		return -1;
	conn_consume(l->conn, bytes.len);
	return 0;
}

static MAY_YIELD void
serve(struct redis_link *l)
{
	const struct redis_reply *reply;
	int ret = 0;

	while (!l->is_leaving || l->first != NULL) {
		ret = redis_reader_next(l->reader, &reply, &l->lost);
		if (ret == 0)
			ret = hear(l, CLOCK_NEVER, &l->lost);
		else if (ret > 0)
			ret = take_answer(l, reply, &l->lost);
		if (ret < 0)
			break;
	}
	if (ret == 0)
		return;
	if (l->redis->is_stopping)
		err_set(&l->lost, ERR_UNAVAIL, "it is being closed");
	else if (l->is_silent)
		err_set(&l->lost, ERR_UNAVAIL, "no answer in time, "
		    "and none after it");
	else
		err_prefix(&l->lost, "the connection broke");
	l->why = l->lost;
	l->redis->stats.lost += !l->redis->is_stopping;
}

/* --- connecting --- */

static MAY_YIELD int
dial_server(const struct redis *r, int64_t deadline, int *fd,
    struct err *err)
{
	struct arena *a;
	int ret;

	if (r->options.path != NULL)
		return dial(&r->addr, deadline, fd, err);
	a = arena_create("redis name");
	ret = dial_host(a, r->options.host, r->options.port, deadline, fd,
	    err);
	arena_destroy(&a);
	return ret;
}

static MAY_YIELD int
expect_ok(struct redis_link *l, const char *to, int64_t deadline,
    struct err *err)
{
	const struct redis_reply *reply;
	int ret;

	while ((ret = redis_reader_next(l->reader, &reply, err)) == 0)
		if (hear(l, deadline, err) < 0)
			return err_prefix(err, "%s", to);
	if (ret < 0)
		return err_prefix(err, "%s", to);
	/* A user who may not PING is there all the same. */
	if (reply->type == REDIS_ERROR &&
	    span_is(redis_reply_code(reply), "NOPERM") &&
	    span_is(span_z(to), "PING"))
		return 0;
	if (redis_reply_check(reply, err) < 0)
		return err_prefix(err, "%s", to);
	return 0;
}

/* The first words go out at once; PING tells whether it serves (LOADING). */
static MAY_YIELD int
introduce(struct redis_link *l, int64_t deadline, struct err *err)
{
	const struct redis_options *o = &l->redis->options;
	struct span auth[3] = { SPAN_LIT("AUTH") }, ping = SPAN_LIT("PING");
	struct span select[2] = { SPAN_LIT("SELECT") };
	char number[16];
	struct buf b = {0};
	size_t n = 1;
	int ret;

	if (o->password != NULL) {
		if (o->user != NULL)
			auth[n++] = span_z(o->user);
		auth[n++] = span_z(o->password);
		redis_put_command(&b, &(struct redis_command){ auth, n });
	}
	if (o->database != 0) {
		snprintf(number, sizeof(number), "%u", o->database);
		select[1] = span_z(number);
		redis_put_command(&b, &(struct redis_command){ select, 2 });
	}
	redis_put_command(&b, &(struct redis_command){ &ping, 1 });
	ret = conn_write(l->conn, b.p, b.len, deadline, err);
	buf_free(&b);
	/* Who closes at once has mostly said why: it is there to be read. */
	if (ret < 0 && err->kind != ERR_CLOSED)
		return -1;
	if (o->password != NULL && expect_ok(l, "AUTH", deadline, err) < 0)
		return -1;
	if (o->database != 0 && expect_ok(l, "SELECT", deadline, err) < 0)
		return -1;
	return expect_ok(l, "PING", deadline, err);
}

static MAY_YIELD int
connect_link(struct redis_link *l, struct err *err)
{
	int64_t deadline = clock_now() + l->redis->options.timeout;
	int fd;

	if (dial_server(l->redis, deadline, &fd, err) < 0)
		return -1;
	l->conn = conn_open(fd);
	l->reader = redis_reader_create();
	return introduce(l, deadline, err);
}

/* --- a link, from its first attempt to the end of the process --- */

static void
take_down(struct redis_link *l)
{
	l->state = LINK_DOWN;
	l->is_leaving = l->is_suspect = l->is_silent = false;
	conn_close(&l->conn);
	redis_reader_destroy(&l->reader);
	buf_free(&l->out);
	while (l->first != NULL)
		finish(l, true);
}

/* While it is up, with its writer beside it. */
static MAY_YIELD void
use(struct redis_link *l)
{
	int64_t since = clock_now();
	struct fiber *writer;
	bool is_renewed;
	struct err err;

	l->writer = writer = fiber_spawn_joinable("redis writer", write_main,
	    l);
	l->state = LINK_UP;
	redis_wake_hopeful(l->redis);
	serve(l);
	is_renewed = l->is_leaving;
	l->state = LINK_DOWN;
	l->writer = NULL;
	fiber_stop(writer);
	fiber_join(&writer, CLOCK_NEVER, &err);
	if (is_renewed || clock_now() - since >= STEADY)
		l->attempts = 0;
	else
		l->attempts++;
}

static MAY_YIELD void
link_main(void *arg)
{
	struct redis_link *l = arg;
	struct redis *r = l->redis;
	struct err err;

	while (!r->is_stopping) {
		l->state = LINK_CONNECTING;
		if (connect_link(l, &err) == 0) {
			r->stats.connects++;
			use(l);
		} else {
			r->stats.connects_failed++;
			l->attempts++;
			l->why = err;
		}
		take_down(l);
		redis_wake_hopeful(r);
		if (fiber_sleep(pause_before(l->attempts), &err) < 0)
			break;
	}
	l->fiber = NULL;
}

void
redis_link_start(struct redis_link *l)
{
	l->end = &l->first;
	l->fiber = fiber_spawn("redis", link_main, l);
}
