#ifndef GATEWAY_METRICS_H
#define GATEWAY_METRICS_H
#include "base/buf.h"
/*
 * metrics -- all counters, gauges and times, as Prometheus and others read them
 *
 * Two renderings of the same, since no text is right in both formats:
 *
 *	METRICS_TEXT		text format 0.0.4: the family of a counter
 *				has the name of its samples, "..._total"
 *	METRICS_OPENMETRICS	OpenMetrics 1.0: it has the name without that;
 *				there are units, and an end
 *
 * All names begin with "forepost_". Times are seconds, sizes octets. A plain
 * counter (stats.h) that has the name of a row of series.h is not shown: that
 * row has it, by its labels. Of a histogram every second bucket is, which is
 * as right, as they are cumulative, and half as long.
 *
 * Labels    are UTF-8 without controls, whatever a file is called.
 * Yields    never.
 */
enum metrics_format { METRICS_TEXT, METRICS_OPENMETRICS };

void		 metrics_text(struct buf *out, enum metrics_format format);
const char	*metrics_type(enum metrics_format format); /* Content-Type */
/* A line for each family: name, kind, labels, help, with tabs between them;
 * for people and documents. */
void		 metrics_list(struct buf *out);
#endif
