#include <stdio.h>
#include <string.h>

#include "base/span.h"
#include "gateway/metrics.h"
#include "gateway/page.h"
#include "gateway/secret.h"
#include "gateway/series.h"
#include "gateway/web_internal.h"

#define JSON	"application/json"

void
web_say(struct web_exchange *x, enum http_status status, const char *text)
{
	x->answer.status = status;
	x->answer.type = NULL;
	x->answer.body = span_z(arena_printf(x->arena, "%s\n", text));
}

/* --- what there is --- */

/* Prometheus names it first among those that it takes. */
static bool
takes_openmetrics(struct span accept)
{
	static const char name[] = "application/openmetrics-text";

	return accept.len > 0 &&
	    memmem(accept.p, accept.len, name, strlen(name)) != NULL;
}

static void
answer_metrics(struct web_exchange *x)
{
	bool is_open = takes_openmetrics(x->request.accept);

	web_body_take(x, is_open ? WEB_OPENMETRICS : WEB_METRICS);
	x->answer.type = metrics_type(is_open ? METRICS_OPENMETRICS :
	    METRICS_TEXT);
}

static void
answer_stats(struct web_exchange *x)
{
	web_body_take(x, WEB_STATS);
	x->answer.type = JSON;
}

static MAY_YIELD void
answer_transactions(struct web_exchange *x)
{
	x->answer.type = JSON;
	web_transactions(x);
}

/* What is open says nothing of mail, and of failures only to who has the
 * token. */
static const struct path {
	const char	*path;
	bool		 is_open;
	MAY_YIELD void	(*answer)(struct web_exchange *x);
} paths[] = {
	{ "/metrics", false, answer_metrics },
	{ "/stats.json", false, answer_stats },
	{ "/transactions.json", false, answer_transactions },
	{ "/healthz", true, web_healthz },
	{ "/readyz", true, web_readyz },
};
#define PATHS	(sizeof(paths) / sizeof(paths[0]))

static const struct path *
path_find(struct span path)
{
	for (size_t i = 0; i < PATHS; i++) {
		if (span_is(path, paths[i].path))
			return &paths[i];
	}
	return NULL;
}

/* --- who may see it --- */

/* Authorization: Bearer TOKEN, RFC 6750 2.1. */
static bool
has_token(const struct web *w, struct span authorization)
{
	struct span scheme = span_word(&authorization);

	if (w->start->token == NULL)
		return true;
	return span_is_nocase(scheme, "Bearer") &&
	    secret_is(span_trim(authorization),
	    w->start->token);
}

/* --- answering --- */

/* The files of the page are the same for all and hold nothing. */
static void
answer_page(struct web_exchange *x, const struct page *page)
{
	x->answer.type = page->type;
	x->answer.body = span_n(page->bytes, page->len);
}

MAY_YIELD void
web_answer(struct web_exchange *x)
{
	const struct http_request *r = &x->request;
	const struct path *path = path_find(r->path);
	const struct page *page = page_find(r->path);

	x->is_trusted = has_token(x->web, r->authorization);
	x->answer.status = HTTP_OK;
	if (!http_host_is_ours(r->host, x->web->start->settings->hostname))
		web_say(x, HTTP_MISDIRECTED, "this server has another name; "
		    "use its address, its hostname or localhost");
	else if (page != NULL)
		answer_page(x, page);
	else if (path == NULL)
		web_say(x, HTTP_NOT_FOUND, "there is no such path");
	else if (!path->is_open && !x->is_trusted)
		web_say(x, HTTP_UNAUTHORIZED, "the token is missing or "
		    "wrong");
	else
		path->answer(x);
}

/* By the paths that there are: others would be as many as somebody likes. */
void
web_count(const struct web_exchange *x)
{
	const struct path *path = path_find(x->request.path);
	const char *name = path != NULL ? path->path :
	    page_find(x->request.path) != NULL ? "/" : "other";
	char code[16];

	snprintf(code, sizeof(code), "%d", x->answer.status);
	series_add(SERIES_HTTP_REQUESTS, 0, series_word(WORDS_OF_PATH, name),
	    series_word(WORDS_OF_CODE, code), 1);
}
