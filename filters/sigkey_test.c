#include <stdio.h>
#include <string.h>

#include <openssl/evp.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>

#include "filters/sigkey.h"
#include "tests/kit/t.h"

/* RFC 8463 A.2 and RFC 6376 C (the latter of 1024 bits). */
#define ED_P	"11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo="
#define RSA_P	"MIGfMA0GCSqGSIb3DQEBAQUAA4GNADCBiQKBgQDkHlOQoBTzWRiGs5V6NpP3" \
	"idY6Wk08a5qhdR6wy5bdOKb2jLQiY/J16JYi0Qvx/byYzCNb3W91y3FutACDfzwQ/BC/" \
	"e/8uBsCR+yz1Lxj+PL6lHvqMKrM3rG4hstT5QjvHO9PzoxZyVYLzBfO2EeC3Ip3G+2kr" \
	"yOTIKT+l/K4w3QIDAQAB"
/* The same without its SubjectPublicKeyInfo. */
#define PKCS1_P	"MIGJAoGBAOQeU5CgFPNZGIazlXo2k/eJ1jpaTTxrmqF1HrDLlt04pvaMtCJj" \
	"8nXoliLRC/H9vJjMI1vdb3XLcW60AIN/PBD8EL97/y4GwJH7LPUvGP48vqUe+owqszes" \
	"biGy1PlCO8c70/OjFnJVgvMF87YR4Lcincb7aSvI5MgpP6X8rjDdAgMBAAE="

/* A good record comes back as its bits and flags. */
static const struct {
	const char		*name, *record;
	enum sigkey_algorithm	 algorithm;
	const char		*want;
} records[] = {
	{ "RSA", "v=DKIM1; k=rsa; p=" RSA_P, SIGKEY_RSA_SHA256, "1024" },
	{ "only p=", "p=" RSA_P, SIGKEY_RSA_SHA256, "1024" },
	{ "bare RSAPublicKey", "p=" PKCS1_P, SIGKEY_RSA_SHA256, "1024" },
	{ "Ed25519", "v=DKIM1; k=ed25519; p=" ED_P, SIGKEY_ED25519_SHA256,
	    "256" },
	{ "flags", "t=y:s; p=" RSA_P, SIGKEY_RSA_SHA256,
	    "1024 test strict" },
	{ "unknown tags and flags", "t=x; n=a note; z=; p=" RSA_P,
	    SIGKEY_RSA_SHA256, "1024" },
	{ "for sha256 too", "h=sha1:sha256; s=other:email; p=" RSA_P,
	    SIGKEY_RSA_SHA256, "1024" },
	{ "for every service", "s=*; p=" RSA_P, SIGKEY_RSA_SHA256, "1024" },
	{ "for sha1 only", "h=sha1; p=" RSA_P, SIGKEY_RSA_SHA256,
	    "a key not for sha256" },
	{ "for another service", "s=web; p=" RSA_P, SIGKEY_RSA_SHA256,
	    "a key not for mail" },
	{ "another version", "v=DKIM2; p=" RSA_P, SIGKEY_RSA_SHA256,
	    "not a key record: v= is not DKIM1 at the front" },
	{ "version not in front", "k=rsa; v=DKIM1; p=" RSA_P,
	    SIGKEY_RSA_SHA256,
	    "not a key record: v= is not DKIM1 at the front" },
	{ "another type", "k=ed25519; p=" ED_P, SIGKEY_RSA_SHA256,
	    "a key of another type than the signature's" },
	{ "RSA is the default type", "p=" ED_P, SIGKEY_ED25519_SHA256,
	    "a key of another type than the signature's" },
	{ "revoked", "v=DKIM1; p=", SIGKEY_RSA_SHA256,
	    "the key was revoked" },
	{ "no p=", "v=DKIM1", SIGKEY_RSA_SHA256, "a key record without p=" },
	{ "not a list", "v=DKIM1; words", SIGKEY_RSA_SHA256,
	    "not a key record: a tag without \"=\"" },
	{ "SPF", "v=spf1 -all", SIGKEY_RSA_SHA256,
	    "not a key record: v= is not DKIM1 at the front" },
	{ "not base64", "p=!", SIGKEY_RSA_SHA256, "p= is not base64" },
	{ "not DER", "p=AAAA", SIGKEY_RSA_SHA256, "p= is no RSA key" },
	{ "DER cut short", "p=MIGfMA0GCSqGSIb3DQEBAQUAA4GNADCBiQ",
	    SIGKEY_RSA_SHA256, "p= is no RSA key" },
	{ "an elliptic curve", "p=MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEAAAA",
	    SIGKEY_RSA_SHA256, "p= is no RSA key" },
	{ "Ed25519 of 33 octets", "k=ed25519; p=" "MTExMTExMTExMTExMTExMTEx"
	    "MTExMTExMTExMTExMTEx", SIGKEY_ED25519_SHA256,
	    "p= is no Ed25519 key" },
};

