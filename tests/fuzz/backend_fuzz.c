#include <assert.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/loop.h"
#include "gateway/backend.h"
#include "tests/fake/fake.h"

/*
 * A mail given to a backend that answers anything at all. The first octet
 * chooses the settings; the rest is what the backend says, in pieces that
 * end with an octet 1, each sent when the gateway waits for it. After the
 * last piece the backend closes; connections made then are refused.
 *
 * Whatever it says: the gateway comes to an end, and tells of success only if
 * the backend spoke, with a 2, after it had the whole message.
 */
int	LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define INPUT_MAX	8192
#define DIALS_MAX	4
#define LAST_LINE	"the end\r\n"

enum { WITH_LMTP = 1, WITH_CLIENT_INFO = 2, WITH_TWO_RCPTS = 4,
    WITH_DOTS = 8, WITH_REUSE = 16, WITH_PRDR = 32, WITH_REST = 64 };

static struct {
	const uint8_t	*rest;
	size_t		 left;
	unsigned	 flags;
	unsigned	 dials;
	int		 fd;		/* its end of the connection, or -1 */
	struct buf	 heard;		/* over this connection */
	size_t		 seen;		/* of that, by the last piece said */
	bool		 has_message;	/* of the mail under way */
	bool		 has_consented;	/* said a 2 since then */
	struct backends	*backends;
	bool		 done;
} fuzz;

/* --- the backend --- */

static int
on_dial(int fd)
{
	if (fuzz.fd >= 0) {
		close(fuzz.fd);
		fuzz.fd = -1;
	}
	if (fuzz.left == 0 || fuzz.dials++ == DIALS_MAX)
		return FAKE_DIAL_REFUSED;
	fuzz.fd = fd;
	buf_clear(&fuzz.heard);
	fuzz.seen = 0;
	fuzz.has_message = fuzz.has_consented = false;
	return 0;
}

static bool
hear(void)
{
	char block[1024];
	ssize_t n;

	if (fuzz.fd < 0)
		return false;
	n = recv(fuzz.fd, block, sizeof(block), MSG_DONTWAIT);
	if (n > 0)
		buf_put(&fuzz.heard, block, (size_t)n);
	return n > 0;
}

/* Has it the end of a message, that it had not when it spoke before? */
static bool
has_new_message(void)
{
	return fuzz.heard.len > fuzz.seen && memmem(fuzz.heard.p + fuzz.seen,
	    fuzz.heard.len - fuzz.seen, LAST_LINE, strlen(LAST_LINE)) != NULL;
}

static void
speak(void)
{
	const uint8_t *end = memchr(fuzz.rest, 1, fuzz.left);
	size_t n = end != NULL ? (size_t)(end - fuzz.rest) : fuzz.left;

	fuzz.has_message |= has_new_message();
	fuzz.has_consented |= fuzz.has_message && n > 0 &&
	    memchr(fuzz.rest, '2', n) != NULL;
	fuzz.seen = fuzz.heard.len;
	if (n > 0)
		(void)!send(fuzz.fd, fuzz.rest, n, MSG_DONTWAIT |
		    MSG_NOSIGNAL);
	n += end != NULL;
	fuzz.rest += n;
	fuzz.left -= n;
}

/* --- the gateway --- */

static MAY_YIELD void
send_message(struct arena *a, struct backend_tx *tx, size_t nrcpts)
{
	const struct reply **answers;
	struct backend_message message = {
		.trace = SPAN_LIT("Received: by the fuzzer\r\n"),
		.spool = spool_open(a, "/tmp"),
		.has_dots = fuzz.flags & WITH_DOTS, .ends_in_crlf = true,
	};
	struct err err;

	spool_write(message.spool, span_z("A: b\r\n\r\n"), &err);
	if (message.has_dots)
		spool_write(message.spool, span_z(".\r\n"), &err);
	spool_write(message.spool, span_z(LAST_LINE), &err);
	spool_end(message.spool, &err);
	if (backend_send(tx, &message, &answers, &err) < 0)
		return;
	for (size_t i = 0; i < nrcpts; i++) {
		assert(answers[i]->code >= 250 && answers[i]->code <= 599);
		assert(answers[i]->code / 100 != 3);
		if (reply_is_ok(answers[i]))
			assert(fuzz.has_consented);
	}
}

