#ifndef FILTERS_SIGNATURE_FIELD_H
#define FILTERS_SIGNATURE_FIELD_H
#include <stdbool.h>
#include <stdint.h>
#include "base/arena.h"
#include "base/err.h"
#include "base/span.h"
#include "filters/canon.h"
#include "filters/sigkey.h"
#include "policy/fields.h"
/*
 * signature_field -- what one DKIM-Signature field says
 *                                            RFC 6376 3.5 and 6.1.1, 8616 5
 *
 * Every tag is read, even if another one is wrong: a report names the signer
 * of an invalid signature too. What could not be read stays NULL or empty.
 * Tags that nobody knows are left alone; so is z=.
 *
 * Memory    strings live in the arena given; spans go into the field's text,
 *           which must outlive this.
 * Errors    ERR_SYNTAX: the first thing that is wrong, by the order of the
 *           tags in RFC 6376. Says which tag, printable.
 * Limits    those of tags.h, and SIGNATURE_NAMES in h=.
 */
#define SIGNATURE_NAMES	256	/* real ones have less than 50 */

struct signature_field {
	const struct field	*field;
	const char		*algorithm_name;
	enum sigkey_algorithm	 algorithm;
	enum canon		 header_form, body_form;
	struct span		 cut;		/* b= with white space around */
	struct span		 signature;	/* decoded */
	const char		*text;		/* base64, without blanks */
	uint8_t			 body_digest[SIGKEY_DIGEST];
	struct span		 names;		/* h= */
	bool			 has_length;	/* l= */
	uint64_t		 length;	/* UINT64_MAX: more than that */
	int64_t			 signed_at;	/* t=; -1: none */
	int64_t			 expires;	/* x=; -1: never */
	const char		*domain;	/* d=: A-labels, lower case */
	const char		*selector;	/* s=: A-labels, lower case */
	const char		*identity;	/* i=, else "@" and d= */
	const char		*identity_domain; /* A-labels, lower case */
	const char		*key_name;	/* where the key record is */
};

int	signature_field_parse(struct arena *a, const struct field *field,
	    struct signature_field *out, struct err *err);
#endif
