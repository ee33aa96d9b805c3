#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log_value.h"
#include "base/utf8.h"
#include "gateway/watch_text.h"

#define BOLD		"\033[1m"
#define NORMAL		"\033[0m"
#define SIDE		34	/* columns of the mails, beside the times */
#define NAMES_MOST	16	/* outcomes, stages */

struct paper {
	struct buf		*out;
	const struct watch_page	*page;
	size_t			 left;	/* lines */
};

/* --- lines --- */

static size_t
columns_of(struct span s)
{
	size_t n = 0;

	for (size_t i = 0; i < s.len; i++)
		n += ((unsigned char)s.p[i] & 0xc0) != 0x80;
	return n;
}

/* What fits; a character is taken for a column. */
static struct span
fit(struct span s, size_t width)
{
	size_t n = 0, columns = 0;

	while (n < s.len) {
		size_t c = utf8_char(span_n(s.p + n, s.len - n));

		if (columns == width)
			break;
		n += c > 0 ? c : 1;
		columns++;
	}
	return span_n(s.p, n < s.len ? n : s.len);
}

static void
put_padded(struct buf *b, struct span s, size_t width)
{
	struct span shown = fit(s, width);

	buf_span(b, shown);
	for (size_t n = columns_of(shown); n < width; n++)
		buf_put(b, " ", 1);
}

static void
put_line(struct paper *p, struct span line, bool is_head)
{
	bool is_bold = is_head && !p->page->is_plain;

	if (p->left == 0)
		return;
	p->left--;
	buf_puts(p->out, is_bold ? BOLD : "");
	buf_span(p->out, fit(line, p->page->width));
	buf_puts(p->out, is_bold ? NORMAL : "");
	buf_puts(p->out, "\n");
}

static void
end_line(struct paper *p, struct buf *line, bool is_head)
{
	put_line(p, buf_text(line), is_head);
	buf_clear(line);
}

/* --- numbers --- */

static double
seconds_between(const struct watch_sample *old, const struct watch_sample *now)
{
	double s = (double)(now->taken - old->taken) / (double)CLOCK_S;

	return s > 0 ? s : 0;
}

static double
rate_of(int64_t before, int64_t after, double seconds)
{
	return seconds > 0 && after > before ?
	    (double)(after - before) / seconds : 0;
}

static double
rate(const struct watch_sample *old, const struct watch_sample *now,
    const char *name)
{
	return rate_of(watch_sample_sum(old, name),
	    watch_sample_sum(now, name), seconds_between(old, now));
}

static void
put_time(struct buf *b, int64_t us)
{
	if (us < 0)
		buf_puts(b, "       -");
	else if (us < 1000 * CLOCK_MS)
		buf_printf(b, "%5.1f ms", (double)us / (double)CLOCK_MS);
	else
		buf_printf(b, "%6.1f s", (double)us / (double)CLOCK_S);
}

static bool
has_label(const struct watch_row *row, const char *name, size_t label,
    struct span text)
{
	return span_is(row->name, name) && label < row->nlabels &&
	    span_eq(row->labels[label], text);
}

/* The buckets of all rows of one stage, whatever their listener. */
static void
add_times(const struct watch_sample *s, struct span stage, int64_t sign,
    int64_t buckets[HISTOGRAM_BUCKETS])
{
	for (size_t i = 0; i < s->nrows; i++) {
		if (!has_label(&s->rows[i], "stage_seconds", 1, stage))
			continue;
		for (size_t k = 0; k < HISTOGRAM_BUCKETS; k++)
			buckets[k] += sign * s->rows[i].buckets[k];
	}
}

/* The bound of the bucket in which that part of them ends; -1: none came. */
static int64_t
bound_of(const int64_t buckets[HISTOGRAM_BUCKETS], int percent)
{
	int64_t all = 0, below = 0;

	for (size_t i = 0; i < HISTOGRAM_BUCKETS; i++)
		all += buckets[i];
	for (size_t i = 0; i < HISTOGRAM_BUCKETS && all > 0; i++) {
		below += buckets[i];
		if (below * 100 >= all * percent)
			return (int64_t)HISTOGRAM_FIRST << i;
	}
	return -1;
}

