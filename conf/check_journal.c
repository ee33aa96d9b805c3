#include <string.h>

#include "conf/reading.h"

static void
warn_without(struct reading *r, const char *name, const char *what)
{
	const struct mark *m = origin_mark(&r->top, SCOPE_JOURNAL, name);

	if (m->at.line > 0)
		diagnostic_warn(r->d, m->at, NULL, "%s has no effect without "
		    "%s", name, what);
}

/* What is hidden is so in the statistics' last transactions, too. */
static void
check_hidden(struct reading *r)
{
	const struct settings *s = r->s;

	if (s->journal_file == NULL && s->stats_address.text == NULL)
		warn_without(r, "hide", "a file");
	if (s->journal_key_file != NULL && s->journal_hide.n == 0)
		diagnostic_warn(r->d, origin_place(&r->top, SCOPE_JOURNAL,
		    "key_file"), NULL, "key_file has no effect: hide says "
		    "that nothing is hidden");
}

void
check_journal(struct reading *r)
{
	const struct settings *s = r->s;
	const char *log = log_file(s->log);

	/* Who sets these thinks that there is a journal; "file none" says that
	 * there is to be none. */
	if (origin_mark(&r->top, SCOPE_JOURNAL, "file")->at.line == 0) {
		warn_without(r, "max_size", "a file");
		warn_without(r, "keep", "a file");
		check_hidden(r);
		return;
	}
	if (s->journal_file != NULL)
		check_hidden(r);
	if (log != NULL && s->journal_file != NULL &&
	    strcmp(s->journal_file, log) == 0)
		diagnostic(r->d, origin_place(&r->top, SCOPE_JOURNAL, "file"),
		    NULL, "%s is the log: the journal needs a file of its own",
		    log);
}
