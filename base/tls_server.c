#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/err.h>
#include <openssl/ssl.h>

#include "base/err.h"
#include "base/mem.h"
#include "base/tls.h"
#include "base/tls_int.h"

/* Of the certificates that fit equally, the first of each key type. */
static bool
is_chosen(const struct tls_server *s, size_t at, const char *name, int best)
{
	size_t i;

	if (tls_cert_rank(&s->certs[at], name) != best)
		return false;
	for (i = 0; i < at; i++)
		if (s->certs[i].type == s->certs[at].type &&
		    tls_cert_rank(&s->certs[i], name) == best)
			return false;
	return true;
}

/* OpenSSL asks before it picks cipher and signature: 1 = go on. */
static int
choose(SSL *ssl, void *arg)
{
	const struct tls_server *s = arg;
	const char *name = SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name);
	bool is_default = true;
	int best = 0;
	size_t i;

	for (i = 0; name != NULL && i < s->n; i++) {
		int r = tls_cert_rank(&s->certs[i], name);

		best = r > best ? r : best;
	}
	if (best == 0)
		return 1;	/* the context's own: the default */
	for (i = 0; i < s->n; i++)
		if (is_chosen(s, i, name, best) != s->certs[i].is_default)
			is_default = false;
	if (is_default)
		return 1;
	SSL_certs_clear(ssl);
	for (i = 0; i < s->n; i++) {
		const struct tls_cert *c = &s->certs[i];

		if (is_chosen(s, i, name, best) &&
		    SSL_use_cert_and_key(ssl, c->leaf, c->key, c->chain,
		    1) != 1)
			return 0;
	}
	return 1;
}

/* The first pair, and those of the same names with other key types. */
static int
set_defaults(struct tls_server *s, struct err *err)
{
	size_t i, k;

	for (i = 0; i < s->n; i++) {
		struct tls_cert *c = &s->certs[i];

		c->is_default = i == 0 || tls_cert_same_names(&s->certs[0], c);
		for (k = 0; k < i; k++)
			if (s->certs[k].is_default &&
			    s->certs[k].type == c->type)
				c->is_default = false;
		if (c->is_default && SSL_CTX_use_cert_and_key(s->ctx, c->leaf,
		    c->key, c->chain, 1) != 1)
			return err_set(err, ERR_CONFIG, "TLS: %s",
			    tls_reason());
	}
	if (s->n > 1)
		SSL_CTX_set_cert_cb(s->ctx, choose, s);
	return 0;
}

/* The certificate was asked for, not required: what is wrong with it is told
 * by tls_verified(), and is no reason to end the handshake. */
static int
accept_anyway(int ok, X509_STORE_CTX *store)
{
	(void)ok;
	(void)store;
	return 1;
}

static int
set_client_ca(struct tls_server *s, enum tls_client_certs ask,
    const char *file, struct err *err)
{
	STACK_OF(X509) *chain = NULL;
	X509 *first = NULL;
	int r;

	if (ask == TLS_CLIENT_CERT_NONE)
		return 0;
	if (file == NULL)
		return err_set(err, ERR_CONFIG, "client certificates are "
		    "asked for, but no CA file is named");
	r = tls_cert_read(file, &first, &chain, err);
	X509_free(first);
	sk_X509_pop_free(chain, X509_free);
	if (r < 0)
		return err_prefix(err, "CA of client certificates");
	ERR_clear_error();
	if (SSL_CTX_load_verify_file(s->ctx, file) != 1)
		return err_set(err, ERR_CONFIG,
		    "CA of client certificates: %s: %s", file, tls_reason());
	SSL_CTX_set_client_CA_list(s->ctx, SSL_load_client_CA_file(file));
	if (ask == TLS_CLIENT_CERT_REQUIRE)
		SSL_CTX_set_verify(s->ctx, SSL_VERIFY_PEER |
		    SSL_VERIFY_FAIL_IF_NO_PEER_CERT, NULL);
	else
		SSL_CTX_set_verify(s->ctx, SSL_VERIFY_PEER, accept_anyway);
	return 0;
}

/* A ticket is good only where it was given: the same certificates, the same
 * demands on the client's certificate. */
static void
set_session_context(struct tls_server *s, enum tls_client_certs ask,
    const char *client_ca)
{
	unsigned char digest[EVP_MAX_MD_SIZE];
	EVP_MD_CTX *md = EVP_MD_CTX_new();
	unsigned len = 0;
	size_t i;

	if (md == NULL || EVP_DigestInit_ex(md, EVP_sha256(), NULL) != 1)
		abort();
	EVP_DigestUpdate(md, &ask, sizeof(ask));
	if (client_ca != NULL)
		EVP_DigestUpdate(md, client_ca, strlen(client_ca) + 1);
	for (i = 0; i < s->n; i++) {
		X509_digest(s->certs[i].leaf, EVP_sha256(), digest, &len);
		EVP_DigestUpdate(md, digest, len);
	}
	EVP_DigestFinal_ex(md, digest, &len);
	EVP_MD_CTX_free(md);
	SSL_CTX_set_session_id_context(s->ctx, digest,
	    len < SSL_MAX_SID_CTX_LENGTH ? len : SSL_MAX_SID_CTX_LENGTH);
}

struct tls_server *
tls_server_create(const struct tls_pair *pairs, size_t n,
    enum tls_client_certs ask, const char *client_ca, struct err *err)
{
	struct tls_server *s = mem_zalloc(sizeof(*s), "TLS server");
	size_t i;

	assert(n > 0);
	s->certs = mem_zalloc(n * sizeof(*s->certs), "certificates");
	s->ctx = tls_context(TLS_server_method(), err);
	if (s->ctx == NULL)
		goto fail;
	for (i = 0; i < n; i++) {
		s->n = i + 1;
		if (tls_cert_load(&s->certs[i], &pairs[i], err) < 0)
			goto fail;
	}
	if (set_defaults(s, err) < 0 ||
	    set_client_ca(s, ask, client_ca, err) < 0)
		goto fail;
	SSL_CTX_set_dh_auto(s->ctx, 1);
	/* Mail clients come back one at a time: one TLS 1.3 ticket will do. */
	SSL_CTX_set_num_tickets(s->ctx, 1);
	set_session_context(s, ask, client_ca);
	return s;
fail:
	tls_server_destroy(&s);
	return NULL;
}

void
tls_server_tickets(struct tls_server *s,
    const unsigned char secret[TLS_TICKET_SECRET])
{
	unsigned char copy[TLS_TICKET_SECRET];

	memcpy(copy, secret, sizeof(copy));
	if (SSL_CTX_set_tlsext_ticket_keys(s->ctx, copy, sizeof(copy)) != 1)
		assert(!"TLS_TICKET_SECRET is not the size OpenSSL wants");
	OPENSSL_cleanse(copy, sizeof(copy));
}

void
tls_server_destroy(struct tls_server **sp)
{
	struct tls_server *s = *sp;
	size_t i;

	if (s == NULL)
		return;
	*sp = NULL;
	SSL_CTX_free(s->ctx);
	for (i = 0; i < s->n; i++)
		tls_cert_free(&s->certs[i]);
	free(s->certs);
	ERR_clear_error();
	free(s);
}

