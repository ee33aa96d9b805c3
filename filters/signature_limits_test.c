#include <string.h>

#include "base/dns.h"
#include "base/loop.h"
#include "tests/kit/signed.h"
#include "tests/kit/t.h"

/* Much of everything, malformed mail, the other engine, leaving early. */

#define HEADER	"From: Bob <bob@x.example>\r\nTo: a@here.example\r\n" \
		"Subject: Hello\r\n"
#define MESSAGE	HEADER "\r\nHello,  you\r\n\r\nBob\r\n\r\n"
#define ED	"k=ed25519; p="

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
	char *text = sign(a, "d=x.example; s=k; h=from", MESSAGE);
	char *one = arena_copy(a, span_n(text, strlen(text) -
	    strlen(MESSAGE)));
	struct signature_options twenty = { .most = 20 };
	struct dns_stats stats;
	struct trial *t;

	t = signed_try(a, zone(a), repeat(a, one, 500, MESSAGE), plain);
	dns_statistics(&stats);
	T_INT("as many as are verified", t->answer.n, SIGNATURE_MOST);
	T_INT("the others are counted", t->answer.ignored, 490);
	T_INT("each with its result", t->answer.list[9].result,
	    SIGNATURE_PASS);
	T_INT("one key is asked for once", stats.asked, 1);

	text = arena_strdup(a, MESSAGE);
	for (int i = 0; i < 30; i++)
		text = sign(a, arena_printf(a, "d=x.example; s=k%d; h=from; "
		    "l=%d", i, i % 20), text);
	t = signed_try(a, "", span_z(text), twenty);
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
	char *dns = zone(a);
	char *text = sign(a, "d=x.example; s=k; c=relaxed; h=from:subject:"
	    "received:received:received", MESSAGE);
	struct span much = repeat(a, "Received: from a\r\n\tby b; today\r\n",
	    10000, text);

	T_STR("10,000 Received fields", signed_results(a, dns, much),
	    "fail (the header was changed, or the key is another one)");
	much = repeat(a, " and a\tlong   line\r\n", 60000, text);
	much = span_z(arena_printf(a, "X-Long:\r\n%s", much.p));
	T_STR("a field of 1 MB", signed_results(a, dns, much), "pass");
	much = repeat(a, "x:", 600000, "x\r\n" HEADER "\r\n");
	much = span_z(arena_printf(a, "DKIM-Signature: h=%s", much.p));
	T_STR("a signature of 1 MB", signed_results(a, dns, much),
	    "permerror (v= is missing)");
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
		t = signed_try(a, "", span_z(texts[i]), plain);
		T_OK("it never passes", t->answer.best != SIGNATURE_PASS);
	}
	t = signed_try(a, "", SPAN_LIT(nul), plain);
	T_STR("NUL", signed_summary(a, &t->answer),
	    "permerror (a control character in tag \"v\")");
	t = signed_try(a, "", SPAN_LIT(MESSAGE), plain);
	T_INT("unsigned", t->answer.best, SIGNATURE_NONE);
	T_STR("its name", signature_result_name(t->answer.best), "none");
	arena_destroy(&a);
}

/* --- the other engine --- */

static enum signature_result
ask_libopendkim(struct arena *a, const char *dns, struct span message)
{
	struct trial *t = signed_try(a, dns, message,
	    (struct signature_options){ .engine = SIGNATURE_LIBOPENDKIM });

	T_INT("one signature", t->answer.n, 1);
	return t->answer.best;
}

