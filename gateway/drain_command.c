#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <unistd.h>

#include "base/json_read.h"
#include "gateway/control.h"
#include "gateway/drain_command.h"
#include "gateway/exit_code.h"

#define ANSWER_S	10
#define LOOK_AGAIN	200000		/* us */

struct left {
	int64_t	pid;
	int64_t	sessions;
};

static int
ask(const char *control, const char *request, struct buf *text,
    struct err *err)
{
	int code;

	buf_clear(text);
	if (control_ask(control, request, ANSWER_S, &code, text, err) < 0)
		return -1;
	if (code == EXIT_GOOD)
		return 0;
	return err_set(err, ERR_UNAVAIL, "%.*s",
	    (int)(text->len > 0 ? text->len - 1 : 0), text->p);
}

/* Of the whole its process id, and the sessions of all workers. */
static int
read_left(struct span json, struct left *left, struct err *err)
{
	struct json_in in;
	struct json_value v;
	int64_t n;

	*left = (struct left){0};
	json_begin(&in, NULL, json);
	while (json_next(&in, &v, err) == 0 && v.kind != JSON_IN_END) {
		/* A worker's own words have a number of its own. */
		if (span_is(v.key, "status")) {
			if (json_skip(&in, &v, err) < 0)
				return -1;
			continue;
		}
		if (v.kind != JSON_IN_NUMBER ||
		    json_in_decimal(v.text, 0, &n) < 0)
			continue;
		if (in.depth == 1 && span_is(v.key, "pid"))
			left->pid = n;
		else if (span_is(v.key, "sessions"))
			left->sessions += n;
	}
	return left->pid != 0 ? 0 :
	    err_set(err, ERR_SYNTAX, "the gateway does not say who it is");
}

static void
tell(int64_t sessions)
{
	printf("draining, sessions open: %" PRId64 "\n", sessions);
	fflush(stdout);
}

int
drain_command_run(const char *control)
{
	struct left first, now;
	struct buf text = {0};
	struct err err;
	int64_t told = -1;

	if (ask(control, "status", &text, &err) < 0 ||
	    read_left(buf_text(&text), &first, &err) < 0 ||
	    ask(control, "drain", &text, &err) < 0) {
		fprintf(stderr, "forepost: %s\n", err.text);
		buf_free(&text);
		return EXIT_RUNTIME;
	}
	/* Whoever answers no more, or is somebody else, has ended. */
	while (ask(control, "status", &text, &err) == 0 &&
	    read_left(buf_text(&text), &now, &err) == 0 &&
	    now.pid == first.pid) {
		if (now.sessions != told)
			tell(now.sessions);
		told = now.sessions;
		usleep(LOOK_AGAIN);
	}
	puts("the gateway has ended");
	buf_free(&text);
	return EXIT_GOOD;
}
