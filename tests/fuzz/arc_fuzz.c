#include <assert.h>
#include <stdint.h>
#include <string.h>

#include "base/clock.h"
#include "base/dns.h"
#include "base/loop.h"
#include "filters/arc.h"

/*
 * A whole message with keys that some of the corpus is sealed with, its body
 * in pieces of the size that the first octet names and in one piece: the same
 * answer, and one whose parts fit together. What passes does not any more
 * when its body begins with another octet.
 */
int	LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define ZONE \
	"s._domainkey.x.example TXT \"v=DKIM1; k=ed25519; " \
	"p=13f6onvLT9End4q9ocJ3JLOUmH/GnugborrvRsBfDnw=\"\n" \
	"late._domainkey.x.example servfail\n" \
	"bad._domainkey.x.example TXT \"p=\"\n"

struct trial {
	struct arena		*arena;
	struct span		 header, body;
	size_t			 piece;
	struct arc_answer	 answer;
};

static MAY_YIELD void
run_trial(void *arg)
{
	struct trial *t = arg;
	struct arc_options options = { .timeout = CLOCK_S };
	struct arc *c = arc_begin(t->arena, &options);
	struct span body = t->body, s;
	struct fields *f = arena_new(t->arena, struct fields);
	struct err err;
	int r;

	fields_parse(t->arena, t->header, f);
	arc_header(c, f);
	while (body.len > 0) {
		s = span_n(body.p, body.len < t->piece ? body.len : t->piece);
		arc_body(c, s);
		body = span_n(body.p + s.len, body.len - s.len);
	}
	r = arc_finish(c, &t->answer, &err);
	assert(r == 0);
}

static void
run(struct trial *t)
{
	fiber_spawn("trial", run_trial, t);
	while (fiber_count() > 0)
		loop_turn(false);
}

static void
check_answer(const struct arc_answer *got)
{
	assert(got->reason != NULL && got->sets <= ARC_SETS_MOST);
	assert((got->outcome == ARC_NONE) <= (got->sets == 0));
	if (got->outcome != ARC_PASS) {
		assert(got->seals == NULL);
		return;
	}
	assert(got->sets > 0 && got->sealer != NULL);
	assert(got->oldest_pass >= ARC_OLDEST_UNKNOWN &&
	    got->oldest_pass <= (int)got->sets);
	for (unsigned i = 0; i < got->sets; i++)
		assert(got->seals[i].domain != NULL &&
		    got->seals[i].selector != NULL);
	assert(strcmp(got->seals[got->sets - 1].domain, got->sealer) == 0);
}

/* With l=0 the body may be any. */
static void
check_changed(const struct trial *from)
{
	struct trial t = *from;
	char *changed;

	if (from->answer.is_partial || from->body.len == 0)
		return;
	t.arena = arena_create("fuzz");
	changed = arena_copy(t.arena, from->body);
	changed[0] = changed[0] == 'a' ? 'b' : 'a';
	t.body.p = changed;
	run(&t);
	assert(t.answer.outcome == ARC_FAIL);
	arena_destroy(&t.arena);
}

static void
begin(void)
{
	struct dns_options options = { .hosts = ZONE };
	struct err err;
	static bool begun;
	int r;

	if (begun)
		return;
	begun = true;
	loop_create();
	r = dns_create(&options, &err);
	assert(r == 0);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct trial whole, pieces;
	struct span text;
	const char *end;

	if (size < 1)
		return 0;
	begin();
	text = span_n(data + 1, size - 1);
	end = text.len > 0 ? memmem(text.p, text.len, "\r\n\r\n", 4) : NULL;
	whole = (struct trial){ .arena = arena_create("fuzz"),
	    .header = text, .piece = SIZE_MAX };
	if (end != NULL) {
		whole.header.len = (size_t)(end + 2 - text.p);
		whole.body = span_n(end + 4,
		    text.len - whole.header.len - 2);
	}
	pieces = whole;
	pieces.arena = arena_create("fuzz");
	pieces.piece = (size_t)data[0] + 1;
	run(&whole);
	run(&pieces);
	check_answer(&whole.answer);
	assert(whole.answer.outcome == pieces.answer.outcome);
	assert(strcmp(whole.answer.reason, pieces.answer.reason) == 0);
	assert(whole.answer.oldest_pass == pieces.answer.oldest_pass);
	if (whole.answer.outcome == ARC_PASS)
		check_changed(&whole);
	arena_destroy(&whole.arena);
	arena_destroy(&pieces.arena);
	return 0;
}
