#ifndef TESTS_KIT_SPOOLED_H
#define TESTS_KIT_SPOOLED_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "base/spool.h"
/*
 * spooled -- octets for a spool that tell where they belong
 */

/* The octet that belongs at an offset: no two runs of 251 are alike enough to
 * hide a block in the wrong place. */
char	spooled_byte(uint64_t offset);
/* Writes `size` of them in runs of `run`, and ends the writing. Errors: those
 * of the spool. */
int	spooled_fill(struct spool *s, uint64_t size, size_t run,
	    struct err *err);
bool	spooled_is_right(const char *p, size_t len, uint64_t offset);
/* All of it is there, read in steps of at most `step`. */
bool	spooled_reads_back(struct spool *s, uint64_t size, size_t step);
#endif
