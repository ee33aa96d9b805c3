#include <openssl/evp.h>
#include <openssl/pem.h>

#include <ctype.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/bench/letter.h"
#include "tests/bench/net.h"

#define HASH_BASE64	44	/* characters of SHA-256 */
#define SIGNATURE_MAX	512	/* octets: 4096 bits */
#define ORIGIN		(198u << 24 | 18 << 16)	/* 198.18.0.0 */

struct text {
	size_t	 n, room;
	char	*p;
};

static void
add_octets(struct text *t, const char *p, size_t n)
{
	if (t->n + n >= t->room) {
		t->room = (t->n + n) * 2 + 256;
		t->p = realloc(t->p, t->room);
		if (t->p == NULL)
			net_die("realloc");
	}
	memcpy(t->p + t->n, p, n);
	t->n += n;
	t->p[t->n] = '\0';
}

__attribute__((format(printf, 2, 3))) static void
add(struct text *t, const char *format, ...)
{
	va_list args;
	char *s;
	int n;

	va_start(args, format);
	n = vasprintf(&s, format, args);
	va_end(args);
	if (n < 0)
		net_die("malloc");
	add_octets(t, s, (size_t)n);
	free(s);
}

/* --- signatures (RFC 6376, RFC 8617; c=relaxed/relaxed) --- */

/* Whole fields in their relaxed form. */
static void
add_relaxed(struct text *to, const char *fields)
{
	const char *p = fields;

	while (*p != '\0') {
		for (; *p != ':'; p++)
			add_octets(to, &(char){ (char)tolower(*p) }, 1);
		add_octets(to, ":", 1);
		p += 1 + strspn(p + 1, " ");
		for (;;) {
			size_t word = strcspn(p, " \t\r");
			size_t gap = strspn(p + word, " \t\r\n");
			bool is_end = p[word] == '\r' &&
			    p[word + gap - 1] == '\n';

			add_octets(to, p, word);
			p += word + gap;
			if (is_end)
				break;
			add_octets(to, " ", 1);
		}
		add_octets(to, "\r\n", 2);
	}
}

/* Ends `field`, which ends with "b=", by the signature of the fields `before`
 * and of itself. */
static void
sign(EVP_PKEY *key, const char *before, struct text *field)
{
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	struct text all = { 0 };
	uint8_t signature[SIGNATURE_MAX];
	char encoded[SIGNATURE_MAX * 4 / 3 + 8];
	size_t n = sizeof signature;

	add(field, "\r\n");
	add_relaxed(&all, before);
	add_relaxed(&all, field->p);
	if (EVP_DigestSignInit(ctx, NULL, EVP_sha256(), NULL, key) != 1 ||
	    EVP_DigestSign(ctx, signature, &n, (uint8_t *)all.p,
	    all.n - 2) != 1) {
		fprintf(stderr, "source: this key cannot sign\n");
		exit(111);
	}
	EVP_EncodeBlock((uint8_t *)encoded, signature, (int)n);
	field->n -= 2;
	add(field, "%s\r\n", encoded);
	EVP_MD_CTX_free(ctx);
	free(all.p);
}

/* DKIM-Signature, or ARC-Message-Signature with its instance before. */
static void
add_signature(struct text *head, EVP_PKEY *key, const char *name,
    const char *domain, const char *body_hash, const char *signed_fields)
{
	struct text field = { 0 };

	add(&field, "%s; a=rsa-sha256; c=relaxed/relaxed;\r\n"
	    "\td=%s; s=s; h=from:to:date:subject;\r\n"
	    "\tbh=%s;\r\n\tb=", name, domain, body_hash);
	sign(key, signed_fields, &field);
	add_octets(head, field.p, field.n);
	free(field.p);
}

/* The first set of a chain, its newest field on top. */
static void
add_chain(struct text *head, EVP_PKEY *key, const char *domain,
    const char *body_hash, const char *signed_fields)
{
	struct text sealed = { 0 }, message = { 0 }, seal = { 0 };

	add(&sealed, "ARC-Authentication-Results: i=1; relay.bench.example;"
	    "\r\n\tspf=pass smtp.mailfrom=%s\r\n", domain);
	add_signature(&message, key, "ARC-Message-Signature: i=1", domain,
	    body_hash, signed_fields);
	add(&seal, "ARC-Seal: i=1; a=rsa-sha256; cv=none; d=%s; s=s;\r\n\tb=",
	    domain);
	add_octets(&sealed, message.p, message.n);
	sign(key, sealed.p, &seal);
	add_octets(head, seal.p, seal.n);
	add_octets(head, message.p, message.n);
	add_octets(head, sealed.p, sealed.n - message.n);
	free(sealed.p);
	free(message.p);
	free(seal.p);
}

