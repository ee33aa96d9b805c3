#include <arpa/inet.h>
#include <assert.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "policy/rule_plan.h"
#include "policy/rule_read.h"
#include "policy/rule_test.h"
#include "policy/rule_trace.h"
#include "policy/set_ask.h"

/*
 * Rules, a NUL, and octets that facts are made of: whatever they are, the
 * rules say the same twice, in bounds, and what they read was in their plan.
 * Those that act say the same without those that observe, and if all observe
 * the same ones are looked at as if all act.
 * The octets are read as a file of tests too.
 */
int	LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct facts {
	struct arena		*arena;
	struct span		 octets;
	const struct rule_plan	*plan;
	bool			*early;		/* asked for: by slot; or NULL */
	bool			*counted;	/* by a rule's number */
	bool			*consulted;	/* by the number of a filter */
	bool			 is_passed;	/* by every filter */
};

/* --- facts: the same of the same octets, by the slot --- */

static unsigned
octet(const struct facts *f, size_t i)
{
	return f->octets.len == 0 ? 0 :
	    (unsigned char)f->octets.p[i % f->octets.len];
}

static int64_t
number(const struct facts *f, size_t i, enum type type)
{
	uint64_t n = 0;

	for (size_t j = 0; j < octet(f, i) % 9; j++)
		n = n << 8 | octet(f, i + j);
	return type == TYPE_SIZE || type == TYPE_DURATION ?
	    (int64_t)(n >> 1) : (int64_t)n;
}

static struct span
text(const struct facts *f, size_t i)
{
	size_t begin = f->octets.len > 0 ? i % f->octets.len : 0;
	size_t len = octet(f, i + 3);

	if (len > f->octets.len - begin)
		len = f->octets.len - begin;
	return len > 0 ? span_n(f->octets.p + begin, len) : span_z("");
}

static void
address(const struct facts *f, size_t i, struct addr *a)
{
	struct sockaddr_in in = { .sin_family = AF_INET };
	struct sockaddr_in6 in6 = { .sin6_family = AF_INET6 };

	in.sin_addr.s_addr = htonl((uint32_t)number(f, i, TYPE_INT));
	for (size_t j = 0; j < 16; j++)
		in6.sin6_addr.s6_addr[j] = (uint8_t)octet(f, i + j);
	if (octet(f, i) % 2)
		addr_from((struct sockaddr *)&in, sizeof(in), a);
	else
		addr_from((struct sockaddr *)&in6, sizeof(in6), a);
}

static void
make(const struct facts *f, const struct fact *fact, enum type type, size_t i,
    struct value *v)
{
	struct addr *a = arena_new(f->arena, struct addr);
	size_t n;

	*v = (struct value){ .type = type };
	if (type_is_list(type)) {
		v->list.n = octet(f, i) % 6;
		v->list.items = arena_new_n(f->arena, 6, struct value);
		for (size_t j = 0; j < v->list.n; j++)
			make(f, fact, type_of_item(type), i + j * 7,
			    &v->list.items[j]);
	} else if (type_is_number(type))
		v->number = number(f, i, type);
	else if (type == TYPE_YESNO)
		v->yes = octet(f, i) % 2;
	else if (type == TYPE_WORD) {
		for (n = 0; fact->words[n] != NULL; n++)
			;
		v->word = octet(f, i) % (unsigned)n;
	} else if (type == TYPE_ADDRESS) {
		address(f, i, a);
		v->address = a;
	} else if (type == TYPE_NETWORK) {
		address(f, i, a);
		network_of(a, &v->network);
	} else
		v->text = text(f, i);
}

static MAY_YIELD int
get(void *owner, const struct fact_ref *ref, struct value *value,
    struct err *err)
{
	const struct facts *f = owner;
	size_t i = ref->slot * 31u;

