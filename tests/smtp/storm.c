/*
 * storm -- clients that do anything, under rules that act
 *
 * Sessions made at random: any command in any order, sent ahead or not,
 * clients that leave, a worker that stops, waits that fail; rules, DNS and
 * time at random too. Nothing may crash, leak or hang, and nothing is passed
 * on as taken that no backend has taken. `storm N` plays N of them, `storm N SEED` from this one.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/loop.h"
#include "gateway/session.h"
#include "tests/fake/fake.h"
#include "tests/kit/rule_maker.h"
#include "tests/kit/t.h"
#include "tests/smtp/stage.h"

#define STORMS		300
#define STEPS		60
#define SERVERS		200	/* connections to the backend, of a storm */

static uint64_t		 state;
static char		 folder[] = "/tmp/forepost-storm-XXXXXX";

static unsigned
any(unsigned below)	/* xorshift: the same everywhere */
{
	state ^= state << 13;
	state ^= state >> 7;
	state ^= state << 17;
	return (unsigned)(state >> 33) % below;
}

#define ANY_OF(list)	((list)[any(sizeof(list) / sizeof((list)[0]))])

/* --- a backend that mostly takes what it is given --- */

static struct server {
	int		 fd;		/* -1: over */
	struct buf	 in;
	bool		 in_message;
} servers[SERVERS];
static size_t	nservers;
static unsigned	taken;		/* messages */

static int
on_dial(int fd)
{
	if (any(20) == 0 || nservers == SERVERS)
		return FAKE_DIAL_REFUSED;
	servers[nservers++] = (struct server){ .fd = fd };
	(void)!send(fd, "220 in\r\n", 8, MSG_NOSIGNAL);
	return 0;
}

static void
answer(struct server *s, struct span line)
{
	const char *text = "250 2.0.0 ok\r\n";

	if (s->in_message) {
		if (!span_is(line, "."))
			return;
		s->in_message = false;
		text = any(8) == 0 ? "451 4.3.0 not now\r\n" :
		    "250 2.0.0 kept\r\n";
		taken += text[0] == '2';
	} else if (span_starts_nocase(line, "EHLO"))
		text = "250-in\r\n250 PIPELINING\r\n";
	else if (span_starts_nocase(line, "DATA")) {
		text = "354 go\r\n";
		s->in_message = true;
	} else if (span_starts_nocase(line, "RCPT") && any(6) == 0)
		text = any(2) ? "550 5.1.1 nobody\r\n" :
		    "450 4.2.1 not now\r\n";
	(void)!send(s->fd, text, strlen(text), MSG_NOSIGNAL);
}

static bool
serve(struct server *s)
{
	char block[2048], *eol;
	ssize_t n;

	if (s->fd < 0)
		return false;
	n = recv(s->fd, block, sizeof(block), MSG_DONTWAIT);
	if (n == 0 || (n < 0 && errno != EAGAIN) || any(300) == 0) {
		close(s->fd);
		s->fd = -1;
		buf_free(&s->in);
		return true;
	}
	if (n < 0)
		return false;
	buf_put(&s->in, block, (size_t)n);
	while (s->in.len > 0 && (eol = memmem(s->in.p, s->in.len, "\r\n",
	    2)) != NULL) {
		answer(s, span_n(s->in.p, (size_t)(eol - s->in.p)));
		buf_drop(&s->in, (size_t)(eol + 2 - s->in.p));
	}
	return true;
}

static void
settle(void)
{
	bool moved;

	do {
		stage_settle();
		moved = false;
		for (size_t i = 0; i < nservers; i++)
			moved |= serve(&servers[i]);
	} while (moved);
}

static void
pass_time(int64_t us)
{
	int64_t until = clock_now() + us, next;

	for (settle(); clock_now() < until; settle()) {
		next = fiber_next_deadline();
		if (next > until)
			next = until;
		fake_clock_advance(next > clock_now() ? next - clock_now() :
		    1);
	}
}

/* --- the client --- */

