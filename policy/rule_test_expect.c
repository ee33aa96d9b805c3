#include "base/nearest.h"
#include "conf/list.h"
#include "policy/rule_test_internal.h"

/* --- what can be expected --- */

/* A phase that comes before what is expected would prove nothing. */
static bool
check_phase(struct test_reading *r, const struct expectation *x,
    enum phase first, const char *what)
{
	if (x->phase >= first)
		return true;
	diagnostic(r->p.d, x->at, NULL, "%s at %s, not at %s", what,
	    phase_name(first), phase_name(x->phase));
	return false;
}

static bool
parse_compared(struct test_reading *r, struct expectation *x, enum type type)
{
	static const struct {
		const char	*text;
		enum cond_op	 op;
	} ops[] = { { "<", COND_LESS }, { "<=", COND_LESS_EQUAL },
	    { ">", COND_GREATER }, { ">=", COND_GREATER_EQUAL },
	    { "==", COND_EQUAL } };

	x->op = COND_EQUAL;
	for (size_t i = 0; i < sizeof(ops) / sizeof(*ops); i++)
		if (token_is_punct(r->p.t, ops[i].text)) {
			x->op = ops[i].op;
			r->p.t++;
			break;
		}
	return test_take_number(r, x, type);
}

static bool
parse_score(struct test_reading *r, struct expectation *x)
{
	x->kind = EXPECT_SCORE;
	return parse_compared(r, x, TYPE_NUMBER);
}

static bool
parse_tag(struct test_reading *r, struct expectation *x)
{
	x->kind = EXPECT_TAGGED;
	if (!rule_is_value(r->p.t))
		return test_expected(r, "the name of a tag behind tagged");
	return test_take_name(r, NAMED_TAG, &x->name);
}

static bool
parse_header(struct test_reading *r, struct expectation *x)
{
	x->kind = EXPECT_HEADER;
	if (!check_phase(r, x, PHASE_MESSAGE, "header fields are changed") ||
	    !test_take_header(r, x, NAMED_HEADER))
		return false;
	test_take_text(r, x);
	return true;
}

static bool
parse_removed(struct test_reading *r, struct expectation *x)
{
	x->kind = EXPECT_REMOVED;
	if (!test_take_word(r, "header"))
		return test_expected(r, "header behind removed");
	return check_phase(r, x, PHASE_MESSAGE, "header fields are changed") &&
	    test_take_header(r, x, NAMED_REMOVED);
}

static bool
parse_prefix(struct test_reading *r, struct expectation *x)
{
	x->kind = EXPECT_PREFIX;
	if (!test_take_word(r, "prefix"))
		return test_expected(r, "prefix behind subject");
	if (!check_phase(r, x, PHASE_MESSAGE, "header fields are changed"))
		return false;
	test_take_text(r, x);
	return x->has_text || x->is_not ||
	    test_expected(r, "a text in quotes behind prefix");
}

static bool
parse_route(struct test_reading *r, struct expectation *x)
{
	x->kind = EXPECT_ROUTE;
	if (!check_phase(r, x, PHASE_RCPT, "recipients are routed"))
		return false;
	if (rule_is_value(r->p.t))
		return test_take_name(r, NAMED_ROUTE, &x->name);
	return x->is_not || test_expected(r, "the name of a backend behind "
	    "route");
}

/* At phases before the message rules only have it told, one or another. */
static bool
parse_milter(struct test_reading *r, struct expectation *x)
{
	x->kind = EXPECT_MILTER;
	if (!rule_is_value(r->p.t))
		return x->is_not || test_expected(r, "the name of a filter "
		    "behind milter");
	if (!test_take_name(r, NAMED_MILTER, &x->name))
		return false;
	return x->phase != PHASE_MESSAGE || test_take_by(r, x);
}

/* Without a number only "no delay". */
static bool
parse_delay(struct test_reading *r, struct expectation *x)
{
	x->kind = EXPECT_DELAY;
	if (!x->is_not)
		return parse_compared(r, x, TYPE_DURATION);
	x->op = COND_GREATER;
	return true;
}

static bool
parse_log(struct test_reading *r, struct expectation *x)
{
	x->kind = EXPECT_LOG;
	test_take_text(r, x);
	return x->has_text || x->is_not ||
	    test_expected(r, "a text in quotes behind log");
}

/* `for "b@example.org"` */
static bool
parse_other(struct test_reading *r, struct expectation *x)
{
	const struct fact_ref rcpt = { .fact = fact_at(FACT_RCPT) };
	struct value v;

	if (!test_take_word(r, "mail"))
		return test_expected(r, x->kind == EXPECT_OWN_MAIL ?
		    "mail behind own" : "mail behind same");
	if (!test_take_word(r, "for"))
		return test_expected(r, "for and a second recipient");
	if (!check_phase(r, x, PHASE_RCPT, "recipients are told apart") ||
	    !test_take_item(r, &rcpt, TYPE_MAILBOX, &v))
		return false;
	x->rcpt = v.text;
	return true;
}

