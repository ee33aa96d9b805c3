#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "policy/phase.h"
#include "tests/kit/rule_maker.h"

/* A file that is being made. */
struct making {
	const struct rule_maker *maker;
	uint64_t	 seed;
	unsigned	 n;		/* rules so far */
	struct buf	 out;
};

static unsigned
any(struct making *m, unsigned below)	/* xorshift: the same everywhere */
{
	m->seed ^= m->seed << 13;
	m->seed ^= m->seed >> 7;
	m->seed ^= m->seed << 17;
	return (unsigned)(m->seed >> 33) % below;
}

#define ANY_OF(m, list) \
	((list)[any((m), sizeof(list) / sizeof((list)[0]))])

/* --- what they are made of --- */

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
	{ PHASE_RCPT, "tagged c" },
	{ PHASE_HELO, "helo.name matches /^[a-m]/" },
	{ PHASE_HELO, "helo.resolves" },
	{ PHASE_HELO, "spf.helo is not pass" },
	{ PHASE_MAIL, "sender in { \"a.example\", \".example\", \"root@\" }" },
	{ PHASE_MAIL, "sender is none" },
	{ PHASE_MAIL, "spf in { fail, softfail }" },
	{ PHASE_CONNECT, "client.ip in $full" },
	{ PHASE_CONNECT, "client.name in $silent" },
	{ PHASE_MAIL, "sender in $full" },
	{ PHASE_MAIL, "sender not in $silent" },
	{ PHASE_RCPT, "rcpt in $full" },
	{ PHASE_RCPT, "rcpt in $silent" },
	{ PHASE_MESSAGE, "dkim.domains in $silent" },
	{ PHASE_MAIL, "message.declared-size > 10k" },
	{ PHASE_RCPT, "rcpt.count <= 2" },
	{ PHASE_RCPT, "rcpt.local starts with \"r\"" },
	{ PHASE_RCPT, "rcpt.local matches /^R|na$/" },
	{ PHASE_RCPT, "rcpt in { \".example\", \"anna@\" }" },
	{ PHASE_RCPT, "rcpt.domain is none" },
	{ PHASE_RCPT, "greylist in { new, known }" },
	{ PHASE_MESSAGE, "header \"Subject\" contains \"a\"" },
	{ PHASE_MESSAGE, "headers \"X\" matches /(a|b)+c/i" },
	{ PHASE_MESSAGE, "dmarc is fail and dmarc.policy is reject" },
	{ PHASE_MESSAGE, "dkim.domains not in { \".example\" }" },
	{ PHASE_MESSAGE, "milter.clam in { reject, discard }" },
	{ PHASE_MESSAGE, "milter.spam is quarantine" },
};

static const char *const facts[] = {
	"client.ip = 192.0.2.1", "client.ip = 2001:db8:1::1",
	"client.name = \"a.example\"", "client.name = none",
	"client.early-talker = yes", "dnsbl.score = 4", "client.errors = 2",
	"dnsbl.zen = { 127.0.0.2, 127.0.0.9 }", "client.reverse = temperror",
	"helo.name = \"b.example\"", "helo.resolves = no", "spf.helo = fail",
	"sender = \"root@x.test\"", "sender = \"u@a.example\"",
	"sender = none", "spf = softfail", "spf = pass",
	"message.declared-size = 20k", "rcpt.count = 3",
	"header \"Subject\" = \"spam\"",
	"headers \"x\" = { \"q\", \"ABC\" }", "dmarc = fail",
	"greylist = new", "greylist = early", "greylist = known",
	"set full = { \".example\", \"root@\", 192.0.2.0/24 }",
	"set full = none", "set silent = none", "set silent = none",
	"set silent = { \"a.example\" }",
	"milter.clam = reject", "milter.clam = discard", "milter.clam = error",
	"milter.spam = accept", "milter.spam = quarantine",
	"milter.spam = tempfail",
	"dmarc.policy = reject", "dkim.domains = { \"x.example\", \"y.test\" }",
};

static const char *const actions[] = {
	"score 1 \"n\"", "score -0.5 \"m\"", "score 2.25 \"o\"", "tag a",
	"score dnsbl.score", "score client.errors \"e\"",
	"limit 2/1h per client.network, client.name",
	"limit 1/90s per client.ip, else score 1.5 \"l\"",
	"limit 1/1d per dnsbl.names, else tag b",
	"limit 1/1d per client.ip, else log \"{client.port} {score}\"",
	"milter clam", "milter spam",
	"limit 1/1h per client.ip, else milter clam",
	"tag b", "delay 1s", "log \"{client.ip} {client.name}\"",
};
static const char *const of_others[] = {
	"log \"{score} {scores}\"", "reject \"{scores}\"",
};
static const char *const of_rcpt[] = {
	"log \"{rcpt.local}\"", "log \"{rcpt.count}\"", "tag c", "score 4",
	"limit 1/1h per rcpt", "limit 2/1h per rcpt.local, else score 3",
};
static const char *const ends[] = {
	"accept", "trust", "reject \"r {client.ip}\"", "defer \"d\"",
	"disconnect \"x\"", "reject 554 5.7.9 \"{dnsbl.names}\"",
	"limit 1/1h per client.name, else trust",
	"limit 1/1h per client.name, else reject \"l {client.ip}\"",
};
static const char *const of_message[] = {
	"add header \"X-A\" \"{dkim.domains}\"", "remove header \"X-B\"",
	"quarantine \"q\"", "discard \"z\"",
};

