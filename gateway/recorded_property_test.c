#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "gateway/recorded.h"
#include "gateway/transaction_internal.h"
#include "policy/action.h"
#include "policy/rule_trace.h"
#include "policy/test_facts.h"
#include "tests/kit/report_files.h"
#include "tests/kit/rule_job.h"
#include "tests/kit/rule_maker.h"
#include "tests/kit/t.h"

/*
 * A mail is judged, written down as the journal does it, read and judged again:
 * all verdicts are the same, and nothing is missing. Over rules and facts made
 * at random, and the shipped rules with facts made at random.
 */
#define RCPTS	3
#define JOBS	(4 * RULE_JOBS)

/* A mail before the rules, and what they asked of it. */
struct mail_trial {
	struct rule_trial	 t;
	struct test_facts	*whose[RCPTS];
	size_t			 rcpt;
	/* Facts that were read: of the mail, and of each recipient. */
	struct asked {
		struct fact_ref	 ref;
		struct value	 value;
	}			 facts[RCPTS + 1][200];
	size_t			 nfacts[RCPTS + 1];
	struct verdict		 verdicts[PHASES];
	struct verdict		 rcpts[RCPTS];
	bool			 is_asked[PHASES];
	size_t			 nrcpts;
	bool			 is_taken[RCPTS], is_message;
};

/* Of all trials: they would show nothing without these. */
static size_t mails, messages, refused, many, sets, limits, filters;

/* --- judged --- */

static void
keep(struct mail_trial *m, const struct fact_ref *ref, const struct value *v)
{
	size_t i, of = ref->fact->scope == FACT_OF_RCPT ? m->rcpt + 1 : 0;

	for (i = 0; i < m->nfacts[of]; i++)
		if (m->facts[of][i].ref.slot == ref->slot)
			break;
	if (i == sizeof(m->facts[of]) / sizeof(m->facts[of][0]))
		abort();
	m->facts[of][i].ref = *ref;
	m->facts[of][i].value = value_copy(m->t.arena, v);
	m->nfacts[of] += i == m->nfacts[of];
}

static MAY_YIELD int
get(void *owner, const struct fact_ref *ref, struct value *value,
    struct err *err)
{
	struct mail_trial *m = owner;

	(void)err;
	test_facts_find(m->whose[m->rcpt], ref, value);
	keep(m, ref, value);
	return 0;
}

static MAY_YIELD int
count(void *owner, const struct rule *rule, struct span key, int64_t window,
    int64_t *number, struct err *err)
{
	(void)window;
	(void)err;
	limits++;
	*number = rule_trial_count(owner, rule, key);
	return 0;
}

static MAY_YIELD int
member(void *owner, const struct set_decl *set, const struct value *value,
    struct set_answer *answer, struct err *err)
{
	struct mail_trial *m = owner;

	(void)err;
	sets++;
	test_facts_ask(m->whose[m->rcpt], set, value, answer);
	return 0;
}

static MAY_YIELD int
consult(void *owner, const struct action *action,
    struct consult_answer *answer, struct err *err)
{
	struct mail_trial *m = owner;

	(void)err;
	filters++;
	test_facts_consult(m->whose[m->rcpt], action, answer);
	return 0;
}

static bool
refuses(const struct verdict *v)
{
	return v->kind == ACTION_REJECT || v->kind == ACTION_DEFER ||
	    v->kind == ACTION_DISCONNECT;
}

static void
ask(struct mail_trial *m, enum phase phase, struct verdict *to)
{
	struct err err;

	test_facts_reach(m->whose[m->rcpt], phase);
	if (evaluation_run(m->t.evaluation, phase, m->t.arena, to, NULL,
	    &err) < 0)
		abort();
}

static void
ask_rcpts(struct mail_trial *m)
{
	struct span class, first = {0};
	bool has_first = false;
	struct err err;

	for (m->rcpt = 0; m->rcpt < RCPTS; m->rcpt++) {
		struct verdict *v = &m->rcpts[m->rcpt];

		evaluation_forget(m->t.evaluation, FACT_OF_RCPT);
		ask(m, PHASE_RCPT, v);
		m->nrcpts++;
		if (evaluation_rcpt_class(m->t.evaluation, m->t.arena,
		    &class, &err) < 0)
			abort();
		if (refuses(v) || v->kind == ACTION_DISCARD ||
		    (has_first && !span_eq(class, first)))
			continue;
		first = has_first ? first : class;
		has_first = true;
		m->is_taken[m->rcpt] = true;
		evaluation_rcpt_keep(m->t.evaluation);
	}
}

