#include <assert.h>
#include <string.h>

#include "base/idn.h"
#include "base/utf8.h"

/* Whatever comes out is ASCII, and stays what it is. */
int	LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct arena *a = arena_create("fuzz");
	const char *name, *again;
	struct err err;

	if (idn_to_ascii(a, span_n(data, size), &name, &err) == 0) {
		assert(utf8_is_ascii(span_z(name)));
		assert(idn_to_ascii(a, span_z(name), &again, &err) == 0);
		/* One final dot goes each time. */
		assert(strncmp(name, again, strlen(again)) == 0);
	}
	arena_destroy(&a);
	return 0;
}
