#include <string.h>

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/param_build.h>
#include <openssl/rsa.h>

#include "filters/sigkey.h"
#include "filters/tags.h"

#define EXPONENT_BITS_MOST	33	/* 2^32 + 1 was once in use */
#define ED25519_KEY		32
#define ED25519_SIGNATURE	64

#define DER_INTEGER		0x02
#define DER_BIT_STRING		0x03
#define DER_OID			0x06
#define DER_SEQUENCE		0x30

static const struct {
	const char	*name;		/* of a= */
	const char	*type;		/* of k= */
} algorithms[] = {
	[SIGKEY_RSA_SHA256] = { "rsa-sha256", "rsa" },
	[SIGKEY_ED25519_SHA256] = { "ed25519-sha256", "ed25519" },
};

int
sigkey_algorithm_parse(struct span name, enum sigkey_algorithm *out)
{
	for (size_t i = 0; i < sizeof(algorithms) / sizeof(*algorithms); i++)
		if (span_is_nocase(name, algorithms[i].name)) {
			*out = (enum sigkey_algorithm)i;
			return 0;
		}
	return -1;
}

/* --- DER: only what a key is made of. OpenSSL's own decoder takes longer to
 * be set up than the signature takes to be checked. --- */

/* Takes one value off the front. Definite lengths of at most 64 KiB. */
static int
der_take(struct span *in, unsigned type, struct span *value)
{
	const uint8_t *p = (const uint8_t *)in->p;
	size_t len, head = 2;

	if (in->len < 2 || p[0] != type)
		return -1;
	len = p[1];
	if (len == 0x81 && in->len >= 3) {
		len = p[2];
		head = 3;
	} else if (len == 0x82 && in->len >= 4) {
		len = (size_t)p[2] << 8 | p[3];
		head = 4;
	} else if (len >= 0x80) {
		return -1;
	}
	if (in->len - head < len)
		return -1;
	*value = span_n(in->p + head, len);
	*in = span_n(in->p + head + len, in->len - head - len);
	return 0;
}

/* A positive INTEGER, without its leading zeros. */
static int
der_number(struct span *in, struct span *value)
{
	if (der_take(in, DER_INTEGER, value) < 0 || value->len == 0 ||
	    (unsigned char)value->p[0] >= 0x80)
		return -1;
	while (value->len > 0 && value->p[0] == 0) {
		value->p++;
		value->len--;
	}
	return value->len > 0 ? 0 : -1;
}

/* What an RSA SubjectPublicKeyInfo holds, or the thing itself: the inside of
 * the RSAPublicKey. */
static int
der_rsa(struct span der, struct span *numbers)
{
	static const char rsa[] = "\x2a\x86\x48\x86\xf7\x0d\x01\x01\x01";
	struct span inside, algorithm, oid, bits;

	if (der_take(&der, DER_SEQUENCE, &inside) < 0)
		return -1;
	*numbers = inside;
	if (der_take(&inside, DER_SEQUENCE, &algorithm) < 0)
		return 0;
	if (der_take(&algorithm, DER_OID, &oid) < 0 ||
	    !span_is(oid, rsa) ||
	    der_take(&inside, DER_BIT_STRING, &bits) < 0 ||
	    bits.len < 1 || bits.p[0] != 0)
		return -1;
	bits = span_n(bits.p + 1, bits.len - 1);
	return der_take(&bits, DER_SEQUENCE, numbers);
}

/* --- keys --- */

static int
bit_length(struct span number)
{
	int bits = (int)(number.len - 1) * 8;

	for (unsigned top = (unsigned char)number.p[0]; top > 0; top >>= 1)
		bits++;
	return bits;
}

static EVP_PKEY *
rsa_build(OSSL_PARAM_BLD *build, const BIGNUM *n, const BIGNUM *e)
{
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(NULL, "RSA", NULL);
	OSSL_PARAM *params = NULL;
	EVP_PKEY *key = NULL;

	if (ctx != NULL &&
	    OSSL_PARAM_BLD_push_BN(build, OSSL_PKEY_PARAM_RSA_N, n) == 1 &&
	    OSSL_PARAM_BLD_push_BN(build, OSSL_PKEY_PARAM_RSA_E, e) == 1 &&
	    (params = OSSL_PARAM_BLD_to_param(build)) != NULL &&
	    EVP_PKEY_fromdata_init(ctx) == 1)
		(void)EVP_PKEY_fromdata(ctx, &key, EVP_PKEY_PUBLIC_KEY,
		    params);
	OSSL_PARAM_free(params);
	EVP_PKEY_CTX_free(ctx);
	return key;
}

static EVP_PKEY *
rsa_key(struct span modulus, struct span exponent)
{
	BIGNUM *n = BN_bin2bn((const uint8_t *)modulus.p, (int)modulus.len,
	    NULL);
	BIGNUM *e = BN_bin2bn((const uint8_t *)exponent.p, (int)exponent.len,
	    NULL);
	OSSL_PARAM_BLD *build = OSSL_PARAM_BLD_new();
	EVP_PKEY *key = NULL;

	if (n != NULL && e != NULL && build != NULL)
		key = rsa_build(build, n, e);
	OSSL_PARAM_BLD_free(build);
	BN_free(n);
	BN_free(e);
	return key;
}

