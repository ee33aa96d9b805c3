#include <string.h>

#include <jansson.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/json_read.h"
#include "gateway/board.h"
#include "gateway/proc.h"
#include "gateway/series.h"
#include "gateway/stats.h"
#include "gateway/stats_json.h"
#include "tests/kit/named_things.h"
#include "tests/kit/t.h"

static struct named_things *things;

/* Read by another reader than ours. */
static json_t *
show(void)
{
	struct buf text = {0};
	struct err err;
	json_t *all;

	stats_json_text(&text, &things->settings, &things->set);
	T_INT("it is JSON", json_check(buf_text(&text), &err), 0);
	all = json_loadb(text.p, text.len, JSON_REJECT_DUPLICATES, NULL);
	T_OK("another reader takes it too", json_is_object(all));
	buf_free(&text);
	return all;
}

static json_t *
family(json_t *all, const char *name)
{
	json_t *list = json_object_get(all, "series"), *one;
	size_t i;

	json_array_foreach(list, i, one) {
		if (strcmp(json_string_value(json_object_get(one, "name")),
		    name) == 0)
			return one;
	}
	return NULL;
}

static const char *
text_of(json_t *o, const char *key)
{
	const char *text = json_string_value(json_object_get(o, key));

	return text != NULL ? text : "(none)";
}

static void
t_json(const char *name, json_t *got, const char *want)
{
	char *text = json_dumps(got, JSON_COMPACT | JSON_ENCODE_ANY |
	    JSON_REAL_PRECISION(9));

	T_STR(name, text != NULL ? text : "(none)", want);
	free(text);
}

static void
test_members(void)
{
	json_t *all = show(), *o;

	T_STR("version", text_of(all, "version"), PACKAGE_VERSION);
	T_STR("state", text_of(all, "state"), "running");
	T_STR("name of the host", text_of(all, "hostname"), "mx.example");
	t_json("rules", json_object_get(all, "rules"),
	    "{\"name\":\"in.rules\",\"hash\":\"0123456789abcdef\"}");
	t_json("generation", json_object_get(all, "generation"), "3");
	o = json_object_get(all, "counters");
	t_json("a plain counter", json_object_get(o, "worker_starts"), "5");
	t_json("in seconds", json_object_get(o, "dns_seconds"), "1.5");
	o = family(all, "mails");
	T_STR("a family has a kind", text_of(o, "kind"), "counter");
	t_json("labels", json_object_get(o, "labels"),
	    "[\"listener\",\"outcome\"]");
	t_json("values", json_array_get(json_object_get(o, "values"),
	    WORD_OUTCOME_REFUSED),
	    "{\"labels\":[\"mx\",\"refused\"],\"value\":9}");
	o = family(all, "stage_seconds");
	T_STR("a unit", text_of(o, "unit"), "seconds");
	t_json("times are not cumulative and have no empty buckets",
	    json_array_get(json_object_get(o, "values"), WORD_STAGE_HELO),
	    "{\"labels\":[\"mx\",\"helo\"],\"count\":3,\"sum\":900.00026,"
	    "\"buckets\":[[0.000128,1],[0.000256,1],[null,1]]}");
	json_decref(all);
}

static void
test_boards(int slot)
{
	static const struct {
		const char *name, *text, *want;
	} cases[] = {
		{ "nothing was published", "", "null" },
		{ "an object", "{\"sessions\":7}", "{\"sessions\":7}" },
		{ "an array", "[7]", "null" },
		{ "cut off", "{\"sessions\":7", "null" },
		{ "two", "{\"a\":1},{\"b\":2}", "null" },
		{ "out of its place", "{}],\"x\":[{}", "null" },
		{ "no UTF-8", "{\"a\":\"\xff\"}", "null" },
		{ "too deep", "{\"a\":[[[[[[[[[[[[[[[[1]]]]]]]]]]]]]]]]}",
		    "null" },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		json_t *all, *worker;

		board_write(stats_board(slot), span_z(cases[i].text));
		all = show();
		worker = json_array_get(json_object_get(all, "workers"), 0);
		t_json(cases[i].name, json_object_get(worker, "status"),
		    cases[i].want);
		json_decref(all);
	}
}

static void
test_workers(void)
{
	static const struct stats_proc worker = { .pid = 77, .index = 1,
	    .state = PROC_DRAINING, .generation = 2 };
	static const struct stats_proc other = { .pid = 78, .index = -1,
	    .state = PROC_RUNNING };
	static const struct stats_proc mad = { .pid = 79, .index = 2,
	    .state = 1000 };
	int slot = stats_slot_take();
	json_t *all, *workers;

	stats_proc_set(slot, &worker);
	stats_proc_set(stats_slot_take(), &other);
	stats_proc_set(stats_slot_take(), &mad);
	(void)stats_slot_take();
	all = show();
	workers = json_object_get(all, "workers");
	T_INT("all processes that are workers", json_array_size(workers), 2);
	T_STR("what one does", text_of(json_array_get(workers, 0), "state"),
	    "draining");
	t_json("of which configuration", json_object_get(
	    json_array_get(workers, 0), "generation"), "2");
	T_STR("what no process can do",
	    text_of(json_array_get(workers, 1), "state"), "unknown");
	json_decref(all);
	test_boards(slot);
}

int
main(void)
{
	static const char *const names[] = { "mx", NULL };
	static const struct stats_proc own = { .pid = 1, .index = -1,
	    .state = PROC_RUNNING, .generation = 3 };
	struct arena *a = arena_create("test");
	struct buf warnings = {0};
	struct err err;

	T_INT("the segment is made", stats_create(&err), 0);
	stats_proc_set(STATS_SUPERVISOR, &own);
	things = named_things(a, names, names, names);
	memcpy(things->set.hash, "0123456789abcdef", 17);
	series_use(series_enter(a, &things->settings, &things->set,
	    &warnings));
	series_add(SERIES_MAILS, 0, WORD_OUTCOME_REFUSED, 0, 9);
	series_time(SERIES_STAGE_TIME, 0, WORD_STAGE_HELO, 100);
	series_time(SERIES_STAGE_TIME, 0, WORD_STAGE_HELO, 160);
	series_time(SERIES_STAGE_TIME, 0, WORD_STAGE_HELO, 900000000);
	stats_add(STAT_WORKER_STARTS, 5);
	stats_add(STAT_DNS_TIME, 1500000);
	test_members();
	test_workers();
	arena_destroy(&a);
	return t_done();
}
