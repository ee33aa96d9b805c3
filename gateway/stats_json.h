#ifndef GATEWAY_STATS_JSON_H
#define GATEWAY_STATS_JSON_H
#include "base/buf.h"
#include "conf/settings.h"
#include "gateway/ruleset.h"
/*
 * stats_json -- all that the gateway knows of itself, as one JSON object: what
 * /stats.json answers, and the live page shows
 *
 *	{"version","time","up","state","hostname","rules":{"name","hash"},
 *	 "generation","counters":{name: value},"series":[...],"workers":[...]}
 *
 * docs/operations.md has the members. Histograms are not cumulative here, and
 * buckets that nothing was counted in are left out.
 *
 * What workers publish of themselves is passed on as it is, but only if it is
 * a JSON object: one that somebody has taken over may write anything.
 *
 * Yields    never.
 */
void	stats_json_text(struct buf *out, const struct settings *settings,
	    const struct ruleset *rules);
#endif
