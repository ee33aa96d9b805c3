#include <stdbool.h>
#include <stddef.h>

#include <openssl/evp.h>

#include "base/mem.h"
#include "filters/digest.h"

/* A struct digest is an EVP_MD_CTX under the name that others know. */

static void
must(bool is_done)
{
	if (!is_done)
		mem_exhausted(0, "a digest");
}

struct digest *
digest_begin(void)
{
	EVP_MD_CTX *md = EVP_MD_CTX_new();

	must(md != NULL && EVP_DigestInit_ex(md, EVP_sha256(), NULL) == 1);
	return (struct digest *)md;
}

struct digest *
digest_copy(const struct digest *d)
{
	EVP_MD_CTX *md = EVP_MD_CTX_new();

	must(md != NULL && EVP_MD_CTX_copy_ex(md, (const EVP_MD_CTX *)d) == 1);
	return (struct digest *)md;
}

void
digest_add(struct digest *d, struct span s)
{
	must(EVP_DigestUpdate((EVP_MD_CTX *)d, s.p, s.len) == 1);
}

void
digest_end(struct digest **d, uint8_t out[DIGEST_SIZE])
{
	must(EVP_DigestFinal_ex((EVP_MD_CTX *)*d, out, NULL) == 1);
	digest_drop(d);
}

void
digest_drop(struct digest **d)
{
	EVP_MD_CTX_free((EVP_MD_CTX *)*d);
	*d = NULL;
}
