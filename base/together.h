#ifndef BASE_TOGETHER_H
#define BASE_TOGETHER_H
#include <stdbool.h>
#include <stddef.h>
#include "base/fiber.h"
/*
 * together -- the same work for several things at once
 *
 * Calls fn(arg, 0) to fn(arg, n - 1) in fibers, `most` of them at a time, and
 * returns when all have returned. They are begun in their order. With n or
 * `most` 1 they run one after another in the caller's own fiber.
 *
 * Memory    what they use may be on the caller's stack.
 * Yields    until the last one has returned: each bounds itself.
 * Helpers   are these fibers, each with a stack. There may be so many of them
 *           in the process: beyond that the calls are made one after another,
 *           in the caller's own fiber.
 * Stop      if the caller is told to stop, they are too; those that were not
 *           begun are still called, and find that they cannot wait.
 */
typedef MAY_YIELD void together_fn(void *arg, size_t i);

MAY_YIELD void	 together(const char *name, together_fn *fn, void *arg,
		    size_t n, size_t most);

/* Without it there is no limit. */
void		 together_limit(size_t most);
/* For who begins helpers himself: false, there is no room for n more. */
bool		 together_enlist(size_t n);
void		 together_dismiss(size_t n);
#endif
