#include <assert.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "base/dns_answer.h"
#include "base/dns_name.h"

/*
 * Any octets as an answer to a question of each type: the outcome fits what
 * comes with it, names can be asked for again when they hold no escape.
 */
int	LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
check_record(enum dns_type type, const struct dns_record *r)
{
	struct dns_name name;

	switch (type) {
	case DNS_A:
	case DNS_AAAA:
		assert(r->data.len == (type == DNS_A ? 4 : 16));
		break;
	case DNS_MX:
	case DNS_NS:
	case DNS_PTR:
	case DNS_CNAME:
		assert(strlen(r->name) < DNS_NAME_TEXT);
		if (r->name[0] != '\0' && strchr(r->name, '\\') == NULL)
			assert(dns_name_from_text(r->name, &name) == 0);
		break;
	default:
		assert(r->name == NULL);
		break;
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const enum dns_type types[] = { DNS_A, DNS_NS, DNS_CNAME,
	    DNS_SOA, DNS_PTR, DNS_MX, DNS_TXT, DNS_AAAA, DNS_TLSA };
	size_t i, k;

	for (i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
		struct arena *a = arena_create("fuzz");
		struct dns_answer w;

		dns_answer_parse(a, data, size, types[i], &w);
		assert((w.outcome == DNS_OK) == (w.n > 0));
		assert((w.outcome == DNS_FAIL) == (w.why != NULL));
		for (k = 0; k < w.n; k++)
			check_record(types[i], &w.records[k]);
		arena_destroy(&a);
	}
	return 0;
}
