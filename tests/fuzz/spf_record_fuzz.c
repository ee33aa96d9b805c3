#include <assert.h>
#include <stdint.h>
#include <string.h>

#include "filters/spf_macro.h"
#include "filters/spf_record.h"

/*
 * A record: what is read of it lies within it and can be expanded; and the
 * same octets as an explanation. Short values, long ones and empty ones, with
 * any octet in those that come from the client.
 */
int	LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define OUT	100

static void
expand(struct span text, const struct spf_macro_values *values)
{
	char name[SPF_NAME_SIZE], out[OUT];

	if (spf_macro_name(text, values, name) == 0)
		assert(strlen(name) >= 1 && strlen(name) <= 253);
	assert(spf_macro_text(text, values, out, sizeof(out)) < OUT);
}

static void
expand_all(struct span text)
{
	static const char octets[] = "a\0..%%{s}\xff-+,/_= \"@\n";
	static char long_one[4000];
	struct span any = span_n(octets, sizeof(octets) - 1);
	struct span much = span_n(long_one, sizeof(long_one));
	struct spf_macro_values values[] = {
		{ .domain = SPAN_LIT("x.example") },
		{ any, any, any, any, any, any, any, any, any, any, any },
		{ much, much, much, much, much, much, much, much, much, much,
		    much },
	};

	for (size_t i = 0; i < sizeof(long_one); i++)
		long_one[i] = i % 9 == 0 ? '.' : 'x';
	for (size_t i = 0; i < sizeof(values) / sizeof(values[0]); i++)
		expand(text, &values[i]);
}

static void
is_within(struct span part, struct span all)
{
	assert(part.p >= all.p && part.p + part.len <= all.p + all.len);
}

static void
check_record(const struct spf_record *record, struct span text)
{
	assert(record->n <= SPF_LIMIT_WRITTEN);
	for (size_t i = 0; i < record->n; i++) {
		const struct spf_term *t = &record->terms[i];

		is_within(t->written, text);
		assert(t->bits4 <= 32 && t->bits6 <= 128);
		if (!spf_term_asks(t) || t->u.domain.len == 0)
			continue;
		is_within(t->u.domain, text);
		expand_all(t->u.domain);
	}
	if (record->redirect.p != NULL)
		expand_all(record->redirect);
	if (record->explanation.p != NULL)
		expand_all(record->explanation);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct span text = span_n(data, size);
	struct arena *a = arena_create("fuzz");
	struct spf_record record;
	struct err err = { .text = "" };

	spf_record_is(text);
	if (spf_record_parse(a, text, &record, &err) == 0)
		check_record(&record, text);
	else
		for (const char *p = err.text; *p != '\0'; p++)
			assert(*p >= ' ' && *p <= '~');
	if (spf_macro_check(text, SPF_IN_EXPLANATION, &err) == 0)
		expand_all(text);
	arena_destroy(&a);
	return 0;
}
