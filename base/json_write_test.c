#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "base/json_write.h"
#include "tests/kit/t.h"

#define XS	"xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"
#define LONGEST	(sizeof(XS) - 1)

static char shown[4096];

static const char *
text_of(struct buf *b)
{
	size_t n = b->len < sizeof(shown) ? b->len : sizeof(shown) - 1;

	memcpy(shown, b->p, n);
	shown[n] = '\0';
	buf_free(b);
	return shown;
}

/* --- strings --- */

static const struct {
	const char *name, *in;
	size_t len;
	const char *want, *kept;	/* NULL: the same */
} strings[] = {
#define S(text) text, sizeof(text) - 1
	{ "nothing", S(""), "\"\"", NULL },
	{ "plain text stays", S("a@x.example ~{}[],:'/"),
	    "\"a@x.example ~{}[],:'/\"", NULL },
	{ "quote and backslash", S("\"C:\\"), "\"\\\"C:\\\\\"", NULL },
	{ "controls", S("\t\r\n\x01\x1f"),
	    "\"\\u0009\\u000d\\u000a\\u0001\\u001f\"", NULL },
	{ "NUL", S("a\0b"), "\"a\\u0000b\"", NULL },
	{ "DEL", S("\x7f"), "\"\\u007f\"", NULL },
	{ "U+0080 to U+009F", S("\xc2\x80\xc2\x9f\xc2\xa0"),
	    "\"\\u0080\\u009f\xc2\xa0\"", NULL },
	{ "UTF-8 stays", S("gr\xc3\xbc\xc3\x9f \xe2\x82\xac \xf0\x9f\x93\xa7"),
	    "\"gr\xc3\xbc\xc3\x9f \xe2\x82\xac \xf0\x9f\x93\xa7\"", NULL },
	{ "U+2028 stays", S("\xe2\x80\xa8"), "\"\xe2\x80\xa8\"", NULL },
	{ "no UTF-8", S("a\xff\x80z"), "\"a\xef\xbf\xbd\xef\xbf\xbdz\"",
	    "\"a\\udcff\\udc80z\"" },
	{ "cut within a character", S("\xe2\x82"),
	    "\"\xef\xbf\xbd\xef\xbf\xbd\"", "\"\\udce2\\udc82\"" },
	{ "a surrogate in three octets", S("\xed\xb2\x80"),
	    "\"\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\"",
	    "\"\\udced\\udcb2\\udc80\"" },
	{ "overlong", S("\xc0\xaf"), "\"\xef\xbf\xbd\xef\xbf\xbd\"",
	    "\"\\udcc0\\udcaf\"" },
	{ "what looks like an escape", S("\\udcff"), "\"\\\\udcff\"", NULL },
#undef S
};

static void
test_strings(void)
{
	for (size_t i = 0; i < sizeof(strings) / sizeof(strings[0]); i++) {
		struct span in = span_n(strings[i].in, strings[i].len);
		const char *kept = strings[i].kept;
		struct buf b = {0};
		struct json_out o = { .to = &b };

		json_span(&o, NULL, in);
		T_STR(strings[i].name, text_of(&b), strings[i].want);
		o = (struct json_out){ .to = &b, .keeps_octets = true };
		json_span(&o, NULL, in);
		T_STR(strings[i].name, text_of(&b),
		    kept != NULL ? kept : strings[i].want);
	}
}

/* What is to stand there for 'x's with one octet of ASCII among them. */
static void
want_octet(char *want, size_t len, size_t at, unsigned char c)
{
	size_t behind = len - at - 1;

	want += sprintf(want, "\"%.*s", (int)at, XS);
	if (c < ' ' || c == 0x7f)
		want += sprintf(want, "\\u%04x", c);
	else
		want += sprintf(want, "%s%c", c == '"' || c == '\\' ?
		    "\\" : "", c);
	sprintf(want, "%.*s\"", (int)behind, XS);
}

/* Of each octet at each place of texts of each length: octets are looked at
 * several at once. */
static void
test_places(void)
{
	char in[sizeof(XS)], want[sizeof(XS) + 16];
	size_t wrong = 0, wrong_keys = 0;

	for (unsigned c = 0; c < 0x80 * LONGEST * LONGEST; c++) {
		size_t len = 1 + c / 0x80 % LONGEST, at = c / 0x80 / LONGEST;
		struct buf b = {0};
		struct json_out o = { .to = &b };

		if (at >= len)
			continue;
		memcpy(in, XS, len);
		in[at] = (char)(c % 0x80);
		want_octet(want, len, at, c % 0x80);
		json_span(&o, NULL, span_n(in, len));
		wrong += strcmp(text_of(&b), want) != 0;
		o = (struct json_out){ .to = &b };
		json_bool_n(&o, span_n(in, len), true);
		strcat(want, ":true");
		wrong_keys += strcmp(text_of(&b), want) != 0;
	}
	T_INT("each octet is what it is at each place", wrong, 0);
	T_INT("in a key too", wrong_keys, 0);
}

/* One that is no UTF-8. */
static void
test_odd_places(void)
{
	size_t wrong = 0;

	for (unsigned c = 0x80; c <= 0xff; c++)
		for (size_t at = 0; at < LONGEST; at++) {
			char in[sizeof(XS)], want[sizeof(XS) + 16];
			struct buf b = {0};
			struct json_out o = { .to = &b, .keeps_octets = true };

			memcpy(in, XS, LONGEST);
			in[at] = (char)c;
			sprintf(want, "\"%.*s\\udc%02x%s\"", (int)at, XS, c,
			    &XS[at + 1]);
			json_span(&o, NULL, span_n(in, LONGEST));
			wrong += strcmp(text_of(&b), want) != 0;
		}
	T_INT("an octet that is no UTF-8 is kept at each place", wrong, 0);
}

