#include <assert.h>

#include "conf/list.h"
#include "policy/regex.h"
#include "policy/rule_eval_internal.h"
#include "policy/set.h"

/*
 * Whether a condition holds. None fits nothing but `is none`, so that "not"
 * in front of a test is all that turns it round.
 */

/* Items of a list that may cost a regular expression all of its steps: after
 * these the rest is left, as a message can bring a thousand of them. */
#define LIMITS_MAX	8

static bool
is_none(const struct value *v)
{
	return v->is_none || (type_is_list(v->type) && v->list.n == 0);
}

/* --- tests of one value that is not none and no list --- */

static bool
ends_nocase(struct span text, struct span end)
{
	return text.len >= end.len && span_eq_nocase(
	    span_n(text.p + text.len - end.len, end.len), end);
}

static bool
starts_nocase(struct span text, struct span start)
{
	return text.len >= start.len &&
	    span_eq_nocase(span_n(text.p, start.len), start);
}

static char
small(char c)
{
	return c >= 'A' && c <= 'Z' ? (char)(c + ('a' - 'A')) : c;
}

/* Octets of all facts are bounded by what a mail may bring, those of `part`
 * by the administrator. */
static bool
contains_nocase(struct span text, struct span part)
{
	if (part.len == 0)
		return true;
	for (; text.len >= part.len; text.p++, text.len--)
		if (small(text.p[0]) == small(part.p[0]) &&
		    starts_nocase(text, part))
			return true;
	return false;
}

static bool
is_textual(const struct value *v)
{
	return v->type == TYPE_TEXT || v->type == TYPE_NAME ||
	    v->type == TYPE_MAILBOX;
}

static bool
matches(struct rule_run *run, const struct cond *c, struct span text)
{
	int rc = regex_match(c->regex, text);

	if (rc < 0) {
		run->limits++;
		if (run->step.gave_up == NULL)
			run->step.gave_up = c;
	}
	return rc > 0;
}

/* A set has no words of facts, but their texts. */
static bool
in_set(const struct cond *c, const struct value *v)
{
	struct value text = { .type = TYPE_TEXT };

	if (v->type != TYPE_WORD)
		return set_has(c->set->set, v);
	text.text = span_z(c->ref.fact->words[v->word]);
	return set_has(c->set->set, &text);
}

static bool
test_text(struct rule_run *run, const struct cond *c, struct span text)
{
	switch (c->op) {
	case COND_MATCHES:
		return matches(run, c, text);
	case COND_CONTAINS:
		return contains_nocase(text, c->value.text);
	case COND_STARTS:
		return starts_nocase(text, c->value.text);
	default:
		assert(c->op == COND_ENDS);
		return ends_nocase(text, c->value.text);
	}
}

static bool
test_number(const struct cond *c, int64_t number)
{
	int64_t bound = c->value.number;

	assert(type_is_number(c->value.type));
	switch (c->op) {
	case COND_LESS:
		return number < bound;
	case COND_LESS_EQUAL:
		return number <= bound;
	case COND_GREATER:
		return number > bound;
	default:
		assert(c->op == COND_GREATER_EQUAL);
		return number >= bound;
	}
}

static bool
test_item(struct rule_run *run, const struct cond *c, const struct value *v)
{
	if (is_none(v))
		return false;
	switch (c->op) {
	case COND_YES:
		return v->yes;
	case COND_EQUAL:
		return !c->value.is_none && value_equal(v, &c->value);
	case COND_IN:
		return in_set(c, v);
	default:
		if (type_is_number(v->type))
			return test_number(c, v->number);
		assert(is_textual(v));
		return test_text(run, c, v->text);
	}
}

/* --- a leaf of the tree --- */

static bool
test_list(struct rule_run *run, const struct cond *c, const struct value *v)
{
	if (c->op == COND_EQUAL && type_is_list(c->value.type))
		return value_equal(v, &c->value);
	run->limits = 0;
	for (size_t i = 0; i < v->list.n && run->limits < LIMITS_MAX; i++)
		if (test_item(run, c, &v->list.items[i]))
			return true;
	return false;
}

static enum truth
truth_of(bool holds)
{
	return holds ? TRUTH_YES : TRUTH_NO;
}

static MAY_YIELD int
test(struct rule_run *run, const struct cond *c, enum truth *truth,
    struct err *err)
{
	struct value v;

	if (c->op == COND_TAGGED) {
		*truth = truth_of(world_tagged(
		    &run->e->worlds[run->world], c->value.text));
		return 0;
	}
	if (rule_fact(run, &c->ref, &v, err) < 0)
		return -1;
	if (c->op == COND_NONE)
		*truth = truth_of(is_none(&v));
	else if (c->op == COND_IN && c->set->redis != NULL && !is_none(&v))
		return rule_question(run, c, &v, truth, err);
	else if (!is_none(&v) && type_is_list(v.type))
		*truth = truth_of(test_list(run, c, &v));
	else
		*truth = truth_of(test_item(run, c, &v));
	return 0;
}

/* --- the tree --- */

static bool
is_leaf(const struct cond *c)
{
	return c->op != COND_AND && c->op != COND_OR && c->op != COND_NOT;
}

static void
open_push(struct rule_run *run, size_t *n, const struct cond *c,
    bool is_right)
{
	if (*n == run->open_cap) {
		run->open = list_room(run->arena, run->open, *n,
		    sizeof(*run->open));
		run->open_cap = *n > 0 ? *n * 2 : 1;
	}
	run->open[(*n)++] = (struct open_cond){ c, is_right };
}

/* What "and" or "or" says, whatever its other side does. */
static bool
is_decided(const struct cond *c, enum truth truth)
{
	return truth == (c->op == COND_OR ? TRUTH_YES : TRUTH_NO);
}

/*
 * Up from what was said last, until somebody leaves it to its right side: that
 * is returned. NULL: there is nobody left.
 */
static const struct cond *
go_up(struct rule_run *run, size_t *n, enum truth *truth)
{
	while (*n > 0) {
		struct open_cond o = run->open[--*n];

		if (o.cond->op == COND_NOT) {
			if (*truth != TRUTH_UNTOLD)
				*truth = truth_of(*truth == TRUTH_NO);
		} else if (o.is_right) {
			if (!is_decided(o.cond, *truth))
				*truth = TRUTH_UNTOLD;
		} else if (!is_decided(o.cond, *truth)) {
			if (*truth == TRUTH_UNTOLD)
				open_push(run, n, o.cond, true);
			return o.cond->right;
		}
	}
	return NULL;
}

/*
 * Down the left sides to a leaf, and up with its answer. A right side takes the
 * place of the whole unless the left one could not be told, so only left sides,
 * `not` and those are open at a time.
 */
MAY_YIELD int
rule_cond(struct rule_run *run, const struct cond *cond, enum truth *truth,
    struct err *err)
{
	size_t n = 0;

	for (const struct cond *c = cond; c != NULL;
	    c = go_up(run, &n, truth)) {
		for (; !is_leaf(c); c = c->left)
			open_push(run, &n, c, false);
		if (test(run, c, truth, err) < 0)
			return -1;
	}
	return 0;
}
