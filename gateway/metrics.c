#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/histogram.h"
#include "gateway/metrics.h"
#include "gateway/proc.h"
#include "gateway/series.h"
#include "gateway/stats.h"

#define PREFIX	"forepost_"

struct writer {
	struct buf		*out;
	enum metrics_format	 format;
	const void		*family;	/* whose header is written */
};

/* --- parts of a line --- */

static void
head(struct writer *w, enum series_kind kind, enum series_unit unit,
    const char *name, const char *help)
{
	const char *end = kind == SERIES_COUNTER &&
	    w->format == METRICS_TEXT ? "_total" : "";

	buf_printf(w->out, "# HELP " PREFIX "%s%s %s\n", name, end, help);
	buf_printf(w->out, "# TYPE " PREFIX "%s%s %s\n", name, end,
	    series_kind_name(kind));
	if (w->format == METRICS_OPENMETRICS && unit != SERIES_NONE)
		buf_printf(w->out, "# UNIT " PREFIX "%s %s\n", name,
		    series_unit_name(unit));
}

static void
put_escaped(struct buf *out, const char *text)
{
	size_t n;

	for (;; text += n + 1) {
		n = strcspn(text, "\\\"\n");
		buf_put(out, text, n);
		if (text[n] == '\0')
			return;
		buf_puts(out, text[n] == '\n' ? "\\n" :
		    text[n] == '"' ? "\\\"" : "\\\\");
	}
}

/* Open: `le` may follow. */
static void
put_labels(struct buf *out, const char *const *names,
    const char *const *values, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		buf_printf(out, "%s%s=\"", i == 0 ? "{" : ",", names[i]);
		put_escaped(out, values[i]);
		buf_puts(out, "\"");
	}
}

static void
put_series(struct writer *w, const struct series_row *row,
    const char *const *labels, const char *end)
{
	buf_printf(w->out, PREFIX "%s%s", row->name, end);
	put_labels(w->out, row->labels, labels, row->nlabels);
	if (row->nlabels > 0)
		buf_puts(w->out, "}");
	buf_puts(w->out, " ");
}

/* --- series --- */

static void
put_bucket(struct writer *w, const struct series_row *row,
    const char *const *labels, const char *le, uint64_t n)
{
	buf_printf(w->out, PREFIX "%s_bucket", row->name);
	put_labels(w->out, row->labels, labels, row->nlabels);
	buf_printf(w->out, "%sle=\"%s\"} ", row->nlabels > 0 ? "," : "{", le);
	buf_uint(w->out, n);
	buf_puts(w->out, "\n");
}

/* Bounds are microseconds times a power of two: six digits are all of them. */
static void
put_times(struct writer *w, const struct series_row *row,
    const char *const *labels, const struct histogram *h)
{
	char bound[32];
	uint64_t n = 0;

	for (unsigned i = 0; i < HISTOGRAM_BUCKETS - 1; i++) {
		const uint64_t us = (uint64_t)HISTOGRAM_FIRST << i;

		n += h->buckets[i];
		if (i % 2 == 0)
			continue;
		snprintf(bound, sizeof(bound), "%" PRIu64 ".%06" PRIu64,
		    us / CLOCK_S, us % CLOCK_S);
		put_bucket(w, row, labels, bound, n);
	}
	n += h->buckets[HISTOGRAM_BUCKETS - 1];
	put_bucket(w, row, labels, "+Inf", n);
	put_series(w, row, labels, "_count");
	buf_uint(w->out, n);
	buf_puts(w->out, "\n");
	put_series(w, row, labels, "_sum");
	stats_number(w->out, STATS_SECONDS, (int64_t)h->sum);
	buf_puts(w->out, "\n");
}

static void
tell_series(void *owner, const struct series_row *row,
    const char *const *labels, const struct series_sum *sum)
{
	struct writer *w = owner;

	if (w->family != row)
		head(w, row->kind, row->unit, row->name, row->help);
	w->family = row;
	if (row->kind == SERIES_HISTOGRAM) {
		put_times(w, row, labels, &sum->times);
		return;
	}
	put_series(w, row, labels,
	    row->kind == SERIES_COUNTER ? "_total" : "");
	stats_number(w->out, (enum stats_unit)row->unit, sum->value);
	buf_puts(w->out, "\n");
}

/* --- without labels --- */

static enum series_kind
kind_of(const struct stats_row *row)
{
	return row->kind == STATS_COUNTER ? SERIES_COUNTER : SERIES_GAUGE;
}

static bool
is_series(const char *name)
{
	for (int i = 0; i < SERIES_COUNT; i++) {
		if (strcmp(series_row(i)->name, name) == 0)
			return true;
	}
	return false;
}

