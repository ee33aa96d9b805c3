#ifndef GATEWAY_WEB_TRACE_H
#define GATEWAY_WEB_TRACE_H
#include "base/buf.h"
#include "base/span.h"
#include "gateway/ruleset.h"
/*
 * web_trace -- how the rules came to what is written in a transaction
 *
 * Appends members for the object that the record is: "trace", a list of phases
 * (rule_trace.h; those of recipients with "to"), made by asking the same rules
 * about the same facts again. It is null, with "trace-why", if the rules are
 * others now or the record cannot be judged.
 *
 * Yields    never.
 */
void	web_trace_put(struct buf *out, struct span record,
	    const struct ruleset *rules);
#endif
