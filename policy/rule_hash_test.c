#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/buf.h"
#include "policy/rule_read.h"
#include "tests/kit/t.h"

/*
 * The hash of rules: the same for the same files, another one if a rule, an
 * included file or an item of a set's file is.
 */
static char folder[] = "/tmp/rule_hash_test.XXXXXX";

#define MAIN	"set bad = file \"bad.set\"\ninclude \"more.rules\"\n" \
		"on mail { reject \"no\" when sender in $bad }\n"
#define MORE	"on rcpt { delay 1s }\n"
#define BAD	"# names\na.example\nb.example\n"

static const struct {
	const char *name, *text, *more, *bad;
	bool observe, is_same;
} cases[] = {
	{ "the same", MAIN, MORE, BAD, false, true },
	{ "a comment of a set", MAIN, MORE, "a.example\n\nb.example # x\n",
	    false, true },
	{ "a rule", MAIN "on rcpt { delay 2s }\n", MORE, BAD, false, false },
	{ "an included rule", MAIN, MORE "on rcpt { delay 2s }\n", BAD, false,
	    false },
	{ "an item more", MAIN, MORE, BAD "c.example\n", false, false },
	{ "an item less", MAIN, MORE, "a.example\n", false, false },
	{ "two items that join", MAIN, MORE, "a.exampleb.example\n", false,
	    false },
	{ "all observe", MAIN, MORE, BAD, true, false },
};

static void
write_file(const char *name, const char *text)
{
	FILE *f = fopen(name, "w");

	T_OK(name, f != NULL && fputs(text, f) >= 0);
	fclose(f);
}

static uint64_t
hash_of(const char *text, const char *more, const char *bad, bool observe)
{
	struct rule_context context = { .files = true, .observe = observe };
	struct arena *a = arena_create("rules");
	struct diagnostics *d = diagnostics_create(a);
	const struct rules *rules;
	uint64_t hash;

	write_file("in.rules", text);
	write_file("more.rules", more);
	write_file("bad.set", bad);
	rules = rules_read(a, "in.rules", &context, d);
	T_STR("good rules", diagnostics_text(d, a), "");
	hash = rules != NULL ? rules->hash : 0;
	arena_destroy(&a);
	return hash;
}

int
main(void)
{
	uint64_t first, other;

	T_OK("folder", mkdtemp(folder) != NULL && chdir(folder) == 0);
	first = hash_of(MAIN, MORE, BAD, false);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		other = hash_of(cases[i].text, cases[i].more, cases[i].bad,
		    cases[i].observe);
		T_INT(cases[i].name, other == first, cases[i].is_same);
	}
	unlink("in.rules");
	unlink("more.rules");
	unlink("bad.set");
	T_OK("folder goes", chdir("/") == 0 && rmdir(folder) == 0);
	return t_done();
}