static void
judge(struct mail_trial *m)
{
	enum phase p;

	for (p = PHASE_CONNECT; p <= PHASE_MAIL; p++) {
		ask(m, p, &m->verdicts[p]);
		m->is_asked[p] = true;
		if (refuses(&m->verdicts[p]))
			return;
	}
	ask_rcpts(m);
	for (m->rcpt = 0; m->rcpt < RCPTS && !m->is_taken[m->rcpt]; m->rcpt++)
		;
	m->is_message = m->rcpt < RCPTS;
	if (!m->is_message)
		return;
	evaluation_rcpt_restore(m->t.evaluation);
	ask(m, PHASE_MESSAGE, &m->verdicts[PHASE_MESSAGE]);
	m->is_asked[PHASE_MESSAGE] = true;
}

/* --- written --- */

/* Facts that grow are in what each phase read; the last reading is what was
 * known in the end. */
static void
put_facts(struct teller *t, const struct mail_trial *m, size_t of)
{
	size_t i;

	json_open(&t->o, "facts", '{');
	for (i = 0; i < m->nfacts[of]; i++) {
		const struct fact_ref *ref = &m->facts[of][i].ref;

		tell_named(t, ref, &m->facts[of][i].value);
	}
	json_close(&t->o, '}');
}

static const char *
outcome(const struct mail_trial *m, size_t i)
{
	if (m->is_taken[i])
		return "taken";
	return m->rcpts[i].kind == ACTION_DISCARD ? "discarded" : "deferred";
}

static void
put_phases(struct teller *t, const struct mail_trial *m)
{
	enum phase p;

	json_open(&t->o, "phases", '[');
	for (p = PHASE_CONNECT; p < PHASES; p++) {
		if (!m->is_asked[p])
			continue;
		tell_phase(t, p, m->t.parsed, &m->verdicts[p]);
	}
	json_close(&t->o, ']');
}

static void
put_record(struct buf *out, const struct mail_trial *m,
    const struct transaction_plan *plan)
{
	struct teller t = tell_begin(out, NULL);
	size_t i;

	t.plan = plan;
	json_open(&t.o, NULL, '{');
	json_int(&t.o, "v", 1);
	json_z(&t.o, "session", "5f3a91c2d001");
	json_z(&t.o, "kind", "mail");
	put_facts(&t, m, 0);
	put_phases(&t, m);
	json_open(&t.o, "rcpts", '[');
	for (i = 0; i < m->nrcpts; i++) {
		json_open(&t.o, NULL, '{');
		json_z(&t.o, "to", "b@here.example");
		json_z(&t.o, "outcome", outcome(m, i));
		tell_verdict(&t, m->t.parsed, &m->rcpts[i]);
		put_facts(&t, m, i + 1);
		json_close(&t.o, '}');
	}
	json_close(&t.o, ']');
	json_close(&t.o, '}');
	tell_end(&t);
}

/* What is made ready when rules are read is what would be told without. */
static void
check_ready(const struct rule_job *job, const struct mail_trial *m,
    const struct buf *want)
{
	const struct ruleset set = { .name = "r", .rules = m->t.parsed,
	    .plan = rule_plan(m->t.arena, m->t.parsed) };
	struct buf line = {0};

	put_record(&line, m, transaction_plan(m->t.arena, &set, NULL));
	buf_put(&line, "", 1);
	rule_job_compare(job, "ready", line.p, arena_copy(m->t.arena,
	    buf_text(want)));
	buf_free(&line);
}

/* --- compared --- */

static void
put_told(struct buf *out, const char *what, const struct told *list, size_t n)
{
	size_t i;

	for (i = 0; i < n; i++)
		buf_printf(out, "%s %s %.*s %lld\n", what,
		    list[i].rule->name, SPAN_ARG(list[i].text),
		    (long long)list[i].score);
}

static const char *
words(struct arena *a, const struct verdict *v)
{
	struct buf out = {0};
	const char *text;
	size_t i;

	rule_verdict_put(&out, v);
	buf_printf(&out, "\nroute %.*s %s\ndelay %lld\nmilters %x\n",
	    SPAN_ARG(v->route), v->unrouted != NULL ? v->unrouted->name : "-",
	    (long long)v->delay, v->milters);
	put_told(&out, "hit", v->hits, v->nhits);
	put_told(&out, "would", v->observed, v->nobserved);
	put_told(&out, "log", v->logs, v->nlogs);
	for (i = 0; i < v->nuntold; i++)
		buf_printf(&out, "untold %s\n", v->untold[i]->name);
	for (i = 0; i < v->nedits; i++)
		buf_printf(&out, "%.*s: %.*s\n", SPAN_ARG(v->edits[i].name),
		    SPAN_ARG(v->edits[i].value));
	if (v->would != NULL)
		rule_verdict_put(&out, v->would);
	text = arena_copy(a, buf_text(&out));
	buf_free(&out);
	return text;
}

