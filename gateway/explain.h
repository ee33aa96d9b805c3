#ifndef GATEWAY_EXPLAIN_H
#define GATEWAY_EXPLAIN_H
#include <stdbool.h>
#include <stddef.h>
#include "base/err.h"
#include "conf/settings.h"
/*
 * explain -- what the gateway finds out about a mail, on the command line
 *
 * Makes all checks that a session makes, and those of the HELO name and the
 * sender's domain, with real lookups, and prints every fact with its reason;
 * then the header fields that would be added. Nothing is delivered, no
 * running gateway is asked.
 *
 * Input     the message is a file ("-": the standard input) with LF or CRLF
 *           line ends. Without one only client and sender are looked at.
 * Exit      EXIT_GOOD whatever was found; EXIT_USAGE for a bad argument;
 *           EXIT_RUNTIME if a file or the resolver is at fault.
 */
struct ruleset;
struct explain_request {
	const char	*client;	/* address; must be given */
	const char	*name;		/* its reverse name; NULL: looked up */
	const char	*helo;		/* NULL: the name, or the address */
	const char	*from;		/* NULL, "" or "<>": the null sender */
	const char	*to;
	const char	*resolver;	/* ADDR@PORT or ADDR:PORT; NULL: that of
					   the settings */
	const char	*message;
	bool		 json;
};

int	explain_run(const struct explain_request *request,
	    struct settings *settings, const struct ruleset *rules);
#endif
