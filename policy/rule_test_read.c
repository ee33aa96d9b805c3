#include "base/lexer.h"
#include "base/nearest.h"
#include "conf/list.h"
#include "conf/listing.h"
#include "policy/action.h"
#include "policy/rule_check.h"
#include "policy/rule_parse.h"
#include "policy/rule_test_internal.h"

/* A file of tests: a statement a line, each read by a function that returns
 * false once it has reported what is wrong; the next line goes on. */
struct reading {
	struct rule_parser	 p;	/* tokens, and messages about them */
	const struct rules	*rules;
	struct rule_test	*test;
	size_t			 lines;	/* of this test */
};

/* --- tokens --- */

static bool
expected(struct reading *r, const char *what)
{
	diagnostic(r->p.d, r->p.t->place, NULL, "expected %s, found %s", what,
	    rule_show(&r->p, r->p.t));
	return false;
}

static bool
take_punct(struct reading *r, const char *text, const char *where)
{
	if (!token_is_punct(r->p.t, text))
		return expected(r, arena_printf(r->p.a, "%s %s", text,
		    where));
	r->p.t++;
	return true;
}

static bool
take_word(struct reading *r, const char *word)
{
	if (!token_is_word(r->p.t, word))
		return false;
	r->p.t++;
	return true;
}

static bool
ends_line(struct reading *r)
{
	const struct token *t = r->p.t;

	return t->kind == TOKEN_EOL || t->kind == TOKEN_END ||
	    token_is_punct(t, "}") || expected(r, "the end of the line");
}

static void
skip_line(struct reading *r)
{
	while (r->p.t->kind != TOKEN_EOL && r->p.t->kind != TOKEN_END)
		r->p.t++;
}

static void
skip_line_ends(struct reading *r)
{
	while (r->p.t->kind == TOKEN_EOL)
		r->p.t++;
}

/* --- facts --- */

static bool
parse_yesno(struct reading *r, struct value *v)
{
	v->yes = take_word(r, "yes");
	return v->yes || take_word(r, "no") || expected(r, "yes or no");
}

/* As a condition reads what a fact is compared with. An item of a list is read
 * as a fact of the list's name. */
static bool
parse_item(struct reading *r, const struct fact_ref *ref, enum type type,
    struct value *v)
{
	struct rule_checker checker = { .a = r->p.a, .d = r->p.d };
	struct fact item = *ref->fact;
	struct cond cond = { .ref = *ref };

	*v = (struct value){ .type = type };
	if (type == TYPE_YESNO)
		return parse_yesno(r, v);
	if (!rule_is_value(r->p.t))
		return expected(r, type_name(type));
	item.type = type;
	cond.ref.fact = &item;
	return check_literal(&checker, &cond, r->p.t++, v);
}

/* "{ a, b }", over several lines too; one item needs no braces. */
static bool
parse_items(struct reading *r, const struct fact_ref *ref, struct value *v)
{
	enum type type = type_of_item(v->type);
	bool braces = token_is_punct(r->p.t, "{");
	struct value item;

	if (braces)
		r->p.t++;
	for (;;) {
		if (braces)
			skip_line_ends(r);
		if (braces && token_is_punct(r->p.t, "}"))
			break;
		if (!parse_item(r, ref, type, &item))
			return false;
		v->list.items = list_room(r->p.a, v->list.items, v->list.n,
		    sizeof(item));
		v->list.items[v->list.n++] = item;
		if (!braces)
			return true;
		skip_line_ends(r);
		if (!token_is_punct(r->p.t, ","))
			break;
		r->p.t++;
	}
	return take_punct(r, "}", "or , behind an item");
}

static bool
parse_value(struct reading *r, const struct fact_ref *ref, struct value *v)
{
	const struct fact *fact = ref->fact;

	*v = (struct value){ .type = fact->type };
	if (fact->may_be_none && token_is_word(r->p.t, "none")) {
		v->is_none = true;
		r->p.t++;
		return true;
	}
	return type_is_list(fact->type) ? parse_items(r, ref, v) :
	    parse_item(r, ref, fact->type, v);
}

