#include <stdio.h>
#include <string.h>

#include "filters/signature.h"
#include "tests/vectors/judge.h"

/*
 * dkim_judge -- the signatures of a message
 *
 * in   message (octets, CRLF); piece: octets that the body comes in, 0: all;
 *      most: signatures verified; engine: "own" or "libopendkim"
 * out  best, ignored, signatures: [{ result, reason, domain, selector,
 *      identity, algorithm, prefix, bits, test, length, partial }]
 */
#define PATIENCE	(CLOCK_S / 2)	/* with silent servers */

static void
say_number(json_t *out, const char *key, uint64_t value)
{
	json_object_set_new(out, key, json_integer((json_int_t)value));
}

static json_t *
signature(const struct signature *s)
{
	json_t *out = json_object();

	judge_say(out, "result", signature_result_name(s->result));
	judge_say(out, "reason", s->reason);
	judge_say(out, "domain", s->domain);
	judge_say(out, "selector", s->selector);
	judge_say(out, "identity", s->identity);
	judge_say(out, "algorithm", s->algorithm);
	judge_say(out, "prefix", s->prefix);
	say_number(out, "bits", (uint64_t)s->bits);
	json_object_set_new(out, "test", json_boolean(s->is_test));
	json_object_set_new(out, "partial", json_boolean(s->is_partial));
	if (s->has_length)
		say_number(out, "length", s->length);
	return out;
}

static void
feed(struct signature_check *c, struct span body, size_t piece)
{
	while (body.len > 0) {
		size_t n = piece > 0 && piece < body.len ? piece : body.len;

		signature_body(c, span_n(body.p, n));
		body = span_n(body.p + n, body.len - n);
	}
}

static MAY_YIELD void
decide(struct arena *a, json_t *in, json_t *out)
{
	const char *engine = judge_text(in, "engine");
	struct signature_options options = {
	    .engine = engine != NULL && strcmp(engine, "libopendkim") == 0 ?
		SIGNATURE_LIBOPENDKIM : SIGNATURE_OWN,
	    .most = (size_t)json_integer_value(json_object_get(in, "most")),
	    .timeout = PATIENCE };
	struct span message = judge_octets(a, in, "message"), body;
	struct signature_answer answer;
	struct signature_check *c;
	struct fields header;
	json_t *list = json_array();
	struct err err;

	fields_parse(a, message, &header);
	body = span_n(message.p + header.size, message.len - header.size);
	if (body.len > 0)	/* the empty line */
		body = span_n(body.p + 2, body.len - 2);
	c = signature_begin(a, &options, &header);
	feed(c, body, (size_t)json_integer_value(
	    json_object_get(in, "piece")));
	if (signature_finish(c, &answer, &err) < 0)
		return;
	judge_say(out, "best", signature_result_name(answer.best));
	say_number(out, "ignored", answer.ignored);
	for (size_t i = 0; i < answer.n; i++)
		json_array_append_new(list, signature(&answer.list[i]));
	json_object_set_new(out, "signatures", list);
}

int
main(int argc, char **argv)
{
	struct err err;
	int r;

	if (signature_open(SIGNATURE_LIBOPENDKIM, &err) < 0) {
		fprintf(stderr, "%s\n", err.text);
		return 2;
	}
	r = judge_main(argc, argv, decide);
	signature_close();
	return r;
}
