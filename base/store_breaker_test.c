#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/loop.h"
#include "base/store_internal.h"
#include "tests/fake/fake.h"
#include "tests/kit/t.h"

/* A store that answers as it is told, and what is heard of it. */
struct fake {
	enum err_kind	 answer;	/* 0: all is well */
	enum err_kind	 probe_answer;
	unsigned	 asked, probed;
	struct buf	 heard;
};

static const char *
fake_name(const void *kind)
{
	(void)kind;
	return "fake";
}

static int
answer(enum err_kind kind, struct err *err)
{
	return kind == 0 ? 0 : err_set(err, kind, "a reason");
}

static int
fake_get(void *kind, struct arena *a, struct span key, struct span *value,
    struct err *err)
{
	struct fake *f = kind;

	(void)a, (void)key;
	f->asked++;
	*value = span_n(NULL, 0);
	return answer(f->answer, err);
}

static int
fake_put(void *kind, struct span key, struct span value, int64_t life,
    struct err *err)
{
	struct fake *f = kind;

	(void)key, (void)value, (void)life;
	f->asked++;
	return answer(f->answer, err);
}

static int
fake_probe(void *kind, struct err *err)
{
	struct fake *f = kind;

	f->probed++;
	return answer(f->probe_answer, err);
}

static const struct store_ops probed_ops = {
	.name = fake_name, .get = fake_get, .put = fake_put,
	.probe = fake_probe
};
static const struct store_ops plain_ops = {
	.name = fake_name, .get = fake_get, .put = fake_put
};

static void
hear(void *owner, const struct store_event *event)
{
	struct fake *f = owner;

	buf_printf(&f->heard, "%s>%s ", store_state_name(event->before),
	    store_state_name(event->state));
}

/* What happens, a letter each: g, p: a get, a put, which gets the last answer
 * of: . well, t: timeout, u: unavailable, c: "no", x: this fiber must stop.
 * +, -: probes do, do not succeed from here. s: the time of a probe passes. */
static const struct {
	const char	*name, *script;
	bool		 is_plain;
	const char	*heard;
	unsigned	 asked, failures, refused;
} cases[] = {
	{ "all is well", ".gpgp", false, "", 4, 0, 0 },
	{ "two failures", "tgg.gtgg", false, "", 5, 4, 0 },
	{ "three", "tggg", false, "up>down ", 3, 3, 0 },
	{ "then none waits", "tgggggp", false, "up>down ", 3, 6, 3 },
	{ "whatever failed", "tgugtp", false, "up>down ", 3, 3, 0 },
	{ "a probe that succeeds", "tggg-s+s.gp", false,
	    "up>down down>up ", 5, 3, 0 },
	{ "one that does not", "tggg-ssss.gp", false, "up>down ", 3, 5, 2 },
	{ "down twice", "tggg+sggg", false, "up>down down>up up>down ",
	    6, 6, 0 },
	{ "a fiber that must stop says nothing", "xggggpppp", false, "",
	    8, 0, 0 },
	{ "nor in between", "tggxgtg", false, "up>down ", 4, 3, 0 },
	{ "an answer is an answer", "tggcgtgg", false, "", 5, 5, 0 },
	{ "refused changes", "cppp", false, "up>no-changes ", 3, 3, 0 },
	{ "are told once, and not kept away", "cppppp.g", false,
	    "up>no-changes ", 6, 5, 0 },
	{ "reading goes on", "cp.gcp.gcp.g", false, "up>no-changes ",
	    6, 3, 0 },
	{ "until one is taken", "cppp.gpp", false,
	    "up>no-changes no-changes>up ", 6, 3, 0 },
	{ "refused reading is nothing of the store's", "cggggg", false, "",
	    5, 5, 0 },
	{ "then down", "cppptppp", false, "up>no-changes no-changes>down ",
	    6, 6, 0 },
	{ "without probes they are all let through", "tggggpp", true,
	    "up>down ", 6, 6, 0 },
	{ "and the first that succeeds", "tgggg.gp", true,
	    "up>down down>up ", 6, 4, 0 },
};

