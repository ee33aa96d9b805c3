#include <sys/wait.h>

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "gateway/series.h"
#include "gateway/stats.h"
#include "tests/kit/named_things.h"
#include "tests/kit/t.h"

#define ROUNDS	40		/* writers that are killed */

static struct arena *arena;
static const char *const listeners[] = { "mx", "submission", NULL };
static const char *const rules[] = { "in.rules:1", "in.rules:2", "spam",
    NULL };
static const char *const backends[] = { "in", "out", NULL };
static const char *const none[] = { NULL };

static struct series_map *
enter(const char *const *rule_names, const char *const *backend_names)
{
	struct named_things *t = named_things(arena, listeners, rule_names,
	    backend_names);
	struct buf warnings = {0};
	struct series_map *map = series_enter(arena, &t->settings, &t->set,
	    &warnings);

	T_INT("nothing to warn of", warnings.len, 0);
	return map;
}

/* --- what all series are, as text --- */

static void
write_series(void *owner, const struct series_row *row,
    const char *const *labels, const struct series_sum *sum)
{
	struct buf *out = owner;

	buf_printf(out, "%s", row->name);
	for (size_t i = 0; i < row->nlabels; i++)
		buf_printf(out, " %s=%s", row->labels[i], labels[i]);
	if (row->kind == SERIES_HISTOGRAM)
		buf_printf(out, " times=%lu\n",
		    (unsigned long)histogram_count(&sum->times));
	else
		buf_printf(out, " %ld\n", (long)sum->value);
}

static bool
is_shown(const char *line)
{
	struct buf all = {0};
	bool found;

	buf_puts(&all, "\n");
	series_each(write_series, &all);
	buf_put(&all, "", 1);
	found = strstr(all.p, line) != NULL;
	buf_free(&all);
	return found;
}

/* --- cases --- */

static void
test_without_segment(void)
{
	struct histogram h;

	series_add(SERIES_MAILS, 7, WORD_OUTCOME_REFUSED, 0, 1);
	series_time(SERIES_STAGE_TIME, 9, WORD_STAGE_HELO, 5);
	series_get_times(SERIES_STAGE_TIME, 9, WORD_STAGE_HELO, &h);
	T_INT("without a segment nothing is counted",
	    series_get(SERIES_MAILS, 7, WORD_OUTCOME_REFUSED, 0), 0);
	T_INT("nor timed", histogram_count(&h), 0);
	T_INT("there is an address", series_address(3, 1), 0);
	T_INT("a word by its text", series_word(WORDS_OF_OUTCOME, "refused"),
	    WORD_OUTCOME_REFUSED);
	T_INT("that is not there", series_word(WORDS_OF_ENDED, "moon"),
	    WORD_ENDED_OTHER);
	T_INT("no text", series_word(WORDS_OF_ENDED, NULL), WORD_ENDED_OTHER);
}

static void
test_without_names(void)
{
	series_add(SERIES_MAILS, 0, WORD_OUTCOME_REFUSED, 0, 1);
	series_add(SERIES_CHECKS, 0, WORD_CHECK_SPF, WORD_RESULT_PASS, 2);
	T_INT("what has no subject counts without names",
	    series_get(SERIES_CHECKS, 0, WORD_CHECK_SPF, WORD_RESULT_PASS),
	    2);
	T_INT("what has one does not",
	    series_get(SERIES_MAILS, 0, WORD_OUTCOME_REFUSED, 0), 0);
	T_OK("two words: only what occurred is shown",
	    is_shown("\nchecks check=spf result=pass 2\n") &&
	    !is_shown("\nchecks check=spf result=fail 0\n"));
}

static void
test_labels(void)
{
	struct series_map *map = enter(rules, backends);

	series_use(map);
	series_add(SERIES_MAILS, 1, WORD_OUTCOME_REFUSED, 0, 3);
	series_add(SERIES_COMMANDS, 0, WORD_VERB_RCPT, WORD_CLASS_5, 4);
	series_add(SERIES_RULE_HITS, 0, 0, 0, 5);
	series_add(SERIES_RULE_HITS, 3, 0, 0, 6);	/* of the group */
	series_add(SERIES_BACKEND_TRANSACTIONS, series_address(1, 1),
	    WORD_TAKEN_YES, 0, 7);
	series_time(SERIES_STAGE_TIME, 0, WORD_STAGE_DATA, 1000);
	T_OK("a listener and a word",
	    is_shown("\nmails listener=submission outcome=refused 3\n"));
	T_OK("which is there from the beginning",
	    is_shown("\nmails listener=mx outcome=refused 0\n"));
	T_OK("two words",
	    is_shown("\ncommands listener=mx verb=RCPT class=5 4\n"));
	T_OK("a rule", is_shown("\nrule_hits rule=in.rules:1 5\n"));
	T_OK("one in a group", is_shown("\nrule_hits rule=spam 6\n"));
	T_OK("no word but a subject",
	    is_shown("\nrule_hits rule=in.rules:2 0\n"));
	T_OK("backend and address", is_shown("\nbackend_transactions "
	    "backend=out address=out/2 result=taken 7\n"));
	T_OK("times", is_shown("\nstage_seconds listener=mx stage=data "
	    "times=1\n"));
	T_OK("nothing is called other before it must be",
	    !is_shown("rule=other"));
}

