/*
 * storm -- clients that do anything, under rules that act
 *
 * Sessions made at random: any command in any order, sent ahead or not,
 * clients that leave, a worker that stops, waits and stores that fail; rules,
 * DNS and time at random too. Two backends, SMTP with and without PRDR and
 * LMTP, that fare differently with each recipient. Nothing may crash, leak or
 * hang, nobody is said to have a message that no backend has taken for him,
 * and where there is a memory that works nobody has it twice. Filters that
 * pass, refuse, edit and fail: of what they want of a message all is done or
 * nothing. `storm N` plays N of them, `storm N SEED` from this one.
 */
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
#include "tests/smtp/storm.h"

#define STORMS		1000
#define STEPS		60

static uint64_t		 state;
static char		 folder[] = "/tmp/forepost-storm-XXXXXX";

unsigned
storm_any(unsigned below)	/* xorshift: the same everywhere */
{
	state ^= state << 13;
	state ^= state >> 7;
	state ^= state << 17;
	return (unsigned)(state >> 33) % below;
}

static void
settle(void)
{
	bool moved;

	do {
		stage_settle();
		moved = storm_servers_turn();
	} while (moved);
	storm_heard_read();
}

static void
pass_time(int64_t us)
{
	int64_t until = clock_now() + us, next;

	for (settle(); clock_now() < until; settle()) {
		next = fiber_next_deadline();
		if (next > storm_filters_due())
			next = storm_filters_due();
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
	"MAIL FROM:<u@a.example> PRDR",
	"MAIL FROM:<root@x.test>", "MAIL FROM:<u@slow.example>", "MAIL",
	"RCPT TO:<root@here.example>", "RCPT TO:<Root@here.example>",
	"RCPT TO:<anna@deep.here.example>", "RCPT TO:<hanna@x.test>",
	"RCPT TO:<anna@there.example>", "RCPT TO:<root@there.example>",
	"RCPT TO:<rob@here.example>", "RCPT TO:<postmaster>", "RCPT TO:<>",
	"RSET", "NOOP", "VRFY x", "STARTTLS", "XCLIENT PORT=1",
	"XCLIENT ADDR=192.0.2.7", "XCLIENT ADDR=192.0.2.1 NAME=a.example",
	"XCLIENT NAME=[UNAVAILABLE]", "XCLIENT X", "GARBAGE", "DATA",
	"BDAT 4\r\n\r\nx\r", "BDAT 3 LAST\r\n\nx\n", "BDAT 0 LAST",
	"BDAT 26 LAST\r\nSubject: spam\r\n\r\nan abc\r\n\r",
};
/* Dialogues that come to something, one after the other. */
static const char *const course[] = { "EHLO h1.example",
	"MAIL FROM:<u@a.example>", "RCPT TO:<root@here.example>",
	"RCPT TO:<anna@deep.here.example>", "RCPT TO:<root@there.example>",
	"DATA", "RSET",
	"MAIL FROM:<u@a.example> PRDR", "RCPT TO:<root@here.example>",
	"RCPT TO:<anna@there.example>", "RCPT TO:<root@here.example>",
	"DATA" };
#define COURSE	(sizeof(course) / sizeof(course[0]))
static size_t	course_at;	/* what is said next */
static bool	has_lost_reply;

static void
put(const char *text)
{
	if (stage.client.fd >= 0)
		(void)!send(stage.client.fd, text, strlen(text),
		    MSG_NOSIGNAL);
}

static void
say(const char *text)
{
	storm_heard_say(text, 0);
	put(text);
	put("\r\n");
}

static void
say_message(void)
{
	unsigned id = 1 + storm_any(STORM_MESSAGES);
	const char *text = storm_message(id);

	storm_heard_say(text, id);
	put(text);
	settle();
}

/* `is_neat`: mostly it comes to something, and a message is nothing but the
 * message. */
static void
step(bool is_neat)
{
	if (storm_heard_awaits_go_ahead() ||	/* it would be the message */
	    (storm_heard_is_waiting() && storm_any(4) > 0)) {
		pass_time(storm_any(4000) * CLOCK_MS);
		return;
	}
	if (storm_heard_awaits_message() && (is_neat || storm_any(10) > 0))
		say_message();
	switch (is_neat && storm_any(10) > 0 ? 12 : storm_any(12)) {
	case 0:
		pass_time(storm_any(4000) * CLOCK_MS);
		break;
	case 1:
	case 2:
		for (unsigned n = 1 + storm_any(5); n > 0; n--)
			say(STORM_ANY_OF(commands));
		break;
	case 3:
	case 4:
		say(STORM_ANY_OF(commands));
		break;
	case 5:
		say("RCPT TO:<rob@here.example>");
		break;
	default:
		say(course[course_at]);
		course_at = (course_at + 1) % COURSE;
		break;
	}
	settle();
	pass_time(storm_any(2) * 2 * CLOCK_S);
}

struct course {
	bool		 has_memory, has_quarantine;
	bool		 is_neat, has_rules, has_filters;
	unsigned	 when, what;	/* strikes */
};

/* Who has left before he was told comes again with what he has delivered. */
static void
leave(void)
{
	settle();
	if (storm_heard_is_waiting())
		has_lost_reply = true;
	side_close(&stage.client);
}

/* Filters keep connections for the next one. */
static void
come_and_go(const struct course *c)
{
	if (stage.worker.state != WORKER_RUNNING)
		return;
	if (stage.client.fd >= 0 && storm_any(40) == 0)
		leave();
	if ((stage.client.fd >= 0 && !stage.client.saw_end) ||
	    storm_any(4) > 0)
		return;
	side_close(&stage.client);
	storm_heard_begin(c->has_rules);
	stage_next_client(NULL);
	course_at = 0;
	settle();
}

/* What is rare: once in a storm, if at all. */
static void
strike(unsigned what)
{
	unsigned from;

	switch (what) {
	case 0:
		leave();
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
		fake_fail_wait(1 + storm_any(40), FAIL_BY_TIMEOUT);
		break;
	case 5:
		fake_fail_wait(1 + storm_any(40), FAIL_BY_CLOSING);
		break;
	case 6:
	case 7:
		from = 1 + storm_any(20);
		fake_store_fail(from, from + storm_any(10), what == 6 ?
		    ERR_TIMEOUT : ERR_CONFIG);
		break;
	default:
		break;
	}
}

/* What is lost meanwhile is remembered by nobody. */
static bool
forgets(unsigned what)
{
	return what >= 3 && what <= 7;
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

static const char *
proto(void)
{
	return storm_any(2) ? "smtp" : "lmtp";
}

static struct script *
make_script(struct arena *a, const struct course *c)
{
	char *path = arena_printf(a, "%s/script", folder);
	FILE *f = fopen(path, "w");
	struct script *script;
	struct err err;

	if (f == NULL)
		abort();
	fprintf(f, "set: max_errors 1000\nset: max_unknown_commands 1000\n"
	    "set-listener: xclient 192.0.2.9 198.51.100.0/24\n"
	    "set: reject_at %s\n%s%s", storm_any(2) ? "connect" : "rcpt",
	    storm_any(4) ? "inspect: yes\n" : "", zone);
	fprintf(f, "set-backend: address %s://127.0.0.1:25\n"
	    "set: backend other { address %s://127.0.0.2:25 "
	    "probe_interval 0 }\n"
	    "set: route { domains \"there.example\" backend other }\n",
	    proto(), proto());
	if (c->has_memory)
		fprintf(f, "set: store { address %s }\n", storm_any(2) ?
		    "lmdb:/store" : "redis://127.0.0.1");
	if (c->has_quarantine)
		fputs("set: quarantine q\nset: backend q { "
		    "address smtp://127.0.0.3:25 probe_interval 0 }\n", f);
	if (c->has_filters)
		fputs(storm_filters_settings(a, c->has_rules), f);
	fclose(f);
	script = script_read(a, path, &err);
	unlink(path);
	return script;
}

/* A mail for the quarantine is another one, and who says something else
 * within a message makes another of it. */
static void
check_copies(const struct course *c)
{
	const char *who = NULL;
	unsigned most = storm_most_copies(&who);

	if (most > 1 && c->has_memory && !c->has_quarantine && c->is_neat &&
	    !forgets(c->what) && !has_lost_reply)
		problem("%u copies of %s", most, who);
}

static void
perform(const struct course *c)
{
	storm_servers_begin();
	storm_heard_begin(c->has_rules);
	fake_fail_wait(0, FAIL_BY_TIMEOUT);
	course_at = 0;
	has_lost_reply = false;
	for (unsigned i = 0; i < STEPS; i++) {
		if (i == c->when)
			strike(c->what);
		if (c->has_filters)
			come_and_go(c);
		step(c->is_neat);
	}
	check_copies(c);
	leave();
	pass_time(60 * CLOCK_S);
	storm_servers_end();
	fake_store_fail(0, 0, ERR_TIMEOUT);
	stage_strike();
	storm_heard_begin(false);
}

static void
play_storm(uint64_t seed)
{
	struct rule_maker maker = { .seed = seed, .no_store = true };
	struct variation v = { .name = "storm" };
	struct course c;
	char name[40];

	state = seed * 2654435761u + 1;
	memset(&stage, 0, sizeof(stage));
	judgement = (struct judgement){0};
	stage.folder = folder;
	stage.arena = arena_create("storm");
	c = (struct course){ .has_memory = storm_any(3) > 0,
	    .has_quarantine = storm_any(3) == 0, .is_neat = storm_any(3) > 0,
	    .has_rules = storm_any(2) > 0, .has_filters = storm_any(3) > 0,
	    .when = storm_any(STEPS), .what = storm_any(14) };
	maker.no_milter = !c.has_filters;
	/* Rules made at random refuse most of what is sent. */
	v.rules = arena_printf(stage.arena, "%s%s", first_rules,
	    c.has_rules ? rule_maker_rules(stage.arena, &maker) : "");
	stage.variation = &v;
	stage.script = make_script(stage.arena, &c);
	if (stage_set())
		perform(&c);
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
	T_OK("filters have changed messages", n < STORMS ||
	    storm_edits_checked() > n / 10);
	log_close();
	loop_destroy();
	unlink(path);
	rmdir(folder);
	return t_done();
}