	assert(f->plan->facts[ref->fact->id]);
	if (f->early != NULL && !f->early[ref->slot]) {
		f->early[ref->slot] = true;
		return err_set(err, ERR_UNAVAIL, "not known yet");
	}
	make(f, ref->fact, ref->fact->type, i, value);
	if (ref->fact->may_be_none && octet(f, i + 1) % 4 == 0)
		value->is_none = true;
	return 0;
}

static MAY_YIELD int
count(void *owner, const struct rule *rule, struct span key, int64_t window,
    int64_t *number, struct err *err)
{
	const struct facts *f = owner;

	assert(key.len > 0 && rule->action.kind == ACTION_LIMIT);
	assert(window >= RULE_LIMIT_WINDOW_MIN &&
	    window <= RULE_LIMIT_WINDOW_MAX);
	if (f->counted != NULL && !f->counted[rule->number]) {
		f->counted[rule->number] = true;
		return err_set(err, ERR_UNAVAIL, "not known yet");
	}
	*number = (int64_t)octet(f, rule->number) - 1;
	return 0;
}

/* Of the same value always the same. */
static MAY_YIELD int
member(void *owner, const struct set_decl *set, const struct value *value,
    struct set_answer *answer, struct err *err)
{
	const struct facts *f = owner;
	struct span members[SET_QUESTIONS_MAX];
	size_t n = set_questions(f->arena, value, members), i;

	(void)err;
	assert(set->redis != NULL && !value->is_none);
	assert(n <= SET_QUESTIONS_MAX);
	*answer = (struct set_answer){ .told = SET_HAS_NOT };
	if (n == 0)
		return 0;
	i = strlen(set->redis) + members[0].len;
	answer->told = (enum set_told)(octet(f, i) % 3);
	answer->question = octet(f, i + 1) % n;
	return 0;
}

/* Whatever the fact says. */
static MAY_YIELD int
consult(void *owner, const struct action *action,
    struct consult_answer *answer, struct err *err)
{
	const struct facts *f = owner;

	if (f->consulted != NULL && !f->consulted[action->milter]) {
		f->consulted[action->milter] = true;
		return err_set(err, ERR_UNAVAIL, "not known yet");
	}
	answer->word = octet(f, action->milter) % 7;
	answer->outcome = f->is_passed ? CONSULT_PASSES :
	    (enum consulted)(octet(f, action->milter + 1) % 4);
	return 0;
}

/* --- what must hold --- */

static void
check_verdict(const struct verdict *v)
{
	assert(v->text.len <= VERDICT_TEXT_MAX);
	assert(v->text.len == 0 || memchr(v->text.p, '\n', v->text.len) ==
	    NULL);
	for (size_t i = 0; i < v->nedits; i++)
		assert(v->edits[i].value.len <= VERDICT_VALUE_MAX &&
		    v->edits[i].name.len + v->edits[i].value.len > 0);
	assert(v->delay >= 0);
	assert(v->kind != ACTION_MILTER ||
	    (v->rule != NULL && v->unsure == NULL));
}

/* What would have acted is what the trace says. */
static void
check_observed(const struct rule_trace *trace, const struct verdict *v)
{
	const struct cond *gave_up = NULL;
	size_t n = 0;

	for (size_t i = 0; i < trace->n; i++) {
		if (gave_up == NULL)
			gave_up = trace->steps[i].gave_up;
		if (!trace->steps[i].observed)
			continue;
		assert(n < v->nobserved);
		assert(v->observed[n].rule == trace->steps[i].rule);
		assert(span_eq(v->observed[n].text, trace->steps[i].text));
		n++;
	}
	assert(n == v->nobserved);
	assert(v->gave_up == gave_up);
}

static void
check_json(const struct rule_trace *trace, const struct verdict *verdict)
{
	json_t *json = rule_trace_json(trace, verdict);
	char *dumped = json_dumps(json, 0);

	assert(dumped != NULL);
	free(dumped);
	json_decref(json);
}

static void
put_phase(struct evaluation *e, enum phase phase, struct arena *a,
    struct buf *out)
{
	struct rule_trace trace;
	struct verdict verdict;
	struct err err;

