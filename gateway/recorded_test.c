#include "base/buf.h"
#include "gateway/recorded_internal.h"
#include "gateway/transaction_internal.h"
#include "policy/action.h"
#include "policy/rule_read.h"
#include "tests/kit/t.h"

/*
 * Records written by hand, before rules: what is missing, what grows, who is
 * taken, and how far it goes. That what the journal writes is judged as it was
 * is for recorded_property_test.c.
 */
#define HEAD	"{\"v\":1,\"session\":\"5f3a91c2d001\",\"kind\":\"mail\","
#define ASKED(phase) "{\"phase\":\"" phase "\",\"action\":\"accept\"}"
#define EARLY	"\"phases\":[" ASKED("connect") "," ASKED("helo") "," \
		ASKED("mail")
#define TAKEN	"\"outcome\":\"taken\",\"action\":\"accept\""
#define RCPT	"\"rcpts\":[{\"to\":\"b@h.example\"," TAKEN \
		",\"facts\":{\"rcpt\":\"b@h.example\",\"rcpt.local\":\"b\"}}]"

static const struct {
	const char *name, *facts, *rest, *rules, *want;
} cases[] = {
	{ "nothing asked", "", EARLY "]," RCPT, "on mail { delay 1s }",
	    "connect accept, helo accept, mail accept, rcpt accept" },
	{ "a fact", "\"sender\":\"a@x.example\"", EARLY "]",
	    "on mail { reject \"no\" when sender is \"a@x.example\" }",
	    "connect accept, helo accept, mail reject" },
	{ "one that is missing", "", EARLY "]",
	    "on mail { reject \"no\" when spf is fail }",
	    "connect accept, helo accept, needs spf" },
	{ "not asked for behind another", "\"sender\":null", EARLY "]",
	    "on mail { reject \"no\" when sender is \"a@x.example\" and "
	    "spf is fail }", "connect accept, helo accept, mail accept" },
	{ "missing for one that observes", "", EARLY "]",
	    "observe on mail { reject \"no\" when spf is fail }",
	    "connect accept, helo accept, needs spf" },
	{ "a hash", "\"sender\":{\"hash\":\"4d5a62a989d8fbb8\"}", EARLY "]",
	    "on mail { reject \"no\" when sender is \"a@x.example\" }",
	    "connect accept, helo accept, needs sender" },
	{ "a hash in a text", "\"sender\":null,"
	    "\"header From\":\"4d5a62a989d8fbb8@x.example\"", EARLY ","
	    ASKED("message") "],\"hidden\":[\"senders\"]," RCPT,
	    "on message { reject \"no\" when header \"From\" contains \"a@\" }",
	    "connect accept, helo accept, mail accept, rcpt accept, "
	    "needs header From" },
	{ "texts stay where only the subject is hidden",
	    "\"header From\":\"4d5a62a989d8fbb8@x.example\"", EARLY ","
	    ASKED("message") "],\"hidden\":[\"subject\"]," RCPT,
	    "on message { reject \"no\" when header \"From\" contains \"8@\" }",
	    "connect accept, helo accept, mail accept, rcpt accept, "
	    "message reject" },
	{ "what looks like one where nothing is hidden",
	    "\"header From\":\"4d5a62a989d8fbb8@x.example\"", EARLY ","
	    ASKED("message") "]," RCPT,
	    "on message { reject \"no\" when header \"From\" contains \"8@\" }",
	    "connect accept, helo accept, mail accept, rcpt accept, "
	    "message reject" },
	{ "what follows from the sender", "\"sender\":\"a@x.example\"",
	    EARLY "]", "on mail { reject \"no\" when sender.local is \"a\" "
	    "and not sender.is-null and message.declared-size is none }",
	    "connect accept, helo accept, mail reject" },
	{ "and from the null sender", "\"sender\":null", EARLY "]",
	    "on mail { reject \"no\" when sender.is-null "
	    "and sender.local is none }",
	    "connect accept, helo accept, mail reject" },
	{ "of a hash only that there is one",
	    "\"sender\":{\"hash\":\"4d5a62a989d8fbb8\"}", EARLY "]",
	    "on mail { delay 1s when sender.is-null\n"
	    "reject \"no\" when sender.local is \"a\" }",
	    "connect accept, helo accept, needs sender.local" },
	{ "what is told is not what follows", "\"sender\":\"a@x.example\","
	    "\"sender.local\":\"b\"", EARLY "]",
	    "on mail { reject \"no\" when sender.local is \"b\" }",
	    "connect accept, helo accept, mail reject" },
	{ "from the address", "\"client.ip\":\"192.0.2.77\"", EARLY "]",
	    "on connect { reject \"no\" when client.network in "
	    "{ 192.0.2.0/24 } }",
	    "connect reject" },
	{ "of IPv6", "\"client.ip\":\"2001:db8:1:2:3::4\"", EARLY "]",
	    "on connect { reject \"no\" when client.network in { "
	    "2001:db8:1:2::/64 } }", "connect reject" },
	{ "from none", "\"client.ip\":null", EARLY "]",
	    "on connect { reject \"no\" when client.network is none }",
	    "connect reject" },
	{ "of what is not there nothing", "", EARLY "]",
	    "on connect { reject \"no\" when client.network is none }",
	    "needs client.network" },
	{ "nothing of the client", "\"client.ip\":null", EARLY "]",
	    "on connect { reject \"no\" when client.port is none and "
	    "not client.pipelined-early and client.errors is 0 }",
	    "connect reject" },
	{ "but whether it waited for its greeting", "\"client.ip\":null",
	    EARLY "]", "on connect { reject \"no\" when "
	    "not client.early-talker }", "needs client.early-talker" },
	{ "nor is what is told nothing", "\"client.ip\":null,"
	    "\"client.errors\":2", EARLY "]", "on message { reject \"no\" when "
	    "client.errors is 0 }\non connect { reject \"no\" when "
	    "client.port is none }", "connect reject" },
	{ "nothing behind HELO", "\"helo.name\":\"h.example\"", EARLY "]",
	    "on helo { reject \"no\" when not client.early-talker and not "
	    "client.tls and tls.version is none }",
	    "connect accept, helo reject" },
	{ "nothing on lists", "\"dnsbl.score\":0.00", EARLY "]",
	    "on connect { reject \"no\" when dnsbl.score is 0 and "
	    "dnsbl.names is none and dnsbl.tags is none and "
	    "dnsbl.failed is 0 }", "connect reject" },
	{ "lists that were not asked", "\"client.ip\":null", EARLY "]",
	    "on connect { reject \"no\" when dnsbl.names is none }",
	    "needs dnsbl.names" },
	{ "nothing in what was found", "\"spf\":\"pass\",\"dkim\":\"none\","
	    "\"dmarc\":\"none\"", EARLY "," ASKED("message") "]," RCPT,
	    "on message { reject \"no\" when spf.explanation is none and "
	    "dkim.domains is none and not dmarc.testing }",
	    "connect accept, helo accept, mail accept, rcpt accept, "
	    "message reject" },
	{ "without TLS it has no version", "\"client.tls\":false", EARLY "]",
	    "on helo { reject \"no\" when tls.version is none and "
	    "tls.cipher is none and tls.client-name is none }",
	    "connect accept, helo reject" },
	{ "which is not known before HELO", "", EARLY "]",
	    "on helo { reject \"no\" when tls.version is none }",
	    "connect accept, needs tls.version" },
	{ "the listener's name", "\"client.ip\":null", "\"listener\":\"mx\","
	    EARLY "]", "on connect { reject \"no\" when listener is \"mx\" }",
	    "connect reject" },
	{ "what follows from the recipient", "", EARLY "],"
	    "\"rcpts\":[{\"to\":\"b@h.example\"," TAKEN
	    ",\"facts\":{\"rcpt.count\":1}}]",
	    "on rcpt { reject \"no\" when rcpt is \"b@h.example\" and "
	    "rcpt.local is \"b\" }",
	    "connect accept, helo accept, mail accept, rcpt reject" },
	{ "a word that there is no more", "\"spf\":\"maybe\"", EARLY "]",
	    "on mail { reject \"no\" when spf is fail }",
	    "connect accept, helo accept, needs spf" },
	{ "another type", "\"spf\":7", EARLY "]",
	    "on mail { reject \"no\" when spf is fail }",
	    "connect accept, helo accept, needs spf" },
	{ "none where it cannot be", "\"spf\":null", EARLY "]",
	    "on mail { reject \"no\" when spf is fail }",
	    "connect accept, helo accept, needs spf" },
	{ "the case of a field's name", "\"header subject\":\"x\"", EARLY ","
	    ASKED("message") "]," RCPT,
	    "on message { reject \"no\" when header \"Subject\" is \"x\" }",
	    "connect accept, helo accept, mail accept, rcpt accept, "
	    "message reject" },
	{ "no field: none in all ways", "\"header X\":null", EARLY ","
	    ASKED("message") "]," RCPT, "on message { reject \"no\" when "
	    "header-count \"X\" is 0 and headers \"X\" is none }",
	    "connect accept, helo accept, mail accept, rcpt accept, "
	    "message reject" },
	{ "a field of several", "\"headers X\":[\"a\",\"b\"]", EARLY ","
	    ASKED("message") "]," RCPT, "on message { reject \"no\" when "
	    "header-count \"X\" is 2 and header \"X\" is \"a\" }",
	    "connect accept, helo accept, mail accept, rcpt accept, "
	    "message reject" },
	{ "a field of which one is known", "\"header X\":\"a\"", EARLY ","
	    ASKED("message") "]," RCPT, "on message { reject \"no\" when "
	    "header-count \"X\" is 2 }",
	    "connect accept, helo accept, mail accept, rcpt accept, "
	    "needs header-count X" },
	/* what grows */
	{ "as it was read then", "\"client.errors\":3", "\"phases\":["
	    "{\"phase\":\"connect\",\"action\":\"accept\","
	    "\"read\":{\"client.errors\":1}}]",
	    "on connect { reject \"no\" when client.errors > 1 }",
	    "connect accept" },
	{ "read before and behind", "\"client.errors\":3", "\"phases\":["
	    "{\"phase\":\"connect\",\"action\":\"accept\","
	    "\"read\":{\"client.errors\":2}}," ASKED("helo") ","
	    "{\"phase\":\"mail\",\"action\":\"accept\","
	    "\"read\":{\"client.errors\":2}}]",
	    "on helo { reject \"no\" when client.errors > 1 }",
	    "connect accept, helo reject" },
	{ "another before and behind", "\"client.errors\":3", "\"phases\":["
	    "{\"phase\":\"connect\",\"action\":\"accept\","
	    "\"read\":{\"client.errors\":1}}," ASKED("helo") ","
	    "{\"phase\":\"mail\",\"action\":\"accept\","
	    "\"read\":{\"client.errors\":2}}]",
	    "on helo { reject \"no\" when client.errors > 1 }",
	    "connect accept, needs client.errors" },
	{ "never anything", "\"client.errors\":0", EARLY "]",
	    "on connect { reject \"no\" when client.errors is 0 }",
	    "connect reject" },
	{ "something in the end", "\"client.errors\":1", EARLY "]",
	    "on connect { reject \"no\" when client.errors is 0 }",
	    "needs client.errors" },
	{ "a score of 0 that may be a sum", "\"dnsbl.score\":0.00,"
	    "\"dnsbl.names\":[\"a\",\"b\"]", EARLY "]",
	    "on connect { reject \"no\" when dnsbl.score > 1 }",
	    "needs dnsbl.score" },
	{ "a score of 0 of no list", "\"dnsbl.score\":0.00,"
	    "\"dnsbl.names\":[]", EARLY "]",
	    "on connect { reject \"no\" when dnsbl.score < 1 }",
	    "connect reject" },
	/* limits, sets, filters */
	{ "a limit", "\"client.ip\":\"192.0.2.1\"",
	    "\"phases\":[{\"phase\":\"connect\",\"action\":\"accept\","
	    "\"limits\":{\"few\":3}}]",
	    "on connect { few: limit 2/1h per client.ip }",
	    "connect defer" },
	{ "a limit that was not told", "\"client.ip\":\"192.0.2.1\"",
	    "\"phases\":[{\"phase\":\"connect\",\"action\":\"accept\","
	    "\"limits\":{\"few\":null}}]",
	    "on connect { few: limit 2/1h per client.ip }",
	    "connect accept" },
	{ "a new limit", "\"client.ip\":\"192.0.2.1\"",
	    "\"phases\":[{\"phase\":\"connect\",\"action\":\"accept\","
	    "\"limits\":{\"few\":3}}]",
	    "on connect { new: limit 2/1h per client.ip }",
	    "needs limit new" },
	{ "a set", "\"sender\":\"a@x.example\"",
	    EARLY ",{\"phase\":\"mail\",\"action\":\"accept\",\"sets\":[{"
	    "\"set\":\"s\",\"fact\":\"sender\",\"in\":true,"
	    "\"member\":\"x.example\"}]}]",
	    "set s = redis \"s\"\n"
	    "on mail { reject \"no\" when sender in $s }",
	    "connect accept, helo accept, mail reject" },
	{ "a set that was asked for another value",
	    "\"sender\":\"a@x.example\",\"helo.name\":\"h.example\"",
	    EARLY ",{\"phase\":\"mail\",\"action\":\"accept\",\"sets\":[{"
	    "\"set\":\"s\",\"fact\":\"helo.name\",\"in\":true,"
	    "\"member\":\"h.example\"}]}]",
	    "set s = redis \"s\"\n"
	    "on mail { reject \"no\" when sender in $s }",
	    "connect accept, helo accept, needs set s" },
	{ "a filter", "", EARLY ",{\"phase\":\"message\",\"action\":"
	    "\"accept\",\"milters\":{\"clam\":{\"said\":\"reject\","
	    "\"decided\":true}}}]," RCPT, "on message { milter clam }",
	    "connect accept, helo accept, mail accept, rcpt accept, "
	    "message milter" },
	{ "one that failed and is let pass", "", EARLY ",{\"phase\":"
	    "\"message\",\"action\":\"accept\",\"milters\":{\"clam\":{"
	    "\"said\":\"error\",\"decided\":false}}}]," RCPT,
	    "on message { milter clam }",
	    "connect accept, helo accept, mail accept, rcpt accept, "
	    "message accept" },
	{ "one that was not asked", "", EARLY "," ASKED("message") "]," RCPT,
	    "on message { milter clam }",
	    "connect accept, helo accept, mail accept, rcpt accept, "
	    "needs milter.clam" },
	/* how far */
	{ "no message then", "\"message.size\":7", EARLY "]," RCPT,
	    "on message { reject \"no\" }",
	    "connect accept, helo accept, mail accept, rcpt accept" },
	{ "refused then, and not now", "\"helo.name\":\"h.example\","
	    "\"sender\":\"a@x.example\"", "\"phases\":[{\"phase\":"
	    "\"connect\",\"action\":\"reject\"}],\"rcpts\":[{\"to\":"
	    "\"b@h.example\",\"outcome\":\"refused\"}]",
	    "on rcpt { reject \"no\" when rcpt is \"b@h.example\" }",
	    "connect accept, helo accept, mail accept, rcpt reject" },
	{ "a session that was refused", "", "\"phases\":[{\"phase\":"
	    "\"connect\",\"action\":\"reject\"}]", "on helo { reject \"no\" }",
	    "connect accept" },
	{ "a backend that did not take him", "", EARLY "," ASKED("message")
	    "],\"rcpts\":[{\"to\":\"b@h.example\",\"outcome\":\"refused\","
	    "\"action\":\"accept\"}]", "on message { reject \"no\" }",
	    "connect accept, helo accept, mail accept, rcpt accept" },
	{ "a filter that turned him away", "", EARLY "],\"rcpts\":[{\"to\":"
	    "\"b@h.example\",\"outcome\":\"refused\",\"by\":\"milter\"}]",
	    "on rcpt { reject \"no\" }",
	    "connect accept, helo accept, mail accept, rcpt -" },
	{ "who has the mail already", "", EARLY "," ASKED("message")
	    "],\"rcpts\":[{\"to\":\"b@h.example\",\"outcome\":\"taken\","
	    "\"action\":\"reject\",\"code\":550}]",
	    "on rcpt { reject \"no\" }\non message { discard \"x\" }",
	    "connect accept, helo accept, mail accept, rcpt reject, "
	    "message discard" },
	{ "the message is the first one's", "", EARLY "," ASKED("message")
	    "],\"rcpts\":[{\"to\":\"c@h.example\",\"outcome\":\"refused\","
	    "\"action\":\"reject\",\"facts\":{\"rcpt\":\"c@h.example\"}},"
	    "{\"to\":\"b@h.example\"," TAKEN
	    ",\"facts\":{\"rcpt\":\"b@h.example\"}}]",
	    "on rcpt { reject \"no\" when rcpt is \"c@h.example\" }\n"
	    "on message { reject \"b\" when rcpt is \"b@h.example\" }",
	    "connect accept, helo accept, mail accept, rcpt reject, "
	    "rcpt accept, message reject" },
	{ "a number that is another one now", "", EARLY "],\"rcpts\":["
	    "{\"to\":\"c@h.example\"," TAKEN ",\"facts\":{\"rcpt\":"
	    "\"c@h.example\",\"rcpt.count\":1}},{\"to\":\"b@h.example\"," TAKEN
	    ",\"facts\":{\"rcpt\":\"b@h.example\",\"rcpt.count\":2}}]",
	    "on rcpt { reject \"no\" when rcpt is \"c@h.example\"\n"
	    "reject \"2\" when rcpt.count is 2 }",
	    "connect accept, helo accept, mail accept, rcpt reject, "
	    "rcpt accept" },
	{ "trust needs nothing behind it", "\"client.ip\":\"192.0.2.1\"",
	    EARLY "," ASKED("message") "]," RCPT,
	    "on connect { trust when client.ip is 192.0.2.1 }\n"
	    "on mail { reject \"no\" when spf is fail }",
	    "connect trust, helo accept, mail accept, rcpt accept, "
	    "message accept" },
};

