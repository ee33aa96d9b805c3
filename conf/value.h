#ifndef CONF_VALUE_H
#define CONF_VALUE_H
#include <stdbool.h>
#include <stdint.h>
#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/span.h"
/*
 * value -- the text of one value, and back
 *
 * A parser returns -1 and an ERR_CONFIG that quotes what it found and says
 * what was expected, and fits behind "setting: ". What a value_put_ function
 * appends is read back to the same by its parser.
 *
 *	count		digits; the message names the word that would be
 *			right too (or NULL)
 *	percent		digits, "%" may follow
 *	size		digits and k, M or G (powers of 1024), or octets
 *	duration	digits and ms, s, m, h or d; "0" needs no unit
 */
int	value_count(struct span text, const char *or_word, uint64_t min,
	    uint64_t max, uint64_t *value, struct err *err);
int	value_percent(struct span text, uint64_t min, uint64_t max,
	    uint64_t *value, struct err *err);
int	value_size(struct span text, uint64_t min, uint64_t max,
	    uint64_t *value, struct err *err);
int	value_duration(struct span text, uint64_t min, uint64_t max,
	    int64_t *value, struct err *err);
void	value_put_size(struct buf *out, uint64_t size);
void	value_put_duration(struct buf *out, int64_t us);

/* Index in the NULL-ended list of words. The hint is set, or NULL. */
int	value_word(struct span text, const char *const *words, unsigned *value,
	    const char **hint, struct err *err);

/* Not empty, no control character. */
int	value_text(struct arena *a, struct span text, const char **value,
	    struct err *err);
/* A domain name: labels of 1 to 63 letters, digits, hyphens, underscores or
 * UTF-8, 253 octets in all, no final dot. */
int	value_host(struct arena *a, struct span text, const char **value,
	    struct err *err);
bool	value_is_domain(struct span text);
/* A name that a person gave to something: 1 to 63 letters, digits, "-", "_"
 * or ".". */
bool	value_is_label(struct span text);
/* A path; a relative one is taken from the folder `dir`. */
int	value_path(struct arena *a, const char *dir, struct span text,
	    const char **value, struct err *err);
int	value_log(struct arena *a, const char *dir, struct span text,
	    const char **value, struct err *err);
int	value_fingerprint(struct arena *a, struct span text,
	    const char **value, struct err *err);
int	value_keyword(struct arena *a, struct span text, const char **value,
	    const char **hint, struct err *err);
/* "a.example", ".a.example" or "*"; small letters. */
int	value_domain(struct arena *a, struct span text, const char **value,
	    struct err *err);
/* "user@a.example" or "user@"; small letters. */
int	value_recipient(struct arena *a, struct span text,
	    const char **value, struct err *err);
/* As a string with quotes and escapes. */
void	value_put_string(struct buf *out, const char *text);
#endif
