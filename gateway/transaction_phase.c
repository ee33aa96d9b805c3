#include <string.h>

#include "gateway/sentence.h"
#include "gateway/transaction_internal.h"
#include "policy/action.h"
#include "policy/fact.h"

const char *
told_by_name(enum told_by by)
{
	static const char *const names[] = { [BY_RULE] = "rule",
	    [BY_MILTER] = "milter", [BY_BACKEND] = "backend", [BY_US] = "us",
	    [BY_CLIENT] = "client", [BY_NOBODY] = NULL };

	return names[by];
}

/* --- texts of rules --- */

/* A fact that is hidden is named by the rule's text, which became `text`; or
 * else one of them that comes from outside, if `foreign`. Of a whole address
 * the veil sees what it is, unless it is cut. */
static bool
names(const struct teller *t, const struct rule *rule, struct span text,
    bool foreign)
{
	const struct template *source;

	if (rule == NULL || t->veil == NULL)
		return false;
	source = &action_in_effect(rule)->text;
	for (size_t i = 0; i < source->n; i++) {
		const struct fact_ref *ref = &source->parts[i].ref;
		enum veil_what what = ref->fact != NULL ?
		    tell_what(t->veil, ref) : VEIL_TEXT;

		if (what == VEIL_TEXT || (ref->fact->type == TYPE_MAILBOX &&
		    !veil_is_cut(text)))
			continue;
		if (foreign || (what != VEIL_FOREIGN &&
		    veil_hides(t->veil, what)))
			return true;
	}
	return false;
}

/* What became of a subject or an address in it was perhaps cut, and characters
 * of it replaced, so that it would not be found. */
void
transaction_source(struct buf *out, const struct rule *rule)
{
	const struct template *text = &action_in_effect(rule)->text;

	for (size_t i = 0; i < text->n; i++) {
		const struct fact_ref *ref = &text->parts[i].ref;

		if (ref->fact == NULL) {
			buf_span(out, text->parts[i].text);
			continue;
		}
		buf_puts(out, "{");
		tell_put_name(out, ref);
		buf_puts(out, "}");
	}
}

/* What a rule says of itself is there word for word, so that others can be
 * compared with it: only what came from outside is gone through. */
static void
tell_rule_text(struct teller *t, const struct rule *rule, struct span text)
{
	struct span key = SPAN_LIT("text");

	if (text.len == 0)
		return;
	if (t->veil == NULL)
		json_span_n(&t->o, key, text);
	else if (names(t, rule, text, false) || (names(t, rule, text, true) &&
	    veil_is_told(t->veil, text))) {
		buf_clear(t->scratch);
		transaction_source(t->scratch, rule);
		veil_put(t->veil, &t->o, key, VEIL_TEXT,
		    buf_text(t->scratch));
	} else if (names(t, rule, text, true))
		tell_text(t, key, text);
	else
		veil_put(t->veil, &t->o, key, VEIL_TEXT, text);
}

void
tell_watch_reply(struct teller *t, const struct verdict *v)
{
	t->as_written = v != NULL && v->code != 0 && names(t, v->rule,
	    v->text, false) ? v : NULL;
}

/* It is that of the rule whose text names what is hidden. */
static bool
is_as_written(const struct teller *t, const struct reply *r)
{
	const struct verdict *v = t->as_written;
	struct reply plain, utf8;

	if (v == NULL || r->code != v->code)
		return false;
	plain = sentence_reply(v, false);
	utf8 = sentence_reply(v, true);
	return strcmp(r->text, plain.text) == 0 ||
	    strcmp(r->text, utf8.text) == 0;
}

void
tell_reply(struct teller *t, struct span key, const struct reply *r)
{
	tell_reply_of(t, key, r, is_as_written(t, r) ? t->as_written->rule :
	    NULL);
}

void
tell_reply_of(struct teller *t, struct span key, const struct reply *r,
    const struct rule *rule)
{
	char *p;

	if (r->code == 0)
		return;
	buf_clear(t->scratch);
	p = buf_digits(buf_room(t->scratch, BUF_UINT + sizeof(" ")),
	    (uint64_t)r->code);
	*p++ = ' ';
	buf_end(t->scratch, p);
	if (r->enhanced[0] != '\0') {
		buf_puts(t->scratch, r->enhanced);
		buf_put(t->scratch, " ", 1);
	}
	if (names(t, rule, span_z(r->text), false))
		transaction_source(t->scratch, rule);
	else
		buf_puts(t->scratch, r->text);
	tell_text(t, key, buf_text(t->scratch));
}

