#include <assert.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "base/utf8.h"
#include "policy/address.h"
#include "policy/author.h"

/*
 * A message header. An author domain comes of one From field only, is the one
 * domain there is, and reads as the same again.
 */
int	LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
check_names(const struct author *w)
{
	size_t i, j;

	assert(w->ndomains <= AUTHOR_DOMAINS);
	assert(w->naddresses <= AUTHOR_ADDRESSES);
	for (i = 0; i < w->ndomains; i++) {
		assert(strlen(w->domains[i]) <= 253);
		assert(domain_is_valid(span_z(w->domains[i]), false));
		assert(strpbrk(w->domains[i], "ABCDEFGHIJKLMNOPQRSTUVWXYZ") ==
		    NULL);
		for (j = 0; j < i; j++)
			assert(strcmp(w->domains[i], w->domains[j]) != 0);
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct arena *a = arena_create("fuzz");
	struct author w, again;
	struct fields header;
	struct span value;

	fields_parse(a, span_n(data, size), &header);
	author_find(a, &header, &w);
	check_names(&w);
	assert((w.domain == NULL) == (w.fault != NULL));
	if (w.domain != NULL) {
		assert(w.nfields == 1 && w.ndomains == 1 &&
		    w.naddresses > 0 && w.domain == w.domains[0]);
		assert(fields_count(&header, "From") == 1);
		value = span_z(arena_printf(a, "x@%s", w.domain));
		author_parse(a, &value, 1, &again);
		assert(again.domain != NULL &&
		    strcmp(again.domain, w.domain) == 0);
	} else
		assert(utf8_is_printable(span_z(w.fault)));
	arena_destroy(&a);
	return 0;
}
