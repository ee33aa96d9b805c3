#include <string.h>

#include "filters/spf.h"
#include "tests/vectors/judge.h"

/*
 * A case of SPF: "client" (IP address; without it a unix socket), "helo",
 * "sender" and "identity" ("helo" or "mailfrom"), "engine" ("own" or
 * "libspf2"), "receiver", "lookup_ms". The answer: all of struct spf_answer.
 */
static bool
is(json_t *in, const char *key, const char *word)
{
	const char *text = judge_text(in, key);

	return text != NULL && strcmp(text, word) == 0;
}

static MAY_YIELD void
decide(struct arena *a, json_t *in, json_t *out)
{
	struct spf_options options = {
		.engine = is(in, "engine", "libspf2") ? SPF_ENGINE_LIBSPF2 :
		    SPF_ENGINE_OWN,
		.receiver = judge_text(in, "receiver"),
		.lookup_timeout = json_integer_value(json_object_get(in,
		    "lookup_ms")) * CLOCK_MS,
	};
	struct spf_query query = {
		.identity = is(in, "identity", "helo") ? SPF_HELO :
		    SPF_MAILFROM,
		.helo = arena_copy(a, judge_octets(a, in, "helo")),
		.sender = judge_octets(a, in, "sender"),
	};
	const char *ip = judge_text(in, "client");
	struct spf_answer answer;
	struct addr client = { 0 };
	struct err err;

	if (ip == NULL)
		addr_parse(SPAN_LIT("unix:/run/forepost"), &client, &err);
	else if (addr_parse_ip(span_z(ip), 25, &client, &err) < 0) {
		judge_say(out, "result", err.text);
		return;
	}
	query.client = &client;
	if (spf_check(a, &options, &query, &answer, &err) < 0) {
		judge_say(out, "result", err.text);
		return;
	}
	judge_say(out, "result", spf_result_name(answer.result));
	judge_say(out, "domain", answer.domain);
	judge_say(out, "explanation", answer.explanation);
	judge_say(out, "mechanism", answer.mechanism);
	judge_say(out, "problem", answer.problem);
	json_object_set_new(out, "lookups", json_integer(answer.lookups));
	json_object_set_new(out, "terms", json_integer(answer.terms));
	json_object_set_new(out, "voids", json_integer(answer.voids));
}

int
main(int argc, char **argv)
{
	return judge_main(argc, argv, decide);
}
