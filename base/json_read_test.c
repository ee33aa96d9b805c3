#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/json_read.h"
#include "base/json_write.h"
#include "tests/kit/t.h"

/* The text as it was read: key=value, in words. */
static const struct {
	const char *name, *in, *want;
} cases[] = {
	{ "an object", "{\"a\":1,\"b\":\"x\"}", "{ a=1 b='x' }" },
	{ "an array", "[1, -2.50 ,true,false,null]",
	    "[ 1 -2.50 true false null }" },
	{ "nothing in it", "{\"a\":[],\"b\":{}}", "{ a=[ } b={ } }" },
	{ "in each other", "[[{\"a\":[1]}],2]", "[ [ { a=[ 1 } } } 2 }" },
	{ "white space", " \t\r\n{ \"a\" : 1 } \n", "{ a=1 }" },
	{ "one value", "17", "17" },
	{ "the same key twice", "{\"a\":1,\"a\":2}", "{ a=1 a=2 }" },
	{ "escapes", "\"\\\"\\\\\\/\\b\\f\\n\\r\\t\"",
	    "'\"\\/\b\f\n\r\t'" },
	{ "escape in a key", "{\"a\\u002eb\":1}", "{ a.b=1 }" },
	{ "of one to three octets", "\"\\u0041\\u00fc\\u20AC\"",
	    "'A\xc3\xbc\xe2\x82\xac'" },
	{ "a pair", "\"\\ud83d\\udce7\"", "'\xf0\x9f\x93\xa7'" },
	{ "octets", "\"f\\udcfcr\\udc80\\udcff\"", "'f\xfcr\x80\xff'" },
	{ "octets behind a pair", "\"\\ud83d\\udce7\\udce7\"",
	    "'\xf0\x9f\x93\xa7\xe7'" },
	{ "UTF-8", "\"\xc3\xbc\xe2\x82\xac\xf0\x9f\x93\xa7\"",
	    "'\xc3\xbc\xe2\x82\xac\xf0\x9f\x93\xa7'" },
	{ "DEL", "\"\x7f\"", "'\x7f'" },
	{ "numbers", "[0,-0,1.5e3,1E-2,123456789012345678901234567890]",
	    "[ 0 -0 1.5e3 1E-2 123456789012345678901234567890 }" },
	/* what is wrong */
	{ "nothing", "", "JSON, octet 1: expected a value" },
	{ "not closed", "{\"a\":1",
	    "JSON, octet 7: expected a comma or \"}\"" },
	{ "array not closed", "[1", "JSON, octet 3: expected a comma or \"]\"" },
	{ "closed by the other", "[1}",
	    "JSON, octet 3: expected a comma or \"]\"" },
	{ "comma at the end", "[1,]", "JSON, octet 4: expected a digit" },
	{ "comma at the end of an object", "{\"a\":1,}",
	    "JSON, octet 8: expected a key" },
	{ "comma at the front", "[,1]", "JSON, octet 2: expected a digit" },
	{ "no colon", "{\"a\" 1}", "JSON, octet 6: expected a colon" },
	{ "no value", "{\"a\":}", "JSON, octet 6: expected a digit" },
	{ "key that is no string", "{1:2}", "JSON, octet 2: expected a key" },
	{ "two values", "1 2", "JSON, octet 3: something behind the value" },
	{ "a brace too many", "{}}",
	    "JSON, octet 3: something behind the value" },
	{ "no word", "[tru]", "JSON, octet 2: expected a value" },
	{ "a longer word", "[truex]",
	    "JSON, octet 6: expected a comma or \"]\"" },
	{ "zero in front", "01", "JSON, octet 2: something behind the value" },
	{ "plus", "+1", "JSON, octet 1: expected a digit" },
	{ "point without digits", "1.", "JSON, octet 3: expected a digit "
	    "behind the point" },
	{ "exponent without digits", "1e+", "JSON, octet 4: expected an "
	    "exponent" },
	{ "minus alone", "-", "JSON, octet 2: expected a digit" },
	{ "string not closed", "\"ab", "JSON, octet 4: a string does not end" },
	{ "line end in a string", "\"a\nb\"",
	    "JSON, octet 3: a control character in a string" },
	{ "no UTF-8", "\"f\xfcr\"", "JSON, octet 3: a string is no UTF-8" },
	{ "overlong", "\"\xc0\xaf\"", "JSON, octet 2: a string is no UTF-8" },
	{ "a surrogate in UTF-8", "\"\xed\xb3\xbc\"",
	    "JSON, octet 2: a string is no UTF-8" },
	{ "no escape", "\"\\x41\"", "JSON, octet 2: a wrong escape" },
	{ "escape not whole", "\"\\u00g0\"", "JSON, octet 2: a wrong escape" },
	{ "escape at the end", "\"\\", "JSON, octet 2: a wrong escape" },
	{ "high half alone", "\"\\ud83d\"", "JSON, octet 2: a wrong escape" },
	{ "high half twice", "\"\\ud83d\\ud83d\"",
	    "JSON, octet 2: a wrong escape" },
	{ "low half that is no octet", "\"\\udc7f\"",
	    "JSON, octet 2: a wrong escape" },
	{ "low half above the octets", "\"\\udd00\"",
	    "JSON, octet 2: a wrong escape" },
};