static MAY_YIELD void
one_mail(void)
{
	struct arena *a = arena_create("fuzz");
	struct client client = { .helo = "c.example" };
	struct rcpt rcpt = { .addr.text = SPAN_LIT("r@here.example") };
	struct envelope e = { .sender.text = SPAN_LIT("s@there.example"),
	    .prdr = fuzz.flags & WITH_PRDR };
	size_t i, n = fuzz.flags & WITH_TWO_RCPTS ? 2 : 1;
	struct reply *answer = arena_new(a, struct reply);
	struct backend_tx *tx;
	struct err err;

	fuzz.has_message = fuzz.has_consented = false;
	addr_parse_ip(span_z("192.0.2.9"), 99, &client.addr, &err);
	e.rcpts = arena_new_n(a, n, struct rcpt);
	tx = backend_begin(a, backends_at(fuzz.backends, 0), &client, &e,
	    "fuzz");
	for (i = 0; i < n; i++) {
		if (backend_rcpt(tx, &rcpt, answer, &err) < 0)
			continue;
		assert(answer->code >= 250 && answer->code <= 599);
		assert(answer->code / 100 != 3 && answer->code != 421);
		if (reply_is_ok(answer))
			e.rcpts[e.nrcpts++] = rcpt;
	}
	if (fuzz.flags & WITH_REST && e.nrcpts > 1) {
		e.nrcpts--;
		backend_rest(tx);
	}
	if (e.nrcpts > 0)
		send_message(a, tx, e.nrcpts);
	arena_destroy(&a);
}

static void
mail_fiber(void *arg)
{
	(void)arg;
	one_mail();
	if (fuzz.flags & WITH_REUSE)
		one_mail();
	fuzz.done = true;
}

/* Until nothing more happens by itself. */
static void
settle(void)
{
	int idle;

	for (idle = 0; idle < 3; idle++) {
		loop_turn(false);
		if (hear())
			idle = -1;
	}
}

static void
converse(void)
{
	while (!fuzz.done) {
		settle();
		if (fuzz.done)
			break;
		if (fuzz.fd >= 0 && fuzz.left > 0) {
			speak();
		} else if (fuzz.fd >= 0) {
			close(fuzz.fd);
			fuzz.fd = -1;
		} else {
			fake_clock_advance(CLOCK_S);
		}
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct backend_url url = { .text = "smtp://192.0.2.1:25",
	    .weight = 1 };
	static struct backend_conf conf = { .name = "b", .urls = &url,
	    .nurls = 1, .connect_timeout = CLOCK_S, .reply_timeout = CLOCK_S,
	    .data_timeout = CLOCK_S, .max_idle = 1, .idle_time = 60 * CLOCK_S,
	    .max_uses = 10, .max_age = 60 * CLOCK_S, .retry_time = CLOCK_S };
	static struct settings settings = { .hostname = "gw.example",
	    .backends = &conf, .nbackends = 1 };
	struct err err;

	if (size < 1 || size > INPUT_MAX)
		return 0;
	if (loop_base() == NULL) {
		loop_create();
		log_level(LOG_LABEL_BUG);
		fake_dial = on_dial;
		addr_parse(span_z("192.0.2.1:25"), &url.addr, &err);
	}
	fuzz.fd = -1;
	fuzz.flags = data[0];
	fuzz.rest = data + 1;
	fuzz.left = size - 1;
	fuzz.dials = 0;
	fuzz.done = false;
	url.proto = fuzz.flags & WITH_LMTP ? PROTO_LMTP : PROTO_SMTP;
	conf.client_info = fuzz.flags & WITH_CLIENT_INFO ? CLIENT_INFO_AUTO :
	    CLIENT_INFO_NONE;
	fuzz.backends = backends_create(&settings, &err);
	fiber_spawn("mail", mail_fiber, NULL);
	converse();
	backends_destroy(&fuzz.backends);
	if (fuzz.fd >= 0)
		close(fuzz.fd);
	fuzz.fd = -1;
	while (fiber_count() > 0) {
		loop_turn(false);
		fake_clock_advance(CLOCK_S);
	}
	buf_free(&fuzz.heard);
	return 0;
}
