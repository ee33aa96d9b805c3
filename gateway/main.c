#include <getopt.h>
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
#include "gateway/control.h"
#include "gateway/exit_code.h"
#include "gateway/explain.h"
#include "gateway/fleet.h"
#include "gateway/sandbox.h"
#include "gateway/supervisor.h"
#include "gateway/test_command.h"

/*
 * The command line: one table of subcommands, from which `help` is made too.
 */
#define DEFAULT_FILE	SYSCONFDIR "/forepost/forepost.conf"

/* A reload waits for its workers; everything else is answered at once. */
#define ASK_TIMEOUT	120

enum option_bit { OPT_CONFIG = 1, OPT_DEMO = 2, OPT_FOREGROUND = 4,
    OPT_JSON = 8, OPT_HELP = 16, OPT_CONTROL = 32, OPT_CLIENT = 64,
    OPT_NAME = 128, OPT_HELO = 256, OPT_FROM = 512, OPT_TO = 1024,
    OPT_RESOLVER = 2048, OPT_MESSAGE = 4096, OPT_MDOC = 8192,
    OPT_RULES = 16384, OPT_FILES = 32768 };

struct command_line {
	const struct subcommand	*command;
	const char		*config;	/* file */
	const char		*demo;		/* folder; NULL: not a demo */
	const char		*control;	/* socket; NULL: configured */
	bool			 json;
	bool			 mdoc;
	struct explain_request	 mail;
	struct test_request	 test;
};

struct subcommand {
	const char	*name;
	int		(*run)(const struct command_line *line);
	unsigned	 options;	/* enum option_bit bits it takes */
	const char	*help;
};

static int	run_serve(const struct command_line *line);
static int	run_check(const struct command_line *line);
static int	run_dump(const struct command_line *line);
static int	run_explain(const struct command_line *line);
static int	run_facts(const struct command_line *line);
static int	run_test(const struct command_line *line);
static int	run_stats(const struct command_line *line);
static int	run_request(const struct command_line *line);
static int	run_settings(const struct command_line *line);
static int	run_manual(const struct command_line *line);
static int	run_version(const struct command_line *line);
static int	run_help(const struct command_line *line);

#define WHERE	(OPT_CONFIG | OPT_DEMO)
#define WHOM	(WHERE | OPT_CONTROL)
#define MAIL	(OPT_CLIENT | OPT_NAME | OPT_HELO | OPT_FROM | OPT_TO | \
    OPT_RESOLVER | OPT_MESSAGE)

