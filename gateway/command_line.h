#ifndef GATEWAY_COMMAND_LINE_H
#define GATEWAY_COMMAND_LINE_H
#include <stdbool.h>
#include <stdio.h>
#include "gateway/explain.h"
#include "gateway/greylist_command.h"
#include "gateway/test_command.h"
/*
 * command_line -- what `forepost` was told to do
 *
 * One table of options here and one of subcommands with whoever runs them;
 * `help` is made from both. A mistake is told on stderr, by its name.
 */
#define COMMAND_LINE_FILE SYSCONFDIR "/forepost/forepost.conf"

enum option_bit { OPT_CONFIG = 1, OPT_DEMO = 2, OPT_FOREGROUND = 4,
    OPT_JSON = 8, OPT_HELP = 16, OPT_CONTROL = 32, OPT_CLIENT = 64,
    OPT_NAME = 128, OPT_HELO = 256, OPT_FROM = 512, OPT_TO = 1024,
    OPT_RESOLVER = 2048, OPT_MESSAGE = 4096, OPT_MDOC = 8192,
    OPT_RULES = 16384, OPT_FILES = 32768, OPT_LISTENER = 65536, OPT_WHO = 131072,
    OPT_LIST = 262144, OPT_WATCH = 524288, OPT_WAIT = 2097152,
    OPT_JOURNALS = 1048576 };

struct command_line;
struct subcommand {
	const char	*name;
	int		(*run)(const struct command_line *line);
	unsigned	 options;	/* enum option_bit bits it takes */
	const char	*help;
};
struct subcommands {
	const struct subcommand	*list;
	size_t			 n;
};

struct command_line {
	const struct subcommand	*command;
	const char		*config;	/* file; that above if none is named */
	bool			 has_config;	/* one is named */
	const char		*demo;		/* folder; NULL: not a demo */
	const char		*control;	/* socket; NULL: configured */
	bool			 json;
	bool			 mdoc;
	bool			 watch;
	bool			 wait;
	bool			 list;
	struct explain_request	 mail;
	struct test_request	 test;
	struct greylist_request	 greylist;
};

/* Reads it. 0, or -1 when what is wrong with it was told. --help anywhere is
 * the subcommand help. */
int	command_line_read(const struct subcommands *commands, int argc,
	    char **argv, struct command_line *line);
void	command_line_help(const struct subcommands *commands, FILE *out);
#endif
