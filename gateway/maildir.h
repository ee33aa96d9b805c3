#ifndef GATEWAY_MAILDIR_H
#define GATEWAY_MAILDIR_H
#include <stdbool.h>
#include <stdint.h>
#include "base/arena.h"
#include "base/err.h"
#include "base/fiber.h"
#include "base/offload.h"
#include "base/span.h"
#include "base/spool.h"
/*
 * maildir -- delivery into a Maildir folder
 *
 * By the Maildir rules: the message is written to tmp/ under a name that
 * nobody else uses, synced, renamed into new/, and new/ is synced. When
 * maildir_deliver() returns 0 the message survives a loss of power.
 *
 * Bytes     `head`, then the spool, unchanged: line ends stay CRLF. Files are
 *           0600, folders that are missing are made 0700.
 * Yields    maildir_deliver(): writing goes to the page cache, with a yield
 *           now and then; what must reach the disk (fsync, rename) is done by
 *           a helper thread, so that a slow disk keeps no other session
 *           waiting.
 * Errors    ERR_CONFIG of maildir_open(): the folder cannot be made or
 *           written. ERR_UNAVAIL of maildir_deliver(), *is_full says that
 *           there was no room; ERR_TIMEOUT, ERR_CLOSED: the wait ended early.
 *           Nothing is left in tmp/ and, unless the very last step failed or
 *           was not waited for, nothing is in new/.
 */
struct maildir;

struct maildir	*maildir_open(struct arena *a, const char *path,
		    struct err *err);
MAY_YIELD int	 maildir_deliver(struct maildir *m, struct offload *offload,
		    struct span head, struct spool *spool, int64_t deadline,
		    bool *is_full, struct err *err);
#endif
