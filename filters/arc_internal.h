#ifndef FILTERS_ARC_INTERNAL_H
#define FILTERS_ARC_INTERNAL_H
#include "filters/arc.h"
#include "filters/canon.h"
#include "filters/sigkey.h"
#include "filters/signed_body.h"
#include "filters/signed_header.h"
#include "filters/tags.h"
/*
 * arc_internal -- what the parts of arc share
 *
 *	arc.c		the steps of RFC 8617 5.2
 *	arc_sets.c	finds the sets and judges their structure
 *	arc_read.c	the tags of one seal or signature
 *	arc_keys.c	looks the keys up
 *	arc_hash.c	what signatures are made over
 */
#define ARC_NO_LIMIT	UINT64_MAX

/* What ARC-Message-Signature and ARC-Seal have in common. */
struct arc_sig {
	const struct field	*field;		/* NULL: missing */
	struct tags		 tags;
	enum sigkey_algorithm	 algorithm;
	struct span		 signature;	/* b=, as octets */
	struct span		 cut;		/* b=, as written */
	const char		*domain, *selector;
	const char		*key_name;
};

/* The rest of an ARC-Message-Signature. */
struct arc_message {
	struct arc_sig		 sig;
	bool			 has_canon;	/* c= */
	enum canon		 header, body;
	uint64_t		 limit;		/* l=, or ARC_NO_LIMIT */
	struct span		 hash;		/* bh=, as octets */
	struct span		 names;		/* h= */
};

struct arc_set {
	struct arc_sig		 message, seal;
	const struct field	*results;	/* NULL: missing */
	struct span		 payload;	/* behind "i=N;" */
};

struct arc_keys;

struct arc {
	struct arena		*arena;
	struct arc_options	 options;
	const struct fields	*header;
	bool			 is_decided;
	struct arc_answer	 answer;
	struct arc_set		*sets;		/* [0] is i=1 */
	unsigned		 n;
	struct arc_message	 newest;
	struct signed_body	*body;
	const struct body_digest *bodies[2];	/* by form; NULL: not wanted */
	struct arc_keys		*keys;
};

/* Decides for ARC_FAIL; the error's text is the reason. */
void	arc_fail(struct arc *c, const struct err *err);

/* Fills in c->sets and c->n. -1: the structure is broken; the reason. */
int	arc_sets_find(struct arc *c, struct err *err);
/* The number of ARC header fields. */
size_t	arc_sets_fields(const struct fields *header);

/* i= of a seal or signature whose tags are read. */
int	arc_read_instance(const struct tags *tags, unsigned *i,
	    struct err *err);
/* That of ARC-Authentication-Results, and what is behind its ";". */
int	arc_read_results(struct span value, unsigned *i, struct span *payload,
	    struct err *err);
int	arc_read_seal(struct arena *a, struct arc_sig *seal, struct err *err);
int	arc_read_message(struct arena *a, const struct arc_sig *from,
	    struct arc_message *out, struct err *err);

/* Begins the lookups for c->newest and every seal. */
void		 arc_keys_ask(struct arc *c);
MAY_YIELD int	 arc_keys_wait(struct arc *c, struct err *err);
enum arc_key_state { ARC_KEY_GOOD, ARC_KEY_BAD, ARC_KEY_UNSURE };
/* The reason of a key that is not good is in err. */
enum arc_key_state arc_keys_get(struct arc *c, const struct arc_sig *sig,
		    const struct sigkey **key, struct err *err);

void	arc_hash_begin(struct arc *c);
/* NULL: that form of the body is not hashed. */
const struct body_digest *arc_hash_find(const struct arc *c, enum canon how,
	    uint64_t limit);
void	arc_hash_message(const struct arc *c, const struct arc_message *m,
	    enum canon how, uint8_t digest[DIGEST_SIZE]);
/* What that takes at most, in octets and comparisons. */
uint64_t arc_hash_work(const struct arc *c, const struct arc_message *m);
/* What each seal is made over; [0] is that of i=1. */
void	arc_hash_seals(const struct arc *c, uint8_t (*digests)[DIGEST_SIZE]);
#endif
