#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include "tests/kit/cert.h"

#define DAY	(24 * 60 * 60L)
#define PATH	512

static void
need(bool ok, const char *what)
{
	if (ok)
		return;
	fprintf(stderr, "cannot make a certificate for the test: %s\n", what);
	exit(1);
}

static FILE *
open_file(const char *folder, const char *name, const char *end,
    const char *mode)
{
	char path[PATH];
	FILE *f;

	snprintf(path, sizeof(path), "%s/%s%s", folder, name, end);
	f = fopen(path, mode);
	need(f != NULL, path);
	return f;
}

static X509 *
read_cert(const char *path)
{
	FILE *f = fopen(path, "r");
	X509 *x;

	need(f != NULL, path);
	x = PEM_read_X509(f, NULL, NULL, NULL);
	fclose(f);
	need(x != NULL, path);
	return x;
}

static EVP_PKEY *
read_key(const char *folder, const char *name)
{
	FILE *f = open_file(folder, name, ".key", "r");
	EVP_PKEY *key = PEM_read_PrivateKey(f, NULL, NULL, NULL);

	fclose(f);
	need(key != NULL, name);
	return key;
}

static void
add_extension(X509 *cert, X509 *issuer, int nid, const char *value)
{
	X509_EXTENSION *e;
	X509V3_CTX ctx;

	X509V3_set_ctx_nodb(&ctx);
	X509V3_set_ctx(&ctx, issuer, cert, NULL, NULL, 0);
	e = X509V3_EXT_conf_nid(NULL, &ctx, nid, value);
	need(e != NULL, value);
	X509_add_ext(cert, e, -1);
	X509_EXTENSION_free(e);
}

static X509 *
build(const struct cert_spec *spec, EVP_PKEY *key, X509 *issuer,
    EVP_PKEY *signer)
{
	static long serial;
	X509 *cert = X509_new();
	X509_NAME *subject;
	int days = spec->days != 0 ? spec->days : 30;

	need(cert != NULL, "memory");
	X509_set_version(cert, 2);
	ASN1_INTEGER_set(X509_get_serialNumber(cert), ++serial);
	X509_gmtime_adj(X509_getm_notBefore(cert), -365 * DAY);
	X509_gmtime_adj(X509_getm_notAfter(cert), days * DAY);
	subject = X509_get_subject_name(cert);
	X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_UTF8,
	    (const unsigned char *)spec->name, -1, -1, 0);
	if (issuer == NULL)
		issuer = cert;
	X509_set_issuer_name(cert, X509_get_subject_name(issuer));
	X509_set_pubkey(cert, key);
	add_extension(cert, issuer, NID_basic_constraints,
	    spec->is_ca ? "critical,CA:TRUE" : "CA:FALSE");
	add_extension(cert, issuer, NID_subject_key_identifier, "hash");
	if (spec->alt != NULL)
		add_extension(cert, issuer, NID_subject_alt_name, spec->alt);
	need(X509_sign(cert, signer, EVP_sha256()) > 0, "signature");
	return cert;
}

void
cert_write(const char *folder, const struct cert_spec *spec)
{
	EVP_PKEY *key = spec->is_rsa ? EVP_RSA_gen(2048) : EVP_EC_gen("P-256");
	EVP_PKEY *signer = key;
	X509 *issuer = NULL, *cert;
	char path[PATH];
	FILE *f;

	need(key != NULL, "key");
	if (spec->issuer != NULL) {
		snprintf(path, sizeof(path), "%s/%s.pem", folder,
		    spec->issuer);
		issuer = read_cert(path);
		signer = read_key(folder, spec->issuer);
	}
	cert = build(spec, key, issuer, signer);
	f = open_file(folder, spec->name, ".pem", "w");
	need(PEM_write_X509(f, cert) == 1 && fclose(f) == 0, "write");
	f = open_file(folder, spec->name, ".key", "w");
	need(PEM_write_PrivateKey(f, key, NULL, NULL, 0, NULL, NULL) == 1 &&
	    fclose(f) == 0, "write");
	X509_free(cert);
	X509_free(issuer);
	if (signer != key)
		EVP_PKEY_free(signer);
	EVP_PKEY_free(key);
}

const char *
cert_fingerprint(const char *path)
{
	static char text[2 * EVP_MAX_MD_SIZE + 1];
	unsigned char digest[EVP_MAX_MD_SIZE];
	X509 *cert = read_cert(path);
	unsigned len = 0, i;

	need(X509_digest(cert, EVP_sha256(), digest, &len) == 1, path);
	X509_free(cert);
	for (i = 0; i < len; i++)
		snprintf(text + 2 * i, 3, "%02x", digest[i]);
	return text;
}
