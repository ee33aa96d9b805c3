#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/evp.h>
#include <openssl/pem.h>

#include "base/clock.h"
#include "base/tls.h"
#include "tests/kit/t.h"
#include "tests/kit/tls_pair.h"

static void
write_file(const char *name, const char *text)
{
	FILE *f = fopen(tls_pair_file(name), "w");

	if (f == NULL || fputs(text, f) == EOF || fclose(f) != 0)
		abort();
}

static void
write_locked_key(void)
{
	EVP_PKEY *key = EVP_EC_gen("P-256");
	FILE *f = fopen(tls_pair_file("locked"), "w");

	if (f == NULL || PEM_write_PKCS8PrivateKey(f, key, EVP_aes_128_cbc(),
	    "secret", 6, NULL, NULL) != 1 || fclose(f) != 0)
		abort();
	EVP_PKEY_free(key);
}

/* `want` is what the text says behind the folder's name, or all of it. */
static const char *
without_folder(const char *text)
{
	static char out[300];
	const char *at;
	const char *folder = tls_pair_folder();
	size_t len = strlen(folder) + 1;
	char *p = out;

	while ((at = strstr(text, folder)) != NULL) {
		p = mempcpy(p, text, (size_t)(at - text));
		text = at + len;
	}
	strcpy(p, text);
	return out;
}

static void
test_bad_files(void)
{
	static const struct {
		const char *name, *cert, *key, *want;
	} cases[] = {
		{ "no certificate", "none.pem", "a.key",
		    "certificate none.pem: no such file" },
		{ "no key", "a.pem", "none.key", "key none.key: no such file" },
		{ "another's key", "a.pem", "b.key",
		    "key b.key does not match certificate a.pem" },
		{ "a key of another type", "a.pem", "a-rsa.key",
		    "key a-rsa.key does not match certificate a.pem" },
		{ "not PEM", "text", "a.key",
		    "certificate text: no certificate in PEM form" },
		{ "a key only", "a.key", "a.key",
		    "certificate a.key: no certificate in PEM form" },
		{ "a key that is none", "a.pem", "text",
		    "key text: no private key in PEM form" },
		{ "a folder", ".", "a.key", "certificate .: is a folder" },
		{ "damaged", "damaged", "a.key",
		    "certificate damaged: damaged: bad base64 decode" },
		{ "a passphrase", "a.pem", "locked", "key locked: is locked "
		    "with a passphrase; it must be plain" },
	};
	struct tls_client *c;
	struct tls_server *s;
	struct err err;
	size_t i;

	write_file("text", "hello\n");
	write_file("damaged", "-----BEGIN CERTIFICATE-----\n!!!!\n"
	    "-----END CERTIFICATE-----\n");
	write_locked_key();
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct tls_pair pair = { tls_pair_file(cases[i].cert),
		    tls_pair_file(cases[i].key) };

		err.text[0] = '\0';
		s = tls_server_create(&pair, 1, TLS_CLIENT_CERT_NONE, NULL,
		    &err);
		T_OK(cases[i].name, s == NULL && err.kind == ERR_CONFIG);
		T_STR(cases[i].name, without_folder(err.text), cases[i].want);
		tls_server_destroy(&s);
	}
	c = tls_client_create(TLS_VERIFY_NAME, tls_pair_file("none.pem"), NULL,
	    &err);
	T_OK("no CA file", c == NULL);
	T_STR("no CA file", without_folder(err.text),
	    "CA certificates none.pem: no such file");
	c = tls_client_create(TLS_VERIFY_NAME, tls_pair_file("text"), NULL,
	    &err);
	T_OK("CA file without a certificate", c == NULL);
	T_STR("CA file without a certificate", without_folder(err.text),
	    "CA certificates text: no certificate in PEM form");
	c = tls_client_create(TLS_VERIFY_NAME, NULL, NULL, &err);
	T_OK("the system's CAs", c != NULL);
	tls_client_destroy(&c);
}

static void
test_bad_fingerprints(void)
{
	static const struct {
		const char *name, *text;
	} cases[] = {
		{ "none", NULL },
		{ "too short", "ab:cd" },
		{ "SHA-1", "da39a3ee5e6b4b0d3255bfef95601890afd80709" },
		{ "not hex", "g3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934c"
		    "a495991b7852b855" },
		{ "too long", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934"
		    "ca495991b7852b85500" },
	};
	struct tls_client *c;
	struct err err;
	size_t i;

	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		c = tls_client_create(TLS_VERIFY_FINGERPRINT, NULL,
		    cases[i].text, &err);
		T_OK(cases[i].name, c == NULL && err.kind == ERR_CONFIG &&
		    strstr(err.text, "64 hex digits") != NULL);
	}
}

static void
test_expiry(void)
{
	const char *folder = tls_pair_folder();
	char chain[300];
	int64_t now = clock_wall() / CLOCK_S, when = 0;
	struct err err;

	T_INT("a certificate's end", tls_expiry(tls_pair_file("a.pem"), &when,
	    &err), 0);
	T_OK("in 30 days", when > now + 29 * 86400 && when < now + 31 * 86400);
	snprintf(chain, sizeof(chain), "cat %s/a.pem %s/old.pem >%s/chain.pem",
	    folder, folder, folder);
	if (system(chain) != 0)
		abort();
	T_INT("a chain's end", tls_expiry(tls_pair_file("chain.pem"), &when,
	    &err), 0);
	T_OK("its first to end counts", when < now);
	T_INT("no file", tls_expiry(tls_pair_file("none.pem"), &when, &err),
	    -1);
}

int
main(void)
{
	tls_pair_begin();
	test_bad_files();
	test_bad_fingerprints();
	test_expiry();
	tls_pair_end();
	return t_done();
}
