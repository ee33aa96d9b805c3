#include "base/lexer.h"
#include "policy/rule_plan.h"
#include "policy/rule_read.h"

static struct rules *
read_source(struct arena *a, const struct source *source,
    const struct rule_context *context, struct diagnostics *d)
{
	size_t before = diagnostics_errors(d);
	struct rules *rules = rule_parse(a, source, d);

	rule_check(rules, context, d);
	if (diagnostics_errors(d) > before)
		return NULL;
	rule_plan_number(rules);
	return rules;
}

struct rules *
rules_read(struct arena *a, const char *path,
    const struct rule_context *context, struct diagnostics *d)
{
	struct source *source;
	struct err err;

	if (source_read(a, path, &source, &err) == 0)
		return read_source(a, source, context, d);
	diagnostic(d, (struct place){0}, NULL, "%s", err.text);
	return NULL;
}

struct rules *
rules_read_text(struct arena *a, const char *name, struct span text,
    const struct rule_context *context, struct diagnostics *d)
{
	struct source *source = arena_new(a, struct source);

	source->name = arena_strdup(a, name);
	source->text = arena_span(a, text);	/* places point into it */
	return read_source(a, source, context, d);
}
