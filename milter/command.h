#ifndef MILTER_COMMAND_H
#define MILTER_COMMAND_H
#include <stddef.h>
#include "base/addr.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/span.h"
#include "milter/option.h"
/*
 * command -- what the MTA tells a filter, as packets
 *
 * Each function appends one packet. Whether it may be sent, and whether an
 * answer comes, option.h says; macros go in front (macro.h).
 *
 * Text goes as octets, whatever its charset. Each string ends with NUL; a NUL
 * in it becomes "?". All texts but header fields come from SMTP commands,
 * whose length is limited long before that of a packet.
 *
 * Errors    only command_header(): ERR_CONFIG, the field is larger than what
 *           this filter takes. Nothing is appended then. It is not cut: what
 *           a filter has not seen it has not passed.
 */

/* "connect", "MAIL", "end of message": for messages. */
const char *command_name(char command);

/* A client without an address (len 0) is of family unknown. An empty host is
 * that of a client without a name: its address literal, "[192.0.2.1]",
 * "[IPv6:2001:db8::1]", as sendmail has it. The address itself is bare text,
 * as Postfix sends it: every filter reads that, not every one "IPv6:". */
void	command_connect(struct buf *b, struct span host,
	    const struct addr *client);
void	command_helo(struct buf *b, struct span name);
/* The address without < >, which are added ("": the null sender); ESMTP
 * parameters each as "SIZE=1000". */
void	command_mail(struct buf *b, struct span address,
	    const struct span *args, size_t nargs);
void	command_rcpt(struct buf *b, struct span address,
	    const struct span *args, size_t nargs);
/* The value is all that stands behind the colon, folds included, without the
 * last CRLF. It goes with LF between the lines, and without the first space
 * unless the filter has asked for it. */
int	command_header(struct buf *b, const struct terms *t, struct span name,
	    struct span value, struct err *err);
/* At most terms.chunk octets of the body, with CRLF, split anywhere. */
void	command_body(struct buf *b, const struct terms *t, struct span chunk);
/* The line of a client, without its end. */
void	command_unknown(struct buf *b, struct span line);
/* Those that have no data: SMFIC_DATA, _EOH, _BODYEOB, _ABORT, _QUIT,
 * _QUIT_NC. The body is sent whole before SMFIC_BODYEOB: some filters do not
 * look for a piece of it there. */
void	command_bare(struct buf *b, char command);
#endif
