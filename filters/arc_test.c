#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/dns.h"
#include "base/loop.h"
#include "filters/arc.h"
#include "tests/kit/sealer.h"
#include "tests/kit/t.h"

#define TIMEOUT	(200 * CLOCK_MS)
#define PLAIN	"From: a@x.example\r\nTo: b@y.example\r\nSubject:  a  b\r\n" \
	"\r\nSome  text \r\n\r\nmore\t\r\n\r\n"

/* One question to the verifier. */
struct trial {
	const char		*message, *zone;
	size_t			 piece;		/* of the body; 0: all */
	unsigned		 sets_most;
	bool			 leave;		/* before the keys are there */
	struct arena		*arena;
	struct arc_answer	 answer;
	struct dns_stats	 dns;
	int			 ret;
};

static struct sealer_key rsa, ed25519;
static struct arena *lasting, *asked;

static void
give_body(struct arc *c, struct span body, size_t piece)
{
	struct span s;

	while (body.len > 0) {
		s = body;
		if (piece > 0 && s.len > piece)
			s.len = piece;
		arc_body(c, s);
		body = span_n(body.p + s.len, body.len - s.len);
	}
}

static MAY_YIELD void
run_trial(void *arg)
{
	struct trial *t = arg;
	struct arc_options options = { t->sets_most, TIMEOUT };
	struct arc *c = arc_begin(t->arena, &options);
	struct span message = span_z(t->message);
	struct fields *f = arena_new(t->arena, struct fields);
	size_t body;
	struct err err;

	fields_parse(t->arena, message, f);
	arc_header(c, f);
	if (t->leave) {
		fiber_yield();
		arena_destroy(&t->arena);
		return;
	}
	body = f->size + 2 < message.len ? f->size + 2 : message.len;
	give_body(c, span_n(message.p + body, message.len - body), t->piece);
	t->ret = arc_finish(c, &t->answer, &err);
}

/* The answer lives until the next one is asked for. */
static const struct arc_answer *
ask(struct trial *t)
{
	struct dns_options options = { .hosts = t->zone };
	struct err err;
	int r;

	if (asked != NULL)
		arena_destroy(&asked);
	r = dns_create(&options, &err);
	assert(r == 0);
	t->arena = arena_create("trial");
	fiber_spawn("trial", run_trial, t);
	while (fiber_count() > 0)
		loop_turn(true);
	dns_statistics(&t->dns);
	dns_destroy();
	asked = t->arena;
	return &t->answer;
}

static const char *
outcome(struct trial *t)
{
	return arc_outcome_name(ask(t)->outcome);
}

/* --- what needs no key --- */

#define AAR(i)		"ARC-Authentication-Results: i=" i "; x.example\r\n"
#define BH		"bh=MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE="
#define AMS_(i, more)	"ARC-Message-Signature: i=" i "; a=rsa-sha256; " \
	"d=x.example; s=s; h=from; b=YQ==; " more "\r\n"
#define AMS(i)		AMS_(i, BH)
#define AS_(i, cv, more) "ARC-Seal: i=" i "; cv=" cv "; a=rsa-sha256; " \
	"d=x.example; s=s; b=YQ==" more "\r\n"
#define AS(i, cv)	AS_(i, cv, "")
#define SET(i, cv)	AS(i, cv) AMS(i) AAR(i)
#define SEAL		"i=1: ARC-Seal: "
#define MESSAGE		"i=1: ARC-Message-Signature: "
#define NO_KEY		MESSAGE "the body was changed"	/* looked at */

