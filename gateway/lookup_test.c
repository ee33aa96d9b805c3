#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "gateway/lookup.h"
#include "gateway/lookup_cache.h"
#include "gateway/stats.h"
#include "gateway/stock.h"
#include "tests/fake/fake.h"
#include "tests/kit/t.h"

#define CACHE	(5 * CLOCK_S)

static struct arena	*arena;
static struct lookup	*lookup;
static int64_t		 rests;		/* of the client at hand */
static struct err	 err;

static void
begin(int64_t cache)
{
	struct store_options none = {0};
	struct lookup_options options = { .timeout = CLOCK_S, .cache = cache,
	    .is_quiet = true };

	arena = arena_create("test");
	fake_store_clear();
	rests = 0;
	options.store = store_open(arena, &none, &err);
	lookup = lookup_create(arena, &options);
}

static void
end(void)
{
	arena_destroy(&arena);
}

/* "a b c" of which the first that is in it; "no", or the error. */
static const char *
member(const char *key, const char *list)
{
	struct span members[STORE_ASKED_MAX], rest = span_z(list);
	size_t n = 0, which;

	while (rest.len > 0)
		members[n++] = span_until(&rest, ' ');
	if (lookup_set(lookup, &rests, span_z(key), members, n, &which,
	    &err) < 0)
		return err.text;
	return which < n ? arena_copy(arena, members[which]) : "no";
}

static const char *
fields(const char *key, const char *list)
{
	struct span names[STORE_ASKED_MAX] = {{ NULL, 0 }};
	struct span values[STORE_ASKED_MAX];
	struct span rest = span_z(list);
	const char *text = "";
	size_t n = 0;

	while (rest.len > 0)
		names[n++] = span_until(&rest, ' ');
	if (lookup_hash(lookup, arena, &rests, span_z(key), names, n, values,
	    &err) < 0)
		return err.text;
	for (size_t i = 0; i < n; i++)
		text = arena_printf(arena, "%s%s%.*s", text,
		    i > 0 ? " " : "", values[i].p != NULL ?
		    (int)values[i].len : 1, values[i].p != NULL ?
		    values[i].p : "-");
	return text;
}

static unsigned
operations(void)
{
	static unsigned before;
	unsigned now = fake_store_operations(), n = now - before;

	before = now;
	return n;
}

static void
test_sets(void)
{
	begin(CACHE);
	(void)operations();
	fake_store_part("s", "b", "");
	fake_store_part("s", "c", "");
	T_STR("the first that is there", member("s", "a b c"), "b");
	T_INT("by one operation", operations(), 1);
	T_STR("again", member("s", "a b c"), "b");
	T_STR("some of it", member("s", "c a"), "c");
	T_STR("none of it", member("s", "a"), "no");
	T_INT("is known", operations(), 0);
	T_STR("what is new is asked for", member("s", "a d"), "no");
	T_STR("in another set too", member("t", "a b"), "no");
	T_INT("once each", operations(), 2);
	fake_store_part("s", "a", "");
	fake_store_part("s", "b", NULL);
	T_STR("a change is not seen", member("s", "a b c"), "b");
	fake_clock_advance(CACHE);
	T_STR("for a while", member("s", "a b c"), "a");
	T_INT("asked then", operations(), 1);
	end();
	begin(0);
	fake_store_part("s", "a", "");
	T_STR("without a cache", member("s", "a"), "a");
	fake_store_part("s", "a", NULL);
	T_STR("it is seen at once", member("s", "a"), "no");
	end();
}

static void
test_known(void)
{
	struct span members[] = { SPAN_LIT("a"), SPAN_LIT("b"),
	    SPAN_LIT("c") };
	size_t which;

	begin(CACHE);
	fake_store_part("s", "b", "");
	T_OK("nothing is, at first", !lookup_set_known(lookup, span_z("s"),
	    members, 3, &which));
	member("s", "b");
	T_OK("not what comes before", !lookup_set_known(lookup, span_z("s"),
	    members, 3, &which));
	member("s", "a");
	T_OK("what comes behind does not matter", lookup_set_known(lookup,
	    span_z("s"), members, 3, &which) && which == 1);
	T_OK("that it is none, if all are known", lookup_set_known(lookup,
	    span_z("s"), members, 1, &which) && which == 1);
	end();
}

