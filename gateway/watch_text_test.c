#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "gateway/watch_text.h"
#include "tests/kit/t.h"

#define HEAD(up, n, hits) \
	"{\"version\":\"1.0\",\"time\":\"2026-11-22T18:29:01.500Z\",\"up\":" \
	up ",\"state\":\"running\",\"hostname\":\"mx.example\",\"rules\":{}," \
	"\"generation\":3,\"counters\":{\"sessions\":9,\"sessions_open\":4," \
	"\"received_bytes\":" n "000},\"series\":[{\"name\":\"sessions\"," \
	"\"kind\":\"counter\",\"labels\":[\"listener\"],\"values\":[{" \
	"\"labels\":[\"a\"],\"value\":" n "},{\"labels\":[\"b\"],\"value\":" n \
	"}]},{\"name\":\"mails\",\"labels\":[\"listener\",\"outcome\"]," \
	"\"values\":[{\"labels\":[\"a\",\"delivered\"],\"value\":" n "}," \
	"{\"labels\":[\"a\",\"refused\"],\"value\":1}]},{\"name\":" \
	"\"stage_seconds\",\"values\":[{\"labels\":[\"a\",\"total\"]," \
	"\"count\":" n ",\"sum\":1.5,\"buckets\":[[0.000256," n "]]}]},{" \
	"\"name\":\"rule_hits\",\"values\":[{\"labels\":[\"in.rules:1\"]," \
	"\"value\":2},{\"labels\":[\"x\\u001b[2J\\u202e\\\"<b>\"],\"value\":" \
	hits "}]}],\"workers\":["
#define WORKER(state, why) \
	"{\"index\":0,\"status\":{\"backends\":[{\"name\":\"in\",\"address\":" \
	"\"smtp://b\",\"state\":\"" state "\"" why "}],\"store\":null," \
	"\"resolver\":{\"state\":\"up\",\"waiting\":0},\"log\":{\"dropped\":0," \
	"\"stuck\":false}}}"
#define TAIL	"]}"

static const char *
page(const char *before, const char *after, size_t width, size_t height)
{
	static char text[8000];
	struct arena *a = arena_create("test");
	struct watch_page size = { .width = width, .height = height,
	    .is_plain = true };
	struct watch_sample old, now;
	struct buf out = {0};
	struct err err;

	T_INT("read", watch_sample_read(a, span_z(before), &old, &err), 0);
	T_INT("read", watch_sample_read(a, span_z(after), &now, &err), 0);
	now.taken = old.taken + 2 * CLOCK_S;
	if (width > 0)
		watch_text_page(&out, &size, &old, &now);
	else
		watch_text_line(&out, &old, &now);
	snprintf(text, sizeof(text), "%.*s", SPAN_ARG(buf_text(&out)));
	buf_free(&out);
	arena_destroy(&a);
	return text;
}

#define OLD	HEAD("9", "10", "1") WORKER("up", "") TAIL
#define NEW	HEAD("3700", "20", "7") WORKER("up", "") "," \
	WORKER("down", ",\"why\":\"no \\u001b route\"") TAIL

static void
test_page(void)
{
	T_STR("all of it", page(OLD, NEW, 80, 24),
	    "forepost 1.0  running  up 1h01m  generation 3  workers 2  "
	    "18:29:01Z  mx.example\n"
	    "sessions 4 open, 10.0/s  commands 0.0/s  rcpts 0.0/s  mails 5.0/s"
	    "  5.0 KB/s\n"
	    "\n"
	    "MAILS              /s     total   STAGE          /s  half in   "
	    "99% in\n"
	    "delivered        5.0        20    total         5.0   0.3 ms   "
	    "0.3 ms\n"
	    "refused          0.0         1    \n"
	    "\n"
	    "RULES THAT ACTED                                       /s     "
	    "total     would\n"
	    "x\\x1B[2J\\xE2\\x80\\xAE\"<b>                              3.0 "
	    "        7         0\n"
	    "in.rules:1                                            0.0         "
	    "2         0\n"
	    "NOT WELL\n"
	    "backend   in smtp://b down (1 of 2 workers): no \\x1B route\n"
	    "resolver  up\n");
	T_STR("a line", page(OLD, NEW, 0, 0),
	    "2026-11-22T18:29:01.500Z state=running sessions=4 "
	    "sessions/s=10.0 mails/s=5.0 delivered/s=5.0 refused/s=0.0 "
	    "half-in-ms=0.3 99%-in-ms=0.3 not-well=1\n");
	T_STR("one sample: no rates", page(NEW, NEW, 0, 0) + 49,
	    " sessions/s=0.0 mails/s=0.0 delivered/s=0.0 refused/s=0.0 "
	    "not-well=1\n");
}

static void
test_sizes(void)
{
	const char *text, *p, *end;

	for (size_t width = 1; width < 120; width += 7)
		for (size_t height = 1; height < 40; height++) {
			size_t n = 0;

			text = page(OLD, NEW, width, height);
			for (p = text; *p != '\0'; p = end + 1, n++) {
				end = strchr(p, '\n');
				if ((size_t)(end - p) > width)
					T_STR("too wide", p, "");
			}
			if (n > height)
				T_STR("too high", text, "");
		}
	T_OK("of little room what is broken has some",
	    strstr(page(OLD, NEW, 80, 6), "backend   in") != NULL);
}

/* Twenty lists that are suspended: too many for the end of a page. */
static void
test_much_trouble(void)
{
	static char text[8000];
	char *end = text;
	const char *seen;

	end += sprintf(end, "%s{\"index\":0,\"status\":{\"lists\":[",
	    HEAD("9", "10", "1"));
	for (int i = 0; i < 20; i++)
		end += sprintf(end, "%s{\"name\":\"l%d\",\"state\":"
		    "\"suspended\"}", i > 0 ? "," : "", i);
	sprintf(end, "]}}" TAIL);
	seen = page(text, text, 80, 23);
	T_OK("its head is not far down", strstr(seen, "\n\nNOT WELL\n") != NULL);
	T_OK("what has no room is counted",
	    strstr(seen, "\nand 2 more\n") != NULL);
	seen = page(text, text, 80, 50);
	T_OK("with room, at the end", strstr(seen, "\n\nNOT WELL\n") == NULL &&
	    strstr(seen, " l19 ") != NULL);
}

static void
test_bad(void)
{
	static const char *const bad[] = { "", "[]", "{\"series\":[{\"name\":",
	    "{} x", "{\"workers\":[{\"status\":{\"backends\":[{]}}]}" };

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct arena *a = arena_create("test");
		struct watch_sample s;
		struct err err;

		T_INT(bad[i], watch_sample_read(a, span_z(bad[i]), &s, &err),
		    -1);
		arena_destroy(&a);
	}
}

int
main(void)
{
	test_page();
	test_sizes();
	test_much_trouble();
	test_bad();
	return t_done();
}
