#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include "base/conn.h"
#include "base/err.h"
#include "base/fiber.h"
#include "base/mem.h"
#include "base/tls.h"
#include "base/tls_int.h"

struct tls {
	SSL	*ssl;
	char	*peer_name, *peer_issuer;
	bool	 is_verified;
	bool	 is_broken;	/* no further call of OpenSSL but SSL_free */
};

SSL_CTX *
tls_context(const SSL_METHOD *method, struct err *err)
{
	SSL_CTX *ctx;

	ERR_clear_error();
	ctx = SSL_CTX_new(method);
	if (ctx == NULL) {
		err_set(err, ERR_CONFIG, "OpenSSL: %s", tls_reason());
		return NULL;
	}
	SSL_CTX_set_min_proto_version(ctx, TLS1_2_VERSION);
	SSL_CTX_set_mode(ctx, SSL_MODE_RELEASE_BUFFERS |
	    SSL_MODE_ENABLE_PARTIAL_WRITE |
	    SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
	/* Mail software closes without close_notify all the time. Ends are
	 * told by the protocol above (the final dot), never by the close. */
	SSL_CTX_set_options(ctx, SSL_OP_NO_RENEGOTIATION |
	    SSL_OP_IGNORE_UNEXPECTED_EOF);
	/* One read(2) takes what is there, not one for each record's head. */
	SSL_CTX_set_read_ahead(ctx, 1);
	/* Tickets need no store; the built-in one would grow in each worker. */
	SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_OFF);
	return ctx;
}

const char *
tls_reason(void)
{
	unsigned long e = ERR_get_error();
	const char *text;

	if (e == 0)
		return "unknown error";
	text = ERR_SYSTEM_ERROR(e) ? strerror(ERR_GET_REASON(e)) :
	    ERR_reason_error_string(e);
	return text != NULL ? text : "unknown error";
}

const char *
tls_file_error(int error)
{
	switch (error) {
	case ENOENT:
		return "no such file";
	case EACCES:
		return "permission denied";
	case EISDIR:
		return "is a folder";
	default:
		return strerror(error);
	}
}

/* Why the handshake failed. `name`: whom a client wanted, else NULL. */
static int
handshake_failed(SSL *ssl, int why, int error, const char *name,
    struct err *err)
{
	enum err_kind kind = name != NULL ? ERR_UNAVAIL : ERR_SYNTAX;
	unsigned long e = ERR_peek_error();
	long verify = SSL_get_verify_result(ssl);

	if (why == SSL_ERROR_SYSCALL && e == 0 && error != 0 &&
	    error != ECONNRESET && error != EPIPE)
		return err_set(err, ERR_CLOSED, "TLS handshake: %s",
		    strerror(error));
	if (why == SSL_ERROR_ZERO_RETURN || why == SSL_ERROR_SYSCALL ||
	    ERR_GET_REASON(e) == SSL_R_UNEXPECTED_EOF_WHILE_READING)
		return err_set(err, ERR_CLOSED,
		    "the peer closed in the TLS handshake");
	if (ERR_GET_REASON(e) == SSL_R_CERTIFICATE_VERIFY_FAILED &&
	    (verify == X509_V_ERR_HOSTNAME_MISMATCH ||
	    verify == X509_V_ERR_IP_ADDRESS_MISMATCH))
		return err_set(err, kind,
		    "TLS handshake: the certificate is not for %s", name);
	if (ERR_GET_REASON(e) == SSL_R_CERTIFICATE_VERIFY_FAILED)
		return err_set(err, kind, "TLS handshake: certificate: %s",
		    X509_verify_cert_error_string(verify));
	return err_set(err, kind, "TLS handshake: %s", tls_reason());
}

MAY_YIELD static int
handshake(struct conn *c, SSL *ssl, const char *name, int64_t deadline,
    struct err *err)
{
	for (;;) {
		int r, why, error;

		ERR_clear_error();
		errno = 0;
		r = SSL_do_handshake(ssl);
		error = errno;
		if (r == 1)
			return 0;
		why = SSL_get_error(ssl, r);
		if (why != SSL_ERROR_WANT_READ && why != SSL_ERROR_WANT_WRITE)
			return handshake_failed(ssl, why, error, name, err);
		if (conn_wait(c, why == SSL_ERROR_WANT_WRITE, deadline,
		    err) < 0)
			return err_prefix(err, "TLS handshake");
	}
}