static const struct {
	const char *name, *header, *want;
} structures[] = {
	{ "no sets", "From: a@x.example\r\n", "no ARC sets" },
	{ "names alike", "X-ARC-Seal: i=1\r\nARC-Seals: i=1\r\n",
	    "no ARC sets" },
	{ "whole", SET("1", "none"), NO_KEY },
	{ "order of fields is free", AAR("1") AS("1", "none") AMS("1"),
	    NO_KEY },
	{ "order of sets is free", SET("1", "none") SET("2", "pass"),
	    "i=2: ARC-Message-Signature: the body was changed" },
	{ "names in any case", "arc-seal : i=1; cv=none; a=rsa-sha256; "
	    "d=x; s=s; b=YQ\r\n" AMS("1") AAR("1"), NO_KEY },
	{ "cv in any case", SET("1", "None"), NO_KEY },
	{ "two digits", SET("01", "none"), NO_KEY },
	{ "comments before i=", AS("1", "none") AMS("1")
	    "ARC-Authentication-Results: (a (b\\)) c)\r\n i (x) = 1 ; x\r\n",
	    NO_KEY },

	{ "failed before", SET("1", "fail"),
	    "i=1: its sealer found the chain broken" },
	{ "the newest failed, older missing", AS("2", "fail") AS("1", "none"),
	    "i=2: its sealer found the chain broken" },
	{ "an older one failed", SET("3", "pass") SET("2", "fail")
	    SET("1", "none"), "i=2: ARC-Seal without cv=pass" },
	{ "first says pass", SET("1", "pass"), "i=1: ARC-Seal without cv=none" },
	{ "second says none", SET("2", "none") SET("1", "none"),
	    "i=2: ARC-Seal without cv=pass" },
	{ "unknown cv", SET("1", "maybe"), "i=1: ARC-Seal without cv=none" },
	{ "no seal", AMS("1") AAR("1"), "i=1: ARC-Seal is missing" },
	{ "no message signature", AS("1", "none") AAR("1"),
	    "i=1: ARC-Message-Signature is missing" },
	{ "no results", AS("1", "none") AMS("1"),
	    "i=1: ARC-Authentication-Results is missing" },
	{ "gap", SET("1", "none") SET("3", "pass"),
	    "i=2: ARC-Authentication-Results is missing" },
	{ "only the second", SET("2", "pass"),
	    "i=1: ARC-Authentication-Results is missing" },
	{ "far too high", SET("9", "pass"),
	    "ARC-Seal: i=9, but sets before it are missing" },
	{ "two seals", AS("1", "none") SET("1", "none"),
	    "i=1: ARC-Seal is there twice" },
	{ "two message signatures", AMS("1") SET("1", "none"),
	    "i=1: ARC-Message-Signature is there twice" },
	{ "two results", AAR("1") SET("1", "none"),
	    "i=1: ARC-Authentication-Results is there twice" },
	{ "over 50", SET("51", "pass"), "ARC-Seal: i=51, over 50" },
	{ "i=0", SET("0", "none"), "ARC-Seal: i= is no instance number" },
	{ "three digits", SET("001", "none"),
	    "ARC-Seal: i= is no instance number" },
	{ "i= empty", SET("", "none"), "ARC-Seal: i= is no instance number" },
	{ "no i=", "ARC-Seal: cv=none\r\n", "ARC-Seal: no i=" },
	{ "no list", "ARC-Seal: words\r\n", "ARC-Seal: a tag without \"=\"" },
	{ "tag twice", SET("1; i=1", "none"),
	    "ARC-Seal: tag \"i\" is there twice" },
	{ "results without i=", "ARC-Authentication-Results: x; spf=pass\r\n",
	    "ARC-Authentication-Results: no i= in front" },
	{ "results without ;", "ARC-Authentication-Results: i=1 x\r\n",
	    "ARC-Authentication-Results: no \";\" behind i=" },
	{ "results of 0", AAR("0"),
	    "ARC-Authentication-Results: i= is no instance number" },
	{ "open comment", "ARC-Authentication-Results: (i=1; x\r\n",
	    "ARC-Authentication-Results: no i= in front" },

	{ "h= in a seal", AS_("1", "none", "; h=from") AMS("1") AAR("1"),
	    SEAL "h= is not allowed" },
	{ "bad t=", AS_("1", "none", "; t=now") AMS("1") AAR("1"),
	    SEAL "t= is no time" },
	{ "t= empty", AS_("1", "none", "; t=") AMS("1") AAR("1"),
	    SEAL "t= is no time" },
	{ "no a=", "ARC-Seal: i=1; cv=none; d=x; s=s; b=YQ\r\n" AMS("1")
	    AAR("1"), SEAL "no a=" },
	{ "rsa-sha1", "ARC-Seal: i=1; cv=none; a=rsa-sha1; d=x; s=s; b=YQ\r\n"
	    AMS("1") AAR("1"),
	    SEAL "a= is neither rsa-sha256 nor ed25519-sha256" },
	{ "no b=", "ARC-Seal: i=1; cv=none; a=rsa-sha256; d=x; s=s\r\n"
	    AMS("1") AAR("1"), SEAL "no b=" },
	{ "b= empty", "ARC-Seal: i=1; cv=none; a=rsa-sha256; d=x; s=s; b=\r\n"
	    AMS("1") AAR("1"), SEAL "b= is no signature" },
	{ "b= not base64", "ARC-Seal: i=1; cv=none; a=rsa-sha256; d=x; s=s; "
	    "b=!!\r\n" AMS("1") AAR("1"), SEAL "b= is no signature" },
	{ "no s=", "ARC-Seal: i=1; cv=none; a=rsa-sha256; d=x; b=YQ\r\n"
	    AMS("1") AAR("1"), SEAL "no s=" },
	{ "d= empty", "ARC-Seal: i=1; cv=none; a=rsa-sha256; d=; s=s; b=YQ"
	    "\r\n" AMS("1") AAR("1"), SEAL "d= is no domain name" },
	{ "d= with a blank", "ARC-Seal: i=1; cv=none; a=rsa-sha256; d=x y; "
	    "s=s; b=YQ\r\n" AMS("1") AAR("1"), SEAL "d= is no domain name" },

	{ "no bh=", AS("1", "none") AMS_("1", "t=1") AAR("1"),
	    MESSAGE "no bh=" },
	{ "bh= too short", AS("1", "none") AMS_("1", "bh=YQ==") AAR("1"),
	    MESSAGE "bh= is no SHA-256 hash" },
	{ "unknown c=", AS("1", "none") AMS_("1", BH "; c=nofws") AAR("1"),
	    MESSAGE "c= is no known canonical form" },
	{ "c= empty", AS("1", "none") AMS_("1", BH "; c=") AAR("1"),
	    MESSAGE "c= is no known canonical form" },
	{ "c= without a body", AS("1", "none") AMS_("1", BH "; c=relaxed/")
	    AAR("1"), MESSAGE "c= is no known canonical form" },
	{ "signs a seal", "ARC-Message-Signature: i=1; a=rsa-sha256; d=x; "
	    "s=s; h=from : ARC-seal; b=YQ; " BH "\r\n" AS("1", "none")
	    AAR("1"), MESSAGE "h= has ARC-Seal" },
	{ "expired", AS("1", "none") AMS_("1", BH "; x=1000000000") AAR("1"),
	    MESSAGE "it has expired (x=)" },
	{ "expires later", AS("1", "none") AMS_("1", BH "; x=99999999999")
	    AAR("1"), NO_KEY },
	{ "x= before t=", AS("1", "none") AMS_("1", BH "; t=9; x=8")
	    AAR("1"), MESSAGE "x= is not later than t=" },
	{ "bad l=", AS("1", "none") AMS_("1", BH "; l=-1") AAR("1"),
	    MESSAGE "l= is no length" },
	{ "another q=", AS("1", "none") AMS_("1", BH "; q=ldap") AAR("1"),
	    MESSAGE "q= has no dns/txt" },
	{ "v= is ignored", AS("1", "none") AMS_("1", BH "; v=9") AAR("1"),
	    NO_KEY },
	{ "an older signature may be odd", SET("2", "pass") AS("1", "none")
	    AMS_("1", "c=odd") AAR("1"),
	    "i=2: ARC-Message-Signature: the body was changed" },
};

