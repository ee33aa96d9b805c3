#include <string.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "gateway/metrics.h"
#include "gateway/proc.h"
#include "gateway/series.h"
#include "gateway/stats.h"
#include "tests/kit/named_things.h"
#include "tests/kit/t.h"

static struct buf text;

static const char *
show(enum metrics_format format)
{
	buf_clear(&text);
	buf_puts(&text, "\n");
	metrics_text(&text, format);
	buf_put(&text, "", 1);
	return text.p;
}

static bool
has(enum metrics_format format, const char *lines)
{
	return strstr(show(format), lines) != NULL;
}

static void
test_formats(void)
{
	T_OK("the family of a counter, classic", has(METRICS_TEXT,
	    "\n# HELP forepost_mails_total transactions that ended, by what "
	    "became of them\n# TYPE forepost_mails_total counter\n"
	    "forepost_mails_total{listener=\"mx\",outcome=\"delivered\"} "
	    "2\n"));
	T_OK("in OpenMetrics it has another name", has(METRICS_OPENMETRICS,
	    "\n# HELP forepost_mails transactions that ended, by what "
	    "became of them\n# TYPE forepost_mails counter\n"
	    "forepost_mails_total{listener=\"mx\",outcome=\"delivered\"} "
	    "2\n"));
	T_OK("a gauge", has(METRICS_TEXT, "\n# TYPE forepost_dns_waiting "
	    "gauge\nforepost_dns_waiting 4\n"));
	T_OK("one with labels", has(METRICS_TEXT,
	    "\n# TYPE forepost_sessions_open gauge\n"
	    "forepost_sessions_open{listener=\"mx\"} 2\n"));
	T_OK("seconds, and a plain counter", has(METRICS_TEXT,
	    "\nforepost_dns_seconds_total 1.500000\n"));
	T_OK("have a unit in OpenMetrics", has(METRICS_OPENMETRICS,
	    "\n# TYPE forepost_dns_seconds counter\n"
	    "# UNIT forepost_dns_seconds seconds\n"
	    "forepost_dns_seconds_total 1.500000\n"));
	T_OK("and none in the classic format", !has(METRICS_TEXT, "# UNIT"));
	T_OK("a maximum is a gauge", has(METRICS_TEXT,
	    "\n# TYPE forepost_longest_turn_seconds gauge\n"
	    "forepost_longest_turn_seconds 0.000700\n"));
	T_OK("a plain counter that series have too is not there twice",
	    !has(METRICS_TEXT, "\nforepost_sessions_total "));
	T_OK("OpenMetrics ends", strcmp(show(METRICS_OPENMETRICS) + text.len -
	    strlen("\n# EOF\n") - 1, "\n# EOF\n") == 0);
	T_OK("the classic format does not", !has(METRICS_TEXT, "# EOF"));
	T_OK("the gateway says what it is", has(METRICS_TEXT,
	    "\nforepost_build_info{version=\"" PACKAGE_VERSION "\"} 1\n"));
	T_OK("and its workers", has(METRICS_TEXT,
	    "\nforepost_workers{state=\"running\"} 1\n"));
	T_OK("and since when", has(METRICS_TEXT,
	    "\nforepost_start_time_seconds 1700000000.000000\n"));
	T_OK("and its configuration", has(METRICS_TEXT,
	    "\nforepost_configuration_generation 3\n"));
}

/* 128 us is the end of the first bucket, 256 of the first that is shown. */
static void
test_times(void)
{
	static const int64_t times[] = { -1, 0, 128, 129, 256, 257, 268435456,
	    268435457, INT64_C(900000000) };

	for (size_t i = 0; i < sizeof(times) / sizeof(times[0]); i++)
		series_time(SERIES_JUDGE_TIME, 0, WORD_PHASE_RCPT, times[i]);
#define B "\nforepost_judge_seconds_bucket{phase=\"rcpt\",le="
	T_OK("bounds belong to their bucket, which has all before it",
	    has(METRICS_TEXT, B "\"0.000256\"} 5" B "\"0.001024\"} 6"
	    B "\"0.004096\"} 6" B "\"0.016384\"} 6" B "\"0.065536\"} 6"
	    B "\"0.262144\"} 6" B "\"1.048576\"} 6" B "\"4.194304\"} 6"
	    B "\"16.777216\"} 6" B "\"67.108864\"} 6" B "\"268.435456\"} 7"
	    B "\"+Inf\"} 9\nforepost_judge_seconds_count{phase=\"rcpt\"} 9\n"
	    "forepost_judge_seconds_sum{phase=\"rcpt\"} 1436.871683\n"));
	T_OK("times without labels but le, and nothing in them",
	    has(METRICS_OPENMETRICS, "forepost_judge_seconds_bucket{"
	    "phase=\"helo\",le=\"+Inf\"} 0\n"));
#undef B
}

