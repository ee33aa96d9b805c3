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
#include "base/mem.h"
#include "base/tls.h"
#include "base/tls_int.h"

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

int
tls_cert_read(const char *path, X509 **leaf, STACK_OF(X509) **chain,
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
	name = mem_alloc(len + 1, "certificate name");
	memcpy(name, p, len);
	name[len] = '\0';
	c->names = mem_realloc(c->names, (c->nnames + 1) * sizeof(*c->names),
	    "certificate names");
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

bool
tls_cert_same_names(const struct tls_cert *a, const struct tls_cert *b)
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

int
tls_cert_rank(const struct tls_cert *c, const char *name)
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

int
tls_cert_load(struct tls_cert *c, const struct tls_pair *pair, struct err *err)
{
	SSL_CTX *judge;

	if (tls_cert_read(pair->certificate, &c->leaf, &c->chain,
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

void
tls_cert_free(struct tls_cert *c)
{
	size_t i;

	X509_free(c->leaf);
	sk_X509_pop_free(c->chain, X509_free);
	EVP_PKEY_free(c->key);
	for (i = 0; i < c->nnames; i++)
		free(c->names[i]);
	free(c->names);
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

	r = tls_cert_read(certificate, &leaf, &chain, err);
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
