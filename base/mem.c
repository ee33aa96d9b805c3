#include <stdio.h>
#include <stdlib.h>

#include "base/mem.h"

void
mem_exhausted(size_t size, const char *what)
{
	fprintf(stderr, "forepost: out of memory: %zu bytes for %s\n", size,
	    what);
	abort();
}

void *
mem_alloc(size_t size, const char *what)
{
	void *p = malloc(size);

	if (p == NULL)
		mem_exhausted(size, what);
	return p;
}

void *
mem_zalloc(size_t size, const char *what)
{
	void *p = calloc(1, size);

	if (p == NULL)
		mem_exhausted(size, what);
	return p;
}

void *
mem_realloc(void *p, size_t size, const char *what)
{
	p = realloc(p, size);
	if (p == NULL)
		mem_exhausted(size, what);
	return p;
}
