#include <assert.h>
#include <stdint.h>
#include <string.h>

#include "base/buf.h"
#include "base/dns.h"
#include "base/loop.h"
#include "base/utf8.h"
#include "filters/signature.h"

/*
 * A message and a key record out of the input, through both engines.
 *
 * The input is an octet, the size of the pieces that the body comes in; the
 * text of k._domainkey.x.example up to the first LF; the message. Whatever
 * they are, each signature has one result, what is told of it is printable,
 * and pieces of another size change nothing. libopendkim has to survive.
 */
int	LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int	LLVMFuzzerInitialize(int *argc, char ***argv);

#define INPUT_MAX	16384
#define MOST		4	/* signatures */

struct trial {
	struct arena		*arena;
	enum signature_engine	 engine;
	struct span		 message;
	size_t			 piece;
	struct signature_answer	 answer;
};

int
LLVMFuzzerInitialize(int *argc, char ***argv)
{
	struct err err;
	int r;

	(void)argc;
	(void)argv;
	loop_create();
	r = signature_open(SIGNATURE_LIBOPENDKIM, &err);
	assert(r == 0);
	return 0;
}

static void
is_printable(const char *text)
{
	assert(text == NULL || utf8_is_printable(span_z(text)));
}

static void
judge(const struct signature_answer *answer)
{
	bool is_best_there = answer->n == 0;

	assert(answer->n <= MOST && (answer->n == MOST ||
	    answer->ignored == 0));
	assert((answer->best == SIGNATURE_NONE) == (answer->n == 0));
	for (size_t i = 0; i < answer->n; i++) {
		const struct signature *s = &answer->list[i];

		assert(s->result > SIGNATURE_NONE &&
		    s->result <= SIGNATURE_POLICY);
		is_best_there |= s->result == answer->best;
		if (s->result == SIGNATURE_PASS) {
			assert(s->domain != NULL && s->selector != NULL &&
			    s->identity != NULL && s->algorithm != NULL &&
			    s->prefix != NULL && s->bits > 0);
			assert(s->reason == NULL || s->is_partial);
		} else {
			assert(s->reason != NULL);
		}
		is_printable(s->reason);
		is_printable(s->domain);
		is_printable(s->selector);
		is_printable(s->identity);
		is_printable(s->prefix);
	}
	assert(is_best_there);
}

static MAY_YIELD void
check(void *arg)
{
	struct trial *t = arg;
	struct signature_options options = { .engine = t->engine,
	    .most = MOST };
	struct signature_check *c;
	struct fields header;
	struct span body;
	struct err err;
	size_t n;
	int r;

	fields_parse(t->arena, t->message, &header);
	c = signature_begin(t->arena, &options, &header);
	body = span_n(t->message.p + header.size,
	    t->message.len - header.size);
	for (; body.len > 0; body = span_n(body.p + n, body.len - n)) {
		n = body.len < t->piece ? body.len : t->piece;
		signature_body(c, span_n(body.p, n));
	}
	r = signature_finish(c, &t->answer, &err);
	assert(r == 0);
	judge(&t->answer);
}

static void
run(struct trial *t, enum signature_engine engine, size_t piece)
{
	t->engine = engine;
	t->piece = piece;
	fiber_spawn("fuzz", check, t);
	while (fiber_count() > 0)
		loop_turn(true);
}

static void
put_zone(struct buf *zone, struct span text)
{
	buf_puts(zone, "k._domainkey.x.example TXT");
	for (size_t i = 0; i < text.len || i == 0; i++) {
		if (i % 255 == 0)
			buf_puts(zone, i > 0 ? "\" \"" : " \"");
		if (i < text.len)
			buf_printf(zone, "\\%03u", (unsigned char)text.p[i]);
	}
	buf_puts(zone, "\"\n");
}

static void
check_all(struct span message, size_t piece)
{
	struct trial t = { .arena = arena_create("fuzz"), .message = message };
	struct signature_answer first;

	run(&t, SIGNATURE_OWN, INPUT_MAX);
	first = t.answer;
	run(&t, SIGNATURE_OWN, piece);
	assert(t.answer.best == first.best && t.answer.n == first.n);
	for (size_t i = 0; i < first.n; i++)
		assert(t.answer.list[i].result == first.list[i].result);
	run(&t, SIGNATURE_LIBOPENDKIM, piece);
	arena_destroy(&t.arena);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct dns_options options = { 0 };
	struct buf zone = { 0 };
	struct span message, key;
	struct err err;
	int r;

	if (size < 2 || size > INPUT_MAX)
		return 0;
	message = span_n(data + 1, size - 1);
	key = span_until(&message, '\n');
	put_zone(&zone, key);
	buf_put(&zone, "", 1);
	options.hosts = zone.p;
	r = dns_create(&options, &err);
	assert(r == 0);
	check_all(message, 1 + (size_t)data[0]);
	dns_destroy();
	buf_free(&zone);
	return 0;
}
