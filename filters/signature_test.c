#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/evp.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>

#include "base/buf.h"
#include "base/dns.h"
#include "base/loop.h"
#include "filters/signature.h"
#include "filters/signature_field.h"
#include "filters/signed_body.h"
#include "filters/signed_header.h"
#include "tests/kit/t.h"

/*
 * Messages signed here with keys made here. That digests and signatures are
 * those of others is for other people's cases to show (tests/vectors); here
 * it is about keys, times, limits and leaving early.
 */
#define HEADER	"From: Bob <bob@x.example>\r\nTo: a@here.example\r\n" \
		"Subject: Hello\r\n"
#define BODY	"Hello,  you\r\n\r\nBob\r\n\r\n"	/* relaxed: 19 */

static EVP_PKEY	*keys[2];	/* RSA of 1024 bits, Ed25519 */
static char	*published[2];	/* what p= says */
static const char *const names[2] = { "rsa-sha256", "ed25519-sha256" };

/* --- signing --- */

static char *
base64(struct arena *a, const uint8_t *octets, size_t len)
{
	char *text = arena_alloc(a, len / 3 * 4 + 5);

	EVP_EncodeBlock((unsigned char *)text, octets, (int)len);
	return text;
}

static void
make_keys(struct arena *a)
{
	uint8_t raw[32], *der = NULL;
	size_t len = sizeof(raw);
	int n;

	keys[0] = EVP_RSA_gen(1024);
	keys[1] = EVP_PKEY_Q_keygen(NULL, NULL, "ED25519");
	n = i2d_PUBKEY(keys[0], &der);
	assert(n > 0);
	published[0] = base64(a, der, (size_t)n);
	OPENSSL_free(der);
	n = EVP_PKEY_get_raw_public_key(keys[1], raw, &len);
	assert(n == 1);
	published[1] = base64(a, raw, len);
}

