#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/mem.h"
#include "base/store.h"
#include "tests/fake/fake.h"

/*
 * The symbols of base/store.c over a table in memory: lives by clock_wall(),
 * each operation of a fiber is a wait, and the n-th one fails if a test wants
 * it (by ERR_TIMEOUT after half a second). All stores that are
 * opened are the same one, as two gateways have it on one Redis.
 */
#define BUCKETS	65536

struct record {
	struct record	*next;
	struct span	 key, value;
	int64_t		 end;		/* by clock_wall() */
};

struct store {
	struct store_stats stats;
};

static struct record	*buckets[BUCKETS];
static size_t		 nrecords;
static unsigned		 operations, failing_from, failing_to;
static unsigned		 failed;	/* in a row, with no answer */
static bool		 is_read_only;
static enum err_kind	 failing_with;

void
fake_store_fail(unsigned from, unsigned to, enum err_kind how)
{
	operations = failed = 0;
	failing_from = from;
	failing_to = to;
	failing_with = how;
}

void
fake_store_read_only(bool yes)
{
	is_read_only = yes;
}

unsigned
fake_store_operations(void)
{
	return operations;
}

static int
begin(struct store *s, struct err *err)
{
	/* A wait that takes no time, and can be made to fail. */
	if (fiber_self() != NULL) {
		fiber_wake(fiber_self());
		if (fiber_wait(clock_now() + CLOCK_S, err) < 0)
			return -1;
	}
	operations++;
	s->stats.operations++;
	if (operations < failing_from || operations > failing_to) {
		failed = 0;
		return 0;
	}
	failed = failing_with == ERR_CONFIG ? 0 : failed + 1;
	s->stats.failures++;
	if (failing_with == ERR_TIMEOUT && fiber_self() != NULL &&
	    fiber_sleep(500 * CLOCK_MS, err) < 0)
		return -1;
	return err_set(err, failing_with, "the store fails");
}

static int
begin_change(struct store *s, struct err *err)
{
	if (begin(s, err) < 0)
		return -1;
	return is_read_only ? err_set(err, ERR_CONFIG, "the store is read-only")
	    : 0;
}

static struct span
copy(struct span s)
{
	char *p = mem_alloc(s.len + 1, "a fake store");

	if (s.len > 0)
		memcpy(p, s.p, s.len);
	return span_n(p, s.len);
}

static struct record **
bucket(struct span key)
{
	uint32_t h = 2166136261;

	for (size_t i = 0; i < key.len; i++)
		h = (h ^ (unsigned char)key.p[i]) * 16777619;
	return &buckets[h % BUCKETS];
}

static void
drop(struct record **place)
{
	struct record *r = *place;

	*place = r->next;
	nrecords--;
	free((char *)r->key.p);
	free((char *)r->value.p);
	free(r);
}

/* Expired records go when somebody comes along. */
static struct record **
find(struct span key)
{
	struct record **r = bucket(key);

	assert(key.len > 0 && key.len <= STORE_KEY_MAX);
	while (*r != NULL) {
		if ((*r)->end <= clock_wall())
			drop(r);
		else if (span_eq((*r)->key, key))
			break;
		else
			r = &(*r)->next;
	}
	return r;
}

static void
set(struct span key, struct span value, int64_t life)
{
	struct record **r = find(key);

	assert(value.len <= STORE_VALUE_MAX && life > 0);
	if (*r == NULL) {
		*r = mem_zalloc(sizeof(**r), "a fake store");
		(*r)->key = copy(key);
		nrecords++;
	}
	free((char *)(*r)->value.p);
	(*r)->value = copy(value);
	(*r)->end = clock_wall() + life;
}

void
fake_store_clear(void)
{
	for (size_t i = 0; nrecords > 0; i++)
		while (buckets[i] != NULL)
			drop(&buckets[i]);
	fake_store_fail(0, 0, ERR_UNAVAIL);
	is_read_only = false;
}

void
fake_store_set(struct span key, struct span value, int64_t life)
{
	set(key, value, life);
}

/* --- other people's --- */

static struct span
part_key(char *out, size_t size, struct span key, struct span part)
{
	int n = snprintf(out, size, "%.*s\n%.*s", SPAN_ARG(key),
	    SPAN_ARG(part));

	assert(n >= 0 && (size_t)n < size);
	return span_n(out, (size_t)n < STORE_KEY_MAX ? (size_t)n :
	    STORE_KEY_MAX);
}

void
fake_store_part(const char *key, const char *part, const char *value)
{
	char text[2048];
	struct span whole = part_key(text, sizeof(text), span_z(key),
	    span_z(part));
	struct record **r = find(whole);

	if (value != NULL)
		set(whole, span_z(value), INT64_C(1000000) * 86400 * 365);
	else if (*r != NULL)
		drop(r);
}

MAY_YIELD int
store_has_members(struct store *s, struct span key,
    const struct span *members, size_t n, bool *has, struct err *err)
{
	char text[2048];

	if (begin(s, err) < 0)
		return -1;
	for (size_t i = 0; i < n; i++)
		has[i] = *find(part_key(text, sizeof(text), key,
		    members[i])) != NULL;
	return 0;
}

