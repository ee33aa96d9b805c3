#ifndef MILTER_MACRO_H
#define MILTER_MACRO_H
#include <stdint.h>
#include <libmilter/mfapi.h>
#include "base/buf.h"
#include "base/span.h"
/*
 * macro -- what a filter is told beside the commands, and when
 *
 * A packet of macros comes before the command that it belongs to. Which
 * macros these are is a list for each stage: ours, or the one that the filter
 * gave when it negotiated (option.h). Whoever knows the values puts them
 * into an array by enum macro; what has none is not sent.
 *
 * Ours are those that sendmail sends (its cf/README, confMILTER_MACROS_*) and
 * those that Postfix sends (MILTER_README), and of the client's address and
 * names the ones that filters are most often configured to be told. `i`, the
 * id, comes at each stage, so that a filter can log it from the start; b, r and
 * s come with MAIL, since filters that show a mail to a server of their own make
 * its Received of them.
 *
 * Limits    a value is cut at MACRO_VALUE_MAX octets, so that a packet of all
 *           macros fits the smallest packet that any filter takes
 */
enum macro {
	MACRO_TRACE,		/* _: ident, name and address of the client */
	MACRO_B,		/* date */
	MACRO_I,
	MACRO_J,
	MACRO_R,		/* protocol */
	MACRO_S,		/* HELO name */
	MACRO_V,
	MACRO_AUTH_AUTHEN,
	MACRO_AUTH_AUTHOR,
	MACRO_AUTH_SSF,
	MACRO_AUTH_TYPE,
	MACRO_CERT_ISSUER,
	MACRO_CERT_SUBJECT,
	MACRO_CIPHER,
	MACRO_CIPHER_BITS,
	MACRO_CLIENT_ADDR,
	MACRO_CLIENT_CONNECTIONS,
	MACRO_CLIENT_NAME,
	MACRO_CLIENT_PORT,
	MACRO_CLIENT_PTR,
	MACRO_CLIENT_RESOLVE,
	MACRO_DAEMON_ADDR,
	MACRO_DAEMON_NAME,
	MACRO_DAEMON_PORT,
	MACRO_IF_ADDR,
	MACRO_IF_NAME,
	MACRO_MAIL_ADDR,
	MACRO_MAIL_HOST,
	MACRO_MAIL_MAILER,
	MACRO_MSG_ID,
	MACRO_NBADRCPTS,
	MACRO_NRCPTS,
	MACRO_RCPT_ADDR,
	MACRO_RCPT_HOST,
	MACRO_RCPT_MAILER,
	MACRO_TLS_VERSION,
	MACRO_VERIFY,
	MACRO_COUNT
};

/* Stages are SMFIM_CONNECT to SMFIM_EOH, and one that no filter can name. */
#define MACRO_AT_UNKNOWN	(SMFIM_LAST + 1)
#define MACRO_STAGES		(SMFIM_LAST + 2)
#define MACRO_VALUE_MAX		1024	/* none is longer by itself; names in
					   a certificate can be made so */

typedef uint64_t macro_set;
#define MACRO_BIT(m)		((macro_set)1 << (m))

/* The stage of the command (SMFIC_*); -1: no macros belong to it. */
int		 macro_stage(char command);
macro_set	 macro_default(int stage);
/* Of a list as filters give it: names with or without braces, with spaces or
 * commas between them. Those that nobody here knows have no value. */
macro_set	 macro_list(struct span list);
/* "j", "{mail_addr}" */
const char	*macro_name(enum macro m);

/* Appends the packet for the command: those of the set whose value (of
 * MACRO_COUNT, by enum macro) is not NULL. An empty set is never sent; one
 * without values is, since it ends those of the time before. */
void		 macro_put(struct buf *b, char command, macro_set set,
		    const struct span *values);
#endif
