#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/dns.h"
#include "base/loop.h"
#include "base/utf8.h"
#include "tests/vectors/judge.h"

struct trial {
	judge_fn	*decide;
	json_t		*in, *out;
};

const char *
judge_text(json_t *in, const char *key)
{
	return json_string_value(json_object_get(in, key));
}

/* Two octets of UTF-8 are one octet above 127. */
struct span
judge_octets(struct arena *a, json_t *in, const char *key)
{
	json_t *text = json_object_get(in, key);
	const unsigned char *from =
	    (const unsigned char *)json_string_value(text);
	size_t len = json_string_length(text), n = 0;
	char *to = arena_alloc(a, len + 1);

	for (size_t i = 0; i < len; i++)
		if (from[i] < 0x80)
			to[n++] = (char)from[i];
		else if (i + 1 < len) {
			to[n++] = (char)((from[i] & 3) << 6 |
			    (from[i + 1] & 0x3f));
			i++;
		}
	to[n] = '\0';
	return span_n(to, n);
}

void
judge_say(json_t *out, const char *key, const char *value)
{
	json_object_set_new(out, key, value == NULL ? json_null() :
	    json_stringn_nocheck(value, strlen(value)));
}

static MAY_YIELD void
try_one(void *arg)
{
	struct trial *t = arg;
	struct arena *a = arena_create("judge");

	t->decide(a, t->in, t->out);
	arena_destroy(&a);
}

static void
fail(const char *what, const char *why)
{
	fprintf(stderr, "judge: %s: %s\n", what, why);
	exit(2);
}

static json_t *
read_case(FILE *f)
{
	static char *line;
	static size_t cap;
	ssize_t len = getline(&line, &cap, f);
	json_error_t error;
	json_t *in;

	if (len < 0) {
		free(line);
		line = NULL;
		cap = 0;
		return NULL;
	}
	in = json_loadb(line, (size_t)len, JSON_ALLOW_NUL, &error);
	if (!json_is_object(in))
		fail("case", error.text);
	return in;
}

static void
begin_dns(json_t *in)
{
	struct dns_options options = { .hosts = judge_text(in, "zone") };
	struct err err;

	if (dns_create(&options, &err) < 0)
		fail("zone", err.text);
}

static void
answer(struct trial *t)
{
	char *text = json_dumps(t->out, JSON_COMPACT | JSON_ENSURE_ASCII);

	if (text == NULL)
		fail("answer", "not UTF-8");
	puts(text);
	free(text);
	json_decref(t->in);
	json_decref(t->out);
}

static void
run_all(void)
{
	while (fiber_count() > 0)
		loop_turn(true);
}

int
judge_main(int argc, char **argv, judge_fn *decide)
{
	bool together = argc > 1 && strcmp(argv[1], "--together") == 0;
	struct trial *trials = NULL, *t;
	size_t n = 0;
	json_t *in;

	loop_create();
	while ((in = read_case(stdin)) != NULL) {
		trials = realloc(trials, (n + 1) * sizeof(*trials));
		if (trials == NULL)
			fail("memory", "none left");
		trials[n++] = (struct trial){ decide, in, json_object() };
	}
	for (t = trials; t < trials + n; t++) {
		if (!together || t == trials)
			begin_dns(t->in);
		fiber_spawn("trial", try_one, t);
		if (together)
			continue;
		run_all();
		dns_destroy();
	}
	if (together && n > 0) {
		run_all();
		dns_destroy();
	}
	for (t = trials; t < trials + n; t++)
		answer(t);
	free(trials);
	loop_destroy();
	return 0;
}