static const char *const rcpts[] = {
	"rcpt = \"root@here.example\"", "rcpt = \"Root@here.example\"",
	"rcpt = \"anna@there.example\"", "rcpt = \"hanna@x.test\"",
	"rcpt = \"rob@here.example\"",
	"rcpt.local = \"postmaster\"\nrcpt.domain = none",
};

/* --- rules --- */

static bool
is_there(const struct making *m, const char *text)
{
	if (m->maker->no_milter && strstr(text, "milter") != NULL)
		return false;
	return !m->maker->no_store || (strncmp(text, "limit", 5) != 0 &&
	    strncmp(text, "greylist", 8) != 0 && strchr(text, '$') == NULL);
}

static void
put_test(struct making *m, enum phase phase)
{
	size_t i;

	do
		i = any(m, sizeof(tests) / sizeof(tests[0]));
	while (tests[i].phase > phase || !is_there(m, tests[i].test));
	buf_printf(&m->out, "%s%s", any(m, 4) == 0 ? "not " : "",
	    tests[i].test);
}

static void
put_cond(struct making *m, enum phase phase, unsigned depth)
{
	unsigned n = 1 + any(m, 3);

	for (unsigned i = 0; i < n; i++) {
		buf_puts(&m->out, i == 0 ? "" : any(m, 2) ? " and " : " or ");
		if (depth > 0 && any(m, 3) == 0) {
			buf_puts(&m->out, any(m, 2) ? "(" : "not (");
			put_cond(m, phase, depth - 1);
			buf_puts(&m->out, ")");
		} else
			put_test(m, phase);
	}
}

static const char *
any_action(struct making *m, enum phase phase)
{
	switch (any(m, 10)) {
	case 0:
		return ANY_OF(m, ends);
	case 1:
		return ANY_OF(m, of_others);
	case 2:
		if (phase == PHASE_MESSAGE)
			return ANY_OF(m, of_message);
		break;
	case 3:
	case 4:
		if (phase >= PHASE_RCPT)
			return ANY_OF(m, of_rcpt);
		break;
	case 5:
		if (phase == PHASE_RCPT)
			return "greylist";
		break;
	}
	return ANY_OF(m, actions);
}

/* What was made from `begin` on is left out, if it observes and that is to be
 * so. Whether it is there. */
static bool
leave(struct making *m, size_t begin, bool observes)
{
	if (!m->maker->remove || !observes)
		return true;
	m->out.len = begin;
	return false;
}

static const char *
observe(const struct making *m, bool observes)
{
	return observes && !m->maker->act ? "observe " : "";
}

/* Labels: names that stay the same when others are left out. */
static bool
put_rule(struct making *m, enum phase phase)
{
	size_t begin = m->out.len;
	bool observes = any(m, 4) == 0;
	const char *action;

	buf_printf(&m->out, "l%u: %s", m->n++, observe(m, observes));
	do
		action = any_action(m, phase);
	while (!is_there(m, action));
	buf_puts(&m->out, action);
	/* What stands behind "accept" is never reached: always "when". */
	buf_puts(&m->out, " when ");
	put_cond(m, phase, 2);
	buf_puts(&m->out, "\n");
	return leave(m, begin, observes);
}

static void
put_group(struct making *m, enum phase phase)
{
	size_t begin = m->out.len;
	bool observes = any(m, 6) == 0, first, second;

	buf_printf(&m->out, "%swhen ", observe(m, observes));
	put_cond(m, phase, 1);
	buf_puts(&m->out, " {\n");
	first = put_rule(m, phase);
	second = put_rule(m, phase);
	buf_puts(&m->out, "}\n");
	leave(m, begin, observes || (!first && !second));
}

static void
put_phase(struct making *m, enum phase phase)
{
	unsigned n = any(m, 7);
	bool observes = any(m, 8) == 0;
	size_t begin;

	buf_printf(&m->out, "%son %s {\n",
	    observe(m, observes || m->maker->observe), phase_name(phase));
	begin = m->out.len;
	for (unsigned i = 0; i < n; i++)
		if (any(m, 5) > 0)
			put_rule(m, phase);
		else
			put_group(m, phase);
	leave(m, begin, observes);
	buf_puts(&m->out, "}\n");
}

static const char *
made(struct making *m, struct arena *a)
{
	const char *text = arena_copy(a, buf_text(&m->out));

	buf_free(&m->out);
	return text;
}

const char *
rule_maker_rules(struct arena *a, const struct rule_maker *maker)
{
	struct making m = { .maker = maker, .seed = maker->seed };

	buf_puts(&m.out, "dnsbl zen \"zen.example\" {\n127.0.0.2 score 3\n"
	    "127.0.0.9 score 1 tag a\n}\n");
	if (!maker->no_store)
		buf_puts(&m.out, "set full = redis \"f\"\n"
		    "set silent = redis \"s\"\n");
	for (unsigned i = 0; i < PHASES; i++)
		put_phase(&m, (enum phase)i);
	return made(&m, a);
}

/* --- facts --- */

const char *
rule_maker_facts(struct arena *a, uint64_t seed)
{
	struct making m = { .seed = seed * 31 + 7 };
	char given[1000] = "";

	for (unsigned i = 0; i < 12; i++) {
		const char *fact = ANY_OF(&m, facts);
		char name[64];

		/* Each once. */
		snprintf(name, sizeof(name), "|%.*s|",
		    (int)(strstr(fact, " =") - fact), fact);
		if (strstr(given, name) != NULL)
			continue;
		strncat(given, name, sizeof(given) - strlen(given) - 1);
		buf_printf(&m.out, "%s\n", fact);
	}
	return made(&m, a);
}

const char *
rule_maker_rcpt(uint64_t i)
{
	return rcpts[i % (sizeof(rcpts) / sizeof(rcpts[0]))];
}
