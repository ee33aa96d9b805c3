#include <sys/mman.h>

#include "base/clock.h"
#include "base/mem.h"
#include "base/poison.h"
#include "base/spool_block.h"

#define DEFAULT_BUDGET	(24 << 20)

static struct {
	struct spool_block	*free;
	size_t			 nfree, nused;
	size_t			 least;		/* nfree since the last look */
	size_t			 budget;	/* blocks */
	int64_t			 look;		/* the next one */
} pool = {
	.budget = DEFAULT_BUDGET / sizeof(struct spool_block),
	.look = CLOCK_NEVER
};

void
spool_block_budget(size_t bytes)
{
	pool.budget = bytes / sizeof(struct spool_block);
}

size_t
spool_block_allowed(void)
{
	return pool.budget;
}

static struct spool_block *
take(void)
{
	struct spool_block *b = pool.free;

	pool.free = b->next;
	if (--pool.nfree < pool.least)
		pool.least = pool.nfree;
	UNPOISON(b->bytes, sizeof(b->bytes));
	return b;
}

struct spool_block *
spool_block_get(bool must)
{
	struct spool_block *b;

	if (pool.nused >= pool.budget && !must)
		return NULL;
	pool.nused++;
	if (pool.free != NULL)
		b = take();
	else {
		b = mmap(NULL, sizeof(*b), PROT_READ | PROT_WRITE,
		    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
		if (b == MAP_FAILED)
			mem_exhausted(sizeof(*b), "spool");
	}
	b->next = NULL;
	b->len = 0;
	return b;
}

/* Blocks beyond the budget are not kept either. */
void
spool_block_put(struct spool_block *b)
{
	pool.nused--;
	if (pool.nfree >= SPOOL_KEEP &&
	    pool.nfree + pool.nused >= pool.budget) {
		munmap(b, sizeof(*b));
		return;
	}
	b->next = pool.free;
	pool.free = b;
	pool.nfree++;
	POISON(b->bytes, sizeof(b->bytes));
	if (pool.nfree > SPOOL_KEEP && pool.look == CLOCK_NEVER) {
		pool.least = 0;
		pool.look = clock_now() + SPOOL_IDLE;
	}
}

size_t
spool_block_pooled(void)
{
	return pool.nfree;
}

int64_t
spool_block_next_trim(void)
{
	return pool.look;
}

/* As many as lay unused all the time since the last look. */
void
spool_block_trim(int64_t now)
{
	struct spool_block *b;

	if (now < pool.look)
		return;
	for (; pool.least > 0 && pool.nfree > SPOOL_KEEP; pool.least--) {
		b = pool.free;
		pool.free = b->next;
		pool.nfree--;
		UNPOISON(b->bytes, sizeof(b->bytes));
		munmap(b, sizeof(*b));
	}
	pool.least = pool.nfree;
	pool.look = pool.nfree > SPOOL_KEEP ? now + SPOOL_IDLE : CLOCK_NEVER;
}
