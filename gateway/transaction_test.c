#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "gateway/transaction_internal.h"
#include "tests/kit/t.h"

static char shown[4096];

static const char *
text_of(struct teller *t)
{
	size_t n = t->o.to->len < sizeof(shown) ? t->o.to->len :
	    sizeof(shown) - 1;

	memcpy(shown, t->o.to->p, n);
	shown[n] = '\0';
	buf_free(t->o.to);
	tell_end(t);
	return shown;
}

/* --- values --- */

static struct addr v4 = { .len = sizeof(struct sockaddr_in), .u.in = {
    .sin_family = AF_INET, .sin_addr.s_addr = 0 } };

static struct value texts[] = {
	{ .type = TYPE_TEXT, .text = { "one", 3 } },
	{ .type = TYPE_TEXT, .text = { "t\"wo", 4 } },
};
static struct value addresses[] = {
	{ .type = TYPE_ADDRESS, .address = &v4 },
};

static const struct {
	const char *name;
	enum fact_id fact;
	struct value value;
	const char *want;
} values[] = {
	{ "yes", FACT_CLIENT_TLS, { .yes = true }, "true" },
	{ "no", FACT_CLIENT_TLS, { .yes = false }, "false" },
	{ "an integer", FACT_CLIENT_ERRORS, { .number = 12 }, "12" },
	{ "a score", FACT_DNSBL_SCORE, { .number = 850 }, "8.50" },
	{ "a score below 0", FACT_DNSBL_SCORE, { .number = -5 }, "-0.05" },
	{ "a size", FACT_MESSAGE_SIZE, { .number = 48211 }, "48211" },
	{ "a duration", FACT_GREYLIST_LEFT, { .number = 1500000 },
	    "1.500000" },
	{ "a text", FACT_HEADER, { .text = { "h\xc3\xa4\n", 4 } },
	    "\"h\xc3\xa4\\u000a\"" },
	{ "a text that is no UTF-8", FACT_HEADER, { .text = { "\xff", 1 } },
	    "\"\\udcff\"" },
	{ "an empty text", FACT_HEADER, { .text = { "", 0 } }, "\"\"" },
	{ "a name", FACT_HELO_NAME, { .text = { "c.example", 9 } },
	    "\"c.example\"" },
	{ "a mailbox", FACT_SENDER, { .text = { "a@x.example", 11 } },
	    "\"a@x.example\"" },
	{ "none", FACT_SENDER, { .is_none = true }, "null" },
	{ "a word", FACT_HELO_KIND, { .word = 1 }, "\"ehlo\"" },
	{ "an address", FACT_CLIENT_IP, { .address = &v4 }, "\"0.0.0.0\"" },
	{ "a network", FACT_CLIENT_NETWORK, { .network = { AF_INET, 24,
	    { 192, 0, 2 } } }, "\"192.0.2.0/24\"" },
	{ "texts", FACT_DNSBL_NAMES, { .list = { texts, 2 } },
	    "[\"one\",\"t\\\"wo\"]" },
	{ "no texts", FACT_DNSBL_NAMES, { .list = { NULL, 0 } }, "[]" },
	{ "addresses", FACT_DNSBL_LIST, { .list = { addresses, 1 } },
	    "[\"0.0.0.0\"]" },
};

static void
test_values(void)
{
	bool types[TYPE_ADDRESSES + 1] = { [TYPE_NAMES] = true };

	for (size_t i = 0; i < sizeof(values) / sizeof(*values); i++) {
		const struct fact *fact = fact_at(values[i].fact);
		struct buf b = {0};
		struct teller t = tell_begin(&b, NULL);
		struct value v = values[i].value;

		v.type = fact->type;
		types[v.type] = true;
		tell_value(&t, fact, VEIL_TEXT, &v);
		T_STR(values[i].name, text_of(&t), values[i].want);
	}
	for (size_t i = 0; i <= TYPE_ADDRESSES; i++)
		T_OK("each type has a case", types[i]);
}

/* --- what a phase says --- */

static const struct source source = { .name = "in.rules" };
static struct fact_ref header = { .argument = { "X-\xff", 3 } };
static struct set_decl friends = { .name = "friends" };
static struct cond question = { .set = &friends };
static struct brake brake;
static struct rule scoring = { .name = "from-x", .at = { &source, 5, 1 },
    .action = { .kind = ACTION_SCORE, .number = 250 } };
static struct rule refusing = { .name = "in.rules:9", .at = { &source, 9, 1 },
    .action = { .kind = ACTION_REJECT, .code = 550, .enhanced = "5.7.1" } };
