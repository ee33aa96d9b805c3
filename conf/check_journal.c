#include <string.h>

#include "conf/reading.h"

/* Who sets these thinks that there is a journal. */
static void
check_is_kept(struct reading *r)
{
	static const char *const names[] = { "max_size", "keep", "hide",
	    "key_file" };

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		const struct mark *m = origin_mark(&r->top, SCOPE_JOURNAL,
		    names[i]);

		if (m->at.line > 0)
			diagnostic_warn(r->d, m->at, NULL, "%s has no effect "
			    "without a file", names[i]);
	}
}

void
check_journal(struct reading *r)
{
	const struct settings *s = r->s;
	const char *log = log_file(s->log);

	/* "file none" says that there is to be none. */
	if (origin_mark(&r->top, SCOPE_JOURNAL, "file")->at.line == 0) {
		check_is_kept(r);
		return;
	}

	if (s->journal_key_file != NULL && s->journal_hide.n == 0)
		diagnostic_warn(r->d, origin_place(&r->top, SCOPE_JOURNAL,
		    "key_file"), NULL, "key_file has no effect: hide says "
		    "that nothing is hidden");
	if (log != NULL && s->journal_file != NULL &&
	    strcmp(s->journal_file, log) == 0)
		diagnostic(r->d, origin_place(&r->top, SCOPE_JOURNAL, "file"),
		    NULL, "%s is the log: the journal needs a file of its own",
		    log);
}