static void
test_reload(void)
{
	static const char *const moved[] = { "new", "spam", "in.rules:1",
	    NULL };
	static const char *const fewer[] = { "out", "extra", NULL };
	struct series_map *map = enter(moved, fewer);

	series_add(SERIES_RULE_HITS, 0, 0, 0, 1);	/* by the old one */
	T_OK("the old configuration counts as before",
	    is_shown("\nrule_hits rule=in.rules:1 6\n"));
	T_OK("it knows its own rules", is_shown("\nrule_hits rule=in.rules:2 "
	    "0\n") && !is_shown("rule=new "));
	series_use(map);
	T_OK("a rule that is gone and never acted is not shown",
	    !is_shown("\nrule_hits rule=in.rules:2 "));
	T_OK("one that is new is", is_shown("\nrule_hits rule=new 0\n"));
	series_add(SERIES_RULE_HITS, 1, 0, 0, 10);	/* spam */
	series_add(SERIES_BACKEND_OPENED, series_address(1, 0), 0, 0, 1);
	series_add(SERIES_BACKEND_TRANSACTIONS, series_address(0, 1),
	    WORD_TAKEN_YES, 0, 1);
	/* "moved" ends with a group, whose rule has the last number. */
	series_add(SERIES_RULE_HITS, 3, 0, 0, 100);
	T_OK("a rule goes on in its place, wherever it is now",
	    is_shown("\nrule_hits rule=spam 16\n"));
	T_OK("in a group too", is_shown("\nrule_hits rule=in.rules:1 106\n"));
	T_OK("a backend that moved goes on", is_shown("\nbackend_transactions "
	    "backend=out address=out/2 result=taken 8\n"));
	T_OK("one that was added", is_shown("\nbackend_connections_opened "
	    "backend=extra address=extra/1 1\n"));
	T_OK("one that is gone and did nothing",
	    !is_shown("backend=in address"));
	series_use(enter(rules, none));
	T_OK("what is gone but did something stays",
	    is_shown("\nbackend_connections_opened backend=extra "
	    "address=extra/1 1\n"));
	T_OK("what comes back has its number",
	    is_shown("\nrule_hits rule=in.rules:2 0\n"));
}

