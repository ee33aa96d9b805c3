#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "base/loop.h"
#include "filters/signature_keys.h"
#include "tests/kit/arc_trial.h"
#include "tests/kit/sealer.h"
#include "tests/kit/t.h"

#define PLAIN	"From: a@x.example\r\nTo: b@y.example\r\nSubject:  a  b\r\n" \
	"\r\nSome  text \r\n\r\nmore\t\r\n\r\n"

static struct sealer_key rsa, ed25519;
static struct arena *lasting;

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
	struct arc_trial t = { .zone = zone_of(50) };
	const struct arc_answer *got;
	size_t i;

	for (i = 0; i < sizeof(counts) / sizeof(*counts); i++) {
		t.message = put_many(PLAIN, 1, counts[i]);
		got = arc_trial(&t);
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
	struct arc_trial t = { .zone = zone_of(2),
	    .message = put_many(PLAIN, 1, 2) };

	for (size_t i = 0; i < sizeof(pieces) / sizeof(*pieces); i++) {
		t.piece = pieces[i];
		T_STR("body in pieces", arc_trial_outcome(&t), "pass");
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
	struct arc_trial t = { .zone = zone_of(3) };
	const char *whole = put_many(PLAIN, 1, 3);
	char *text, *at;

	for (size_t i = 0; i < sizeof(changes) / sizeof(*changes); i++) {
		text = arena_strdup(lasting, whole);
		at = strstr(text, changes[i].from);
		assert(at != NULL);
		memcpy(at, changes[i].to, strlen(changes[i].to));
		t.message = text;
		T_STR(changes[i].name, arc_trial(&t)->reason, changes[i].want);
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
	struct arc_trial t = { .zone = zone_of(1) };
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
		got = arc_trial(&t);
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
	struct arc_trial t = { .message = put_many(PLAIN, 1, 2) };
	const struct arc_answer *got;
	const char *more;

	for (size_t i = 0; i < sizeof(keys) / sizeof(*keys); i++) {
		more = keys[i].second != NULL &&
		    strcmp(keys[i].second, "add") == 0 ?
		    key_line(KEY("1"), NULL, rsa.record) : "";
		t.zone = arena_printf(lasting, "%s%s%s",
		    key_line(KEY("1"), keys[i].first, rsa.record), more,
		    key_line(KEY("2"), keys[i].second, ed25519.record));
		got = arc_trial(&t);
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
	struct arc_trial t = {
	    .zone = KEY("1") "timeout\n" KEY("2") "delay 50\n",
	    .message = put_many(PLAIN, 1, 2), .leave = true };

	arc_trial(&t);
	T_INT("both were asked", t.dns.asked, 2);
	t.leave = false;
	t.stop = true;
	arc_trial(&t);
	T_INT("a stopped fiber gets no answer", t.ret, -1);
}

/* --- limits --- */

static void
limit_test(void)
{
	struct arc_trial t = { .zone = zone_of(50) };

	t.message = put_many(PLAIN, 1, ARC_SETS_MOST + 1);
	T_STR("one set too many", arc_trial(&t)->reason, "more than 50 sets");
	t.message = put_many(PLAIN, 1, ARC_SETS_MOST);
	T_STR("as many as allowed", arc_trial_outcome(&t), "pass");
	t.zone = "";
	T_STR("50 sets without keys", arc_trial_outcome(&t), "fail");
	T_INT("cost few lookups", t.dns.asked, SIGNATURE_KEYS_TOGETHER);
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
	struct arc_trial t = { .zone = zone_of(5) };
	struct sealer_set set = { .i = 2, .domain = "d2.example",
	    .key = &ed25519, .header = CANON_RELAXED, .body = CANON_SIMPLE,
	    .c = "relaxed/simple", .h = "from" };
	const char *message;

	t.message = put_many(changed(put_many(PLAIN, 1, 2)), 3, 5);
	T_STR("changed behind the second", arc_trial_outcome(&t), "pass");
	T_INT("the third is the oldest", t.answer.oldest_pass, 3);
	message = put_many(PLAIN, 1, 1);
	t.message = put_many(sealer_put(lasting, message, &set), 3, 3);
	T_STR("another form on the way", arc_trial_outcome(&t), "pass");
	T_INT("not known", t.answer.oldest_pass, ARC_OLDEST_UNKNOWN);
	set.body = CANON_RELAXED;
	set.c = "relaxed/relaxed";
	set.message_tags = " x=1000000000;";
	t.message = put_many(sealer_put(lasting, message, &set), 3, 3);
	T_STR("expired on the way", arc_trial_outcome(&t), "pass");
	T_INT("the newest only", t.answer.oldest_pass, 3);
}

/* Old signatures over large fields are not worth the work. */
static void
work_test(void)
{
	struct arc_trial t = { .zone = zone_of(20) };
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
	T_STR("large fields", arc_trial_outcome(&t), "pass");
	T_INT("not looked at", t.answer.oldest_pass, ARC_OLDEST_UNKNOWN);
	T_INT("one key, one lookup", t.dns.asked, 1);
	buf_free(&b);
}

int
main(void)
{
	struct arc_trial last = { .zone = "", .message = "\r\n" };

	lasting = arena_create("test");
	sealer_key_make(lasting, 1024, &rsa);
	sealer_key_make(lasting, 0, &ed25519);
	loop_create();
	chain_test();
	piece_test();
	change_test();
	form_test();
	key_test();
	leave_test();
	limit_test();
	oldest_test();
	work_test();
	T_STR("nothing", arc_trial_outcome(&last), "none");
	arc_trial_end();
	loop_destroy();
	arena_destroy(&lasting);
	return t_done();
}
