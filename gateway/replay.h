#ifndef GATEWAY_REPLAY_H
#define GATEWAY_REPLAY_H
#include <stdbool.h>
#include <stddef.h>
#include "conf/settings.h"
#include "gateway/ruleset.h"
/*
 * replay -- what other rules would have made of the mails in the journal
 *
 * Each record is judged by the rules given (recorded.h), and what comes of it
 * is compared with what was done: for each recipient, the verdict that decided
 * about him. Accept and trust are the same; of a refusal, code and text count
 * too, so that a rule which only moved to another line changes nothing. What
 * rules do to mail that is taken (routes and header edits) counts; so does,
 * apart from it, what rules that observe would have done.
 *
 * Prints a line for each changed mail, as they are met, and then how many are
 * unchanged, changed or cannot be judged (and by which missing fact), and the
 * differences by rule. Reads in one pass: any number of records, in bounded
 * memory. A line that is no record is counted, and told with file and line: the
 * first REPLAY_BAD_TOLD of them.
 *
 * Returns   EXIT_GOOD if nothing is different; EXIT_CHANGED if something is;
 *           EXIT_CONFIG, EXIT_RUNTIME if there is no journal, or none that can
 *           be read.
 */
#define REPLAY_BAD_TOLD	20
#define REPLAY_PAIRS_MOST 1000	/* of rules, in the differences by rule: what
				   is beyond is counted together */

struct replay_request {
	const char *const	*files;	/* none: those of the configuration */
	size_t			 nfiles;
	bool			 json;
};

int	replay_run(const struct replay_request *request,
	    const struct settings *s, const struct ruleset *rules);
#endif