static char *
common_name(X509_NAME *subject)
{
	unsigned char *utf8;
	char *name = NULL;
	int at, len;

	at = X509_NAME_get_index_by_NID(subject, NID_commonName, -1);
	if (at < 0)
		return NULL;
	len = ASN1_STRING_to_UTF8(&utf8,
	    X509_NAME_ENTRY_get_data(X509_NAME_get_entry(subject, at)));
	if (len < 0)
		return NULL;
	/* A NUL inside would make another name of it. */
	if (len > 0 && memchr(utf8, '\0', (size_t)len) == NULL)
		name = strdup((char *)utf8);
	OPENSSL_free(utf8);
	return name;
}

static struct tls *
tls_begin(struct conn *c, SSL_CTX *ctx, struct err *err)
{
	struct tls *t = mem_zalloc(sizeof(*t), "TLS connection");

	ERR_clear_error();
	t->ssl = SSL_new(ctx);
	if (t->ssl == NULL || SSL_set_fd(t->ssl, conn_fd(c)) != 1) {
		err_set(err, ERR_UNAVAIL, "TLS: %s", tls_reason());
		SSL_free(t->ssl);
		free(t);
		return NULL;
	}
	return t;
}

MAY_YIELD int
tls_accept(struct conn *c, const struct tls_server *server, int64_t deadline,
    struct err *err)
{
	struct tls *t;
	X509 *peer;

	assert(conn_tls(c) == NULL);
	conn_drop_input(c);
	t = tls_begin(c, server->ctx, err);
	if (t == NULL)
		return -1;
	SSL_set_accept_state(t->ssl);
	if (handshake(c, t->ssl, NULL, deadline, err) < 0) {
		t->is_broken = true;
		tls_close(&t);
		return -1;
	}
	peer = SSL_get0_peer_certificate(t->ssl);
	t->is_verified = peer != NULL &&
	    SSL_get_verify_result(t->ssl) == X509_V_OK;
	if (t->is_verified) {
		t->peer_name = common_name(X509_get_subject_name(peer));
		t->peer_issuer = common_name(X509_get_issuer_name(peer));
	}
	conn_set_tls(c, t);
	return 0;
}

/* Says whom we want (SNI) and, if asked, whom we accept. */
static int
expect_name(SSL *ssl, const struct tls_client *client, const char *name,
    struct err *err)
{
	X509_VERIFY_PARAM *param = SSL_get0_param(ssl);
	ASN1_OCTET_STRING *ip = a2i_IPADDRESS(name);
	bool is_ip = ip != NULL, ok = true;

	ASN1_OCTET_STRING_free(ip);
	ERR_clear_error();
	if (!is_ip)	/* RFC 6066 3: no addresses in SNI */
		ok = SSL_set_tlsext_host_name(ssl, name) == 1;
	if (ok && client->verify == TLS_VERIFY_NAME && is_ip)
		ok = X509_VERIFY_PARAM_set1_ip_asc(param, name) == 1;
	else if (ok && client->verify == TLS_VERIFY_NAME)
		ok = X509_VERIFY_PARAM_set1_host(param, name, 0) == 1;
	if (!ok)
		return err_set(err, ERR_CONFIG,
		    "TLS: cannot ask for a server named \"%s\"", name);
	return 0;
}

static int
check_fingerprint(SSL *ssl, const struct tls_client *client, struct err *err)
{
	X509 *peer = SSL_get0_peer_certificate(ssl);
	unsigned char digest[EVP_MAX_MD_SIZE];
	char text[2 * TLS_SHA256 + 1];
	unsigned len = 0;

	if (peer == NULL || X509_digest(peer, EVP_sha256(), digest, &len) != 1)
		return err_set(err, ERR_UNAVAIL, "TLS: no certificate came");
	if (CRYPTO_memcmp(digest, client->fingerprint, TLS_SHA256) == 0)
		return 0;
	OPENSSL_buf2hexstr_ex(text, sizeof(text), NULL, digest, len, '\0');
	return err_set(err, ERR_UNAVAIL,
	    "TLS: the certificate's fingerprint is %s", text);
}