static const struct {
	const char *name, *line, *want;
} bad[] = {
	{ "nothing", "", "JSON, octet 1: expected a value" },
	{ "an array", "[]", "no record of a journal: expected an object" },
	{ "another object", "{\"a\":1}", "no record of a journal: \"v\", "
	    "\"session\" or \"kind\" is missing" },
	{ "a later version", "{\"v\":2,\"session\":\"a\",\"kind\":\"mail\"}",
	    "version 2 of the journal: expected 1" },
	{ "half a line", "{\"v\":1,\"session\":\"a\",\"kind\":\"ma",
	    "JSON, octet 32: a string does not end" },
	{ "two of them", "{\"v\":1,\"session\":\"a\",\"kind\":\"x\"}{}",
	    "JSON, octet 33: something behind the value" },
};

static void
put(struct buf *out, const char *phase, const struct judged *p)
{
	buf_printf(out, "%s%s %s", out->len > 0 ? ", " : "", phase,
	    p->is_asked ? action_name(p->verdict.kind) : "-");
}

/* What was asked, and what it said. */
static char *
judged(struct arena *a, const struct recorded *r, const struct rules *rules)
{
	struct judgement j = { .keeps_traces = true };
	struct buf out = {0};
	enum phase p;
	char *text;
	size_t i;

	recorded_judge(a, r, rules, &j);
	for (p = PHASE_CONNECT; p < PHASES; p++) {
		for (i = 0; p == PHASE_RCPT && i < j.nrcpts; i++)
			if (j.missing == NULL || j.rcpts[i].is_asked)
				put(&out, "rcpt", &j.rcpts[i]);
		if (p != PHASE_RCPT && j.phases[p].is_asked)
			put(&out, phase_name(p), &j.phases[p]);
	}
	if (j.missing != NULL)
		buf_printf(&out, "%sneeds %s", out.len > 0 ? ", " : "",
		    j.missing);
	text = arena_copy(a, buf_text(&out));
	buf_free(&out);
	return text;
}

