#include <stdio.h>
#include <string.h>

#include "base/diagnostic.h"
#include "policy/action.h"
#include "policy/rule_read.h"
#include "policy/rule_test_internal.h"
#include "policy/rule_trace.h"
#include "tests/kit/rule_trial.h"

static MAY_YIELD int
get(void *owner, const struct fact_ref *ref, struct value *value,
    struct err *err)
{
	(void)err;
	rule_trial_find(owner, ref, value);
	return 0;
}

static MAY_YIELD int
count(void *owner, const struct rule *rule, struct span key, int64_t window,
    int64_t *number, struct err *err)
{
	(void)window;
	(void)err;
	*number = rule_trial_count(owner, rule, key);
	return 0;
}

static MAY_YIELD int
member(void *owner, const struct set_decl *set, const struct value *value,
    struct set_answer *answer, struct err *err)
{
	struct rule_trial *t = owner;

	(void)err;
	t->asked++;
	test_facts_ask(t->given, set, value, answer);
	return 0;
}

static MAY_YIELD int
consult(void *owner, const struct action *action,
    struct consult_answer *answer, struct err *err)
{
	struct rule_trial *t = owner;

	(void)err;
	t->consulted++;
	test_facts_consult(t->given, action, answer);
	return 0;
}

int64_t
rule_trial_count(struct rule_trial *t, const struct rule *rule,
    struct span key)
{
	uint64_t sum = 5381;

	t->key = arena_copy(t->arena, key);
	t->counted++;
	if (!t->any_count)
		return test_facts_counted(t->given, rule);
	(void)span_until(&key, ' ');	/* whether it observes */
	for (size_t i = 0; i < key.len; i++)
		sum = sum * 33 + (unsigned char)key.p[i];
	return (int64_t)(sum >> 7 & 3);
}

void
rule_trial_find(struct rule_trial *t, const struct fact_ref *ref,
    struct value *value)
{
	t->reads++;
	test_facts_find(t->given, ref, value);
}

struct test_facts *
rule_trial_facts(struct rule_trial *t, const char *facts)
{
	struct diagnostics *d = diagnostics_create(t->arena);
	const char *text = arena_printf(t->arena,
	    "test \"facts\" {\n%s\nexpect accept\n}\n",
	    facts != NULL ? facts : "");
	struct rule_tests *tests = rule_tests_read_text(t->arena, "facts",
	    span_z(text), t->parsed, d);

	if (tests != NULL && tests->n == 1)
		return tests->list[0]->facts;
	t->report = diagnostics_text(d, t->arena);
	return NULL;
}

bool
rule_trial_begin(struct rule_trial *t)
{
	static const char *const backends[] = { "one", "two", NULL };
	static const struct rule_milter milters[] = {
		{ "clam", true }, { "spam", true } };
	const struct rule_context context = { .backends = backends,
	    .milters = milters, .nmilters = 2,
	    .observe = t->observe, .has_store = true,
	    .has_redis = true };
	struct diagnostics *d;

	t->arena = arena_create("trial");
	d = diagnostics_create(t->arena);
	t->parsed = rules_read_text(t->arena, "r", span_z(t->rules),
	    &context, d);
	if (t->parsed == NULL)
		t->report = diagnostics_text(d, t->arena);
	else
		t->given = rule_trial_facts(t, t->facts);
	if (t->given == NULL) {
		t->parsed = NULL;
		fprintf(stderr, "%s", t->report);
		return false;
	}
	t->source.owner = t;
	if (t->source.get == NULL)
		t->source.get = get;
	if (t->source.count == NULL)
		t->source.count = count;
	if (t->source.member == NULL)
		t->source.member = member;
	if (t->source.consult == NULL)
		t->source.consult = consult;
	t->evaluation = evaluation_begin(t->arena, t->parsed, &t->source);
	return true;
}

MAY_YIELD int
rule_trial_run(struct rule_trial *t, enum phase phase)
{
	return evaluation_run(t->evaluation, phase, t->arena, &t->verdict,
	    t->untraced ? NULL : &t->trace, &t->err);
}

const char *
rule_trial_trace(struct rule_trial *t)
{
	struct buf out = {0};
	const char *text;

	rule_trace_put(&out, &t->trace, &t->verdict);
	text = arena_copy(t->arena, buf_text(&out));
	buf_free(&out);
	return text;
}

MAY_YIELD const char *
rule_trial_all(struct rule_trial *t)
{
	const char *all = "";

	for (size_t i = 0; i < PHASES; i++) {
		if (rule_trial_run(t, (enum phase)i) < 0)
			return arena_printf(t->arena, "%s%s\n", all,
			    t->err.text);
		all = arena_printf(t->arena, "%s%s", all,
		    rule_trial_trace(t));
		if (t->verdict.kind != ACTION_ACCEPT &&
		    t->verdict.kind != ACTION_TRUST)
			break;
	}
	return all;
}

/* --- the verdict --- */

static void
put_edits(struct buf *out, const struct verdict *v)
{
	for (size_t i = 0; i < v->nedits; i++)
		buf_printf(out, "edit %s %.*s: %.*s\n",
		    action_name(v->edits[i].kind),
		    SPAN_ARG(v->edits[i].name), SPAN_ARG(v->edits[i].value));
}

const char *
rule_trial_verdict(struct rule_trial *t)
{
	const struct verdict *v = &t->verdict;
	struct buf out = {0};
	const char *text;

	rule_verdict_put(&out, v);
	buf_printf(&out, "\ndelay %lld\nroute %.*s\n", (long long)v->delay,
	    SPAN_ARG(v->route));
	put_edits(&out, v);
	for (size_t i = 0; i < t->parsed->nmilters; i++)
		if (v->milters >> i & 1)
			buf_printf(&out, "milter %s\n",
			    t->parsed->milters[i].name);
	for (size_t i = 0; i < v->nlogs; i++)
		buf_printf(&out, "log %.*s\n", SPAN_ARG(v->logs[i].text));
	for (size_t i = 0; i < v->nobserved; i++)
		buf_printf(&out, "observed %s %.*s\n",
		    v->observed[i].rule->name, SPAN_ARG(v->observed[i].text));
	if (v->would != NULL) {
		buf_puts(&out, "would ");
		rule_verdict_put(&out, v->would);
		buf_puts(&out, "\n");
	}
	if (v->gave_up != NULL)
		buf_printf(&out, "%s gave up %.*s\n", v->gave_up_rule->name,
		    SPAN_ARG(v->gave_up->text));
	text = arena_copy(t->arena, buf_text(&out));
	buf_free(&out);
	return text;
}

void
rule_trial_end(struct rule_trial *t)
{
	arena_destroy(&t->arena);
}
