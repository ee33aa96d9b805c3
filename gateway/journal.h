#ifndef GATEWAY_JOURNAL_H
#define GATEWAY_JOURNAL_H
#include <stdint.h>
#include "base/arena.h"
#include "base/json_write.h"
#include "base/span.h"
#include "conf/settings.h"
#include "gateway/identity.h"
#include "gateway/ring.h"
struct event_base;
/*
 * journal -- a file of transactions, a line each, to which all workers append
 *
 * A worker puts a record into its ring, in memory that outlives it, before the
 * client is told. From there it is written with others, whole, in one
 * writev(2): JOURNAL_PAUSE later, or as soon as JOURNAL_BATCH octets wait. What
 * a worker that was killed left in its ring is written by the supervisor. So
 * what was told is in the file in the end, unless all of us are killed at once,
 * or the machine goes (no fsync).
 *
 * Failure   no file, no space: the records are dropped and counted, and mail
 *           goes on. The log has a line when it begins and one when it is over.
 *           What was written in part is ended by the next line end that goes
 *           in; a worker that was killed while it wrote leaves such a part,
 *           which the supervisor ends. If another has written a record into
 *           the same line before that, it is written once more. So a line may
 *           be no record, and an empty line is possible; no record is lost by
 *           that, unless the part is of one too long for the ring.
 * Rotation  by the supervisor: FILE becomes FILE.1, that FILE.2 and so on. The
 *           workers are told, and look by themselves once a second: until then
 *           they write to the renamed file, which is as good.
 * Yields    never; writev(2) waits as long as the disk makes it.
 * Memory    in the arena given.
 * Tested    journal_test.c, tests/e2e/test_journal*.py
 */
#define JOURNAL_PAUSE	(50 * CLOCK_MS)
#define JOURNAL_BATCH	((size_t)192 * 1024)
struct journal;

/* --- a worker --- */

/* NULL: the settings have none. Behind identity_assume(). `base` may be NULL:
 * then nothing is written but by journal_flush(). */
struct journal	*journal_open(struct arena *a, const struct settings *s,
		    struct ring *ring, struct event_base *base);
void		 journal_close(struct journal *j);	/* NULL: nothing */
/* There is one more line, with its end, in the ring. NULL: no journal. */
void		 journal_note(struct journal *j);
/* One that is too long for the ring is written at once, behind those in it. */
void		 journal_put(struct journal *j, struct span line);
/* All that waits is written now. */
void		 journal_flush(struct journal *j);
void		 journal_reopen(struct journal *j);
/* Once a second: is it still the file of that name, and can it be written? */
void		 journal_turn(struct journal *j);
/* {"state":"good|full|off","dropped":N,"why":"..."} */
void		 journal_status(const struct journal *j, struct json_out *o,
		    const char *key);

/* --- the supervisor, journal_files.c --- */

/* The file is there, the workers' own, and ends with a line. */
void		 journal_prepare(const struct settings *s,
		    const struct identity *id);
/* Once a second. True: it had grown too large and was renamed, or was gone, and
 * is there; the workers open it anew. */
bool		 journal_rotate(const struct settings *s,
		    const struct identity *id);
/* A worker has gone, perhaps while it wrote: a line of which there is a part is
 * ended, and what waits in its ring is written, but for records that are in the
 * file; into no file that has another name too. `path` NULL: it had no
 * journal. */
void		 journal_rescue(const char *path, const struct identity *id,
		    struct ring *ring);
#endif