static void
test_judged(void)
{
	static const struct rule_context context = { .has_store = true,
	    .has_redis = true };
	size_t i;

	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct arena *a = arena_create("test");
		struct diagnostics *d = diagnostics_create(a);
		const struct rules *rules = rules_read_text(a, "r",
		    span_z(cases[i].rules), &context, d);
		const char *line = arena_printf(a, HEAD "\"facts\":{%s},%s}",
		    cases[i].facts, cases[i].rest);
		struct recorded *r;
		struct err err = {0};

		if (rules == NULL)
			T_STR(cases[i].name, diagnostics_text(d, a), "");
		else if (recorded_read(a, span_z(line), &r, &err) < 0)
			T_STR(cases[i].name, err.text, "");
		else
			T_STR(cases[i].name, judged(a, r, rules),
			    cases[i].want);
		arena_destroy(&a);
	}
}

static void
test_bad(void)
{
	struct arena *a = arena_create("test");
	struct recorded *r;
	struct err err;
	size_t i;

	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		T_INT(bad[i].name, recorded_read(a, span_z(bad[i].line), &r,
		    &err), -1);
		T_STR(bad[i].name, err.text, bad[i].want);
	}
	T_INT("members that nobody knows", recorded_read(a, SPAN_LIT(
	    "{\"v\":1,\"new\":{\"a\":[1]},\"session\":\"a\",\"kind\":"
	    "\"mail\",\"phases\":[{\"phase\":\"later\"},7],\"rcpts\":{}}"),
	    &r, &err), 0);
	T_INT("of another type", r->nrcpts, 0);
	arena_destroy(&a);
}