static void
compare(const struct rule_job *job, struct mail_trial *m, const char *what,
    bool is_asked, const struct verdict *want, const struct judged *got)
{
	if (is_asked != got->is_asked)
		rule_job_fail(job, what, got->is_asked ? "asked" : "not asked",
		    is_asked ? "asked" : "not asked");
	else if (is_asked)
		rule_job_compare(job, what, words(m->t.arena, &got->verdict),
		    words(m->t.arena, want));
}

static void
check_again(const struct rule_job *job, struct mail_trial *m, struct span line)
{
	struct judgement j = { .keeps_traces = true };
	struct recorded *r;
	enum phase p;
	size_t i;

	if (recorded_read(m->t.arena, line, &r, &m->t.err) < 0) {
		rule_job_fail(job, "read", m->t.err.text, "");
		return;
	}
	recorded_judge(m->t.arena, r, m->t.parsed, &j);
	if (j.missing != NULL)
		rule_job_fail(job, "missing", arena_printf(m->t.arena,
		    "%s at %s", j.missing, phase_name(j.missing_at)), "");
	for (p = PHASE_CONNECT; p < PHASES; p++)
		compare(job, m, phase_name(p), m->is_asked[p],
		    &m->verdicts[p], &j.phases[p]);
	for (i = 0; i < m->nrcpts && i < j.nrcpts; i++)
		compare(job, m, "rcpt", true, &m->rcpts[i], &j.rcpts[i]);
	T_INT("recipients", j.nrcpts, m->nrcpts);
}

static void
check(struct rule_job *job, const char *rules)
{
	struct mail_trial *m = calloc(1, sizeof(*m));
	struct buf line = {0};
	size_t i;

	m->t.rules = rules;
	m->t.facts = job->facts;
	m->t.any_count = job->from % 3 > 0;
	m->t.source = (struct fact_source){ NULL, get, count, member,
	    consult };
	if (!rule_trial_begin(&m->t))
		rule_job_fail(job, "these are rules", m->t.report, "");
	else {
		m->whose[0] = m->t.given;
		for (i = 1; i < RCPTS; i++)
			m->whose[i] = test_facts_next_rcpt(m->t.arena,
			    m->whose[i - 1], span_z(i % 2 == 1 ?
			    "postmaster" : "b2@other.example"));
		judge(m);
		put_record(&line, m, NULL);
		check_ready(job, m, &line);
		check_again(job, m, buf_text(&line));
		mails++;
		messages += m->is_message;
		refused += m->nrcpts == 0;
		many += m->is_taken[0] && (m->is_taken[1] || m->is_taken[2]);
	}
	buf_free(&line);
	rule_trial_end(&m->t);
	free(m);
}

/* --- rules that come along --- */

static char *
read_file(struct arena *a, const char *name)
{
	char *text = arena_alloc(a, 64 * 1024);
	FILE *f = fopen(name, "r");

	T_OK(name, f != NULL && fread(text, 1, 64 * 1024 - 1, f) > 0);
	fclose(f);
	return text;
}

/* Without sets, lists and limits that these rules do not have. */
static const char *
without_names(struct arena *a, const char *facts)
{
	struct span rest = span_z(facts), line;
	const char *out = "";

	while (rest.len > 0) {
		line = span_until(&rest, '\n');
		if (memmem(line.p, line.len, "set ", 4) == NULL &&
		    memmem(line.p, line.len, "dnsbl.zen", 9) == NULL &&
		    memmem(line.p, line.len, "limit ", 6) == NULL)
			out = arena_printf(a, "%s%.*s\n", out,
			    SPAN_ARG(line));
	}
	return out;
}

static void
check_shipped(const char *path)
{
	struct arena *a = arena_create("shipped");
	const char *rules = read_file(a, path);
	uint64_t i;

	for (i = 1; i <= 100; i++) {
		struct rule_job job;

		rule_job_make(&job, i);
		job.facts = without_names(job.arena, job.facts);
		check(&job, rules);
		arena_destroy(&job.arena);
	}
	arena_destroy(&a);
}

int
main(void)
{
	uint64_t i;

	for (i = 1; i <= JOBS; i++) {
		struct rule_job job;

		rule_job_make(&job, i);
		check(&job, job.rules);
		check(&job, job.observing);
		arena_destroy(&job.arena);
	}
	T_INT("all were judged", mails, 2 * JOBS);
	T_OK("many to the message", messages > JOBS / 2);
	T_OK("many not", refused > JOBS / 20);
	T_OK("many with several recipients", many > JOBS / 10);
	T_OK("many ask sets", sets > JOBS / 2);
	T_OK("many count", limits > JOBS / 2);
	T_OK("many consult filters", filters > JOBS / 50);
	report_files_find("tests/rules");
	T_OK("folder", chdir("../../conf") == 0);
	report_files_each(".", "*.rules", check_shipped);
	T_INT("and those that come along", mails, 2 * JOBS + 400);
	return t_done();
}
