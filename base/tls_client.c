#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <openssl/err.h>
#include <openssl/ssl.h>

#include "base/err.h"
#include "base/mem.h"
#include "base/tls.h"
#include "base/tls_int.h"

static int
hex_value(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c = (char)tolower((unsigned char)c);
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static int
parse_fingerprint(const char *text, unsigned char out[TLS_SHA256],
    struct err *err)
{
	const char *p = text;
	size_t n;

	for (n = 0; n < TLS_SHA256; n++) {
		int high, low;

		if (n > 0 && *p == ':')
			p++;
		high = hex_value(p[0]);
		low = high < 0 ? -1 : hex_value(p[1]);
		if (low < 0)
			break;
		out[n] = (unsigned char)(high << 4 | low);
		p += 2;
	}
	if (n < TLS_SHA256 || *p != '\0')
		return err_set(err, ERR_CONFIG, "fingerprint \"%.100s\": "
		    "expected the 64 hex digits of a SHA-256", text);
	return 0;
}

static int
load_ca(SSL_CTX *ctx, const char *file, struct err *err)
{
	if (file == NULL) {
		if (SSL_CTX_set_default_verify_paths(ctx) == 1)
			return 0;
		return err_set(err, ERR_CONFIG,
		    "the system's CA certificates: %s", tls_reason());
	}
	if (access(file, R_OK) < 0)
		return err_set(err, ERR_CONFIG, "CA certificates %s: %s",
		    file, tls_file_error(errno));
	if (SSL_CTX_load_verify_file(ctx, file) != 1)
		return err_set(err, ERR_CONFIG,
		    "CA certificates %s: no certificate in PEM form", file);
	return 0;
}

struct tls_client *
tls_client_create(enum tls_verify verify, const char *ca_file,
    const char *fingerprint, struct err *err)
{
	struct tls_client *c = mem_zalloc(sizeof(*c), "TLS client");

	c->verify = verify;
	c->ctx = tls_context(TLS_client_method(), err);
	if (c->ctx == NULL)
		goto fail;
	if (verify == TLS_VERIFY_NAME) {
		if (load_ca(c->ctx, ca_file, err) < 0)
			goto fail;
		SSL_CTX_set_verify(c->ctx, SSL_VERIFY_PEER, NULL);
	}
	if (verify == TLS_VERIFY_FINGERPRINT &&
	    parse_fingerprint(fingerprint != NULL ? fingerprint : "",
	    c->fingerprint, err) < 0)
		goto fail;
	return c;
fail:
	tls_client_destroy(&c);
	return NULL;
}

void
tls_client_destroy(struct tls_client **cp)
{
	struct tls_client *c = *cp;

	if (c == NULL)
		return;
	*cp = NULL;
	SSL_CTX_free(c->ctx);
	ERR_clear_error();
	free(c);
}