static void
test_names(void)
{
	T_OK("quotes and backslashes are escaped", has(METRICS_TEXT,
	    "\nforepost_rule_hits_total{rule=\"a \\\"b\\\" c\\\\d:7\"} 1\n"));
	T_OK("line ends and controls are not in a name", has(METRICS_TEXT,
	    "\nforepost_rule_hits_total{rule=\"e?f?[31m?:8\"} 2\n"));
	T_OK("nor is what is no UTF-8, and what then is the same is one",
	    has(METRICS_TEXT, "\nforepost_rule_hits_total{rule=\"g?:9\"} 5\n"));
	T_OK("all else is as it is", has(METRICS_TEXT,
	    "\nforepost_rule_hits_total{rule=\"h\xc3\xbc{}=,\"} 1\n"));
	T_OK("addresses of a backend", has(METRICS_TEXT,
	    "\nforepost_backend_connections_opened_total{backend=\"in\","
	    "address=\"in/2\"} 1\n"));
}

static void
count(struct arena *a)
{
	static const char *const listeners[] = { "mx", NULL };
	static const char *const rules[] = { "a \"b\" c\\d:7",
	    "e\nf\x1b[31m\xc2\x85:8", "g\xff:9", "g\xfe:9",
	    "h\xc3\xbc{}=,", "last", NULL };
	static const int64_t hits[] = { 1, 2, 2, 3, 1 };
	static const char *const backends[] = { "in", NULL };
	struct named_things *t = named_things(a, listeners, rules, backends);
	struct buf warnings = {0};
	const struct stats_proc own = { .pid = 1, .index = -1,
	    .state = PROC_RUNNING, .generation = 3,
	    .wall = INT64_C(1700000000000000) };
	const struct stats_proc worker = { .pid = 2,
	    .state = PROC_RUNNING };

	stats_proc_set(STATS_SUPERVISOR, &own);
	stats_proc_set(stats_slot_take(), &worker);
	series_use(series_enter(a, &t->settings, &t->set, &warnings));
	series_add(SERIES_MAILS, 0, WORD_OUTCOME_DELIVERED, 0, 2);
	for (size_t i = 0; i < sizeof(hits) / sizeof(hits[0]); i++)
		series_add(SERIES_RULE_HITS, i, 0, 0, hits[i]);
	series_add(SERIES_BACKEND_OPENED, series_address(0, 1), 0, 0, 1);
	stats_add(STAT_DNS_WAITING, 4);
	series_add(SERIES_SESSIONS_OPEN, 0, 0, 0, 3);
	series_add(SERIES_SESSIONS_OPEN, 0, 0, 0, -1);
	stats_add(STAT_SESSIONS, 4);
	stats_add(STAT_DNS_TIME, 1500000);
	stats_max(STAT_LOOP_LONGEST, 700);
}

/* Whoever documents the names takes them from here. */
static void
test_list(void)
{
	struct buf out = {0};

	metrics_list(&out);
	buf_put(&out, "", 1);
	T_OK("the list has plain counters", strstr(out.p,
	    "\nforepost_worker_starts_total\tcounter\t\tworkers started\n") !=
	    NULL);
	T_OK("and those with labels", strstr(out.p,
	    "\nforepost_session_seconds\thistogram\tlistener\ttime ") != NULL);
	T_OK("and what the gateway is", strncmp(out.p,
	    "forepost_build_info\tgauge\tversion\t", 34) == 0);
	buf_free(&out);
}

int
main(void)
{
	struct arena *a = arena_create("test");
	struct err err;

	T_INT("the segment is made", stats_create(&err), 0);
	count(a);
	test_formats();
	test_times();
	test_names();
	test_list();
	buf_free(&text);
	arena_destroy(&a);
	return t_done();
}
