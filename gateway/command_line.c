#include <getopt.h>
#include <string.h>

#include "gateway/command_line.h"

static const struct {
	enum option_bit	 bit;
	const char	*text;
	const char	*help;
} options[] = {
	{ OPT_CONFIG, "--config FILE", "instead of " COMMAND_LINE_FILE },
	{ OPT_DEMO, "--demo DIR", "embedded settings: mail for .test and "
	    "localhost comes in\n" "                      "
	    "at 127.0.0.1:2525 and goes to DIR/Maildir" },
	{ OPT_CONTROL, "--control SOCKET", "of the running gateway, without "
	    "reading a configuration" },
	{ OPT_FOREGROUND, "--foreground", "as it always runs; for scripts "
	    "that say so" },
	{ OPT_JSON, "--json", "as JSON" },
	{ OPT_WATCH, "--watch", "go on, once a second, in the terminal; q ends "
	    "it" },
	{ OPT_WAIT, "--wait", "until it has ended, and say how many sessions "
	    "are left" },
	{ OPT_MDOC, "--mdoc", "as a part of a manual page" },
	{ OPT_LIST, "--list", "names of what the endpoint has: kind, labels, "
	    "help" },
	{ OPT_CLIENT, "--client IP", "the address that the mail came from" },
	{ OPT_LISTENER, "--listener NAME", "by which it came in, instead of the "
	    "first one" },
	{ OPT_NAME, "--name NAME", "its name, instead of looking it up" },
	{ OPT_HELO, "--helo NAME", "what it said at HELO" },
	{ OPT_FROM, "--from ADDRESS", "of MAIL; <> is the null sender, as without it" },
	{ OPT_TO, "--to ADDRESS", "of RCPT" },
	{ OPT_RESOLVER, "--resolver ADDRESS@PORT", "instead of the resolver of "
	    "the settings" },
	{ OPT_MESSAGE, "MESSAGE", "a file with the message, or - for the "
	    "standard input;\n" "                      "
	    "without --client the id of one in the journal: SESSION\n"
	    "                      or SESSION.N" },
	{ OPT_RULES, "--rules FILE", "check: these rules, and of --config only "
	    "backends\n"
	    "                      and lists; test: them, not those of --config\n"
	    "                      or x.rules for x.test; explain, replay: them,\n"
	    "                      not those of --config" },
	{ OPT_WHO, "VERB [WHO]", "list, pass, forget or stats; a domain, an "
	    "address or an\n" "                      identity as list "
	    "shows it" },
	{ OPT_FILES, "FILE...", "files with tests of rules" },
	{ OPT_JOURNALS, "JOURNAL...", "files of a journal, - for the standard "
	    "input; without one\n" "                      "
	    "those of the configuration" },
};
#define NOPTIONS	(sizeof(options) / sizeof(options[0]))

/* Which subcommands take it; lines of 80 columns at most. */
static void
put_takers(const struct subcommands *commands, enum option_bit bit, FILE *out)
{
	size_t column = 23, n = 0;

	fprintf(out, "%22s(", "");
	for (size_t i = 0; i < commands->n; i++) {
		const char *name = commands->list[i].name;

		if (!(commands->list[i].options & bit))
			continue;
		fputs(n > 0 ? "," : "", out);
		if (column + strlen(name) + 3 > 80) {
			fprintf(out, "\n%22s", "");
			column = 22;
		}
		fprintf(out, "%s%s", n++ > 0 ? " " : "", name);
		column += strlen(name) + 2;
	}
	fprintf(out, ")\n");
}

void
command_line_help(const struct subcommands *commands, FILE *out)
{
	fprintf(out, "usage: forepost SUBCOMMAND [OPTIONS]\n\n");
	for (size_t i = 0; i < commands->n; i++)
		fprintf(out, "  %-9s %s\n", commands->list[i].name,
		    commands->list[i].help);
	fprintf(out, "\noptions:\n");
	for (size_t i = 0; i < NOPTIONS; i++) {
		fprintf(out, "  %-19s %s\n", options[i].text,
		    options[i].help);
		put_takers(commands, options[i].bit, out);
	}
}

