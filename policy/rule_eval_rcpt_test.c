#include <stdio.h>
#include <string.h>

#include "tests/kit/rule_maker.h"
#include "tests/kit/rule_trial.h"
#include "tests/kit/t.h"

/* Many recipients, and one message for them. */

/* The rcpt phase of another recipient of this mail. */
static bool
next_rcpt(struct rule_trial *t, const char *facts)
{
	t->given = rule_trial_facts(t, facts);
	if (t->given == NULL) {
		T_STR("facts of a recipient", t->report, "");
		return false;
	}
	evaluation_forget(t->evaluation, FACT_OF_RCPT);
	return rule_trial_run(t, PHASE_RCPT) == 0;
}

static struct span
class_of(struct rule_trial *t)
{
	struct span class = span_z("failed");

	evaluation_rcpt_class(t->evaluation, t->arena, &class, &t->err);
	return class;
}

/* --- who is told apart --- */

enum want { SAME, DIFFERENT, NOTHING };

static const struct {
	const char	*name;
	const char	*rules;
	const char	*one, *other;	/* recipients; NULL: a@x.test, b@y.test */
	enum want	 want;
} classes[] = {
	{ "no rules", "", NULL, NULL, NOTHING },
	{ "the message reads nothing of the recipient",
	    "on rcpt {\nscore 1 when rcpt.local is \"a\"\n"
	    "tag t when rcpt.local is \"b\"\n"
	    "reject \"no\" when score > 3 or tagged t\n}\n"
	    "on message {\nreject \"no\" when spf is fail\n}\n",
	    NULL, NULL, NOTHING },
	{ "a test", "on message {\n"
	    "reject \"no\" when rcpt.local is \"a\"\n}\n",
	    NULL, NULL, DIFFERENT },
	{ "a test that both fail", "on message {\n"
	    "reject \"no\" when rcpt.local is \"c\"\n}\n",
	    NULL, NULL, SAME },
	{ "a test that both pass", "on message {\n"
	    "reject \"no\" when rcpt.domain ends with \".test\"\n}\n",
	    NULL, NULL, SAME },
	{ "a test within others", "on message {\n"
	    "tag x when spf is fail and not (dkim is pass or "
	    "not rcpt in { \"x.test\" })\n}\n", NULL, NULL, DIFFERENT },
	{ "a test of a group", "on message {\nwhen rcpt.local is \"b\" {\n"
	    "reject \"no\" when spf is fail\n}\n}\n", NULL, NULL, DIFFERENT },
	{ "a test in a group", "on message {\nwhen spf is fail {\n"
	    "reject \"no\" when rcpt.local is \"b\"\n}\n}\n",
	    NULL, NULL, DIFFERENT },
	{ "two tests, each of another one", "on message {\n"
	    "reject \"no\" when rcpt.local is \"a\"\n"
	    "reject \"no\" when rcpt.local is \"b\"\n}\n",
	    NULL, NULL, DIFFERENT },
	{ "the count is that of the message", "on message {\n"
	    "reject \"no {rcpt.count}\" when rcpt.count > 1\n}\n",
	    "rcpt.count = 1", "rcpt.count = 2", NOTHING },
	{ "a text", "on message {\nadd header \"X\" \"for {rcpt}\"\n}\n",
	    NULL, NULL, DIFFERENT },
	{ "a text of the same", "on message {\n"
	    "add header \"X\" \"for {rcpt.domain}\"\n}\n",
	    "rcpt = \"a@x.test\"", "rcpt = \"b@x.test\"", SAME },
	{ "case does not matter in a text", "on message {\n"
	    "add header \"X\" \"for {rcpt}\"\n}\n",
	    "rcpt = \"A@x.test\"", "rcpt = \"a@x.test\"", SAME },
	{ "it does in a regular expression", "on message {\n"
	    "log \"x\" when rcpt matches /^a/\n}\n",
	    "rcpt = \"A@x.test\"", "rcpt = \"a@x.test\"", DIFFERENT },
	{ "texts do not run together", "on message {\n"
	    "log \"{rcpt.local} {rcpt.domain}\"\n}\n",
	    "rcpt.local = \"a\"\nrcpt.domain = \"ab.test\"",
	    "rcpt.local = \"aa\"\nrcpt.domain = \"b.test\"", DIFFERENT },
	{ "a score", "on rcpt {\nscore 1 when rcpt.local is \"a\"\n}\n"
	    "on message {\nreject \"no\" when score > 5\n}\n",
	    NULL, NULL, DIFFERENT },
	{ "other scores of the same sum",
	    "on rcpt {\nscore 1 \"n\" when rcpt.local is \"a\"\n"
	    "score 1 \"m\" when rcpt.local is \"b\"\n}\n"
	    "on message {\nreject \"no\" when score > 5\n}\n",
	    NULL, NULL, SAME },
	{ "their names", "on rcpt {\nscore 1 \"n\" when rcpt.local is \"a\"\n"
	    "score 1 \"m\" when rcpt.local is \"b\"\n}\n"
	    "on message {\nlog \"{scores}\"\n}\n", NULL, NULL, DIFFERENT },
	{ "the same names", "on rcpt {\nscore 1 \"n\" when rcpt.local is \"a\"\n"
	    "score 2 \"n\" when rcpt.local is \"b\"\n}\n"
	    "on message {\nlog \"{scores}\"\n}\n", NULL, NULL, SAME },
	{ "a score of another phase", "on mail {\nscore 1\n}\n"
	    "on rcpt {\ntag t when rcpt.local is \"a\"\n}\n"
	    "on message {\nreject \"no\" when score > 5\n}\n",
	    NULL, NULL, NOTHING },
	{ "a score that is only observed",
	    "on rcpt {\nobserve score 1 when rcpt.local is \"a\"\n}\n"
	    "on message {\nreject \"no\" when score > 5\n}\n",
	    NULL, NULL, NOTHING },
	{ "a tag", "on rcpt {\ntag t when rcpt.local is \"a\"\n}\n"
	    "on message {\nreject \"no\" when not tagged t\n}\n",
	    NULL, NULL, DIFFERENT },
	{ "a tag that nobody asks for",
	    "on rcpt {\ntag t when rcpt.local is \"a\"\ntag u\n}\n"
	    "on message {\nreject \"no\" when tagged u\n}\n",
	    NULL, NULL, SAME },
	{ "a tag that both have already", "on mail {\ntag t\n}\n"
	    "on rcpt {\ntag t when rcpt.local is \"a\"\n}\n"
	    "on message {\nreject \"no\" when tagged t\n}\n",
	    NULL, NULL, SAME },
	{ "trust", "on rcpt {\ntrust when rcpt.local is \"a\"\n}\n"
	    "on message {\nreject \"no\" when spf is fail\n}\n",
	    NULL, NULL, DIFFERENT },
	{ "trust by two rules", "on rcpt {\ntrust when rcpt.local is \"a\"\n"
	    "trust when rcpt.local is \"b\"\n}\n"
	    "on message {\nreject \"no\" when rcpt.local is \"a\"\n}\n",
	    NULL, NULL, SAME },
	{ "trust in a group", "on rcpt {\nwhen rcpt.local is \"a\" {\n"
	    "trust when spf is not fail\n}\n}\n"
	    "on message {\nscore 1\n}\n", NULL, NULL, DIFFERENT },
	{ "trust, and no rule that it spares",
	    "on rcpt {\ntrust when rcpt.local is \"a\"\n}\n"
	    "on message {\nobserve reject \"no\"\n}\n", NULL, NULL, NOTHING },
	{ "trust of the whole mail", "on mail {\ntrust\n}\n"
	    "on rcpt {\ntrust when rcpt.local is \"a\"\n}\n"
	    "on message {\nreject \"no\" when rcpt.local is \"a\"\n}\n",
	    NULL, NULL, NOTHING },
	{ "what only observes", "on message {\n"
	    "observe reject \"no {rcpt}\" when rcpt.local is \"a\"\n"
	    "when rcpt.local is \"b\" {\nobserve discard \"{rcpt}\"\n}\n}\n",
	    NULL, NULL, NOTHING },
	{ "a group where one rule acts", "on message {\n"
	    "when rcpt.local is \"b\" {\nobserve discard \"x\"\nlog \"y\"\n"
	    "}\n}\n", NULL, NULL, DIFFERENT },
};

