#ifndef GATEWAY_EXPLAIN_RECORD_INTERNAL_H
#define GATEWAY_EXPLAIN_RECORD_INTERNAL_H
#include "gateway/explain_record.h"
/*
 * explain_record_internal -- what the files of explain_record share
 *
 * explain_record.c	finding it
 * explain_record_text.c	in words
 * explain_record_json.c	{"record": the line, "rules": {"name", "hash",
 *			"same"}, "trace": [phases, as rule_trace.h has them; of
 *			rcpt with "to"], "needs": the missing fact}
 */
void	explain_record_text(const struct recorded *r,
	    const struct judgement *j, const struct ruleset *rules,
	    bool is_further);
void	explain_record_json(struct arena *a, struct span line,
	    const struct recorded *r, const struct judgement *j,
	    const struct ruleset *rules);
#endif