/* The values of a label, each once, in the order of the gateway. */
static size_t
values_of(const struct watch_sample *s, const char *name, size_t label,
    struct span out[NAMES_MOST])
{
	size_t n = 0, k;

	for (size_t i = 0; i < s->nrows; i++) {
		const struct watch_row *row = &s->rows[i];

		if (!span_is(row->name, name) || label >= row->nlabels)
			continue;
		for (k = 0; k < n && !span_eq(out[k], row->labels[label]);)
			k++;
		if (k == n && n < NAMES_MOST)
			out[n++] = row->labels[label];
	}
	return n;
}

/* --- parts --- */

static void
put_up(struct buf *b, int64_t up)
{
	if (up >= 2 * 86400)
		buf_printf(b, "%" PRId64 "d", up / 86400);
	else if (up >= 3600)
		buf_printf(b, "%" PRId64 "h%02" PRId64 "m", up / 3600,
		    up % 3600 / 60);
	else
		buf_printf(b, "%" PRId64 "m%02" PRId64 "s", up / 60, up % 60);
}

static void
put_head(struct paper *p, const struct watch_sample *old,
    const struct watch_sample *now)
{
	struct buf line = {0};

	buf_puts(&line, "forepost ");
	log_value_words(&line, now->version);
	buf_puts(&line, "  ");
	log_value_words(&line, now->state);
	buf_puts(&line, "  up ");
	put_up(&line, now->up);
	buf_printf(&line, "  generation %" PRId64 "  workers %zu  ",
	    now->generation, now->workers);
	if (now->time.len >= 19) {
		log_value_words(&line, span_n(now->time.p + 11, 8));
		buf_puts(&line, "Z  ");
	}
	log_value_words(&line, now->hostname);
	end_line(p, &line, true);
	buf_printf(&line, "sessions %" PRId64 " open, %.1f/s  commands "
	    "%.1f/s  rcpts %.1f/s  mails %.1f/s  %.1f KB/s",
	    watch_sample_plain(now, "sessions_open"),
	    rate(old, now, "sessions"), rate(old, now, "commands"),
	    rate(old, now, "recipients"), rate(old, now, "mails"),
	    rate_of(watch_sample_plain(old, "received_bytes"),
	    watch_sample_plain(now, "received_bytes"),
	    seconds_between(old, now)) / 1000);
	end_line(p, &line, false);
	put_line(p, span_z(""), false);
	buf_free(&line);
}

static void
put_mail(struct buf *line, const struct watch_sample *old,
    const struct watch_sample *now, struct span outcome)
{
	struct buf cell = {0};
	int64_t before = watch_sample_of(old, "mails", 1, outcome);
	int64_t after = watch_sample_of(now, "mails", 1, outcome);

	log_value_words(&cell, outcome);
	put_padded(line, buf_text(&cell), 14);
	buf_clear(&cell);
	buf_printf(&cell, "%6.1f %9" PRId64, rate_of(before, after,
	    seconds_between(old, now)), after);
	put_padded(line, buf_text(&cell), SIDE - 14);
	buf_free(&cell);
}

static void
put_stage(struct buf *line, const struct watch_sample *old,
    const struct watch_sample *now, struct span stage)
{
	int64_t buckets[HISTOGRAM_BUCKETS] = {0}, n = 0;
	struct buf cell = {0};

	add_times(now, stage, 1, buckets);
	add_times(old, stage, -1, buckets);
	for (size_t i = 0; i < HISTOGRAM_BUCKETS; i++)
		n += buckets[i];
	log_value_words(&cell, stage);
	put_padded(line, buf_text(&cell), 10);
	buf_printf(line, "%7.1f ", rate_of(0, n, seconds_between(old, now)));
	put_time(line, bound_of(buckets, 50));
	buf_puts(line, " ");
	put_time(line, bound_of(buckets, 99));
	buf_free(&cell);
}