static const struct subcommand *
find(const struct subcommands *commands, const char *name)
{
	static const char *const synonyms[][2] = { { "--help", "help" },
	    { "-h", "help" }, { "--version", "version" } };

	for (size_t i = 0; i < sizeof(synonyms) / sizeof(synonyms[0]); i++) {
		if (strcmp(name, synonyms[i][0]) == 0)
			name = synonyms[i][1];
	}
	for (size_t i = 0; i < commands->n; i++) {
		if (strcmp(name, commands->list[i].name) == 0)
			return &commands->list[i];
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
		{ OPT_LISTENER, &mail->listener },
		{ OPT_RULES, &line->test.rules },
	};

	if (bit == OPT_JSON)
		line->json = true;
	if (bit == OPT_LIST)
		line->list = true;
	if (bit == OPT_MDOC)
		line->mdoc = true;
	if (bit == OPT_WATCH)
		line->watch = true;
	if (bit == OPT_WAIT)
		line->wait = true;
	for (size_t i = 0; i < sizeof(values) / sizeof(values[0]); i++) {
		if ((int)values[i].bit == bit)
			*values[i].value = optarg;
	}
}

static int
read_options(const struct subcommands *commands, int argc, char **argv,
    struct command_line *line)
{
	static const struct option names[] = {
		{ "config", required_argument, NULL, OPT_CONFIG },
		{ "demo", required_argument, NULL, OPT_DEMO },
		{ "control", required_argument, NULL, OPT_CONTROL },
		{ "foreground", no_argument, NULL, OPT_FOREGROUND },
		{ "json", no_argument, NULL, OPT_JSON },
		{ "mdoc", no_argument, NULL, OPT_MDOC },
		{ "watch", no_argument, NULL, OPT_WATCH },
		{ "wait", no_argument, NULL, OPT_WAIT },
		{ "list", no_argument, NULL, OPT_LIST },
		{ "client", required_argument, NULL, OPT_CLIENT },
		{ "name", required_argument, NULL, OPT_NAME },
		{ "helo", required_argument, NULL, OPT_HELO },
		{ "from", required_argument, NULL, OPT_FROM },
		{ "to", required_argument, NULL, OPT_TO },
		{ "resolver", required_argument, NULL, OPT_RESOLVER },
		{ "listener", required_argument, NULL, OPT_LISTENER },
		{ "rules", required_argument, NULL, OPT_RULES },
		{ "help", no_argument, NULL, OPT_HELP },
		{ NULL, 0, NULL, 0 }
	};
	int c;

	opterr = 0;
	while ((c = getopt_long(argc, argv, ":", names, NULL)) != -1) {
		if (c == OPT_HELP) {
			line->command = find(commands, "help");
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
	if (line->command->options & OPT_WHO) {
		if (optind < argc)
			line->greylist.verb = argv[optind++];
		if (optind < argc)
			line->greylist.who = argv[optind++];
	}
	if (line->command->options & (OPT_FILES | OPT_JOURNALS)) {
		line->test.files = (const char *const *)argv + optind;
		line->test.nfiles = (size_t)(argc - optind);
		optind = argc;
	}
	if (optind < argc)
		return usage("too many arguments: ", argv[optind]);
	if (line->demo != NULL && line->config != NULL)
		return usage("--demo and --config exclude each other", "");
	if (line->json && line->watch)
		return usage("--json and --watch exclude each other", "");
	if (line->list && (line->json || line->watch))
		return usage("--list excludes --json and --watch", "");
	if (line->json && line->mdoc)
		return usage("--json and --mdoc exclude each other", "");
	return 0;
}

int
command_line_read(const struct subcommands *commands, int argc, char **argv,
    struct command_line *line)
{
	*line = (struct command_line){ 0 };
	line->command = find(commands, argv[1]);
	if (line->command == NULL)
		return usage("unknown subcommand ", argv[1]);
	if (read_options(commands, argc - 1, argv + 1, line) < 0)
		return -1;
	line->has_config = line->config != NULL;
	if (!line->has_config)
		line->config = COMMAND_LINE_FILE;
	return 0;
}
