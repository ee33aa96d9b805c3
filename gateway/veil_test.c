#include <stdio.h>
#include <string.h>

#include "gateway/veil.h"
#include "tests/kit/t.h"

#define KEY	SPAN_LIT("key")

static char shown[512];

/* Hashes are made to be read by nobody: each becomes "#", and "#2" if another
 * one was before. */
static const char *
without_hashes(const struct buf *b)
{
	static const char digits[] = "0123456789abcdef";
	char first[16] = "";
	size_t n = 0;

	for (size_t i = 0; i < b->len; i++) {
		if (b->len - i < 16 || strspn(b->p + i, digits) < 16) {
			shown[n++] = b->p[i];
			continue;
		}
		shown[n++] = '#';
		if (first[0] == '\0')
			memcpy(first, b->p + i, 16);
		else if (memcmp(first, b->p + i, 16) != 0)
			shown[n++] = '2';
		i += 15;
	}
	shown[n] = '\0';
	return shown;
}

static const struct {
	const char *name, *hide[3];
	enum veil_what what;
	const char *in, *want;
} cases[] = {
	{ "nothing is hidden", { NULL }, VEIL_SENDER, "a@x.example",
	    "\"a@x.example\"" },
	{ "a sender", { "senders" }, VEIL_SENDER, "a@x.example",
	    "{\"hash\":\"#\",\"domain\":\"x.example\"}" },
	{ "the null sender stays", { "senders" }, VEIL_SENDER, "", "\"\"" },
	{ "no domain", { "recipients" }, VEIL_RCPT, "postmaster",
	    "{\"hash\":\"#\"}" },
	{ "a subject", { "subject" }, VEIL_SUBJECT, "hello b@y.example",
	    "{\"hash\":\"#\"}" },
	{ "a recipient is shown where senders are hidden", { "senders" },
	    VEIL_RCPT, "b@y.example", "\"b@y.example\"" },
	{ "a field with several", { "recipients" }, VEIL_RCPT,
	    "B <b@y.example>, c@y.example",
	    "{\"hash\":\"#\",\"domain\":\"y.example\"}" },
	{ "an address in angle brackets", { "senders" }, VEIL_SENDER,
	    "A <a@x.example>", "{\"hash\":\"#\"}" },
	{ "within a text", { "recipients" }, VEIL_TEXT,
	    "550 <b@y.example> unknown", "\"550 <#@y.example> unknown\"" },
	{ "the end of a sentence", { "recipients" }, VEIL_TEXT,
	    "I know no b@y.example.", "\"I know no #@y.example.\"" },
	{ "two of them", { "recipients" }, VEIL_TEXT,
	    "b@y.example,c@y.example,B@Y.example",
	    "\"#@y.example,#2@y.example,#@Y.example\"" },
	{ "a quoted local part", { "recipients" }, VEIL_TEXT,
	    "to \"a b\\\"c\"@y.example", "\"to #@y.example\"" },
	{ "a quote that does not begin", { "recipients" }, VEIL_TEXT,
	    "a b\"@y.example", "\"#@y.example\"" },
	{ "UTF-8", { "recipients" }, VEIL_TEXT, "m\xc3\xbcller@y.example!",
	    "\"#@y.example!\"" },
	{ "a literal", { "senders" }, VEIL_TEXT, "b@[192.0.2.1]",
	    "\"#@[192.0.2.1]\"" },
	{ "no local part", { "senders" }, VEIL_TEXT, "@y.example",
	    "\"#@y.example\"" },
	{ "only @", { "senders" }, VEIL_TEXT, "@@", "\"#@#@\"" },
	{ "a route in front of it", { "recipients" }, VEIL_TEXT,
	    "<@x.example,@z.example:bob@y.example>",
	    "\"<#@x.example,#2@z.example:#2@y.example>\"" },
	{ "within a URL", { "recipients" }, VEIL_TEXT,
	    "mailto:a@x.example?cc=bob@y.example",
	    "\"mailto:#@x.example?#2@y.example\"" },
	{ "nothing but a sign between two", { "recipients" }, VEIL_TEXT,
	    "a@x.example/bob@y.example|c@y.example",
	    "\"#@x.example/#2@y.example|#2@y.example\"" },
	{ "what is behind an @ in front of another one", { "recipients" },
	    VEIL_TEXT, "a@bob@y.example", "\"#@#2@y.example\"" },
	{ "a literal and a name", { "recipients" }, VEIL_TEXT,
	    "a@[IPv6:2001:db8::1]bob@y.example",
	    "\"#@[IPv6:2001:db8::1]#2@y.example\"" },
	{ "VERP, where recipients are hidden", { "recipients" }, VEIL_SENDER,
	    "bounce-bob=y.example@list.example",
	    "{\"hash\":\"#\",\"domain\":\"list.example\"}" },
	{ "SRS, where senders are hidden", { "senders" }, VEIL_RCPT,
	    "SRS0=abc=xy=x.example=ann@y.example",
	    "{\"hash\":\"#\",\"domain\":\"y.example\"}" },
	{ "the local part of VERP", { "recipients" }, VEIL_SENDER,
	    "bounce-bob=y.example", "{\"hash\":\"#\"}" },
	{ "a route by %", { "senders" }, VEIL_RCPT, "bob%y.example@x.example",
	    "{\"hash\":\"#\",\"domain\":\"x.example\"}" },
	{ "an @ in quotes", { "recipients" }, VEIL_SENDER,
	    "\"bob@y.example\"@x.example",
	    "{\"hash\":\"#\",\"domain\":\"x.example\"}" },
	{ "BATV is the sender's own", { "recipients" }, VEIL_SENDER,
	    "prvs=0123456789=ann.lee@x.example",
	    "\"prvs=0123456789=ann.lee@x.example\"" },
	{ "BATV in front of VERP", { "recipients" }, VEIL_SENDER,
	    "prvs=0=l-bob=y.example@x.example",
	    "{\"hash\":\"#\",\"domain\":\"x.example\"}" },
	{ "a tag is no address", { "recipients" }, VEIL_SENDER,
	    "ann=news@x.example", "\"ann=news@x.example\"" },
	{ "with only the subject hidden, VERP stays", { "subject" },
	    VEIL_SENDER, "bounce-bob=y.example@list.example",
	    "\"bounce-bob=y.example@list.example\"" },
	{ "with only the subject hidden, texts stay", { "subject" },
	    VEIL_TEXT, "b@y.example", "\"b@y.example\"" },
};