static char *
sign_digest(struct arena *a, int which, const uint8_t digest[DIGEST_SIZE])
{
	EVP_MD_CTX *md = EVP_MD_CTX_new();
	uint8_t out[256];
	size_t len = sizeof(out);
	EVP_PKEY_CTX *ctx;
	int ok;

	if (which == 1) {
		ok = EVP_DigestSignInit(md, NULL, NULL, NULL, keys[1]) == 1 &&
		    EVP_DigestSign(md, out, &len, digest, DIGEST_SIZE) == 1;
	} else {
		ctx = EVP_PKEY_CTX_new(keys[0], NULL);
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

/* The message with one signature more on top; `tags` are all but v, a, bh
 * and b. */
static char *
sign(struct arena *a, int which, const char *tags, const char *message)
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

/* --- one message, judged in a fiber --- */

struct trial {
	struct arena			*arena;
	struct signature_options	 options;
	struct span			 message;
	size_t				 piece;
	struct signature_answer		 answer;
	struct err			 err;
	int				 ret;
};

static void
run(void *arg)
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

static void
begin(const char *zone)
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

static void
end(void)
{
	while (fiber_count() > 0)
		loop_turn(true);
	dns_destroy();
	loop_destroy();
}

static struct trial *
try(struct arena *a, const char *zone, struct span message, size_t most)
{
	struct trial *t = arena_new(a, struct trial);

	*t = (struct trial){ .arena = a, .message = message, .piece = 65536,
	    .options = { .most = most, .timeout = CLOCK_S / 5 } };
	begin(zone);
	fiber_spawn("trial", run, t);
	end();
	return t;
}

/* "pass; permerror (the reason)" */
static const char *
summary(struct arena *a, const struct signature_answer *answer)
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

static char *
zone(struct arena *a, const char *before, int which)
{
	return arena_printf(a, "k._domainkey.x.example TXT \"%s%s\"\n",
	    before, published[which]);
}

/* --- what a key may say --- */

#define ED	"k=ed25519; p="

static const struct {
	const char	*name, *tags, *record;
	int		 which;
	const char	*want;
} key_cases[] = {
	{ "a plain key", "", "v=DKIM1; k=rsa; p=", 0, "pass" },
	{ "nothing but the key", "", "p=", 0, "pass" },
	{ "Ed25519", "", ED, 1, "pass" },
	{ "being tested", "", "t=y; " ED, 1, "pass" },
	{ "not for subdomains", "i=@sub.x.example;", "t=s; " ED, 1,
	    "permerror (the key is not for subdomains, as in i=)" },
	{ "not for subdomains, not one", "i=me@X.example;", "t=y:s; " ED, 1,
	    "pass" },
	{ "another version", "", "v=DKIM2; " ED, 1, "permerror (not a key "
	    "record: v= is not DKIM1 at the front)" },
	{ "another type", "", "k=rsa; p=", 1, "permerror (a key of another "
	    "type than the signature's)" },
	{ "another hash", "", "h=sha1; " ED, 1,
	    "permerror (a key not for sha256)" },
	{ "another service", "", "s=tlsrpt; " ED, 1,
	    "permerror (a key not for mail)" },
	{ "revoked", "", "k=ed25519; p=; n=", 1, "permerror (the key was revoked)" },
	{ "a part of the body", "l=10;", ED, 1,
	    "pass (the body goes on behind what l= covers)" },
	{ "nothing of the body", "l=0;", ED, 1,
	    "pass (the body goes on behind what l= covers)" },
	{ "just all of the body", "l=19;", ED, 1, "pass" },
	{ "more than the body", "l=20;", ED, 1,
	    "permerror (l= is more than the body has)" },
	{ "signed just now", "t=%now;", ED, 1, "pass" },
	{ "signed by a clock that is ahead", "t=%soon;", ED, 1, "pass" },
	{ "signed tomorrow", "t=%tomorrow;", ED, 1,
	    "permerror (t= lies in the future)" },
	{ "expired a moment ago", "x=%now;", ED, 1, "pass" },
	{ "expired", "x=1700000000;", ED, 1,
	    "permerror (the signature has expired)" },
};

/* %now and the like, as this machine has it. */
static char *
with_times(struct arena *a, const char *tags)
{
	const char *percent = strchr(tags, '%');
	int64_t t = clock_wall() / CLOCK_S;

	if (percent == NULL)
		return arena_strdup(a, tags);
	if (percent[1] == 's')
		t += SIGNATURE_DRIFT / 2;
	if (percent[1] == 't')
		t += 86400;
	return arena_printf(a, "%.*s%lld;", (int)(percent - tags), tags,
	    (long long)t);
}

static void
test_keys(void)
{
	for (size_t i = 0; i < sizeof(key_cases) / sizeof(*key_cases); i++) {
		struct arena *a = arena_create("test");
		char *tags = arena_printf(a, "c=relaxed/relaxed; d=x.example; "
		    "s=k; %s h=from:subject:from", with_times(a,
		    key_cases[i].tags));
		char *text = sign(a, key_cases[i].which, tags,
		    HEADER "\r\n" BODY);
		char *dns = zone(a, key_cases[i].record, key_cases[i].which);

		T_STR(key_cases[i].name, summary(a, &try(a, dns,
		    span_z(text), 0)->answer), key_cases[i].want);
		arena_destroy(&a);
	}
}

/* --- what DNS may say --- */

static const struct {
	const char	*name, *zone, *want;
} dns_cases[] = {
	{ "no record", "", "permerror (there is no key record); pass" },
	{ "a name without records", "a.bad._domainkey.x.example TXT \"\"\n",
	    "permerror (there is no key record); pass" },
	{ "silence", "bad._domainkey.x.example timeout\n",
	    "temperror (key lookup: timeout); pass" },
	{ "a broken server", "bad._domainkey.x.example servfail\n",
	    "temperror (key lookup: servfail); pass" },
	{ "a forged answer", "bad._domainkey.x.example bogus\n",
	    "temperror (key lookup: bogus); pass" },
	{ "no key", "bad._domainkey.x.example TXT \"v=spf1 -all\"\n",
	    "permerror (not a key record: v= is not DKIM1 at the front); "
	    "pass" },
	{ "an empty record", "bad._domainkey.x.example TXT \"\"\n",
	    "permerror (not a key record: an empty tag); pass" },
	{ "another key", "bad._domainkey.x.example TXT \"k=ed25519; p="
	    "11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=\"\n",
	    "fail (the header was changed, or the key is another one); pass" },
};

static void
test_dns(void)
{
	for (size_t i = 0; i < sizeof(dns_cases) / sizeof(*dns_cases); i++) {
		struct arena *a = arena_create("test");
		char *text = sign(a, 1, "d=x.example; s=k; h=from",
		    HEADER "\r\n" BODY);
		struct trial *t;

		text = sign(a, 1, "d=x.example; s=bad; h=from", text);
		t = try(a, arena_printf(a, "%s%s", dns_cases[i].zone,
		    zone(a, ED, 1)), span_z(text), 0);
		T_STR(dns_cases[i].name, summary(a, &t->answer),
		    dns_cases[i].want);
		T_INT("one good signature is enough", t->answer.best,
		    SIGNATURE_PASS);
		arena_destroy(&a);
	}
}

static void
test_several_records(void)
{
	struct arena *a = arena_create("test");
	char *text = sign(a, 1, "d=x.example; s=k; h=from", HEADER "\r\n" BODY);
	char *good = zone(a, ED, 1);
	const char *junk = "k._domainkey.x.example TXT \"junk\"\n";
	const char *other = "k._domainkey.x.example TXT \"k=ed25519; p="
	    "11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=\"\n";
	char note[3000], *record;

	T_STR("the second one is the key", summary(a, &try(a, arena_printf(a,
	    "%s%s%s", junk, other, good), span_z(text), 0)->answer), "pass");
	T_STR("the one that says most is told", summary(a, &try(a,
	    arena_printf(a, "%s%s", junk, other), span_z(text), 0)->answer),
	    "fail (the header was changed, or the key is another one)");
	T_STR("not all of many are tried", summary(a, &try(a, arena_printf(a,
	    "%s%s%s%s", junk, junk, junk, good), span_z(text), 0)->answer),
	    "permerror (not a key record: a tag without \"=\")");

	record = arena_strdup(a, "k._domainkey.x.example TXT \"n=\"");
	memset(note, 'x', 200);
	note[200] = '\0';
	for (int i = 0; i < 20; i++)
		record = arena_printf(a, "%s \"%s\"", record, note);
	record = arena_printf(a, "%s \"; " ED "%s\"\n", record, published[1]);
	T_STR("a long note", summary(a, &try(a, record, span_z(text),
	    0)->answer), "pass");
	arena_destroy(&a);
}

/* --- what is reported --- */

static void
test_facts(void)
{
	struct arena *a = arena_create("test");
	char *text = sign(a, 0, "c=relaxed/relaxed; d=X.example; s=K; t=1; "
	    "x=99999999999; l=10; i=me@Mail.x.example; h=from:to",
	    HEADER "\r\n" BODY);
	struct trial *t;
	struct signature *s;

	text = sign(a, 1, "d=x.example; s=ed; h=from", text);
	t = try(a, arena_printf(a, "%sed._domainkey.x.example TXT \"" ED
	    "%s\"\n", zone(a, "t=y; p=", 0), published[1]), span_z(text), 0);
	T_INT("both pass", t->answer.best, SIGNATURE_PASS);
	s = &t->answer.list[1];
	T_STR("domain", s->domain, "x.example");
	T_STR("selector", s->selector, "k");
	T_STR("identity", s->identity, "me@Mail.x.example");
	T_STR("algorithm", s->algorithm, "rsa-sha256");
	T_INT("bits", s->bits, 1024);
	T_OK("test key", s->is_test);
	T_OK("a length", s->has_length && s->length == 10 && s->is_partial);
	T_INT("signed at", s->signed_at, 1);
	T_INT("expires", s->expires, 99999999999);
	T_INT("prefix", strlen(s->prefix), 8);
	s = &t->answer.list[0];
	T_STR("the upper one comes first", s->selector, "ed");
	T_STR("identity by default", s->identity, "@x.example");
	T_INT("bits of Ed25519", s->bits, 256);
	T_INT("no time", s->signed_at, -1);
	T_INT("never expires", s->expires, -1);

	t = arena_new(a, struct trial);
	*t = (struct trial){ .arena = a, .message = span_z(text),
	    .piece = 1, .options = { .least_bits = 2048 } };
	begin(zone(a, "p=", 0));
	fiber_spawn("trial", run, t);
	end();
	T_STR("keys shorter than wanted", summary(a, &t->answer),
	    "permerror (there is no key record); "
	    "permerror (an RSA key of only 1024 bits)");
	T_INT("their size is told", t->answer.list[1].bits, 1024);
	arena_destroy(&a);
}

static void
test_prefixes(void)
{
	static const char text[] =
	    "DKIM-Signature: b=AAAABBBBCCCC\r\n"
	    "DKIM-Signature: b=AAAABBBBCC DD\r\n"
	    "DKIM-Signature: b=AAAABBBBCCCC\r\n"
	    "DKIM-Signature: b=AAAA\r\n"
	    "DKIM-Signature: v=1\r\n\r\n";
	static const char *const want[] = { "AAAABBBBCCC", "AAAABBBBCCD",
	    "AAAABBBBCCC", "AAAA", NULL };
	struct arena *a = arena_create("test");
	struct trial *t = try(a, "", SPAN_LIT(text), 0);

	for (size_t i = 0; i < 5; i++)
		T_STR("as much of b= as it takes", t->answer.list[i].prefix,
		    want[i]);
	arena_destroy(&a);
}

/* --- the header --- */

static void
test_header(void)
{
	struct arena *a = arena_create("test");
	char *dns = zone(a, ED, 1), *text, *other;

	text = sign(a, 1, "d=x.example; s=k; h=from:dkim-signature:"
	    "dkim-signature", HEADER "\r\n" BODY);
	T_STR("a signature is not its own input", summary(a, &try(a, dns,
	    span_z(text), 0)->answer), "pass");
	other = arena_printf(a, "DKIM-Signature: x=\r\n%s", text);
	T_STR("but it covers others", summary(a, &try(a, dns, span_z(other),
	    0)->answer), "permerror (v= is missing); fail (the header was "
	    "changed, or the key is another one)");

	text = sign(a, 1, "d=x.example; s=k; h=from:from:reply-to",
	    HEADER "\r\n" BODY);
	other = arena_printf(a, "Reply-To: x@y.example\r\n%s", text);
	T_STR("what must not be there was put in", summary(a, &try(a, dns,
	    span_z(other), 0)->answer), "fail (the header was changed, or the "
	    "key is another one)");
	other = arena_printf(a, "From: x@y.example\r\n%s", text);
	T_STR("a second From was put in", summary(a, &try(a, dns,
	    span_z(other), 0)->answer), "fail (the header was changed, or the "
	    "key is another one)");
	other = arena_printf(a, "X: y\r\n no field\r\nat all\r\n: none\r\n%s",
	    text);
	T_STR("what is no field does not matter", summary(a, &try(a, dns,
	    span_z(other), 0)->answer), "pass");
	arena_destroy(&a);
}

static void
test_bodies(void)
{
	struct arena *a = arena_create("test");
	char *dns = zone(a, ED, 1), *text;
	size_t len;

	text = sign(a, 1, "d=x.example; s=k; c=simple/relaxed; h=from",
	    HEADER "\r\n");
	T_STR("an empty body", summary(a, &try(a, dns, span_z(text),
	    0)->answer), "pass");
	T_STR("no empty line either", summary(a, &try(a, dns, span_n(text,
	    strlen(text) - 2), 0)->answer), "pass");
	text = sign(a, 1, "d=x.example; s=k; h=from", HEADER "\r\nHello\r\n");
	len = strlen(text);
	T_STR("the last line end is missing", summary(a, &try(a, dns,
	    span_n(text, len - 2), 0)->answer), "pass");
	T_STR("half of it is missing", summary(a, &try(a, dns,
	    span_n(text, len - 1), 0)->answer), "fail (the body was changed)");
	arena_destroy(&a);
}

/* --- much of everything --- */

static struct span
repeat(struct arena *a, const char *part, size_t n, const char *rest)
{
	size_t len = strlen(part);
	char *text = arena_alloc(a, len * n + strlen(rest) + 1);

	for (size_t i = 0; i < n; i++)
		memcpy(text + i * len, part, len);
	memcpy(text + n * len, rest, strlen(rest));
	return span_n(text, n * len + strlen(rest));
}

static void
test_many_signatures(void)
{
	struct arena *a = arena_create("test");
	char *text = sign(a, 1, "d=x.example; s=k; h=from", HEADER "\r\n" BODY);
	char *one = arena_copy(a, span_n(text, strlen(text) -
	    strlen(HEADER "\r\n" BODY)));
	struct dns_stats stats;
	struct trial *t;

	t = try(a, zone(a, ED, 1), repeat(a, one, 500, HEADER "\r\n" BODY), 0);
	dns_statistics(&stats);
	T_INT("as many as are verified", t->answer.n, SIGNATURE_MOST);
	T_INT("the others are counted", t->answer.ignored, 490);
	T_INT("each with its result", t->answer.list[9].result,
	    SIGNATURE_PASS);
	T_INT("one key is asked for once", stats.asked, 1);

	text = arena_strdup(a, HEADER "\r\n" BODY);
	for (int i = 0; i < 30; i++)
		text = sign(a, 1, arena_printf(a, "d=x.example; s=k%d; "
		    "h=from; l=%d", i, i % 20), text);
	t = try(a, "", span_z(text), 20);
	dns_statistics(&stats);
	T_INT("more of them if told so", t->answer.n, 20);
	T_INT("a lookup for each", stats.asked, 20);
	T_INT("without a key", t->answer.best, SIGNATURE_PERMERROR);
	arena_destroy(&a);
}

static void
test_large_headers(void)
{
	struct arena *a = arena_create("test");
	char *dns = zone(a, ED, 1);
	char *text = sign(a, 1, "d=x.example; s=k; c=relaxed; h=from:subject:"
	    "received:received:received", HEADER "\r\n" BODY);
	struct span much = repeat(a, "Received: from a\r\n\tby b; today\r\n",
	    10000, text);

	T_STR("10,000 Received fields", summary(a, &try(a, dns, much,
	    0)->answer), "fail (the header was changed, or the key is "
	    "another one)");
	much = repeat(a, " and a\tlong   line\r\n", 60000, text);
	much = span_z(arena_printf(a, "X-Long:\r\n%s", much.p));
	T_STR("a field of 1 MB", summary(a, &try(a, dns, much, 0)->answer),
	    "pass");
	much = repeat(a, "x:", 600000, "x\r\n" HEADER "\r\n");
	much = span_z(arena_printf(a, "DKIM-Signature: h=%s", much.p));
	T_STR("a signature of 1 MB", summary(a, &try(a, dns, much,
	    0)->answer), "permerror (v= is missing)");
	arena_destroy(&a);
}

static void
test_malformed(void)
{
	static const char nul[] = "From: a\0b\r\nDKIM-Signature: v=1\0; a\r\n"
	    "\0: x\r\n\r\n\0\r\n\0";
	static const char *const texts[] = { "", "\r\n", "From", "DKIM-",
	    "DKIM-Signature", "DKIM-Signature:", "DKIM-Signature:\r\n\r\n",
	    "DKIM-Signature: \r\n\r\n", "\xff\xfe: \x80\r\n\r\n\x81",
	    "From: x\nDKIM-Signature: v=1\n\n\n", "\r\r\n\n\r\n\r\r" };
	struct arena *a = arena_create("test");
	struct trial *t;

	for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++) {
		t = try(a, "", span_z(texts[i]), 0);
		T_OK("it never passes", t->answer.best != SIGNATURE_PASS);
	}
	t = try(a, "", SPAN_LIT(nul), 0);
	T_STR("NUL", summary(a, &t->answer),
	    "permerror (a control character in tag \"v\")");
	t = try(a, "", SPAN_LIT(HEADER "\r\n" BODY), 0);
	T_INT("unsigned", t->answer.best, SIGNATURE_NONE);
	T_STR("its name", signature_result_name(t->answer.best), "none");
	arena_destroy(&a);
}

/* --- leaving --- */

static void
test_leaving_early(void)
{
	struct arena *a = arena_create("test"), *mail = arena_create("mail");
	char *text = sign(a, 1, "d=x.example; s=k; h=from", HEADER "\r\n" BODY);
	struct signature_options options = { 0 };
	struct signature_check *c;
	struct fields header;

	begin("k._domainkey.x.example timeout\n");
	fields_parse(mail, span_z(text), &header);
	c = signature_begin(mail, &options, &header);
	T_STR("what it says is known at once",
	    signature_said(c)->list[0].domain, "x.example");
	signature_body(c, SPAN_LIT("Hel"));
	loop_turn(false);
	loop_turn(false);
	T_INT("the key is being looked up", fiber_count(), 1);
	arena_destroy(&mail);
	loop_turn(false);
	loop_turn(false);
	T_INT("nothing is left of it", fiber_count(), 0);
	end();
	arena_destroy(&a);
}

static void
test_being_stopped(void)
{
	struct arena *a = arena_create("test"), *mail = arena_create("mail");
	char *text = sign(a, 1, "d=x.example; s=k; h=from", HEADER "\r\n" BODY);
	struct trial t = { .arena = mail, .message = span_z(text),
	    .piece = 3 };
	struct fiber *f;

	begin("k._domainkey.x.example timeout\n");
	f = fiber_spawn("trial", run, &t);
	loop_turn(false);
	fiber_stop(f);
	while (fiber_count() > 1)
		loop_turn(true);
	T_INT("it says so", t.ret, -1);
	T_INT("why", t.err.kind, ERR_CLOSED);
	arena_destroy(&mail);
	end();
	arena_destroy(&a);
}

/* --- many at once --- */

#define TOGETHER	1000

static void
test_together(void)
{
	static const char *const want[] = { "pass",
	    "fail (the body was changed)",
	    "temperror (key lookup: timeout)" };
	struct arena *a = arena_create("test");
	struct trial *all = arena_new_n(a, TOGETHER, struct trial);
	const char *dns = "bad._domainkey.x.example timeout\n";
	char *texts[3][10];
	size_t wrong = 0;

	for (int i = 0; i < 10; i++) {
		dns = arena_printf(a, "%sk%d._domainkey.x.example TXT \"" ED
		    "%s\"\nk%d._domainkey.x.example delay %d\n", dns, i,
		    published[1], i, i * 17 % 50);
		texts[0][i] = sign(a, 1, arena_printf(a, "d=x.example; s=k%d; "
		    "c=relaxed/relaxed; h=from", i), HEADER "\r\n" BODY);
		texts[1][i] = arena_printf(a, "%s.\r\n", texts[0][i]);
		texts[2][i] = sign(a, 1, "d=x.example; s=bad; h=from",
		    HEADER "\r\n" BODY);
	}
	begin(dns);
	for (size_t i = 0; i < TOGETHER; i++) {
		all[i] = (struct trial){ .arena = arena_create("mail"),
		    .message = span_z(texts[i % 3][i % 10]),
		    .piece = 1 + i % 30, .options.timeout = 2 * CLOCK_S };
		fiber_spawn("trial", run, &all[i]);
	}
	end();
	for (size_t i = 0; i < TOGETHER; i++) {
		wrong += strcmp(summary(a, &all[i].answer), want[i % 3]) != 0;
		arena_destroy(&all[i].arena);
	}
	T_INT("each as if it were alone", wrong, 0);
	arena_destroy(&a);
}

int
main(void)
{
	struct arena *a = arena_create("keys");

	make_keys(a);
	test_keys();
	test_dns();
	test_several_records();
	test_facts();
	test_prefixes();
	test_header();
	test_bodies();
	test_many_signatures();
	test_large_headers();
	test_malformed();
	test_leaving_early();
	test_being_stopped();
	test_together();
	EVP_PKEY_free(keys[0]);
	EVP_PKEY_free(keys[1]);
	arena_destroy(&a);
	return t_done();
}
