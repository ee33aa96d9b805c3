/*
 * evaluate -- what it costs to ask the rules about a message
 *
 *	evaluate [-n RULES] [-t TIMES]
 *
 *	-n N	rules (default 1,000), of all phases
 *	-t N	messages (default 2,000)
 *
 * The rules are made up, the same each time: every operator, a third of them
 * with two or three conditions, one in ten applies. One line: seconds to read
 * and check the rules, octets that they take, microseconds for a message
 * (one session, all phases, facts that are known), with a trace and without,
 * and how many rules were looked at. Exit status 1 if something is wrong.
 */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/diagnostic.h"
#include "policy/rule_eval.h"
#include "policy/rule_read.h"
#include "policy/rule_test_internal.h"
#include "tests/bench/measure.h"

static const char facts[] =
    "test \"a mail\" {\n"
    "client.ip = 203.0.113.77\nclient.name = \"mail7.sender.example\"\n"
    "dnsbl.score = 2.5\nhelo.name = \"mail7.sender.example\"\n"
    "sender = \"newsletter@news.sender.example\"\nspf = pass\n"
    "rcpt = \"someone@here.example\"\nmessage.size = 48k\n"
    "header \"Subject\" = \"Your weekly news: a dozen things to read\"\n"
    "header \"List-Id\" = \"<news.sender.example>\"\n"
    "headers \"Received\" = { \"from a.example by b.example\", "
    "\"from b.example by c.example\", \"from c.example by d.example\" }\n"
    "from.domain = \"sender.example\"\ndkim = pass\n"
    "dkim.domains = { \"sender.example\" }\ndmarc = pass\n"
    "expect accept\n}\n";

/* By phase; %d makes them differ. */
static const char *const tests[PHASES][8] = {
	[PHASE_CONNECT] = { "client.ip in { 10.%d.0.0/16 }",
	    "client.name ends with \".dyn%d.example\"", "dnsbl.score > %d",
	    "client.name matches /(^|[.-])(dsl|pool|dyn)[0-9]*%d[.-]/i",
	    "client.ip is 192.0.2.%d", "client.early-talker",
	    "client.network in { 198.51.%d.0/24, 2001:db8:%d::/48 }",
	    "client.name in { \"a%d.example\", \".b%d.example\" }" },
	[PHASE_HELO] = { "helo.name is \"h%d.example\"",
	    "helo.name in { \".h%d.example\", \"x.example\" }",
	    "helo.name matches /^[0-9]+%d\\.example$/", "not helo.resolves",
	    "spf.helo in { fail, softfail }", "client.tls",
	    "helo.name contains \"bad%d\"", "score > %d" },
	[PHASE_MAIL] = { "sender in { \"u%d@a.example\", \".s%d.example\" }",
	    "sender.local starts with \"bounce%d\"", "spf is fail",
	    "sender is none", "sender matches /^[a-z]+%d@/",
	    "message.declared-size > %dM", "sender.domain is \"d%d.example\"",
	    "spf in { softfail, permerror }" },
	[PHASE_RCPT] = { "rcpt.count > 1%d", "rcpt.local is \"local%d\"",
	    "rcpt in { \"u%d@\", \"v%d@here.example\" }",
	    "rcpt.domain is \"r%d.example\"", "rcpt.local ends with \"-%d\"",
	    "rcpt matches /^(sales|info)%d@/", "score >= 9%d",
	    "sender.domain in { \".x%d.example\" }" },
	[PHASE_MESSAGE] = { "header \"Subject\" contains \"winner %d\"",
	    "header \"Subject\" matches /\\bfree (offer|money) %d\\b/i",
	    "headers \"Received\" matches /from unknown%d/",
	    "message.size > %dM", "dmarc is fail and dmarc.policy is reject",
	    "dkim.domains in { \"d%d.example\" }",
	    "header \"List-Id\" contains \"list%d\"",
	    "from.domain in { \"f%d.example\", \".g%d.example\" }" },
};

_Noreturn static void
die(const char *what)
{
	fprintf(stderr, "evaluate: %s\n", what);
	exit(1);
}

/* --- the rules --- */

static void
put_test(struct buf *out, enum phase phase)
{
	unsigned n = 1 + dice(250);

	for (const char *p = tests[phase][dice(8)]; *p != '\0'; p++)
		if (p[0] == '%' && p[1] == 'd') {
			buf_uint(out, n);
			p++;
		} else
			buf_put(out, p, 1);
}

