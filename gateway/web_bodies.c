#include <stdlib.h>

#include "base/clock.h"
#include "base/mem.h"
#include "base/span.h"
#include "gateway/metrics.h"
#include "gateway/stats_json.h"
#include "gateway/web_internal.h"

#define FRESH	CLOCK_S

/* Goes with the last who needs it: the server, until a newer one is there, and
 * all who are just getting it. */
struct web_body {
	struct buf	 text;
	int64_t		 made;
	size_t		 users;
};

static void
release(struct web_body **body)
{
	if (*body != NULL && --(*body)->users == 0) {
		buf_free(&(*body)->text);
		free(*body);
	}
	*body = NULL;
}

static void
make(const struct web *w, enum web_shared which, struct buf *out)
{
	switch (which) {
	case WEB_METRICS:
		metrics_text(out, METRICS_TEXT);
		break;
	case WEB_OPENMETRICS:
		metrics_text(out, METRICS_OPENMETRICS);
		break;
	default:
		stats_json_text(out, w->start->settings, w->start->rules);
	}
}

void
web_body_take(struct web_exchange *x, enum web_shared which)
{
	struct web_body **kept = &x->web->bodies[which];

	if (*kept != NULL && clock_now() - (*kept)->made >= FRESH)
		release(kept);
	if (*kept == NULL) {
		*kept = mem_zalloc(sizeof(**kept), "answer");
		(*kept)->users = 1;
		(*kept)->made = clock_now();
		make(x->web, which, &(*kept)->text);
	}
	x->body = *kept;
	x->body->users++;
	x->answer.body = buf_text(&x->body->text);
}

struct buf *
web_body_own(struct web_exchange *x)
{
	x->body = mem_zalloc(sizeof(*x->body), "answer");
	x->body->users = 1;
	return &x->body->text;
}

struct span
web_body_text(const struct web_exchange *x)
{
	return buf_text(&x->body->text);
}

void
web_body_leave(struct web_exchange *x)
{
	release(&x->body);
}

void
web_bodies_free(struct web *w)
{
	for (size_t i = 0; i < WEB_SHARED; i++)
		release(&w->bodies[i]);
}