static void
structure_test(void)
{
	struct trial t = { .zone = "" };
	char text[2048];
	size_t i;

	for (i = 0; i < sizeof(structures) / sizeof(*structures); i++) {
		snprintf(text, sizeof(text), "%s\r\nbody\r\n",
		    structures[i].header);
		t.message = text;
		T_STR(structures[i].name, ask(&t)->reason,
		    structures[i].want);
	}
}

/* --- whole chains --- */

static const char *
domain_of(unsigned i)
{
	return arena_printf(lasting, "d%u.example", i);
}

static const char *
put_plain(const char *message, unsigned i, const struct sealer_key *key)
{
	struct sealer_set set = { .i = i, .domain = domain_of(i), .key = key,
	    .header = CANON_RELAXED, .body = CANON_RELAXED,
	    .c = "relaxed/relaxed", .h = "from:to:subject:from" };

	return sealer_put(lasting, message, &set);
}

static const char *
put_many(const char *message, unsigned first, unsigned last)
{
	for (unsigned i = first; i <= last; i++)
		message = put_plain(message, i, i % 2 ? &rsa : &ed25519);
	return message;
}

/* The keys of domains 1 to n, as put_many uses them. */
static const char *
zone_of(unsigned n)
{
	const char *text = "";

	for (unsigned i = 1; i <= n; i++)
		text = arena_printf(lasting, "%ss._domainkey.%s %s\n", text,
		    domain_of(i), i % 2 ? rsa.record : ed25519.record);
	return text;
}

