#include "base/nearest.h"
#include "policy/action.h"
#include "policy/rule_test_internal.h"

/* --- what stands behind an action --- */

void
test_take_text(struct test_reading *r, struct expectation *x)
{
	x->has_text = r->p.t->kind == TOKEN_STRING;
	if (x->has_text)
		x->text = r->p.t++->text;
}

bool
test_take_header(struct test_reading *r, struct expectation *x,
    enum test_named what)
{
	if (r->p.t->kind != TOKEN_STRING)
		return test_expected(r, "the name of a header field in "
		    "quotes");
	return test_take_name(r, what, &x->name);
}

bool
test_take_by(struct test_reading *r, struct expectation *x)
{
	if (!test_take_word(r, "by"))
		return true;
	if (!rule_is_value(r->p.t))
		return test_expected(r, "a label behind by");
	return test_take_name(r, NAMED_RULE, &x->by);
}

bool
test_take_number(struct test_reading *r, struct expectation *x, enum type type)
{
	struct fact fact = *fact_at(FACT_SCORE);	/* for messages */
	const struct fact_ref ref = { .fact = &fact };
	struct value v;

	if (type == TYPE_DURATION)
		fact.name = "delay";
	if (!test_take_item(r, &ref, type, &v))
		return false;
	x->has_number = true;
	x->number = v.number;
	return true;
}

static bool
parse_code(struct test_reading *r, struct expectation *x)
{
	bool has_code = action_has_code(x->action);
	uint64_t code;

	if (r->p.t->kind != TOKEN_WORD || token_is_word(r->p.t, "by"))
		return true;
	if (!has_code || span_uint(r->p.t->text, 599, &code) < 0 ||
	    code < 400)
		return test_expected(r, has_code ? "a code from 400 to 599, "
		    "a text in quotes, or by" : "a text in quotes, or by");
	x->code = (int)code;
	r->p.t++;
	if (r->p.t->kind == TOKEN_WORD && !token_is_word(r->p.t, "by"))
		x->enhanced = r->p.t++->text;
	return true;
}

static bool
parse_reply(struct test_reading *r, struct expectation *x)
{
	if (!parse_code(r, x))
		return false;
	test_take_text(r, x);
	return test_take_by(r, x);
}

bool
test_takes_action(struct test_reading *r, struct expectation *x, bool *good)
{
	x->kind = EXPECT_ACTION;
	if (r->p.t->kind != TOKEN_WORD ||
	    action_find(r->p.t->text, &x->action) < 0 ||
	    !action_is_final(x->action))
		return false;
	r->p.t++;
	*good = parse_reply(r, x);
	return true;
}

/* --- those of rules that observe --- */

/* "add header", by its two words. */
static bool
take_header_action(struct test_reading *r, enum action_kind *kind)
{
	static const enum action_kind kinds[] = { ACTION_ADD_HEADER,
	    ACTION_REMOVE_HEADER, ACTION_REPLACE_HEADER,
	    ACTION_PREFIX_SUBJECT };

	for (size_t i = 0; i < sizeof(kinds) / sizeof(*kinds); i++) {
		struct span second = span_z(action_name(kinds[i]));
		struct span first = span_word(&second);

		if (r->p.t->kind != TOKEN_WORD ||
		    !span_eq(r->p.t->text, first) ||
		    r->p.t[1].kind != TOKEN_WORD ||
		    !span_eq(r->p.t[1].text, second))
			continue;
		r->p.t += 2;
		*kind = kinds[i];
		return true;
	}
	return false;
}

/* What stands behind the action of a rule that observes; all of it may be
 * left out. */
static bool
parse_would_what(struct test_reading *r, struct expectation *x)
{
	bool has_word = r->p.t->kind == TOKEN_WORD &&
	    !token_is_word(r->p.t, "by");

	switch (x->action) {
	case ACTION_TAG:
	case ACTION_ROUTE:
	case ACTION_MILTER:
		if (!has_word && r->p.t->kind != TOKEN_STRING)
			return test_take_by(r, x);
		return test_take_name(r, x->action == ACTION_TAG ? NAMED_TAG :
		    x->action == ACTION_ROUTE ? NAMED_ROUTE : NAMED_MILTER,
		    &x->name) && test_take_by(r, x);
	case ACTION_SCORE:
	case ACTION_DELAY:
		if (has_word && !test_take_number(r, x,
		    x->action == ACTION_SCORE ? TYPE_NUMBER : TYPE_DURATION))
			return false;
		return test_take_by(r, x);
	case ACTION_ADD_HEADER:
	case ACTION_REPLACE_HEADER:
	case ACTION_REMOVE_HEADER:
		if (r->p.t->kind == TOKEN_STRING && !test_take_header(r, x,
		    x->action == ACTION_REMOVE_HEADER ? NAMED_REMOVED :
		    NAMED_HEADER))
			return false;
		return parse_reply(r, x);
	default:
		return parse_reply(r, x);
	}
}

bool
test_expect_would(struct test_reading *r, struct expectation *x)
{
	static const char *const words[] = { "accept", "trust", "reject",
	    "defer", "disconnect", "discard", "quarantine", "score", "tag",
	    "delay", "route", "milter", "log", "add", "remove", "replace", "prefix",
	    "nothing" };

	x->kind = EXPECT_WOULD;
	if (!x->is_not && test_take_word(r, "nothing")) {
		x->kind = EXPECT_WOULD_NOTHING;
		return true;
	}
	if (take_header_action(r, &x->action))
		return parse_would_what(r, x);
	/* These two would do another action. */
	if (r->p.t->kind != TOKEN_WORD ||
	    action_find(r->p.t->text, &x->action) < 0 ||
	    x->action == ACTION_GREYLIST || x->action == ACTION_LIMIT)
		return test_expected_near(r, x->is_not ?
		    "an action behind would" :
		    "an action or nothing behind would", words,
		    sizeof(words) / sizeof(*words));
	r->p.t++;
	return parse_would_what(r, x);
}
