#ifndef GATEWAY_SERIES_H
#define GATEWAY_SERIES_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "base/arena.h"
#include "base/buf.h"
#include "base/histogram.h"
#include "conf/settings.h"
#include "gateway/ruleset.h"
#include "gateway/series_table.h"
/*
 * series -- what is counted and timed, by name and labels, in the memory that
 * all our processes share (stats.h)
 *
 *	series_add(SERIES_MAILS, listener, WORD_OUTCOME_REFUSED, 0, 1);
 *	series_time(SERIES_STAGE_TIME, listener, WORD_STAGE_RCPT, us);
 *
 * A row of SERIES_TABLE is a family: its kind, its unit, its labels. A series
 * is one of it with values for these: words of ours (verb, outcome) and names
 * from settings and rules, its subject (listener, rule). Whoever counts gives
 * the subject as the index that it has in his own settings and rules:
 *
 *	OF_LISTENER	settings->listeners[i]
 *	OF_RULE		rule->number
 *	OF_LIST		ruleset->lists[i]
 *	OF_MILTER	settings->milters[i]
 *	OF_ADDRESS	series_address(): urls[j] of backends[i]
 *
 * The supervisor enters the names of each configuration before it forks. The
 * place of a series is the same in all processes until the supervisor ends,
 * through all reloads: names are only added, and two things of one name are
 * one series. So nothing is moved when a process ends: its place is taken by
 * the next, which goes on in its share.
 *
 * Yields    never.
 * Memory    of the shares, what is touched; names of all configurations that
 *           there were.
 * Limits    SERIES_SUBJECTS has how many names are told apart; what comes when
 *           they are there counts as "other", until the next start.
 * Never     counts without a segment (unit tests), nor what has a subject
 *           without series_use().
 * Tested    series_test.c, tests/e2e/test_metrics.py
 */
enum series_id {
#define X(id, kind, unit, of, words, more, name, help) SERIES_##id,
	SERIES_TABLE(X)
#undef X
	SERIES_COUNT
};

/* WORD_OUTCOME_REFUSED, ... */
#define SERIES_WORD(list, id, text) WORD_##list##_##id,
#define X(list, label, words) enum word_##list { words(SERIES_WORD) \
    WORD_##list##_COUNT };
SERIES_WORD_LISTS(X)
#undef X
#undef SERIES_WORD

enum series_words {
	WORDS_OF_NO,		/* the row has no such label */
#define X(list, label, words) WORDS_OF_##list,
	SERIES_WORD_LISTS(X)
#undef X
	SERIES_WORDS_COUNT
};

enum series_subject {
#define X(id, most, label, more) OF_##id,
	SERIES_SUBJECTS(X)
#undef X
	SERIES_SUBJECTS_COUNT
};

enum series_kind { SERIES_COUNTER, SERIES_GAUGE, SERIES_HISTOGRAM };
enum series_unit { SERIES_NONE, SERIES_SECONDS, SERIES_BYTES };

#define SERIES_LABELS	4	/* the most that a row has */

struct series_row {
	enum series_kind	 kind;
	enum series_unit	 unit;
	enum series_subject	 subject;
	enum series_words	 words[2];
	const char		*name, *help;
	const char		*labels[SERIES_LABELS];
	size_t			 nlabels;
};

/* --- who counts --- */

/* Words that a row does not have are 0. Of a gauge n may be negative. */
void	series_add(enum series_id id, size_t subject, unsigned word,
	    unsigned word2, int64_t n);
void	series_time(enum series_id id, size_t subject, unsigned word,
	    int64_t us);
/* What came into *now since *before, which becomes the same. */
void	series_times(enum series_id id, size_t subject, unsigned word,
	    const struct histogram *now, struct histogram *before);
size_t	series_address(size_t backend, size_t url);
/* The word of this text; if there is none "other", or the last. */
unsigned series_word(enum series_words list, const char *text);

/* --- the supervisor, before it forks --- */

struct series_map;
/* In `a`, for as long as the configuration. *warnings gets a line if there
 * are too many names. */
struct series_map *series_enter(struct arena *a,
		    const struct settings *settings,
		    const struct ruleset *rules, struct buf *warnings);
/* In the child. */
void	series_use(const struct series_map *map);

/* --- who reads --- */

struct series_sum {
	int64_t		 value;		/* of counters and gauges */
	struct histogram times;		/* of histograms */
};
/* All series of a row stand together, in the order of the table; none comes
 * twice. Those that count nothing are left out if their name is of an earlier
 * configuration, or if they have two words: of these few ever occur.
 * `labels` are row->nlabels texts. */
void	series_each(void (*tell)(void *owner, const struct series_row *row,
		const char *const *labels, const struct series_sum *sum),
	    void *owner);
const struct series_row *series_row(enum series_id id);
const char *series_kind_name(enum series_kind kind);
const char *series_unit_name(enum series_unit unit);	/* "": none */
const char *series_word_text(enum series_words list, unsigned word);
/* By the subject's index in this process, over all shares. */
int64_t	series_get(enum series_id id, size_t subject, unsigned word,
	    unsigned word2);
void	series_get_times(enum series_id id, size_t subject, unsigned word,
	    struct histogram *out);

/* --- stats.c --- */

size_t	series_share_words(void);	/* of one process */
void	series_use_share(int64_t *words);
void	series_clear_gauges(int64_t *words);
#endif
