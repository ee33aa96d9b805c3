#include <assert.h>
#include <stdalign.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/mem.h"
#include "base/poison.h"

#define ALIGN		alignof(max_align_t)
#define ROUND_UP(n)	(((n) + ALIGN - 1) & ~(ALIGN - 1))

/* With malloc's own 8 bytes this is its size class of 1008. */
#define FIRST_CHUNK	1000
#define MOST_CHUNK	(16 * 1024)
#define OWN_CHUNK	(MOST_CHUNK / 4)	/* objects from here on */

struct chunk {
	struct chunk	*next;	/* the one before it in time */
	size_t		 size;	/* with this header */
};

struct deferred {
	struct deferred	*next;	/* registered before this one */
	void		(*end)(void *);
	void		*arg;
};

/* Lives in its first chunk. */
struct arena {
	const char	*name;
	struct chunk	*chunks;	/* the first is the one in use */
	char		*free;		/* in that one */
	char		*limit;
	size_t		 grow;		/* size of the next one */
	size_t		 held;
	struct deferred	*deferred;	/* newest first */
};

static char *
chunk_begin(struct chunk *c)
{
	return (char *)c + ROUND_UP(sizeof(*c));
}

static struct chunk *
chunk_new(size_t size, const char *name)
{
	struct chunk *c = mem_alloc(size, name);

	c->next = NULL;
	c->size = size;
	POISON(chunk_begin(c), size - ROUND_UP(sizeof(*c)));
	return c;
}

static void
chunk_free(struct chunk *c)
{
	UNPOISON(c, c->size);
	free(c);
}

struct arena *
arena_create(const char *name)
{
	struct chunk *c = chunk_new(FIRST_CHUNK, name);
	struct arena *a = (struct arena *)chunk_begin(c);

	UNPOISON(a, sizeof(*a));
	*a = (struct arena){
		.name = name,
		.chunks = c,
		.free = (char *)a + ROUND_UP(sizeof(*a)) + POISON_GAP,
		.limit = (char *)c + c->size,
		.grow = 2048,
		.held = c->size,
	};
	return a;
}

void
arena_destroy(struct arena **ap)
{
	struct arena *a = *ap;
	struct chunk *c, *next;
	struct deferred *d;

	if (a == NULL)
		return;
	while ((d = a->deferred) != NULL) {
		a->deferred = d->next;
		d->end(d->arg);
	}
	*ap = NULL;
	for (c = a->chunks; c != NULL; c = next) {
		next = c->next;
		chunk_free(c);
	}
}

/* A chunk for one object, kept behind the one in use. */
static void *
alloc_own(struct arena *a, size_t size)
{
	size_t head = ROUND_UP(sizeof(struct chunk));
	struct chunk *c = mem_zalloc(head + size, a->name);

	c->size = head + size;
	c->next = a->chunks->next;
	a->chunks->next = c;
	a->held += c->size;
	return chunk_begin(c);
}

static void
use_new_chunk(struct arena *a, size_t need)
{
	struct chunk *c;

	while (a->grow < ROUND_UP(sizeof(*c)) + need)
		a->grow *= 2;
	c = chunk_new(a->grow, a->name);
	c->next = a->chunks;
	a->chunks = c;
	a->free = chunk_begin(c);
	a->limit = (char *)c + c->size;
	a->held += c->size;
	if (a->grow < MOST_CHUNK)
		a->grow *= 2;
}

void *
arena_alloc(struct arena *a, size_t size)
{
	size_t need;
	char *p;

	if (size > SIZE_MAX / 2)
		mem_exhausted(size, a->name);
	if (size >= OWN_CHUNK)
		return alloc_own(a, size);
	need = ROUND_UP(size > 0 ? size : 1) + POISON_GAP;
	if (need > (size_t)(a->limit - a->free))
		use_new_chunk(a, need);
	p = a->free;
	a->free += need;
	UNPOISON(p, size);
	return memset(p, 0, size);
}

char *
arena_strdup(struct arena *a, const char *text)
{
	return arena_copy(a, span_z(text));
}

char *
arena_copy(struct arena *a, struct span s)
{
	char *p = arena_alloc(a, s.len + 1);

	if (s.len > 0)
		memcpy(p, s.p, s.len);
	return p;
}

struct span
arena_span(struct arena *a, struct span s)
{
	return (struct span){ arena_copy(a, s), s.len };
}

char *
arena_printf(struct arena *a, const char *fmt, ...)
{
	char text[256], *p;
	va_list ap;
	int len;

	va_start(ap, fmt);
	len = vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	assert(len >= 0);	/* the format is ours */
	if ((size_t)len < sizeof(text))
		return arena_copy(a, span_n(text, (size_t)len));
	p = arena_alloc(a, (size_t)len + 1);
	va_start(ap, fmt);
	vsnprintf(p, (size_t)len + 1, fmt, ap);
	va_end(ap);
	return p;
}

void
arena_defer(struct arena *a, void (*end)(void *), void *arg)
{
	struct deferred *d = arena_new(a, struct deferred);

	d->end = end;
	d->arg = arg;
	d->next = a->deferred;
	a->deferred = d;
}

size_t
arena_size(const struct arena *a)
{
	return a->held;
}
