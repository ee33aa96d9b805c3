#include <assert.h>
#include <string.h>

#include "base/log_shelf.h"

/* Both ends are one word: who finds it finds two that belong together. */

static void
place(struct log_shelf *s, size_t begin, size_t end)
{
	__atomic_store_n(&s->where, (uint64_t)begin << 32 | (uint64_t)end,
	    __ATOMIC_RELEASE);
}

/* Whatever stands there: ends that do not belong together are an empty
 * shelf. Another process may change them at any time, so nothing follows from
 * what they were before. */
static void
find(const struct log_shelf *s, size_t *begin, size_t *end)
{
	uint64_t where = __atomic_load_n(&s->where, __ATOMIC_ACQUIRE);

	*begin = (size_t)(where >> 32);
	*end = (size_t)(where & UINT32_MAX);
	if (*end > LOG_SHELF_ROOM || *begin > *end ||
	    *end - *begin > LOG_SHELF_MOST)
		*begin = *end = 0;
}

struct span
log_shelf_lines(const struct log_shelf *s)
{
	size_t begin, end;

	find(s, &begin, &end);
	return span_n(s->octets + begin, end - begin);
}

bool
log_shelf_put(struct log_shelf *s, struct span lines)
{
	size_t begin, end, waiting;

	find(s, &begin, &end);
	waiting = end - begin;
	if (lines.len > LOG_SHELF_MOST - waiting)
		return false;
	if (lines.len > LOG_SHELF_ROOM - end) {
		/* They end behind the middle, and are half of it at most. */
		assert(waiting <= begin);
		memcpy(s->octets, s->octets + begin, waiting);
		begin = 0;
		end = waiting;
		place(s, begin, end);
	}
	memcpy(s->octets + end, lines.p, lines.len);
	place(s, begin, end + lines.len);
	return true;
}

void
log_shelf_begin(struct log_shelf *s)
{
	__atomic_store_n(&s->begun, 1, __ATOMIC_RELEASE);
}

void
log_shelf_pass(struct log_shelf *s, size_t n)
{
	size_t begin, end;

	find(s, &begin, &end);
	if (n >= end - begin)
		place(s, 0, 0);
	else
		place(s, begin + n, end);
	__atomic_store_n(&s->begun, 0, __ATOMIC_RELEASE);
}

bool
log_shelf_is_begun(const struct log_shelf *s)
{
	return __atomic_load_n(&s->begun, __ATOMIC_ACQUIRE) != 0;
}

void
log_shelf_clear(struct log_shelf *s)
{
	log_shelf_pass(s, LOG_SHELF_ROOM);
}
