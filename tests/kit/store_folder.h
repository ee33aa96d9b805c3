#ifndef TESTS_KIT_STORE_FOLDER_H
#define TESTS_KIT_STORE_FOLDER_H
#include <stddef.h>
#include <stdint.h>
#include "base/arena.h"
#include "base/store.h"
/*
 * store_folder -- an LMDB store in a temporary folder, for tests
 *
 * What cannot be done ends the test, with a message.
 */
struct store_folder {
	char		 path[64];
	struct arena	*arena;		/* of the open store */
	struct store	*store;
	size_t		 fibers;	/* of others, when it was opened */
	store_event_fn	*report;	/* of the next open; NULL */
	void		*owner;
};

/* Makes the folder, and nothing in it. */
void	store_folder_make(struct store_folder *f);
void	store_folder_open(struct store_folder *f, uint64_t size);
/* Last opened, first closed. Its fibers have ended then, and its files are closed. */
void	store_folder_close(struct store_folder *f);
void	store_folder_remove(struct store_folder *f);

/* A file of the folder; the memory is to be freed. */
char	*store_folder_read(const struct store_folder *f, const char *name,
	    size_t *size);
void	store_folder_write(const struct store_folder *f, const char *name,
	    const void *p, size_t size);
#endif