/* With the head, and the empty line behind it. */
static size_t
lines_of_tables(const struct watch_sample *now)
{
	struct span names[NAMES_MOST];
	size_t n = values_of(now, "mails", 1, names);
	size_t k = values_of(now, "stage_seconds", 1, names);

	return (n > k ? n : k) + 2;
}

/* Verdicts to the left, times to the right. */
static void
put_tables(struct paper *p, const struct watch_sample *old,
    const struct watch_sample *now)
{
	struct span outcomes[NAMES_MOST], stages[NAMES_MOST];
	size_t n = values_of(now, "mails", 1, outcomes);
	size_t k = values_of(now, "stage_seconds", 1, stages);
	struct buf line = {0};

	put_padded(&line, span_z("MAILS              /s     total"), SIDE);
	buf_puts(&line, "STAGE          /s  half in   99% in");
	end_line(p, &line, true);
	for (size_t i = 0; i < n || i < k; i++) {
		if (i < n)
			put_mail(&line, old, now, outcomes[i]);
		else
			put_padded(&line, span_z(""), SIDE);
		if (i < k)
			put_stage(&line, old, now, stages[i]);
		end_line(p, &line, false);
	}
	put_line(p, span_z(""), false);
	buf_free(&line);
}

/* --- rules --- */

struct ruled {
	struct span	name;
	int64_t		hits, before, would;
};

static int
by_hits(const void *a, const void *b)
{
	const struct ruled *x = a, *y = b;
	int64_t new_x = x->hits - x->before, new_y = y->hits - y->before;

	if (new_x != new_y)
		return new_x < new_y ? 1 : -1;
	if (x->hits != y->hits)
		return x->hits < y->hits ? 1 : -1;
	return x->would < y->would ? 1 : x->would > y->would ? -1 : 0;
}

static void
put_rules(struct paper *p, const struct watch_sample *old,
    const struct watch_sample *now, size_t most)
{
	static struct ruled list[WATCH_ROWS];
	struct buf line = {0}, cell = {0};
	size_t n = 0;

	for (size_t i = 0; i < now->nrows && most > 0; i++) {
		const struct watch_row *row = &now->rows[i];
		struct ruled r = { .hits = row->value };

		if (!span_is(row->name, "rule_hits") || row->nlabels == 0)
			continue;
		r.name = row->labels[0];
		r.before = watch_sample_of(old, "rule_hits", 0, r.name);
		r.would = watch_sample_of(now, "rule_would", 0, r.name);
		if (r.hits > 0 || r.would > 0)
			list[n++] = r;
	}
	if (n == 0)
		return;
	qsort(list, n, sizeof(list[0]), by_hits);
	put_padded(&line, span_z("RULES THAT ACTED"),
	    p->page->width > 60 ? p->page->width - 30 : 30);
	buf_puts(&line, "     /s     total     would");
	end_line(p, &line, true);
	for (size_t i = 0; i < n && i + 1 < most; i++) {
		log_value_words(&cell, list[i].name);
		put_padded(&line, buf_text(&cell),
		    p->page->width > 60 ? p->page->width - 30 : 30);
		buf_clear(&cell);
		buf_printf(&line, "%7.1f %9" PRId64 " %9" PRId64,
		    rate_of(list[i].before, list[i].hits,
		    seconds_between(old, now)), list[i].hits, list[i].would);
		end_line(p, &line, false);
	}
	buf_free(&cell);
	buf_free(&line);
}

/* --- health --- */

