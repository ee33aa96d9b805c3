#ifndef BASE_POISON_H
#define BASE_POISON_H
/*
 * poison -- memory that is ours but must not be touched now, told to ASan
 *
 * For pools and arenas: what lies unused in them is poisoned, so that a use
 * after its end is found although it was never given to free(). Without
 * AddressSanitizer both do nothing, and POISON_GAP is 0.
 */
#ifdef __SANITIZE_ADDRESS__
#define POISON_ASAN 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define POISON_ASAN 1
#endif
#endif

#ifdef POISON_ASAN
#include <sanitizer/asan_interface.h>
#define POISON(p, len)		ASAN_POISON_MEMORY_REGION((p), (len))
#define UNPOISON(p, len)	ASAN_UNPOISON_MEMORY_REGION((p), (len))
#define POISON_GAP		16	/* to leave between two objects */
#else
#define POISON(p, len)		((void)(p), (void)(len))
#define UNPOISON(p, len)	((void)(p), (void)(len))
#define POISON_GAP		0
#endif
#endif
