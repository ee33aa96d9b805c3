#include <assert.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "gateway/http.h"

/*
 * A request: each shorter piece of it either wants more or says the same as
 * the whole; what is found in it lies in it, and its query can be read.
 */
int	LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
check_inside(struct span part, const char *p, size_t len)
{
	if (part.len == 0 || (part.p[0] == '/' && part.len == 1))
		return;		/* "/" may be a constant */
	assert(part.p >= p && part.p + part.len <= p + len);
}

static void
check_request(const struct http_request *r, const char *p, size_t used)
{
	struct arena *a = arena_create("fuzz");
	struct span query = r->query, name, value;
	bool is_bad;

	assert(used > 0 && used <= HTTP_HEAD);
	assert(r->path.len > 0 && r->path.p[0] == '/' && r->host.len > 0);
	check_inside(r->path, p, used);
	check_inside(r->query, p, used);
	check_inside(r->host, p, used);
	check_inside(r->accept, p, used);
	check_inside(r->authorization, p, used);
	(void)http_host_is_ours(r->host, "mx.example.org");
	while (http_parameter(a, &query, &name, &value, &is_bad))
		assert(name.len + value.len <= r->query.len);
	arena_destroy(&a);
}

static enum http_status
parse_copy(const uint8_t *data, size_t size, size_t *used)
{
	char *copy = malloc(size > 0 ? size : 1);
	enum http_status status;
	struct http_request r;

	memcpy(copy, data, size);
	status = http_parse(span_n(copy, size), used, &r);
	if (status == HTTP_NONE && *used > 0)
		check_request(&r, copy, *used);
	free(copy);
	return status;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	enum http_status whole, status;
	size_t used, used_whole;

	if (size > HTTP_HEAD + 16)
		return 0;
	whole = parse_copy(data, size, &used_whole);
	for (size_t len = 0; len < size; len += size > 512 ? 97 : 1) {
		status = parse_copy(data, len, &used);
		if (status == HTTP_NONE && used == 0)
			continue;
		assert(status == whole);
		assert(status != HTTP_NONE || used == used_whole);
	}
	return 0;
}