static bool
is_declared(const struct reading *r, struct span list)
{
	for (size_t i = 0; i < r->rules->nlists; i++)
		if (span_is(list, r->rules->lists[i].name))
			return true;
	return false;
}

static bool
check_fact(struct reading *r, const struct fact_ref *ref)
{
	if (ref->fact == NULL)
		return false;
	if (ref->fact->scope == FACT_OF_RULES) {
		diagnostic(r->p.d, ref->at, NULL, "%s is made by the rules: "
		    "it can be expected, not given", ref->fact->name);
		return false;
	}
	if (ref->fact->argument == FACT_TAKES_LIST &&
	    !is_declared(r, ref->argument)) {
		diagnostic(r->p.d, ref->at, NULL, "the rules declare no list "
		    "\"%.*s\"", SPAN_ARG(ref->argument));
		return false;
	}
	return true;
}

static bool
parse_given(struct reading *r)
{
	struct fact_ref ref;
	struct value value;

	if (r->p.t->kind != TOKEN_WORD)
		return expected(r, "a fact or expect");
	if (!rule_parse_fact(&r->p, &ref) || !check_fact(r, &ref))
		return false;
	if (!take_punct(r, "=", "and a value") ||
	    !parse_value(r, &ref, &value))
		return false;
	if (!test_facts_give(r->test->facts, &ref, &value)) {
		diagnostic(r->p.d, ref.at, NULL, "%s is given twice",
		    ref.fact->name);
		return false;
	}
	return ends_line(r);
}

/* --- expect --- */

static void
parse_phase(struct reading *r, struct expectation *x)
{
	x->phase = PHASE_MESSAGE;
	for (size_t i = 0; i < PHASES; i++)
		if (take_word(r, phase_name((enum phase)i))) {
			x->phase = (enum phase)i;
			return;
		}
}

static bool
parse_code(struct reading *r, struct expectation *x)
{
	uint64_t code;

	if (r->p.t->kind != TOKEN_WORD || token_is_word(r->p.t, "by"))
		return true;
	if (!action_has_code(x->action) ||
	    span_uint(r->p.t->text, 599, &code) < 0 || code < 400)
		return expected(r, action_has_code(x->action) ?
		    "a code from 400 to 599, or by" : "by and a label");
	x->code = (int)code;
	r->p.t++;
	if (r->p.t->kind == TOKEN_WORD && !token_is_word(r->p.t, "by"))
		x->enhanced = r->p.t++->text;
	return true;
}

static bool
has_rule(const struct rule *rules, size_t n, struct span name)
{
	for (size_t i = 0; i < n; i++)
		if (span_is(name, rules[i].name) ||
		    has_rule(rules[i].group, rules[i].ngroup, name))
			return true;
	return false;
}

static void
add_labels(struct arena *a, const struct rule *rules, size_t n,
    const char ***labels, size_t *nlabels)
{
	for (size_t i = 0; i < n; i++) {
		add_labels(a, rules[i].group, rules[i].ngroup, labels,
		    nlabels);
		if (!rules[i].has_label)
			continue;
		*labels = list_room(a, *labels, *nlabels, sizeof(**labels));
		(*labels)[(*nlabels)++] = rules[i].name;
	}
}

static const char *
nearest_label(const struct reading *r, struct span name)
{
	const char **labels = NULL;
	size_t n = 0;

	for (size_t i = 0; i < PHASES; i++)
		add_labels(r->p.a, r->rules->phases[i].rules,
		    r->rules->phases[i].n, &labels, &n);
	return n > 0 ? nearest(name, labels, n) : NULL;
}