static struct rule limiting = { .name = "few", .at = { &source, 11, 1 },
    .action = { .kind = ACTION_LIMIT, .brake = &brake } };
static struct action deferring = { .kind = ACTION_DEFER };

static void
test_verdict(void)
{
	static struct rule_milter filter = { .name = "clam\"av" };
	static const struct rules rules = { .milters = &filter,
	    .nmilters = 1 };
	struct told hits[] = { { &scoring, { "", 0 }, 250 },
	    { &refusing, { "no", 2 }, 0 } };
	struct told observed[] = { { &limiting, { "slow", 4 }, 0 } };
	struct fact_reading read[] = { { &header, { .type = TYPE_TEXT,
	    .text = { "v", 1 } } } };
	struct set_reading asked[] = { { &question, SET_HAS, { "x", 1 } },
	    { &question, SET_UNTOLD, { "", 0 } } };
	struct limit_reading counted[] = { { &limiting, 101 },
	    { &scoring, -1 } };
	struct milter_reading consulted[] = { { 0, { CONSULT_REFUSES, 2 } } };
	const struct rule *untold[] = { &scoring };
	struct verdict would = { .kind = ACTION_DEFER, .rule = &limiting };
	struct verdict v = { .kind = ACTION_REJECT, .rule = &refusing,
	    .code = 550, .enhanced = "5.7.1", .text = { "no", 2 },
	    .hits = hits, .nhits = 2, .observed = observed, .nobserved = 1,
	    .read = read, .nread = 1, .asked = asked, .nasked = 2,
	    .counted = counted, .ncounted = 2, .consulted = consulted,
	    .nconsulted = 1, .untold = untold, .nuntold = 1,
	    .would = &would, .unsure = &scoring };
	struct buf b = {0};
	struct teller t = tell_begin(&b, NULL);

	header.fact = fact_at(FACT_HEADER);
	question.ref = (struct fact_ref){ .fact = fact_at(FACT_SENDER) };
	brake.action = &deferring;
	tell_verdict(&t, &rules, &v);
	T_STR("all that a phase can say", text_of(&t),
	    "\"action\":\"reject\",\"rule\":\"in.rules:9\","
	    "\"at\":\"in.rules:9\",\"code\":550,\"enhanced\":\"5.7.1\","
	    "\"text\":\"no\",\"unsure\":\"from-x\","
	    "\"would\":{\"action\":\"defer\",\"rule\":\"few\","
	    "\"at\":\"in.rules:11\"},"
	    "\"hits\":[{\"rule\":\"from-x\",\"at\":\"in.rules:5\","
	    "\"action\":\"score\",\"score\":2.50},"
	    "{\"rule\":\"in.rules:9\",\"at\":\"in.rules:9\","
	    "\"action\":\"reject\",\"text\":\"no\"},"
	    "{\"rule\":\"few\",\"at\":\"in.rules:11\",\"action\":\"defer\","
	    "\"text\":\"slow\",\"observed\":true}],"
	    "\"read\":{\"header X-\\udcff\":\"v\"},"
	    "\"limits\":{\"few\":101,\"from-x\":null},"
	    "\"sets\":[{\"set\":\"friends\",\"fact\":\"sender\",\"in\":true,"
	    "\"member\":\"x\"},{\"set\":\"friends\",\"fact\":\"sender\","
	    "\"in\":null}],"
	    "\"milters\":{\"clam\\\"av\":{\"said\":\"reject\","
	    "\"decided\":true}},"
	    "\"untold\":[\"from-x\"]");
}

static void
test_nothing_said(void)
{
	struct verdict v = { .kind = ACTION_ACCEPT };
	struct buf b = {0};
	struct teller t = tell_begin(&b, NULL);

	tell_verdict(&t, NULL, &v);
	T_STR("what has nothing to say is left out", text_of(&t),
	    "\"action\":\"accept\"");
}

/* --- replies --- */

static void
test_replies(void)
{
	struct reply r = reply(550, "5.1.1", "no\nsuch user");
	struct buf b = {0};
	struct teller t = tell_begin(&b, NULL);

	tell_reply(&t, JSON_NO_KEY, &r);
	T_STR("lines of a reply", text_of(&t),
	    "\"550 5.1.1 no\\u000asuch user\"");
	r = reply(421, "", "bye");
	t = tell_begin(&b, NULL);
	tell_reply(&t, JSON_NO_KEY, &r);
	T_STR("without an enhanced code", text_of(&t), "\"421 bye\"");
	r = reply_none();
	t = tell_begin(&b, NULL);
	tell_reply(&t, SPAN_LIT("reply"), &r);
	T_INT("nothing was said", b.len, 0);
}