static const char *const commands[] = {
	"EHLO h1.example", "EHLO h2.example", "HELO h3.example",
	"EHLO [192.0.2.9]", "EHLO b.example", "HELO", "MAIL FROM:<>",
	"MAIL FROM:<u@a.example>", "MAIL FROM:<u@a.example> SIZE=20000",
	"MAIL FROM:<root@x.test>", "MAIL FROM:<u@slow.example>", "MAIL",
	"RCPT TO:<root@here.example>", "RCPT TO:<Root@here.example>",
	"RCPT TO:<anna@deep.here.example>", "RCPT TO:<hanna@x.test>",
	"RCPT TO:<rob@here.example>", "RCPT TO:<postmaster>", "RCPT TO:<>",
	"RSET", "NOOP", "VRFY x", "STARTTLS", "XCLIENT PORT=1",
	"XCLIENT ADDR=198.51.100.7", "XCLIENT ADDR=192.0.2.1 NAME=a.example",
	"XCLIENT NAME=[UNAVAILABLE]", "XCLIENT X", "GARBAGE", "DATA",
	"BDAT 4\r\n\r\nx\r", "BDAT 3 LAST\r\n\nx\n", "BDAT 0 LAST",
	"BDAT 26 LAST\r\nSubject: spam\r\n\r\nan abc\r\n\r",
};
/* A dialogue that comes to something, one after the other. */
static const char *const course[] = { "EHLO h1.example",
	"MAIL FROM:<u@a.example>", "RCPT TO:<root@here.example>",
	"RCPT TO:<root@here.example>", "DATA" };
static const char message[] = "From: u@a.example\r\nSubject: spam\r\n"
    "X: ABC\r\nX-B: 1\r\nDKIM-Signature: v=1; a=rsa-sha256; d=a.example; "
    "s=k; h=from; bh=AAAA; b=AAAA\r\n\r\ntext\r\n.\r\n";

static void
say(const char *text)
{
	if (stage.client.fd < 0)
		return;
	(void)!send(stage.client.fd, text, strlen(text), MSG_NOSIGNAL);
	if (text != message)
		(void)!send(stage.client.fd, "\r\n", 2, MSG_NOSIGNAL);
}

static bool
awaits_message(void)
{
	struct span got = buf_text(&stage.client.got);
	const char last[] = "354 End with <CR><LF>.<CR><LF>\r\n";

	return got.len >= sizeof(last) - 1 && memcmp(got.p + got.len -
	    (sizeof(last) - 1), last, sizeof(last) - 1) == 0;
}

static void
step(void)
{
	static size_t at;

	switch (any(12)) {
	case 0:
		pass_time(any(4000) * CLOCK_MS);
		break;
	case 1:
	case 2:
		for (unsigned n = 1 + any(5); n > 0; n--)
			say(ANY_OF(commands));
		break;
	case 3:
	case 4:
		say(ANY_OF(commands));
		break;
	case 5:
		say("RCPT TO:<rob@here.example>");
		break;
	default:
		at = (at + 1) % (sizeof(course) / sizeof(course[0]));
		say(course[at]);
		break;
	}
	settle();
	pass_time(any(2) * 2 * CLOCK_S);
	if (awaits_message() && any(10) > 0) {
		say(message);
		settle();
	}
}

/* What is rare: once in a storm, if at all. */
static void
strike(unsigned what)
{
	switch (what) {
	case 0:
		side_close(&stage.client);
		break;
	case 1:
		if (stage.client.fd >= 0)
			(void)shutdown(stage.client.fd, SHUT_WR);
		break;
	case 2:
	case 3:
		stage.worker.state = WORKER_STOPPING;
		sessions_wake_idle(&stage.worker);
		if (what == 3)
			sessions_stop(&stage.worker);
		break;
	case 4:
		fake_fail_wait(1 + any(40), FAIL_BY_TIMEOUT);
		break;
	case 5:
		fake_fail_wait(1 + any(40), FAIL_BY_CLOSING);
		break;
	default:
		break;
	}
}

/* --- a storm --- */