static struct settings
settings_of(const char **hide)
{
	struct settings s = {0};

	s.journal_hide.list = hide;
	while (s.journal_hide.n < 3 && hide[s.journal_hide.n] != NULL)
		s.journal_hide.n++;
	return s;
}

static void
test_texts(void)
{
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct arena *a = arena_create("test");
		const char *hide[3];
		struct settings s;
		struct buf b = {0};
		struct json_out o = { .to = &b };

		memcpy(hide, cases[i].hide, sizeof(hide));
		s = settings_of(hide);
		veil_put(veil_create(a, &s, KEY), &o, JSON_NO_KEY, cases[i].what,
		    span_z(cases[i].in));
		T_STR(cases[i].name, without_hashes(&b), cases[i].want);
		buf_free(&b);
		arena_destroy(&a);
	}
}

static void
put(const char *key, const char *text, char out[128])
{
	struct arena *a = arena_create("test");
	const char *hide[3] = { "senders" };
	struct settings s = settings_of(hide);
	struct buf b = {0};
	struct json_out o = { .to = &b };

	veil_put(veil_create(a, &s, span_z(key)), &o, JSON_NO_KEY, VEIL_SENDER,
	    span_z(text));
	memcpy(out, b.p, b.len);
	out[b.len] = '\0';
	buf_free(&b);
	arena_destroy(&a);
}

static void
test_keys(void)
{
	char one[128], two[128];

	/* RFC 2104, as `openssl dgst -sha256 -hmac key` has it. */
	put("key", "A@x.example", one);
	T_STR("the hash is of the address in small letters", one,
	    "{\"hash\":\"0a5939120d17c592\",\"domain\":\"x.example\"}");
	put("other", "A@x.example", two);
	T_OK("another key, another hash", strcmp(one, two) != 0);
}

