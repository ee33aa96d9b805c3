#ifndef GATEWAY_PATH_H
#define GATEWAY_PATH_H
#include <stdbool.h>
#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/span.h"
#include "policy/envelope.h"
/*
 * path -- the arguments of MAIL and RCPT      RFC 5321 4.1.1.2, 4.1.1.3,
 *                                       1870, 6152, 6531, 3030, 3461
 * Parses "FROM:<path> parameters" and "TO:<path> parameters". Source routes
 * are taken and dropped (RFC 5321 4.1.1.3). White space after the colon is
 * let through; the < > are not optional. Every parameter is checked against
 * what was advertised; an unknown one, a repeated one or a bad value is an
 * error. <> is a sender only, <postmaster> a recipient only.
 *
 * Memory    what is kept is copied into the arena; spans of `args` do not
 *           outlive the call.
 * Errors    -1, and *fault holds the RFC's code for it: 501 (syntax, too long),
 *           555 (parameter not offered), 553 (mailbox syntax; 5.6.7: UTF-8
 *           without SMTPUTF8), 552 (SIZE).
 */
struct path_fault {
	int		 code;		/* 501, 552, 553, 555 */
	const char	*enhanced;
	char		 text[200];
};
struct path_limits {
	unsigned	 advertised;	/* enum ability bits */
	uint64_t	 max_size;	/* 0: none */
};

/* Sets the envelope's sender and parameters, and adds to its `needs` what
 * cannot be left out for a backend that lacks it (so never SIZE). */
int	path_parse_mail(struct arena *a, struct span args,
	    const struct path_limits *limits, struct envelope *envelope,
	    struct path_fault *fault);
/* Sets rcpt; adds ABILITY_DSN to *needs if a DSN parameter was used. */
int	path_parse_rcpt(struct arena *a, struct span args,
	    const struct path_limits *limits, bool smtputf8,
	    struct rcpt *rcpt, unsigned *needs, struct path_fault *fault);
/* The text of MAIL and RCPT for a backend that can do `abilities`:
 * "MAIL FROM:<a@b> SIZE=123 BODY=8BITMIME" without CRLF. A parameter that it
 * cannot do is left out; size 0: none is told. */
void	path_format_mail(struct buf *out, const struct envelope *envelope,
	    unsigned abilities, uint64_t size);
void	path_format_rcpt(struct buf *out, const struct rcpt *rcpt,
	    unsigned abilities);

/* For param.c. Fills in *fault and returns -1. */
int	path_refuse(struct path_fault *fault, int code, const char *enhanced,
	    const char *fmt, ...) __attribute__((format(printf, 4, 5)));
/* As much of what the client sent as goes into an answer. */
struct span path_excerpt(struct span s);
#endif
