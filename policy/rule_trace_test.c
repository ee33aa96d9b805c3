#include <stdlib.h>
#include <string.h>

#include "policy/rule_trace.h"
#include "tests/kit/rule_trial.h"
#include "tests/kit/t.h"

/* The trace as JSON, and values of any length in a line. Its words are
 * tested where the rules are (rule_eval_test.c). */

static void
test_json(void)
{
	struct rule_trial t = { .rules = "on connect {\n"
	    "score 1.5 \"n\"\n"
	    "late: observe defer \"x\" when client.name is none\n"
	    "when client.early-talker {\n"
	    "delay 2500ms\n"
	    "}\n"
	    "no: reject 554 5.7.1 \"\xc3\xa4 {dnsbl.names}\" when "
	    "dnsbl.score >= 5 and client.port > 0 and client.ip is not none\n"
	    "}\n", .facts = "dnsbl.score = 7.25\ndnsbl.names = { \"a\", "
	    "\"b\" }\nclient.ip = 192.0.2.1\nclient.port = 25\n"
	    "client.early-talker = yes\nclient.name = none" };
	json_t *json;
	char *text;

	if (!rule_trial_begin(&t)) {
		T_STR("json: rules", t.report, "");
		return;
	}
	rule_trial_run(&t, PHASE_CONNECT);
	json = rule_trace_json(&t.trace, &t.verdict);
	text = json_dumps(json, JSON_COMPACT | JSON_REAL_PRECISION(6));
	T_STR("json", text, "{\"phase\":\"connect\",\"verdict\":{\"action\":"
	    "\"reject\",\"file\":\"r\",\"line\":7,\"rule\":\"no\",\"code\":554,"
	    "\"enhanced\":\"5.7.1\",\"text\":\"\xc3\xa4 a, b\",\"delay\":2.5,"
	    "\"would\":{\"action\":\"defer\",\"file\":\"r\",\"line\":3,"
	    "\"rule\":\"late\",\"code\":451,\"enhanced\":\"4.7.1\",\"text\":"
	    "\"x\"}},"
	    "\"rules\":["
	    "{\"file\":\"r\",\"line\":2,\"rule\":\"r:2\",\"held\":true,"
	    "\"observed\":false,\"action\":\"score\",\"name\":\"n\",\"score\":"
	    "1.5,\"facts\":{}},"
	    "{\"file\":\"r\",\"line\":3,\"rule\":\"late\",\"when\":"
	    "\"client.name is none\",\"held\":true,\"observed\":true,"
	    "\"action\":\"defer\",\"code\":451,\"enhanced\":\"4.7.1\","
	    "\"text\":\"x\",\"facts\":{\"client.name\":null}},"
	    "{\"file\":\"r\",\"line\":4,\"rule\":\"r:4\",\"when\":"
	    "\"client.early-talker\",\"held\":true,\"observed\":false,"
	    "\"facts\":{\"client.early-talker\":true}},"
	    "{\"file\":\"r\",\"line\":5,\"rule\":\"r:5\",\"held\":true,"
	    "\"observed\":false,\"action\":\"delay\",\"delay\":2.5,"
	    "\"facts\":{}},"
	    "{\"file\":\"r\",\"line\":7,\"rule\":\"no\",\"when\":"
	    "\"dnsbl.score >= 5 and client.port > 0 and client.ip is not none"
	    "\",\"held\":true,\"observed\":false,\"action\":\"reject\",\"code\""
	    ":554,\"enhanced\":\"5.7.1\",\"text\":\"\xc3\xa4 a, b\",\"facts\":"
	    "{\"dnsbl.score\":7.25,\"client.port\":25,\"client.ip\":"
	    "\"192.0.2.1\",\"dnsbl.names\":[\"a\",\"b\"]}}]}");
	free(text);
	json_decref(json);
	rule_trial_end(&t);
}

static void
test_long(void)
{
	struct rule_trial t = { .rules = "on message {\n"
	    "reject \"{header \\\"Subject\\\"}\" when header \"Subject\" "
	    "contains \"a\"\n}\n" };
	struct buf facts = {0};
	const char *trace;

	buf_puts(&facts, "header \"Subject\" = \"");
	for (int i = 0; i < 1000; i++)
		buf_puts(&facts, "a\xc3\xa4");
	buf_puts(&facts, "\"");
	buf_put(&facts, "", 1);
	t.facts = facts.p;
	if (rule_trial_begin(&t)) {
		rule_trial_run(&t, PHASE_MESSAGE);
		T_OK("the reply is cut",
		    t.verdict.text.len <= VERDICT_TEXT_MAX);
		trace = rule_trial_trace(&t);
		T_OK("so is the value", strstr(trace, "...] -> reject") !=
		    NULL);
		T_OK("the trace is short", strlen(trace) <
		    TRACE_VALUE_MAX + 3 * VERDICT_TEXT_MAX);
	}
	rule_trial_end(&t);
	buf_free(&facts);
}

int
main(void)
{
	test_json();
	test_long();
	return t_done();
}
