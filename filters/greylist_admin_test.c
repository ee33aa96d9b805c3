#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "filters/greylist_admin.h"
#include "tests/fake/fake.h"
#include "tests/kit/t.h"

static struct greylist_options	 options;
static struct store		*store;
static struct arena		*arena;

static enum greylist_result
try(const char *spf, const char *from, const char *to)
{
	struct greylist_answer answer;
	struct address sender, rcpt;
	struct addr client;
	struct greylist_query q = { .client = &client, .spf = spf,
	    .sender = &sender, .rcpt = &rcpt };
	struct err err;

	addr_parse_ip(SPAN_LIT("192.0.2.1"), 25, &client, &err);
	address_parse(span_z(from), true, &sender, &err);
	address_parse(span_z(to), true, &rcpt, &err);
	greylist_check(arena, store, &options, &q, &answer, &err);
	return answer.result;
}

/* a.example: one waits, one has passed; b.example is known; a network. */
static void
fill(void)
{
	struct greylist_filter f;
	struct err err;
	uint64_t n;

	fake_store_clear();
	try("a.example", "x@a.example", "ann@here.example");
	fake_clock_advance(600 * CLOCK_S);
	try("a.example", "x@a.example", "ann@here.example");
	try("a.example", "x@a.example", "bob@here.example");
	try(NULL, "x@c.example", "bob@here.example");
	greylist_filter_make(arena, "spf:b.example", NULL, NULL, &f, &err);
	greylist_pass(arena, store, &options, &f, &n, &err);
	fake_store_set(SPAN_LIT("other/key"), SPAN_LIT("7"), CLOCK_S * 3600);
}

static const struct {
	const char *name, *who, *sender, *rcpt, *want;
} filters[] = {
	{ "nothing named", NULL, NULL, NULL, "||" },
	{ "SPF domain", "spf:A.example", NULL, NULL, "spf:a.example||" },
	{ "SPF of a subdomain", "spf:m.a.example", NULL, NULL,
	    "spf:a.example||" },
	{ "reverse domain", "name:a.example", NULL, NULL, "name:a.example||" },
	{ "domain", "a.example", NULL, NULL,
	    "spf:a.example|name:a.example|" },
	{ "address", "192.0.2.7", NULL, NULL, "net:192.0.2.0/24||" },
	{ "network", "net:192.0.2.0/24", NULL, NULL, "net:192.0.2.0/24||" },
	{ "IPv6", "2001:db8::7", NULL, NULL, "net:2001:db8::/64||" },
	{ "local", "net:local", NULL, NULL, "net:local||" },
	{ "another network", "192.0.0.0/16", NULL, NULL,
	    "\"192.0.0.0/16\" is neither a domain nor an address nor a "
	    "network of /24 or /64" },
	{ "nothing", "", NULL, NULL, "\"\" is neither a domain nor an "
	    "address nor a network of /24 or /64" },
	{ "sender", NULL, "L-return-7-b=h.example@m.x.example", NULL,
	    "||l-return-#@x.example" },
	{ "recipient", NULL, NULL, "Ann+x@Here.example",
	    "||ann@here.example" },
	{ "no address", NULL, "joe", NULL, NULL },
};

static void
filter_test(void)
{
	struct greylist_filter f;
	struct buf got = { 0 };
	struct err err;

	for (size_t i = 0; i < sizeof(filters) / sizeof(*filters); i++) {
		buf_clear(&got);
		if (greylist_filter_make(arena, filters[i].who,
		    filters[i].sender, filters[i].rcpt, &f, &err) < 0) {
			T_STR(filters[i].name, err.text,
			    filters[i].want == NULL ? err.text :
			    filters[i].want);
			continue;
		}
		buf_span(&got, f.identities[0]);
		buf_puts(&got, "|");
		buf_span(&got, f.identities[1]);
		buf_puts(&got, "|");
		buf_span(&got, f.shown_sender);
		buf_span(&got, f.shown_rcpt);
		T_STR(filters[i].name, arena_copy(arena, buf_text(&got)),
		    filters[i].want == NULL ? "" : filters[i].want);
	}
	buf_free(&got);
}

/* --- what a filter shows, lets pass and forgets --- */

static const struct {
	const char *name, *who, *sender, *rcpt;
	unsigned listed, waiting_behind, forgotten;
} uses[] = {
	/* 3 triplets, an identity, a count; 2 triplets wait */
	{ "all", NULL, NULL, NULL, 5, 0, 5 },
	{ "an identity", "spf:a.example", NULL, NULL, 3, 2, 3 },
	{ "a domain", "a.example", NULL, NULL, 3, 2, 3 },
	{ "a network", "192.0.2.99", NULL, NULL, 1, 2, 1 },
	{ "a known one", "b.example", NULL, NULL, 1, 2, 1 },
	{ "one never seen", "d.example", NULL, NULL, 0, 2, 0 },
	{ "a sender", NULL, "x@a.example", NULL, 2, 1, 2 },
	{ "a recipient", NULL, NULL, "bob@here.example", 2, 0, 2 },
	{ "a triplet", "spf:a.example", "x@a.example", "bob@here.example",
	    1, 1, 1 },
	{ "an identity's recipient", "spf:a.example", NULL,
	    "bob@here.example", 1, 1, 1 },
};

static bool
count_entry(void *arg, const struct greylist_entry *entry)
{
	unsigned *n = arg;

	T_OK("an entry has an identity and a life", entry->identity.len > 0 &&
	    entry->left > 0);
	++*n;
	return true;
}

