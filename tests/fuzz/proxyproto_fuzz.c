#include <assert.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "gateway/proxyproto.h"

/*
 * The header of a load balancer: each shorter piece of it either wants more
 * or says the same as the whole, and addresses that are told can be shown.
 */
int	LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int
parse_copy(const uint8_t *data, size_t size, size_t *used,
    struct proxy_header *h, struct err *err)
{
	char *copy = malloc(size > 0 ? size : 1);
	int ret;

	memcpy(copy, data, size);
	ret = proxyproto_parse(span_n(copy, size), used, h, err);
	free(copy);
	return ret;
}

static void
check_header(const struct proxy_header *h)
{
	char text[ADDR_TEXT];

	if (h->is_local)
		return;
	assert(addr_text(&h->client, text)[0] != '\0');
	assert(addr_text(&h->local, text)[0] != '\0');
	assert(!addr_is_unix(&h->client) && !addr_is_unix(&h->local));
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct proxy_header whole, h;
	size_t len, used, used_whole;
	struct err err;
	int ret, ret_whole;

	if (size > 1024)
		return 0;
	ret_whole = parse_copy(data, size, &used_whole, &whole, &err);
	if (ret_whole == 1) {
		assert(used_whole > 0 && used_whole <= size);
		check_header(&whole);
	}
	for (len = 0; len < size; len++) {
		ret = parse_copy(data, len, &used, &h, &err);
		if (ret == 0)
			continue;
		assert(ret == ret_whole);
		assert(ret < 0 || used == used_whole);
	}
	return 0;
}