static const struct {
	const char *name, *in;
	unsigned digits;
	int status;
	int64_t want;
} decimals[] = {
	{ "an integer", "17", 0, 0, 17 },
	{ "of hundredths", "3.50", 2, 0, 350 },
	{ "fewer digits than may be", "3.5", 2, 0, 350 },
	{ "none behind the point", "3", 2, 0, 300 },
	{ "negative", "-0.05", 2, 0, -5 },
	{ "more digits", "3.505", 2, -1, 0 },
	{ "a point where none may be", "3.5", 0, -1, 0 },
	{ "exponent", "1e3", 2, -1, 0 },
	{ "the largest", "9223372036854775807", 0, 0, INT64_MAX },
	{ "the least", "-9223372036854775808", 0, 0, INT64_MIN },
	{ "too large", "9223372036854775808", 0, -1, 0 },
	{ "too large in hundredths", "92233720368547758.08", 2, -1, 0 },
	{ "nothing", "", 0, -1, 0 },
	{ "minus", "-", 0, -1, 0 },
};

static void
put_value(struct buf *b, const struct json_value *v)
{
	if (b->len > 0)
		buf_puts(b, " ");
	if (v->key.len > 0) {
		buf_span(b, v->key);
		buf_puts(b, "=");
	}
	switch (v->kind) {
	case JSON_IN_CLOSE:
		buf_puts(b, "}");
		break;
	case JSON_IN_OBJECT:
	case JSON_IN_ARRAY:
		buf_puts(b, v->kind == JSON_IN_ARRAY ? "[" : "{");
		break;
	case JSON_IN_STRING:
		buf_puts(b, "'");
		buf_span(b, v->text);
		buf_puts(b, "'");
		break;
	case JSON_IN_NUMBER:
		buf_span(b, v->text);
		break;
	default:
		buf_puts(b, v->kind == JSON_IN_TRUE ? "true" :
		    v->kind == JSON_IN_FALSE ? "false" : "null");
	}
}

static char *
read_all(struct arena *a, struct span text)
{
	struct buf b = {0};
	struct json_value v;
	struct json_in in;
	struct err err;
	char *out;

	json_begin(&in, a, text);
	for (;;) {
		if (json_next(&in, &v, &err) < 0) {
			buf_free(&b);
			return arena_strdup(a, err.text);
		}
		if (v.kind == JSON_IN_END)
			break;
		put_value(&b, &v);
	}
	out = arena_copy(a, buf_text(&b));
	buf_free(&b);
	return out;
}

