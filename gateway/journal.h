#ifndef GATEWAY_JOURNAL_H
#define GATEWAY_JOURNAL_H
#include <stdint.h>
#include "base/arena.h"
#include "base/json_write.h"
#include "base/span.h"
#include "conf/settings.h"
#include "gateway/identity.h"
/*
 * journal -- a file of transactions, a line each, to which all workers append
 *
 * A record is written at once and whole, with one write(2): it is in the file
 * when the client is told. What has been written survives a crash of ours, not
 * of the machine (no fsync).
 *
 * Failure   no file, no space: the record is dropped and counted, and mail goes
 *           on. The log has a line when it begins and one when it is over. What
 *           was written in part is ended by the next line end that goes in;
 *           a worker that was killed while it wrote leaves such a part, which
 *           the supervisor ends. So a line may be no record, and an empty line
 *           is possible; no record is lost by that.
 * Rotation  by the supervisor: FILE becomes FILE.1, that FILE.2 and so on. The
 *           workers are told, and look by themselves once a second: until then
 *           they write to the renamed file, which is as good.
 * Yields    never; write(2) waits as long as the disk makes it.
 * Memory    in the arena given.
 * Tested    journal_test.c, tests/e2e/test_journal*.py
 */
struct journal;

/* --- a worker --- */

/* NULL: the settings have none. Behind identity_assume(). */
struct journal	*journal_open(struct arena *a, const struct settings *s);
void		 journal_close(struct journal *j);	/* NULL: nothing */
/* One line, without its end. NULL: no journal. */
void		 journal_put(struct journal *j, struct span record);
void		 journal_reopen(struct journal *j);
/* Once a second: is it still the file of that name, and can it be written? */
void		 journal_turn(struct journal *j);
/* {"state":"good|full|off","dropped":N,"why":"..."} */
void		 journal_status(const struct journal *j, struct json_out *o,
		    const char *key);

/* --- the supervisor, journal_files.c --- */

/* The file is there, and the workers' own. */
void		 journal_prepare(const struct settings *s,
		    const struct identity *id);
/* Once a second. True: it had grown too large and was renamed, or was gone, and
 * is there; the workers open it anew. */
bool		 journal_rotate(const struct settings *s,
		    const struct identity *id);
/* A worker was killed: what it may have written in part is ended. */
void		 journal_mend(const struct settings *s);
#endif
