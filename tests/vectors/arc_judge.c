#include "base/clock.h"
#include "filters/arc.h"
#include "tests/vectors/judge.h"

/*
 * arc_judge -- a message and the keys of its sealers
 *
 * in   zone, message (octets), piece (octets of the body at a time; all)
 * out  outcome, status, sets, sealer, reason, oldest, partial, domains
 */
#define TIMEOUT		(200 * CLOCK_MS)

/* What stands behind the empty line. */
static struct span
body_of(struct span message, const struct fields *h)
{
	size_t at = h->size;

	if (message.len - at >= 2)
		at += 2;
	return span_n(message.p + at, message.len - at);
}

static void
give_body(struct arc *c, struct span body, size_t piece)
{
	struct span s;

	if (piece == 0)
		piece = body.len;
	while (body.len > 0) {
		s = span_n(body.p, body.len < piece ? body.len : piece);
		arc_body(c, s);
		body = span_n(body.p + s.len, body.len - s.len);
	}
}

static void
say(json_t *out, const struct arc_answer *answer)
{
	json_t *domains = json_array();
	unsigned i;

	judge_say(out, "outcome", arc_outcome_name(answer->outcome));
	judge_say(out, "status", arc_status(answer->outcome));
	judge_say(out, "sealer", answer->sealer);
	judge_say(out, "reason", answer->reason);
	json_object_set_new(out, "sets", json_integer(answer->sets));
	json_object_set_new(out, "oldest",
	    json_integer(answer->oldest_pass));
	json_object_set_new(out, "partial", json_boolean(answer->is_partial));
	if (answer->outcome == ARC_PASS)
		for (i = 0; i < answer->sets; i++)
			json_array_append_new(domains,
			    json_string(answer->seals[i].domain));
	json_object_set_new(out, "domains", domains);
}

static MAY_YIELD void
decide(struct arena *a, json_t *in, json_t *out)
{
	struct arc_options options = { .timeout = TIMEOUT };
	struct span message = judge_octets(a, in, "message");
	struct arc *c = arc_begin(a, &options);
	struct arc_answer answer;
	struct fields header;
	struct err err;

	fields_parse(a, message, &header);
	arc_header(c, &header);
	give_body(c, body_of(message, &header),
	    (size_t)json_integer_value(json_object_get(in, "piece")));
	if (arc_finish(c, &answer, &err) < 0)
		judge_say(out, "error", err.text);
	else
		say(out, &answer);
}

int
main(int argc, char **argv)
{
	return judge_main(argc, argv, decide);
}
