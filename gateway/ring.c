#include <string.h>

#include "base/buf.h"
#include "base/span.h"
#include "gateway/ring.h"

/*
 * A record is a word with its length and then its octets. The writer first
 * moves the tail past all that it will write over, then writes, then moves the
 * head. A reader copies what lies from tail to head and looks at the tail
 * again: what is still behind it was not written over, since a word of a later
 * record would have come with that record's tail (release fence of the writer,
 * acquire fence of the reader, C11 7.17.4). Killed in between, the writer has
 * lost the oldest records and nothing else.
 */

static uint64_t
load(const uint64_t *p)
{
	return __atomic_load_n(p, __ATOMIC_RELAXED);
}

static void
store(uint64_t *p, uint64_t value)
{
	__atomic_store_n(p, value, __ATOMIC_RELAXED);
}

/* The length word and the words of the octets. */
static uint64_t
words_of(uint64_t len)
{
	return 1 + (len + 7) / 8;
}

static bool
is_good_length(uint64_t len, uint64_t room)
{
	return len > 0 && len <= RING_RECORD && words_of(len) <= room;
}

/* Where the tail must be for `need` words behind the head. */
static uint64_t
make_room(const struct ring *r, uint64_t head, uint64_t need)
{
	uint64_t tail = load(&r->tail), len;

	if (head - tail > RING_WORDS)
		return head;	/* nothing of it makes sense */
	while (head - tail + need > RING_WORDS) {
		len = load(&r->words[tail % RING_WORDS]);
		if (!is_good_length(len, head - tail))
			return head;
		tail += words_of(len);
	}
	return tail;
}

bool
ring_put(struct ring *r, struct span record)
{
	uint64_t head = load(&r->head), at = head, word;

	if (!is_good_length(record.len, RING_WORDS))
		return false;
	store(&r->tail, make_room(r, head, words_of(record.len)));
	__atomic_thread_fence(__ATOMIC_RELEASE);
	store(&r->words[at++ % RING_WORDS], record.len);
	for (size_t i = 0; i < record.len; i += 8) {
		size_t n = record.len - i < 8 ? record.len - i : 8;

		word = 0;
		memcpy(&word, record.p + i, n);
		store(&r->words[at++ % RING_WORDS], word);
	}
	__atomic_store_n(&r->head, at, __ATOMIC_RELEASE);
	return true;
}

/* What lies from `tail` to `head`, in a row: no record is split there. */
static const uint64_t *
copy(const struct ring *r, uint64_t tail, uint64_t head, struct buf *scratch)
{
	uint64_t *words;

	buf_clear(scratch);
	buf_reserve(scratch, (size_t)(head - tail) * 8);
	words = (uint64_t *)(void *)scratch->p;
	for (uint64_t at = tail; at != head; at++)
		words[at - tail] = load(&r->words[at % RING_WORDS]);
	scratch->len = (size_t)(head - tail) * 8;
	return words;
}

void
ring_each(const struct ring *r, struct buf *scratch,
    bool (*tell)(void *owner, struct span record), void *owner)
{
	uint64_t head = __atomic_load_n(&r->head, __ATOMIC_ACQUIRE);
	uint64_t begin = load(&r->tail), at, len;
	const uint64_t *words;

	/* The tail was loaded last and may be beyond that head. */
	if (head == begin || head - begin > RING_WORDS)
		return;
	words = copy(r, begin, head, scratch);
	__atomic_thread_fence(__ATOMIC_ACQUIRE);
	at = load(&r->tail);
	if (at - begin > head - begin)
		return;		/* all of it was written over */
	while (at != head) {
		len = words[at - begin];
		if (!is_good_length(len, head - at) || !tell(owner,
		    span_n(&words[at - begin + 1], (size_t)len)))
			return;
		at += words_of(len);
	}
}