static void
chain_test(void)
{
	static const unsigned counts[] = { 1, 2, 3, 17, 50 };
	struct trial t = { .zone = zone_of(50) };
	const struct arc_answer *got;
	size_t i;

	for (i = 0; i < sizeof(counts) / sizeof(*counts); i++) {
		t.message = put_many(PLAIN, 1, counts[i]);
		got = ask(&t);
		T_STR("a whole chain", arc_outcome_name(got->outcome), "pass");
		T_INT("its sets", got->sets, counts[i]);
		T_INT("all of them pass", got->oldest_pass, 0);
		T_INT("one lookup for each", t.dns.asked, counts[i]);
		T_STR("the last sealer", got->sealer, domain_of(counts[i]));
		T_STR("the first sealer", got->seals[0].domain,
		    "d1.example");
		T_STR("what it found", arena_copy(t.arena,
		    got->seals[0].results), " d1.example; spf=pass");
	}
}

static void
piece_test(void)
{
	static const size_t pieces[] = { 1, 7, 4096 };
	struct trial t = { .zone = zone_of(2),
	    .message = put_many(PLAIN, 1, 2) };

	for (size_t i = 0; i < sizeof(pieces) / sizeof(*pieces); i++) {
		t.piece = pieces[i];
		T_STR("body in pieces", outcome(&t), "pass");
	}
}

/* A word of the message becomes another of the same length. */
static const struct {
	const char *name, *from, *to, *want;
} changes[] = {
	{ "the body", "more", "less",
	    "i=3: ARC-Message-Signature: the body was changed" },
	{ "a signed field", "a@x", "c@x",
	    "i=3: ARC-Message-Signature: the signature does not match" },
	{ "results of the newest", "d3.example; spf=pass",
	    "d3.example; spf=fail", "i=3: ARC-Seal: the signature does not "
	    "match" },
	{ "results of the first", "d1.example; spf=pass",
	    "d1.example; spf=fail", "i=3: ARC-Seal: the signature does not "
	    "match" },
	{ "only blanks", "Some  text", "Some \ttext", "3 sets, all whole" },
};

