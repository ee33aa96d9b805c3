#include <string.h>

#include "conf/conf.h"
#include "gateway/results.h"
#include "tests/kit/t.h"

/*
 * Which fields are added is a matter of the settings, whatever rules had
 * looked up beside them.
 */
static const struct {
	const char	*name, *conf, *has, *lacks;	/* lacks: or NULL */
} cases[] = {
	{ "results", "", "Authentication-Results: mx.test.example;",
	    "Received-SPF" },
	{ "ARC is not asked for, a rule has it found out", "", "dkim=none",
	    "arc=" },
	{ "ARC is asked for", "arc verify\n", "arc=fail", NULL },
	{ "no results", "authres { add no }\n", "", "Authentication" },
	{ "Received-SPF", "spf { received_spf yes }\nauthres { add no }\n",
	    "Received-SPF: pass", "Authentication" },
	{ "both", "spf { received_spf yes }\n", "Received-SPF: pass", NULL },
};

static struct settings *
settings_of(struct arena *a, const char *more)
{
	const char *report = "";
	struct settings *s = conf_load_text(a, "conf", span_z(arena_printf(a,
	    "hostname \"mx.test.example\"\nrules none\n"
	    "listener l { address 127.0.0.1:2525 }\n"
	    "backend in { address smtp://127.0.0.1:25 }\n%s", more)), false,
	    &report);

	T_OK(report, s != NULL);
	return s;
}

static bool
holds(const struct buf *text, const char *what)
{
	size_t len = strlen(what);

	return len == 0 || (text->len >= len &&
	    memmem(text->p, text->len, what, len) != NULL);
}

static void
test_fields(void)
{
	static const struct spf_answer spf = { .result = SPF_PASS,
	    .domain = "x.example" };
	static const struct signature_answer dkim = { .n = 0 };
	static const struct arc_answer arc = { .outcome = ARC_FAIL };
	static const struct author author = { .domain = "x.example" };
	static const struct findings found = { .spf = &spf, .dkim = &dkim,
	    .arc = &arc, .author = &author };
	struct envelope e = { .nrcpts = 0 };
	struct client c = { .helo = "c.example" };
	struct err err;

	addr_parse_ip(SPAN_LIT("192.0.2.9"), 25, &c.addr, &err);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct arena *a = arena_create("results");
		struct settings *s = settings_of(a, cases[i].conf);
		struct buf out = {0};

		if (s == NULL)
			continue;
		results_put(a, s, &c, &e, &found, &out);
		T_INT(cases[i].name, results_are_wanted(s),
		    cases[i].has[0] != '\0');
		T_OK(cases[i].name, holds(&out, cases[i].has));
		T_OK(cases[i].name, cases[i].lacks == NULL ||
		    !holds(&out, cases[i].lacks));
		buf_free(&out);
		conf_free(&s);
		arena_destroy(&a);
	}
}

/* --- quarantine --- */

static void
test_quarantine(void)
{
	struct arena *a = arena_create("results");
	struct header_edit own = { ACTION_ADD_HEADER, SPAN_LIT("X-A"),
	    SPAN_LIT("b") };
	struct verdict v = { .kind = ACTION_QUARANTINE,
	    .text = SPAN_LIT("odd\r\nX-B: c"), .edits = &own, .nedits = 1 };
	const struct header_edit *edits;
	struct buf out = {0};

	results_put_quarantine(a, &v, false, &out);
	T_OK("why, in one field", holds(&out, "X-Forepost-Quarantine: odd") &&
	    !holds(&out, "\nX-B"));
	T_INT("a forged reason goes", results_edits(a, &v, &edits), 2);
	T_OK("before what rules change", edits[0].kind ==
	    ACTION_REMOVE_HEADER && edits[1].kind == ACTION_ADD_HEADER);
	buf_clear(&out);
	v.kind = ACTION_ACCEPT;
	results_put_quarantine(a, &v, false, &out);
	T_INT("nothing for other mail", out.len, 0);
	T_INT("which is changed by rules alone", results_edits(a, &v,
	    &edits), 1);
	buf_free(&out);
	arena_destroy(&a);
}

int
main(void)
{
	test_fields();
	test_quarantine();
	return t_done();
}
