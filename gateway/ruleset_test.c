#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "conf/conf.h"
#include "conf/listing.h"
#include "gateway/configuration.h"
#include "tests/kit/t.h"

/*
 * Rules as a configuration names them: which they are, what they know of it,
 * and what is said of both files together. The files are made for the test.
 */
static char folder[] = "/tmp/ruleset_test.XXXXXX";

static const char rest[] =
    "hostname mx.example.org\n"
    "spool \"/tmp\"\n"
    "listener mx { address 0.0.0.0:25 }\n"
    "backend inside { address smtp://10.0.0.5 }\n"
    "backend spam { address smtp://10.0.0.6 }\n"
    "route { domains \"*\" backend inside }\n";

#define ZEN "dnsbl zen { zone zen.example  reply 127.0.0.2 score 4 }\n"
#define TAGS "dnsbl tags-only { zone t.example  reply 127.0.0.2 tag x }\n"
#define CLAM "milter clamav { address 127.0.0.1:7357  when rules }\n"
#define SIGN "milter opendkim { address 127.0.0.1:8891 }\n"
#define QUIET "# nothing\n"

static const struct {
	const char *name, *conf, *rules, *report;
	bool is_good;
} cases[] = {
	{ "good rules", "rules \"in.rules\"\n",
	    "on rcpt { route spam }\n", "", true },
	{ "a backend that is not there", "rules \"in.rules\"\n",
	    "on rcpt { route spma }\n",
	    "in.rules:1:17: unknown backend \"spma\"\n"
	    "  on rcpt { route spma }\n"
	    "                  ^\n"
	    "  did you mean \"spam\"?\n", false },
	{ "a list of the configuration", "rules \"in.rules\"\n" ZEN,
	    "on connect { reject \"no\" when dnsbl.zen in { 127.0.0.2 }\n"
	    "reject \"no\" when dnsbl.score > 3 }\n", "", true },
	{ "a list that is mistyped", "rules \"in.rules\"\n" ZEN,
	    "on connect { reject \"no\" when dnsbl.zne in { 127.0.0.2 } }\n",
	    "in.rules:1:31: no DNS list is called \"zne\"\n"
	    "  on connect { reject \"no\" when dnsbl.zne in { 127.0.0.2 } }\n"
	    "                                ^\n"
	    "  did you mean \"dnsbl.zen\"?\n", false },
	{ "a list of both", "rules \"in.rules\"\n" ZEN,
	    "dnsbl Zen \"zen.example\" { 127.0.0.2 score 3 }\n",
	    "in.rules:1:7: the list \"zen\" is already declared in the "
	    "configuration\n"
	    "  dnsbl Zen \"zen.example\" { 127.0.0.2 score 3 }\n"
	    "        ^\n", false },
	{ "a list with the name of a fact", "rules \"in.rules\"\n"
	    "dnsbl score { zone zen.example }\n", QUIET,
	    "in.rules: the list \"score\" of the configuration needs another "
	    "name: dnsbl.score is another fact\n", false },
	{ "a list that no rule asks for", "rules \"in.rules\"\n" ZEN TAGS,
	    QUIET, "in.rules: warning: no rule asks for the list \"zen\"\n"
	    "in.rules: warning: no rule asks for the list \"tags-only\"\n",
	    true },
	{ "a score that no rule asks for", "rules \"in.rules\"\n" ZEN TAGS,
	    "on connect { reject \"no\" when dnsbl.names contains \"zen\" }\n",
	    "in.rules: warning: what the list \"zen\" scores is read by no "
	    "rule: none asks for dnsbl.score\n", true },
	{ "no rules, and a list", "rules none\n" ZEN, QUIET,
	    "rules none: warning: no rule asks for the list \"zen\"\n",
	    true },
	{ "the rules that come along", "rules default\n", QUIET, "", true },
	{ "they are the default, and use the lists", ZEN, QUIET, "", true },
	{ "quarantine without a backend for it", "rules \"in.rules\"\n",
	    "on message { when spf is fail { quarantine \"x\" } }\n",
	    "in.rules:1:33: warning: no quarantine backend is set: such mail "
	    "goes to its own backend, with the header X-Forepost-Quarantine\n"
	    "  on message { when spf is fail { quarantine \"x\" } }\n"
	    "                                  ^\n"
	    "  quarantine BACKEND in the configuration would send it "
	    "elsewhere\n", true },
	{ "and with one", "rules \"in.rules\"\nquarantine spam\n",
	    "on message { quarantine \"x\" when spf is fail }\n", "", true },
	{ "filters of the configuration", "rules \"in.rules\"\n" CLAM SIGN,
	    "on message { milter clamav when milter.opendkim is error }\n", "",
	    true },
	{ "a filter that is mistyped", "rules \"in.rules\"\n" CLAM SIGN,
	    "on mail { milter clamv }\n",
	    "in.rules:1:18: unknown milter \"clamv\"\n"
	    "  on mail { milter clamv }\n"
	    "                   ^\n"
	    "  did you mean \"clamav\"?\n", false },
	{ "one that needs no rule", "rules \"in.rules\"\n" CLAM SIGN,
	    "on mail {\nmilter opendkim\nmilter clamav\n}\n",
	    "in.rules:2:8: \"opendkim\" is asked without a rule: this action "
	    "is for milters that have \"when rules\" in the configuration\n"
	    "  milter opendkim\n"
	    "         ^\n", false },
	{ "one that no rule has told", "rules \"in.rules\"\n" CLAM SIGN,
	    "on mail { observe milter clamav }\n",
	    "warning: the milter \"clamav\" is never asked: it has \"when "
	    "rules\", and no rule has it told\n", true },
	{ "one of which rules only ask the fact", "rules \"in.rules\"\n" CLAM,
	    "on message { log \"x\" when milter.clamav is reject }\n", "",
	    true },
	{ "a filter, and none is there", "rules \"in.rules\"\n",
	    "on mail { milter clamav }\n",
	    "in.rules:1:18: unknown milter \"clamav\": the configuration has "
	    "none\n"
	    "  on mail { milter clamav }\n"
	    "                   ^\n", false },
	{ "errors of both, the configuration first",
	    "rules \"in.rules\"\nwrokers 2\nquarantine spma\n",
	    "on rcpt { route insied }\nrejct\n",
	    "forepost.conf:2:1: unknown setting \"wrokers\"\n"
	    "  wrokers 2\n  ^\n  did you mean \"workers\"?\n"
	    "forepost.conf:3:1: there is no backend \"spma\"\n"
	    "  quarantine spma\n  ^\n  did you mean \"spam\"?\n"
	    "in.rules:1:17: unknown backend \"insied\"\n"
	    "  on rcpt { route insied }\n"
	    "                  ^\n"
	    "  did you mean \"inside\"?\n"
	    "in.rules:2:1: expected on, set, dnsbl or include, found "
	    "\"rejct\"\n"
	    "  rejct\n  ^\n", false },
	{ "a part of the configuration that cannot be read",
	    "rules \"in.rules\"\ninclude \"missing.conf\"\n",
	    "on rcpt { route other }\n",
	    "forepost.conf:2:9: cannot open missing.conf: No such file or "
	    "directory\n"
	    "  include \"missing.conf\"\n"
	    "          ^\n", false },
	{ "a file of rules that is not there", "rules \"other.rules\"\n",
	    QUIET, "forepost.conf:1:1: rules: cannot open other.rules: "
	    "No such file or directory\n"
	    "  rules \"other.rules\"\n  ^\n", false },
	{ "a set that is not there", "rules \"in.rules\"\n",
	    "set s = file \"missing.txt\"\n"
	    "on mail { reject \"no\" when sender in $s }\n",
	    "in.rules:1:14: cannot open missing.txt: "
	    "No such file or directory\n"
	    "  set s = file \"missing.txt\"\n"
	    "               ^\n", false },
};

