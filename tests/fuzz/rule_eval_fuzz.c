#include <arpa/inet.h>
#include <assert.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "policy/rule_plan.h"
#include "policy/rule_read.h"
#include "policy/rule_test.h"
#include "policy/rule_trace.h"

/*
 * Rules, a NUL, and octets that facts are made of: whatever they are, the
 * rules say the same twice, in bounds, and what they read was in their plan.
 * The octets are read as a file of tests too.
 */
int	LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct facts {
	struct arena		*arena;
	struct span		 octets;
	const struct rule_plan	*plan;
	bool			*early;		/* asked for: by slot; or NULL */
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
	struct addr a;
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
	} else if (type == TYPE_ADDRESS)
		address(f, i, &v->address);
	else if (type == TYPE_NETWORK) {
		address(f, i, &a);
		network_of(&a, &v->network);
	} else
		v->text = text(f, i);
}

static MAY_YIELD int
get(void *owner, const struct fact_ref *ref, struct value *value,
    struct err *err)
{
	const struct facts *f = owner;
	size_t i = ref->slot * 31u;

	assert(f->plan->facts[fact_id(ref->fact)]);
	if (f->early != NULL && !f->early[ref->slot]) {
		f->early[ref->slot] = true;
		return err_set(err, ERR_UNAVAIL, "not known yet");
	}
	make(f, ref->fact, ref->fact->type, i, value);
	if (ref->fact->may_be_none && octet(f, i + 1) % 4 == 0)
		value->is_none = true;
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
	struct facts facts = { a, octets, rule_plan(a, rules), NULL };
	struct fact_source source = { &facts, get };
	struct evaluation *e = evaluation_begin(a, rules, &source);
	struct buf first = {0}, again = {0};

	put_all(e, a, &first);
	evaluation_forget(e, FACT_OF_MAIL);
	put_all(e, a, &again);
	assert(span_eq(buf_text(&first), buf_text(&again)));
	/* Each run stops at each fact that is new to it. */
	facts.early = arena_new_n(a, rules->nslots, bool);
	buf_clear(&again);
	evaluation_forget(e, FACT_OF_SESSION);
	put_all(e, a, &again);
	assert(span_eq(buf_text(&first), buf_text(&again)));
	check_rcpt(e, a);
	buf_free(&first);
	buf_free(&again);
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
	static const struct rule_context context = {0};
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
	}
	arena_destroy(&a);
	return 0;
}
