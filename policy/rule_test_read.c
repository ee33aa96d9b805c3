#include <string.h>

#include "base/lexer.h"
#include "base/nearest.h"
#include "conf/list.h"
#include "conf/listing.h"
#include "policy/rule_check.h"
#include "policy/rule_test_internal.h"

/* Over every limit that a rule can set. */
#define COUNT_MAX	(2 * (uint64_t)RULE_LIMIT_MAX)

/* --- tokens --- */

bool
test_expected(struct test_reading *r, const char *what)
{
	diagnostic(r->p.d, r->p.t->place, NULL, "expected %s, found %s", what,
	    rule_show(&r->p, r->p.t));
	return false;
}

bool
test_expected_near(struct test_reading *r, const char *what,
    const char *const *words, size_t n)
{
	const struct token *t = r->p.t;

	diagnostic(r->p.d, t->place, t->kind != TOKEN_WORD ? NULL :
	    rule_meant(&r->p, nearest(t->text, words, n)),
	    "expected %s, found %s", what, rule_show(&r->p, t));
	return false;
}

bool
test_take_punct(struct test_reading *r, const char *text, const char *where)
{
	if (!token_is_punct(r->p.t, text))
		return test_expected(r, arena_printf(r->p.a, "%s %s", text,
		    where));
	r->p.t++;
	return true;
}

bool
test_take_word(struct test_reading *r, const char *word)
{
	if (!token_is_word(r->p.t, word))
		return false;
	r->p.t++;
	return true;
}

bool
test_ends_line(struct test_reading *r)
{
	const struct token *t = r->p.t;

	return t->kind == TOKEN_EOL || t->kind == TOKEN_END ||
	    token_is_punct(t, "}") || test_expected(r, "the end of the line");
}

bool
test_take_phase(struct test_reading *r, enum phase *phase)
{
	for (size_t i = 0; i < PHASES; i++)
		if (test_take_word(r, phase_name((enum phase)i))) {
			*phase = (enum phase)i;
			return true;
		}
	return false;
}

static void
skip_line(struct test_reading *r)
{
	while (r->p.t->kind != TOKEN_EOL && r->p.t->kind != TOKEN_END)
		r->p.t++;
}

void
test_skip_line_ends(struct test_reading *r)
{
	while (r->p.t->kind == TOKEN_EOL)
		r->p.t++;
}

/* --- facts --- */

static bool
parse_yesno(struct test_reading *r, struct value *v)
{
	v->yes = test_take_word(r, "yes");
	return v->yes || test_take_word(r, "no") ||
	    test_expected(r, "yes or no");
}

/* Of the mailboxes only one has no domain, RFC 5321 4.1.1.3. */
static bool
is_postmaster(const struct fact *fact, const struct token *t)
{
	return fact == fact_at(FACT_RCPT) && t->kind == TOKEN_STRING &&
	    span_is_nocase(t->text, "postmaster");
}

/* Conditions ask for parts of a mailbox, and their messages say how. */
static bool
is_whole(struct test_reading *r, const struct fact *fact, enum type type)
{
	const struct token *t = r->p.t;

	if (type != TYPE_MAILBOX || t->kind != TOKEN_STRING ||
	    (t->text.len > 0 && memchr(t->text.p, '@', t->text.len) != NULL))
		return true;
	diagnostic(r->p.d, t->place, fact == fact_at(FACT_RCPT) ?
	    "only \"postmaster\" has no domain" : "the null sender is none",
	    "%s is not a mailbox, as %s is: expected user@a.example",
	    rule_show(&r->p, t), fact->name);
	return false;
}

/* An item of a list is read as a fact of the list's name. */
bool
test_take_item(struct test_reading *r, const struct fact_ref *ref,
    enum type type, struct value *v)
{
	struct rule_checker checker = { .a = r->p.a, .d = r->p.d };
	struct fact item = *ref->fact;
	struct cond cond = { .ref = *ref };

	*v = (struct value){ .type = type };
	if (type == TYPE_YESNO)
		return parse_yesno(r, v);
	if (!rule_is_value(r->p.t))
		return test_expected(r, type_name(type));
	if (is_postmaster(ref->fact, r->p.t)) {
		v->text = r->p.t++->text;
		return true;
	}
	if (!is_whole(r, ref->fact, type))
		return false;
	item.type = type;
	cond.ref.fact = &item;
	return check_literal(&checker, &cond, r->p.t++, v);
}

/* "{ a, b }", over several lines too; one item needs no braces. */
static bool
parse_items(struct test_reading *r, const struct fact_ref *ref, struct value *v)
{
	enum type type = type_of_item(v->type);
	bool braces = token_is_punct(r->p.t, "{");
	struct value item;

	if (braces)
		r->p.t++;
	for (;;) {
		if (braces)
			test_skip_line_ends(r);
		if (braces && token_is_punct(r->p.t, "}"))
			break;
		if (!test_take_item(r, ref, type, &item))
			return false;
		v->list.items = list_room(r->p.a, v->list.items, v->list.n,
		    sizeof(item));
		v->list.items[v->list.n++] = item;
		if (!braces)
			return true;
		test_skip_line_ends(r);
		if (!token_is_punct(r->p.t, ","))
			break;
		r->p.t++;
	}
	return test_take_punct(r, "}", "or , behind an item");
}

static bool
parse_value(struct test_reading *r, const struct fact_ref *ref, struct value *v)
{
	const struct fact *fact = ref->fact;

	*v = (struct value){ .type = fact->type };
	if (fact->may_be_none && token_is_word(r->p.t, "none")) {
		v->is_none = true;
		r->p.t++;
		return true;
	}
	return type_is_list(fact->type) ? parse_items(r, ref, v) :
	    test_take_item(r, ref, fact->type, v);
}

