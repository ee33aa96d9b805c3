#ifndef CONF_CONF_H
#define CONF_CONF_H
#include <stdio.h>
#include "base/buf.h"
#include "base/err.h"
#include "base/lexer.h"
#include "conf/settings.h"
/*
 * conf -- forepost.conf: one table of settings and what reads it
 *
 * directive.c holds the table (name, where it may stand, type, default,
 * bounds, when a change takes effect, help); parse.c, load.c, dump.c and the
 * man page (conf_manual) all work from it. Lexing, meaning and cross-checks
 * are separate. Nothing here touches the network.
 *
 * A setting ends with its line, inside { } also with } and before an unquoted
 * word that is the name of a setting of that block. Lists add up when they
 * are set again; any other setting may be set once. forepost.conf(5) has the
 * whole of it.
 *
 * Paths     a relative path is taken from the folder of the file that names
 *           it, and is absolute in the settings.
 */

/* Reads, checks and returns the settings, or NULL when there are errors; all
 * of them are then in *report (with file:line:column, the line and a caret).
 * Warnings are in *report too; it is "" when there is nothing to say. The
 * settings are one arena; *report lives in
 * `a`. Files that are named (certificates, lists) are opened and checked when
 * `files` is true. */
struct settings *conf_load(struct arena *a, const char *path, bool files,
		    const char **report);
/* Settings with errors are given too, if the files could be read whole, so
 * that what they name can be looked at in the same run; `*good` is false then.
 * Files that are named are opened. */
struct settings *conf_read(struct arena *a, const char *path, bool *good,
		    const char **report);
/* The embedded configuration of `serve --demo DIR`: mail for any domain under
 * .test, or for localhost, comes in at 127.0.0.1:2525 and goes to DIR/Maildir.
 * Makes DIR and the folders in it (mode 0700) when they are not there. */
struct settings *conf_demo(struct arena *a, const char *dir,
		    const char **report);
/* Same, from a text in memory, which need only live as long as the call;
 * `name` stands for the file. */
struct settings *conf_load_text(struct arena *a, const char *name,
		    struct span text, bool files, const char **report);
void		 conf_free(struct settings **s);
/* The effective settings, as a file that conf_load() reads to the same. */
void		 conf_dump(const struct settings *s, FILE *out);
/* What another one says now, a line for each setting that there is one of, as
 * "  journal max_size: 2M, before 1M", one for each block with a name, and
 * one if filters are asked in another order; but for `workers` and `rules`.
 * Empty: nothing. */
void		 conf_changes(const struct settings *before,
		    const struct settings *now, struct buf *out);
/* The rules of `rules default`: conf/default.rules, built in. */
struct span	 conf_default_rules(void);
/* The mdoc text of the settings part of forepost.conf(5). */
void		 conf_manual(FILE *out);
/* One line a setting: name, type, default, help. */
void		 conf_list(FILE *out);
#endif