static void
test_hashes(void)
{
	char value[LOOKUP_VALUE_MAX + 2];

	memset(value, 'x', sizeof(value) - 1);
	value[sizeof(value) - 1] = '\0';
	begin(CACHE);
	(void)operations();
	fake_store_part("h", "a", "one");
	fake_store_part("h", "c", "three");
	T_STR("each in its place", fields("h", "a b c"), "one - three");
	T_STR("again", fields("h", "c b a"), "three - one");
	T_INT("one operation", operations(), 1);
	fake_store_part("h", "d", value);
	T_STR("beside what is known", fields("h", "c d"),
	    arena_printf(arena, "three %s", value));
	T_INT("what is new is asked for", operations(), 1);
	T_STR("what is too long", fields("h", "d"), value);
	T_INT("is asked for each time", operations(), 1);
	fake_store_part("h", "a", NULL);
	fake_clock_advance(CACHE);
	T_STR("later", fields("h", "a"), "-");
	end();
}

static void
test_failures(void)
{
	begin(CACHE);
	(void)operations();
	fake_store_part("s", "a", "");
	member("s", "a");
	fake_store_fail(1, 1000, ERR_UNAVAIL);
	(void)operations();
	T_STR("what is known is", member("s", "a"), "a");
	T_STR("what is not", member("s", "b"), "the store fails");
	T_STR("nor a field", fields("h", "b"), "the store fails");
	T_INT("is asked for as often as anybody asks, at once",
	    operations(), 2);
	T_INT("nobody has waited", rests, 0);
	fake_store_fail(0, 0, ERR_UNAVAIL);
	(void)operations();
	T_STR("it is not remembered", member("s", "b"), "no");
	rests = clock_now() + STOCK_REST;
	T_STR("who waited does without", member("s", "d"),
	    "Redis did not answer just now");
	T_STR("but for what is known", member("s", "a b"), "a");
	T_STR("in hashes too", fields("h", "d"),
	    "Redis did not answer just now");
	fake_clock_advance(STOCK_REST);
	T_STR("for a while", member("s", "d"), "no");
	T_INT("asked twice in all", operations(), 2);
	end();
}

/* Lines of the log, which is the standard error. */
static int
lines_of(FILE *f)
{
	int n = 0, c;

	log_flush();
	rewind(f);
	while ((c = getc(f)) != EOF)
		n += c == '\n';
	return n;
}

/* What is a set may be asked for as a hash too, by mistake: that is told once,
 * not each time that the set has answered in between. */
static void
test_told_once(void)
{
	struct lookup_options options = { .timeout = CLOCK_S };
	struct store_options none = {0};
	int stderr_before = dup(STDERR_FILENO), told;
	FILE *f = tmpfile();

	begin(0);
	if (f == NULL || dup2(fileno(f), STDERR_FILENO) < 0)
		abort();
	options.store = store_open(arena, &none, &err);
	lookup = lookup_create(arena, &options);
	for (int i = 0; i < 3; i++) {
		fake_store_fail(1, 1, ERR_CONFIG);
		fields("k", "a");
		member("k", "a");
	}
	told = lines_of(f);
	T_INT("that it is no hash, once", told, 1);
	fields("k", "a");
	T_INT("and that it is one again", lines_of(f), told + 1);
	dup2(stderr_before, STDERR_FILENO);
	close(stderr_before);
	fclose(f);
	end();
}

static void
test_no_store(void)
{
	struct lookup_options options = { .cache = CACHE };

	begin(CACHE);
	lookup = lookup_create(arena, &options);
	T_STR("no set", member("s", "a"), "there is no Redis to ask");
	T_STR("no hash", fields("h", "a"), "there is no Redis to ask");
	end();
}

int
main(void)
{
	if (stats_create(&err) < 0)
		abort();
	test_sets();
	test_known();
	test_hashes();
	test_failures();
	test_told_once();
	test_no_store();
	T_OK("what was asked is counted", stats_get(STAT_LOOKUPS) > 20);
	T_INT("and what failed", stats_get(STAT_LOOKUPS_FAILED), 9);
	T_OK("and what was known", stats_get(STAT_LOOKUPS_CACHED) > 5);
	return t_done();
}