static int
read_rsa(struct span der, struct sigkey *out, struct err *err)
{
	struct span numbers, n, e;

	if (der_rsa(der, &numbers) < 0 || der_number(&numbers, &n) < 0 ||
	    der_number(&numbers, &e) < 0)
		return err_set(err, ERR_SYNTAX, "p= is no RSA key");
	out->bits = bit_length(n);
	if (out->bits < SIGKEY_BITS_LEAST)
		return err_set(err, ERR_SYNTAX,
		    "an RSA key of only %d bits", out->bits);
	if (out->bits > SIGKEY_BITS_MOST)
		return err_set(err, ERR_SYNTAX,
		    "an RSA key of %d bits, over %d", out->bits,
		    SIGKEY_BITS_MOST);
	/* With 1 everybody could sign. */
	if (bit_length(e) > EXPONENT_BITS_MOST || bit_length(e) < 2 ||
	    (e.p[e.len - 1] & 1) == 0)
		return err_set(err, ERR_SYNTAX,
		    "an RSA key with an unusable exponent");
	out->key = rsa_key(n, e);
	return 0;
}

static int
read_ed25519(struct span octets, struct sigkey *out, struct err *err)
{
	if (octets.len != ED25519_KEY)
		return err_set(err, ERR_SYNTAX, "p= is no Ed25519 key");
	out->bits = 256;
	out->key = EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, NULL,
	    (const uint8_t *)octets.p, octets.len);
	return 0;
}

static void
free_key(void *key)
{
	EVP_PKEY_free(key);
}

static int
read_key(struct arena *a, struct span p, struct sigkey *out, struct err *err)
{
	struct span octets;
	int r;

	if (p.len == 0)
		return err_set(err, ERR_SYNTAX, "the key was revoked");
	if (tags_base64(a, p, &octets) < 0)
		return err_set(err, ERR_SYNTAX, "p= is not base64");
	ERR_clear_error();
	r = out->algorithm == SIGKEY_RSA_SHA256 ?
	    read_rsa(octets, out, err) : read_ed25519(octets, out, err);
	ERR_clear_error();
	if (r < 0)
		return -1;
	if (out->key == NULL)
		return err_set(err, ERR_SYNTAX, "p= is no usable key");
	arena_defer(a, free_key, out->key);
	return 0;
}

/* A tag that may be missing, or must hold one of two words. */
static bool
allows(const struct tags *tags, const char *name, const char *word,
    const char *other)
{
	const struct tag *tag = tags_find(tags, name);

	return tag == NULL || tags_has(tag->value, word) ||
	    tags_has(tag->value, other);
}

int
sigkey_parse(struct arena *a, struct span record,
    enum sigkey_algorithm algorithm, struct sigkey *out, struct err *err)
{
	const struct tag *v, *k, *p, *t;
	struct tags tags;

	*out = (struct sigkey){ .algorithm = algorithm };
	if (tags_parse(a, record, &tags, err) < 0)
		return err_prefix(err, "not a key record");
	v = tags_find(&tags, "v");
	k = tags_find(&tags, "k");
	p = tags_find(&tags, "p");
	t = tags_find(&tags, "t");
	if (v != NULL && (v != tags.list || !span_is(v->value, "DKIM1")))
		return err_set(err, ERR_SYNTAX,
		    "not a key record: v= is not DKIM1 at the front");
	if (!span_is_nocase(k != NULL ? k->value : SPAN_LIT("rsa"),
	    algorithms[algorithm].type))
		return err_set(err, ERR_SYNTAX, "a key of another type than "
		    "the signature's");
	if (!allows(&tags, "h", "sha256", "sha256"))
		return err_set(err, ERR_SYNTAX, "a key not for sha256");
	if (!allows(&tags, "s", "*", "email"))
		return err_set(err, ERR_SYNTAX, "a key not for mail");
	if (p == NULL)
		return err_set(err, ERR_SYNTAX, "a key record without p=");
	out->is_test = t != NULL && tags_has(t->value, "y");
	out->is_strict = t != NULL && tags_has(t->value, "s");
	return read_key(a, p->value, out, err);
}

/* --- signatures --- */

static bool
verify_rsa(EVP_PKEY *key, const uint8_t *digest, struct span signature)
{
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new(key, NULL);
	bool is_good;

	is_good = ctx != NULL && EVP_PKEY_verify_init(ctx) == 1 &&
	    EVP_PKEY_CTX_set_rsa_padding(ctx, RSA_PKCS1_PADDING) == 1 &&
	    EVP_PKEY_CTX_set_signature_md(ctx, EVP_sha256()) == 1 &&
	    EVP_PKEY_verify(ctx, (const uint8_t *)signature.p, signature.len,
	    digest, SIGKEY_DIGEST) == 1;
	EVP_PKEY_CTX_free(ctx);
	return is_good;
}

/* RFC 8463 3: the digest is what is signed. */
static bool
verify_ed25519(EVP_PKEY *key, const uint8_t *digest, struct span signature)
{
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	bool is_good;

	is_good = signature.len == ED25519_SIGNATURE && ctx != NULL &&
	    EVP_DigestVerifyInit(ctx, NULL, NULL, NULL, key) == 1 &&
	    EVP_DigestVerify(ctx, (const uint8_t *)signature.p, signature.len,
	    digest, SIGKEY_DIGEST) == 1;
	EVP_MD_CTX_free(ctx);
	return is_good;
}

bool
sigkey_verify(const struct sigkey *key, const uint8_t digest[SIGKEY_DIGEST],
    struct span signature)
{
	bool is_good;

	ERR_clear_error();
	is_good = key->algorithm == SIGKEY_RSA_SHA256 ?
	    verify_rsa(key->key, digest, signature) :
	    verify_ed25519(key->key, digest, signature);
	ERR_clear_error();
	return is_good;
}
