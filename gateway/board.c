#include <stdbool.h>
#include <string.h>

#include "base/buf.h"
#include "base/span.h"
#include "gateway/board.h"

/*
 * A sequence lock. The writer makes the sequence odd, writes, and makes it
 * even and greater; a reader takes what he read only if the sequence was even
 * before and the same behind it.
 *
 * Words are stored and loaded one by one, as atomics without order of their
 * own (C11 5.1.2.4: a memcpy would be a data race). If a reader got any word
 * of a later text, then the writer's release fence behind the odd sequence and
 * the reader's acquire fence before the second look synchronize (7.17.4), and
 * the second look sees that odd sequence or a later one.
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

static size_t
words_of(size_t len)
{
	return (len + 7) / 8;
}

static void
put_words(struct board *b, struct span text)
{
	uint64_t word;

	for (size_t i = 0; i < words_of(text.len); i++) {
		size_t n = text.len - i * 8 < 8 ? text.len - i * 8 : 8;

		word = 0;
		memcpy(&word, text.p + i * 8, n);
		store(&b->words[i], word);
	}
}

void
board_write(struct board *b, struct span text)
{
	/* Odd, also behind one that was killed while it was odd. */
	uint64_t sequence = load(&b->sequence) | 1;

	if (text.len > BOARD_TEXT)
		text.len = BOARD_TEXT;
	store(&b->sequence, sequence);
	__atomic_thread_fence(__ATOMIC_RELEASE);
	store(&b->length, text.len);
	put_words(b, text);
	__atomic_store_n(&b->sequence, sequence + 1, __ATOMIC_RELEASE);
}

/* False: it was written meanwhile. The buffer has room for any text. */
static bool
try_read(const struct board *b, struct buf *out)
{
	uint64_t sequence = __atomic_load_n(&b->sequence, __ATOMIC_ACQUIRE);
	uint64_t len = load(&b->length), word;

	if (sequence % 2 == 1)
		return false;
	if (len > BOARD_TEXT)
		len = BOARD_TEXT;
	for (size_t i = 0; i < words_of(len); i++) {
		word = load(&b->words[i]);
		memcpy(out->p + out->len + i * 8, &word, 8);
	}
	__atomic_thread_fence(__ATOMIC_ACQUIRE);
	if (load(&b->sequence) != sequence)
		return false;
	out->len += len;
	return true;
}

int
board_read(const struct board *b, struct buf *out)
{
	size_t before = out->len;

	buf_reserve(out, BOARD_TEXT);
	for (int i = 0; i < BOARD_TRIES; i++) {
		if (try_read(b, out))
			return out->len > before ? 0 : -1;
	}
	return -1;
}
