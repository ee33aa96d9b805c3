#include <string.h>

#include "base/clock.h"
#include "tests/kit/signed.h"
#include "tests/kit/t.h"

#define HEADER	"From: Bob <bob@x.example>\r\nTo: a@here.example\r\n" \
		"Subject: Hello\r\n"
#define BODY	"Hello,  you\r\n\r\nBob\r\n\r\n"	/* relaxed: 19 */

#define MESSAGE	HEADER "\r\n" BODY
#define CHANGED	"fail (the header was changed, or the key is another one)"
#define ED	"k=ed25519; p="
#define RSA_KEY	SIGNED_RSA
#define ED_KEY	SIGNED_ED25519

static const struct signature_options plain;

static char *
sign(struct arena *a, const char *tags, const char *message)
{
	return signed_message(a, SIGNED_ED25519, tags, message);
}

static char *
zone(struct arena *a)
{
	return signed_zone(a, ED, SIGNED_ED25519);
}

/* --- what a key may say --- */

static const struct {
	const char	*name, *tags, *record;
	enum signed_key	 key;
	const char	*want;
} key_cases[] = {
	{ "a plain key", "", "v=DKIM1; k=rsa; p=", RSA_KEY, "pass" },
	{ "nothing but the key", "", "p=", RSA_KEY, "pass" },
	{ "Ed25519", "", ED, ED_KEY, "pass" },
	{ "being tested", "", "t=y; " ED, ED_KEY, "pass" },
	{ "not for subdomains", "i=@sub.x.example;", "t=s; " ED, ED_KEY,
	    "permerror (the key is not for subdomains, as in i=)" },
	{ "not for subdomains, not one", "i=me@X.example;", "t=y:s; " ED,
	    ED_KEY, "pass" },
	{ "another version", "", "v=DKIM2; " ED, ED_KEY,
	    "permerror (not a key record: v= is not DKIM1 at the front)" },
	{ "another type", "", "k=rsa; p=", ED_KEY,
	    "permerror (a key of another type than the signature's)" },
	{ "another hash", "", "h=sha1; " ED, ED_KEY,
	    "permerror (a key not for sha256)" },
	{ "another service", "", "s=tlsrpt; " ED, ED_KEY,
	    "permerror (a key not for mail)" },
	{ "revoked", "", "k=ed25519; p=; n=", ED_KEY,
	    "permerror (the key was revoked)" },
	{ "a part of the body", "l=10;", ED, ED_KEY,
	    "pass (the body goes on behind what l= covers)" },
	{ "nothing of the body", "l=0;", ED, ED_KEY,
	    "pass (the body goes on behind what l= covers)" },
	{ "just all of the body", "l=19;", ED, ED_KEY, "pass" },
	{ "more than the body", "l=20;", ED, ED_KEY,
	    "permerror (l= is more than the body has)" },
	{ "signed just now", "t=%now;", ED, ED_KEY, "pass" },
	{ "signed by a clock that is ahead", "t=%soon;", ED, ED_KEY,
	    "pass" },
	{ "signed tomorrow", "t=%tomorrow;", ED, ED_KEY,
	    "permerror (t= lies in the future)" },
	{ "expired a moment ago", "x=%now;", ED, ED_KEY, "pass" },
	{ "expired", "x=1700000000;", ED, ED_KEY,
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
		char *text = signed_message(a, key_cases[i].key, tags,
		    MESSAGE);
		char *dns = signed_zone(a, key_cases[i].record,
		    key_cases[i].key);

		T_STR(key_cases[i].name, signed_results(a, dns,
		    span_z(text)), key_cases[i].want);
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
	    CHANGED "; pass" },
};

