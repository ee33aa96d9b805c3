#ifndef TESTS_KIT_SIGNED_H
#define TESTS_KIT_SIGNED_H
#include <stddef.h>
#include "base/arena.h"
#include "base/err.h"
#include "base/span.h"
#include "filters/signature.h"
/*
 * signed -- messages signed with keys made here, and verified in a fiber
 *
 * By the digests of the product itself: that these are those of others is for
 * other people's cases to show (tests/vectors).
 */
enum signed_key { SIGNED_RSA, SIGNED_ED25519 };	/* RSA of 1024 bits */

/* Two new keys; they live until the process ends. */
void	 signed_keys_create(void);
/* What p= says. */
const char *signed_key_text(enum signed_key key);
/* A line of a zone: k._domainkey.x.example, whose record is `before` and the
 * key. */
char	*signed_zone(struct arena *a, const char *before, enum signed_key key);
/* The message with one signature more on top; `tags` are all but v, a, bh
 * and b. */
char	*signed_message(struct arena *a, enum signed_key key,
	    const char *tags, const char *message);

struct trial {
	struct arena			*arena;
	struct signature_options	 options;
	struct span			 message;
	size_t				 piece;
	struct signature_answer		 answer;
	struct err			 err;
	int				 ret;
};

/* Loop and DNS; the latter waits for all fibers. */
void	 signed_begin(const char *zone);
void	 signed_end(void);
void	 signed_verify(void *trial);	/* to be spawned */
struct trial *signed_try(struct arena *a, const char *zone,
	    struct span message, struct signature_options options);
/* "pass; permerror (the reason)" */
const char *signed_summary(struct arena *a,
	    const struct signature_answer *answer);
/* Of the whole message at once, without options. */
const char *signed_results(struct arena *a, const char *zone,
	    struct span message);
#endif
