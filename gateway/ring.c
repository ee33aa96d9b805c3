#include <string.h>
#include <sys/uio.h>

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

static void
put_words(uint64_t *to, const char *p, size_t n)
{
	uint64_t four[4];

	for (; n >= 4; n -= 4, to += 4, p += sizeof(four)) {
		memcpy(four, p, sizeof(four));
		store(&to[0], four[0]);
		store(&to[1], four[1]);
		store(&to[2], four[2]);
		store(&to[3], four[3]);
	}
	memcpy(four, p, n * sizeof(*four));
	for (size_t i = 0; i < n; i++)
		store(&to[i], four[i]);
}

/* From position `at` on; where they end. */
static uint64_t
put_octets(struct ring *r, uint64_t at, struct span octets)
{
	size_t whole = octets.len / 8, rest = octets.len % 8;
	const char *p = octets.p;
	uint64_t word;

	while (whole > 0) {
		uint64_t *to = &r->words[at % RING_WORDS];
		size_t room = RING_WORDS - at % RING_WORDS;
		size_t n = whole < room ? whole : room;

		put_words(to, p, n);
		p += n * sizeof(word);
		at += n;
		whole -= n;
	}
	if (rest == 0)
		return at;
	word = 0;
	memcpy(&word, p, rest);
	store(&r->words[at % RING_WORDS], word);
	return at + 1;
}

static bool
put(struct ring *r, struct span record, bool is_passed)
{
	uint64_t head = load(&r->head), at = head;

	if (!is_good_length(record.len, RING_WORDS))
		return false;
	store(&r->tail, make_room(r, head, words_of(record.len)));
	__atomic_thread_fence(__ATOMIC_RELEASE);
	store(&r->words[at++ % RING_WORDS], record.len);
	at = put_octets(r, at, record);
	if (is_passed)
		ring_pass(r, at);
	__atomic_store_n(&r->head, at, __ATOMIC_RELEASE);
	return true;
}

/* The lines of the cache that it will write to, which were last written a
 * whole ring ago. */
void
ring_expect(const struct ring *r, size_t len)
{
	uint64_t at = load(&r->head), n = words_of(len);

	for (uint64_t i = 0; i < n; i += 64 / sizeof(*r->words))
		__builtin_prefetch(&r->words[(at + i) % RING_WORDS], 1);
}

bool
ring_put(struct ring *r, struct span record)
{
	return put(r, record, false);
}

bool
ring_put_passed(struct ring *r, struct span record)
{
	return put(r, record, true);
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

/* Those from `begin` on, where a record begins. */
static void
each(const struct ring *r, uint64_t begin, uint64_t head,
    struct buf *scratch, bool (*tell)(void *owner, struct span record),
    void *owner)
{
	const uint64_t *words;
	uint64_t at, len;

	if (head == begin || head - begin > RING_WORDS)
		return;
	words = copy(r, begin, head, scratch);
	__atomic_thread_fence(__ATOMIC_ACQUIRE);
	at = load(&r->tail);
	if ((int64_t)(at - begin) < 0)
		at = begin;	/* they begin behind the oldest */
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

void
ring_each(const struct ring *r, struct buf *scratch,
    bool (*tell)(void *owner, struct span record), void *owner)
{
	uint64_t head = __atomic_load_n(&r->head, __ATOMIC_ACQUIRE);

	/* The tail is loaded last and may be beyond that head. */
	each(r, load(&r->tail), head, scratch, tell, owner);
}

/* --- what waits to be passed on --- */

size_t
ring_waiting(const struct ring *r)
{
	return (size_t)(load(&r->head) - load(&r->passed)) * 8;
}

/* The octets of a record, in one piece or two. */
static size_t
pieces_of(struct ring *r, uint64_t at, size_t len, struct iovec *pieces)
{
	size_t place = at % RING_WORDS, room = (RING_WORDS - place) * 8;

	pieces[0] = (struct iovec){ &r->words[place], len < room ? len : room };
	pieces[1] = (struct iovec){ r->words, len - pieces[0].iov_len };
	return len <= room ? 1 : 2;
}

void
ring_pass(struct ring *r, uint64_t upto)
{
	store(&r->begun, upto);
	store(&r->passed, upto);
}

void
ring_pass_all(struct ring *r)
{
	ring_pass(r, load(&r->head));
}

size_t
ring_begin(struct ring *r, struct iovec *pieces, size_t n, uint64_t *upto)
{
	uint64_t at = load(&r->passed), head = load(&r->head), len;
	size_t used = 0;

	while (at != head && used + 2 <= n) {
		len = load(&r->words[at % RING_WORDS]);
		if (!is_good_length(len, head - at)) {
			ring_pass_all(r);	/* no sense in it */
			return 0;
		}
		used += pieces_of(r, at + 1, (size_t)len, pieces + used);
		at += words_of(len);
	}
	store(&r->begun, at);
	*upto = at;
	return used;
}

void
ring_each_waiting(const struct ring *r, struct buf *scratch,
    bool (*tell)(void *owner, struct span record), void *owner)
{
	uint64_t head = __atomic_load_n(&r->head, __ATOMIC_ACQUIRE);
	uint64_t passed = load(&r->passed), tail = load(&r->tail);

	if ((int64_t)(head - passed) < 0)
		return;		/* killed within ring_put_passed() */
	/* Written over before it was passed on: that is lost. */
	if (head - passed > head - tail)
		passed = tail;
	each(r, passed, head, scratch, tell, owner);
}

bool
ring_is_begun(const struct ring *r)
{
	return load(&r->begun) != load(&r->passed);
}