static void
test_libopendkim(void)
{
	struct arena *a = arena_create("test");
	char *dns = zone(a), *text;
	struct err err;

	T_INT("it starts", signature_open(SIGNATURE_LIBOPENDKIM, &err), 0);
	text = sign(a, "d=x.example; s=k; l=0; c=relaxed; h=from:subject",
	    MESSAGE);
	T_INT("a good one", ask_libopendkim(a, dns, span_z(text)),
	    SIGNATURE_PASS);
	T_STR("a plain pass has no reason", signed_summary(a, &signed_try(a,
	    dns, span_z(sign(a, "d=x.example; s=k; h=from", MESSAGE)),
	    (struct signature_options){ .engine = SIGNATURE_LIBOPENDKIM })
	    ->answer), "pass");
	T_INT("no key", ask_libopendkim(a, "", span_z(text)),
	    SIGNATURE_PERMERROR);
	T_INT("no answer", ask_libopendkim(a,
	    "k._domainkey.x.example timeout\n", span_z(text)),
	    SIGNATURE_TEMPERROR);
	T_INT("another From on top", ask_libopendkim(a, dns, span_z(
	    arena_printf(a, "From: x\r\n%s", text))), SIGNATURE_PASS);
	T_INT("something in the middle", ask_libopendkim(a, dns, span_z(
	    arena_printf(a, "Subject: x\r\n%s%s", text, HEADER))),
	    SIGNATURE_PASS);

	/* Alone, it writes behind its list of fields and dies of it. */
	text = sign(a, "d=x.example; s=k; h=from:to:dkim-signature:x:x",
	    "From: b@x.example\r\nTo: a\r\n\r\n");
	T_INT("more names than fields", ask_libopendkim(a, dns,
	    span_z(text)), SIGNATURE_FAIL);
	text = sign(a, "d=x.example; s=k; c=relaxed/relaxed; h=from",
	    "From: b@x.example\r\n\r\n");
	T_INT("a line of 2 MB", ask_libopendkim(a, dns, repeat(a, text, 1,
	    repeat(a, "longlong", 250000, "\r\n").p)), SIGNATURE_PERMERROR);
	text = arena_strdup(a, repeat(a, " to:", 20000, "from").p);
	text = arena_printf(a, "DKIM-Signature: v=1; a=ed25519-sha256; "
	    "d=x.example; s=k; h=from; bh=47DEQpj8HBSa+/TImW+5JCeuQeRkm5NM"
	    "pJWZG3hSuFU=; b=AAAA; z=%s\r\n" HEADER "\r\n", text);
	T_INT("a field of 80 KB", ask_libopendkim(a, dns, span_z(text)),
	    SIGNATURE_PERMERROR);
	signature_close();
	arena_destroy(&a);
}

/* --- leaving --- */

static void
test_leaving_early(void)
{
	struct arena *a = arena_create("test"), *mail = arena_create("mail");
	char *text = sign(a, "d=x.example; s=k; h=from", MESSAGE);
	struct signature_options options = { 0 };
	struct signature_check *c;
	struct fields header;

	signed_begin("k._domainkey.x.example timeout\n");
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
	signed_end();
	arena_destroy(&a);
}

static void
test_being_stopped(void)
{
	struct arena *a = arena_create("test"), *mail = arena_create("mail");
	char *text = sign(a, "d=x.example; s=k; h=from", MESSAGE);
	struct trial t = { .arena = mail, .message = span_z(text),
	    .piece = 3 };
	struct fiber *f;

	signed_begin("k._domainkey.x.example timeout\n");
	f = fiber_spawn("trial", signed_verify, &t);
	loop_turn(false);
	fiber_stop(f);
	while (fiber_count() > 1)
		loop_turn(true);
	T_INT("it says so", t.ret, -1);
	T_INT("why", t.err.kind, ERR_CLOSED);
	arena_destroy(&mail);
	signed_end();
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
		    signed_key_text(SIGNED_ED25519), i, i * 17 % 50);
		texts[0][i] = sign(a, arena_printf(a, "d=x.example; s=k%d; "
		    "c=relaxed/relaxed; h=from", i), MESSAGE);
		texts[1][i] = arena_printf(a, "%s.\r\n", texts[0][i]);
		texts[2][i] = sign(a, "d=x.example; s=bad; h=from",
		    MESSAGE);
	}
	signed_begin(dns);
	for (size_t i = 0; i < TOGETHER; i++) {
		all[i] = (struct trial){ .arena = arena_create("mail"),
		    .message = span_z(texts[i % 3][i % 10]),
		    .piece = 1 + i % 30, .options.timeout = 2 * CLOCK_S };
		fiber_spawn("trial", signed_verify, &all[i]);
	}
	signed_end();
	for (size_t i = 0; i < TOGETHER; i++) {
		wrong += strcmp(signed_summary(a, &all[i].answer),
		    want[i % 3]) != 0;
		arena_destroy(&all[i].arena);
	}
	T_INT("each as if it were alone", wrong, 0);
	arena_destroy(&a);
}

int
main(void)
{
	signed_keys_create();
	test_many_signatures();
	test_large_headers();
	test_malformed();
	test_libopendkim();
	test_leaving_early();
	test_being_stopped();
	test_together();
	return t_done();
}