static void
test_classes(void)
{
	for (size_t i = 0; i < sizeof(classes) / sizeof(classes[0]); i++) {
		bool other = classes[i].other != NULL;
		struct rule_trial t = { .rules = classes[i].rules };
		struct span a, b;

		if (!rule_trial_begin(&t)) {
			T_STR(classes[i].name, t.report, "");
			continue;
		}
		rule_trial_run(&t, PHASE_MAIL);
		next_rcpt(&t, other ? classes[i].one : "rcpt = \"a@x.test\"");
		a = class_of(&t);
		next_rcpt(&t, other ? classes[i].other :
		    "rcpt = \"b@y.test\"");
		b = class_of(&t);
		T_INT(classes[i].name, span_eq(a, b),
		    classes[i].want != DIFFERENT);
		T_INT(classes[i].name, a.len == 0 && b.len == 0,
		    classes[i].want == NOTHING);
		rule_trial_end(&t);
	}
}

static void
test_mode(void)
{
	struct rule_trial t = { .observe = true, .rules = "on rcpt {\n"
	    "trust when rcpt.local is \"a\"\nscore 1\n}\n"
	    "on message {\nreject \"{rcpt}\" when score > 1\n}\n" };

	if (rule_trial_begin(&t)) {
		next_rcpt(&t, "rcpt = \"a@x.test\"");
		T_INT("mode observe tells nobody apart", class_of(&t).len, 0);
	} else
		T_STR("mode: rules", t.report, "");
	rule_trial_end(&t);
}

