#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/loop.h"
#include "policy/rule_trace.h"
#include "tests/kit/rule_trial.h"
#include "tests/kit/t.h"

/*
 * Rules as pure functions: files of rules and facts made at random (by a seed
 * that the name of a failed case tells) say the same when they are evaluated
 * twice and when the facts come late. When all of them only observe they do
 * nothing, and their conditions come out the same.
 */
#define TRIALS		400
#define TEXT_MAX	8000

static uint64_t seed;
static bool plain;	/* no rule depends on what another one did */

static unsigned
any(unsigned below)		/* xorshift: the same everywhere */
{
	seed ^= seed << 13;
	seed ^= seed >> 7;
	seed ^= seed << 17;
	return (unsigned)(seed >> 33) % below;
}

#define ANY_OF(list)	((list)[any(sizeof(list) / sizeof((list)[0]))])

/* --- files made at random --- */

/* By the phase from which on they can be asked. */
static const struct {
	enum phase	 phase;
	const char	*test;
} tests[] = {
	{ PHASE_CONNECT, "client.ip is none" },
	{ PHASE_CONNECT, "client.ip in { 192.0.2.0/25, 2001:db8::/48 }" },
	{ PHASE_CONNECT, "client.name ends with \".example\"" },
	{ PHASE_CONNECT, "client.early-talker" },
	{ PHASE_CONNECT, "dnsbl.score >= 3.5" },
	{ PHASE_CONNECT, "dnsbl.names contains \"z\"" },
	{ PHASE_CONNECT, "dnsbl.zen in { 127.0.0.2, 127.0.0.9 }" },
	{ PHASE_CONNECT, "client.reverse in { mismatch, temperror }" },
	{ PHASE_CONNECT, "score > 3" },
	{ PHASE_CONNECT, "tagged a" },
	{ PHASE_CONNECT, "tagged b" },
	{ PHASE_HELO, "helo.name matches /^[a-m]/" },
	{ PHASE_HELO, "helo.resolves" },
	{ PHASE_HELO, "spf.helo is not pass" },
	{ PHASE_MAIL, "sender in { \"a.example\", \".example\", \"root@\" }" },
	{ PHASE_MAIL, "sender is none" },
	{ PHASE_MAIL, "spf in { fail, softfail }" },
	{ PHASE_MAIL, "message.declared-size > 10k" },
	{ PHASE_RCPT, "rcpt.count <= 2" },
	{ PHASE_RCPT, "rcpt.local starts with \"r\"" },
	{ PHASE_MESSAGE, "header \"Subject\" contains \"a\"" },
	{ PHASE_MESSAGE, "headers \"X\" matches /(a|b)+c/i" },
	{ PHASE_MESSAGE, "dmarc is fail and dmarc.policy is reject" },
	{ PHASE_MESSAGE, "dkim.domains not in { \".example\" }" },
};

static const char *const facts[] = {
	"client.ip = 192.0.2.1", "client.ip = 2001:db8:1::1",
	"client.name = \"a.example\"", "client.name = none",
	"client.early-talker = yes", "dnsbl.score = 4",
	"dnsbl.zen = { 127.0.0.2, 127.0.0.9 }", "client.reverse = temperror",
	"helo.name = \"b.example\"", "helo.resolves = no", "spf.helo = fail",
	"sender = \"root@x.test\"", "sender = \"u@a.example\"",
	"sender = none", "spf = softfail", "spf = pass",
	"message.declared-size = 20k", "rcpt.count = 3",
	"rcpt = \"root@here.example\"", "header \"Subject\" = \"spam\"",
	"headers \"x\" = { \"q\", \"ABC\" }", "dmarc = fail",
	"dmarc.policy = reject", "dkim.domains = { \"x.example\", \"y.test\" }",
};

static const char *const actions[] = {
	"score 1 \"n\"", "score -0.5 \"m\"", "score 2.25 \"o\"", "tag a",
	"tag b", "delay 1s", "log \"{score} {scores}\"",
	"log \"{client.ip} {client.name}\"",
};
static const char *const ends[] = {
	"accept", "trust", "reject \"r {client.ip}\"", "defer \"d\"",
	"disconnect \"x\"", "reject 554 5.7.9 \"{dnsbl.names}\"",
};
static const char *const of_message[] = {
	"add header \"X-A\" \"{score}\"", "remove header \"X-B\"",
	"quarantine \"q\"", "discard \"z\"",
};