	while (evaluation_run(e, phase, a, &verdict, &trace, &err) < 0)
		assert(err.kind == ERR_UNAVAIL);
	check_verdict(&verdict);
	check_observed(&trace, &verdict);
	check_json(&trace, &verdict);
	rule_trace_put(out, &trace, &verdict);
}

/* All phases, whatever they decide. */
static void
put_all(struct evaluation *e, struct arena *a, struct buf *out)
{
	for (size_t i = 0; i < PHASES; i++)
		put_phase(e, (enum phase)i, a, out);
}

/* The recipient that is kept is the one that was evaluated. */
static void
check_rcpt(struct evaluation *e, struct arena *a)
{
	struct buf first = {0}, again = {0};
	struct span one, other;
	struct err err;

	put_phase(e, PHASE_RCPT, a, &again);
	assert(evaluation_rcpt_class(e, a, &one, &err) == 0);
	evaluation_rcpt_keep(e);
	put_phase(e, PHASE_MESSAGE, a, &first);
	evaluation_forget(e, FACT_OF_RCPT);
	evaluation_rcpt_restore(e);
	assert(evaluation_rcpt_class(e, a, &other, &err) == 0);
	assert(span_eq(one, other));
	buf_clear(&again);
	put_phase(e, PHASE_MESSAGE, a, &again);
	assert(span_eq(buf_text(&first), buf_text(&again)));
	buf_free(&first);
	buf_free(&again);
}

static void
check_rules(struct arena *a, const struct rules *rules, struct span octets)
{
	struct facts facts = { .arena = a, .octets = octets,
	    .plan = rule_plan(a, rules) };
	struct fact_source source = { &facts, get, count, member, consult };
	struct evaluation *e = evaluation_begin(a, rules, &source);
	struct buf first = {0}, again = {0};

	put_all(e, a, &first);
	evaluation_forget(e, FACT_OF_MAIL);
	put_all(e, a, &again);
	assert(span_eq(buf_text(&first), buf_text(&again)));
	/* Each run stops at each fact that is new to it. */
	facts.early = arena_new_n(a, rules->nslots, bool);
	facts.counted = arena_new_n(a, rules->nrules, bool);
	facts.consulted = arena_new_n(a, rules->nmilters, bool);
	buf_clear(&again);
	evaluation_forget(e, FACT_OF_SESSION);
	put_all(e, a, &again);
	assert(span_eq(buf_text(&first), buf_text(&again)));
	check_rcpt(e, a);
	buf_free(&first);
	buf_free(&again);
}

/* --- rules that observe --- */

/* All but those that observe. */
static void
remove_observers(struct arena *a, struct rule **rules, size_t *n)
{
	struct rule *left = arena_new_n(a, *n + 1, struct rule);
	size_t nleft = 0;

	for (size_t i = 0; i < *n; i++) {
		if ((*rules)[i].observe)
			continue;
		left[nleft] = (*rules)[i];
		remove_observers(a, &left[nleft].group, &left[nleft].ngroup);
		nleft++;
	}
	if (*rules != NULL)
		*rules = left;
	*n = nleft;
}

/* What a client, a backend or the log has of the rules that act. */
static void
put_acting(struct arena *a, const struct rules *rules,
    const struct fact_source *source, struct buf *out)
{
	struct evaluation *e = evaluation_begin(a, rules, source);
	struct verdict v;
	struct err err;

	for (size_t i = 0; i < PHASES; i++) {
		assert(evaluation_run(e, (enum phase)i, a, &v, NULL,
		    &err) == 0);
		rule_verdict_put(out, &v);
		buf_printf(out, " %lld %lld %.*s", (long long)v.delay,
		    (long long)evaluation_score(e), SPAN_ARG(v.route));
		buf_printf(out, " %x", v.milters);
		evaluation_put_scores(e, out);
		for (size_t j = 0; j < v.nedits; j++) {
			buf_span(out, v.edits[j].name);
			buf_span(out, v.edits[j].value);
		}
		for (size_t j = 0; j < v.nlogs; j++)
			buf_span(out, v.logs[j].text);
	}
}

