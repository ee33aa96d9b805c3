#include <assert.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "base/arena.h"
#include "gateway/web_filter.h"

/*
 * A record of a process that somebody has taken over, behind a query and a line
 * end: what is passed on is an object for strict readers too.
 */
int	LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct arena *a = arena_create("fuzz");
	char *copy = malloc(size + 1);
	struct span record, query, time;
	struct web_filter f;
	json_t *json;

	memcpy(copy, data, size);
	record = span_n(copy, size);
	query = span_until(&record, '\n');
	if (web_filter_read(&f, a, query) == NULL &&
	    web_filter_takes(&f, a, record, &time)) {
		web_filter_repair((char *)record.p, record.len);
		json = json_loadb(record.p, record.len, JSON_ALLOW_NUL, NULL);
		assert(json_is_object(json));
		json_decref(json);
	}
	free(copy);
	arena_destroy(&a);
	return 0;
}