static bool
parse_by(struct reading *r, struct expectation *x)
{
	if (!take_word(r, "by"))
		return true;
	if (!rule_is_value(r->p.t))
		return expected(r, "a label behind by");
	x->by = r->p.t->text;
	for (size_t i = 0; i < PHASES; i++)
		if (has_rule(r->rules->phases[i].rules, r->rules->phases[i].n,
		    x->by)) {
			r->p.t++;
			return true;
		}
	diagnostic(r->p.d, r->p.t->place, rule_meant(&r->p,
	    nearest_label(r, x->by)), "no rule is named %s",
	    rule_show(&r->p, r->p.t));
	return false;
}

static bool
parse_action(struct reading *r, struct expectation *x)
{
	static const char *const words[] = { "accept", "trust", "reject",
	    "defer", "disconnect", "discard", "quarantine", "would", "score",
	    "tagged" };
	const struct token *t = r->p.t;

	if (t->kind == TOKEN_WORD && action_find(t->text, &x->action) == 0 &&
	    (x->kind == EXPECT_WOULD || action_is_final(x->action))) {
		r->p.t++;
		return parse_code(r, x) && parse_by(r, x);
	}
	diagnostic(r->p.d, t->place, t->kind != TOKEN_WORD ? NULL :
	    rule_meant(&r->p, nearest(t->text, words, sizeof(words) /
	    sizeof(*words))), "expected %s, found %s",
	    x->kind == EXPECT_WOULD ? "an action behind would" : "accept, "
	    "trust, reject, defer, disconnect, discard, quarantine, would, "
	    "no verdict, score or tagged", rule_show(&r->p, t));
	return false;
}

static bool
parse_score(struct reading *r, struct expectation *x)
{
	static const struct {
		const char	*text;
		enum cond_op	 op;
	} ops[] = { { "<", COND_LESS }, { "<=", COND_LESS_EQUAL },
	    { ">", COND_GREATER }, { ">=", COND_GREATER_EQUAL },
	    { "==", COND_EQUAL } };
	const struct fact_ref score = { .fact = fact_at(FACT_SCORE) };
	struct value v;

	x->op = COND_EQUAL;
	for (size_t i = 0; i < sizeof(ops) / sizeof(*ops); i++)
		if (token_is_punct(r->p.t, ops[i].text)) {
			x->op = ops[i].op;
			r->p.t++;
			break;
		}
	if (!parse_item(r, &score, score.fact->type, &v))
		return false;
	x->score = v.number;
	return true;
}

static bool
parse_tag(struct reading *r, struct expectation *x)
{
	if (!rule_is_value(r->p.t))
		return expected(r, "the name of a tag behind tagged");
	x->tag = r->p.t++->text;
	return true;
}

static bool
parse_what(struct reading *r, struct expectation *x)
{
	if (take_word(r, "no")) {
		x->kind = EXPECT_NO_VERDICT;
		return take_word(r, "verdict") || expected(r, "verdict");
	}
	if (take_word(r, "score")) {
		x->kind = EXPECT_SCORE;
		return parse_score(r, x);
	}
	x->kind = EXPECT_TAGGED;
	if (take_word(r, "not")) {
		x->kind = EXPECT_NOT_TAGGED;
		if (!token_is_word(r->p.t, "tagged"))
			return expected(r, "tagged behind not");
	}
	if (take_word(r, "tagged"))
		return parse_tag(r, x);
	x->kind = take_word(r, "would") ? EXPECT_WOULD : EXPECT_ACTION;
	return parse_action(r, x);
}

/* Up to the last token, without a comment behind it. */
static struct span
text_from(const struct reading *r, const char *from)
{
	const struct token *last = r->p.t - 1;
	const char *end = last->text.p + last->text.len;

	if (last->kind == TOKEN_STRING)		/* may be a copy */
		end = r->p.t->text.p;
	return span_trim(span_n(from, (size_t)(end - from)));
}