static void
check_unseen(struct arena *a, const struct rules *rules,
    const struct fact_source *source)
{
	struct rules without = *rules;
	struct buf one = {0}, other = {0};

	for (size_t i = 0; i < PHASES; i++)
		remove_observers(a, &without.phases[i].rules,
		    &without.phases[i].n);
	put_acting(a, rules, source, &one);
	put_acting(a, &without, source, &other);
	assert(span_eq(buf_text(&one), buf_text(&other)));
	buf_free(&one);
	buf_free(&other);
}

static void
set_observe(struct rule *rules, size_t n, bool observe)
{
	for (size_t i = 0; i < n; i++) {
		rules[i].observe = observe;
		set_observe(rules[i].group, rules[i].ngroup, observe);
	}
}

/* Up to the phase that decides against the mail. */
static void
put_steps(struct arena *a, struct rules *rules,
    const struct fact_source *source, bool observe, struct buf *out)
{
	struct evaluation *e = evaluation_begin(a, rules, source);
	struct rule_trace trace;
	struct verdict v;
	struct err err;

	for (size_t i = 0; i < PHASES; i++)
		set_observe(rules->phases[i].rules, rules->phases[i].n,
		    observe);
	for (size_t i = 0; i < PHASES; i++) {
		assert(evaluation_run(e, (enum phase)i, a, &v, &trace,
		    &err) == 0);
		for (size_t j = 0; j < trace.n; j++) {
			assert(trace.steps[j].observed == (observe &&
			    trace.steps[j].applied &&
			    !trace.steps[j].is_let_pass &&
			    trace.steps[j].rule->group == NULL));
			trace.steps[j].observed = false;
			assert(!observe || !trace.steps[j].is_consulted);
			trace.steps[j].is_consulted = false;
			rule_step_put(out, &trace.steps[j]);
		}
		assert(!observe || (v.kind == ACTION_ACCEPT &&
		    v.rule == NULL && evaluation_score(e) == 0));
		if (v.kind != ACTION_ACCEPT && v.kind != ACTION_TRUST)
			break;
	}
}

static void
check_observing(struct arena *a, struct rules *rules, struct span octets)
{
	struct facts facts = { .arena = a, .octets = octets,
	    .plan = rule_plan(a, rules) };
	struct fact_source source = { &facts, get, count, member, consult };
	struct buf acting = {0}, observing = {0};

	check_unseen(a, rules, &source);
	facts.is_passed = true;		/* as for observers */
	put_steps(a, rules, &source, false, &acting);
	put_steps(a, rules, &source, true, &observing);
	assert(span_eq(buf_text(&acting), buf_text(&observing)));
	buf_free(&acting);
	buf_free(&observing);
}

static void
check_tests(struct arena *a, const struct rules *rules, struct span octets)
{
	struct diagnostics *d = diagnostics_create(a);
	struct rule_tests *tests = rule_tests_read_text(a, "fuzz.test",
	    octets, rules, d);
	struct buf out = {0};

	assert((tests == NULL) == (diagnostics_errors(d) > 0));
	for (size_t i = 0; tests != NULL && i < tests->n && i < 20; i++) {
		size_t before = out.len;

		assert(rule_test_run(tests->list[i], rules, &out) ==
		    (out.len == before));
	}
	buf_free(&out);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct rule_context context = { .has_store = true,
	    .has_redis = true };
	struct arena *a = arena_create("fuzz");
	struct span rest = span_n(data, size), before = rest;
	struct diagnostics *d = diagnostics_create(a);
	struct rules *rules;

	if (size > 0)
		before = span_until(&rest, '\0');
	rules = rules_read_text(a, "fuzz.rules", before, &context, d);
	if (rules != NULL) {
		check_rules(a, rules, rest);
		check_tests(a, rules, rest);
		check_observing(a, rules, rest);
	}
	arena_destroy(&a);
	return 0;
}
