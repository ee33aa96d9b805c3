#include <string.h>

#include "base/store.h"
#include "filters/greylist_identity.h"
#include "filters/greylist_key.h"
#include "tests/kit/t.h"

static const struct {
	const char *name, *client, *spf, *rdns, *want;
} identities[] = {
	{ "SPF first", "192.0.2.1", "big.example", "mx.other.example",
	    "spf:big.example" },
	{ "SPF of a subdomain", "192.0.2.1", "em12.mail.big.example", NULL,
	    "spf:big.example" },
	{ "SPF below a public suffix", "192.0.2.1", "mail.shop.co.uk", NULL,
	    "spf:shop.co.uk" },
	{ "SPF below a private suffix", "192.0.2.1", "joe.github.io", NULL,
	    "spf:joe.github.io" },
	{ "SPF of a public suffix", "192.0.2.1", "co.uk", NULL, "spf:co.uk" },
	{ "SPF, letter case", "192.0.2.1", "Mail.Big.Example.", NULL,
	    "spf:big.example" },
	{ "SPF, U-labels", "192.0.2.1", "b\xc3\xbc" "cher.example", NULL,
	    "spf:xn--bcher-kva.example" },
	{ "reverse name", "192.0.2.1", NULL, "mx7.out.big.example",
	    "name:big.example" },
	{ "reverse name with one octet", "192.0.2.41", NULL,
	    "mail-ed1-f41.big.example", "name:big.example" },
	{ "both octets", "192.0.2.41", NULL, "a2-41.isp.example",
	    "net:192.0.2.0/24" },
	{ "reversed, leading zeros", "192.0.2.41", NULL,
	    "dyn041-002.isp.example", "net:192.0.2.0/24" },
	{ "the same octet twice", "192.0.7.7", NULL, "mx7.isp.example",
	    "name:isp.example" },
	{ "the same octet twice, spelt", "192.0.7.7", NULL, "h7-7.isp.example",
	    "net:192.0.7.0/24" },
	{ "hexadecimal", "192.0.2.41", NULL, "pC0000229.dip.isp.example",
	    "net:192.0.2.0/24" },
	{ "twelve digits", "192.0.2.41", NULL, "h192000002041.isp.example",
	    "net:192.0.2.0/24" },
	{ "a number of a hundred digits", "192.0.2.41", NULL,
	    "h99999999999999999999999999999999999999999999999999999999999"
	    ".isp.example", "name:isp.example" },
	{ "IPv6 name", "2001:db8::25", NULL, "mx.big.example",
	    "name:big.example" },
	{ "IPv6, host spelt", "2001:db8:1:2:a00:27ff:fe12:3456", NULL,
	    "2001-db8-a00-27ff-fe12-3456.isp.example",
	    "net:2001:db8:1:2::/64" },
	{ "IPv6, network spelt", "2001:db8:1:2:a00:27ff:fe12:3456", NULL,
	    "x.20010db800010002.isp.example", "net:2001:db8:1:2::/64" },
	{ "IPv6, low host number", "2001:db8::1", NULL,
	    "mx00000001.big.example", "name:big.example" },
	{ "network", "192.0.2.41", NULL, NULL, "net:192.0.2.0/24" },
	{ "IPv6 network", "2001:db8:1:2:3::4", NULL, NULL,
	    "net:2001:db8:1:2::/64" },
	{ "empty names are none", "192.0.2.41", "", "", "net:192.0.2.0/24" },
	{ "unix socket", "unix:/run/x", NULL, "big.example", "net:local" },
	{ "localhost has no suffix", "192.0.2.41", NULL, "localhost",
	    "name:localhost" },
};

