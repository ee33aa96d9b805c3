#include <assert.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "gateway/replay_internal.h"
#include "policy/rule_read.h"
#include "policy/rule_trace.h"

/*
 * Any line as a record of the journal: it is one or not, and if it is, rules
 * that ask for everything judge it, twice the same; what is different is told
 * in text that acts on no terminal.
 */
int	LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char text[] =
    "set s = redis \"s\"\n"
    "on connect { few: limit 2/1h per client.ip\n"
    "score client.errors \"e\" when dnsbl.score > 1 or dnsbl.names contains "
    "\"z\" }\n"
    "on helo { reject \"{helo.name}\" when not helo.resolves and client.tls }\n"
    "on mail { tag t when sender in $s or message.declared-size > 1k\n"
    "defer \"{sender}\" when spf in { fail, softfail } }\n"
    "on rcpt { greylist when client.network in { 192.0.2.0/24 }\n"
    "route one when rcpt.domain ends with \".a\" and rcpt.count > 1\n"
    "observe discard \"{rcpt}\" when rcpt.local is \"b\" }\n"
    "on message { add header \"X\" \"{headers \\\"To\\\"}\" when header-count "
    "\"To\" > 0\n"
    "milter clam when header \"Subject\" matches /a+b/ or tagged t\n"
    "quarantine \"{dmarc}\" when dkim is none and dkim.domains is none\n"
    "reject \"{scores}\" when score > 1 }\n";

static const struct rules *rules;

static void
judge(struct arena *a, const struct recorded *r, struct buf *out)
{
	struct judgement j = { .keeps_traces = true };
	struct comparison c;
	enum phase p;
	size_t i;

	recorded_judge(a, r, rules, &j);
	assert(j.nrcpts == r->nrcpts);
	for (p = PHASE_CONNECT; p < PHASES; p++)
		if (j.phases[p].is_asked)
			rule_trace_put(out, &j.phases[p].trace,
			    &j.phases[p].verdict);
	for (i = 0; i < j.nrcpts; i++)
		if (j.rcpts[i].is_asked)
			rule_trace_put(out, &j.rcpts[i].trace,
			    &j.rcpts[i].verdict);
	replay_compare(a, r, &j, &c);
	assert(c.change != UNJUDGED || j.missing != NULL);
	for (i = 0; i < c.n; i++) {
		replay_put_verdict(out, &c.list[i].before, false);
		replay_put_verdict(out, &c.list[i].now, true);
		buf_puts(out, "\n");
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct rule_context context = { .has_store = true,
	    .has_redis = true };
	struct arena *a = arena_create("fuzz");
	struct buf once = {0}, twice = {0};
	struct recorded *r;
	struct err err;
	size_t i;

	if (rules == NULL) {
		struct arena *forever = arena_create("rules");
		struct diagnostics *d = diagnostics_create(forever);

		rules = rules_read_text(forever, "r", span_z(text), &context,
		    d);
		assert(rules != NULL);
	}
	if (recorded_read(a, span_n(data, size), &r, &err) < 0)
		assert(err.kind == ERR_SYNTAX);
	else {
		judge(a, r, &once);
		judge(a, r, &twice);
		assert(span_eq(buf_text(&once), buf_text(&twice)));
		for (i = 0; i < once.len; i++)
			assert((unsigned char)once.p[i] >= ' ' ||
			    once.p[i] == '\n');
	}
	buf_free(&once);
	buf_free(&twice);
	arena_destroy(&a);
	return 0;
}
