#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/evp.h>
#include <openssl/rsa.h>
#include <openssl/sha.h>
#include <openssl/x509.h>

#include "policy/fields.h"
#include "tests/kit/sealer.h"

static const char *
base64(struct arena *a, const void *p, size_t len)
{
	char *text = arena_alloc(a, (len + 2) / 3 * 4 + 1);

	EVP_EncodeBlock((uint8_t *)text, p, (int)len);
	return text;
}

static void
end_key(void *key)
{
	EVP_PKEY_free(key);
}

void
sealer_key_make(struct arena *a, unsigned bits, struct sealer_key *out)
{
	uint8_t raw[32], *der = NULL;
	size_t len = sizeof(raw);

	out->key = bits > 0 ? EVP_RSA_gen(bits) :
	    EVP_PKEY_Q_keygen(NULL, NULL, "ED25519");
	assert(out->key != NULL);
	arena_defer(a, end_key, out->key);
	if (bits > 0) {
		out->algorithm = "rsa-sha256";
		len = (size_t)i2d_PUBKEY(out->key, &der);
		out->record = arena_printf(a, "TXT \"v=DKIM1; k=rsa; \" "
		    "\"p=%.120s\" \"%s\"", base64(a, der, len),
		    base64(a, der, len) + 120);
		OPENSSL_free(der);
	} else {
		out->algorithm = "ed25519-sha256";
		EVP_PKEY_get_raw_public_key(out->key, raw, &len);
		out->record = arena_printf(a, "TXT \"v=DKIM1; k=ed25519; "
		    "p=%s\"", base64(a, raw, len));
	}
}

static const char *
sign(struct arena *a, const struct sealer_key *key, const struct buf *what)
{
	EVP_MD_CTX *md = EVP_MD_CTX_new();
	uint8_t signature[512], digest[SHA256_DIGEST_LENGTH];
	size_t len = sizeof(signature);
	bool is_rsa = EVP_PKEY_is_a(key->key, "RSA");
	int r;

	/* RFC 8463: Ed25519 signs the digest. */
	SHA256((const uint8_t *)what->p, what->len, digest);
	r = EVP_DigestSignInit(md, NULL, is_rsa ? EVP_sha256() : NULL, NULL,
	    key->key);
	assert(r == 1);
	r = is_rsa ? EVP_DigestSign(md, signature, &len,
	    (const uint8_t *)what->p, what->len) :
	    EVP_DigestSign(md, signature, &len, digest, sizeof(digest));
	assert(r == 1);
	EVP_MD_CTX_free(md);
	return base64(a, signature, len);
}

static const char *
body_hash(struct arena *a, struct span body, const struct sealer_set *set)
{
	uint8_t digest[SHA256_DIGEST_LENGTH];
	struct buf b = { 0 };
	struct canon_body c;
	struct span out;

	canon_body_begin(&c, set->body);
	while (canon_body_next(&c, &body, &out))
		buf_span(&b, out);
	while (canon_body_end(&c, &out))
		buf_span(&b, out);
	SHA256((const uint8_t *)b.p, set->limit > 0 ? set->limit : b.len,
	    digest);
	buf_free(&b);
	return base64(a, digest, sizeof(digest));
}

/* A field that is only being made: all of it is there but b=. */
static void
put_unsigned(struct buf *b, const char *text, enum canon how)
{
	struct span s = span_z(text);

	canon_signature(b, s, span_n(s.p + s.len, 0), how);
}

static const char *
make_message(struct arena *a, const struct fields *f, struct span body,
    const struct sealer_set *set)
{
	bool *taken = calloc(f->n + 1, sizeof(*taken));
	struct span names = span_z(set->h), name;
	struct buf b = { 0 };
	const char *text;
	size_t i;

	text = arena_printf(a, "ARC-Message-Signature: i=%u; a=%s;%s%s%s "
	    "d=%s;\r\n\ts=s; h=%s;%s bh=%s; b=", set->i, set->key->algorithm,
	    set->c != NULL ? " c=" : "", set->c != NULL ? set->c : "",
	    set->c != NULL ? ";" : "", set->domain, set->h,
	    set->message_tags != NULL ? set->message_tags : "",
	    body_hash(a, body, set));
	while (names.len > 0) {
		name = span_until(&names, ':');
		for (i = f->n; i-- > 0; )
			if (!taken[i] && span_eq_nocase(f->list[i].name,
			    name)) {
				taken[i] = true;
				canon_field(&b, f->list[i].whole, set->header);
				break;
			}
	}
	put_unsigned(&b, text, set->header);
	text = arena_printf(a, "%s%s\r\n", text, sign(a, set->key, &b));
	buf_free(&b);
	free(taken);
	return text;
}

/* Each set begins with its instance. */
static void
put_set(struct buf *b, const struct fields *f, unsigned i)
{
	static const char *const names[] = { "ARC-Authentication-Results",
	    "ARC-Message-Signature", "ARC-Seal" };
	const struct field *part;
	char front[16];

	snprintf(front, sizeof(front), " i=%u;", i);
	for (size_t n = 0; n < 3; n++)
		for (part = fields_find(f, names[n], NULL); part != NULL;
		    part = fields_find(f, names[n], part))
			if (span_starts_nocase(part->value, front))
				canon_field(b, part->whole, CANON_RELAXED);
}

const char *
sealer_put(struct arena *a, const char *message, const struct sealer_set *set)
{
	const char *results, *signature, *seal, *body;
	struct buf b = { 0 };
	struct fields f;

	fields_parse(a, span_z(message), &f);
	body = message + f.size + 2;
	results = arena_printf(a, "ARC-Authentication-Results: i=%u; %s; "
	    "spf=pass\r\n", set->i, set->domain);
	signature = make_message(a, &f, span_z(body), set);
	for (unsigned i = 1; i < set->i; i++)
		put_set(&b, &f, i);
	canon_field(&b, span_z(results), CANON_RELAXED);
	canon_field(&b, span_z(signature), CANON_RELAXED);
	seal = arena_printf(a, "ARC-Seal: i=%u; a=%s; cv=%s; d=%s; s=s;%s b=",
	    set->i, set->key->algorithm, set->cv != NULL ? set->cv :
	    set->i == 1 ? "none" : "pass", set->domain,
	    set->seal_tags != NULL ? set->seal_tags : "");
	put_unsigned(&b, seal, CANON_RELAXED);
	seal = arena_printf(a, "%s%s\r\n%s%s%s", seal, sign(a, set->key, &b),
	    signature, results, message);
	buf_free(&b);
	return seal;
}
