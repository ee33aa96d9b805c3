#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include "base/err.h"
#include "base/tls.h"
#include "base/tls_int.h"

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

/* Keys with a passphrase cannot be served: nobody is there to type it. */
static int
no_passphrase(char *buf, int size, int rwflag, void *arg)
{
	bool *asked = arg;

	(void)buf;
	(void)size;
	(void)rwflag;
	*asked = true;
	return -1;
}

static FILE *
open_pem(const char *what, const char *path, struct err *err)
{
	struct stat st;
	FILE *f = fopen(path, "re");
	int error = errno;

	if (f != NULL && fstat(fileno(f), &st) == 0 && S_ISDIR(st.st_mode)) {
		fclose(f);
		f = NULL;
		error = EISDIR;
	}
	if (f == NULL)
		err_set(err, ERR_CONFIG, "%s %s: %s", what, path,
		    tls_file_error(error));
	return f;
}

/* The first certificate of the file, and the rest of them as its chain. */
static int
read_certificates(const char *path, X509 **leaf, STACK_OF(X509) **chain,
    struct err *err)
{
	FILE *f = open_pem("certificate", path, err);
	unsigned long e;
	X509 *x;

	if (f == NULL)
		return -1;
	ERR_clear_error();
	*chain = sk_X509_new_null();
	*leaf = PEM_read_X509_AUX(f, NULL, NULL, NULL);
	while (*leaf != NULL && (x = PEM_read_X509(f, NULL, NULL, NULL)))
		sk_X509_push(*chain, x);
	fclose(f);
	e = ERR_peek_last_error();
	if (*leaf == NULL && ERR_GET_REASON(e) == PEM_R_NO_START_LINE)
		return err_set(err, ERR_CONFIG,
		    "certificate %s: no certificate in PEM form", path);
	if (ERR_GET_REASON(e) != PEM_R_NO_START_LINE)
		return err_set(err, ERR_CONFIG,
		    "certificate %s: damaged: %s", path, tls_reason());
	ERR_clear_error();
	return 0;
}

static int
read_key(const char *path, EVP_PKEY **key, struct err *err)
{
	FILE *f = open_pem("key", path, err);
	bool asked = false;

	if (f == NULL)
		return -1;
	ERR_clear_error();
	*key = PEM_read_PrivateKey(f, NULL, no_passphrase, &asked);
	fclose(f);
	if (*key == NULL && asked)
		return err_set(err, ERR_CONFIG,
		    "key %s: is locked with a passphrase; it must be plain",
		    path);
	if (*key == NULL)
		return err_set(err, ERR_CONFIG,
		    "key %s: no private key in PEM form", path);
	return 0;
}

static void
add_name(struct tls_cert *c, const ASN1_STRING *text)
{
	size_t len = (size_t)ASN1_STRING_length(text);
	const char *p = (const char *)ASN1_STRING_get0_data(text);
	char *name;

	/* A NUL inside would make another name of it. */
	if (len == 0 || memchr(p, '\0', len) != NULL)
		return;
	name = strndup(p, len);
	c->names = realloc(c->names, (c->nnames + 1) * sizeof(*c->names));
	if (name == NULL || c->names == NULL)
		abort();
	c->names[c->nnames++] = name;
}

/* The names a certificate carries: subjectAltName, or else the common name
 * (RFC 6125 6.4.4). */
static void
collect_names(struct tls_cert *c)
{
	GENERAL_NAMES *alt = X509_get_ext_d2i(c->leaf, NID_subject_alt_name,
	    NULL, NULL);
	X509_NAME *subject = X509_get_subject_name(c->leaf);
	int i;

	for (i = 0; i < sk_GENERAL_NAME_num(alt); i++) {
		const GENERAL_NAME *n = sk_GENERAL_NAME_value(alt, i);

		if (n->type == GEN_DNS)
			add_name(c, n->d.dNSName);
	}
	GENERAL_NAMES_free(alt);
	i = X509_NAME_get_index_by_NID(subject, NID_commonName, -1);
	if (c->nnames == 0 && i >= 0)
		add_name(c, X509_NAME_ENTRY_get_data(
		    X509_NAME_get_entry(subject, i)));
}

static bool
has_name(const struct tls_cert *c, const char *name)
{
	size_t i;

	for (i = 0; i < c->nnames; i++)
		if (strcasecmp(c->names[i], name) == 0)
			return true;
	return false;
}

static bool
same_names(const struct tls_cert *a, const struct tls_cert *b)
{
	size_t i;

	for (i = 0; i < a->nnames; i++)
		if (!has_name(b, a->names[i]))
			return false;
	for (i = 0; i < b->nnames; i++)
		if (!has_name(a, b->names[i]))
			return false;
	return true;
}

