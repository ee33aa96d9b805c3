#include <stdio.h>

#include "conf/listing.h"
#include "gateway/explain_internal.h"
#include "policy/action.h"
#include "policy/rule_trace.h"

/*
 * The page of --json. Scripts read its keys, which forepost(8) names: they
 * stay.
 */

static json_t *
text_or_null(struct arena *a, const char *text)
{
	return text == NULL || *text == '\0' ? json_null() :
	    explain_str(a, span_z(text));
}

static void
set_rule(struct arena *a, json_t *json, const struct rule *rule)
{
	json_object_set_new(json, "rule", explain_str(a, span_z(rule->name)));
	json_object_set_new(json, "file",
	    explain_str(a, span_z(rule->at.source->name)));
	json_object_set_new(json, "line", json_integer(rule->at.line));
}

static json_t *
json_of_outcome(struct arena *a, const struct hearing *h)
{
	json_t *json = json_object(), *by = json_null();

	if (h->rule != NULL) {
		by = json_object();
		set_rule(a, by, h->rule);
		json_object_set_new(by, "action",
		    json_string(action_name(h->rule->action.kind)));
	}
	json_object_set_new(json, "result",
	    json_string(explain_fate_name(h->fate)));
	json_object_set_new(json, "phase", json_string(phase_name(h->phase)));
	json_object_set_new(json, "by", by);
	json_object_set_new(json, "why", text_or_null(a, h->why));
	json_object_set_new(json, "backend", text_or_null(a, h->backend));
	json_object_set_new(json, "delay", json_real((double)h->delay / 1e6));
	json_object_set_new(json, "score", json_real((double)h->score /
	    LISTING_SCORE_UNIT));
	json_object_set_new(json, "scores", explain_str(a, h->scores));
	return json;
}

static json_t *
json_of_reply(struct arena *a, const struct hearing *h)
{
	const struct reply *r = h->reply;
	json_t *json;

	if (r == NULL)
		return json_null();
	json = json_object();
	json_object_set_new(json, "to", json_string(h->reply_to));
	json_object_set_new(json, "code", json_integer(r->code));
	json_object_set_new(json, "enhanced", text_or_null(a, r->enhanced));
	json_object_set_new(json, "text", explain_str(a, span_z(r->text)));
	json_object_set_new(json, "closes", json_boolean(r->close));
	return json;
}

/* --- the rules --- */

static json_t *
json_of_phases(struct arena *a, const struct hearing *h)
{
	json_t *list = json_array(), *json;

	for (enum phase p = PHASE_CONNECT; p < PHASES; p++) {
		const struct heard_phase *heard = &h->phases[p];

		if (heard->verdict != NULL)
			json = rule_trace_json(&heard->trace, heard->verdict);
		else {
			json = json_object();
			json_object_set_new(json, "phase",
			    json_string(phase_name(p)));
			json_object_set_new(json, "not-asked",
			    text_or_null(a, heard->unasked));
		}
		json_array_append_new(list, json);
	}
	return list;
}

static void
add_told(struct arena *a, json_t *list, enum phase phase, const char *key,
    const struct rule *rule, struct span text)
{
	json_t *json = json_object();

	json_object_set_new(json, "phase", json_string(phase_name(phase)));
	set_rule(a, json, rule);
	json_object_set_new(json, key, explain_str(a, text));
	json_array_append_new(list, json);
}

static json_t *
json_of_observed(struct arena *a, const struct hearing *h)
{
	json_t *list = json_array();
	struct buf text = {0};

	for (enum phase p = PHASE_CONNECT; p < PHASES; p++) {
		const struct verdict *v = h->phases[p].verdict;

		for (size_t i = 0; v != NULL && i < v->nobserved; i++) {
			buf_clear(&text);
			rule_told_put(&text, &v->observed[i]);
			add_told(a, list, p, "would", v->observed[i].rule,
			    buf_text(&text));
		}
	}
	buf_free(&text);
	return list;
}

static json_t *
json_of_logs(struct arena *a, const struct hearing *h)
{
	json_t *list = json_array();

	for (enum phase p = PHASE_CONNECT; p < PHASES; p++) {
		const struct verdict *v = h->phases[p].verdict;

		for (size_t i = 0; v != NULL && i < v->nlogs; i++)
			add_told(a, list, p, "text", v->logs[i].rule,
			    v->logs[i].text);
	}
	return list;
}

static json_t *
json_of_edits(struct arena *a, const struct hearing *h)
{
	json_t *list = json_array(), *json;

	for (size_t i = 0; i < h->nedits; i++) {
		const struct header_edit *e = &h->edits[i];

		json = json_object();
		json_object_set_new(json, "action",
		    json_string(action_name(e->kind)));
		json_object_set_new(json, "name", explain_str(a, e->name));
		json_object_set_new(json, "value", explain_str(a, e->value));
		json_array_append_new(list, json);
	}
	return list;
}

/* --- */

void
explain_json(struct arena *a, const struct explanation *x, json_t *facts,
    json_t *why)
{
	const struct hearing *h = &x->heard;
	json_t *page = json_object();

	json_object_set_new(page, "outcome", json_of_outcome(a, h));
	json_object_set_new(page, "reply", json_of_reply(a, h));
	json_object_set_new(page, "listener",
	    text_or_null(a, h->listener->name));
	json_object_set_new(page, "mode",
	    json_string(h->is_observing ? "observe" : "enforce"));
	json_object_set_new(page, "unlooked", text_or_null(a, h->unlooked));
	json_object_set_new(page, "store", text_or_null(a, h->store));
	json_object_set_new(page, "rules", json_of_phases(a, h));
	json_object_set_new(page, "observed", json_of_observed(a, h));
	json_object_set_new(page, "logs", json_of_logs(a, h));
	json_object_set_new(page, "edits", json_of_edits(a, h));
	json_object_set(page, "facts", facts);
	json_object_set(page, "why", why);
	if (x->has_message) {
		json_object_set_new(page, "fields", explain_str(a, h->fields));
		json_object_set_new(page, "removed",
		    json_integer((json_int_t)h->ncuts));
	}
	json_dumpf(page, stdout, JSON_INDENT(2) | JSON_REAL_PRECISION(6) |
	    JSON_ENSURE_ASCII);
	putchar('\n');
	json_decref(page);
}
