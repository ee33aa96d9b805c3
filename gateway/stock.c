#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "filters/limit.h"
#include "gateway/fates.h"
#include "gateway/identity.h"
#include "gateway/lookup.h"
#include "gateway/secret.h"
#include "gateway/series.h"
#include "gateway/stats.h"
#include "gateway/stock.h"

#define MARKS_AGAIN	CLOCK_S

/* --- opening --- */

int
stock_password(struct arena *a, const struct settings *s,
    const char **password, struct err *err)
{
	const char *path = s->store_password_file;

	*password = NULL;
	if (s->store.text == NULL || s->store.kind != STORE_REDIS ||
	    path == NULL)
		return 0;
	*password = secret_read(a, "password_file", path, err);
	return *password == NULL ? -1 : 0;
}

static void
tell(void *owner, const struct store_event *event)
{
	static const char *const names[] = {
		[STORE_UP] = "store is back",
		[STORE_NO_CHANGES] = "store takes no changes",
		[STORE_DOWN] = "store is down",
	};
	struct stock *stock = owner;
	struct logline line;

	stats_add(STAT_STORE_FAILING, (event->state != STORE_UP) -
	    (stock->state != STORE_UP));
	stock->state = event->state;
	log_begin(&line, event->state == STORE_UP ? LOG_LABEL_INFO :
	    LOG_LABEL_WARN, "-", names[event->state]);
	log_z(&line, "store", stock->name);
	if (event->state != STORE_UP)
		log_z(&line, "why", event->why);
	log_end(&line);
}

static struct store_options
options_of(const struct settings *s, const char *password)
{
	return (struct store_options){
		.kind = s->store.kind,
		.path = s->store.path,
		.host = s->store.host,
		.port = s->store.port,
		.user = s->store_user,
		.password = password,
		.database = s->store.database,
		.prefix = s->store_prefix,
		.timeout = s->store_timeout,
		.size = s->store_size,
		.connections = s->store_connections,
		.report = tell,
	};
}

/* LMDB has no sets of other people's. */
static void
add_lookup(struct stock *stock, const struct settings *s)
{
	const struct lookup_options options = {
		.store = s->store.kind == STORE_REDIS ? stock->store : NULL,
		.timeout = s->store_timeout, .cache = s->store_cache,
		.is_quiet = stock->only_looks
	};

	stock->lookup = lookup_create(stock->arena, &options);
}

struct stock *
stock_open(const struct settings *s, const char *password, struct err *err)
{
	struct store_options options = options_of(s, password);
	struct arena *a = arena_create("stock");
	struct stock *stock = arena_new(a, struct stock);

	stock->arena = a;
	stock->name = s->store.text;
	stock->limits = limit_counts_create(a);
	if (s->store.text == NULL) {
		add_lookup(stock, s);
		return stock;
	}
	options.owner = stock;
	stock->store = store_open(a, &options, err);
	if (stock->store == NULL)
		stock_close(&stock);
	else
		add_lookup(stock, s);
	return stock;
}

/* --- looking --- */

int
stock_assume(const struct settings *s, const char *demo, struct err *err)
{
	struct identity id;

	if (s->store.kind != STORE_LMDB || geteuid() != 0)
		return 0;
	if ((demo != NULL ? identity_find_demo(demo, &id, err) :
	    identity_find(s, &id, err)) < 0)
		return -1;
	return identity_assume(&id, err);
}

void
stock_note_problem(struct stock *stock, const char *why)
{
	if (stock->problem[0] == '\0')
		snprintf(stock->problem, sizeof(stock->problem), "%s", why);
}

struct stock *
stock_look(const struct settings *s, const char *demo)
{
	struct arena *a = arena_create("stock");
	struct stock *stock = arena_new(a, struct stock);
	struct store_options options;
	const char *password;
	struct err err;

	stock->arena = a;
	stock->name = s->store.text;
	stock->only_looks = true;
	if (stock_password(a, s, &password, &err) == 0 &&
	    stock_assume(s, demo, &err) == 0) {
		options = options_of(s, password);
		options.only_look = true;
		options.report = NULL;
		stock->store = store_open(a, &options, &err);
	}
	if (stock->store == NULL)
		stock_note_problem(stock, err.text);
	add_lookup(stock, s);
	return stock;
}

/* --- using it --- */

struct greylist_options
stock_greylist(const struct settings *s)
{
	return (struct greylist_options){
		.delay = s->greylist_delay, .window = s->greylist_window,
		.memory = s->greylist_memory,
		.passes = (unsigned)s->greylist_passes
	};
}

/* --- the delivery memory --- */

MAY_YIELD int
stock_has_marks(struct stock *stock, bool *has, struct err *err)
{
	int64_t now = clock_now();
	struct arena *a;
	int ret;

	*has = stock->has_marks;
	if (stock->marks_asked != 0 &&
	    now < stock->marks_asked + MARKS_AGAIN)
		return 0;
	stock->marks_asked = now;
	a = arena_create("marks");
	ret = fate_has_marks(stock->store, a, has, err);
	arena_destroy(&a);
	stock->has_marks = ret == 0 && *has;
	return ret;
}

void
stock_look_for_marks(struct stock *stock)
{
	stock->marks_asked = 0;
}

void
stock_note_mark(struct stock *stock)
{
	stock->has_marks = true;
	stock->marks_asked = clock_now();
}

/* --- looking at it --- */

static void
count_one(enum stats_id which, uint64_t before, uint64_t now)
{
	stats_add(which, (int64_t)(now - before));
}

static void
count_operation(unsigned operation, struct store_operation_stats *before,
    const struct store_operation_stats *now)
{
	_Static_assert((int)WORD_OPERATION_COUNT == STORE_OPERATIONS &&
	    (int)WORD_STORED_COUNT == STORE_RESULTS,
	    "words as in base/store.h");
	for (unsigned i = 0; i < STORE_RESULTS; i++)
		series_add(SERIES_STORE_OPERATIONS_BY, 0, operation, i,
		    (int64_t)(now->results[i] - before->results[i]));
	series_times(SERIES_STORE_TIME, 0, operation, &now->time,
	    &before->time);
}

void
stock_count(struct stock *stock)
{
	const struct store_stats *now;
	struct store_stats *before = &stock->counted;

	if (stock->store == NULL)
		return;
	now = store_statistics(stock->store);
	count_one(STAT_STORE_OPERATIONS, before->operations, now->operations);
	count_one(STAT_STORE_FAILURES, before->failures, now->failures);
	count_one(STAT_STORE_TIMEOUTS, before->timeouts, now->timeouts);
	count_one(STAT_STORE_DECLINED, before->declined, now->declined);
	count_one(STAT_STORE_REFUSED, before->refused, now->refused);
	count_one(STAT_STORE_DOWNS, before->downs, now->downs);
	count_one(STAT_STORE_SWEPT, before->swept, now->swept);
	for (unsigned i = 0; i < STORE_OPERATIONS; i++)
		count_operation(i, &before->by[i], &now->by[i]);
	*before = *now;
}

void
stock_status(const struct stock *stock, struct json_out *o)
{
	if (stock->store != NULL)
		store_status(stock->store, o);
	else
		json_none(o, "store");
}

/* --- the end --- */

void
stock_stop(struct stock *stock)
{
	if (stock->store != NULL)
		store_stop(stock->store);
}

void
stock_close(struct stock **stock)
{
	struct arena *a = *stock != NULL ? (*stock)->arena : NULL;

	*stock = NULL;
	if (a != NULL)
		arena_destroy(&a);
}