/* Do two mails have one key? */
static const struct {
	const char *name, *from, *to, *from2, *to2;
	bool same;
} triplets[] = {
	{ "same", "a@x.example", "b@here.example", "a@x.example",
	    "b@here.example", true },
	{ "letter case", "a@x.example", "b@here.example", "A@X.example",
	    "B@Here.Example", true },
	{ "subdomain of the sender", "a@m1.x.example", "b@here.example",
	    "a@m2.x.example", "b@here.example", true },
	{ "subdomain of the recipient", "a@x.example", "b@m1.here.example",
	    "a@x.example", "b@m2.here.example", false },
	{ "VERP", "l-return-1-b=here.example@x.example", "b@here.example",
	    "l-return-2-b=here.example@x.example", "b@here.example", true },
	{ "tag of the recipient", "a@x.example", "b+shop@here.example",
	    "a@x.example", "b@here.example", true },
	{ "recipient", "a@x.example", "b@here.example", "a@x.example",
	    "c@here.example", false },
	{ "sender", "a@x.example", "b@here.example", "d@x.example",
	    "b@here.example", false },
	{ "sender's domain", "a@x.example", "b@here.example",
	    "a@other.example", "b@here.example", false },
	{ "postmaster without a domain", "a@x.example", "postmaster",
	    "a@x.example", "Postmaster", true },
};

static const struct {
	const char *name, *in, *want;	/* want NULL: reads */
} records[] = {
	{ "waiting", "1 w 1795313218 0 1795313218 a@x b@y", NULL },
	{ "nothing behind the times", "1 w 1 0 1", NULL },
	{ "another version", "2 w 1 0 1 a b",
	    "a greylist record of another version" },
	{ "empty", "", "a greylist record of another version" },
	{ "another state", "1 x 1 0 1 a b", "a damaged greylist record" },
	{ "a missing time", "1 w 1 0", "a damaged greylist record" },
	{ "a negative time", "1 w -1 0 1 a b", "a damaged greylist record" },
	{ "a time far away", "1 w 999999999999 0 1 a b",
	    "a damaged greylist record" },
};

static struct address
address(const char *text)
{
	struct address out;
	struct err err;

	T_INT(text, address_parse(span_z(text), true, &out, &err), 0);
	return out;
}

static void
identity_test(struct arena *a)
{
	struct addr client;
	struct err err;

	for (size_t i = 0; i < sizeof(identities) / sizeof(*identities); i++) {
		if (identities[i].client[0] == 'u')
			addr_parse(span_z(identities[i].client), &client,
			    &err);
		else
			addr_parse_ip(span_z(identities[i].client), 25,
			    &client, &err);
		T_STR(identities[i].name, arena_copy(a, greylist_identity(a,
		    &client, identities[i].spf, identities[i].rdns)),
		    identities[i].want);
	}
}

static void
triplet_test(struct arena *a)
{
	struct span who = SPAN_LIT("spf:x.example");
	struct address from, to;
	struct greylist_key one, two;

	for (size_t i = 0; i < sizeof(triplets) / sizeof(*triplets); i++) {
		from = address(triplets[i].from);
		to = address(triplets[i].to);
		greylist_key_make(a, who, &from, &to, &one);
		from = address(triplets[i].from2);
		to = address(triplets[i].to2);
		greylist_key_make(a, who, &from, &to, &two);
		T_INT(triplets[i].name, span_eq(one.triplet, two.triplet),
		    triplets[i].same);
	}
	greylist_key_make(a, SPAN_LIT("spf:y.example"), &from, &to, &one);
	T_OK("another identity", !span_eq(one.triplet, two.triplet));
}

