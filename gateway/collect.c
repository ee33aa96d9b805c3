#include <string.h>

#include "base/dns.h"
#include "base/log.h"
#include "base/loop.h"
#include "gateway/collect.h"
#include "gateway/court.h"
#include "gateway/series.h"
#include "gateway/stats.h"
#include "gateway/stock.h"
#include "milter/milters.h"

struct collected {			/* as counted so far */
	const struct worker	*worker;
	struct dns_stats	 dns;
	struct dnsbl_stats	*lists;
	struct milters_stats	*milters;
	uint64_t		 dropped;
};

struct collected *
collect_begin(struct arena *a, const struct worker *w)
{
	struct collected *c = arena_new(a, struct collected);

	c->worker = w;
	c->lists = arena_new_n(a, w->rules->nlists, struct dnsbl_stats);
	c->milters = arena_new_n(a, w->settings->nmilters,
	    struct milters_stats);
	return c;
}

static void
add(enum stats_id which, uint64_t now, uint64_t before)
{
	stats_add(which, (int64_t)(now - before));
}

/* --- the resolver --- */

static void
collect_kind(size_t kind, const struct dns_kind_stats *now,
    struct dns_kind_stats *before)
{
	for (unsigned i = 0; i < DNS_TOLD; i++)
		series_add(SERIES_RESOLVER_ANSWERS, 0, (unsigned)kind, i,
		    (int64_t)(now->told[i] - before->told[i]));
	series_times(SERIES_RESOLVER_TIME, 0, (unsigned)kind, &now->time,
	    &before->time);
}

static void
collect_dns(struct dns_stats *before)
{
	struct dns_stats now;

	_Static_assert((int)WORD_TYPE_COUNT == DNS_KINDS &&
	    (int)WORD_FOUND_COUNT == DNS_TOLD, "words as in base/dns.h");
	dns_statistics(&now);
	add(STAT_DNS_ASKED, now.asked, before->asked);
	add(STAT_DNS_CACHED, now.cached, before->cached);
	add(STAT_DNS_AHEAD, now.ahead, before->ahead);
	add(STAT_DNS_FAILED, now.failed, before->failed);
	add(STAT_DNS_TIMEOUTS, now.timeouts, before->timeouts);
	add(STAT_DNS_OVERLOAD, now.overload, before->overload);
	add(STAT_DNS_TIME, now.us, before->us);
	add(STAT_DNS_WAITING, now.waiting, before->waiting);
	for (size_t i = 0; i < DNS_KINDS; i++)
		collect_kind(i, &now.kinds[i], &before->kinds[i]);
	*before = now;
}

/* --- lists and filters --- */

static void
collect_list(size_t i, const struct dnsbl_stats *now,
    struct dnsbl_stats *before)
{
	const struct {
		unsigned	word;
		uint64_t	n;
	} words[] = {
		{ WORD_LISTED_YES, now->listed - before->listed },
		{ WORD_LISTED_NO, (now->asked - now->listed - now->failed -
		    now->errors) - (before->asked - before->listed -
		    before->failed - before->errors) },
		{ WORD_LISTED_FAILED, now->failed + now->errors -
		    before->failed - before->errors },
		{ WORD_LISTED_SUSPENDED, now->suspended - before->suspended },
	};

	for (size_t j = 0; j < sizeof(words) / sizeof(words[0]); j++)
		series_add(SERIES_LIST_ANSWERS, i, words[j].word, 0,
		    (int64_t)words[j].n);
	series_times(SERIES_LIST_TIME, i, 0, &now->time, &before->time);
	*before = *now;
}

/* Those that rules ask for, in the order of all. */
static void
collect_lists(struct collected *c, const struct dnsbl *d)
{
	const struct dnsbl_list *all = c->worker->rules->lists;
	size_t at = 0;

	for (size_t i = 0; i < dnsbl_count(d); i++, at++) {
		while (strcmp(all[at].name, dnsbl_name(d, i)) != 0)
			at++;
		collect_list(at, dnsbl_statistics(d, i), &c->lists[at]);
	}
}

static void
collect_milter(size_t i, const struct milters_stats *now,
    struct milters_stats *before)
{
	series_add(SERIES_MILTER_LINKS, i, WORD_LINK_OPENED, 0,
	    (int64_t)(now->opened - before->opened));
	series_add(SERIES_MILTER_LINKS, i, WORD_LINK_REUSED, 0,
	    (int64_t)(now->reused - before->reused));
	series_add(SERIES_MILTER_LINKS, i, WORD_LINK_FAILED, 0,
	    (int64_t)(now->failed - before->failed));
	*before = *now;
}

/* --- all --- */

void
collect(struct collected *c)
{
	const struct worker *w = c->worker;
	const struct dnsbl *lists = checker_lists(w->court->checker);
	uint64_t dropped = log_dropped();

	collect_dns(&c->dns);
	stock_count(w->stock);
	if (lists != NULL)
		collect_lists(c, lists);
	for (size_t i = 0; w->milters != NULL && i < w->settings->nmilters;
	    i++)
		collect_milter(i, milters_statistics(w->milters, i),
		    &c->milters[i]);
	add(STAT_LOG_DROPPED, dropped, c->dropped);
	c->dropped = dropped;
	stats_max(STAT_LOOP_LONGEST, loop_longest_turn());
	stats_max(STAT_STACK_HIGH_WATER, (int64_t)fiber_stack_high_water());
}