/* --- what is kept --- */

static const char keeping[] =
    "on mail {\nscore 1 \"m\"\ntag m\n}\n"
    "on rcpt {\nscore 2 \"r\" when rcpt.local is \"a\"\n"
    "tag r when rcpt.local is \"a\"\n"
    "score 4 \"s\" when rcpt.local is \"b\"\n"
    "friend: trust when rcpt.local is \"c\"\n"
    "reject \"no\" when rcpt.local is \"d\"\n}\n"
    "on message {\nlog \"{rcpt} {score} {scores} {rcpt.count}\"\n"
    "log \"r\" when tagged r\nlog \"m\" when tagged m\n}\n";

static const struct {
	const char	*name, *kept, *others[3];
	const char	*want;			/* log of the message */
} kept[] = {
	{ "one alone", "a@x.test", { NULL },
	    "a@x.test 3 m, r 9,r,m," },
	{ "another one was accepted behind it", "a@x.test", { "b@x.test" },
	    "a@x.test 3 m, r 9,r,m," },
	{ "another one was refused", "b@x.test", { "a@x.test", "d@x.test" },
	    "b@x.test 5 m, s 9,m," },
	{ "another one was trusted", "a@x.test", { "c@x.test" },
	    "a@x.test 3 m, r 9,r,m," },
	{ "it is trusted, others are not", "c@x.test",
	    { "a@x.test", "b@x.test", "d@x.test" }, "friend" },
};

static const char *
logs_of(struct rule_trial *t)
{
	const char *all = "";

	if (t->trace.trusted != NULL)
		return t->trace.trusted->name;
	for (size_t i = 0; i < t->verdict.nlogs; i++)
		all = arena_printf(t->arena, "%s%.*s,", all,
		    SPAN_ARG(t->verdict.logs[i].text));
	return all;
}

static const char *
rcpt_facts(struct rule_trial *t, const char *rcpt, int count)
{
	return arena_printf(t->arena, "rcpt = \"%s\"\nrcpt.count = %d", rcpt,
	    count);
}

static void
test_keep(void)
{
	for (size_t i = 0; i < sizeof(kept) / sizeof(kept[0]); i++) {
		struct rule_trial t = { .rules = keeping };

		if (!rule_trial_begin(&t)) {
			T_STR(kept[i].name, t.report, "");
			break;
		}
		rule_trial_run(&t, PHASE_MAIL);
		next_rcpt(&t, "rcpt = \"d@x.test\"");	/* refused first */
		next_rcpt(&t, rcpt_facts(&t, kept[i].kept, 1));
		evaluation_rcpt_keep(t.evaluation);
		for (size_t j = 0; j < 3 && kept[i].others[j] != NULL; j++)
			next_rcpt(&t, rcpt_facts(&t, kept[i].others[j],
			    2 + (int)j));
		/* What the gateway answers now: the one that it kept. */
		t.given = rule_trial_facts(&t, rcpt_facts(&t, kept[i].kept,
		    9));
		evaluation_rcpt_restore(t.evaluation);
		rule_trial_run(&t, PHASE_MESSAGE);
		T_STR(kept[i].name, logs_of(&t), kept[i].want);
		rule_trial_end(&t);
	}
}

static void
test_forgotten(void)
{
	struct rule_trial t = { .rules = keeping };

	if (!rule_trial_begin(&t)) {
		T_STR("forgotten: rules", t.report, "");
		return;
	}
	rule_trial_run(&t, PHASE_MAIL);
	next_rcpt(&t, "rcpt = \"a@x.test\"");
	evaluation_rcpt_keep(t.evaluation);
	evaluation_forget(t.evaluation, FACT_OF_MAIL);
	rule_trial_run(&t, PHASE_MAIL);
	evaluation_rcpt_restore(t.evaluation);
	T_INT("with the mail it is forgotten",
	    evaluation_score(t.evaluation), 100);
	next_rcpt(&t, "rcpt = \"c@x.test\"");
	evaluation_rcpt_keep(t.evaluation);
	evaluation_forget(t.evaluation, FACT_OF_MAIL);
	rule_trial_run(&t, PHASE_MAIL);
	evaluation_rcpt_restore(t.evaluation);
	rule_trial_run(&t, PHASE_MESSAGE);
	T_OK("trust too", t.trace.trusted == NULL);
	rule_trial_end(&t);
}

/* --- at random: who is of a class is told the same --- */
#define TRIALS	600
#define RCPTS	6