static const char zone[] =
    "zone: 9.2.0.192.in-addr.arpa PTR a.example\n"
    "zone: a.example A 192.0.2.9\n"
    "zone: a.example TXT \"v=spf1 a include:slow.example -all\"\n"
    "zone: 9.2.0.192.zen.example A 127.0.0.9\n"
    "zone: 7.100.51.198.zen.example A 127.0.0.2\n"
    "zone: 2.0.0.127.zen.example A 127.0.0.2\n"
    "zone: h1.example A 192.0.2.9\n"
    "zone: h2.example A 192.0.2.1\n"
    "zone: h2.example delay 1500\n"
    "zone: slow.example delay 2500\n"
    "zone: _dmarc.a.example TXT \"v=DMARC1; p=reject\"\n"
    "zone: k._domainkey.a.example servfail\n";

/* What is not made at random, in front of the rest. */
static const char first_rules[] =
    "on rcpt {\n"
    "discard \"gone\" when rcpt.local is \"rob\"\n"
    "delay 2s when rcpt.local is \"anna\"\n"
    "}\n";

static struct script *
make_script(struct arena *a)
{
	char *path = arena_printf(a, "%s/script", folder);
	FILE *f = fopen(path, "w");
	struct script *script;
	struct err err;

	if (f == NULL)
		abort();
	fprintf(f, "set: max_errors 1000\nset: max_unknown_commands 1000\n"
	    "set-listener: xclient 192.0.2.9 198.51.100.0/24\n"
	    "set: reject_at %s\n%s%s", any(2) ? "connect" : "rcpt",
	    any(4) ? "inspect: yes\n" : "", zone);
	if (any(3) == 0)
		fputs("set: quarantine q\nset: backend q { "
		    "address smtp://127.0.0.3:25 probe_interval 0 }\n", f);
	fclose(f);
	script = script_read(a, path, &err);
	unlink(path);
	return script;
}

static unsigned
count(const char *what)
{
	struct span got = buf_text(&stage.client.got);
	unsigned n = 0;

	for (size_t i = 0; i + strlen(what) <= got.len; i++)
		n += memcmp(got.p + i, what, strlen(what)) == 0;
	return n;
}

static void
play_storm(uint64_t seed)
{
	const struct rule_maker maker = { .seed = seed, .no_store = true };
	struct variation v = { .name = "storm" };
	unsigned when, what, kept;
	char name[40];

	state = seed * 2654435761u + 1;
	memset(&stage, 0, sizeof(stage));
	judgement = (struct judgement){0};
	nservers = taken = 0;
	stage.folder = folder;
	stage.arena = arena_create("storm");
	v.rules = arena_printf(stage.arena, "%s%s", first_rules,
	    rule_maker_rules(stage.arena, &maker));
	stage.variation = &v;
	stage.script = make_script(stage.arena);
	when = any(STEPS);
	what = any(12);
	if (stage_set()) {
		fake_dial = on_dial;
		fake_fail_wait(0, FAIL_BY_TIMEOUT);
		for (unsigned i = 0; i < STEPS; i++) {
			if (i == when)
				strike(what);
			step();
		}
		kept = count("250 2.0.0 kept\r\n");
		if (kept > taken)
			problem("%u messages acknowledged, %u taken", kept,
			    taken);
		side_close(&stage.client);
		pass_time(60 * CLOCK_S);
		for (size_t i = 0; i < nservers; i++) {
			if (servers[i].fd >= 0)
				close(servers[i].fd);
			servers[i].fd = -1;
			buf_free(&servers[i].in);
		}
		stage_strike();
	}
	if (judgement.problem[0] != '\0') {
		snprintf(name, sizeof(name), "storm %llu",
		    (unsigned long long)seed);
		T_STR(name, judgement.problem, "");
	}
	arena_destroy(&stage.arena);
}

int
main(int argc, char **argv)
{
	unsigned n = argc > 1 ? (unsigned)atoi(argv[1]) : STORMS;
	uint64_t seed = argc > 2 ? (uint64_t)atoll(argv[2]) : 1;
	char path[sizeof(folder) + 8];
	struct err err;

	if (mkdtemp(folder) == NULL)
		abort();
	snprintf(path, sizeof(path), "%s/log", folder);
	if (log_open(path, "storm", &err) < 0)
		abort();
	loop_create();
	for (unsigned i = 0; i < n; i++)
		play_storm(seed + i);
	T_OK("all storms are over", true);
	log_close();
	loop_destroy();
	unlink(path);
	rmdir(folder);
	return t_done();
}
