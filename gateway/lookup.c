#include <assert.h>

#include "base/clock.h"
#include "base/log.h"
#include "gateway/lookup.h"
#include "gateway/lookup_cache.h"
#include "gateway/stats.h"
#include "gateway/stock.h"

/* A key that Redis will not be asked for, as a set or as a hash: of one key it
 * may be either. There are no more of them than the rules and routes name. */
struct refused {
	struct refused	*next;
	enum lookup_kind kind;
	struct span	 key;
	bool		 is_refused;	/* now */
};

struct lookup {
	struct arena		*arena;
	struct lookup_options	 options;
	struct lookup_cache	*cache;
	struct refused		*keys;		/* that ever were */
};

struct lookup *
lookup_create(struct arena *a, const struct lookup_options *options)
{
	struct lookup *l = arena_new(a, struct lookup);

	l->arena = a;
	l->options = *options;
	l->cache = lookup_cache_create(a);
	return l;
}

/* --- what is told --- */

static struct refused *
find_key(struct lookup *l, enum lookup_kind kind, struct span key)
{
	struct refused *k = l->keys;

	while (k != NULL && (k->kind != kind || !span_eq(k->key, key)))
		k = k->next;
	return k;
}

static void
tell(const struct lookup *l, const struct refused *k, const struct err *why)
{
	struct logline line;

	if (l->options.is_quiet)
		return;
	log_begin(&line, k->is_refused ? LOG_LABEL_WARN : LOG_LABEL_INFO, "-",
	    k->is_refused ? "redis key cannot be asked" :
	    "redis key can be asked again");
	log_str(&line, "key", k->key);
	if (k->is_refused)
		log_z(&line, "why", why->text);
	log_end(&line);
}

static void
note_answer(struct lookup *l, enum lookup_kind kind, struct span key)
{
	struct refused *k = find_key(l, kind, key);

	if (k == NULL || !k->is_refused)
		return;
	k->is_refused = false;
	tell(l, k, NULL);
}

static void
note_refusal(struct lookup *l, enum lookup_kind kind, struct span key,
    const struct err *why)
{
	struct refused *k = find_key(l, kind, key);

	if (k == NULL) {
		k = arena_new(l->arena, struct refused);
		k->kind = kind;
		k->key = arena_span(l->arena, key);
		k->next = l->keys;
		l->keys = k;
	}
	if (k->is_refused)
		return;
	k->is_refused = true;
	tell(l, k, why);
}

/* --- what both begin and end with --- */

static int
begin(const struct lookup *l, const int64_t *rests_until, struct err *err)
{
	if (l->options.store == NULL)
		return err_set(err, ERR_UNAVAIL, "there is no Redis to ask");
	if (clock_now() < *rests_until)
		return err_set(err, ERR_UNAVAIL, "Redis did not answer "
		    "just now");
	return 0;
}

static int
end(struct lookup *l, int64_t *rests_until, enum lookup_kind kind,
    struct span key, int64_t began, int ret, struct err *err)
{
	if (ret == 0) {
		note_answer(l, kind, key);
		return 0;
	}
	if (err->kind == ERR_CLOSED)
		return -1;
	if (err->kind == ERR_CONFIG)
		note_refusal(l, kind, key, err);
	if (clock_now() - began >= l->options.timeout / 2)
		*rests_until = clock_now() + STOCK_REST;
	return -1;
}

static int
count(int ret)
{
	stats_add(STAT_LOOKUPS_FAILED, ret < 0);
	return ret;
}

/* --- sets --- */

/* What is remembered; true: it is all that is needed. */
static bool
recall_members(struct lookup *l, struct span key, const struct span *members,
    size_t n, bool *known, bool *has)
{
	bool is_all = true;

	for (size_t i = 0; i < n; i++) {
		struct span value;

		known[i] = lookup_cache_find(l->cache, LOOKUP_MEMBER, key,
		    members[i], &value);
		has[i] = known[i] && value.p != NULL;
		is_all &= known[i];
		if (has[i] && is_all)
			return true;
	}
	return is_all;
}

static size_t
first(const bool *has, size_t n)
{
	size_t i;

	for (i = 0; i < n && !has[i]; i++)
		;
	return i;
}