/* --- rules --- */

static void
put_place(struct json_out *o, const struct rule *rule, struct buf *scratch)
{
	json_z(o, "rule", rule->name);
	if (rule->at.source == NULL)
		return;
	buf_clear(scratch);
	buf_puts(scratch, rule->at.source->name);
	buf_puts(scratch, ":");
	buf_uint(scratch, (uint64_t)rule->at.line);
	json_span(o, "at", buf_text(scratch));
}

struct span
tell_ready_place(struct json_stock *s, const struct rule *rule)
{
	struct buf text = {0}, scratch = {0};
	struct json_out o = { .to = &text, .keeps_octets = true };
	struct span ready;

	put_place(&o, rule, &scratch);
	ready = json_ready(s, buf_text(&text));
	buf_free(&text);
	buf_free(&scratch);
	return ready;
}

static void
tell_place(struct teller *t, const struct rule *rule)
{
	if (t->plan != NULL)
		json_put_member(&t->o, t->plan->places[rule->number]);
	else
		put_place(&t->o, rule, t->scratch);
}

void
tell_rule(struct teller *t, const struct rule *rule)
{
	tell_place(t, rule);
	json_z(&t->o, "action", action_name(rule->action.kind));
}

static void
tell_hit(struct teller *t, const struct told *hit, bool observed)
{
	const struct action *action = action_in_effect(hit->rule);

	json_open(&t->o, NULL, '{');
	tell_place(t, hit->rule);
	json_z(&t->o, "action", action_name(action->kind));
	if (action->name.len > 0)
		json_span(&t->o, "name", action->name);
	if (action->kind == ACTION_SCORE)
		json_decimal(&t->o, "score", hit->score, 2);
	tell_rule_text(t, hit->rule, hit->text);
	if (observed)
		json_bool(&t->o, "observed", true);
	json_close(&t->o, '}');
}

static void
tell_hits(struct teller *t, const struct verdict *v)
{
	if (v->nhits + v->nobserved == 0)
		return;
	json_open(&t->o, "hits", '[');
	for (size_t i = 0; i < v->nhits; i++)
		tell_hit(t, &v->hits[i], false);
	for (size_t i = 0; i < v->nobserved; i++)
		tell_hit(t, &v->observed[i], true);
	json_close(&t->o, ']');
}

/* --- what they went by --- */

static void
tell_read(struct teller *t, const struct verdict *v)
{
	if (v->nread == 0)
		return;
	json_open(&t->o, "read", '{');
	for (size_t i = 0; i < v->nread; i++)
		tell_named(t, v->read[i].ref, &v->read[i].value);
	json_close(&t->o, '}');
}

static void
tell_limits(struct teller *t, const struct verdict *v)
{
	if (v->ncounted == 0)
		return;
	json_open(&t->o, "limits", '{');
	for (size_t i = 0; i < v->ncounted; i++) {
		if (v->counted[i].number < 0)
			json_none(&t->o, v->counted[i].rule->name);
		else
			json_int(&t->o, v->counted[i].rule->name,
			    v->counted[i].number);
	}
	json_close(&t->o, '}');
}

/* A member is the value or, of names and mailboxes, a part of it: that of a
 * mailbox is an address, "user@" or a name, and the text shows which. */
static void
tell_member(struct teller *t, const struct set_reading *r)
{
	const struct fact_ref *ref = &r->cond->ref;
	enum veil_what what = tell_what(t->veil, ref);

	if (what == VEIL_TEXT) {
		veil_put(t->veil, &t->o, SPAN_LIT("member"), VEIL_TEXT,
		    r->member);
		return;
	}
	if (what == VEIL_FOREIGN || ref->fact->type == TYPE_MAILBOX ||
	    !veil_hides(t->veil, what)) {
		tell_text(t, SPAN_LIT("member"), r->member);
		return;
	}
	buf_clear(t->scratch);
	veil_hash(t->veil, r->member, t->scratch);
	json_span(&t->o, "member", buf_text(t->scratch));
}

