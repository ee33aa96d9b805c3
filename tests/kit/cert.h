#ifndef TESTS_KIT_CERT_H
#define TESTS_KIT_CERT_H
#include <stdbool.h>
/*
 * cert -- certificates and keys for tests, written as PEM files
 *
 * cert_write() makes a key and a certificate in `folder`: NAME.pem and
 * NAME.key. A test's failure to make its own material ends the test.
 */
struct cert_spec {
	const char	*name;		/* of the files, and common name */
	const char	*alt;		/* NULL, or "DNS:a.example,IP:..." */
	const char	*issuer;	/* an earlier one; NULL: itself */
	bool		 is_ca;
	bool		 is_rsa;	/* else ECDSA P-256 */
	int		 days;		/* until it ends, from now; 0: 30 */
};

void		 cert_write(const char *folder, const struct cert_spec *spec);
/* SHA-256 of the certificate in hex. Static storage, one at a time. */
const char	*cert_fingerprint(const char *path);
#endif
