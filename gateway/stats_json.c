#include <stdio.h>
#include <time.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/histogram.h"
#include "base/json_read.h"
#include "base/json_write.h"
#include "gateway/board.h"
#include "gateway/proc.h"
#include "gateway/series.h"
#include "gateway/stats.h"
#include "gateway/stats_json.h"

#define MICROSECONDS	6		/* digits */

/* --- numbers --- */

static void
put_number(struct json_out *o, const char *key, int unit, int64_t n)
{
	if (unit == STATS_SECONDS)
		json_decimal(o, key, n, MICROSECONDS);
	else
		json_int(o, key, n);
}

static void
put_counters(struct json_out *o)
{
	json_open(o, "counters", '{');
	for (int i = 0; i < STATS_COUNT; i++)
		put_number(o, stats_row(i)->name, (int)stats_row(i)->unit,
		    stats_get(i));
	json_close(o, '}');
}

/* --- series --- */

struct writer {
	struct json_out		*o;
	const struct series_row	*family;	/* that is open */
};

static void
open_family(struct json_out *o, const struct series_row *row)
{
	json_open(o, NULL, '{');
	json_z(o, "name", row->name);
	json_z(o, "kind", series_kind_name(row->kind));
	json_z(o, "unit", series_unit_name(row->unit));
	json_z(o, "help", row->help);
	json_open(o, "labels", '[');
	for (size_t i = 0; i < row->nlabels; i++)
		json_z(o, NULL, row->labels[i]);
	json_close(o, ']');
	json_open(o, "values", '[');
}

static void
close_family(struct writer *w)
{
	if (w->family == NULL)
		return;
	json_close(w->o, ']');
	json_close(w->o, '}');
}

/* The last bucket has no bound: null. */
static void
put_times(struct json_out *o, const struct histogram *h)
{
	json_int(o, "count", (int64_t)histogram_count(h));
	json_decimal(o, "sum", (int64_t)h->sum, MICROSECONDS);
	json_open(o, "buckets", '[');
	for (unsigned i = 0; i < HISTOGRAM_BUCKETS; i++) {
		if (h->buckets[i] == 0)
			continue;
		json_open(o, NULL, '[');
		if (i < HISTOGRAM_BUCKETS - 1)
			json_decimal(o, NULL, (int64_t)HISTOGRAM_FIRST << i,
			    MICROSECONDS);
		else
			json_none(o, NULL);
		json_int(o, NULL, (int64_t)h->buckets[i]);
		json_close(o, ']');
	}
	json_close(o, ']');
}

static void
tell_series(void *owner, const struct series_row *row,
    const char *const *labels, const struct series_sum *sum)
{
	struct writer *w = owner;

	if (w->family != row) {
		close_family(w);
		open_family(w->o, row);
		w->family = row;
	}
	json_open(w->o, NULL, '{');
	json_open(w->o, "labels", '[');
	for (size_t i = 0; i < row->nlabels; i++)
		json_z(w->o, NULL, labels[i]);
	json_close(w->o, ']');
	if (row->kind == SERIES_HISTOGRAM)
		put_times(w->o, &sum->times);
	else
		put_number(w->o, "value", (int)row->unit, sum->value);
	json_close(w->o, '}');
}

static void
put_series(struct json_out *o)
{
	struct writer w = { .o = o };

	json_open(o, "series", '[');
	series_each(tell_series, &w);
	close_family(&w);
	json_close(o, ']');
}

/* --- processes --- */

static void
put_board(struct json_out *o, int slot)
{
	struct buf text = {0};
	struct err err;

	if (board_read(stats_board(slot), &text) == 0 && text.p[0] == '{' &&
	    json_check(buf_text(&text), &err) == 0)
		json_raw(o, "status", buf_text(&text));
	else
		json_none(o, "status");
	buf_free(&text);
}

static const char *
state_name(int64_t state)
{
	if (state < 0 || state > PROC_STOPPING)
		return "unknown";	/* another process may write there */
	return proc_state_name((enum proc_state)state);
}

static int64_t
seconds_since(int64_t started)
{
	return (clock_now() - started) / CLOCK_S;
}

static void
put_workers(struct json_out *o)
{
	struct stats_proc who;

	json_open(o, "workers", '[');
	for (int i = stats_share_next(-1); i >= 0 && i < STATS_SUPERVISOR;
	    i = stats_share_next(i)) {
		if (stats_proc_get(i, &who) < 0 || who.index < 0)
			continue;
		json_open(o, NULL, '{');
		json_int(o, "index", who.index);
		json_int(o, "pid", who.pid);
		json_z(o, "state", state_name(who.state));
		json_int(o, "up", seconds_since(who.started));
		json_int(o, "generation", who.generation);
		json_int(o, "sessions",
		    stats_get_slot(i, STAT_SESSIONS_OPEN));
		put_board(o, i);
		json_close(o, '}');
	}
	json_close(o, ']');
}

/* --- all of it --- */

static void
put_time(struct json_out *o)
{
	int64_t now = clock_wall();
	time_t second = (time_t)(now / CLOCK_S);
	char text[32];
	struct tm tm;
	size_t n;

	n = strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%S",
	    gmtime_r(&second, &tm));
	/* Rates are differences of two answers that are seconds apart. */
	snprintf(text + n, sizeof(text) - n, ".%03dZ",
	    (int)(now % CLOCK_S * 1000 / CLOCK_S));
	json_z(o, "time", text);
}

void
stats_json_text(struct buf *out, const struct settings *settings,
    const struct ruleset *rules)
{
	struct json_out o = { .to = out };
	struct stats_proc own = {0};

	(void)stats_proc_get(STATS_SUPERVISOR, &own);
	json_open(&o, NULL, '{');
	json_z(&o, "version", PACKAGE_VERSION);
	put_time(&o);
	json_int(&o, "up", seconds_since(own.started));
	json_z(&o, "state", state_name(own.state));
	json_z(&o, "hostname", settings->hostname);
	json_open(&o, "rules", '{');
	json_z(&o, "name", rules->name);
	json_z(&o, "hash", rules->hash);
	json_close(&o, '}');
	json_int(&o, "generation", own.generation);
	put_counters(&o);
	put_series(&o);
	put_workers(&o);
	json_close(&o, '}');
	buf_puts(out, "\n");
}