static void
put_thing(struct paper *p, const struct watch_thing *t)
{
	struct buf line = {0};

	buf_printf(&line, "%-10s", t->kind);
	log_value_words(&line, t->name);
	if (t->address.len > 0) {
		buf_puts(&line, " ");
		log_value_words(&line, t->address);
	}
	buf_puts(&line, t->name.len + t->address.len > 0 ? " " : "");
	log_value_words(&line, t->state);
	if (t->good < t->n)
		buf_printf(&line, " (%zu of %zu workers)", t->n - t->good,
		    t->n);
	if (t->why.len > 0) {
		buf_puts(&line, ": ");
		log_value_words(&line, t->why);
	}
	end_line(p, &line, t->good < t->n);
	buf_free(&line);
}

static size_t
count_things(const struct watch_sample *s, bool is_good)
{
	size_t n = 0;

	for (size_t i = 0; i < s->nthings; i++)
		n += (s->things[i].good == s->things[i].n) == is_good;
	return n;
}

static void
put_things(struct paper *p, const struct watch_sample *now, bool is_good)
{
	size_t rest = count_things(now, is_good);
	struct buf line = {0};

	for (size_t i = 0; i < now->nthings; i++) {
		const struct watch_thing *t = &now->things[i];

		if ((t->good == t->n) != is_good)
			continue;
		if (p->left == 1 && rest > 1) {
			buf_printf(&line, "and %zu more", rest);
			end_line(p, &line, false);
		} else
			put_thing(p, t);
		rest--;
	}
	buf_free(&line);
}

/* What is broken first. */
static void
put_health(struct paper *p, const struct watch_sample *now)
{
	put_line(p, span_z(count_things(now, false) > 0 ? "NOT WELL" :
	    "ALL WELL"), true);
	put_things(p, now, false);
	put_things(p, now, true);
}

/* --- the whole --- */

void
watch_text_page(struct buf *out, const struct watch_page *page,
    const struct watch_sample *old, const struct watch_sample *now)
{
	struct paper p = { out, page, page->height };
	size_t bad = count_things(now, false);

	put_head(&p, old, now);
	/* That first, if it would have no room at the end. */
	if (bad > 0 && (page->height < 20 || p.left <
	    lines_of_tables(now) + 1 + bad)) {
		put_health(&p, now);
		put_tables(&p, old, now);
		return;
	}
	put_tables(&p, old, now);
	/* Health keeps a line for its head, one for each trouble, one more. */
	if (p.left > bad + 5)
		put_rules(&p, old, now, (p.left - bad - 2) / 2);
	put_health(&p, now);
}

void
watch_text_line(struct buf *out, const struct watch_sample *old,
    const struct watch_sample *now)
{
	struct span outcomes[NAMES_MOST];
	size_t n = values_of(now, "mails", 1, outcomes);
	int64_t buckets[HISTOGRAM_BUCKETS] = {0};
	double seconds = seconds_between(old, now);

	log_value_put(out, now->time);
	buf_puts(out, " state=");
	log_value_put(out, now->state);
	buf_printf(out, " sessions=%" PRId64 " sessions/s=%.1f mails/s=%.1f",
	    watch_sample_plain(now, "sessions_open"),
	    rate(old, now, "sessions"), rate(old, now, "mails"));
	for (size_t i = 0; i < n; i++) {
		buf_puts(out, " ");
		log_value_words(out, outcomes[i]);
		buf_printf(out, "/s=%.1f", rate_of(
		    watch_sample_of(old, "mails", 1, outcomes[i]),
		    watch_sample_of(now, "mails", 1, outcomes[i]), seconds));
	}
	add_times(now, span_z("total"), 1, buckets);
	add_times(old, span_z("total"), -1, buckets);
	if (bound_of(buckets, 50) >= 0)
		buf_printf(out, " half-in-ms=%.1f 99%%-in-ms=%.1f",
		    (double)bound_of(buckets, 50) / (double)CLOCK_MS,
		    (double)bound_of(buckets, 99) / (double)CLOCK_MS);
	buf_printf(out, " not-well=%zu\n", count_things(now, false));
}
