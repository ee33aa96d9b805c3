#include <assert.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "policy/rule_read.h"

/*
 * Any text as a rule file: it is taken, or refused with a reason; what is
 * taken twice is told the same twice.
 */
int	LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char *const backends[] = { "inbound", NULL };

static const char *
read_once(struct arena *a, struct span text)
{
	static const struct rule_milter milters[] = {
		{ "clamav", true }, { "opendkim", false } };
	static const struct rule_context context = {
	    .backends = backends, .milters = milters, .nmilters = 2, .has_store = true, .has_redis = true };
	struct diagnostics *d = diagnostics_create(a);
	struct rules *rules;

	rules = rules_read_text(a, "fuzz.rules", text, &context, d);
	assert((rules == NULL) == (diagnostics_errors(d) > 0));
	return diagnostics_text(d, a);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct arena *a = arena_create("fuzz");
	const char *first = read_once(a, span_n(data, size));

	assert(strcmp(first, read_once(a, span_n(data, size))) == 0);
	arena_destroy(&a);
	return 0;
}
