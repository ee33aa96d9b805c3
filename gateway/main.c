#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include <sys/random.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/span.h"
#include "conf/conf.h"
#include "policy/fact_list.h"
#include "policy/rule_read.h"
#include "gateway/command_line.h"
#include "gateway/configuration.h"
#include "gateway/control.h"
#include "gateway/drain_command.h"
#include "gateway/exit_code.h"
#include "gateway/explain_record.h"
#include "gateway/fleet.h"
#include "gateway/metrics.h"
#include "gateway/replay.h"
#include "gateway/sandbox.h"
#include "gateway/status_text.h"
#include "gateway/supervisor.h"
#include "gateway/watch.h"

/* The subcommands; each ends with its exit code (exit_code.h). */

/* A reload waits for its workers, and for one that is under way; everything
 * else is answered at once. */
#define ASK_TIMEOUT	150

static int	run_serve(const struct command_line *line);
static int	run_check(const struct command_line *line);
static int	run_dump(const struct command_line *line);
static int	run_explain(const struct command_line *line);
static int	run_replay(const struct command_line *line);
static int	run_facts(const struct command_line *line);
static int	run_test(const struct command_line *line);
static int	run_greylist(const struct command_line *line);
static int	run_stats(const struct command_line *line);
static int	run_drain(const struct command_line *line);
static int	run_status(const struct command_line *line);
static int	run_request(const struct command_line *line);
static int	run_settings(const struct command_line *line);
static int	run_manual(const struct command_line *line);
static int	run_version(const struct command_line *line);
static int	run_help(const struct command_line *line);

#define WHERE	(OPT_CONFIG | OPT_DEMO)
#define WHOM	(WHERE | OPT_CONTROL)
#define MAIL	(OPT_CLIENT | OPT_NAME | OPT_HELO | OPT_FROM | OPT_TO | \
    OPT_RESOLVER | OPT_LISTENER | OPT_MESSAGE)

static const struct subcommand subcommands[] = {
	{ "serve", run_serve, WHERE | OPT_FOREGROUND,
	    "run the gateway, until SIGTERM" },
	{ "check", run_check, OPT_CONFIG | OPT_RULES,
	    "read the configuration, or rules, and report every error" },
	{ "dump", run_dump, WHERE,
	    "print the effective settings, defaults included" },
	{ "explain", run_explain, WHERE | MAIL | OPT_RULES | OPT_JSON,
	    "what would become of a mail, or became of one in the journal, rule\n"
	    "            by rule, and all facts of it" },
	{ "replay", run_replay, WHERE | OPT_RULES | OPT_JOURNALS | OPT_JSON,
	    "what other rules would have made of the mails in the journal" },
	{ "facts", run_facts, OPT_JSON | OPT_MDOC,
	    "list all that a rule can ask for" },
	{ "test", run_test, OPT_CONFIG | OPT_RULES | OPT_FILES | OPT_JSON,
	    "run tests of rules: do they decide as they should?" },
	{ "status", run_status, WHOM | OPT_JSON,
	    "the running gateway: its workers, backends and filters" },
	{ "stats", run_stats, WHOM | OPT_JSON | OPT_LIST | OPT_WATCH,
	    "its counters since it was started" },
	{ "greylist", run_greylist, WHERE | OPT_FROM | OPT_TO | OPT_WHO |
	    OPT_JSON,
	    "what the greylist knows; let somebody pass, or forget him" },
	{ "reload", run_request, WHOM,
	    "let it take a changed configuration, cutting no session" },
	{ "drain", run_drain, WHOM | OPT_WAIT,
	    "let it end when its sessions have ended, taking no new ones" },
	{ "stop", run_request, WHOM,
	    "let it end when the transactions under way are done" },
	{ "settings", run_settings, 0,
	    "list all settings with their defaults" },
	{ "manual", run_manual, 0,
	    "print the settings part of forepost.conf(5), in mdoc" },
	{ "version", run_version, 0, "print the version" },
	{ "help", run_help, 0, "print this" },
};
static const struct subcommands all = { subcommands,
    sizeof(subcommands) / sizeof(subcommands[0]) };

/* --- about itself --- */

static int
run_help(const struct command_line *line)
{
	(void)line;
	command_line_help(&all, stdout);
	return EXIT_GOOD;
}

static int
run_version(const struct command_line *line)
{
	(void)line;
	printf("forepost " PACKAGE_VERSION "\nsandbox of the workers: %s\n",
	    sandbox_text());
	return EXIT_GOOD;
}

/* --- the configuration --- */

/* The settings alone; no file that they name is opened. */
static struct settings *
load(const struct command_line *line, struct arena *a)
{
	struct settings *s;
	const char *report = "";

	if (line->demo != NULL)
		s = conf_demo(a, line->demo, &report);
	else
		s = conf_load(a, line->config, false, &report);
	if (s == NULL)
		fputs(report, stderr);
	return s;
}

/* Backends and lists are known if a configuration is named; else any backend
 * will do. */
