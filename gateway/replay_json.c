#include <stdio.h>

#include "base/json_write.h"
#include "gateway/replay_internal.h"

static void
flush(struct buf *out)
{
	if (out->len > 0)
		fwrite(out->p, 1, out->len, stdout);
	buf_free(out);
}

static void
put_verdict(struct json_out *o, const char *key,
    const struct recorded_verdict *v)
{
	json_open(o, key, '{');
	json_span(o, "action", v->action.len > 0 ? v->action :
	    SPAN_LIT("accept"));
	if (v->rule.len > 0)
		json_span(o, "rule", v->rule);
	if (v->at.len > 0)
		json_span(o, "at", v->at);
	if (v->code != 0) {
		json_int(o, "code", v->code);
		json_span(o, "enhanced", v->enhanced);
	}
	if (v->name.len > 0)
		json_span(o, "name", v->name);
	if (v->text.len > 0)
		json_span(o, "text", v->text);
	json_close(o, '}');
}

static void
put_address(struct json_out *o, const char *key,
    const struct recorded_fact *f)
{
	if (f->kind == JSON_IN_STRING)
		json_span(o, key, f->text);
	else if (f->kind == JSON_IN_OBJECT)
		json_raw(o, key, f->text);
	else
		json_none(o, key);
}

static void
put_difference(struct json_out *o, const struct difference *d)
{
	json_open(o, NULL, '{');
	json_z(o, "of", d->is_would ? "would" : d->is_handling ? "handling" :
	    "verdict");
	if (d->rcpt != NULL)
		put_address(o, "recipient", &d->rcpt->to);
	if (d->nrcpts > 0)
		json_int(o, "recipients", (int64_t)d->nrcpts);
	put_verdict(o, "before", &d->before);
	put_verdict(o, "now", &d->now);
	if (d->needs != NULL)
		json_z(o, "needs", d->needs);
	json_close(o, '}');
}

void
replay_json_begin(void)
{
	printf("{\"changes\":[");
}

void
replay_json_mail(const struct recorded *r, const struct comparison *c,
    bool is_first)
{
	const struct recorded_fact *sender = recorded_find(&r->facts,
	    SPAN_LIT("sender"));
	struct buf out = {0}, id = {0};
	struct json_out o = { .to = &out };
	size_t i;

	buf_puts(&out, is_first ? "\n" : ",\n");
	json_open(&o, NULL, '{');
	json_span(&o, "time", r->time);
	replay_put_id(&id, r);
	json_span(&o, "id", buf_text(&id));
	buf_free(&id);
	json_span(&o, "kind", r->kind);
	if (sender != NULL)
		put_address(&o, "sender", sender);
	if (r->nrcpts > 0)
		put_address(&o, "recipient", &r->rcpts[0].to);
	json_open(&o, "differences", '[');
	for (i = 0; i < c->n; i++)
		put_difference(&o, &c->list[i]);
	json_close(&o, ']');
	json_close(&o, '}');
	flush(&out);
}

static void
put_pairs(struct json_out *o, const struct tally *t)
{
	size_t i;

	json_open(o, "differences", '[');
	for (i = 0; i < t->npairs; i++) {
		json_open(o, NULL, '{');
		json_int(o, "count", (int64_t)t->pairs[i].count);
		json_z(o, "before", t->pairs[i].before);
		json_z(o, "now", t->pairs[i].now);
		json_bool(o, "would", t->pairs[i].is_would);
		json_close(o, '}');
	}
	json_close(o, ']');
	if (t->other_pairs > 0)
		json_int(o, "other_differences", (int64_t)t->other_pairs);
}

void
replay_json_end(const struct tally *t, const struct ruleset *rules,
    size_t nfiles)
{
	const struct { const char *name; uint64_t n; } counts[] = {
		{ "files", nfiles }, { "records", t->records },
		{ "mails", t->mails }, { "sessions", t->sessions },
		{ "same_rules", t->same_rules },
		{ "unchanged", t->unchanged }, { "changed", t->changed },
		{ "would", t->would }, { "unjudged", t->unjudged },
		{ "cut", t->cut }, { "bad", t->bad },
	};
	struct buf out = {0};
	struct json_out o = { .to = &out };
	size_t i;

	json_open(&o, NULL, '{');
	buf_clear(&out);		/* it was opened at the beginning */
	buf_puts(&out, "\n],\n");
	json_open(&o, "rules", '{');
	json_z(&o, "name", rules->name);
	json_z(&o, "hash", rules->hash);
	json_close(&o, '}');
	for (i = 0; i < sizeof(counts) / sizeof(counts[0]); i++)
		json_int(&o, counts[i].name, (int64_t)counts[i].n);
	json_open(&o, "needs", '{');
	for (i = 0; i < t->nneeds; i++)
		json_int(&o, t->needs[i].name, (int64_t)t->needs[i].count);
	json_close(&o, '}');
	put_pairs(&o, t);
	json_close(&o, '}');
	buf_puts(&out, "\n");
	flush(&out);
}
