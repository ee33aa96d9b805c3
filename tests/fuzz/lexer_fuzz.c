#include <assert.h>
#include <stddef.h>
#include <stdint.h>

#include "base/lexer.h"

/*
 * Any text, lexed as configuration and as rules: every token lies within its
 * file, the list ends with TOKEN_END, and the report can be written.
 */
int	LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
lex_as(enum lex_mode mode, struct source *source)
{
	struct arena *a = arena_create("fuzz");
	struct diagnostics *d = diagnostics_create(a);
	struct tokens tokens = lex(a, source, mode, d);
	size_t i;

	assert(tokens.n > 0);
	assert(tokens.list[tokens.n - 1].kind == TOKEN_END);
	for (i = 0; i < tokens.n; i++) {
		const struct token *t = &tokens.list[i];

		assert(t->place.line >= 1 && t->place.column >= 1);
		assert(t->place.column <= source->text.len + 1);
		assert(t->text.len <= source->text.len);
	}
	assert((diagnostics_text(d, a)[0] == '\0') ==
	    (diagnostics_errors(d) == 0));
	arena_destroy(&a);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct source source = { "fuzz", span_n(data, size) };

	lex_as(LEX_CONF, &source);
	lex_as(LEX_RULES, &source);
	return 0;
}