static void
put_test(struct buf *out, enum phase phase)
{
	size_t i;

	do
		i = any(sizeof(tests) / sizeof(tests[0]));
	while (tests[i].phase > phase || (plain &&
	    (strncmp(tests[i].test, "score", 5) == 0 ||
	    strncmp(tests[i].test, "tagged", 6) == 0)));
	buf_printf(out, "%s%s", any(4) == 0 ? "not " : "", tests[i].test);
}

static void
put_cond(struct buf *out, enum phase phase, unsigned depth)
{
	unsigned n = 1 + any(3);

	for (unsigned i = 0; i < n; i++) {
		buf_puts(out, i == 0 ? "" : any(2) ? " and " : " or ");
		if (depth > 0 && any(3) == 0) {
			buf_puts(out, any(2) ? "(" : "not (");
			put_cond(out, phase, depth - 1);
			buf_puts(out, ")");
		} else
			put_test(out, phase);
	}
}

static void
put_rule(struct buf *out, enum phase phase)
{
	unsigned kind = any(10);

	buf_puts(out, any(8) == 0 ? "observe " : "");
	buf_puts(out, plain ? ANY_OF(actions) :
	    kind == 0 ? ANY_OF(ends) :
	    kind < 3 && phase == PHASE_MESSAGE ? ANY_OF(of_message) :
	    ANY_OF(actions));
	/* What stands behind "accept" is never reached: always "when". */
	buf_puts(out, " when ");
	put_cond(out, phase, 2);
	buf_puts(out, "\n");
}

static void
put_phase(struct buf *out, enum phase phase, bool observe)
{
	unsigned n = any(7);

	buf_printf(out, "%son %s {\n", observe ? "observe " : "",
	    phase_name(phase));
	for (unsigned i = 0; i < n; i++) {
		if (any(5) > 0) {
			put_rule(out, phase);
			continue;
		}
		buf_puts(out, "when ");
		put_cond(out, phase, 1);
		buf_puts(out, " {\n");
		put_rule(out, phase);
		put_rule(out, phase);
		buf_puts(out, "}\n");
	}
	buf_puts(out, "}\n");
}

/* The same rules for the same seed, whether they observe or not. */
static const char *
make_rules(char text[TEXT_MAX], uint64_t from, bool observe)
{
	struct buf out = {0};

	seed = from;
	buf_puts(&out, "dnsbl zen \"zen.example\" {\n127.0.0.2 score 3\n"
	    "127.0.0.9 score 1 tag a\n}\n");
	for (unsigned i = 0; i < PHASES; i++)
		put_phase(&out, (enum phase)i, observe);
	snprintf(text, TEXT_MAX, "%.*s", SPAN_ARG(buf_text(&out)));
	buf_free(&out);
	return text;
}

static const char *
make_facts(char text[TEXT_MAX], uint64_t from)
{
	char given[TEXT_MAX / 8] = "";
	struct buf out = {0};

	seed = from * 31 + 7;
	for (unsigned i = 0; i < 12; i++) {
		const char *fact = ANY_OF(facts);
		char name[64];

		/* Each once. */
		snprintf(name, sizeof(name), "|%.*s|",
		    (int)(strstr(fact, " =") - fact), fact);
		if (strstr(given, name) != NULL)
			continue;
		strncat(given, name, sizeof(given) - strlen(given) - 1);
		buf_printf(&out, "%s\n", fact);
	}
	snprintf(text, TEXT_MAX, "%.*s", SPAN_ARG(buf_text(&out)));
	buf_free(&out);
	return text;
}

/* --- what must hold --- */

/* Rules and how their conditions came out, in all phases. */
static const char *
conditions(struct rule_trial *t)
{
	struct buf out = {0};
	const char *text;

	for (size_t i = 0; i < PHASES; i++) {
		rule_trial_run(t, (enum phase)i);
		for (size_t j = 0; j < t->trace.n; j++)
			buf_printf(&out, "%s %d\n", t->trace.steps[j].rule->name,
			    t->trace.steps[j].applied);
	}
	text = arena_copy(t->arena, buf_text(&out));
	buf_free(&out);
	return text;
}

static MAY_YIELD int
get_late(void *owner, const struct fact_ref *ref, struct value *value,
    struct err *err)
{
	struct rule_trial *t = owner;