static void
put_plain(struct writer *w)
{
	for (int i = 0; i < STATS_COUNT; i++) {
		const struct stats_row *row = stats_row(i);

		if (is_series(row->name))
			continue;
		head(w, kind_of(row), (enum series_unit)row->unit, row->name,
		    row->help);
		buf_printf(w->out, PREFIX "%s%s ", row->name,
		    row->kind == STATS_COUNTER ? "_total" : "");
		stats_number(w->out, row->unit, stats_get(i));
		buf_puts(w->out, "\n");
	}
}

/* --- of the gateway --- */

#define ABOUT_TABLE(X) \
	/* function, unit, name, labels, help */ \
	X(put_version, NONE, "build_info", "version", \
	    "1, for the version that runs") \
	X(put_start, SECONDS, "start_time_seconds", NULL, \
	    "when the gateway was started, since 1970") \
	X(put_generation, NONE, "configuration_generation", NULL, \
	    "1 at the start, one more by each reload that took effect") \
	X(put_workers, NONE, "workers", "state", "workers, by what they do")

static void
put_version(struct buf *out, const char *name)
{
	buf_printf(out, PREFIX "%s{version=\"%s\"} 1\n", name,
	    PACKAGE_VERSION);
}

static void
put_start(struct buf *out, const char *name)
{
	struct stats_proc own;

	if (stats_proc_get(STATS_SUPERVISOR, &own) < 0)
		return;
	buf_printf(out, PREFIX "%s ", name);
	stats_number(out, STATS_SECONDS, own.wall);
	buf_puts(out, "\n");
}

static void
put_generation(struct buf *out, const char *name)
{
	struct stats_proc own;

	if (stats_proc_get(STATS_SUPERVISOR, &own) == 0)
		buf_printf(out, PREFIX "%s %" PRId64 "\n", name,
		    own.generation);
}

static void
put_workers(struct buf *out, const char *name)
{
	int counts[PROC_STOPPING + 1] = {0};
	struct stats_proc who;

	for (int i = stats_share_next(-1); i >= 0 && i < STATS_SUPERVISOR;
	    i = stats_share_next(i)) {
		if (stats_proc_get(i, &who) == 0 && who.index >= 0 &&
		    who.state >= 0 && who.state <= PROC_STOPPING)
			counts[who.state]++;
	}
	for (int i = 0; i <= PROC_STOPPING; i++)
		buf_printf(out, PREFIX "%s{state=\"%s\"} %d\n", name,
		    proc_state_name(i), counts[i]);
}

static const struct {
	void			(*put)(struct buf *out, const char *name);
	enum series_unit	 unit;
	const char		*name, *label, *help;
} about[] = {
#define X(put, unit, name, label, help) \
	{ put, SERIES_##unit, name, label, help },
	ABOUT_TABLE(X)
#undef X
};
#define NABOUT	(sizeof(about) / sizeof(about[0]))

/* --- all of it --- */

void
metrics_text(struct buf *out, enum metrics_format format)
{
	struct writer w = { .out = out, .format = format };

	for (size_t i = 0; i < NABOUT; i++) {
		head(&w, SERIES_GAUGE, about[i].unit, about[i].name,
		    about[i].help);
		about[i].put(out, about[i].name);
	}
	put_plain(&w);
	series_each(tell_series, &w);
	if (format == METRICS_OPENMETRICS)
		buf_puts(out, "# EOF\n");
}

const char *
metrics_type(enum metrics_format format)
{
	return format == METRICS_OPENMETRICS ?
	    "application/openmetrics-text; version=1.0.0; charset=utf-8" :
	    "text/plain; version=0.0.4; charset=utf-8";
}

static void
list(struct buf *out, enum series_kind kind, const char *name,
    const char *const *labels, size_t nlabels, const char *help)
{
	buf_printf(out, PREFIX "%s%s\t%s\t", name,
	    kind == SERIES_COUNTER ? "_total" : "", series_kind_name(kind));
	for (size_t i = 0; i < nlabels; i++)
		buf_printf(out, "%s%s", i > 0 ? "," : "", labels[i]);
	buf_printf(out, "\t%s\n", help);
}

void
metrics_list(struct buf *out)
{
	for (size_t i = 0; i < NABOUT; i++)
		list(out, SERIES_GAUGE, about[i].name, &about[i].label,
		    about[i].label != NULL, about[i].help);
	for (int i = 0; i < STATS_COUNT; i++) {
		const struct stats_row *row = stats_row(i);

		if (!is_series(row->name))
			list(out, kind_of(row), row->name, NULL, 0,
			    row->help);
	}
	for (int i = 0; i < SERIES_COUNT; i++) {
		const struct series_row *row = series_row(i);

		list(out, row->kind, row->name, row->labels, row->nlabels,
		    row->help);
	}
}
