#include <stdio.h>
#include <string.h>

#include "filters/tags.h"
#include "tests/kit/t.h"

/* A list comes back as "name[value]" for each tag. */
static const struct {
	const char *name, *in, *want;
} lists[] = {
	{ "one", "a=b", "a[b]" },
	{ "order is kept", "b=2; a=1", "b[2]a[1]" },
	{ "white space", " a\t=  b c \r\n\t;\r\n d = e ", "a[b c]d[e]" },
	{ "folded name and value", "a\r\n =\r\n b", "a[b]" },
	{ "value with =", "b=YQ==; c==", "b[YQ==]c[=]" },
	{ "empty value", "h=; p=", "h[]p[]" },
	{ "one ; at the end", "a=b;", "a[b]" },
	{ "white space behind it", "a=b; \r\n ", "a[b]" },
	{ "letter case is kept", "A=B; a=b", "A[B]a[b]" },
	{ "digits and _ in a name", "a_1=x", "a_1[x]" },
	{ "UTF-8 value", "d=\xc3\xa9.example", "d[\xc3\xa9.example]" },
	{ "nothing", "", "an empty tag" },
	{ "white space only", " \r\n ", "an empty tag" },
	{ "; in front", ";a=b", "an empty tag" },
	{ "two ; at the end", "a=b;;", "an empty tag" },
	{ "two ; within", "a=b; ; c=d", "an empty tag" },
	{ "no =", "a=b; words", "a tag without \"=\"" },
	{ "no name", "=b", "a tag whose name is invalid" },
	{ "digit first", "1a=b", "a tag whose name is invalid" },
	{ "blank in a name", "a b=c", "a tag whose name is invalid" },
	{ "quote in a name", "\"a\"=c", "a tag whose name is invalid" },
	{ "long name", "abcdefghijklmnopqrstuvwxyzabcdefg=c",
	    "abcdefghijklmnopqrstuvwxyzabcdefg[c]" },
	{ "twice", "a=b; c=d; a=b", "tag \"a\" is there twice" },
	{ "control character", "a=b\1c", "a control character in tag \"a\"" },
	{ "DEL", "a=\x7f", "a control character in tag \"a\"" },
};

static const struct {
	const char *name, *in, *want;	/* NULL: not base64 */
} codes[] = {
	{ "padded", "Zm8=", "fo" },
	{ "twice padded", "Zg==", "f" },
	{ "not padded", "Zg", "f" },
	{ "whole", "Zm9v", "foo" },
	{ "folded", "Zm\r\n\t9v Zg = =", "foof" },
	{ "empty", "", "" },
	{ "one digit over", "Zm9vZ", NULL },
	{ "text behind the padding", "Zg==Zg==", NULL },
	{ "three =", "Zm9v===", NULL },
	{ "not a digit", "Zm9v!", NULL },
	{ "url alphabet", "Zm-_", NULL },
};

static void
list_test(struct arena *a)
{
	struct tags tags;
	struct err err;
	char got[200];
	size_t i, j, n;

	for (i = 0; i < sizeof(lists) / sizeof(*lists); i++) {
		if (tags_parse(a, span_z(lists[i].in), &tags, &err) < 0) {
			T_STR(lists[i].name, err.text, lists[i].want);
			continue;
		}
		for (j = n = 0; j < tags.n; j++)
			n += (size_t)snprintf(got + n, sizeof(got) - n,
			    "%.*s[%.*s]", SPAN_ARG(tags.list[j].name),
			    SPAN_ARG(tags.list[j].value));
		T_STR(lists[i].name, got, lists[i].want);
	}
}

static void
limit_test(struct arena *a)
{
	char text[TAGS_MOST * 8 + 16];
	struct tags tags;
	struct err err;
	size_t n = 0;
	int i;

	for (i = 0; i < TAGS_MOST; i++)
		n += (size_t)snprintf(text + n, sizeof(text) - n, "t%d=;", i);
	T_INT("as many as allowed", tags_parse(a, span_z(text), &tags, &err),
	    0);
	T_INT("all are there", tags.n, TAGS_MOST);
	snprintf(text + n, sizeof(text) - n, "x=");
	T_INT("one more", tags_parse(a, span_z(text), &tags, &err), -1);
	T_STR("says so", err.text, "more than 64 tags");
}

static void
find_test(struct arena *a)
{
	struct span text = SPAN_LIT("b= x \r\n y ; B=z");
	const struct tag *b;
	struct tags tags;
	struct err err;

	T_INT("two tags", tags_parse(a, text, &tags, &err), 0);
	b = tags_find(&tags, "b");
	T_OK("exact name", b == &tags.list[0]);
	T_OK("raw is all behind =", b->raw.p == text.p + 2 &&
	    b->raw.len == 8);
	T_OK("missing", tags_find(&tags, "c") == NULL);
}

static void
items_test(void)
{
	struct span list = SPAN_LIT(" from :\r\n to:: date"), item;
	char got[100] = "";

	while (tags_item(&list, &item))
		snprintf(got + strlen(got), sizeof(got) - strlen(got),
		    "[%.*s]", SPAN_ARG(item));
	T_STR("items", got, "[from][to][][date]");
	list = span_z("");
	T_OK("an empty list is one item", tags_item(&list, &item) &&
	    item.len == 0 && !tags_item(&list, &item));
	T_OK("has", tags_has(SPAN_LIT("sha1 : SHA256"), "sha256"));
	T_OK("has not", !tags_has(SPAN_LIT("sha2567"), "sha256"));
}

static void
base64_test(struct arena *a)
{
	struct span out;
	size_t i;

	for (i = 0; i < sizeof(codes) / sizeof(*codes); i++)
		if (tags_base64(a, span_z(codes[i].in), &out) == 0)
			T_STR(codes[i].name, arena_copy(a, out),
			    codes[i].want);
		else
			T_OK(codes[i].name, codes[i].want == NULL);
}

int
main(void)
{
	struct arena *a = arena_create("test");

	list_test(a);
	limit_test(a);
	find_test(a);
	items_test();
	base64_test(a);
	arena_destroy(&a);
	return t_done();
}
