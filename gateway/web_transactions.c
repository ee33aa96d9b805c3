#include <stdlib.h>
#include <string.h>

#include "base/json_read.h"
#include "base/mem.h"
#include "gateway/ring.h"
#include "gateway/stats.h"
#include "gateway/web_filter.h"
#include "gateway/web_internal.h"
#include "gateway/web_trace.h"

/*
 * The rings of all processes, those that have ended included, are read anew for
 * each request; what fits is kept, and of that the newest. Who reads one yields
 * behind it, so that others are answered in between.
 */
#define ANSWER_MOST	(4 * 1024 * 1024)	/* octets; the rest is cut */
#define TRACES		50		/* of one session, no more */

struct found {
	char		*text;
	size_t		 len;
	char		 time[32];	/* as written; in order as text */
	uint64_t	 order;		/* among those of one time */
};

struct search {
	const struct web_filter	*filter;
	struct arena		*arena;	/* of one ring */
	struct found		*list;	/* twice the limit */
	size_t			 n;
	uint64_t		 seen;
	bool			 is_cut;
};

/* --- the newest --- */

static int
newest_first(const void *a, const void *b)
{
	const struct found *x = a, *y = b;
	int order = strcmp(y->time, x->time);

	return order != 0 ? order : x->order < y->order ? 1 : -1;
}

static void
forget_older(struct search *s)
{
	qsort(s->list, s->n, sizeof(*s->list), newest_first);
	while (s->n > s->filter->limit) {
		free(s->list[--s->n].text);
		s->is_cut = true;
	}
}

static void
keep(struct search *s, struct span record, struct span time)
{
	struct found *f = &s->list[s->n++];

	*f = (struct found){ .len = record.len, .order = s->seen++ };
	f->text = mem_alloc(record.len, "transaction");
	memcpy(f->text, record.p, record.len);
	if (time.len < sizeof(f->time))
		memcpy(f->time, time.p, time.len);
	if (s->n == 2 * s->filter->limit)
		forget_older(s);
}

static bool
look(void *owner, struct span record)
{
	struct search *s = owner;
	struct span time;

	if (web_filter_takes(s->filter, s->arena, record, &time))
		keep(s, record, time);
	return true;
}

static MAY_YIELD void
look_everywhere(struct search *s)
{
	struct buf scratch = {0};

	for (int slot = -1; (slot = stats_share_next(slot)) != -1;) {
		s->arena = arena_create("ring");
		ring_each(stats_ring(slot), &scratch, look, s);
		arena_destroy(&s->arena);
		fiber_yield();
	}
	buf_free(&scratch);
	forget_older(s);
}

/* --- the answer --- */

static void
put_one(struct found *f, const struct ruleset *rules, bool with_trace,
    struct buf *out)
{
	size_t begin = out->len;

	buf_put(out, f->text, f->len);
	/* Half a pair of UTF-16 is what our own readers know. */
	web_filter_repair(out->p + begin, f->len);
	if (!with_trace)
		return;
	while (out->p[out->len - 1] != '}')	/* white space behind it */
		out->len--;
	out->len--;
	web_trace_put(out, span_n(f->text, f->len), rules);
	buf_puts(out, "}");
}

static void
put_answer(struct search *s, const struct ruleset *rules, struct buf *out)
{
	bool with_trace = s->filter->trace && s->filter->session.len > 0;
	size_t i;

	buf_puts(out, "{\"transactions\":[");
	for (i = 0; i < s->n && out->len + s->list[i].len < ANSWER_MOST;
	    i++) {
		buf_puts(out, i > 0 ? ",\n" : "\n");
		put_one(&s->list[i], rules, with_trace && i < TRACES, out);
	}
	buf_printf(out, "\n],\"cut\":%s}\n", i < s->n || s->is_cut ?
	    "true" : "false");
	for (i = 0; i < s->n; i++)
		free(s->list[i].text);
}

MAY_YIELD void
web_transactions(struct web_exchange *x)
{
	struct web_filter filter;
	struct search s = { .filter = &filter };
	const char *wrong = web_filter_read(&filter, x->arena,
	    x->request.query);

	if (wrong != NULL) {
		web_say(x, HTTP_BAD_REQUEST, wrong);
		return;
	}
	s.list = mem_zalloc(2 * filter.limit * sizeof(*s.list), "search");
	look_everywhere(&s);
	put_answer(&s, x->web->start->rules, web_body_own(x));
	free(s.list);
	x->answer.body = web_body_text(x);
}
