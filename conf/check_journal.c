#include <string.h>

#include "conf/reading.h"

void
check_journal(struct reading *r)
{
	const struct settings *s = r->s;
	const char *log = log_file(s->log);

	if (s->journal_key_file != NULL && s->journal_hide.n == 0)
		diagnostic_warn(r->d, origin_place(&r->top, SCOPE_JOURNAL,
		    "key_file"), NULL, "key_file has no effect: hide says "
		    "that nothing is hidden");
	if (s->journal_file != NULL && log != NULL &&
	    strcmp(s->journal_file, log) == 0)
		diagnostic(r->d, origin_place(&r->top, SCOPE_JOURNAL, "file"),
		    NULL, "%s is the log: the journal needs a file of its own",
		    log);
}
