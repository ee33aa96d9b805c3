#ifndef BASE_TEXT_HASH_H
#define BASE_TEXT_HASH_H
#include <stdint.h>
#include "base/span.h"
/*
 * text_hash -- a number that is another one if the text is
 *
 * FNV-1a with 64 bits: for texts that differ by accident or by editing, not
 * for those that somebody makes to be alike. The same in every process and
 * release: it is written into files. Pieces are hashed one behind the other;
 * where one ends makes no difference, unless text_hash_end() says it.
 */
#define TEXT_HASH_BEGIN	UINT64_C(0xcbf29ce484222325)

static inline uint64_t
text_hash(uint64_t hash, struct span text)
{
	size_t i;

	for (i = 0; i < text.len; i++)
		hash = (hash ^ (unsigned char)text.p[i]) *
		    UINT64_C(0x100000001b3);
	return hash;
}

static inline uint64_t
text_hash_end(uint64_t hash)
{
	return text_hash(hash, span_n("", 1));
}
#endif