static void
write_file(const char *name, const char *text, const char *more)
{
	FILE *f = fopen(name, "w");

	if (f == NULL || fprintf(f, "%s%s", text, more) < 0 ||
	    fclose(f) != 0)
		abort();
}

/* The files as they are called in the folder. */
static const char *
without_folder(struct arena *a, const char *text)
{
	const char *prefix = arena_printf(a, "%s/", folder), *at;
	const char *out = "";

	while ((at = strstr(text, prefix)) != NULL) {
		out = arena_printf(a, "%s%.*s", out, (int)(at - text), text);
		text = at + strlen(prefix);
	}
	return arena_printf(a, "%s%s", out, text);
}

static void
test_reports(void)
{
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct arena *a = arena_create("ruleset test");
		struct configuration c;

		write_file("forepost.conf", cases[i].conf, rest);
		write_file("in.rules", cases[i].rules, "");
		T_INT(cases[i].name, configuration_read(a, "forepost.conf",
		    NULL, true, &c), cases[i].is_good ? 0 : -1);
		T_STR(cases[i].name, without_folder(a, c.report),
		    cases[i].report);
		T_OK(cases[i].name, (c.settings != NULL) == cases[i].is_good);
		T_OK(cases[i].name, (c.rules != NULL) == cases[i].is_good);
		conf_free(&c.settings);
		arena_destroy(&a);
	}
}

