#include <assert.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <jansson.h>

#include "base/json_read.h"
#include "base/json_write.h"

/*
 * Any octets as key and value: what is written is one line of JSON that
 * jansson takes, and as text of printable UTF-8 it is what came. With octets
 * that are no UTF-8 kept, our own reader gives back each of them.
 */
int	LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
write_object(struct buf *b, struct span text, int64_t n, bool keeps)
{
	struct json_out o = { .to = b, .keeps_octets = keeps };
	struct arena *a = arena_create("fuzz");
	struct json_stock stock = { .arena = a };
	struct buf key = {0};

	json_open(&o, NULL, '{');
	json_span(&o, "text", text);
	json_open(&o, "list", '[');
	json_int(&o, NULL, n);
	json_decimal(&o, NULL, n, 2);
	json_none(&o, NULL);
	json_span(&o, NULL, text);
	json_close(&o, ']');
	buf_puts(&key, "key ");
	buf_span(&key, text);
	if (keeps)
		json_bool_n(&o, buf_text(&key), true);
	else
		json_put_member(&o, json_ready_member(&stock, buf_text(&key),
		    SPAN_LIT("true")));
	json_close(&o, '}');
	buf_free(&key);
	arena_destroy(&a);
}

static void
expect_a_line(const struct buf *b)
{
	for (size_t i = 0; i < b->len; i++)
		assert((unsigned char)b->p[i] >= ' ' && b->p[i] != 0x7f);
}

/* U+FFFD in the place of each octet that is no UTF-8 is as long as it says. */
static void
read_by_jansson(const struct buf *b, struct span text, int64_t n)
{
	json_error_t error;
	json_t *whole = json_loadb(b->p, b->len, JSON_ALLOW_NUL, &error);
	const json_t *value;

	/* It has no keys with a NUL. */
	if (text.len > 0 && memchr(text.p, 0, text.len) != NULL) {
		assert(whole == NULL);
		return;
	}
	assert(whole != NULL);
	assert(json_object_size(whole) == 3);
	value = json_object_get(whole, "text");
	if (memmem(json_string_value(value), json_string_length(value),
	    "\xef\xbf\xbd", 3) == NULL)
		assert(json_string_length(value) == text.len &&
		    memcmp(json_string_value(value), text.p, text.len) == 0);
	value = json_object_get(whole, "list");
	assert(json_array_size(value) == 4);
	assert(json_integer_value(json_array_get(value, 0)) == n);
	json_decref(whole);
}

/* Twice the text, and it as the end of a key. */
static void
read_by_ours(const struct buf *b, struct span text)
{
	struct arena *a = arena_create("fuzz");
	struct json_value v;
	struct json_in in;
	struct err err;
	size_t found = 0;

	json_begin(&in, a, buf_text(b));
	do {
		assert(json_next(&in, &v, &err) == 0);
		if (v.kind == JSON_IN_STRING) {
			assert(span_eq(v.text, text));
			found++;
		}
		if (v.kind == JSON_IN_TRUE) {
			assert(v.key.len == text.len + 4);
			assert(text.len == 0 || memcmp(v.key.p + 4, text.p,
			    text.len) == 0);
			found++;
		}
	} while (v.kind != JSON_IN_END);
	assert(found == 3);
	arena_destroy(&a);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct buf plain = {0}, kept = {0};
	struct span text;
	int64_t n = 0;

	if (size < sizeof(n))
		return 0;
	memcpy(&n, data, sizeof(n));
	text = span_n(data + sizeof(n), size - sizeof(n));
	write_object(&plain, text, n, false);
	expect_a_line(&plain);
	read_by_jansson(&plain, text, n);
	write_object(&kept, text, n, true);
	expect_a_line(&kept);
	read_by_ours(&kept, text);
	json_forget_octets(kept.p, kept.len);
	read_by_jansson(&kept, text, n);
	buf_free(&plain);
	buf_free(&kept);
	return 0;
}