struct group {
	struct rule_trial	 trial;
	const char		*facts;		/* of the mail */
	struct span		 class[RCPTS];
	const char		*told[RCPTS];
	unsigned		 same, different, nothing;	/* pairs */
};

/* Whether trust makes a difference to the message. */
static bool
message_acts(const struct rule_trial *t)
{
	const struct phase_rules *message = &t->parsed->phases[PHASE_MESSAGE];

	for (size_t i = 0; i < message->n; i++)
		if (!message->rules[i].observe)
			return true;
	return false;
}

/* What the client and the backend see of the message's verdict: not who was
 * observed, nor by which rule a recipient was trusted. */
static const char *
told(struct rule_trial *t)
{
	const char *text;
	char *copy;

	rule_trial_run(t, PHASE_MESSAGE);
	t->verdict.nobserved = 0;
	t->verdict.would = NULL;
	if (t->trace.trusted != NULL && message_acts(t))
		return "trusted";
	if (t->trace.trusted != NULL)
		t->verdict = (struct verdict){ .kind = ACTION_ACCEPT };
	/* Which rule could not be told is for the log alone. */
	if (t->verdict.unsure != NULL)
		t->verdict.unsure = t->verdict.rule;
	text = rule_trial_verdict(t);
	copy = arena_strdup(t->arena, text);
	for (char *p = copy; *p != '\0'; p++)
		if (*p >= 'A' && *p <= 'Z')
			*p = (char)(*p + ('a' - 'A'));
	return copy;
}

static void
give(struct group *g, size_t i)
{
	struct rule_trial *t = &g->trial;

	t->given = rule_trial_facts(t, arena_printf(t->arena, "%s%s\n",
	    g->facts, rule_maker_rcpt(i)));
}

static void
run_earlier(struct group *g)
{
	evaluation_forget(g->trial.evaluation, FACT_OF_SESSION);
	for (unsigned i = 0; i < PHASE_RCPT; i++)
		rule_trial_run(&g->trial, (enum phase)i);
}

/* Each of them alone. */
static void
tell_each(struct group *g)
{
	struct rule_trial *t = &g->trial;

	for (size_t i = 0; i < RCPTS; i++) {
		give(g, i);
		run_earlier(g);
		rule_trial_run(t, PHASE_RCPT);
		g->class[i] = class_of(t);
		g->told[i] = told(t);
	}
}

static void
compare_pairs(struct group *g, uint64_t seed)
{
	for (size_t i = 0; i < RCPTS; i++)
		for (size_t j = 0; j < i; j++) {
			bool same = span_eq(g->class[i], g->class[j]);

			g->same += same;
			g->different += !same;
			g->nothing += g->class[i].len == 0;
			if (same && strcmp(g->told[i], g->told[j]) != 0) {
				printf("seed %llu\n",
				    (unsigned long long)seed);
				T_STR("of a class, told the same",
				    g->told[i], g->told[j]);
			}
		}
}

/* All of them in a mail, the one at `first` is kept. */
static void
tell_kept(struct group *g, size_t first)
{
	struct rule_trial *t = &g->trial;

	give(g, 0);
	run_earlier(g);
	for (size_t i = 0; i < RCPTS; i++) {
		give(g, i);
		evaluation_forget(t->evaluation, FACT_OF_RCPT);
		rule_trial_run(t, PHASE_RCPT);
		if (!span_eq(class_of(t), g->class[i]))
			T_OK("the class is that of the recipient alone",
			    false);
		if (i == first)
			evaluation_rcpt_keep(t->evaluation);
	}
	give(g, first);
	evaluation_rcpt_restore(t->evaluation);
	if (strcmp(told(t), g->told[first]) != 0)
		T_STR("what was kept counts", told(t), g->told[first]);
}

static void
test_random(void)
{
	unsigned same = 0, different = 0, nothing = 0;

	for (uint64_t i = 1; i <= TRIALS; i++) {
		struct arena *a = arena_create("rules");
		struct rule_maker maker = { .seed = i * 104729 };
		struct group g = { .trial = {
		    .rules = rule_maker_rules(a, &maker),
		    .any_count = true },
		    .facts = rule_maker_facts(a, maker.seed) };

		if (rule_trial_begin(&g.trial)) {
			tell_each(&g);
			compare_pairs(&g, maker.seed);
			tell_kept(&g, i % RCPTS);
		} else
			T_STR("made rules", g.trial.report, "");
		rule_trial_end(&g.trial);
		arena_destroy(&a);
		same += g.same;
		different += g.different;
		nothing += g.nothing;
	}
	T_OK("many are of a class", same - nothing > TRIALS);
	T_OK("many are not", different > TRIALS);
}

int
main(void)
{
	test_classes();
	test_mode();
	test_keep();
	test_forgotten();
	test_random();
	return t_done();
}
