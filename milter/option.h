#ifndef MILTER_OPTION_H
#define MILTER_OPTION_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <libmilter/mfapi.h>
#include "base/buf.h"
#include "base/err.h"
#include "milter/macro.h"
#include "milter/packet.h"
/*
 * option -- what a filter and we agree on before the first command
 *
 * We offer all that there is; the filter answers with its version, what it may
 * ask for (actions), what it wants to be told and to answer (steps), and which
 * macros. What follows is asked here at each command:
 *
 *	option_put_offer(&out);		... send, packet_read() the answer
 *	option_read(&p, &terms, &err);
 *	if (option_sends(&terms, SMFIC_HELO)) {
 *		macro_put(&out, SMFIC_HELO,
 *		    option_macros(&terms, SMFIC_HELO), values);
 *		command_helo(&out, name);
 *	}				... send
 *	if (option_awaits(&terms, SMFIC_HELO)) ... packet_read()
 *
 * The terms are those of one connection: a filter that was started anew may
 * answer otherwise. One of an older version is told nothing that its version
 * lacks (version 2: unknown commands, DATA; 3: DATA; below 6: macros at the end
 * of the header, "another client follows"); a step that it names itself it
 * knows, whatever its version.
 *
 * Tolerant, as MTAs are: steps that were not offered are passed over, and stand
 * in unknown_steps for the log; lists of macros are read with or without
 * SMFIF_SETSYMLIST. A stage without a list of its own keeps ours, as in
 * sendmail; one with an empty list gets no macros.
 *
 * Errors    ERR_SYNTAX: not an answer to our offer. ERR_CONFIG: one that
 *           cannot be: a version that we do not speak, actions that were not
 *           offered. The filter must not be used then.
 */
#define OPTION_VERSION		SMFI_PROT_VERSION
#define OPTION_VERSION_OLDEST	2	/* sendmail 8.11 */
#define OPTION_ACTIONS		((uint32_t)SMFI_CURR_ACTS)
#define OPTION_STEPS		((uint32_t)(SMFI_CURR_PROT | \
				    SMFIP_MDS_256K | SMFIP_MDS_1M))
/* Data of one packet; mfdef.h has two of them only for sendmail's own build. */
#define OPTION_CHUNK		((size_t)MILTER_MAX_DATA_SIZE)
#define OPTION_CHUNK_256K	((size_t)256 * 1024 - 1)
#define OPTION_CHUNK_1M		((size_t)1024 * 1024 - 1)

struct terms {
	unsigned	version;	/* the filter's */
	uint32_t	actions;	/* SMFIF_*: what it may ask for */
	uint32_t	steps;		/* SMFIP_*, with what its version lacks */
	uint32_t	unknown_steps;	/* asked for, not offered */
	size_t		chunk;		/* most octets of data in a packet,
					   either way */
	macro_set	macros[MACRO_STAGES];
};

void		option_put_offer(struct buf *b);
int		option_read(const struct packet *p, struct terms *t,
		    struct err *err);

/* May the command (SMFIC_*) be sent? Its macros are, whether it is or not: the
 * filter may ask for them at another. */
bool		option_sends(const struct terms *t, char command);
/* Is there an answer to it? Waiting for one that does not come would end in
 * a timeout. */
bool		option_awaits(const struct terms *t, char command);
/* It answers all that it is told. One that has agreed not to, and then does,
 * has an answer too many on its way. */
bool		option_answers_all(const struct terms *t);
/* The macros before it; an empty set: none. */
macro_set	option_macros(const struct terms *t, char command);
/* Recipients that we refuse ourselves are sent too, with {rcpt_mailer}
 * "error". */
bool		option_wants_refused(const struct terms *t);
/* Header values go both ways with the space behind the colon. */
bool		option_has_leading_space(const struct terms *t);
/* May it change a mail or hold it back? If not, it can run beside others. */
bool		option_may_edit(const struct terms *t);
#endif