static const struct subcommand subcommands[] = {
	{ "serve", run_serve, WHERE | OPT_FOREGROUND,
	    "run the gateway, until SIGTERM" },
	{ "check", run_check, OPT_CONFIG | OPT_RULES,
	    "read the configuration, or rules, and report every error" },
	{ "dump", run_dump, WHERE,
	    "print the effective settings, defaults included" },
	{ "explain", run_explain, WHERE | MAIL | OPT_JSON,
	    "what would be found out about a mail: every fact, with reasons" },
	{ "facts", run_facts, OPT_JSON | OPT_MDOC,
	    "list all that a rule can ask for" },
	{ "test", run_test, OPT_RULES | OPT_FILES,
	    "run tests of rules: do they decide as they should?" },
	{ "status", run_request, WHOM,
	    "the running gateway: its workers and backends" },
	{ "stats", run_stats, WHOM | OPT_JSON,
	    "its counters since it was started" },
	{ "reload", run_request, WHOM,
	    "let it take a changed configuration, cutting no session" },
	{ "drain", run_request, WHOM,
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
#define NSUBCOMMANDS	(sizeof(subcommands) / sizeof(subcommands[0]))

static const struct {
	enum option_bit	 bit;
	const char	*text;
	const char	*help;
} options[] = {
	{ OPT_CONFIG, "--config FILE", "instead of " DEFAULT_FILE },
	{ OPT_DEMO, "--demo DIR", "embedded settings: mail for .test and "
	    "localhost comes in at\n" "                      "
	    "127.0.0.1:2525 and goes to DIR/Maildir" },
	{ OPT_CONTROL, "--control SOCKET", "of the running gateway, without "
	    "reading a configuration" },
	{ OPT_FOREGROUND, "--foreground", "as it always runs; for scripts "
	    "that say so" },
	{ OPT_JSON, "--json", "as JSON" },
	{ OPT_MDOC, "--mdoc", "as a part of a manual page" },
	{ OPT_CLIENT, "--client IP", "the address that the mail came from" },
	{ OPT_NAME, "--name NAME", "its name, instead of looking it up" },
	{ OPT_HELO, "--helo NAME", "what it said at HELO" },
	{ OPT_FROM, "--from ADDRESS", "of MAIL; <> is the null sender, as without it" },
	{ OPT_TO, "--to ADDRESS", "of RCPT" },
	{ OPT_RESOLVER, "--resolver ADDRESS@PORT", "instead of the resolver of "
	    "the settings" },
	{ OPT_MESSAGE, "MESSAGE", "a file with the message, or - for the "
	    "standard input" },
	{ OPT_RULES, "--rules FILE", "check: these rules, and no configuration "
	    "but for its backends;\n" "                      "
	    "test: them instead of x.rules for x.test" },
	{ OPT_FILES, "FILE...", "files with tests of rules" },
};
#define NOPTIONS	(sizeof(options) / sizeof(options[0]))

/* --- help --- */

static void
print_help(FILE *out)
{
	fprintf(out, "usage: forepost SUBCOMMAND [OPTIONS]\n\n");
	for (size_t i = 0; i < NSUBCOMMANDS; i++)
		fprintf(out, "  %-9s %s\n", subcommands[i].name,
		    subcommands[i].help);
	fprintf(out, "\noptions:\n");
	for (size_t i = 0; i < NOPTIONS; i++) {
		fprintf(out, "  %-19s %s\n  %-19s (", options[i].text,
		    options[i].help, "");
		for (size_t j = 0, n = 0; j < NSUBCOMMANDS; j++) {
			if (subcommands[j].options & options[i].bit)
				fprintf(out, "%s%s", n++ > 0 ? ", " : "",
				    subcommands[j].name);
		}
		fprintf(out, ")\n");
	}
}

static int
run_help(const struct command_line *line)
{
	(void)line;
	print_help(stdout);
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

static struct settings *
load(const struct command_line *line, struct arena *a, bool files)
{
	struct settings *s;
	const char *report = "";

	if (line->demo != NULL)
		s = conf_demo(a, line->demo, &report);
	else
		s = conf_load(a, line->config, files, &report);
	if (s == NULL || files)
		fputs(report, stderr);
	return s;
}

/* Backends are known if a configuration is named; else any will do. */
static int
check_rules(const struct command_line *line, struct arena *a)
{
	struct rule_context context = { .files = true };
	struct diagnostics *d = diagnostics_create(a);
	const char **backends;
	struct settings *s;
	bool good;

	if (strcmp(line->config, DEFAULT_FILE) != 0) {
		s = load(line, a, false);
		if (s == NULL)
			return EXIT_CONFIG;
		backends = arena_new_n(a, s->nbackends + 1, const char *);
		for (size_t i = 0; i < s->nbackends; i++)
			backends[i] = arena_strdup(a, s->backends[i].name);
		context.backends = backends;
		conf_free(&s);
	}
	good = rules_read(a, line->test.rules, &context, d) != NULL;
	fputs(diagnostics_text(d, a), stderr);
	if (good)
		printf("%s: the rules are good\n", line->test.rules);
	return good ? EXIT_GOOD : EXIT_CONFIG;
}

static int
run_check(const struct command_line *line)
{
	struct arena *a = arena_create("check");
	struct settings *s = NULL;
	int code;

	if (line->test.rules != NULL)
		code = check_rules(line, a);
	else {
		s = load(line, a, true);
		code = s != NULL ? EXIT_GOOD : EXIT_CONFIG;
	}
	if (s != NULL) {
		printf("%s: the configuration is good\n", line->config);
		conf_free(&s);
	}
	arena_destroy(&a);
	return code;
}

static int
run_dump(const struct command_line *line)
{
	struct arena *a = arena_create("dump");
	struct settings *s = load(line, a, false);
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
	if (line->test.nfiles == 0) {
		fprintf(stderr, "forepost: test: no FILE with tests (try "
		    "`forepost help`)\n");
		return EXIT_USAGE;
	}
	return test_command_run(&line->test);
}

/* --- the running gateway --- */

static int
ask_at(const char *control, const char *request)
{
	struct buf text = {0};
	struct err err;
	int code;

	if (control_ask(control, request, ASK_TIMEOUT, &code, &text,
	    &err) < 0) {
		code = EXIT_RUNTIME;
		buf_printf(&text, "%s\n", err.text);
	}
	if (code == EXIT_GOOD)
		printf("%.*s", SPAN_ARG(buf_text(&text)));
	else
		fprintf(stderr, "%s%.*s", code == EXIT_RUNTIME ?
		    "forepost: " : "", SPAN_ARG(buf_text(&text)));
	buf_free(&text);
	return code;
}

static int
ask(const struct command_line *line, const char *request)
{
	struct arena *a;
	struct settings *s;
	int code = EXIT_CONFIG;

	if (line->control != NULL)
		return ask_at(line->control, request);
	a = arena_create("ask");
	s = load(line, a, false);
	if (s != NULL) {
		code = ask_at(s->control, request);
		conf_free(&s);
	}
	arena_destroy(&a);
	return code;
}

static int
run_request(const struct command_line *line)
{
	return ask(line, line->command->name);
}

static int
run_stats(const struct command_line *line)
{
	return ask(line, line->json ? "stats json" : "stats");
}

/* The settings matter only for what is checked and how, so that a machine
 * without a gateway will do. */
static struct settings *
load_or_default(const struct command_line *line, struct arena *a)
{
	const char *report;

	if (line->demo != NULL || strcmp(line->config, DEFAULT_FILE) != 0 ||
	    access(DEFAULT_FILE, F_OK) == 0)
		return load(line, a, false);
	return conf_load_text(a, "(defaults)", SPAN_LIT(
	    "listener l { address 127.0.0.1:25 }\n"
	    "backend b { address smtp://127.0.0.1 }\n"), false, &report);
}

static int
run_explain(const struct command_line *line)
{
	struct explain_request request = line->mail;
	struct arena *a = arena_create("explain");
	struct settings *s = load_or_default(line, a);
	int code = EXIT_CONFIG;

	request.json = line->json;
	if (s != NULL) {
		code = explain_run(&request, s);
		conf_free(&s);
	}
	arena_destroy(&a);
	return code;
}

static int
run_serve(const struct command_line *line)
{
	struct fleet_source source = { line->config, line->demo, { 0 } };

	if (getrandom(source.tickets, sizeof(source.tickets), 0) !=
	    sizeof(source.tickets)) {
		perror("forepost: no random numbers to be had");
		return EXIT_RUNTIME;
	}
	return supervisor_run(&source);
}

/* --- reading the command line --- */

static const struct subcommand *
find(const char *name)
{
	static const char *const synonyms[][2] = { { "--help", "help" },
	    { "-h", "help" }, { "--version", "version" } };

	for (size_t i = 0; i < sizeof(synonyms) / sizeof(synonyms[0]); i++) {
		if (strcmp(name, synonyms[i][0]) == 0)
			name = synonyms[i][1];
	}
	for (size_t i = 0; i < NSUBCOMMANDS; i++) {
		if (strcmp(name, subcommands[i].name) == 0)
			return &subcommands[i];
	}
	return NULL;
}

static int
usage(const char *what, const char *name)
{
	fprintf(stderr, "forepost: %s%s (try `forepost help`)\n", what, name);
	return -1;
}

static const char *
option_name(int bit)
{
	for (size_t i = 0; i < NOPTIONS; i++) {
		if ((int)options[i].bit == bit)
			return options[i].text;
	}
	return "";
}

static void
set_option(struct command_line *line, int bit)
{
	struct explain_request *mail = &line->mail;
	const struct {
		enum option_bit	  bit;
		const char	**value;
	} values[] = {
		{ OPT_CONFIG, &line->config }, { OPT_DEMO, &line->demo },
		{ OPT_CONTROL, &line->control }, { OPT_CLIENT, &mail->client },
		{ OPT_NAME, &mail->name }, { OPT_HELO, &mail->helo },
		{ OPT_FROM, &mail->from }, { OPT_TO, &mail->to },
		{ OPT_RESOLVER, &mail->resolver },
		{ OPT_RULES, &line->test.rules },
	};

	if (bit == OPT_JSON)
		line->json = true;
	if (bit == OPT_MDOC)
		line->mdoc = true;
	for (size_t i = 0; i < sizeof(values) / sizeof(values[0]); i++) {
		if ((int)values[i].bit == bit)
			*values[i].value = optarg;
	}
}

/* 0, or -1 when that was told. */
static int
read_options(int argc, char **argv, struct command_line *line)
{
	static const struct option names[] = {
		{ "config", required_argument, NULL, OPT_CONFIG },
		{ "demo", required_argument, NULL, OPT_DEMO },
		{ "control", required_argument, NULL, OPT_CONTROL },
		{ "foreground", no_argument, NULL, OPT_FOREGROUND },
		{ "json", no_argument, NULL, OPT_JSON },
		{ "mdoc", no_argument, NULL, OPT_MDOC },
		{ "client", required_argument, NULL, OPT_CLIENT },
		{ "name", required_argument, NULL, OPT_NAME },
		{ "helo", required_argument, NULL, OPT_HELO },
		{ "from", required_argument, NULL, OPT_FROM },
		{ "to", required_argument, NULL, OPT_TO },
		{ "resolver", required_argument, NULL, OPT_RESOLVER },
		{ "rules", required_argument, NULL, OPT_RULES },
		{ "help", no_argument, NULL, OPT_HELP },
		{ NULL, 0, NULL, 0 }
	};
	int c;

	opterr = 0;
	while ((c = getopt_long(argc, argv, ":", names, NULL)) != -1) {
		if (c == OPT_HELP) {
			line->command = find("help");
			return 0;
		}
		if (c == '?')
			return usage("unknown option ", argv[optind - 1]);
		/* "--demo --help" does not name a folder. */
		if (c == ':' || (optarg != NULL &&
		    strncmp(optarg, "--", 2) == 0))
			return usage("a value is missing behind ",
			    c == ':' ? argv[optind - 1] : option_name(c));
		if (!(line->command->options & (unsigned)c))
			return usage("this subcommand does not take ",
			    option_name(c));
		set_option(line, c);
	}
	if (optind < argc && (line->command->options & OPT_MESSAGE))
		line->mail.message = argv[optind++];
	if (line->command->options & OPT_FILES) {
		line->test.files = (const char *const *)argv + optind;
		line->test.nfiles = (size_t)(argc - optind);
		optind = argc;
	}
	if (optind < argc)
		return usage("too many arguments: ", argv[optind]);
	if (line->demo != NULL && line->config != NULL)
		return usage("--demo and --config exclude each other", "");
	if (line->json && line->mdoc)
		return usage("--json and --mdoc exclude each other", "");
	return 0;
}

int
main(int argc, char **argv)
{
	struct command_line line = {0};

	if (argc < 2) {
		print_help(stderr);
		return EXIT_USAGE;
	}
	line.command = find(argv[1]);
	if (line.command == NULL) {
		usage("unknown subcommand ", argv[1]);
		return EXIT_USAGE;
	}
	if (read_options(argc - 1, argv + 1, &line) < 0)
		return EXIT_USAGE;
	if (line.config == NULL)
		line.config = DEFAULT_FILE;
	return line.command->run(&line);
}
