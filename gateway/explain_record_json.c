#include <stdio.h>
#include <stdlib.h>

#include <jansson.h>

#include "base/buf.h"
#include "base/json_write.h"
#include "gateway/explain_record_internal.h"
#include "policy/rule_trace.h"

static void
put_phase(struct json_out *o, const struct judged *p)
{
	json_t *trace;
	char *text;

	if (!p->is_asked)
		return;
	trace = rule_trace_json(&p->trace, &p->verdict);
	text = json_dumps(trace, JSON_COMPACT);
	if (text != NULL)
		json_raw(o, NULL, span_z(text));
	free(text);
	json_decref(trace);
}

static void
put_trace(struct json_out *o, const struct judgement *j)
{
	json_open(o, "trace", '[');
	for (size_t p = 0; p < PHASES; p++) {
		if (p != PHASE_RCPT)
			put_phase(o, &j->phases[p]);
		else for (size_t i = 0; i < j->nrcpts; i++)
			put_phase(o, &j->rcpts[i]);
	}
	json_close(o, ']');
}

void
explain_record_json(struct arena *a, struct span line,
    const struct recorded *r, const struct judgement *j,
    const struct ruleset *rules)
{
	char *record = arena_copy(a, line);
	struct buf out = {0};
	struct json_out o = { .to = &out };

	json_forget_octets(record, line.len);	/* strict readers */
	json_open(&o, NULL, '{');
	json_raw(&o, "record", span_n(record, line.len));
	json_open(&o, "rules", '{');
	json_z(&o, "name", rules->name);
	json_z(&o, "hash", rules->hash);
	json_bool(&o, "same", span_is(r->rules, rules->hash));
	json_close(&o, '}');
	put_trace(&o, j);
	if (j->missing != NULL)
		json_z(&o, "needs", j->missing);
	json_close(&o, '}');
	buf_puts(&out, "\n");
	fwrite(out.p, 1, out.len, stdout);
	buf_free(&out);
}
