#ifndef GATEWAY_EXPLAIN_RECORD_H
#define GATEWAY_EXPLAIN_RECORD_H
#include <stdbool.h>
#include "base/arena.h"
#include "conf/settings.h"
#include "gateway/recorded.h"
#include "gateway/ruleset.h"
/*
 * explain_record -- what happened to a mail, out of the journal
 *
 * Finds SESSION.N, or all of SESSION, in the journal of the configuration, and
 * prints each record in words: what became of it and who said so, recipients,
 * what rules did, facts, times. Then its trace by the rules of the
 * configuration, and whether they have changed since: if so it may end
 * otherwise than it did, or at a fact that nobody looked up then.
 *
 * Text      printable UTF-8, whatever the journal has.
 * Returns   EXIT_GOOD; EXIT_USAGE if it is no such id; EXIT_RUNTIME if the
 *           journal does not have it or cannot be read.
 */

/* "5f3a91c2d001", "5f3a91c2d001.2": hexadecimal digits, and a number. */
bool	explain_record_is_id(const char *text);
int	explain_record_run(const char *id, bool json,
	    const struct settings *s, const struct ruleset *rules);
#endif
