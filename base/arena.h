#ifndef BASE_ARENA_H
#define BASE_ARENA_H
#include <stdarg.h>
#include <stddef.h>
#include "base/span.h"
/*
 * arena -- memory that belongs to one lifetime and ends with it
 *
 * Settings, a session, a mail: each has an arena, and ending it is one call.
 * What is not memory (a descriptor, a temporary file, a reference) registers
 * its own end with arena_defer(); these run newest first, before any memory
 * goes. The first chunk is small (under 1 KiB), since there are 20,000 idle
 * sessions; later ones double up to 16 KiB; larger objects get their own.
 *
 * Memory    zeroed, aligned for anything, never NULL: out of memory stops
 *           the process (input limits come first, so it is a fault of ours).
 * Sanitizer under ASan the unused part of each chunk is poisoned.
 */
struct arena;

struct arena	*arena_create(const char *name);
void		 arena_destroy(struct arena **a);	/* nulls the pointer */
void		*arena_alloc(struct arena *a, size_t size);
#define arena_new(a, type)	((type *)arena_alloc((a), sizeof(type)))
#define arena_new_n(a, n, type)	((type *)arena_alloc((a), (n) * sizeof(type)))
char		*arena_strdup(struct arena *a, const char *text);
char		*arena_copy(struct arena *a, struct span s); /* adds a NUL */
struct span	 arena_span(struct arena *a, struct span s);
char		*arena_printf(struct arena *a, const char *fmt, ...)
		    __attribute__((format(printf, 2, 3)));
void		 arena_defer(struct arena *a, void (*end)(void *), void *arg);
size_t		 arena_size(const struct arena *a);	/* bytes held */
#endif