/* --- letters --- */

/* The commands: for number N who it is, for all what is said. */
static void
write_envelope(struct letter *l, const struct letter_options *o,
    const char *domain, unsigned number)
{
	struct text xclient = { 0 }, hello = { 0 }, mail = { 0 };
	unsigned ip = ORIGIN + number;

	if (o->domain != NULL) {
		add(&xclient, "XCLIENT ADDR=%u.%u.%u.%u\r\n", ip >> 24,
		    ip >> 16 & 255, ip >> 8 & 255, ip & 255);
		add(&hello, "EHLO c%u-%u-%u-%u.clients.bench.example\r\n",
		    ip >> 24, ip >> 16 & 255, ip >> 8 & 255, ip & 255);
	} else {
		add(&hello, "EHLO source.bench.example\r\n");
	}
	add(&mail, "MAIL FROM:<sender@%s>\r\n", domain);
	l->xclient = xclient.p;
	l->hello = hello.p;
	l->mail = mail.p;
}

static void
write_letter(struct letter *l, const struct letter_options *o, EVP_PKEY *key,
    unsigned number, const char *body_hash)
{
	struct text domain = { 0 }, fields = { 0 }, head = { 0 };

	if (o->domain != NULL)
		add(&domain, "d%u.%s", number, o->domain);
	else
		add(&domain, "bench.example");
	write_envelope(l, o, domain.p, number);
	add(&fields, "From: <sender@%s>\r\n"
	    "To: <someone@inside.example>\r\n"
	    "Date: Mon, 02 Nov 2026 09:30:00 +0000\r\n"
	    "Subject: one of many\r\n", domain.p);
	if (key != NULL && o->has_chain)
		add_chain(&head, key, domain.p, body_hash, fields.p);
	if (key != NULL)
		add_signature(&head, key, "DKIM-Signature: v=1", domain.p,
		    body_hash, fields.p);
	add_octets(&head, fields.p, fields.n);
	l->head = head.p;
	l->nhead = head.n;
	free(domain.p);
	free(fields.p);
}

static char *
write_body(size_t n)
{
	static const char words[] =
	    "VGhpcyBpcyBhIGxpbmUgb2YgYW4gYXR0YWNobWVudCwgZW5jb2RlZCBhcyBtb3"
	    "N0IG9mIHRoZW0gYXJl\r\n";
	const size_t width = sizeof words - 1;
	char *body = malloc(n);

	if (body == NULL)
		net_die("malloc");
	for (size_t i = 0; i < n; i++)
		body[i] = words[i % width];
	memcpy(body + n - 3, ".\r\n", 3);	/* no empty line, no bare CR */
	return body;
}

static EVP_PKEY *
read_key(const char *file)
{
	FILE *f = fopen(file, "r");
	EVP_PKEY *key = f == NULL ? NULL :
	    PEM_read_PrivateKey(f, NULL, NULL, NULL);

	if (key == NULL) {
		fprintf(stderr, "source: %s: no private key\n", file);
		exit(100);
	}
	fclose(f);
	return key;
}

struct letters
letters_write(const struct letter_options *o)
{
	EVP_PKEY *key = o->key == NULL ? NULL : read_key(o->key);
	struct letters all = { .n = o->n };
	uint8_t hash[EVP_MAX_MD_SIZE];
	char body_hash[HASH_BASE64 + 1];
	struct letter measure;
	unsigned nhash;
	char *body;

	memset(body_hash, 'A', HASH_BASE64);
	body_hash[HASH_BASE64] = '\0';
	write_letter(&measure, o, key, o->first, body_hash);
	all.nbody = measure.nhead + LETTER_ID + 3;
	all.nbody = o->size > all.nbody ? o->size - measure.nhead -
	    LETTER_ID : 3;
	body = write_body(all.nbody);
	all.body = body;
	if (EVP_Digest(body, all.nbody, hash, &nhash, EVP_sha256(), NULL) != 1)
		net_die("SHA-256");
	EVP_EncodeBlock((uint8_t *)body_hash, hash, (int)nhash);
	all.all = calloc(o->n, sizeof *all.all);
	if (all.all == NULL)
		net_die("calloc");
	for (size_t i = 0; i < o->n; i++)
		write_letter(&all.all[i], o, key, o->first + (unsigned)i,
		    body_hash);
	EVP_PKEY_free(key);
	return all;
}
