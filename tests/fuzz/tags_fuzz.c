#include <assert.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "base/buf.h"
#include "filters/sigkey.h"
#include "filters/tags.h"

/*
 * A tag list: each tag lies within the text in its order, no name is there
 * twice, and what is written anew from it reads the same. As a key record it
 * is a key or none; as base64 it does not outgrow its text.
 */
int	LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
check_again(struct arena *a, const struct tags *tags)
{
	struct tags again;
	struct buf b = { 0 };
	struct err err;
	int r;

	for (size_t i = 0; i < tags->n; i++) {
		buf_span(&b, tags->list[i].name);
		buf_puts(&b, "=");
		buf_span(&b, tags->list[i].value);
		buf_puts(&b, ";");
	}
	r = tags_parse(a, buf_text(&b), &again, &err);
	assert(r == 0 && again.n == tags->n);
	for (size_t i = 0; i < tags->n; i++)
		assert(span_eq(tags->list[i].name, again.list[i].name) &&
		    span_eq(tags->list[i].value, again.list[i].value));
	buf_free(&b);
}

static void
check_list(struct arena *a, struct span text)
{
	const char *at = text.p;
	const struct tag *t;
	struct tags tags;
	struct span out;
	struct err err;

	if (tags_parse(a, text, &tags, &err) < 0)
		return;
	assert(tags.n > 0 && tags.n <= TAGS_MOST);
	for (t = tags.list; t < tags.list + tags.n; t++) {
		assert(t->name.p >= at && t->raw.p > t->name.p);
		assert(t->value.p >= t->raw.p && t->value.p + t->value.len <=
		    t->raw.p + t->raw.len);
		at = t->raw.p + t->raw.len;
		assert(at <= text.p + text.len);
		assert(tags_find(&tags, arena_copy(a, t->name)) == t);
		if (tags_base64(a, t->value, &out) == 0)
			assert(out.len <= t->value.len);
		tags_has(t->value, "sha256");
	}
	check_again(a, &tags);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct arena *a = arena_create("fuzz");
	struct span text = span_n(data, size);
	struct sigkey key;
	struct err err;

	check_list(a, text);
	if (sigkey_parse(a, text, SIGKEY_RSA_SHA256, &key, &err) == 0)
		assert(key.key != NULL && key.bits >= SIGKEY_BITS_LEAST &&
		    key.bits <= SIGKEY_BITS_MOST);
	if (sigkey_parse(a, text, SIGKEY_ED25519_SHA256, &key, &err) == 0)
		assert(key.key != NULL && key.bits == 256);
	arena_destroy(&a);
	return 0;
}