static bool
parse_expect(struct reading *r)
{
	struct expectation x = { .at = r->p.t->place };
	const struct token *first = ++r->p.t;
	struct rule_test *test = r->test;

	parse_phase(r, &x);
	if (!parse_what(r, &x) || !ends_line(r))
		return false;
	x.text = text_from(r, first->text.p);
	test->expected = list_room(r->p.a, test->expected, test->nexpected,
	    sizeof(x));
	test->expected[test->nexpected++] = x;
	return true;
}

/* --- tests --- */

static void
parse_line(struct reading *r)
{
	bool good = token_is_word(r->p.t, "expect") ? parse_expect(r) :
	    parse_given(r);

	if (!good)
		skip_line(r);
	if (r->lines++ == RULE_TEST_LINES_MAX)
		diagnostic(r->p.d, r->test->at, NULL, "a test has at most %d "
		    "lines", RULE_TEST_LINES_MAX);
}

static void
parse_lines(struct reading *r)
{
	for (;;) {
		skip_line_ends(r);
		if (token_is_punct(r->p.t, "}")) {
			r->p.t++;
			return;
		}
		if (r->p.t->kind == TOKEN_END ||
		    token_is_word(r->p.t, "test")) {
			diagnostic(r->p.d, r->test->at, NULL,
			    "the { of this test is never closed");
			return;
		}
		parse_line(r);
	}
}

static bool
parse_test(struct reading *r, struct rule_tests *tests)
{
	struct rule_test *test = arena_new(r->p.a, struct rule_test);
	size_t before = diagnostics_errors(r->p.d);

	test->at = r->p.t->place;
	if (!take_word(r, "test"))
		return expected(r, "test \"what it shows\" { ... }");
	if (r->p.t->kind != TOKEN_STRING)
		return expected(r, "what the test shows, in quotes");
	test->name = arena_copy(r->p.a, r->p.t++->text);
	if (!take_punct(r, "{", "behind the name of a test"))
		return false;
	test->facts = test_facts_create(r->p.a, r->rules);
	r->test = test;
	r->lines = 0;
	parse_lines(r);
	if (test->nexpected == 0 && diagnostics_errors(r->p.d) == before)
		diagnostic(r->p.d, test->at, NULL, "this test expects nothing");
	tests->list = list_room(r->p.a, tests->list, tests->n,
	    sizeof(struct rule_test *));
	tests->list[tests->n++] = test;
	return true;
}

static void
parse_tests(struct reading *r, struct rule_tests *tests)
{
	for (;;) {
		skip_line_ends(r);
		if (r->p.t->kind == TOKEN_END)
			return;
		if (tests->n == RULE_TESTS_MAX) {
			diagnostic(r->p.d, r->p.t->place, NULL,
			    "a file has at most %d tests", RULE_TESTS_MAX);
			return;
		}
		if (!parse_test(r, tests))
			skip_line(r);
	}
}

static struct rule_tests *
read_source(struct arena *a, const struct source *source,
    const struct rules *rules, struct diagnostics *d)
{
	struct rule_tests *tests = arena_new(a, struct rule_tests);
	size_t before = diagnostics_errors(d);
	struct reading r = { .rules = rules };

	r.p = (struct rule_parser){ .a = a, .source = source, .d = d,
	    .t = lex(a, source, LEX_RULES, d).list };
	parse_tests(&r, tests);
	return diagnostics_errors(d) == before ? tests : NULL;
}

struct rule_tests *
rule_tests_read(struct arena *a, const char *path, const struct rules *rules,
    struct diagnostics *d)
{
	struct source *source;
	struct err err;

	if (source_read(a, path, &source, &err) == 0)
		return read_source(a, source, rules, d);
	diagnostic(d, (struct place){0}, NULL, "%s", err.text);
	return NULL;
}

struct rule_tests *
rule_tests_read_text(struct arena *a, const char *name, struct span text,
    const struct rules *rules, struct diagnostics *d)
{
	struct source *source = arena_new(a, struct source);

	source->name = arena_strdup(a, name);
	source->text = text;
	return read_source(a, source, rules, d);
}