static bool
count_one(void *arg, const struct greylist_entry *entry)
{
	unsigned *n = arg;

	(void)entry;
	++*n;
	return false;
}

static void
use_test(void)
{
	struct greylist_stats stats;
	struct greylist_filter f;
	struct err err;
	unsigned listed;
	uint64_t n;

	for (size_t i = 0; i < sizeof(uses) / sizeof(*uses); i++) {
		fill();
		T_INT(uses[i].name, greylist_filter_make(arena, uses[i].who,
		    uses[i].sender, uses[i].rcpt, &f, &err), 0);
		listed = 0;
		greylist_list(store, &f, count_entry, &listed, &err);
		T_INT(uses[i].name, listed, uses[i].listed);
		greylist_pass(arena, store, &options, &f, &n, &err);
		greylist_stats(store, &stats, &err);
		T_INT(uses[i].name, stats.waiting, uses[i].waiting_behind);
		fill();
		greylist_forget(store, &f, &n, &err);
		T_INT(uses[i].name, n, uses[i].forgotten);
		listed = 0;
		greylist_list(store, &f, count_entry, &listed, &err);
		T_INT("nothing is left", listed, 0);
	}
	fill();
	listed = 0;
	greylist_filter_make(arena, NULL, NULL, NULL, &f, &err);
	greylist_list(store, &f, count_one, &listed, &err);
	T_INT("enough", listed, 1);
}

static void
pass_test(void)
{
	struct greylist_filter f;
	struct err err;
	uint64_t n;

	fake_store_clear();
	greylist_filter_make(arena, "d.example", NULL, NULL, &f, &err);
	T_INT("a domain", greylist_pass(arena, store, &options, &f, &n, &err),
	    0);
	T_INT("is two identities", n, 2);
	T_INT("that pass", try("m.d.example", "x@d.example", "a@here.example"),
	    GREYLIST_IDENTITY_KNOWN);
	greylist_forget(store, &f, &n, &err);
	T_INT("until they are forgotten", try("m.d.example", "x@d.example",
	    "a@here.example"), GREYLIST_NEW);

	greylist_filter_make(arena, "spf:e.example", "x@e.example",
	    "a@here.example", &f, &err);
	greylist_pass(arena, store, &options, &f, &n, &err);
	T_INT("a triplet never seen", n, 1);
	T_INT("passes", try("e.example", "X@e.example", "a+t@here.example"),
	    GREYLIST_KNOWN);
	T_INT("alone", try("e.example", "x@e.example", "b@here.example"),
	    GREYLIST_NEW);
	fake_clock_advance(options.memory);
	T_INT("for a memory", try("e.example", "x@e.example",
	    "a@here.example"), GREYLIST_NEW);
}

static void
stats_test(void)
{
	struct greylist_stats stats;
	struct greylist_filter f;
	struct err err;
	uint64_t n;

	fill();
	fake_store_set(SPAN_LIT("grey/i/spf:z.example"), SPAN_LIT("x"),
	    CLOCK_S * 3600);
	fake_store_set(SPAN_LIT("grey/c/spf:z.example"), SPAN_LIT("x"),
	    CLOCK_S * 3600);
	T_INT("stats", greylist_stats(store, &stats, &err), 0);
	T_INT("waiting", stats.waiting, 2);
	T_INT("passed", stats.passed, 1);
	T_INT("known", stats.known, 1);
	T_INT("counted", stats.counted, 1);
	T_INT("unreadable", stats.unreadable, 2);
	greylist_filter_make(arena, "spf:z.example", NULL, NULL, &f, &err);
	greylist_forget(store, &f, &n, &err);
	T_INT("what cannot be read is forgotten", n, 2);
}

static void
fault_test(void)
{
	struct greylist_filter all, one;
	struct greylist_stats stats;
	unsigned listed = 0, i;
	struct err err;
	uint64_t n;

	greylist_filter_make(arena, NULL, NULL, NULL, &all, &err);
	greylist_filter_make(arena, "a.example", NULL, NULL, &one, &err);
	for (i = 1; i < 4; i++) {
		fill();
		fake_store_fail(i, 100, ERR_TIMEOUT);
		if (i == 1) {
			T_INT("list", greylist_list(store, &all, count_entry,
			    &listed, &err), -1);
			fake_store_fail(i, 100, ERR_TIMEOUT);
			T_INT("stats", greylist_stats(store, &stats, &err),
			    -1);
			fake_store_fail(i, 100, ERR_TIMEOUT);
		}
		T_INT("pass", greylist_pass(arena, store, &options, &all, &n,
		    &err), -1);
		T_INT("says why", err.kind, ERR_TIMEOUT);
		fake_store_fail(i, 100, ERR_TIMEOUT);
		T_INT("forget", greylist_forget(store, &all, &n, &err), -1);
		if (i > 2)
			continue;
		fake_store_fail(i, 100, ERR_TIMEOUT);
		T_INT("pass an identity", greylist_pass(arena, store,
		    &options, &one, &n, &err), -1);
	}
}

int
main(void)
{
	struct err err;

	arena = arena_create("test");
	store = store_open(arena, NULL, &err);
	greylist_defaults(&options);
	filter_test();
	use_test();
	pass_test();
	stats_test();
	fault_test();
	fake_store_clear();
	arena_destroy(&arena);
	return t_done();
}