static void
test_fields(void)
{
	struct arena *a = arena_create("test");
	const char *hide[3] = { "senders" };
	struct settings s = settings_of(hide);
	const struct veil *v = veil_create(a, &s, KEY);

	T_INT("a header field's name, whatever its case",
	    veil_of_header(v, SPAN_LIT("reply-TO")), VEIL_SENDER);
	T_INT("one of what is not hidden",
	    veil_of_header(v, SPAN_LIT("To")), VEIL_FOREIGN);
	T_INT("another one", veil_of_header(v, SPAN_LIT("X-Spam")),
	    VEIL_FOREIGN);
	T_INT("without a veil", veil_of_header(NULL, SPAN_LIT("From")),
	    VEIL_FOREIGN);
	arena_destroy(&a);
}

/* Of a mail from ann.lee@x.example to bob, "c d"@, al and fred+news at
 * y.example. */
static const struct {
	const char *name, *hide;
	enum veil_what what;
	const char *in, *want;
} known[] = {
	{ "a name by itself", "recipients", VEIL_FOREIGN, "no user bob here",
	    "\"no user #@ here\"" },
	{ "whatever its case, and the end of a sentence", "recipients",
	    VEIL_FOREIGN, "BOB: no. Bob", "\"#@: no. #@\"" },
	{ "all of it", "recipients", VEIL_FOREIGN, "bob", "\"#@\"" },
	{ "no word", "recipients", VEIL_FOREIGN, "bobby kabob bob2 \303\244bob",
	    "\"bobby kabob bob2 \303\244bob\"" },
	{ "within another address that is not hidden as such",
	    "recipients", VEIL_FOREIGN, "bob%y.example; bob=40y; bob at y",
	    "\"#@%y.example; #@=40y; #@ at y\"" },
	{ "behind a domain", "recipients", VEIL_FOREIGN,
	    "mailto:leave@list.example?subject=bob",
	    "\"mailto:#@list.example?subject=#@\"" },
	{ "an address of the mail has the hash of its name", "recipients",
	    VEIL_FOREIGN, "bob@y.example: bob", "\"#@y.example: #@\"" },
	{ "a quoted one", "recipients", VEIL_FOREIGN, "no c d.",
	    "\"no #@.\"" },
	{ "with its tag and without", "recipients", VEIL_FOREIGN,
	    "fred+news, fred", "\"#@, #@\"" },
	{ "a short one is any word", "recipients", VEIL_FOREIGN, "al is away",
	    "\"al is away\"" },
	{ "what is not hidden", "senders", VEIL_FOREIGN, "bob",
	    "\"bob\"" },
	{ "one that is cut", "senders", VEIL_FOREIGN, "for ann.l...",
	    "\"for #@...\"" },
	{ "all of it, and then the text is cut", "recipients", VEIL_FOREIGN,
	    "bob and...", "\"#@ and...\"" },
	{ "too little of it", "recipients", VEIL_FOREIGN, "bo...",
	    "\"bo...\"" },
	{ "a sender", "senders", VEIL_FOREIGN, "ann.lee ann lee",
	    "\"#@ ann lee\"" },
	{ "a text of a rule is its own", "recipients", VEIL_TEXT,
	    "no user bob", "\"no user bob\"" },
	{ "a name of the mail within the other one", "recipients",
	    VEIL_SENDER, "list-bob-owner@x.example",
	    "{\"hash\":\"#\",\"domain\":\"x.example\"}" },
	{ "who has the same name elsewhere", "recipients", VEIL_SENDER,
	    "bob@x.example", "\"bob@x.example\"" },
};

static struct veil *
of_a_mail(struct arena *a, const char *hide)
{
	static const char *const rcpts[] = { "bob@y.example",
	    "\"c d\"@y.example", "al@y.example", "fred+news@y.example" };
	const char *list[3] = { hide };
	struct settings s = settings_of(list);
	struct veil *v = veil_create(a, &s, KEY);

	veil_know(v, VEIL_SENDER, SPAN_LIT("ann.lee@x.example"));
	for (size_t i = 0; i < sizeof(rcpts) / sizeof(*rcpts); i++)
		veil_know(v, VEIL_RCPT, span_z(rcpts[i]));
	return v;
}