static void
put_lists(struct buf *out, const struct ruleset *r)
{
	buf_clear(out);
	for (size_t i = 0; i < r->nlists; i++)
		buf_printf(out, "%s ", r->lists[i].name);
	buf_puts(out, "|");
	for (size_t i = 0; i < r->plan->nlists; i++)
		buf_printf(out, " %.*s", SPAN_ARG(r->plan->lists[i]));
	buf_put(out, "", 1);
}

static const struct {
	const char *name, *conf, *rules;
	const char *lists;		/* all, then those that are asked */
	const char *file;
	size_t nrules;
} sets[] = {
	{ "lists of both", "rules \"in.rules\"\n" ZEN TAGS,
	    "dnsbl own \"own.example\" { 127.0.0.2 score 3 }\n"
	    "on connect { score 1 when dnsbl.score > 3\n"
	    "log \"x\" when score > 1 }\n",
	    "zen tags-only own | zen tags-only own", "in.rules", 2 },
	{ "one is asked", "rules \"in.rules\"\n" ZEN TAGS,
	    "on connect { log \"x\" when dnsbl.tags-only in { 127.0.0.2 } }",
	    "zen tags-only | tags-only", "in.rules", 1 },
	{ "none is", "rules none\n" ZEN, QUIET, "zen |", "rules none", 0 },
};

static void
test_sets(void)
{
	for (size_t i = 0; i < sizeof(sets) / sizeof(sets[0]); i++) {
		struct arena *a = arena_create("ruleset test");
		struct configuration c;
		struct buf out = {0};

		write_file("forepost.conf", sets[i].conf, rest);
		write_file("in.rules", sets[i].rules, "");
		T_INT(sets[i].name, configuration_read(a, "forepost.conf",
		    NULL, false, &c), 0);
		if (c.rules != NULL) {
			put_lists(&out, c.rules);
			T_STR(sets[i].name, out.p, sets[i].lists);
			T_STR(sets[i].name, without_folder(a, c.rules->name),
			    sets[i].file);
			T_INT(sets[i].name, c.rules->rules->nrules,
			    sets[i].nrules);
		}
		buf_free(&out);
		conf_free(&c.settings);
		arena_destroy(&a);
	}
}

/* `mode observe`, which changes nothing that is said of the rules. */
static void
test_mode(const char *mode, bool want)
{
	struct arena *a = arena_create("ruleset test");
	struct configuration c;
	const struct rule *rules;

	write_file("forepost.conf", mode, rest);
	write_file("in.rules", "on helo {\n"
	    "reject \"no\" when helo.name is \"x\"\n"
	    "when helo.name is \"y\" { when helo.kind is helo {\n"
	    "reject \"no\"\n"
	    "log \"x\" } }\n"
	    "}\n", "");
	T_INT(mode, configuration_read(a, "forepost.conf", NULL, false, &c),
	    0);
	T_STR(mode, without_folder(a, c.report), "in.rules:5:1: warning: this "
	    "rule is never reached: where it would be asked, the rule at "
	    "in.rules:4 has ended the phase\n"
	    "  log \"x\" } }\n"
	    "  ^\n");
	if (c.rules != NULL) {
		rules = c.rules->rules->phases[PHASE_HELO].rules;
		T_INT(mode, rules[0].observe, want);
		T_INT(mode, rules[1].group[0].group[0].observe, want);
	}
	conf_free(&c.settings);
	arena_destroy(&a);
}

/* A demo has the rules that come along, and mail of this machine passes. */
static void
test_built_in(void)
{
	struct span text = conf_default_rules();
	FILE *f = fopen("default.rules", "w");
	struct arena *a = arena_create("ruleset test");
	struct configuration c;

	if (f == NULL || fwrite(text.p, 1, text.len, f) != text.len ||
	    fclose(f) != 0)
		abort();
	write_file("forepost.conf", "rules \"default.rules\"\n", rest);
	T_INT("as a file", configuration_read(a, "forepost.conf", NULL,
	    false, &c), 0);
	T_STR("as a file", c.report, "");
	T_OK("they have rules", c.rules != NULL && c.rules->rules->nrules > 0);
	conf_free(&c.settings);
	arena_destroy(&a);
	unlink("default.rules");
}

int
main(void)
{
	if (mkdtemp(folder) == NULL || chdir(folder) < 0)
		abort();
	test_reports();
	test_sets();
	test_mode("rules \"in.rules\"\n", false);
	test_mode("rules \"in.rules\"\nmode observe\n", true);
	test_built_in();
	unlink("forepost.conf");
	unlink("in.rules");
	T_INT("clean up", rmdir(folder), 0);
	return t_done();
}