static void
record_test(struct arena *a)
{
	struct sigkey key;
	struct err err;
	char got[100];
	size_t i;

	for (i = 0; i < sizeof(records) / sizeof(*records); i++) {
		if (sigkey_parse(a, span_z(records[i].record),
		    records[i].algorithm, &key, &err) < 0) {
			T_STR(records[i].name, err.text, records[i].want);
			continue;
		}
		snprintf(got, sizeof(got), "%d%s%s", key.bits,
		    key.is_test ? " test" : "",
		    key.is_strict ? " strict" : "");
		T_STR(records[i].name, got, records[i].want);
	}
}

static const char *
base64(struct arena *a, const uint8_t *p, size_t len)
{
	char *text = arena_alloc(a, (len + 2) / 3 * 4 + 1);

	EVP_EncodeBlock((uint8_t *)text, p, (int)len);
	return text;
}

/* --- RSA keys as odd as DER allows --- */

static size_t
der_number(uint8_t *to, size_t octets, uint8_t top, uint8_t last)
{
	size_t head = 4;

	to[0] = 0x02;
	to[1] = 0x82;
	to[2] = (uint8_t)((octets + 1) >> 8);
	to[3] = (uint8_t)(octets + 1);
	to[head] = 0;
	memset(to + head + 1, 0xc5, octets);
	to[head + 1] = top;
	to[head + octets] = last;
	return head + 1 + octets;
}

static const struct {
	const char	*name;
	size_t		 octets;	/* of the modulus */
	uint8_t		 top;
	size_t		 exponent;	/* octets */
	uint8_t		 last;
	const char	*want;		/* NULL: a key */
} sizes[] = {
	{ "1024 bits", 128, 0x80, 3, 1, NULL },
	{ "1023 bits", 128, 0x40, 3, 1, "an RSA key of only 1023 bits" },
	{ "512 bits", 64, 0x80, 3, 1, "an RSA key of only 512 bits" },
	{ "4096 bits", 512, 0x80, 3, 1, NULL },
	{ "4097 bits", 513, 0x01, 3, 1, "an RSA key of 4097 bits, over 4096" },
	{ "16384 bits", 2048, 0x80, 3, 1,
	    "an RSA key of 16384 bits, over 4096" },
	{ "exponent 3", 256, 0x80, 1, 3, NULL },
	{ "exponent of 32 bits", 256, 0x80, 4, 1, NULL },
	{ "exponent of 40 bits", 256, 0x80, 5, 1,
	    "an RSA key with an unusable exponent" },
	{ "exponent 1", 256, 0x80, 1, 1,
	    "an RSA key with an unusable exponent" },
	{ "even exponent", 256, 0x80, 3, 2,
	    "an RSA key with an unusable exponent" },
	{ "exponent as long as the modulus", 256, 0x80, 256, 1,
	    "an RSA key with an unusable exponent" },
};

static void
size_test(struct arena *a)
{
	uint8_t der[2600];
	struct sigkey key;
	struct err err;
	size_t i, n;
	int r;

	for (i = 0; i < sizeof(sizes) / sizeof(*sizes); i++) {
		n = 4 + der_number(der + 4, sizes[i].octets, sizes[i].top,
		    0xc5);
		n += der_number(der + n, sizes[i].exponent, 0x81,
		    sizes[i].last);
		memcpy(der, "\x30\x82", 2);
		der[2] = (uint8_t)((n - 4) >> 8);
		der[3] = (uint8_t)(n - 4);
		r = sigkey_parse(a, span_z(arena_printf(a, "p=%s",
		    base64(a, der, n))), SIGKEY_RSA_SHA256, &key, &err);
		if (r < 0 || sizes[i].want != NULL)
			T_STR(sizes[i].name, r < 0 ? err.text : "a key",
			    sizes[i].want);
		else
			T_OK(sizes[i].name, key.key != NULL);
		T_OK("its size is told", key.bits > 0);
	}
}