MAY_YIELD int
tls_connect(struct conn *c, const struct tls_client *client, const char *name,
    int64_t deadline, struct err *err)
{
	struct tls *t;

	assert(conn_tls(c) == NULL);
	conn_drop_input(c);
	t = tls_begin(c, client->ctx, err);
	if (t == NULL)
		return -1;
	SSL_set_connect_state(t->ssl);
	if (expect_name(t->ssl, client, name, err) < 0 ||
	    handshake(c, t->ssl, name, deadline, err) < 0) {
		t->is_broken = true;
		tls_close(&t);
		return -1;
	}
	if (client->verify == TLS_VERIFY_FINGERPRINT &&
	    check_fingerprint(t->ssl, client, err) < 0) {
		tls_close(&t);
		return -1;
	}
	t->is_verified = client->verify != TLS_VERIFY_NONE;
	conn_set_tls(c, t);
	return 0;
}

const char *
tls_version(const struct tls *t)
{
	return SSL_get_version(t->ssl);
}

const char *
tls_cipher(const struct tls *t)
{
	return SSL_get_cipher_name(t->ssl);
}

int
tls_bits(const struct tls *t)
{
	return SSL_get_cipher_bits(t->ssl, NULL);
}

const char *
tls_sni(const struct tls *t)
{
	return SSL_get_servername(t->ssl, TLSEXT_NAMETYPE_host_name);
}

const char *
tls_peer_name(const struct tls *t)
{
	return t->peer_name;
}

const char *
tls_peer_issuer(const struct tls *t)
{
	return t->peer_issuer;
}

bool
tls_verified(const struct tls *t)
{
	return t->is_verified;
}

/* What SSL_read or SSL_write returned (<= 0), in the terms of read(2). */
static ssize_t
io_result(struct tls *t, int r, int error, bool *want_write)
{
	switch (SSL_get_error(t->ssl, r)) {
	case SSL_ERROR_WANT_READ:
		errno = EAGAIN;
		return -1;
	case SSL_ERROR_WANT_WRITE:
		*want_write = true;
		errno = EAGAIN;
		return -1;
	case SSL_ERROR_ZERO_RETURN:
		return 0;
	case SSL_ERROR_SYSCALL:
		t->is_broken = true;
		errno = error != 0 ? error : ECONNRESET;
		return -1;
	default:
		t->is_broken = true;
		errno = EPROTO;
		return -1;
	}
}

ssize_t
tls_read(struct tls *t, void *p, size_t len, bool *want_write)
{
	size_t done = 0;
	int r;

	*want_write = false;
	if (t->is_broken) {
		errno = EPROTO;
		return -1;
	}
	ERR_clear_error();
	errno = 0;
	r = SSL_read_ex(t->ssl, p, len, &done);
	return r == 1 ? (ssize_t)done : io_result(t, r, errno, want_write);
}

ssize_t
tls_write(struct tls *t, const void *p, size_t len, bool *want_write)
{
	size_t done = 0;
	ssize_t result;
	int r;

	*want_write = false;
	if (t->is_broken) {
		errno = EPROTO;
		return -1;
	}
	if (len == 0)
		return 0;
	ERR_clear_error();
	errno = 0;
	r = SSL_write_ex(t->ssl, p, len, &done);
	if (r == 1)
		return (ssize_t)done;
	result = io_result(t, r, errno, want_write);
	if (result == 0) {	/* nothing can be written after a close */
		errno = EPIPE;
		return -1;
	}
	return result;
}

size_t
tls_pending(const struct tls *t)
{
	return (size_t)SSL_pending(t->ssl);
}

void
tls_close(struct tls **tp)
{
	struct tls *t = *tp;

	if (t == NULL)
		return;
	*tp = NULL;
	ERR_clear_error();
	if (!t->is_broken)	/* close_notify; no answer is awaited */
		SSL_shutdown(t->ssl);
	SSL_free(t->ssl);
	ERR_clear_error();
	free(t->peer_name);
	free(t->peer_issuer);
	free(t);
}
