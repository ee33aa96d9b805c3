#include <assert.h>
#include <stdio.h>
#include <string.h>

#include <openssl/evp.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>

#include "base/dns.h"
#include "base/loop.h"
#include "filters/signature_field.h"
#include "filters/signed_body.h"
#include "filters/signed_header.h"
#include "tests/kit/signed.h"

static EVP_PKEY	*keys[2];
static char	*published[2];		/* what p= says */
static const char *const names[2] = { "rsa-sha256", "ed25519-sha256" };

/* --- signing --- */

static char *
base64(struct arena *a, const uint8_t *octets, size_t len)
{
	char *text = arena_alloc(a, len / 3 * 4 + 5);

	EVP_EncodeBlock((unsigned char *)text, octets, (int)len);
	return text;
}

void
signed_keys_create(void)
{
	static struct arena *a;		/* never ends */
	uint8_t raw[32], *der = NULL;
	size_t len = sizeof(raw);
	int n;

	a = arena_create("keys");
	keys[SIGNED_RSA] = EVP_RSA_gen(1024);
	keys[SIGNED_ED25519] = EVP_PKEY_Q_keygen(NULL, NULL, "ED25519");
	n = i2d_PUBKEY(keys[SIGNED_RSA], &der);
	assert(n > 0);
	published[SIGNED_RSA] = base64(a, der, (size_t)n);
	OPENSSL_free(der);
	n = EVP_PKEY_get_raw_public_key(keys[SIGNED_ED25519], raw, &len);
	assert(n == 1);
	published[SIGNED_ED25519] = base64(a, raw, len);
}

static char *
sign_digest(struct arena *a, enum signed_key which,
    const uint8_t digest[DIGEST_SIZE])
{
	EVP_MD_CTX *md = EVP_MD_CTX_new();
	uint8_t out[256];
	size_t len = sizeof(out);
	EVP_PKEY_CTX *ctx;
	int ok;

	if (which == SIGNED_ED25519) {
		ok = EVP_DigestSignInit(md, NULL, NULL, NULL,
		    keys[SIGNED_ED25519]) == 1 &&
		    EVP_DigestSign(md, out, &len, digest, DIGEST_SIZE) == 1;
	} else {
		ctx = EVP_PKEY_CTX_new(keys[SIGNED_RSA], NULL);
		ok = EVP_PKEY_sign_init(ctx) == 1 &&
		    EVP_PKEY_CTX_set_rsa_padding(ctx, RSA_PKCS1_PADDING) == 1 &&
		    EVP_PKEY_CTX_set_signature_md(ctx, EVP_sha256()) == 1 &&
		    EVP_PKEY_sign(ctx, out, &len, digest, DIGEST_SIZE) == 1;
		EVP_PKEY_CTX_free(ctx);
	}
	EVP_MD_CTX_free(md);
	assert(ok);
	return base64(a, out, len);
}

static struct span
body_of(struct span message, const struct fields *header)
{
	return span_n(message.p + header->size + 2,
	    message.len - header->size - 2);
}

char *
signed_message(struct arena *a, enum signed_key which, const char *tags,
    const char *message)
{
	struct signature_field f;
	struct signed_header what;
	struct signed_body *body;
	const struct body_digest *d;
	uint8_t digest[DIGEST_SIZE] = { 0 };
	struct fields header;
	struct err err;
	char *head, *text;
	int r;

	/* The body does not depend on the header. */
	fields_parse(a, span_z(message), &header);
	text = arena_printf(a, "DKIM-Signature: v=1; a=%s; bh=%s; b=AAAA; "
	    "%s\r\n\r\n", names[which], base64(a, digest, DIGEST_SIZE), tags);
	fields_parse(a, span_z(text), &header);
	r = signature_field_parse(a, header.list, &f, &err);
	assert(r == 0);
	fields_parse(a, span_z(message), &header);
	body = signed_body_create(a);
	d = signed_body_want(body, f.body_form,
	    f.has_length ? f.length : UINT64_MAX);
	signed_body_add(body, body_of(span_z(message), &header));
	signed_body_end(body);

	head = arena_printf(a, "DKIM-Signature: v=1; a=%s; %s;\r\n bh=%s; b=",
	    names[which], tags, base64(a, d->digest, DIGEST_SIZE));
	text = arena_printf(a, "%sAAAA\r\n%s", head, message);
	fields_parse(a, span_z(text), &header);
	what = (struct signed_header){ header.list, f.names,
	    span_n(text + strlen(head), 4), f.header_form };
	signed_header_digest(&header, &what, digest);
	return arena_printf(a, "%s%s\r\n%s", head,
	    sign_digest(a, which, digest), message);
}

/* --- DNS --- */

const char *
signed_key_text(enum signed_key which)
{
	return published[which];
}

char *
signed_zone(struct arena *a, const char *before, enum signed_key which)
{
	return arena_printf(a, "k._domainkey.x.example TXT \"%s%s\"\n",
	    before, published[which]);
}

/* --- one message, verified in a fiber --- */

void
signed_verify(void *arg)
{
	struct trial *t = arg;
	struct signature_check *c;
	struct fields header;
	struct span body;

	fields_parse(t->arena, t->message, &header);
	c = signature_begin(t->arena, &t->options, &header);
	body = header.size + 2 <= t->message.len ?
	    body_of(t->message, &header) : span_n(NULL, 0);
	for (size_t i = 0; i < body.len; i += t->piece)
		signature_body(c, span_n(body.p + i, body.len - i < t->piece ?
		    body.len - i : t->piece));
	t->ret = signature_finish(c, &t->answer, &t->err);
}

void
signed_begin(const char *zone)
{
	struct dns_options options = { .hosts = zone };
	struct err err = { 0 };
	int r;

	loop_create();
	r = dns_create(&options, &err);
	if (r < 0)
		printf("%s\n", err.text);
	assert(r == 0);
}

void
signed_end(void)
{
	while (fiber_count() > 0)
		loop_turn(true);
	dns_destroy();
	loop_destroy();
}

struct trial *
signed_try(struct arena *a, const char *zone, struct span message,
    struct signature_options options)
{
	struct trial *t = arena_new(a, struct trial);

	*t = (struct trial){ .arena = a, .message = message, .piece = 65536,
	    .options = options };
	if (options.timeout == 0)
		t->options.timeout = CLOCK_S / 5;	/* nobody waits */
	signed_begin(zone);
	fiber_spawn("trial", signed_verify, t);
	signed_end();
	return t;
}

const char *
signed_summary(struct arena *a, const struct signature_answer *answer)
{
	const char *all = "";

	for (size_t i = 0; i < answer->n; i++) {
		const struct signature *s = &answer->list[i];

		all = arena_printf(a, "%s%s%s%s%s%s", all, i > 0 ? "; " : "",
		    signature_result_name(s->result),
		    s->reason != NULL ? " (" : "",
		    s->reason != NULL ? s->reason : "",
		    s->reason != NULL ? ")" : "");
	}
	return all;
}

const char *
signed_results(struct arena *a, const char *zone, struct span message)
{
	struct signature_options options = { 0 };

	return signed_summary(a,
	    &signed_try(a, zone, message, options)->answer);
}