static void
tell_set(struct teller *t, const struct set_reading *r)
{
	json_open(&t->o, NULL, '{');
	json_z(&t->o, "set", r->cond->set->name);
	buf_clear(t->scratch);
	tell_put_name(t->scratch, &r->cond->ref);
	json_span(&t->o, "fact", buf_text(t->scratch));
	if (r->told == SET_UNTOLD)
		json_none(&t->o, "in");
	else
		json_bool(&t->o, "in", r->told == SET_HAS);
	if (r->told == SET_HAS)
		tell_member(t, r);
	json_close(&t->o, '}');
}

static void
tell_sets(struct teller *t, const struct verdict *v)
{
	if (v->nasked == 0)
		return;
	json_open(&t->o, "sets", '[');
	for (size_t i = 0; i < v->nasked; i++)
		tell_set(t, &v->asked[i]);
	json_close(&t->o, ']');
}

static void
tell_untold(struct teller *t, const struct verdict *v)
{
	if (v->nuntold == 0)
		return;
	json_open(&t->o, "untold", '[');
	for (size_t i = 0; i < v->nuntold; i++)
		json_z(&t->o, NULL, v->untold[i]->name);
	json_close(&t->o, ']');
}

static void
tell_consulted(struct teller *t, const struct rules *rules,
    const struct verdict *v)
{
	const struct fact *fact = fact_at(FACT_MILTER);

	if (v->nconsulted == 0)
		return;
	json_open(&t->o, "milters", '{');
	for (size_t i = 0; i < v->nconsulted; i++) {
		const struct milter_reading *r = &v->consulted[i];

		json_open(&t->o, rules->milters[r->milter].name, '{');
		json_z(&t->o, "said", fact->words[r->answer.word]);
		json_bool(&t->o, "decided",
		    r->answer.outcome == CONSULT_DEFERS ||
		    r->answer.outcome == CONSULT_REFUSES);
		json_close(&t->o, '}');
	}
	json_close(&t->o, '}');
}

/* --- the verdict --- */

static void
tell_decision(struct teller *t, const struct verdict *v)
{
	json_z(&t->o, "action", action_name(v->kind));
	if (v->rule != NULL)
		tell_place(t, v->rule);
	if (v->code != 0)
		json_int(&t->o, "code", v->code);
	if (v->code != 0 && v->enhanced != NULL)
		json_z(&t->o, "enhanced", v->enhanced);
	tell_rule_text(t, v->rule, v->text);
	if (v->unsure != NULL)
		json_z(&t->o, "unsure", v->unsure->name);
}

void
tell_verdict(struct teller *t, const struct rules *rules,
    const struct verdict *v)
{
	tell_decision(t, v);
	if (v->route.len > 0)
		json_span(&t->o, "route", v->route);
	if (v->delay > 0)
		json_decimal(&t->o, "delay", v->delay, 6);
	if (v->would != NULL) {
		json_open(&t->o, "would", '{');
		tell_decision(t, v->would);
		json_close(&t->o, '}');
	}
	tell_hits(t, v);
	tell_read(t, v);
	tell_limits(t, v);
	tell_sets(t, v);
	tell_consulted(t, rules, v);
	tell_untold(t, v);
}

/* There is nothing to say but that it was accepted. */
static bool
is_bare(const struct verdict *v)
{
	return v->kind == ACTION_ACCEPT && v->rule == NULL && v->code == 0 &&
	    v->text.len == 0 && v->unsure == NULL && v->route.len == 0 &&
	    v->delay == 0 && v->would == NULL && v->nhits == 0 &&
	    v->nobserved == 0 && v->nread == 0 && v->ncounted == 0 &&
	    v->nasked == 0 && v->nconsulted == 0 && v->nuntold == 0;
}

void
tell_phase(struct teller *t, enum phase phase, const struct rules *rules,
    const struct verdict *v)
{
	if (t->plan != NULL && is_bare(v)) {
		json_put_member(&t->o, t->plan->bare[phase]);
		return;
	}
	json_open(&t->o, NULL, '{');
	json_z(&t->o, "phase", phase_name(phase));
	tell_verdict(t, rules, v);
	json_close(&t->o, '}');
}