static void
put_rule(struct buf *out, enum phase phase)
{
	unsigned n = dice(3) > 0 ? 1 : 2 + dice(2);
	bool applies = dice(10) == 0;

	buf_printf(out, "score 0.0%u \"s\" when ", 1 + dice(9));
	buf_puts(out, applies ? "not (" : "");
	for (unsigned i = 0; i < n; i++) {
		buf_puts(out, i == 0 ? "" : dice(2) ? " and " : " or ");
		put_test(out, phase);
	}
	buf_puts(out, applies ? ")\n" : "\n");
}

static struct rules *
read_rules(struct arena *a, unsigned n, struct diagnostics *d)
{
	static const struct rule_context context = { .files = false };
	static const unsigned share[PHASES] = { 20, 10, 20, 10, 40 };
	struct buf text = {0};
	struct rules *rules;

	for (unsigned i = 0; i < PHASES; i++) {
		buf_printf(&text, "on %s {\n", phase_name((enum phase)i));
		for (unsigned j = 0; j < n * share[i] / 100; j++)
			put_rule(&text, (enum phase)i);
		buf_puts(&text, "}\n");
	}
	buf_puts(&text, "on message {\nreject \"no\" when score > 1000\n}\n");
	rules = rules_read_text(a, "made", arena_span(a, buf_text(&text)),
	    &context, d);
	buf_free(&text);
	return rules;
}

/* --- facts that are known: a value for each slot --- */

struct known {
	struct test_facts	*given;
	struct value		*values;
	bool			*is_known;
};

static MAY_YIELD int
get(void *owner, const struct fact_ref *ref, struct value *value,
    struct err *err)
{
	struct known *k = owner;

	(void)err;
	if (!k->is_known[ref->slot]) {
		test_facts_find(k->given, ref, &k->values[ref->slot]);
		k->is_known[ref->slot] = true;
	}
	*value = k->values[ref->slot];
	return 0;
}

static size_t
evaluate(const struct rules *rules, const struct fact_source *source,
    bool traced)
{
	struct arena *a = arena_create("mail");
	struct evaluation *e = evaluation_begin(a, rules, source);
	struct rule_trace trace = {0};
	struct verdict verdict;
	struct err err;
	size_t looked_at = 0;

	for (unsigned i = 0; i < PHASES; i++) {
		if (evaluation_run(e, (enum phase)i, a, &verdict,
		    traced ? &trace : NULL, &err) < 0 ||
		    verdict.kind != ACTION_ACCEPT)
			die("not all rules were looked at");
		looked_at += trace.n;
	}
	arena_destroy(&a);
	return looked_at;
}

static double
measure(const struct rules *rules, const struct fact_source *source,
    bool traced, unsigned times)
{
	double begin;

	for (unsigned i = 0; i < times / 10; i++)	/* warm */
		evaluate(rules, source, traced);
	begin = now();
	for (unsigned i = 0; i < times; i++)
		evaluate(rules, source, traced);
	return (now() - begin) / times * 1e6;
}

int
main(int argc, char **argv)
{
	struct arena *a = arena_create("evaluate");
	struct diagnostics *d = diagnostics_create(a);
	unsigned n = 1000, times = 2000;
	struct fact_source source;
	struct rule_tests *mail;
	struct known known;
	struct rules *rules;
	size_t memory;
	double load;
	int c;

	while ((c = getopt(argc, argv, "n:t:")) != -1) {
		if (c == 'n')
			n = (unsigned)atoi(optarg);
		else if (c == 't')
			times = (unsigned)atoi(optarg);
		else
			die("usage: evaluate [-n RULES] [-t TIMES]");
	}
	memory = arena_size(a);
	load = now();
	rules = read_rules(a, n, d);
	load = now() - load;
	memory = arena_size(a) - memory;
	mail = rules == NULL ? NULL : rule_tests_read_text(a, "facts",
	    SPAN_LIT(facts), rules, d);
	if (mail == NULL)
		die(diagnostics_text(d, a));
	known = (struct known){ mail->list[0]->facts,
	    arena_new_n(a, rules->nslots, struct value),
	    arena_new_n(a, rules->nslots, bool) };
	source = (struct fact_source){ .owner = &known, .get = get };
	printf("load=%f memory=%zu rules=%zu", load, memory,
	    evaluate(rules, &source, true));
	printf(" plain=%f", measure(rules, &source, false, times));
	printf(" traced=%f\n", measure(rules, &source, true, times));
	arena_destroy(&a);
	return 0;
}
