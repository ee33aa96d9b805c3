#ifndef BASE_LOG_SHELF_H
#define BASE_LOG_SHELF_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "base/span.h"
/*
 * log_shelf -- where log lines wait to be written
 *
 * It may lie in memory that outlives its process: one writer, who may be killed
 * at any instant, and then another process finds all lines that were put there
 * and not passed. Of those that were being written (`begun`) nobody knows how
 * many the target has.
 *
 * A zeroed shelf is empty. It begins in front whenever it is empty, so little
 * of it is touched as long as somebody takes the lines.
 *
 * Limits    LOG_SHELF_MOST octets wait. What is read is bounded by the shelf:
 *           another process wrote it, and of its octets nothing is known.
 * Tested    log_shelf_test.c, with writers that are killed
 */
#define LOG_SHELF_MOST	((size_t)256 * 1024)
#define LOG_SHELF_ROOM	(2 * LOG_SHELF_MOST)	/* all can be moved */

struct log_shelf {
	uint64_t	where;		/* begin << 32 | end, of the lines */
	uint64_t	begun;		/* somebody writes them */
	char		octets[LOG_SHELF_ROOM];
};

/* Valid until something is put. */
struct span	log_shelf_lines(const struct log_shelf *s);
/* Whole lines, with their ends. False: there is no room. */
bool		log_shelf_put(struct log_shelf *s, struct span lines);
/* They are written from here on, the oldest first. */
void		log_shelf_begin(struct log_shelf *s);
/* So many octets of them are done with, and no more are being written. */
void		log_shelf_pass(struct log_shelf *s, size_t n);
bool		log_shelf_is_begun(const struct log_shelf *s);
void		log_shelf_clear(struct log_shelf *s);
#endif