MAY_YIELD int
store_fields(struct store *s, struct arena *a, struct span key,
    const struct span *fields, size_t n, struct span *values,
    struct err *err)
{
	char text[2048];

	if (begin(s, err) < 0)
		return -1;
	for (size_t i = 0; i < n; i++) {
		struct record **r = find(part_key(text, sizeof(text), key,
		    fields[i]));

		values[i] = *r == NULL ? span_n(NULL, 0) :
		    arena_span(a, (*r)->value);
	}
	return 0;
}

/* --- */

struct store *
store_open(struct arena *a, const struct store_options *options,
    struct err *err)
{
	(void)options;
	(void)err;
	return arena_new(a, struct store);
}

MAY_YIELD int
store_get(struct store *s, struct arena *a, struct span key,
    struct span *value, struct err *err)
{
	struct record **r;

	if (begin(s, err) < 0)
		return -1;
	r = find(key);
	*value = *r == NULL ? span_n(NULL, 0) : arena_span(a, (*r)->value);
	return 0;
}

MAY_YIELD int
store_put(struct store *s, struct span key, struct span value, int64_t life,
    struct err *err)
{
	if (begin_change(s, err) < 0)
		return -1;
	set(key, value, life);
	return 0;
}

MAY_YIELD int
store_claim(struct store *s, struct arena *a, struct span key,
    struct span value, int64_t life, struct span *old, struct err *err)
{
	struct record **r;

	if (begin_change(s, err) < 0)
		return -1;
	r = find(key);
	*old = *r == NULL ? span_n(NULL, 0) : arena_span(a, (*r)->value);
	if (*r == NULL)
		set(key, value, life);
	return 0;
}

static int
read_number(struct span text, int64_t *n)
{
	bool is_negative = text.len > 0 && text.p[0] == '-';
	uint64_t size;

	if (is_negative)
		text = span_n(text.p + 1, text.len - 1);
	if (span_uint(text, INT32_MAX, &size) < 0)
		return -1;
	*n = is_negative ? -(int64_t)size : (int64_t)size;
	return 0;
}

MAY_YIELD int
store_add(struct store *s, struct span key, int64_t n, int64_t life,
    int64_t *sum, struct err *err)
{
	struct record **r;
	struct buf text = { 0 };
	int64_t left = life, old = 0;

	if (begin_change(s, err) < 0)
		return -1;
	r = find(key);
	if (*r != NULL) {
		left = (*r)->end - clock_wall();
		if (read_number((*r)->value, &old) < 0)
			return err_set(err, ERR_CONFIG, "not a number");
	}
	*sum = old + n;
	buf_printf(&text, "%jd", (intmax_t)*sum);
	set(key, buf_text(&text), left);
	buf_free(&text);
	return 0;
}

MAY_YIELD int
store_delete(struct store *s, struct span key, bool *was_there,
    struct err *err)
{
	struct record **r;

	if (begin_change(s, err) < 0)
		return -1;
	r = find(key);
	*was_there = *r != NULL;
	if (*r != NULL)
		drop(r);
	return 0;
}

static size_t
count(void)
{
	size_t n = 0;

	for (size_t i = 0; i < BUCKETS; i++)
		for (struct record *r = buckets[i]; r != NULL; r = r->next)
			n++;
	return n;
}

/* The keys first, since the function may change what it walks over. */
MAY_YIELD int
store_walk(struct store *s, struct span prefix, store_each_fn *each,
    void *arg, struct err *err)
{
	struct span *keys, value;
	bool wants_more = true;
	struct record **r;
	size_t n = 0, i;

	if (begin(s, err) < 0)
		return -1;
	keys = mem_alloc((count() + 1) * sizeof(*keys), "a fake store");
	for (i = 0; i < BUCKETS; i++)
		for (struct record *at = buckets[i]; at != NULL; at = at->next)
			keys[n++] = copy(at->key);
	for (i = 0; i < n; i++) {
		r = find(keys[i]);
		if (wants_more && *r != NULL && keys[i].len >= prefix.len &&
		    memcmp(keys[i].p, prefix.p, prefix.len) == 0) {
			value = copy((*r)->value);
			wants_more = each(arg, keys[i], value,
			    (*r)->end - clock_wall());
			free((char *)value.p);
		}
		free((char *)keys[i].p);
	}
	free(keys);
	return 0;
}

const struct store_stats *
store_statistics(const struct store *s)
{
	return &s->stats;
}

enum store_state
store_state(const struct store *s)
{
	(void)s;
	return failed >= STORE_FAILURES ? STORE_DOWN : STORE_UP;
}

void
store_stop(struct store *s)
{
	(void)s;
}

void
store_status(const struct store *s, struct json_out *o)
{
	json_open(o, "store", '{');
	json_z(o, "name", "fake");
	json_int(o, "operations", (int64_t)s->stats.operations);
	json_close(o, '}');
}