static void
test_known(void)
{
	for (size_t i = 0; i < sizeof(known) / sizeof(*known); i++) {
		struct arena *a = arena_create("test");
		struct veil *v = of_a_mail(a, known[i].hide);
		struct buf b = {0};
		struct json_out o = { .to = &b };
		char all[128], *other;

		veil_put(v, &o, JSON_NO_KEY, known[i].what, span_z(known[i].in));
		snprintf(all, sizeof(all), "%s", without_hashes(&b));
		/* Several hashes of one text may differ. */
		while ((other = strstr(all, "#2")) != NULL)
			memmove(other + 1, other + 2, strlen(other + 2) + 1);
		T_STR(known[i].name, all, known[i].want);
		veil_begin(v);
		buf_clear(&b);
		veil_put(v, &o, JSON_NO_KEY, VEIL_FOREIGN, SPAN_LIT("bob ann.lee"));
		T_STR("the next mail is another", b.p[0] == ',' ?
		    without_hashes(&b) + 1 : "", "\"bob ann.lee\"");
		buf_free(&b);
		arena_destroy(&a);
	}
}

/* However many there are, and however much a text looks like them. */
static void
test_work(void)
{
	struct arena *a = arena_create("test");
	struct veil *v = of_a_mail(a, "recipients");
	struct buf text = {0}, b = {0};
	struct json_out o = { .to = &b };

	for (unsigned i = 0; i < 1000; i++)
		veil_know(v, VEIL_RCPT, span_z(arena_printf(a,
		    "user%u@y.example", i)));
	for (unsigned i = 0; i < VEIL_WORK / 1000 - 2; i++)
		buf_puts(&text, "use ");
	buf_puts(&text, "user17");
	veil_put(v, &o, JSON_NO_KEY, VEIL_FOREIGN, buf_text(&text));
	T_OK("found among many", memmem(b.p, b.len, "use use ", 8) != NULL &&
	    memmem(b.p, b.len, "user17", 6) == NULL);
	buf_clear(&b);
	veil_put(v, &o, JSON_NO_KEY, VEIL_FOREIGN, buf_text(&text));
	T_STR("then the whole is hidden", without_hashes(&b), ",\"#@\"");
	buf_clear(&b);
	veil_put(v, &o, JSON_NO_KEY, VEIL_SENDER,
	    SPAN_LIT("list-bob-owner@x.example"));
	T_STR("and an address in which there may be one", without_hashes(&b),
	    ",{\"hash\":\"#\",\"domain\":\"x.example\"}");
	buf_free(&text);
	buf_free(&b);
	arena_destroy(&a);
}

static void
mask_is(const char *name, const char *text, const char *want)
{
	struct buf b = {0};

	veil_mask(span_z(text), &b);
	buf_put(&b, "", 1);
	T_STR(name, b.p, want);
	buf_free(&b);
}

static void
test_mask(void)
{
	mask_is("a text without hashes", "ask ann@x.example or b@y.example.",
	    "ask @x.example or @y.example.");
	mask_is("the same when they were hidden",
	    "ask 0a5939120d17c592@x.example or 0a5939120d17c592@y.example.",
	    "ask @x.example or @y.example.");
	mask_is("nothing", "", "");
}

/* A header may have tens of thousands, and each costs. */
static void
test_most(void)
{
	struct arena *a = arena_create("test");
	const char *hide[3] = { "senders" };
	struct settings s = settings_of(hide);
	const struct veil *v = veil_create(a, &s, KEY);
	struct buf text = {0}, b = {0};
	struct json_out o = { .to = &b };

	for (size_t i = 0; i < VEIL_ADDRESSES + 1; i++)
		buf_puts(&text, "ann@x.example ");
	veil_put(v, &o, JSON_NO_KEY, VEIL_TEXT, buf_text(&text));
	T_INT("so many hashes", (int64_t)b.len, 2 +
	    (VEIL_ADDRESSES + 1) * (int64_t)sizeof("@x.example") +
	    VEIL_ADDRESSES * 16);
	T_OK("no address", memmem(b.p, b.len, "ann", 3) == NULL);
	buf_clear(&b);
	veil_begin(v);
	veil_put(v, &o, JSON_NO_KEY, VEIL_TEXT, SPAN_LIT("ann@x.example"));
	T_STR("of one record", without_hashes(&b), ",\"#@x.example\"");
	buf_free(&text);
	buf_free(&b);
	arena_destroy(&a);
}

int
main(void)
{
	test_texts();
	test_keys();
	test_fields();
	test_known();
	test_work();
	test_mask();
	test_most();
	return t_done();
}