static bool
is_declared(const struct test_reading *r, struct span list)
{
	for (size_t i = 0; i < r->rules->nlists; i++)
		if (span_is(list, r->rules->lists[i].name))
			return true;
	return false;
}

static bool
check_milter(struct test_reading *r, const struct fact_ref *ref)
{
	const struct rules *rules = r->rules;
	const char *names[RULE_MILTERS_MAX], *near;

	for (size_t i = 0; i < rules->nmilters; i++) {
		names[i] = rules->milters[i].name;
		if (span_is(ref->argument, names[i]))
			return true;
	}
	near = nearest(ref->argument, names, rules->nmilters);
	diagnostic(r->p.d, ref->at, near == NULL ? NULL :
	    rule_meant(&r->p, arena_printf(r->p.a, "milter.%s", near)),
	    "unknown milter \"%.*s\"", SPAN_ARG(ref->argument));
	return false;
}

static bool
check_fact(struct test_reading *r, const struct fact_ref *ref)
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
	return ref->fact->argument != FACT_TAKES_MILTER ||
	    check_milter(r, ref);
}

/* `at message`, in front of a fact: from there on it is this. */
static bool
parse_from(struct test_reading *r, enum phase *from)
{
	static const char *const words[] = { "connect", "helo", "mail",
	    "rcpt", "message" };

	*from = PHASE_CONNECT;
	return !test_take_word(r, "at") || test_take_phase(r, from) ||
	    test_expected_near(r, "connect, helo, mail, rcpt or message "
	    "behind at", words, sizeof(words) / sizeof(*words));
}

static bool
check_from(struct test_reading *r, const struct fact_ref *ref,
    enum phase from, struct place at)
{
	if (from == PHASE_CONNECT)
		return true;
	if (ref->fact->change != FACT_GROWS) {
		diagnostic(r->p.d, at, NULL, "%s is the same at each phase: "
		    "expected it without at", ref->fact->name);
		return false;
	}
	if (from < ref->fact->phase) {
		diagnostic(r->p.d, at, NULL, "%s is known at %s, not at %s",
		    ref->fact->name, phase_name(ref->fact->phase),
		    phase_name(from));
		return false;
	}
	return true;
}

static bool
parse_given(struct test_reading *r)
{
	struct place at = r->p.t->place;
	struct fact_ref ref;
	enum phase from;
	struct value value;

	if (!parse_from(r, &from))
		return false;
	if (r->p.t->kind != TOKEN_WORD)
		return test_expected(r, "a fact or expect");
	if (!rule_parse_fact(&r->p, &ref) || !check_fact(r, &ref) ||
	    !check_from(r, &ref, from, at))
		return false;
	if (!test_take_punct(r, "=", "and a value") ||
	    !parse_value(r, &ref, &value))
		return false;
	if (!test_facts_give(r->test->facts, &ref, from, &value)) {
		diagnostic(r->p.d, ref.at, NULL, "%s is given twice",
		    ref.fact->name);
		return false;
	}
	return test_ends_line(r);
}

/* `limit LABEL = 101`; none: the store does not say. */
static bool
parse_count(struct test_reading *r)
{
	const struct token *limit = ++r->p.t;
	struct span name;
	uint64_t number;

	if (!rule_is_value(limit))
		return test_expected(r, "the label of a limit behind limit");
	if (!test_take_name(r, NAMED_LIMIT, &name) ||
	    !test_take_punct(r, "=", "and a number"))
		return false;
	if (r->p.t->kind != TOKEN_WORD || (!token_is_word(r->p.t, "none") &&
	    span_uint(r->p.t->text, COUNT_MAX, &number) < 0))
		return test_expected(r, "a number or none");
	if (!test_facts_count(r->test->facts, name,
	    token_is_word(r->p.t, "none") ? -1 : (int64_t)number)) {
		diagnostic(r->p.d, limit->place, NULL, "limit %s is given "
		    "twice", rule_show(&r->p, limit));
		return false;
	}
	r->p.t++;
	return test_ends_line(r);
}

/* --- tests --- */

static void
parse_line(struct test_reading *r)
{
	bool good = token_is_word(r->p.t, "expect") ? test_expect(r) :
	    token_is_word(r->p.t, "limit") ? parse_count(r) :
	    token_is_word(r->p.t, "set") ? test_take_set(r) :
	    parse_given(r);

	if (!good)
		skip_line(r);
	if (r->lines++ == RULE_TEST_LINES_MAX)
		diagnostic(r->p.d, r->test->at, NULL, "a test has at most %d "
		    "lines", RULE_TEST_LINES_MAX);
}

static void
parse_lines(struct test_reading *r)
{
	for (;;) {
		test_skip_line_ends(r);
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
parse_test(struct test_reading *r, struct rule_tests *tests)
{
	struct rule_test *test = arena_new(r->p.a, struct rule_test);
	size_t before = diagnostics_errors(r->p.d);

	test->at = r->p.t->place;
	if (!test_take_word(r, "test"))
		return test_expected(r, "test \"what it shows\" { ... }");
	if (r->p.t->kind != TOKEN_STRING)
		return test_expected(r, "what the test shows, in quotes");
	test->name = arena_copy(r->p.a, r->p.t++->text);
	if (!test_take_punct(r, "{", "behind the name of a test"))
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
parse_tests(struct test_reading *r, struct rule_tests *tests)
{
	for (;;) {
		test_skip_line_ends(r);
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
	struct test_reading r = { .rules = rules };

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
