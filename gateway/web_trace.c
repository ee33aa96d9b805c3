#include <stdlib.h>

#include <jansson.h>

#include "base/json_write.h"
#include "gateway/recorded.h"
#include "gateway/web_trace.h"
#include "policy/rule_trace.h"

static void
put_phase(struct json_out *o, const struct judged *p, struct span to)
{
	json_t *trace;
	char *text;

	if (!p->is_asked)
		return;
	trace = rule_trace_json(&p->trace, &p->verdict);
	if (to.len > 0)
		(void)json_object_set_new(trace, "to",
		    json_stringn(to.p, to.len));
	text = json_dumps(trace, JSON_COMPACT);
	if (text != NULL)
		json_raw(o, NULL, span_z(text));
	free(text);
	json_decref(trace);
}

static void
put_judgement(struct json_out *o, const struct recorded *r,
    const struct judgement *j)
{
	struct span nobody = {0};

	json_open(o, "trace", '[');
	for (size_t p = 0; p < PHASES; p++) {
		if (p != PHASE_RCPT)
			put_phase(o, &j->phases[p], nobody);
		else for (size_t i = 0; i < j->nrcpts; i++)
			put_phase(o, &j->rcpts[i],
			    r->rcpts[i].to.kind == JSON_IN_STRING ?
			    r->rcpts[i].to.text : nobody);
	}
	json_close(o, ']');
}

static void
put_none(struct json_out *o, const char *why)
{
	json_none(o, "trace");
	json_z(o, "trace-why", why);
}

void
web_trace_put(struct buf *out, struct span record,
    const struct ruleset *rules)
{
	struct judgement j = { .keeps_traces = true };
	struct json_out o = { .to = out, .more = true };
	struct arena *a = arena_create("trace");
	struct recorded *r;
	struct err err;

	if (recorded_read(a, record, &r, &err) < 0)
		put_none(&o, err.text);
	else if (!span_is(r->rules, rules->hash))
		put_none(&o, "the rules were changed since");
	else {
		recorded_judge(a, r, rules->rules, &j);
		put_judgement(&o, r, &j);
		if (j.missing != NULL)
			json_z(&o, "trace-why", arena_printf(a, "it ends "
			    "where %s is needed, which was not written down",
			    j.missing));
	}
	arena_destroy(&a);
}