static void
play(struct fake *f, struct store *s, struct arena *a, const char *script)
{
	struct span value;
	struct err err;

	for (; *script != '\0'; script++)
		switch (*script) {
		case '.': f->answer = 0; break;
		case 't': f->answer = ERR_TIMEOUT; break;
		case 'u': f->answer = ERR_UNAVAIL; break;
		case 'c': f->answer = ERR_CONFIG; break;
		case 'x': f->answer = ERR_CLOSED; break;
		case '+': f->probe_answer = 0; break;
		case '-': f->probe_answer = ERR_TIMEOUT; break;
		case 'g':
			store_get(s, a, span_z("k"), &value, &err);
			break;
		case 'p':
			store_put(s, span_z("k"), span_z("v"), 1, &err);
			break;
		case 's':
			loop_turn(false);	/* it waits by now */
			fake_clock_advance(STORE_PROBE_EVERY);
			loop_turn(false);
			break;
		}
}

/* Of those that failed or succeeded. */
static uint64_t
sum_of(const struct store_stats *stats, enum store_result first)
{
	uint64_t n = 0;

	for (int i = 0; i < STORE_OPERATIONS; i++)
		for (int j = (int)first; j < STORE_RESULTS; j++)
			n += stats->by[i].results[j];
	return n;
}

static void
test_cases(void)
{
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct arena *a = arena_create("test");
		struct fake f = {0};
		const struct store_options options = {
			.report = hear, .owner = &f
		};
		struct store_stats stats = {0};
		struct store *s = store_create(a, &options,
		    cases[i].is_plain ? &plain_ops : &probed_ops, &f, &stats);

		play(&f, s, a, cases[i].script);
		T_STR(cases[i].name, arena_copy(a, buf_text(&f.heard)),
		    cases[i].heard);
		T_INT("asked", f.asked, cases[i].asked);
		T_INT("failures", stats.failures, cases[i].failures);
		T_INT("refused", stats.refused, cases[i].refused);
		T_INT("failures, by operation", sum_of(&stats, STORE_FAILED),
		    cases[i].failures);
		T_INT("refused, by operation", sum_of(&stats, STORE_REFUSED),
		    cases[i].refused);
		T_INT("timed, if it was asked",
		    histogram_count(&stats.by[STORE_GET].time) +
		    histogram_count(&stats.by[STORE_PUT].time),
		    sum_of(&stats, STORE_GOOD) - cases[i].refused);
		store_stop(s);
		loop_turn(false);
		T_INT("its fibers end", fiber_count(), 0);
		buf_free(&f.heard);
		arena_destroy(&a);
	}
}

static void
test_texts(void)
{
	struct arena *a = arena_create("test");
	struct fake f = { .answer = ERR_TIMEOUT, .probe_answer = ERR_UNAVAIL };
	const struct store_options options = {0};
	struct store_stats stats = {0};
	struct store *s = store_create(a, &options, &probed_ops, &f, &stats);
	struct buf out = {0};
	struct json_out o = { .to = &out };
	struct err err;

	store_put(s, span_z("k"), span_z("v"), 1, &err);
	T_STR("the store is named", err.text, "store fake: a reason");
	T_STR("its kind stays", err_kind_name(err.kind), "timeout");
	play(&f, s, a, "gg");
	store_put(s, span_z("k"), span_z("v"), 1, &err);
	T_STR("why it is down", err.text, "store fake is down: a reason");
	T_STR("which is no timeout", err_kind_name(err.kind), "unavailable");
	store_status(s, &o);
	T_STR("status", arena_copy(a, buf_text(&out)),
	    "\"store\":{\"name\":\"fake\",\"state\":\"down\","
	    "\"operations\":4,\"failures\":4,\"timeouts\":3,\"declined\":0,"
	    "\"refused\":1,\"downs\":1,\"why\":\"a reason\"}");
	store_stop(s);
	loop_turn(false);
	buf_free(&out);
	arena_destroy(&a);
}

int
main(void)
{
	loop_create();
	test_cases();
	test_texts();
	loop_destroy();
	return t_done();
}