bool
lookup_set_known(struct lookup *l, struct span key,
    const struct span *members, size_t n, size_t *which)
{
	bool known[STORE_ASKED_MAX], has[STORE_ASKED_MAX] = { false };

	assert(n <= STORE_ASKED_MAX);
	if (!recall_members(l, key, members, n, known, has))
		return false;
	*which = first(has, n);
	stats_add(STAT_LOOKUPS, 1);
	stats_add(STAT_LOOKUPS_CACHED, 1);
	return true;
}

static MAY_YIELD int
ask_members(struct lookup *l, int64_t *rests_until, struct span key,
    const struct span *members, size_t n, const bool *known, bool *has,
    struct err *err)
{
	struct span open[STORE_ASKED_MAX];
	bool answers[STORE_ASKED_MAX];
	int64_t began = clock_now();
	size_t nopen = 0, k = 0;

	if (begin(l, rests_until, err) < 0)
		return -1;
	for (size_t i = 0; i < n; i++)
		if (!known[i])
			open[nopen++] = members[i];
	if (end(l, rests_until, LOOKUP_MEMBER, key, began,
	    store_has_members(l->options.store, key, open, nopen, answers,
	    err), err) < 0)
		return -1;
	for (size_t i = 0; i < n; i++) {
		if (known[i])
			continue;
		has[i] = answers[k++];
		lookup_cache_put(l->cache, LOOKUP_MEMBER, key, members[i],
		    has[i] ? SPAN_LIT("") : span_n(NULL, 0),
		    l->options.cache);
	}
	return 0;
}

MAY_YIELD int
lookup_set(struct lookup *l, int64_t *rests_until, struct span key,
    const struct span *members, size_t n, size_t *which, struct err *err)
{
	bool known[STORE_ASKED_MAX], has[STORE_ASKED_MAX] = { false };

	if (lookup_set_known(l, key, members, n, which))
		return 0;
	stats_add(STAT_LOOKUPS, 1);
	(void)recall_members(l, key, members, n, known, has);
	if (ask_members(l, rests_until, key, members, n, known, has, err) < 0)
		return count(-1);
	*which = first(has, n);
	return 0;
}

/* --- hashes --- */

/* The values are copied: asking for the others may replace them. */
static size_t
recall_fields(struct lookup *l, struct arena *a, struct span key,
    const struct span *fields, size_t n, struct span *values,
    size_t *open)
{
	size_t nopen = 0;

	for (size_t i = 0; i < n; i++) {
		struct span value;

		if (!lookup_cache_find(l->cache, LOOKUP_FIELD, key, fields[i],
		    &value))
			open[nopen++] = i;
		else
			values[i] = value.p != NULL ? arena_span(a, value) :
			    value;
	}
	return nopen;
}

static MAY_YIELD int
ask_fields(struct lookup *l, struct arena *a, int64_t *rests_until,
    struct span key, const struct span *fields, const size_t *open,
    size_t nopen, struct span *values, struct err *err)
{
	struct span asked[STORE_ASKED_MAX], answers[STORE_ASKED_MAX];
	int64_t began = clock_now();

	if (begin(l, rests_until, err) < 0)
		return -1;
	for (size_t i = 0; i < nopen; i++)
		asked[i] = fields[open[i]];
	if (end(l, rests_until, LOOKUP_FIELD, key, began,
	    store_fields(l->options.store, a, key, asked, nopen, answers,
	    err), err) < 0)
		return -1;
	for (size_t i = 0; i < nopen; i++) {
		values[open[i]] = answers[i];
		lookup_cache_put(l->cache, LOOKUP_FIELD, key, asked[i],
		    answers[i], l->options.cache);
	}
	return 0;
}

MAY_YIELD int
lookup_hash(struct lookup *l, struct arena *a, int64_t *rests_until,
    struct span key, const struct span *fields, size_t n,
    struct span *values, struct err *err)
{
	size_t open[STORE_ASKED_MAX], nopen;

	assert(n <= STORE_ASKED_MAX);
	stats_add(STAT_LOOKUPS, 1);
	nopen = recall_fields(l, a, key, fields, n, values, open);
	if (nopen > 0)
		return count(ask_fields(l, a, rests_until, key, fields, open,
		    nopen, values, err));
	stats_add(STAT_LOOKUPS_CACHED, 1);
	return 0;
}