static void
change_test(void)
{
	struct trial t = { .zone = zone_of(3) };
	const char *whole = put_many(PLAIN, 1, 3);
	char *text, *at;

	for (size_t i = 0; i < sizeof(changes) / sizeof(*changes); i++) {
		text = arena_strdup(lasting, whole);
		at = strstr(text, changes[i].from);
		assert(at != NULL);
		memcpy(at, changes[i].to, strlen(changes[i].to));
		t.message = text;
		T_STR(changes[i].name, ask(&t)->reason, changes[i].want);
	}
}

/* Every way to sign that RFC 6376 knows. */
static const struct {
	const char	*name;
	enum canon	 header, body;
	const char	*c, *h;
	size_t		 limit;
	const char	*tags;
	const char	*behind;	/* text put behind the message */
	const char	*want;
} forms[] = {
	{ "simple/simple", CANON_SIMPLE, CANON_SIMPLE, "simple/simple",
	    "From:To", 0, NULL, "", "pass" },
	{ "simple/relaxed", CANON_SIMPLE, CANON_RELAXED, "simple/relaxed",
	    "From:To", 0, NULL, "", "pass" },
	{ "relaxed is relaxed/simple", CANON_RELAXED, CANON_SIMPLE, "relaxed",
	    "from", 0, NULL, "", "pass" },
	{ "no c=, simple", CANON_SIMPLE, CANON_SIMPLE, NULL, "From", 0, NULL,
	    "", "pass" },
	{ "no c=, relaxed", CANON_RELAXED, CANON_RELAXED, NULL, "from", 0,
	    NULL, "", "pass" },
	{ "no c=, simple/relaxed is none of them", CANON_SIMPLE,
	    CANON_RELAXED, NULL, "From", 0, NULL, "", "fail" },
	{ "nothing signed of the header", CANON_RELAXED, CANON_RELAXED,
	    "relaxed/relaxed", "", 0, NULL, "", "pass" },
	{ "names that are not there", CANON_RELAXED, CANON_RELAXED,
	    "relaxed/relaxed", "from:from::cc", 0, NULL, "", "pass" },
	{ "part of the body", CANON_RELAXED, CANON_RELAXED,
	    "relaxed/relaxed", "from", 9, " l=9;", "more text\r\n",
	    "pass, partial" },
	{ "part without l=", CANON_RELAXED, CANON_RELAXED,
	    "relaxed/relaxed", "from", 9, NULL, "", "fail" },
	{ "l= longer than the body", CANON_RELAXED, CANON_RELAXED,
	    "relaxed/relaxed", "from", 0, " l=999;", "", "fail" },
	{ "all of the body by l=", CANON_RELAXED, CANON_RELAXED,
	    "relaxed/relaxed", "from", 19, " l=19;", "", "pass" },
	{ "other tags", CANON_RELAXED, CANON_RELAXED, "relaxed/relaxed",
	    "from", 0, " t=1; x=99999999999; q=dns/txt; zz=1;", "", "pass" },
};

static void
form_test(void)
{
	struct sealer_set set = { .i = 1, .domain = "d1.example" };
	struct trial t = { .zone = zone_of(1) };
	const struct arc_answer *got;

	for (size_t i = 0; i < sizeof(forms) / sizeof(*forms); i++) {
		set.key = &rsa;
		set.header = forms[i].header;
		set.body = forms[i].body;
		set.c = forms[i].c;
		set.h = forms[i].h;
		set.limit = forms[i].limit;
		set.message_tags = forms[i].tags;
		t.message = arena_printf(lasting, "%s%s",
		    sealer_put(lasting, PLAIN, &set), forms[i].behind);
		got = ask(&t);
		T_STR(forms[i].name, arena_printf(t.arena, "%s%s",
		    arc_outcome_name(got->outcome),
		    got->is_partial ? ", partial" : ""), forms[i].want);
	}
}

/* --- keys --- */

#define KEY(n)	"s._domainkey.d" n ".example "