/* --- which facts --- */

static bool
has(const struct told_fact *list, size_t n, const char *key)
{
	size_t found = 0;
	char ready[64];

	snprintf(ready, sizeof(ready), "\"%s\":", key);
	for (size_t i = 0; i < n; i++)
		found += span_is(list[i].key, ready);
	return found == 1;
}

static bool
is_ready(struct span member, const struct told_fact *f, const char *value)
{
	char want[128];

	snprintf(want, sizeof(want), "%.*s%.64s", SPAN_ARG(f->key), value);
	return span_is(member, want);
}

static bool
is_list(const struct fact *fact)
{
	return fact->type == TYPE_TEXTS || fact->type == TYPE_NAMES ||
	    fact->type == TYPE_ADDRESSES;
}

/* What is made ready of each fact is what tell_value() would make. */
static size_t
count_wrong(const struct told_fact *list, size_t n)
{
	size_t wrong = 0;

	for (size_t i = 0; i < n; i++) {
		const struct fact *fact = list[i].ref.fact;
		struct value v = { .type = fact->type };
		unsigned most = fact->type == TYPE_YESNO ? 2 : 0;

		while (fact->type == TYPE_WORD && fact->words[most] != NULL)
			most++;
		wrong += !is_ready(list[i].none, &list[i], "null");
		wrong += (list[i].values != NULL) !=
		    (most > 0 || is_list(fact));
		wrong += is_list(fact) &&
		    !is_ready(*list[i].values, &list[i], "[]");
		for (unsigned k = 0; k < most; k++) {
			struct buf b = {0};
			struct teller t = tell_begin(&b, NULL);

			if (fact->type == TYPE_YESNO)
				v.yes = k;
			else
				v.word = k;
			tell_value(&t, fact, VEIL_TEXT, &v);
			wrong += !is_ready(list[i].values[k], &list[i],
			    text_of(&t));
		}
	}
	return wrong;
}

static void
test_plan(void)
{
	struct arena *a = arena_create("test");
	struct fact_ref refs[] = {
		{ .fact = fact_at(FACT_HEADER), .argument = { "subject", 7 },
		    .slot = 1 },
		{ .fact = fact_at(FACT_HEADERS), .argument = { "X-A", 3 },
		    .slot = 2 },
		{ .fact = fact_at(FACT_DNSBL_LIST), .argument = { "zen", 3 },
		    .slot = 3 },
		{ .fact = fact_at(FACT_SPF), .slot = 4 },
		{ .fact = fact_at(FACT_SENDER_LOCAL), .slot = 5 },
	};
	const struct fact_ref *needs[] = { &refs[0], &refs[1], &refs[2],
	    &refs[3], &refs[2], &refs[4] };
	struct rule_plan plan = { .phases[PHASE_MESSAGE] = { .needs = needs,
	    .nneeds = 6 } };
	struct rules rules = { .nslots = 6 };
	struct ruleset set = { .rules = &rules, .plan = &plan };
	struct transaction_plan *p = transaction_plan(a, &set, NULL);

	T_OK("facts that are free", has(p->facts, p->nfacts,
	    "client.ip"));
	T_OK("facts that cost something", has(p->facts, p->nfacts,
	    "spf"));
	T_OK("a field that is told always, and that a rule names otherwise",
	    has(p->facts, p->nfacts, "header Subject") &&
	    !has(p->facts, p->nfacts, "header subject"));
	T_OK("other fields that rules name", has(p->facts, p->nfacts,
	    "headers X-A"));
	T_OK("a list that a rule names, once", has(p->facts, p->nfacts,
	    "dnsbl.zen"));
	T_OK("no score: that follows from the rules", !has(p->facts,
	    p->nfacts, "score"));
	T_OK("a recipient's are his", has(p->rcpt_facts, p->nrcpt_facts,
	    "rcpt.count") && !has(p->facts, p->nfacts, "rcpt.count"));
	T_OK("not what follows from others", !has(p->facts, p->nfacts,
	    "client.network") && !has(p->rcpt_facts, p->nrcpt_facts, "rcpt"));
	T_OK("unless a rule names it", has(p->facts, p->nfacts,
	    "sender.local"));
	T_INT("whose record it is", span_is(p->worker, arena_printf(a,
	    "\"worker\":%ld", (long)getpid())), true);
	T_INT("their values are ready", count_wrong(p->facts, p->nfacts) +
	    count_wrong(p->rcpt_facts, p->nrcpt_facts), 0);
	arena_destroy(&a);
}

int
main(void)
{
	test_values();
	test_verdict();
	test_nothing_said();
	test_replies();
	test_plan();
	return t_done();
}