/* --- numbers --- */

static const struct {
	const char *name;
	int64_t n;
	unsigned digits;
	const char *want;
} numbers[] = {
	{ "zero", 0, 0, "0" },
	{ "integer", 48211, 0, "48211" },
	{ "negative", -7, 0, "-7" },
	{ "the largest", INT64_MAX, 0, "9223372036854775807" },
	{ "the smallest", INT64_MIN, 0, "-9223372036854775808" },
	{ "hundredths", 350, 2, "3.50" },
	{ "less than one", 5, 2, "0.05" },
	{ "negative and less than one", -5, 2, "-0.05" },
	{ "no hundredths", 0, 2, "0.00" },
	{ "microseconds", 1234567, 6, "1.234567" },
	{ "the smallest in hundredths", INT64_MIN, 2,
	    "-92233720368547758.08" },
};

static void
test_numbers(void)
{
	for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
		struct buf b = {0};
		struct json_out o = { .to = &b };

		if (numbers[i].digits == 0)
			json_int(&o, NULL, numbers[i].n);
		else
			json_decimal(&o, NULL, numbers[i].n,
			    numbers[i].digits);
		T_STR(numbers[i].name, text_of(&b), numbers[i].want);
	}
}

/* --- structure --- */

static void
test_structure(void)
{
	struct buf b = {0};
	struct json_out o = { .to = &b };

	json_open(&o, NULL, '{');
	json_close(&o, '}');
	T_STR("an empty object", text_of(&b), "{}");
	o = (struct json_out){ .to = &b };
	json_open(&o, NULL, '{');
	json_z(&o, "kind", "mail");
	json_open(&o, "none", '[');
	json_close(&o, ']');
	json_open(&o, "list", '[');
	json_int(&o, NULL, 1);
	json_open(&o, NULL, '{');
	json_bool(&o, "yes", true);
	json_bool(&o, "no", false);
	json_close(&o, '}');
	json_none(&o, NULL);
	json_close(&o, ']');
	json_span_n(&o, SPAN_LIT("header X-\"\xff"), SPAN_LIT("v"));
	json_int(&o, "", 2);
	json_raw(&o, "raw", SPAN_LIT("[1]"));
	json_close(&o, '}');
	T_STR("commas where they are due", text_of(&b),
	    "{\"kind\":\"mail\",\"none\":[],\"list\":[1,{\"yes\":true,"
	    "\"no\":false},null],\"header X-\\\"\xef\xbf\xbd\":\"v\","
	    "\"\":2,\"raw\":[1]}");
	json_open(&o, NULL, '[');
	json_close(&o, ']');
	T_STR("the next text begins with a comma, unless it is another one",
	    text_of(&b), ",[]");
}

/* --- octets that were kept --- */

static const struct {
	const char *name, *in, *want;
} forgotten[] = {
	{ "nothing to do", "{\"a\":\"b\"}", "{\"a\":\"b\"}" },
	{ "two of them", "\"\\udcff\\udc80z\"", "\"\\ufffd\\ufffdz\"" },
	{ "other escapes stay", "\"\\u0009\\\"\"", "\"\\u0009\\\"\"" },
	{ "a backslash in front of it", "\"\\\\udcff\"", "\"\\\\udcff\"" },
	{ "a backslash, then one", "\"\\\\\\udcff\"", "\"\\\\\\ufffd\"" },
	{ "cut short", "\\udcf", "\\udcf" },
	{ "nothing at all", "", "" },
};

static void
test_forgotten(void)
{
	char text[64];

	for (size_t i = 0; i < sizeof(forgotten) / sizeof(forgotten[0]); i++) {
		strcpy(text, forgotten[i].in);
		json_forget_octets(text, strlen(text));
		T_STR(forgotten[i].name, text, forgotten[i].want);
	}
}

/* --- made ready --- */

static void
put_ready(struct json_out *o, struct json_stock *s, struct span key)
{
	json_open(o, NULL, '{');
	json_put_key(o, json_ready_key(s, key));
	json_int(o, NULL, -1);
	json_put_member(o, json_ready_member(s, key, SPAN_LIT("null")));
	json_put_key(o, json_ready_key(s, key));
	json_open(o, NULL, '[');
	json_close(o, ']');
	json_bool_n(o, key, true);
	json_close(o, '}');
}

static void
put_plainly(struct json_out *o, struct span key)
{
	json_open(o, NULL, '{');
	json_int_n(o, key, -1);
	json_none_n(o, key);
	json_key_n(o, key);
	json_open(o, NULL, '[');
	json_close(o, ']');
	json_bool_n(o, key, true);
	json_close(o, '}');
}

/* Of each length around what is copied at once, and of what is no plain key. */
static void
test_ready(void)
{
	struct arena *a = arena_create("test");
	struct json_stock stock = { .arena = a };
	char key[3 * JSON_READY], want[2048];

	for (size_t len = 0; len < sizeof(key); len++) {
		struct buf ready = {0}, plainly = {0};
		struct json_out o = { .to = &ready };

		memset(key, len % 3 == 0 ? '"' : 'k', len);
		put_ready(&o, &stock, span_n(key, len));
		o = (struct json_out){ .to = &plainly };
		put_plainly(&o, span_n(key, len));
		strcpy(want, text_of(&plainly));
		T_STR("what was made ready", text_of(&ready), want);
	}
	arena_destroy(&a);
}

int
main(void)
{
	test_strings();
	test_places();
	test_odd_places();
	test_numbers();
	test_structure();
	test_forgotten();
	test_ready();
	return t_done();
}
