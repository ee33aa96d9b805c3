#include <sys/mman.h>

#include "base/mem.h"
#include "base/poison.h"
#include "base/spool_block.h"

static struct spool_block *pool;
static size_t pooled;

struct spool_block *
spool_block_get(void)
{
	struct spool_block *b = pool;

	if (b != NULL) {
		pool = b->next;
		pooled--;
		UNPOISON(b->bytes, sizeof(b->bytes));
		b->next = NULL;
		return b;
	}
	b = mmap(NULL, sizeof(*b), PROT_READ | PROT_WRITE,
	    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (b == MAP_FAILED)
		mem_exhausted(sizeof(*b), "spool");
	return b;
}

void
spool_block_put(struct spool_block *b)
{
	if (pooled >= SPOOL_POOL) {
		munmap(b, sizeof(*b));
		return;
	}
	b->next = pool;
	pool = b;
	pooled++;
	POISON(b->bytes, sizeof(b->bytes));
}

size_t
spool_block_pooled(void)
{
	return pooled;
}
