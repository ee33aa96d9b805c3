#ifndef TESTS_KIT_MILTER_DRIVE_H
#define TESTS_KIT_MILTER_DRIVE_H
#include "base/buf.h"
#include "milter/dialogue.h"
/*
 * milter_drive -- a whole dialogue with a filter, a letter for each step
 *
 * The letters are those of the commands on the wire, SMFIC_*. More: S is the
 * body from a spool, X a field that no packet takes, K the next client, and ?
 * asks whether the connection is usable. Body and spool hold spooled_byte().
 *
 * What comes back is put behind `shown`: each letter, and in ( ) what is not
 * "continue"; the error that ended it; the edits in < >.
 */
#define MILTER_DRIVE_BODY	150000	/* three packets of the usual size */

MAY_YIELD void	milter_drive(const struct dialogue_conf *conf,
		    const struct span *macros, const char *steps,
		    struct buf *shown);
#endif
