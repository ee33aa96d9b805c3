#ifndef BASE_PLAIN_H
#define BASE_PLAIN_H
#include <stdint.h>
/*
 * plain -- eight octets at once: do all stand for themselves within quotes?
 *
 * They do if they are printable ASCII and neither quote nor backslash. An
 * octet that does not may make others behind it look as if they did not
 * either, so that only the answer that all do is certain.
 */
#define PLAIN_EACH(octet)	(UINT64_C(0x0101010101010101) * (octet))
#define PLAIN_HIGH		PLAIN_EACH(0x80)

/* PLAIN_HIGH has a bit of it: an octet of the word is `octet`. */
static inline uint64_t
plain_is(uint64_t word, unsigned char octet)
{
	return (word ^ PLAIN_EACH(octet)) - PLAIN_EACH(1);
}

/* PLAIN_HIGH has a bit of it: an octet is not plain. */
static inline uint64_t
plain_odd(uint64_t word)
{
	return word | (word + PLAIN_EACH(1)) |		/* above ASCII; DEL */
	    (word - PLAIN_EACH(' ')) | plain_is(word, '"') |
	    plain_is(word, '\\');
}
#endif
