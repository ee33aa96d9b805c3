#ifndef GATEWAY_EXPLAIN_H
#define GATEWAY_EXPLAIN_H
#include <stdbool.h>
#include <stddef.h>
#include "base/err.h"
#include "conf/settings.h"
/*
 * explain -- what the gateway would do with a mail, on the command line
 *
 * Asks the rules as a session does (judge.h): in the same order, with the
 * same lookups, of a client that keeps to the protocol and has no TLS. Prints
 * what would become of the mail and who says so, the trace of every rule of
 * each phase; then all facts with their reasons, asked for or not, and the
 * header fields that would be added. Nothing is delivered, no running gateway
 * and no backend is asked. The store is, if rules can ask for it, and not
 * changed: what the greylist would say now, what limits would have counted.
 *
 * Input     the message is a file ("-": the standard input) with LF or CRLF
 *           line ends. Without one, or without a recipient, the rules are
 *           asked as far as a session without them would come.
 * Exit      EXIT_GOOD whatever would become of the mail, which a script reads
 *           in the JSON: other codes say that nothing was found out.
 *           EXIT_USAGE for a bad argument; EXIT_RUNTIME if a file or the
 *           resolver is at fault.
 */
struct ruleset;
struct explain_request {
	const char	*client;	/* address[:port]; must be given */
	const char	*name;		/* its reverse name; NULL: looked up */
	const char	*helo;		/* NULL: the name, or the address */
	const char	*from;		/* NULL, "" or "<>": the null sender */
	const char	*to;
	const char	*resolver;	/* ADDR@PORT or ADDR:PORT; NULL: that of
					   the settings */
	const char	*listener;	/* NULL: the first */
	const char	*message;
	const char	*demo;		/* its folder; NULL: there is none */
	bool		 json;
};

int	explain_run(const struct explain_request *request,
	    struct settings *settings, const struct ruleset *rules);
#endif
