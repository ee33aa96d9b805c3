#ifndef BASE_STACK_H
#define BASE_STACK_H
#include <stddef.h>
#include <stdint.h>
/*
 * stack -- memory for fibers to run on: pooled, guarded, given back
 *
 * A stack is a mapping with an inaccessible page below it, so that running
 * over ends in a clean SIGSEGV. Finished ones wait in a pool of the process
 * (at most STACK_POOL_MAX), the rest is unmapped. Two mappings each: the
 * kernel's vm.max_map_count bounds their number.
 *
 * stack_take() stops the process when the kernel has no more memory or
 * mappings: limits on sessions come first, so that is a fault of ours.
 */
#if defined(__SANITIZE_ADDRESS__)
#define STACK_SIZE	(256 * 1024)
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define STACK_SIZE	(256 * 1024)
#endif
#endif
#ifndef STACK_SIZE
#define STACK_SIZE	(64 * 1024)
#endif
#define STACK_POOL_MAX	256

struct stack {
	char		*low;		/* lowest usable address */
	unsigned	 valgrind_id;
	struct stack	*next;		/* in the pool */
};

/* The struct stack itself lives at the top of the stack's own memory; what
 * is below it is the caller's. stack_top() is where a fiber may begin. */
struct stack	*stack_take(void);
void		 stack_give(struct stack *s);
char		*stack_top(struct stack *s);
/* Gives the pages below `sp` back to the kernel. */
void		 stack_trim(struct stack *s, const void *sp);
/* How much of it was ever touched since it was mapped or trimmed, in whole
 * pages. One system call. */
size_t		 stack_touched(const struct stack *s);
void		 stack_pool_free(void);

/* Around each switch, so that ASan knows which stack it is on. `save` belongs
 * to the fiber (or main) that is being left; NULL when it ends for good. */
void		 stack_switch_begin(void **save, const void *low, size_t size);
void		 stack_switch_end(void *save, const void **from_low,
		    size_t *from_size);
#endif
