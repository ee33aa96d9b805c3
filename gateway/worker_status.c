#include "base/json_write.h"
#include "base/log.h"
#include "gateway/backend.h"
#include "gateway/court.h"
#include "gateway/journal.h"
#include "gateway/stats.h"
#include "gateway/stock.h"
#include "gateway/worker_status.h"
#include "milter/milters.h"

bool
worker_status_resolver(struct resolver_watch *r, const struct dns_stats *now)
{
	uint64_t asked = now->asked - r->before.asked;
	uint64_t cached = now->cached - r->before.cached;
	uint64_t failed = now->failed - r->before.failed;

	/* Failures that were known are among both. */
	if (asked > cached + failed)
		r->failures = 0;
	else
		r->failures += failed;
	r->before = *now;
	return r->failures < RESOLVER_FAILURES;
}

static void
put_resolver(struct json_out *o, bool is_up)
{
	struct dns_stats now;

	dns_statistics(&now);
	json_open(o, "resolver", '{');
	json_z(o, "state", is_up ? "up" : "down");
	json_int(o, "waiting", (int64_t)now.waiting);
	json_close(o, '}');
}

static void
put_log(struct json_out *o)
{
	json_open(o, "log", '{');
	json_int(o, "dropped", (int64_t)log_dropped());
	json_bool(o, "stuck", log_is_stuck());
	json_close(o, '}');
}

void
worker_status(const struct worker *w, bool resolver_is_up, struct buf *out)
{
	struct json_out o = { .to = out };

	json_open(&o, NULL, '{');
	json_int(&o, "sessions", (int64_t)w->nsessions);
	json_bool(&o, "stress", w->is_stressed);
	backends_status(w->backends, &o);
	milters_status(w->milters, &o);
	if (checker_lists(w->court->checker) != NULL) {
		dnsbl_status(checker_lists(w->court->checker), &o);
	} else {
		json_open(&o, "lists", '[');
		json_close(&o, ']');
	}
	stock_status(w->stock, &o);
	put_resolver(&o, resolver_is_up);
	put_log(&o);
	journal_status(w->journal, &o, "journal");
	json_close(&o, '}');
}
