#include <assert.h>
#include <stdint.h>
#include <string.h>

#include "base/utf8.h"
#include "policy/encoded_word.h"
#include "policy/template.h"

/*
 * Texts with facts of any octets: words, fact, words and fact, between NULs,
 * behind the octets of which the text may have at most. What comes out is one
 * printable line that fits, as a header field too.
 */
int	LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
check_header(struct arena *a, struct span text, bool utf8)
{
	struct span field = encoded_word_encode(a, text, utf8), rest, word;

	assert(utf8_is_printable(field));
	assert(utf8 || utf8_is_ascii(field));
	assert(span_eq(encoded_word_decode(a, field), text));
	for (rest = field; rest.len > 0; ) {
		word = span_until(&rest, ' ');
		assert(word.len <= 75 || !encoded_word_is_in(word));
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct arena *a = arena_create("fuzz");
	struct template_part parts[4] = {0};
	struct value values[4] = {0};
	struct template t = { .parts = parts, .n = 4 };
	struct span rest, text;
	size_t most;

	if (size > 0) {
		most = 4u * data[0];
		rest = span_n(data + 1, size - 1);
		parts[0].text = span_until(&rest, '\0');
		values[1].text = span_until(&rest, '\0');
		parts[2].text = span_until(&rest, '\0');
		values[3].text = rest;
		parts[1].ref.fact = parts[3].ref.fact =
		    fact_at(FACT_TLS_CIPHER);
		values[1].type = values[3].type = TYPE_TEXT;
		text = template_render(a, &t, values, most);
		assert(text.len <= most && utf8_is_printable(text));
		check_header(a, text, false);
		check_header(a, text, true);
	}
	arena_destroy(&a);
	return 0;
}
