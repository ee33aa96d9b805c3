#include <assert.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "conf/conf.h"

/*
 * Any text as forepost.conf: it is taken or refused with a reason, and what
 * is taken is dumped to something that loads to the same dump.
 */
int	LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static char *
dump(const struct settings *s, size_t *len)
{
	char *text = NULL;
	FILE *f = open_memstream(&text, len);

	conf_dump(s, f);
	fclose(f);
	return text;
}

static void
check_dump(struct arena *a, const struct settings *s)
{
	struct settings *again;
	const char *report;
	char *first, *second;
	size_t len, len2;

	first = dump(s, &len);
	again = conf_load_text(a, "dump.conf", span_n(first, len), false,
	    &report);
	assert(again != NULL);
	second = dump(again, &len2);
	assert(len == len2 && memcmp(first, second, len) == 0);
	free(first);
	free(second);
	conf_free(&again);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct arena *a = arena_create("fuzz");
	const char *report;
	struct settings *s;

	s = conf_load_text(a, "fuzz.conf", span_n(data, size), false, &report);
	if (s != NULL)
		check_dump(a, s);
	else
		assert(report[0] != '\0');
	conf_free(&s);
	arena_destroy(&a);
	return 0;
}
