#ifndef CONF_READING_H
#define CONF_READING_H
#include <stdbool.h>
#include <stddef.h>
#include "base/arena.h"
#include "base/lexer.h"
#include "conf/directive.h"
#include "conf/settings.h"
/*
 * reading -- one reading of forepost.conf while it is under way
 *
 * The settings as they come to be and, beside each block of them, where its
 * settings were set (struct origin), so that the cross-checks can point at
 * the place. load.c makes it and adds the defaults, parse.c reads the files,
 * assign.c fills in one setting, check.c, check_milters.c, check_stats.c,
 * check_journal.c and check_files.c look at the whole. It ends with the report.
 */
struct mark {			/* of one setting of one block */
	struct place	 at;		/* of its name; line 0: not set */
	struct place	*values;	/* of each item of a list */
	size_t		 n;
	bool		 is_bad;	/* a value was wrong: reported */
};
struct origin {
	struct place	 at;		/* of the block's name */
	struct mark	*marks;		/* by directive_index() */
	bool		 has_unknown;	/* what seems missing may be that */
};
struct reading {
	struct arena	*a;		/* ends with the report */
	struct settings	*s;
	struct diagnostics *d;
	bool		 files;		/* open what is named */
	bool		 is_partial;	/* a block or file could not be read */
	const struct source *source;	/* of the main file */
	struct origin	 top;		/* and the blocks of SCOPE_SINGLE */
	/* As in settings. */
	struct origin	*listeners, *backends, *routes, *lists, *milters;
};

struct mark	*origin_mark(const struct origin *o, enum scope scope,
		    const char *name);
/* Where the setting was set; else the block. */
struct place	 origin_place(const struct origin *o, enum scope scope,
		    const char *name);
/* Where the i-th item of a list stands. */
struct place	 origin_item(const struct origin *o, enum scope scope,
		    const char *name, size_t i);
bool		 origin_has(const struct origin *o, enum scope scope,
		    const char *name);

/* The main file and what it includes, into r->s, without defaults. */
void		 parse(struct reading *r);

/* A setting and its values (n > 0) into the block's struct. `dir` is the
 * folder of the file that holds it. Reports what is wrong. */
void		 assign(struct reading *r, const struct directive *row,
		    enum scope scope, void *object, struct mark *mark,
		    const char *dir, const struct token *values, size_t n);

/* Everything that concerns more than one value; no file is opened. */
void		 check_settings(struct reading *r);
/* Its part for filters. */
void		 check_milters(struct reading *r);
/* Its part for what is shown over HTTP. */
void		 check_stats(struct reading *r);
/* Its part for the journal. */
void		 check_journal(struct reading *r);
/* Files that are named: can they be read, and do they hold what they should? */
void		 check_files(struct reading *r);
#endif