static void
key_test(struct arena *a)
{
	struct address from = address("a@x.example");
	struct address to = address("b@y.example");
	char name[255], local[400];
	enum greylist_key_kind kind;
	struct greylist_key key;
	struct addr client;
	struct span who;
	struct err err;

	greylist_key_make(a, SPAN_LIT("net:192.0.2.0/24"), &from, &to, &key);
	T_STR("an identity's key", arena_copy(a, key.known),
	    "grey/i/net:192.0.2.0/24");
	T_OK("a triplet's begins with its identity", strncmp(key.triplet.p,
	    "grey/t/net:192.0.2.0/24/", 24) == 0 &&
	    key.triplet.len == 24 + GREYLIST_KEY_HASH);
	T_INT("it is read", greylist_key_parse(key.triplet, &kind, &who,
	    &err), 0);
	T_INT("as a triplet", kind, GREYLIST_KEY_TRIPLET);
	T_STR("with its identity", arena_copy(a, who), "net:192.0.2.0/24");
	T_INT("an identity", greylist_key_parse(key.passes, &kind, &who,
	    &err), 0);
	T_INT("as passes", kind, GREYLIST_KEY_PASSES);
	T_INT("a key of others", greylist_key_parse(
	    SPAN_LIT("limit/c/x"), &kind, &who, &err), -1);
	T_INT("a kind of others", greylist_key_parse(
	    SPAN_LIT("grey/x/x"), &kind, &who, &err), -1);
	T_INT("a triplet without hash", greylist_key_parse(
	    SPAN_LIT("grey/t/x"), &kind, &who, &err), -1);

	memset(name, 'x', sizeof(name));
	for (size_t i = 20; i < sizeof(name); i += 20)
		name[i] = '.';
	name[253] = '\0';
	memset(local, 'l', sizeof(local));
	from.local = span_n(local, sizeof(local));
	addr_parse_ip(SPAN_LIT("192.0.2.1"), 25, &client, &err);
	who = greylist_identity(a, &client, name, NULL);
	T_OK("the longest identity", who.len <= GREYLIST_IDENTITY_MAX);
	memset(name, 'x', sizeof(name));
	name[254] = '\0';
	who = greylist_identity(a, &client, name, NULL);
	T_OK("longer than a name", who.len <= GREYLIST_IDENTITY_MAX);
	greylist_key_make(a, who, &from, &to, &key);
	T_OK("fits the store", key.triplet.len <= STORE_KEY_MAX);
}

static void
record_test(struct arena *a)
{
	struct greylist_record r = { .first = 7, .used = 8,
	    .sender = SPAN_LIT("a b\n@x"), .rcpt = SPAN_LIT("") }, again;
	char local[400];
	struct err err;

	for (size_t i = 0; i < sizeof(records) / sizeof(*records); i++)
		if (greylist_key_read(span_z(records[i].in), &again, &err) < 0)
			T_STR(records[i].name, err.text, records[i].want);
		else
			T_OK(records[i].name, records[i].want == NULL);
	T_STR("written", arena_copy(a, greylist_key_format(a, &r)),
	    "1 w 7 0 8 a?b?@x -");
	r.network = SPAN_LIT("192.0.2.0/24");
	T_STR("with its network", arena_copy(a, greylist_key_format(a, &r)),
	    "1 w 7 0 8 a?b?@x - 192.0.2.0/24");
	memset(local, 'l', sizeof(local));
	r.sender = span_n(local, sizeof(local));
	r.state = GREYLIST_STATE_PASSED;
	T_INT("long ones are read", greylist_key_read(
	    greylist_key_format(a, &r), &again, &err), 0);
	T_INT("cut", again.sender.len, GREYLIST_KEY_SHOWN);
	T_STR("with a mark", arena_copy(a, again.sender) +
	    GREYLIST_KEY_SHOWN - 4, "l...");
	T_INT("state", again.state, GREYLIST_STATE_PASSED);
	T_STR("network", arena_copy(a, again.network), "192.0.2.0/24");
}

static const struct {
	const char *name, *in;
	int64_t want;			/* -1: refused */
} counts[] = {
	{ "owed", "43", 43 },
	{ "nothing", "0", 0 },
	{ "paid beforehand", "-17", -17 },
	{ "empty", "", -1 },
	{ "a sign alone", "-", -1 },
	{ "two signs", "--1", -1 },
	{ "another word", "43 ", -1 },
	{ "too large", "9223372036854775808", -1 },
};

static void
owed_test(void)
{
	struct err err;
	int64_t owed;

	for (size_t i = 0; i < sizeof(counts) / sizeof(*counts); i++) {
		if (greylist_key_owed(span_z(counts[i].in), &owed, &err) < 0)
			owed = -1;
		T_INT(counts[i].name, owed, counts[i].want);
	}
	T_INT("not there", greylist_key_owed(span_n(NULL, 0), &owed, &err), 0);
	T_INT("is nothing", owed, 0);
}

int
main(void)
{
	struct arena *a = arena_create("test");

	identity_test(a);
	triplet_test(a);
	key_test(a);
	record_test(a);
	owed_test();
	arena_destroy(&a);
	return t_done();
}