static void
test_cases(struct arena *a)
{
	struct err err;
	size_t i;

	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		T_STR(cases[i].name, read_all(a, span_z(cases[i].in)),
		    cases[i].want);
		T_INT(cases[i].name, json_check(span_z(cases[i].in), &err),
		    strncmp(cases[i].want, "JSON, ", 6) == 0 ? -1 : 0);
	}
}

static void
test_decimals(void)
{
	int64_t n;
	size_t i;

	for (i = 0; i < sizeof(decimals) / sizeof(decimals[0]); i++) {
		n = 0;
		T_INT(decimals[i].name, json_in_decimal(
		    span_z(decimals[i].in), decimals[i].digits, &n),
		    decimals[i].status);
		T_INT(decimals[i].name, n, decimals[i].want);
	}
}

static void
test_limits(struct arena *a)
{
	char deep[2 * JSON_DEPTH_MOST + 3], *large;
	struct err err;

	memset(deep, '[', JSON_DEPTH_MOST);
	memset(deep + JSON_DEPTH_MOST, ']', JSON_DEPTH_MOST);
	T_INT("as deep as may be", json_check(span_n(deep,
	    2 * JSON_DEPTH_MOST), &err), 0);
	memset(deep, '[', JSON_DEPTH_MOST + 1);
	T_INT("deeper", json_check(span_n(deep, sizeof(deep)), &err), -1);
	T_STR("deeper", err.text,
	    "JSON, octet 17: too many objects within each other");
	large = malloc(JSON_TEXT_MOST + 1);
	memset(large, ' ', JSON_TEXT_MOST + 1);
	large[0] = '1';
	T_INT("as long as may be", json_check(span_n(large, JSON_TEXT_MOST),
	    &err), 0);
	T_INT("longer", json_check(span_n(large, JSON_TEXT_MOST + 1), &err),
	    -1);
	free(large);
	T_OK("a NUL", strcmp(read_all(a, SPAN_LIT("\"a\\u0000b\"")),
	    "'a") == 0);
}

static void
test_skip(void)
{
	struct json_value v;
	struct json_in in;
	struct err err;

	json_begin(&in, NULL, SPAN_LIT("{\"a\":[1,{\"b\":[2]}],\"c\":3}"));
	json_next(&in, &v, &err);
	json_next(&in, &v, &err);
	T_INT("what an array has is left", json_skip(&in, &v, &err), 0);
	json_next(&in, &v, &err);
	T_OK("behind it", span_is(v.key, "c"));
	T_INT("a number has nothing", json_skip(&in, &v, &err), 0);
	json_next(&in, &v, &err);
	T_INT("the object ends", v.kind, JSON_IN_CLOSE);
	json_begin(&in, NULL, SPAN_LIT("[[1"));
	json_next(&in, &v, &err);
	T_INT("what does not end", json_skip(&in, &v, &err), -1);
}

/* Each octet alone, each pair of octets, and all of them: what json_write
 * writes is read again. */
static void
test_written(struct arena *a)
{
	struct buf b = {0};
	struct json_value v = {0};
	struct json_in in;
	struct err err;
	char pair[2];
	unsigned i, wrong = 0;

	for (i = 0; i < 0x10000; i++) {
		struct json_out o = { .to = &b, .keeps_octets = true };

		pair[0] = (char)(i >> 8);
		pair[1] = (char)i;
		buf_clear(&b);
		json_span(&o, NULL, span_n(pair, 2));
		json_begin(&in, a, buf_text(&b));
		if (json_next(&in, &v, &err) < 0 ||
		    !span_eq(v.text, span_n(pair, 2)))
			wrong++;
	}
	T_INT("any two octets", wrong, 0);
	buf_free(&b);
}

int
main(void)
{
	struct arena *a = arena_create("test");

	test_cases(a);
	test_decimals();
	test_limits(a);
	test_skip();
	test_written(a);
	arena_destroy(&a);
	return t_done();
}
