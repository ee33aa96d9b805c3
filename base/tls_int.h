#ifndef BASE_TLS_INT_H
#define BASE_TLS_INT_H
#include <stdbool.h>
#include <stddef.h>

#include <openssl/ssl.h>

#include "base/err.h"
#include "base/tls.h"
/*
 * tls_int -- what the tls*.c files share; nobody else's
 *
 * tls_context() makes what both roles have in common. The conn rules behind
 * the modes: writes may be partial and are tried again from wherever the
 * bytes lie by then; record buffers (34 KiB a session) are given back while
 * nothing is in them.
 *
 * tls_reason() takes the oldest entry of OpenSSL's error queue, which is
 * shared by all fibers: call it before anything that yields.
 */
#define TLS_SHA256	32

/* One pair of files, read. */
struct tls_cert {
	X509			*leaf;
	STACK_OF(X509)		*chain;
	EVP_PKEY		*key;
	int			 type;		/* EVP_PKEY_RSA, EVP_PKEY_EC */
	char			**names;	/* as in the certificate */
	size_t			 nnames;
	bool			 is_default;	/* serves names nobody has */
};

struct tls_server {
	SSL_CTX			*ctx;
	struct tls_cert		*certs;
	size_t			 n;
};

struct tls_client {
	SSL_CTX			*ctx;
	enum tls_verify		 verify;
	unsigned char		 fingerprint[TLS_SHA256];
};

SSL_CTX		*tls_context(const SSL_METHOD *method, struct err *err);
const char	*tls_reason(void);
/* What errno means to the administrator who named a file. */
const char	*tls_file_error(int error);

/* Reads a pair and has OpenSSL judge it (key size, signature). `c` is zeroed
 * before and freed after, also when this fails. */
int		 tls_cert_load(struct tls_cert *c, const struct tls_pair *pair,
		    struct err *err);
void		 tls_cert_free(struct tls_cert *c);
/* The first certificate of the file, and the others as its chain; the caller
 * frees both, also when this fails. */
int		 tls_cert_read(const char *path, X509 **leaf,
		    STACK_OF(X509) **chain, struct err *err);
bool		 tls_cert_same_names(const struct tls_cert *a,
		    const struct tls_cert *b);
/* 2: carries the name; 1: a wildcard covers it (one label, the leftmost);
 * 0: neither. */
int		 tls_cert_rank(const struct tls_cert *c, const char *name);
#endif