static int
compare(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

/* Each line without its number. */
static void
test_no_duplicates(void)
{
	struct buf all = {0};
	char **lines, *p;
	size_t n = 0, most = 0, twice = 0;

	series_each(write_series, &all);
	for (size_t i = 0; i < all.len; i++)
		most += all.p[i] == '\n';
	lines = calloc(most, sizeof(*lines));
	buf_put(&all, "", 1);
	for (p = strtok(all.p, "\n"); p != NULL; p = strtok(NULL, "\n")) {
		*strrchr(p, ' ') = '\0';
		lines[n++] = p;
	}
	qsort(lines, n, sizeof(*lines), compare);
	for (size_t i = 1; i < n; i++)
		twice += strcmp(lines[i - 1], lines[i]) == 0;
	T_OK("there are many series", n > 100);
	T_INT("and none comes twice", twice, 0);
	free(lines);
	buf_free(&all);
}

static void
test_gauge(void)
{
	int slot = stats_slot_take();
	int status;
	pid_t pid;

	series_add(SERIES_SESSIONS_OPEN, 1, 0, 0, 5);
	pid = fork();
	if (pid == 0) {
		stats_use_slot(slot);
		series_add(SERIES_SESSIONS_OPEN, 1, 0, 0, 2);
		series_add(SERIES_SESSIONS, 1, 0, 0, 2);
		_exit(0);
	}
	waitpid(pid, &status, 0);
	T_INT("gauges add up", series_get(SERIES_SESSIONS_OPEN, 1, 0, 0), 7);
	stats_slot_release(slot);
	T_INT("who is gone has nothing open",
	    series_get(SERIES_SESSIONS_OPEN, 1, 0, 0), 5);
	T_INT("but had what it had", series_get(SERIES_SESSIONS, 1, 0, 0), 2);
}

/* --- a writer that is killed --- */

static __attribute__((noreturn)) void
write_for_ever(int slot, int out)
{
	static const char one = 1;

	stats_use_slot(slot);
	for (;;) {
		for (int i = 0; i < 1000; i++) {
			series_add(SERIES_MAILS, 0, WORD_OUTCOME_MIXED, 0, 1);
			series_time(SERIES_SESSION_TIME, 0, 0, 100);
			stats_add(STAT_COMMANDS, 1);
		}
		(void)!write(out, &one, 1);	/* 1000 more are promised */
	}
}

static int64_t
mixed(void)
{
	return series_get(SERIES_MAILS, 0, WORD_OUTCOME_MIXED, 0);
}

static void
test_killed(void)
{
	int64_t promised = 0, last = 0, fell = 0, plain = 0;
	struct histogram h;

	for (int i = 0; i < ROUNDS; i++) {
		int slot = stats_slot_take(), fds[2], status;
		char got[64];
		ssize_t n;
		pid_t pid;

		if (pipe(fds) < 0 || (pid = fork()) < 0)
			abort();
		if (pid == 0)
			write_for_ever(slot, fds[1]);
		close(fds[1]);
		for (int reads = 0; reads <= i % 5; reads++) {
			n = read(fds[0], got, sizeof(got));
			promised += n * 1000;
			fell += mixed() < last;
			last = mixed();
		}
		(void)kill(pid, SIGKILL);
		waitpid(pid, &status, 0);
		while ((n = read(fds[0], got, sizeof(got))) > 0)
			promised += n * 1000;
		close(fds[0]);
		stats_slot_release(slot);
		fell += mixed() < last || stats_get(STAT_COMMANDS) < plain;
		last = mixed();
		plain = stats_get(STAT_COMMANDS);
	}
	series_get_times(SERIES_SESSION_TIME, 0, 0, &h);
	T_OK("what was counted before a writer was killed is there",
	    mixed() >= promised && plain >= promised &&
	    (int64_t)histogram_count(&h) >= promised);
	T_OK("and hardly more than that",
	    mixed() < promised + ROUNDS * 64 * 1000 && promised > 0);
	T_INT("no sum ever fell", fell, 0);
	T_OK("of one event each is counted or not",
	    mixed() - (int64_t)histogram_count(&h) <= ROUNDS &&
	    (int64_t)histogram_count(&h) - plain <= ROUNDS);
}

/* --- more names than there is room for --- */

static void
test_other(void)
{
	enum { N = 9000 };
	const char **many = arena_new_n(arena, N + 1, const char *);
	struct named_things *t;
	struct buf warnings = {0};

	for (int i = 0; i < N; i++)
		many[i] = arena_printf(arena, "many.rules:%d", i);
	t = named_things(arena, listeners, many, backends);
	series_use(series_enter(arena, &t->settings, &t->set, &warnings));
	buf_put(&warnings, "", 1);
	T_STR("too many names are told", warnings.p, "more than 8191 names of "
	    "rules since the last start: some are counted together, as "
	    "\"other\"\n");
	series_add(SERIES_RULE_HITS, 0, 0, 0, 1);
	series_add(SERIES_RULE_HITS, N - 2, 0, 0, 1);
	series_add(SERIES_RULE_HITS, N - 3, 0, 0, 1);
	T_OK("those that have room", is_shown("rule=many.rules:0 1\n"));
	T_OK("and all others", is_shown("rule=other 2\n"));
	T_OK("what was there before", is_shown("rule=spam 16\n"));
	T_OK("a listener is not a rule", !is_shown("listener=other"));
	test_no_duplicates();
	buf_free(&warnings);
}

static void
test_times(void)
{
	struct histogram now = {0}, before = {0}, h;

	histogram_add(&now, 300);
	histogram_add(&now, 5000000);
	series_times(SERIES_RESOLVER_TIME, 0, WORD_TYPE_MX, &now, &before);
	histogram_add(&now, 301);
	series_times(SERIES_RESOLVER_TIME, 0, WORD_TYPE_MX, &now, &before);
	series_times(SERIES_RESOLVER_TIME, 0, WORD_TYPE_MX, &now, &before);
	series_get_times(SERIES_RESOLVER_TIME, 0, WORD_TYPE_MX, &h);
	T_INT("times of another layer are taken once", histogram_count(&h),
	    3);
	T_INT("their sum", h.sum, 5000601);
	T_INT("in their bucket", h.buckets[histogram_bucket(300)], 2);
}

int
main(void)
{
	struct err err;

	arena = arena_create("test");
	test_without_segment();
	T_INT("the segment is made", stats_create(&err), 0);
	test_without_names();
	test_labels();
	test_no_duplicates();
	test_reload();
	test_no_duplicates();
	test_times();
	series_use(enter(rules, backends));
	test_gauge();
	test_killed();
	test_other();
	arena_destroy(&arena);
	return t_done();
}
