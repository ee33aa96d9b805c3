#ifndef TESTS_KIT_SEALER_H
#define TESTS_KIT_SEALER_H
#include "base/arena.h"
#include "filters/canon.h"
/*
 * sealer -- puts ARC sets on messages: what the verifier is tested with
 *
 * Keys are made anew for each run. A failing OpenSSL is an assertion.
 */
struct sealer_key {
	const char	*algorithm;	/* of a= */
	const char	*record;	/* a line of a zone: TXT "..." */
	void		*key;		/* an EVP_PKEY; ends with the arena */
};

struct sealer_set {
	unsigned		 i;
	const char		*cv;		/* NULL: as it should be */
	const char		*domain;	/* d= of both; s= is "s" */
	const struct sealer_key	*key;
	enum canon		 header, body;
	const char		*c;		/* what c= says; NULL: no c= */
	const char		*h;
	size_t			 limit;		/* of the body; for l= */
	const char		*message_tags;	/* more, each with its ";" */
	const char		*seal_tags;
};

/* bits 0: Ed25519. */
void		 sealer_key_make(struct arena *a, unsigned bits,
		    struct sealer_key *out);
/* The message with one more set on top. */
const char	*sealer_put(struct arena *a, const char *message,
		    const struct sealer_set *set);
#endif