	/* Some come at once, some after others have been waited for. */
	if ((ref->slot * 7 + t->reads) % 5 == 0 && fiber_wait(
	    clock_now() + (int64_t)(ref->slot % 5) * 20, err) < 0 &&
	    err->kind == ERR_CLOSED)
		return -1;
	rule_trial_find(t, ref, value);
	return 0;
}

static void
fail(const char *what, uint64_t from, const char *got, const char *want)
{
	char name[80];

	snprintf(name, sizeof(name), "seed %llu: %s",
	    (unsigned long long)from, what);
	T_STR(name, got, want);
}

static void
check_observed(uint64_t from, const char *observing, const char *given)
{
	struct rule_trial t = { .rules = observing, .facts = given };

	if (!rule_trial_begin(&t)) {
		fail("observers are rules", from, t.report, "");
		rule_trial_end(&t);
		return;
	}
	for (size_t i = 0; i < PHASES; i++) {
		rule_trial_run(&t, (enum phase)i);
		if (t.verdict.kind != ACTION_ACCEPT || t.verdict.rule != NULL ||
		    t.verdict.nedits > 0 || t.verdict.delay > 0 ||
		    t.verdict.route.len > 0 || t.verdict.nlogs > 0 ||
		    evaluation_score(t.evaluation) != 0 ||
		    evaluation_tagged(t.evaluation, span_z("a")))
			fail("observers do nothing", from, "something",
			    "nothing");
	}
	rule_trial_end(&t);
}

/* Rules that do not look at what others did: the conditions of all phases are
 * the same when all of them only observe. */
static void
check_same_conditions(uint64_t from, const char *given)
{
	static char rules[TEXT_MAX], observing[TEXT_MAX];
	struct rule_trial a = { .rules = rules, .facts = given };
	struct rule_trial b = { .rules = observing, .facts = given };

	plain = true;
	make_rules(rules, from, false);
	make_rules(observing, from, true);
	plain = false;
	if (rule_trial_begin(&a) && rule_trial_begin(&b)) {
		const char *want = conditions(&a), *got = conditions(&b);

		if (strcmp(got, want) != 0)
			fail("observing changes no condition", from, got,
			    want);
	} else
		fail("plain rules are rules", from, "errors", "");
	rule_trial_end(&a);
	rule_trial_end(&b);
}

struct job {
	uint64_t	 from;
	const char	*rules, *facts;
	const char	*want;		/* the trace of facts that are there */
};

static void
check_late(void *arg)
{
	const struct job *job = arg;
	struct rule_trial t = { .rules = job->rules, .facts = job->facts,
	    .source = { .get = get_late } };

	if (rule_trial_begin(&t)) {
		const char *got = rule_trial_all(&t);

		if (strcmp(got, job->want) != 0)
			fail("late facts, the same trace", job->from, got,
			    job->want);
	}
	rule_trial_end(&t);
}

static bool
check_one(uint64_t from)
{
	static char rules[TEXT_MAX], observing[TEXT_MAX], given[TEXT_MAX];
	struct rule_trial t = { .rules = make_rules(rules, from, false),
	    .facts = make_facts(given, from) };
	struct job job = { from, rules, given, NULL };
	const char *again;

	make_rules(observing, from, true);
	if (!rule_trial_begin(&t)) {
		fail("these are rules", from, t.report, "");
		rule_trial_end(&t);
		return false;
	}
	job.want = rule_trial_all(&t);
	again = rule_trial_all(&t);
	if (strcmp(again, job.want) != 0)
		fail("twice the same", from, again, job.want);
	evaluation_forget(t.evaluation, FACT_OF_SESSION);
	again = rule_trial_all(&t);
	if (strcmp(again, job.want) != 0)
		fail("and again from the beginning", from, again, job.want);
	fiber_spawn("late", check_late, &job);
	while (fiber_count() > 0)
		loop_turn(true);
	check_observed(from, observing, given);
	check_same_conditions(from, given);
	rule_trial_end(&t);
	return true;
}

int
main(void)
{
	unsigned good = 0;

	loop_create();
	for (uint64_t i = 1; i <= TRIALS; i++)
		good += check_one(i * 7919);
	T_INT("all of them are rules", good, TRIALS);
	loop_destroy();
	return t_done();
}
