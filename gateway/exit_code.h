#ifndef GATEWAY_EXIT_CODE_H
#define GATEWAY_EXIT_CODE_H
/*
 * exit_code -- how every subcommand ends; forepost.8 documents them
 */
enum exit_code {
	EXIT_GOOD = 0,
	EXIT_CONFIG = 1,	/* the configuration is at fault */
	EXIT_USAGE = 2,		/* the command line is */
	EXIT_RUNTIME = 3,	/* something on this machine is */
	EXIT_CHANGED = 4	/* replay: other rules say something else */
};
#endif