static bool
is_told(const struct told_fact *list, size_t n, const struct fact *fact)
{
	for (size_t i = 0; i < n; i++)
		if (list[i].ref.fact == fact)
			return true;
	return false;
}

/* No fact gets lost: what no record tells is put back by who reads it. */
static void
test_left_out(void)
{
	static const char line[] = HEAD "\"listener\":\"mx\",\"facts\":{"
	    "\"client.ip\":\"192.0.2.7\",\"dnsbl.score\":0.00,"
	    "\"helo.name\":\"h.example\",\"sender\":null,\"spf\":\"pass\","
	    "\"dkim\":\"none\",\"dmarc\":\"none\"},\"rcpts\":[{\"to\":\"b@h.example\",\"facts\":"
	    "{\"rcpt.count\":1}}]}";
	struct arena *a = arena_create("test");
	struct rules rules = {0};
	struct rule_plan plan = {0};
	struct ruleset set = { .rules = &rules, .plan = &plan };
	struct transaction_plan *p = transaction_plan(a, &set, NULL);
	struct recorded *r = NULL;
	size_t left_out = 0;
	struct value v;
	struct err err;

	T_INT("a record", recorded_read(a, span_z(line), &r, &err), 0);
	for (size_t i = 0; i < FACTS; i++) {
		const struct fact *fact = fact_at((enum fact_id)i);

		if (fact->argument != FACT_TAKES_NOTHING ||
		    fact->scope == FACT_OF_RULES ||
		    is_told(p->facts, p->nfacts, fact) ||
		    is_told(p->rcpt_facts, p->nrcpt_facts, fact))
			continue;
		left_out++;
		T_OK(fact->name, recorded_find(fact->scope == FACT_OF_RCPT ?
		    &r->rcpts[0].facts : &r->facts, span_z(fact->name)));
	}
	T_INT("so many are left out", left_out, 6);
	left_out = 0;
	for (size_t i = 0; i < p->nfacts; i++) {
		const struct fact_ref *ref = &p->facts[i].ref;

		if (!p->facts[i].needs_no_nothing)
			continue;
		left_out++;
		T_OK(ref->fact->name, recorded_get(a, &r->facts, ref, &v) &&
		    value_is_nothing(&v));
	}
	T_INT("so many, if they are nothing", left_out, 15);
	arena_destroy(&a);
}

int
main(void)
{
	test_judged();
	test_left_out();
	test_bad();
	return t_done();
}