static bool
parse_own(struct test_reading *r, struct expectation *x)
{
	x->kind = EXPECT_OWN_MAIL;
	return parse_other(r, x);
}

static bool
parse_same(struct test_reading *r, struct expectation *x)
{
	x->kind = EXPECT_SAME_MAIL;
	return parse_other(r, x);
}

static bool
parse_verdict(struct test_reading *r, struct expectation *x)
{
	(void)r;
	x->kind = EXPECT_VERDICT;
	return true;
}

/* --- the line --- */

/* "no" is said of things, "not" of what is done. */
enum form_bit { PLAIN = 1, BEHIND_NO = 2, BEHIND_NOT = 4 };

static const struct form {
	const char	*word;
	bool		(*parse)(struct test_reading *, struct expectation *);
	unsigned	 bits;
} forms[] = {
	{ "verdict", parse_verdict, BEHIND_NO },
	{ "would", test_expect_would, PLAIN | BEHIND_NOT },
	{ "score", parse_score, PLAIN },
	{ "tagged", parse_tag, PLAIN | BEHIND_NOT },
	{ "header", parse_header, PLAIN | BEHIND_NO },
	{ "removed", parse_removed, PLAIN | BEHIND_NOT },
	{ "subject", parse_prefix, PLAIN | BEHIND_NO },
	{ "route", parse_route, PLAIN | BEHIND_NO },
	{ "milter", parse_milter, PLAIN | BEHIND_NO },
	{ "delay", parse_delay, PLAIN | BEHIND_NO },
	{ "log", parse_log, PLAIN | BEHIND_NO },
	{ "own", parse_own, PLAIN },
	{ "same", parse_same, PLAIN },
};
#define NFORMS	(sizeof(forms) / sizeof(forms[0]))

/* What could have been meant: a form, or, in front of all, an action or a
 * phase. */
static bool
complain(struct test_reading *r, enum form_bit bit)
{
	static const char *const others[] = { "accept", "trust", "reject",
	    "defer", "disconnect", "discard", "quarantine", "no", "not",
	    "connect", "helo", "mail", "rcpt", "message" };
	const char *words[NFORMS + sizeof(others) / sizeof(*others)];
	size_t n = 0;

	for (size_t i = 0; i < NFORMS; i++)
		if (forms[i].bits & bit)
			words[n++] = forms[i].word;
	for (size_t i = 0; bit == PLAIN && i < sizeof(others) /
	    sizeof(*others); i++)
		words[n++] = others[i];
	if (bit == BEHIND_NO)
		return test_expected_near(r, "verdict, header, subject "
		    "prefix, route, milter, delay or log behind no", words, n);
	if (bit == BEHIND_NOT)
		return test_expected_near(r, "tagged, removed header or would "
		    "behind not", words, n);
	return test_expected_near(r, "accept, trust, reject, defer, "
	    "disconnect, discard, quarantine, no verdict, would, score, "
	    "tagged, header, removed header, subject prefix, route, milter, "
	    "delay, log, own mail or same mail", words, n);
}

static bool
parse_what(struct test_reading *r, struct expectation *x)
{
	enum form_bit bit = test_take_word(r, "no") ? BEHIND_NO :
	    test_take_word(r, "not") ? BEHIND_NOT : PLAIN;
	bool good;

	x->is_not = bit != PLAIN;
	for (size_t i = 0; i < NFORMS; i++)
		if ((forms[i].bits & bit) &&
		    test_take_word(r, forms[i].word))
			return forms[i].parse(r, x);
	if (bit == PLAIN && test_takes_action(r, x, &good))
		return good;
	return complain(r, bit);
}

/* As it stands in its line, without a comment behind it. */
static struct span
source_of(const struct test_reading *r, const struct token *first)
{
	const struct token *last = r->p.t - 1;
	const char *limit = r->p.source->text.p + r->p.source->text.len;
	const char *at = first->text.p +
	    (last->place.column - first->place.column);
	const char *end = at + last->text.len;

	/* The text of a string may be a copy, and it may not be closed. */
	if (last->kind == TOKEN_STRING)
		for (end = at + 1; end < limit && *end != '\n'; end++) {
			if (*end == '"') {
				end++;
				break;
			}
			if (*end == '\\' && end + 1 < limit &&
			    end[1] != '\n')
				end++;
		}
	return span_n(first->text.p, (size_t)(end - first->text.p));
}

bool
test_expect(struct test_reading *r)
{
	struct expectation x = { .at = r->p.t->place,
	    .phase = PHASE_MESSAGE };
	const struct token *first = ++r->p.t;
	struct rule_test *test = r->test;

	test_take_phase(r, &x.phase);
	if (!parse_what(r, &x) || !test_ends_line(r))
		return false;
	x.source = source_of(r, first);
	test->expected = list_room(r->p.a, test->expected, test->nexpected,
	    sizeof(x));
	test->expected[test->nexpected++] = x;
	return true;
}