/* --- signatures --- */

static const uint8_t digest[SIGKEY_DIGEST] = "12345678901234567890123456789012";

static void
rsa_test(struct arena *a, unsigned bits)
{
	EVP_PKEY *pair = EVP_RSA_gen(bits);
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new(pair, NULL);
	uint8_t signature[512], *der = NULL;
	size_t len = sizeof(signature);
	struct sigkey key;
	struct err err;
	int n = i2d_PUBKEY(pair, &der), r;

	EVP_PKEY_sign_init(ctx);
	EVP_PKEY_CTX_set_rsa_padding(ctx, RSA_PKCS1_PADDING);
	EVP_PKEY_CTX_set_signature_md(ctx, EVP_sha256());
	EVP_PKEY_sign(ctx, signature, &len, digest, sizeof(digest));
	r = sigkey_parse(a, span_z(arena_printf(a, "p=%s",
	    base64(a, der, (size_t)n))), SIGKEY_RSA_SHA256, &key, &err);
	T_INT("RSA key", r, 0);
	T_INT("its size", key.bits, bits);
	T_OK("good signature", sigkey_verify(&key, digest,
	    span_n(signature, len)));
	T_OK("short signature", !sigkey_verify(&key, digest,
	    span_n(signature, len - 1)));
	T_OK("no signature", !sigkey_verify(&key, digest, span_n("", 0)));
	signature[len / 2] ^= 1;
	T_OK("other signature", !sigkey_verify(&key, digest,
	    span_n(signature, len)));
	OPENSSL_free(der);
	EVP_PKEY_CTX_free(ctx);
	EVP_PKEY_free(pair);
}

static void
ed25519_test(struct arena *a)
{
	EVP_PKEY *pair = EVP_PKEY_Q_keygen(NULL, NULL, "ED25519");
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	uint8_t signature[64], raw[32];
	size_t len = sizeof(signature), n = sizeof(raw);
	struct sigkey key;
	struct err err;
	int r;

	EVP_DigestSignInit(ctx, NULL, NULL, NULL, pair);
	EVP_DigestSign(ctx, signature, &len, digest, sizeof(digest));
	EVP_PKEY_get_raw_public_key(pair, raw, &n);
	r = sigkey_parse(a, span_z(arena_printf(a, "k=ed25519; p=%s",
	    base64(a, raw, n))), SIGKEY_ED25519_SHA256, &key, &err);
	T_INT("Ed25519 key", r, 0);
	T_OK("good signature", sigkey_verify(&key, digest,
	    span_n(signature, len)));
	T_OK("short signature", !sigkey_verify(&key, digest,
	    span_n(signature, len - 1)));
	signature[0] ^= 1;
	T_OK("other signature", !sigkey_verify(&key, digest,
	    span_n(signature, len)));
	EVP_MD_CTX_free(ctx);
	EVP_PKEY_free(pair);
}

static void
algorithm_test(void)
{
	enum sigkey_algorithm got;

	T_INT("rsa-sha256", sigkey_algorithm_parse(SPAN_LIT("rsa-sha256"),
	    &got) == 0 ? (int)got : -1, SIGKEY_RSA_SHA256);
	T_INT("ed25519-sha256", sigkey_algorithm_parse(
	    SPAN_LIT("ed25519-sha256"), &got) == 0 ? (int)got : -1,
	    SIGKEY_ED25519_SHA256);
	T_INT("rsa-sha1 (RFC 8301)", sigkey_algorithm_parse(
	    SPAN_LIT("rsa-sha1"), &got), -1);
	T_INT("none", sigkey_algorithm_parse(SPAN_LIT(""), &got), -1);
}

int
main(void)
{
	struct arena *a = arena_create("test");

	record_test(a);
	size_test(a);
	rsa_test(a, 1024);
	rsa_test(a, 2048);
	ed25519_test(a);
	algorithm_test();
	arena_destroy(&a);
	return t_done();
}
