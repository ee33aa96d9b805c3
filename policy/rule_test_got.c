#include "conf/value.h"
#include "policy/action.h"
#include "policy/rule_test_internal.h"
#include "policy/rule_trace.h"

static void
put_quoted(struct buf *out, struct span text)
{
	const struct value v = { .type = TYPE_TEXT, .text = text };

	value_put(out, &v, NULL);
}

static void
put_observed(struct buf *out, const struct test_run *run)
{
	const struct told *told;
	size_t phase = 0, i = 0, n = 0;

	while ((told = test_next_observed(run, &phase, &i)) != NULL) {
		buf_puts(out, n++ == 0 ? "would " : ", ");
		rule_told_put(out, told);
		buf_printf(out, " by %s", told->rule->name);
	}
	if (n == 0)
		buf_puts(out, "no rule that observes and fits");
}

static void
put_score(struct buf *out, const struct test_run *run)
{
	struct value score = { .type = TYPE_NUMBER,
	    .number = evaluation_score(run->e) };

	buf_puts(out, "score ");
	value_put(out, &score, NULL);
	if (score.number == 0)
		return;
	buf_puts(out, " (");
	evaluation_put_scores(run->e, out);
	buf_puts(out, ")");
}

/* Of one name, or those of the subject. */
static void
put_edits(struct buf *out, const struct expectation *x,
    const struct verdict *v)
{
	size_t n = 0;

	for (size_t i = 0; i < v->nedits; i++) {
		const struct header_edit *edit = &v->edits[i];

		if ((edit->kind == ACTION_PREFIX_SUBJECT) !=
		    (x->kind == EXPECT_PREFIX) || (x->name.len > 0 &&
		    !span_eq_nocase(edit->name, x->name)))
			continue;
		buf_printf(out, "%s%s", n++ == 0 ? "" : ", ",
		    action_name(edit->kind));
		if (edit->kind != ACTION_PREFIX_SUBJECT) {
			buf_puts(out, " ");
			put_quoted(out, edit->name);
		}
		if (edit->kind != ACTION_REMOVE_HEADER) {
			buf_puts(out, " ");
			put_quoted(out, edit->value);
		}
	}
	if (n == 0)
		buf_puts(out, x->kind == EXPECT_PREFIX ?
		    "no prefix of the subject" : "no change of this field");
}

static void
put_route(struct buf *out, const struct test_run *run)
{
	struct span route = test_route(run);

	if (route.len > 0)
		buf_printf(out, "route %.*s", SPAN_ARG(route));
	else
		buf_puts(out, "no route");
}

static void
put_milters(struct buf *out, const struct test_run *run)
{
	uint32_t milters = test_milters(run);
	size_t n = 0;

	for (size_t i = 0; i < run->rules->nmilters; i++)
		if (milters >> i & 1)
			buf_printf(out, "%s%s", n++ == 0 ? "milter " : ", ",
			    run->rules->milters[i].name);
	if (n == 0)
		buf_puts(out, "no milter");
}

static void
put_logs(struct buf *out, const struct test_run *run)
{
	size_t n = 0;

	for (size_t i = 0; i < run->n; i++)
		for (size_t j = 0; j < run->verdicts[i].nlogs; j++) {
			buf_puts(out, n++ == 0 ? "log " : ", ");
			put_quoted(out, run->verdicts[i].logs[j].text);
		}
	if (n == 0)
		buf_puts(out, "no log");
}

static void
put_mail(struct buf *out, const struct expectation *x,
    const struct test_run *run)
{
	struct verdict v;

	switch (test_mail_of(x, run, &v)) {
	case TEST_MAIL_SAME:
		buf_puts(out, "the same mail: no rule of the message can "
		    "tell the two apart");
		break;
	case TEST_MAIL_OWN:
		buf_puts(out, "an own mail: rules of the message can tell "
		    "the two apart");
		break;
	default:
		buf_puts(out, "no mail for one of the two: ");
		rule_verdict_put(out, &v);
		break;
	}
}

void
test_put_got(struct buf *out, const struct expectation *x,
    const struct test_run *run)
{
	const struct verdict *v = &run->verdicts[run->n - 1];

	switch (x->kind) {
	case EXPECT_WOULD:
	case EXPECT_WOULD_NOTHING:
		put_observed(out, run);
		break;
	case EXPECT_SCORE:
		put_score(out, run);
		break;
	case EXPECT_DELAY:
		buf_puts(out, "delay ");
		value_put_duration(out, test_delay(run));
		break;
	case EXPECT_TAGGED:
		buf_puts(out, x->is_not ? "that tag" : "no such tag");
		break;
	case EXPECT_HEADER:
	case EXPECT_REMOVED:
	case EXPECT_PREFIX:
		put_edits(out, x, v);
		break;
	case EXPECT_ROUTE:
		put_route(out, run);
		break;
	case EXPECT_MILTER:
		if (x->phase == PHASE_MESSAGE)
			rule_verdict_put(out, v);
		else
			put_milters(out, run);
		break;
	case EXPECT_LOG:
		put_logs(out, run);
		break;
	case EXPECT_OWN_MAIL:
	case EXPECT_SAME_MAIL:
		put_mail(out, x, run);
		break;
	default:
		rule_verdict_put(out, v);
		break;
	}
}