static void
test_dns(void)
{
	for (size_t i = 0; i < sizeof(dns_cases) / sizeof(*dns_cases); i++) {
		struct arena *a = arena_create("test");
		char *text = sign(a, "d=x.example; s=k; h=from", MESSAGE);
		struct trial *t;

		text = sign(a, "d=x.example; s=bad; h=from", text);
		t = signed_try(a, arena_printf(a, "%s%s", dns_cases[i].zone,
		    zone(a)), span_z(text), plain);
		T_STR(dns_cases[i].name, signed_summary(a, &t->answer),
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
	char *text = sign(a, "d=x.example; s=k; h=from", MESSAGE);
	char *good = zone(a);
	const char *junk = "k._domainkey.x.example TXT \"junk\"\n";
	const char *other = "k._domainkey.x.example TXT \"k=ed25519; p="
	    "11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=\"\n";
	char note[201], *record;

	T_STR("the second one is the key", signed_results(a, arena_printf(a,
	    "%s%s%s", junk, other, good), span_z(text)), "pass");
	T_STR("the one that says most is told", signed_results(a,
	    arena_printf(a, "%s%s", junk, other), span_z(text)), CHANGED);
	T_STR("not all of many are tried", signed_results(a, arena_printf(a,
	    "%s%s%s%s", junk, junk, junk, good), span_z(text)),
	    "permerror (not a key record: a tag without \"=\")");

	record = arena_strdup(a, "k._domainkey.x.example TXT \"n=\"");
	memset(note, 'x', 200);
	note[200] = '\0';
	for (int i = 0; i < 20; i++)
		record = arena_printf(a, "%s \"%s\"", record, note);
	record = arena_printf(a, "%s \"; " ED "%s\"\n", record,
	    signed_key_text(ED_KEY));
	T_STR("a long note", signed_results(a, record, span_z(text)), "pass");
	arena_destroy(&a);
}

/* --- what is reported --- */

static void
test_facts(void)
{
	struct arena *a = arena_create("test");
	char *text = signed_message(a, RSA_KEY, "c=relaxed/relaxed; "
	    "d=X.example; s=K; t=1; x=99999999999; l=10; "
	    "i=me@Mail.x.example; h=from:to", MESSAGE);
	char *rsa = signed_zone(a, "t=y; p=", RSA_KEY);
	struct trial *t;
	struct signature *s;

	text = sign(a, "d=x.example; s=ed; h=from", text);
	t = signed_try(a, arena_printf(a, "%sed._domainkey.x.example TXT \"" ED
	    "%s\"\n", rsa, signed_key_text(ED_KEY)), span_z(text), plain);
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
	struct trial *t = signed_try(a, "", SPAN_LIT(text), plain);

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
	char *dns = zone(a), *text, *other;

	text = sign(a, "d=x.example; s=k; h=from:dkim-signature:"
	    "dkim-signature", MESSAGE);
	T_STR("a signature is not its own input", signed_results(a, dns,
	    span_z(text)), "pass");
	other = arena_printf(a, "DKIM-Signature: x=\r\n%s", text);
	T_STR("but it covers others", signed_results(a, dns, span_z(other)),
	    "permerror (v= is missing); " CHANGED);

	text = sign(a, "d=x.example; s=k; h=from:from:reply-to", MESSAGE);
	other = arena_printf(a, "Reply-To: x@y.example\r\n%s", text);
	T_STR("what must not be there was put in", signed_results(a, dns,
	    span_z(other)), CHANGED);
	other = arena_printf(a, "From: x@y.example\r\n%s", text);
	T_STR("a second From was put in", signed_results(a, dns,
	    span_z(other)), CHANGED);
	other = arena_printf(a, "X: y\r\n no field\r\nat all\r\n: none\r\n%s",
	    text);
	T_STR("what is no field does not matter", signed_results(a, dns,
	    span_z(other)), "pass");
	arena_destroy(&a);
}

static void
test_bodies(void)
{
	struct arena *a = arena_create("test");
	char *dns = zone(a), *text;
	size_t len;

	text = sign(a, "d=x.example; s=k; c=simple/relaxed; h=from",
	    HEADER "\r\n");
	T_STR("an empty body", signed_results(a, dns, span_z(text)), "pass");
	T_STR("no empty line either", signed_results(a, dns, span_n(text,
	    strlen(text) - 2)), "pass");
	text = sign(a, "d=x.example; s=k; h=from", HEADER "\r\nHello\r\n");
	len = strlen(text);
	T_STR("the last line end is missing", signed_results(a, dns,
	    span_n(text, len - 2)), "pass");
	T_STR("half of it is missing", signed_results(a, dns,
	    span_n(text, len - 1)), "fail (the body was changed)");
	arena_destroy(&a);
}

int
main(void)
{
	signed_keys_create();
	test_keys();
	test_dns();
	test_several_records();
	test_facts();
	test_prefixes();
	test_header();
	test_bodies();
	return t_done();
}
