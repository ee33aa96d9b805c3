#include <assert.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "base/utf8.h"
#include "gateway/path.h"

/*
 * The arguments of MAIL and RCPT. The first octet says what is advertised.
 * What is taken is written for a backend without anything that could end the
 * line, and what is written reads as the same again.
 */
int	LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define ALL	(ABILITY_SIZE | ABILITY_8BITMIME | ABILITY_SMTPUTF8 | \
		ABILITY_DSN | ABILITY_BINARYMIME | ABILITY_CHUNKING | \
		ABILITY_PRDR)

static void
check_fault(const struct path_fault *f)
{
	assert(f->code == 501 || f->code == 552 || f->code == 553 ||
	    f->code == 555);
	assert(f->enhanced[0] == '5' && f->text[0] != '\0');
	assert(strlen(f->text) < sizeof(f->text));
}

static void
check_written(struct span line, bool smtputf8)
{
	assert(utf8_is_printable(line));
	assert(smtputf8 || utf8_is_ascii(line));
}

static void
check_mail(struct arena *a, const struct envelope *e)
{
	const struct path_limits limits = { ALL, 0 };
	struct buf once = {0}, twice = {0};
	struct envelope again = {0};
	struct path_fault fault;

	assert(!e->sender.utf8 || e->smtputf8);
	path_format_mail(&once, e, ALL, e->declared_size);
	check_written(buf_text(&once), e->smtputf8);
	assert(path_parse_mail(a, span_n(once.p + 5, once.len - 5), &limits,
	    &again, &fault) == 0);
	path_format_mail(&twice, &again, ALL, again.declared_size);
	assert(span_eq(buf_text(&once), buf_text(&twice)));
	assert(e->needs == again.needs);
	buf_free(&once);
	buf_free(&twice);
}

static void
check_rcpt(struct arena *a, const struct rcpt *r, bool smtputf8)
{
	const struct path_limits limits = { ALL, 0 };
	struct buf once = {0}, twice = {0};
	struct path_fault fault;
	struct rcpt again = {0};
	unsigned needs = 0;

	path_format_rcpt(&once, r, ALL);
	check_written(buf_text(&once), smtputf8);
	assert(path_parse_rcpt(a, span_n(once.p + 5, once.len - 5), &limits,
	    smtputf8, &again, &needs, &fault) == 0);
	path_format_rcpt(&twice, &again, ALL);
	assert(span_eq(buf_text(&once), buf_text(&twice)));
	buf_free(&once);
	buf_free(&twice);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct path_limits limits = { ALL, 1000000 };
	struct arena *a = arena_create("fuzz");
	struct envelope e = {0};
	struct path_fault fault;
	unsigned needs = 0;
	struct rcpt r = {0};
	struct span args;
	bool smtputf8;

	if (size > 0) {
		limits.advertised = data[0] == 'A' ? ALL : data[0];
		args = span_n(data + 1, size - 1);
		if (path_parse_mail(a, args, &limits, &e, &fault) < 0)
			check_fault(&fault);
		else
			check_mail(a, &e);
		smtputf8 = limits.advertised & ABILITY_SMTPUTF8;
		if (path_parse_rcpt(a, args, &limits, smtputf8, &r, &needs,
		    &fault) < 0)
			check_fault(&fault);
		else
			check_rcpt(a, &r, smtputf8);
	}
	arena_destroy(&a);
	return 0;
}