static int
check_rules(const struct command_line *line, struct arena *a)
{
	struct rule_context context = { .files = true, .has_store = true,
	    .has_redis = true };
	struct diagnostics *d = diagnostics_create(a);
	struct settings *s = NULL;
	const struct rules *rules;

	if (line->has_config) {
		s = load(line, a);
		if (s == NULL)
			return EXIT_CONFIG;
		context = ruleset_context(a, s);
	}
	rules = rules_read(a, line->test.rules, &context, d);
	if (rules != NULL && s != NULL)
		ruleset_check(rules, s, d);
	fputs(diagnostics_text(d, a), stderr);
	if (rules != NULL)
		printf("%s: the rules are good\n", line->test.rules);
	if (s != NULL)
		conf_free(&s);
	return rules != NULL ? EXIT_GOOD : EXIT_CONFIG;
}

static int
check_configuration(const struct command_line *line, struct arena *a)
{
	struct configuration c;
	int rc = configuration_read(a, line->config, NULL, true, &c);

	fputs(c.report, stderr);
	if (rc < 0)
		return EXIT_CONFIG;
	printf("%s: the configuration is good\n", line->config);
	conf_free(&c.settings);
	return EXIT_GOOD;
}

static int
run_check(const struct command_line *line)
{
	struct arena *a = arena_create("check");
	int code = line->test.rules != NULL ? check_rules(line, a) :
	    check_configuration(line, a);

	arena_destroy(&a);
	return code;
}

static int
run_dump(const struct command_line *line)
{
	struct arena *a = arena_create("dump");
	struct settings *s = load(line, a);
	int code = s != NULL ? EXIT_GOOD : EXIT_CONFIG;

	if (s != NULL) {
		conf_dump(s, stdout);
		conf_free(&s);
	}
	arena_destroy(&a);
	return code;
}

static int
run_settings(const struct command_line *line)
{
	(void)line;
	conf_list(stdout);
	return EXIT_GOOD;
}

static int
run_manual(const struct command_line *line)
{
	(void)line;
	conf_manual(stdout);
	return EXIT_GOOD;
}

static int
run_facts(const struct command_line *line)
{
	if (line->json)
		fact_list_json(stdout);
	else if (line->mdoc)
		fact_list_manual(stdout);
	else
		fact_list(stdout);
	return EXIT_GOOD;
}

static int
run_test(const struct command_line *line)
{
	struct test_request request = line->test;

	if (request.nfiles == 0) {
		fprintf(stderr, "forepost: test: no FILE with tests (try "
		    "`forepost help`)\n");
		return EXIT_USAGE;
	}
	request.config = line->has_config ? line->config : NULL;
	request.json = line->json;
	return test_command_run(&request);
}

/* --- the running gateway --- */

/* The socket of the gateway that the command line names. NULL: that was
 * told. */
static const char *
control_of(const struct command_line *line, struct arena *a)
{
	struct settings *s;
	const char *path;

	if (line->control != NULL)
		return line->control;
	s = load(line, a);
	if (s == NULL)
		return NULL;
	path = arena_copy(a, span_z(s->control));
	conf_free(&s);
	return path;
}

static int
ask_at(const char *control, const char *request, struct buf *text)
{
	struct err err;
	int code;

	if (control_ask(control, request, ASK_TIMEOUT, &code, text,
	    &err) < 0) {
		code = EXIT_RUNTIME;
		buf_printf(text, "%s\n", err.text);
	}
	return code;
}

static void
print_answer(int code, const struct buf *text)
{
	if (code == EXIT_GOOD)
		fwrite(text->p, 1, text->len, stdout);
	else
		fprintf(stderr, "%s%.*s", code == EXIT_RUNTIME ?
		    "forepost: " : "", SPAN_ARG(buf_text(text)));
}

static int
ask(const struct command_line *line, const char *request)
{
	struct arena *a = arena_create("ask");
	const char *control = control_of(line, a);
	struct buf text = {0};
	int code = EXIT_CONFIG;

	if (control != NULL) {
		code = ask_at(control, request, &text);
		print_answer(code, &text);
	}
	buf_free(&text);
	arena_destroy(&a);
	return code;
}

static int
run_status(const struct command_line *line)
{
	struct arena *a = arena_create("status");
	const char *control = control_of(line, a);
	struct buf json = {0}, text = {0};
	int code = EXIT_CONFIG;
	struct err err;

	if (control != NULL)
		code = ask_at(control, "status", &json);
	if (code == EXIT_GOOD && !line->json) {
		if (status_text(a, buf_text(&json), &text, &err) < 0) {
			code = EXIT_RUNTIME;
			buf_clear(&text);
			buf_printf(&text, "%s\n", err.text);
		}
		print_answer(code, &text);
	} else if (control != NULL)
		print_answer(code, &json);
	buf_free(&json);
	buf_free(&text);
	arena_destroy(&a);
	return code;
}

static int
run_request(const struct command_line *line)
{
	return ask(line, line->command->name);
}

