#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#ifdef HAVE_VALGRIND_VALGRIND_H
#include <valgrind/valgrind.h>
#else
#define VALGRIND_STACK_REGISTER(low, high)	0
#define VALGRIND_STACK_DEREGISTER(id)		((void)(id))
#endif

#include "base/stack.h"

#if STACK_SIZE > 64 * 1024	/* only under ASan */
#include <sanitizer/asan_interface.h>
#include <sanitizer/common_interface_defs.h>
#define SANITIZED 1
#endif

#define PAGE	4096

static struct stack	*pool;
static size_t		 pool_size;

static void
out_of_stacks(const char *what)
{
	perror(what);
	abort();
}

static struct stack *
stack_map(void)
{
	struct stack *s;
	char *p;

	p = mmap(NULL, STACK_SIZE + PAGE, PROT_READ | PROT_WRITE,
	    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_STACK, -1, 0);
	if (p == MAP_FAILED)
		out_of_stacks("mmap of a fiber stack");
	if (mprotect(p, PAGE, PROT_NONE) < 0)
		out_of_stacks("guard page of a fiber stack");
	p += PAGE;
	s = (struct stack *)(p + STACK_SIZE) - 1;
	s->low = p;
	s->valgrind_id = VALGRIND_STACK_REGISTER(p, p + STACK_SIZE);
	return s;
}

static void
stack_unmap(struct stack *s)
{
	VALGRIND_STACK_DEREGISTER(s->valgrind_id);
	munmap(s->low - PAGE, STACK_SIZE + PAGE);
}

struct stack *
stack_take(void)
{
	struct stack *s = pool;

	if (s == NULL)
		return stack_map();
	pool = s->next;
	pool_size--;
	return s;
}

void
stack_give(struct stack *s)
{
#ifdef SANITIZED
	/* What the fiber that ended here had poisoned is of no account. */
	__asan_unpoison_memory_region(s->low, STACK_SIZE);
#endif
	if (pool_size >= STACK_POOL_MAX) {
		stack_unmap(s);
		return;
	}
	s->next = pool;
	pool = s;
	pool_size++;
}

char *
stack_top(struct stack *s)
{
	return (char *)((uintptr_t)s & ~(uintptr_t)63);
}

void
stack_trim(struct stack *s, const void *sp)
{
	/* 128: the red zone of the x86-64 ABI. */
	char *end = (char *)(((uintptr_t)sp - 128) & ~(uintptr_t)(PAGE - 1));

	if (end > s->low)
		madvise(s->low, end - s->low, MADV_DONTNEED);
}

size_t
stack_touched(const struct stack *s)
{
	unsigned char in[STACK_SIZE / PAGE];
	size_t i;

	if (mincore(s->low, STACK_SIZE, in) < 0)
		return 0;
	for (i = 0; i < sizeof(in); i++)
		if (in[i] & 1)
			break;
	return (sizeof(in) - i) * PAGE;
}

void
stack_pool_free(void)
{
	struct stack *s;

	while ((s = pool) != NULL) {
		pool = s->next;
		stack_unmap(s);
	}
	pool_size = 0;
}

void
stack_switch_begin(void **save, const void *low, size_t size)
{
#ifdef SANITIZED
	__sanitizer_start_switch_fiber(save, low, size);
#else
	(void)save, (void)low, (void)size;
#endif
}

void
stack_switch_end(void *save, const void **from_low, size_t *from_size)
{
#ifdef SANITIZED
	__sanitizer_finish_switch_fiber(save, from_low, from_size);
#else
	(void)save, (void)from_low, (void)from_size;
#endif
}
