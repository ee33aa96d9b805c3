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
 * let through. Every parameter is checked against what was advertised; an
 * unknown one, a repeated one or a bad value is an error.
 *
 * Memory    what is kept is copied into the arena; spans of `args` do not
 *           outlive the call.
 * Errors    -1, and *reply_code is the RFC's code for it: 501 (syntax), 555
 *           (parameter not recognised), 553 (mailbox syntax), 552 (SIZE).
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

int	path_parse_mail(struct arena *a, struct span args,
	    const struct path_limits *limits, struct envelope *envelope,
	    struct path_fault *fault);
/* Sets rcpt; adds ABILITY_DSN to *needs if a DSN parameter was used. */
int	path_parse_rcpt(struct arena *a, struct span args,
	    const struct path_limits *limits, bool smtputf8,
	    struct rcpt *rcpt, unsigned *needs, struct path_fault *fault);
/* The text of MAIL and RCPT for a backend that can do `abilities`:
 * "MAIL FROM:<a@b> SIZE=123 BODY=8BITMIME" without CRLF. */
void	path_format_mail(struct buf *out, const struct envelope *envelope,
	    unsigned abilities, uint64_t size);
void	path_format_rcpt(struct buf *out, const struct rcpt *rcpt,
	    unsigned abilities);
#endif