/* A chain of two; its first key is RSA, its second Ed25519. */
static const struct {
	const char *name, *first, *second, *want, *reason;
} keys[] = {
	{ "the newest is silent", NULL, "timeout", "temperror",
	    "i=2: ARC-Message-Signature: key lookup failed: timeout" },
	{ "an older one fails", "servfail", NULL, "temperror",
	    "i=1: ARC-Seal: key lookup failed: servfail" },
	{ "bogus DNSSEC", "bogus", NULL, "temperror",
	    "i=1: ARC-Seal: key lookup failed: bogus" },
	{ "no key", NULL, "A 192.0.2.1", "fail", "i=2: ARC-Message-Signature: "
	    "there is no key s._domainkey.d2.example" },
	{ "no older key", "A 192.0.2.1", NULL, "fail",
	    "i=1: ARC-Seal: there is no key s._domainkey.d1.example" },
	{ "silent, but the other is missing", "A 192.0.2.1", "timeout",
	    "fail", "i=1: ARC-Seal: there is no key s._domainkey.d1.example" },
	{ "revoked", "TXT \"v=DKIM1; p=\"", NULL, "fail",
	    "i=1: ARC-Seal: the key was revoked" },
	{ "other text first", "TXT \"v=spf1 -all\"", "add", "pass", NULL },
	{ "of another type", "other", NULL, "fail", "i=1: ARC-Seal: a key of "
	    "another type than the signature's" },
};

static const char *
key_line(const char *name, const char *what, const char *right)
{
	if (what == NULL || strcmp(what, "add") == 0)
		return arena_printf(lasting, "%s%s\n", name, right);
	if (strcmp(what, "other") == 0)
		what = ed25519.record;
	return arena_printf(lasting, "%s%s\n", name, what);
}

static void
key_test(void)
{
	struct trial t = { .message = put_many(PLAIN, 1, 2) };
	const struct arc_answer *got;
	const char *more;

	for (size_t i = 0; i < sizeof(keys) / sizeof(*keys); i++) {
		more = keys[i].second != NULL &&
		    strcmp(keys[i].second, "add") == 0 ?
		    key_line(KEY("1"), NULL, rsa.record) : "";
		t.zone = arena_printf(lasting, "%s%s%s",
		    key_line(KEY("1"), keys[i].first, rsa.record), more,
		    key_line(KEY("2"), keys[i].second, ed25519.record));
		got = ask(&t);
		T_STR(keys[i].name, arc_outcome_name(got->outcome),
		    keys[i].want);
		if (keys[i].reason != NULL)
			T_STR("why", got->reason, keys[i].reason);
	}
	T_STR("RFC 8617 5.2.1", arc_status(ARC_TEMPERROR), "fail");
}

/* A key lookup that is under way ends when the mail does. */
static void
leave_test(void)
{
	struct trial t = { .zone = KEY("1") "timeout\n" KEY("2") "delay 50\n",
	    .message = put_many(PLAIN, 1, 2), .leave = true };

	ask(&t);
	T_INT("both were asked", t.dns.asked, 2);
}

/* --- limits --- */

static void
limit_test(void)
{
	struct trial t = { .zone = zone_of(50) };
	const char *chain = put_many(PLAIN, 1, 3);
	struct buf b = { 0 };

	t.message = chain;
	t.sets_most = 3;
	T_STR("as many sets as allowed", outcome(&t), "pass");
	t.sets_most = 2;
	T_STR("one more", ask(&t)->reason, "more than 2 sets");
	t.sets_most = 0;
	for (unsigned i = 1; i <= 1000; i++)
		buf_printf(&b, SET("%u", "pass"), i % 90, i % 90, i % 90);
	buf_puts(&b, "\r\n");
	buf_put(&b, "", 1);
	t.message = b.p;
	T_STR("a thousand sets", ask(&t)->reason, "more than 50 sets");
	T_INT("cost no lookup", t.dns.asked, 0);
	t.message = put_many(PLAIN, 1, 50);
	t.zone = "";
	T_STR("50 sets without keys", outcome(&t), "fail");
	T_INT("cost few lookups", t.dns.asked, ARC_LOOKUPS_TOGETHER);
	buf_free(&b);
}

