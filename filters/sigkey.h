#ifndef FILTERS_SIGKEY_H
#define FILTERS_SIGKEY_H
#include <stdbool.h>
#include <stdint.h>
#include <openssl/types.h>
#include "base/arena.h"
#include "base/err.h"
#include "base/span.h"
/*
 * sigkey -- a signer's public key record, and signatures under it
 *                                         RFC 6376 3.6.1, 8301 3.2, 8463
 *
 * The record must be for mail, for SHA-256 and for the algorithm asked for.
 * RSA keys may be a SubjectPublicKeyInfo or a bare RSAPublicKey (many are).
 *
 * Memory    the key ends with the arena.
 * Errors    ERR_SYNTAX: why the record gives no key.
 * Limits    RSA of SIGKEY_BITS_LEAST to SIGKEY_BITS_MOST bits, with a public
 *           exponent of at most 33: so a check takes 0.2 ms at most (0.02 ms
 *           with 2048 bits and the usual exponent, 0.1 ms with Ed25519).
 */
#define SIGKEY_BITS_LEAST	1024	/* RFC 8301 3.2: MUST NOT accept less */
#define SIGKEY_BITS_MOST	4096	/* ... MUST be able to verify */
#define SIGKEY_DIGEST		32	/* octets: SHA-256 */

enum sigkey_algorithm { SIGKEY_RSA_SHA256, SIGKEY_ED25519_SHA256 };

struct sigkey {
	enum sigkey_algorithm	 algorithm;
	int			 bits;
	bool			 is_test;	/* t=y */
	bool			 is_strict;	/* t=s: no subdomains in i= */
	EVP_PKEY		*key;
};

/* "rsa-sha256" and the like, as in a=. -1: another. */
int	sigkey_algorithm_parse(struct span name, enum sigkey_algorithm *out);
int	sigkey_parse(struct arena *a, struct span record,
	    enum sigkey_algorithm algorithm, struct sigkey *out,
	    struct err *err);
/* Does the signature fit the SHA-256 digest of what was signed? */
bool	sigkey_verify(const struct sigkey *key,
	    const uint8_t digest[SIGKEY_DIGEST], struct span signature);
#endif
