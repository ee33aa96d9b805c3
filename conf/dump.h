#ifndef CONF_DUMP_H
#define CONF_DUMP_H
#include "base/buf.h"
#include "conf/directive.h"
#include "conf/settings.h"
/*
 * dump -- settings as they would be written in a file
 *
 * What conf_dump() prints, a part at a time: lines that begin with `indent`,
 * and one setting may have several if it is a long list. No line is longer by
 * an item of outside: all of it stood in a file that was read.
 */
struct dump {
	struct buf	 out;
	const char	*indent;
};

/* Nothing, if nothing is what it is. */
void	dump_setting(struct dump *d, const struct directive *row,
	    enum scope scope, void *object);
/* All of a block. */
void	dump_settings(struct dump *d, enum scope scope, void *object);
/* Of the settings that may stand at top level, those that differ from there. */
void	dump_listener(struct dump *d, struct settings *s,
	    struct listener_conf *l);
#endif
