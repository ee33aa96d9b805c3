#ifndef BASE_MEM_H
#define BASE_MEM_H
#include <stddef.h>
/*
 * mem -- memory from the system, or the end of the process
 *
 * Input limits come first, so running out of memory is a fault of ours: the
 * process says so on stderr and aborts. The clients still have their mail
 * and will retry. `what` names the use in that message.
 *
 * Errors    none: never NULL. The memory goes back with free().
 */
void	*mem_alloc(size_t size, const char *what);	/* not zeroed */
void	*mem_zalloc(size_t size, const char *what);	/* zeroed */
void	*mem_realloc(void *p, size_t size, const char *what);
void	 mem_exhausted(size_t size, const char *what)
	    __attribute__((noreturn));
#endif
