#ifndef FILTERS_SIGNATURE_H
#define FILTERS_SIGNATURE_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "base/arena.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/fiber.h"
#include "base/span.h"
#include "policy/fields.h"
/*
 * signature -- the DKIM signatures of a message    RFC 6376, 8301, 8463, 8616
 *
 *	c = signature_begin(a, &options, &header);  keys are asked for here
 *	signature_body(c, octets);		    as they come in
 *	signature_finish(c, &answer, &err);	    waits for the keys
 *
 * Two engines: our own, and libopendkim for the answers that OpenDKIM gives.
 * Both see the same signatures, with the same keys, under the same limits.
 *
 * Every DKIM-Signature field has a result of its own, in the words of RFC
 * 8601 2.7.1. What the signer or its DNS did wrong is PERMERROR, an expired
 * signature too; a lookup that failed is TEMPERROR for those signatures that
 * need this key. A signature that covers only a part of the body (l=) passes
 * and says so: whether that is enough is for others to decide. A message with
 * several From fields is judged as it is; that one is signed says nothing of
 * the others.
 *
 * The message has CRLF line ends; the last one may be missing. A bare CR or
 * LF, or a NUL, is an octet like others.
 *
 * Yields    signature_finish(), at most until `timeout` behind the beginning.
 * Memory    all that is reported lives in the arena given. The header is
 *           read in signature_begin() only. A check that is not finished
 *           ends with its arena, its lookups too.
 * Errors    -1 only with ERR_CLOSED: this fiber must stop.
 * Limits    `most` signatures are verified, further ones only counted; so
 *           many lookups are made at most. SIGNATURE_KEYS records at one name
 *           are tried. A field in h= costs one walk over the header.
 */
#define SIGNATURE_MOST		10	/* more than 3 are rare */
#define SIGNATURE_KEYS		3	/* one should be there: 3.6.2.2 */
#define SIGNATURE_TIMEOUT	(5 * CLOCK_S)
#define SIGNATURE_DRIFT		(5 * 60)	/* between clocks, seconds */

/* All of RFC 8601's; neutral and policy are not said by either engine. */
enum signature_result { SIGNATURE_NONE, SIGNATURE_PASS, SIGNATURE_FAIL,
    SIGNATURE_NEUTRAL, SIGNATURE_TEMPERROR, SIGNATURE_PERMERROR,
    SIGNATURE_POLICY };

enum signature_engine { SIGNATURE_OWN, SIGNATURE_LIBOPENDKIM };

struct signature_options {		/* 0: the value above */
	enum signature_engine engine;
	size_t		 most;
	int64_t		 timeout;	/* of the lookups */
};

struct signature {
	enum signature_result	 result;
	const char	*reason;	/* for people; NULL for a plain pass */
	/* As the field says; NULL where it cannot be read. */
	const char	*domain;	/* d=: A-labels, lower case */
	const char	*selector;	/* s=: A-labels, lower case */
	const char	*identity;	/* i=, decoded, printable UTF-8; else
					   "@" and d= */
	const char	*algorithm;	/* "rsa-sha256", "ed25519-sha256",
					   "rsa-sha1" */
	const char	*prefix;	/* of b=: at least 8 characters, and as
					   many as tell it from the others */
	int		 bits;		/* of the key; 0: none was found */
	bool		 is_test;	/* the key says t=y */
	bool		 has_length;	/* l= */
	uint64_t	 length;
	bool		 is_partial;	/* the body goes on behind l= octets */
	int64_t		 signed_at;	/* t=, seconds since 1970; -1: none */
	int64_t		 expires;	/* x=; -1: never */
};

struct signature_answer {
	enum signature_result	 best;	/* NONE: there is no signature */
	size_t			 n;
	struct signature	*list;	/* from top to bottom */
	size_t			 ignored;	/* fields beyond `most` */
};

struct signature_check;

/* Once in a process, on the main stack, before it locks itself in; the other
 * engine only if it was opened. Errors: ERR_UNAVAIL. */
int		 signature_open(enum signature_engine engine, struct err *err);
void		 signature_close(void);

struct signature_check *signature_begin(struct arena *a,
		    const struct signature_options *options,
		    const struct fields *header);
/* What the fields say, from the beginning on; only invalid ones have their
 * result already. */
const struct signature_answer *signature_said(
		    const struct signature_check *c);
/* Any pieces; time is linear in their length. */
void		 signature_body(struct signature_check *c, struct span octets);
MAY_YIELD int	 signature_finish(struct signature_check *c,
		    struct signature_answer *answer, struct err *err);
const char	*signature_result_name(enum signature_result result);
#endif