static void
names_test(void)
{
	struct trial t = { .zone = "" };
	struct buf b = { 0 };

	buf_puts(&b, AS("1", "none") AAR("1") "ARC-Message-Signature: i=1; "
	    "a=rsa-sha256; d=x; s=s; b=YQ; " BH "; h=x");
	for (int i = 0; i < ARC_NAMES_MOST; i++)
		buf_puts(&b, ":x");
	buf_puts(&b, "\r\n\r\n");
	buf_put(&b, "", 1);
	t.message = b.p;
	T_STR("a thousand names", ask(&t)->reason,
	    MESSAGE "h= has more than 1000 names");
	buf_free(&b);
}

/* --- how far back --- */

static const char *
changed(const char *message)
{
	char *text = arena_strdup(lasting, message);

	memcpy(strstr(text, "Subject:  a"), "Subject: [l", 11);
	return text;
}

static void
oldest_test(void)
{
	struct trial t = { .zone = zone_of(5) };
	struct sealer_set set = { .i = 2, .domain = "d2.example",
	    .key = &ed25519, .header = CANON_RELAXED, .body = CANON_SIMPLE,
	    .c = "relaxed/simple", .h = "from" };
	const char *message;

	t.message = put_many(changed(put_many(PLAIN, 1, 2)), 3, 5);
	T_STR("changed behind the second", outcome(&t), "pass");
	T_INT("the third is the oldest", t.answer.oldest_pass, 3);
	message = put_many(PLAIN, 1, 1);
	t.message = put_many(sealer_put(lasting, message, &set), 3, 3);
	T_STR("another form on the way", outcome(&t), "pass");
	T_INT("not known", t.answer.oldest_pass, ARC_OLDEST_UNKNOWN);
	set.body = CANON_RELAXED;
	set.c = "relaxed/relaxed";
	set.message_tags = " x=1000000000;";
	t.message = put_many(sealer_put(lasting, message, &set), 3, 3);
	T_STR("expired on the way", outcome(&t), "pass");
	T_INT("the newest only", t.answer.oldest_pass, 3);
}

/* Old signatures over large fields are not worth the work. */
static void
work_test(void)
{
	struct trial t = { .zone = zone_of(20) };
	struct sealer_set set = { .key = &rsa, .header = CANON_RELAXED,
	    .body = CANON_RELAXED, .c = "relaxed/relaxed",
	    .h = "subject:subject" };
	struct buf b = { 0 };
	const char *message;

	buf_puts(&b, "Subject: ");
	for (int i = 0; i < 2000; i++)
		buf_printf(&b, "%099d\r\n ", i);
	buf_puts(&b, "\r\n" PLAIN);
	buf_put(&b, "", 1);
	message = b.p;
	for (set.i = 1; set.i <= 19; set.i += 1) {
		set.domain = "d1.example";
		message = sealer_put(lasting, message, &set);
	}
	t.message = message;
	T_STR("large fields", outcome(&t), "pass");
	T_INT("not looked at", t.answer.oldest_pass, ARC_OLDEST_UNKNOWN);
	T_INT("one key, one lookup", t.dns.asked, 1);
	buf_free(&b);
}

int
main(void)
{
	struct trial last = { .zone = "", .message = "\r\n" };

	lasting = arena_create("test");
	sealer_key_make(lasting, 1024, &rsa);
	sealer_key_make(lasting, 0, &ed25519);
	loop_create();
	structure_test();
	chain_test();
	piece_test();
	change_test();
	form_test();
	key_test();
	leave_test();
	limit_test();
	names_test();
	oldest_test();
	work_test();
	T_STR("nothing", outcome(&last), "none");
	arena_destroy(&asked);
	loop_destroy();
	arena_destroy(&lasting);
	return t_done();
}
