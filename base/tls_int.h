#ifndef BASE_TLS_INT_H
#define BASE_TLS_INT_H
#include <stdbool.h>
#include <stddef.h>

#include <openssl/ssl.h>

#include "base/err.h"
#include "base/tls.h"
/*
 * tls_int -- what tls.c, tls_server.c and tls_client.c share; nobody else's
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
#endif