/* 2: carries the name; 1: a wildcard covers it (one label, the leftmost);
 * 0: neither. */
static int
rank(const struct tls_cert *c, const char *name)
{
	const char *rest = strchr(name, '.');
	size_t i;

	if (has_name(c, name))
		return 2;
	for (i = 0; rest != NULL && rest != name && i < c->nnames; i++)
		if (strncmp(c->names[i], "*.", 2) == 0 &&
		    strcasecmp(c->names[i] + 1, rest) == 0)
			return 1;
	return 0;
}

/* Of the certificates that fit equally, the first of each key type. */
static bool
is_chosen(const struct tls_server *s, size_t at, const char *name, int best)
{
	size_t i;

	if (rank(&s->certs[at], name) != best)
		return false;
	for (i = 0; i < at; i++)
		if (s->certs[i].type == s->certs[at].type &&
		    rank(&s->certs[i], name) == best)
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
		int r = rank(&s->certs[i], name);

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

/* Reads the pair and has OpenSSL judge it (key sizes, signatures). */
static int
load_pair(struct tls_cert *c, const struct tls_pair *pair, struct err *err)
{
	SSL_CTX *judge;

	if (read_certificates(pair->certificate, &c->leaf, &c->chain,
	    err) < 0 || read_key(pair->key, &c->key, err) < 0)
		return -1;
	if (X509_check_private_key(c->leaf, c->key) != 1)
		return err_set(err, ERR_CONFIG,
		    "key %s does not match certificate %s", pair->key,
		    pair->certificate);
	judge = tls_context(TLS_server_method(), err);
	if (judge == NULL)
		return -1;
	ERR_clear_error();
	if (SSL_CTX_use_cert_and_key(judge, c->leaf, c->key, c->chain,
	    1) != 1)
		err_set(err, ERR_CONFIG, "certificate %s: OpenSSL refuses "
		    "it: %s", pair->certificate, tls_reason());
	else
		c->type = EVP_PKEY_get_base_id(c->key);
	SSL_CTX_free(judge);
	if (c->type == EVP_PKEY_NONE)
		return -1;
	collect_names(c);
	return 0;
}

/* The first pair, and those of the same names with other key types. */
static int
set_defaults(struct tls_server *s, struct err *err)
{
	size_t i, k;

	for (i = 0; i < s->n; i++) {
		struct tls_cert *c = &s->certs[i];

		c->is_default = i == 0 || same_names(&s->certs[0], c);
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
	r = read_certificates(file, &first, &chain, err);
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
	struct tls_server *s = calloc(1, sizeof(*s));
	size_t i;

	assert(n > 0);
	if (s == NULL || (s->certs = calloc(n, sizeof(*s->certs))) == NULL)
		abort();
	s->ctx = tls_context(TLS_server_method(), err);
	if (s->ctx == NULL)
		goto fail;
	for (i = 0; i < n; i++) {
		s->n = i + 1;
		if (load_pair(&s->certs[i], &pairs[i], err) < 0)
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
	size_t i, k;

	if (s == NULL)
		return;
	*sp = NULL;
	SSL_CTX_free(s->ctx);
	for (i = 0; i < s->n; i++) {
		struct tls_cert *c = &s->certs[i];

		X509_free(c->leaf);
		sk_X509_pop_free(c->chain, X509_free);
		EVP_PKEY_free(c->key);
		for (k = 0; k < c->nnames; k++)
			free(c->names[k]);
		free(c->names);
	}
	free(s->certs);
	ERR_clear_error();
	free(s);
}

static int
not_after(const X509 *cert, int64_t *when)
{
	struct tm tm;

	if (ASN1_TIME_to_tm(X509_get0_notAfter(cert), &tm) != 1)
		return -1;
	*when = (int64_t)timegm(&tm);
	return 0;
}

int
tls_expiry(const char *certificate, int64_t *when, struct err *err)
{
	STACK_OF(X509) *chain = NULL;
	X509 *leaf = NULL;
	int64_t end;
	int i, r;

	r = read_certificates(certificate, &leaf, &chain, err);
	if (r == 0 && (r = not_after(leaf, when)) < 0)
		err_set(err, ERR_CONFIG, "certificate %s: bad end date",
		    certificate);
	for (i = 0; r == 0 && i < sk_X509_num(chain); i++)
		if (not_after(sk_X509_value(chain, i), &end) == 0 &&
		    end < *when)
			*when = end;
	X509_free(leaf);
	sk_X509_pop_free(chain, X509_free);
	return r;
}