/* Something that asks more than once. */
static int
run_asking(const struct command_line *line, int (*run)(const char *control))
{
	struct arena *a = arena_create("ask");
	const char *control = control_of(line, a);
	int code = control != NULL ? run(control) : EXIT_CONFIG;

	arena_destroy(&a);
	return code;
}

static int
run_drain(const struct command_line *line)
{
	return line->wait ? run_asking(line, drain_command_run) :
	    ask(line, "drain");
}

static int
run_stats(const struct command_line *line)
{
	struct buf list = {0};

	if (line->watch)
		return run_asking(line, watch_run);
	if (line->list) {
		metrics_list(&list);
		print_answer(EXIT_GOOD, &list);
		buf_free(&list);
		return EXIT_GOOD;
	}
	return ask(line, line->json ? "stats json" : "stats");
}

/* A machine without a gateway will do too: then all mail has one backend,
 * without a name, so that rules may name any. */
static struct settings *
load_or_default(const struct command_line *line, struct arena *a)
{
	struct settings *s;
	const char *report;

	if (line->demo != NULL || line->has_config ||
	    access(line->config, F_OK) == 0)
		return load(line, a);
	s = conf_load_text(a, "(defaults)", SPAN_LIT(
	    "listener l { address 127.0.0.1:25 }\n"
	    "backend b { address smtp://127.0.0.1 }\n"
	    "route { domains \"*\" backend b }\n"), false, &report);
	s->backends[0].name = NULL;
	return s;
}

/* NULL: there are errors. Keys and certificates need not be readable. */
static const struct ruleset *
load_rules(const struct command_line *line, struct arena *a,
    struct settings *s)
{
	struct diagnostics *d = diagnostics_create(a);
	const struct ruleset *rules;

	if (line->test.rules != NULL)
		s->rules = (struct rules_conf){ RULES_FILE,
		    line->test.rules };
	rules = ruleset_read(s->arena, s, d);
	fputs(diagnostics_text(d, a), stderr);
	return rules;
}

/* Without a client it is the id of one in the journal. */
static bool
is_of_journal(const struct command_line *line)
{
	return line->mail.client == NULL && line->mail.message != NULL &&
	    explain_record_is_id(line->mail.message);
}

static int
run_explain(const struct command_line *line)
{
	struct explain_request request = line->mail;
	struct arena *a = arena_create("explain");
	struct settings *s = is_of_journal(line) ? load(line, a) :
	    load_or_default(line, a);
	const struct ruleset *rules = NULL;
	int code = EXIT_CONFIG;

	request.json = line->json;
	request.demo = line->demo;
	if (s != NULL)
		rules = load_rules(line, a, s);
	if (rules != NULL)
		code = is_of_journal(line) ?
		    explain_record_run(request.message, line->json, s, rules) :
		    explain_run(&request, s, rules);
	if (s != NULL)
		conf_free(&s);
	arena_destroy(&a);
	return code;
}

static int
run_replay(const struct command_line *line)
{
	struct replay_request request = { .files = line->test.files,
	    .nfiles = line->test.nfiles, .json = line->json };
	struct arena *a = arena_create("replay");
	struct settings *s = load_or_default(line, a);
	const struct ruleset *rules = NULL;
	int code = EXIT_CONFIG;

	if (s != NULL)
		rules = load_rules(line, a, s);
	if (rules != NULL)
		code = replay_run(&request, s, rules);
	if (s != NULL)
		conf_free(&s);
	arena_destroy(&a);
	return code;
}

static int
run_greylist(const struct command_line *line)
{
	struct greylist_request request = line->greylist;
	struct arena *a = arena_create("greylist");
	struct settings *s = load(line, a);
	int code = EXIT_CONFIG;

	request.from = line->mail.from;
	request.to = line->mail.to;
	request.demo = line->demo;
	request.json = line->json;
	if (s != NULL) {
		code = greylist_command_run(&request, s);
		conf_free(&s);
	}
	arena_destroy(&a);
	return code;
}

static int
run_serve(const struct command_line *line)
{
	struct fleet_source source = { .path = line->config,
	    .demo = line->demo };

	if (getrandom(source.tickets, sizeof(source.tickets), 0) !=
	    sizeof(source.tickets) ||
	    getrandom(source.journal, sizeof(source.journal), 0) !=
	    sizeof(source.journal)) {
		perror("forepost: no random numbers to be had");
		return EXIT_RUNTIME;
	}
	return supervisor_run(&source);
}

/* What could not be printed is not silent: a full disk is no short answer. */
static int
end(int code)
{
	if (fflush(stdout) == 0 && !ferror(stdout))
		return code;
	fprintf(stderr, "forepost: standard output: %s\n",
	    errno != 0 ? strerror(errno) : "it cannot be written");
	return code == EXIT_GOOD || code == EXIT_CHANGED ? EXIT_RUNTIME : code;
}

int
main(int argc, char **argv)
{
	struct command_line line;

	if (argc < 2) {
		command_line_help(&all, stderr);
		return EXIT_USAGE;
	}
	if (command_line_read(&all, argc, argv, &line) < 0)
		return EXIT_USAGE;
	return end(line.command->run(&line));
}
