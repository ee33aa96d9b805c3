#ifndef BASE_LEXER_H
#define BASE_LEXER_H
#include <stdbool.h>
#include <stddef.h>
#include "base/arena.h"
#include "base/err.h"
#include "base/span.h"
/*
 * lexer -- tokens with their places, shared by forepost.conf and rule files
 *
 * Words, "strings" (escapes \" \\ \n \t; no line break inside), punctuation
 * { } ( ) [ ] , : = == != < <= > >= and $name are tokens of their own only
 * where the mode says so: in LEX_CONF everything up to white space, a brace,
 * a quote or # is one word (so 0.0.0.0:25, [::]:25, smtp://h:25 and 50M are
 * words); LEX_RULES splits at punctuation. # starts a comment. The end of a
 * line is a token. The whole text is lexed first; errors do not stop it.
 *
 * A diagnostic reads, on all who report one (conf, rules):
 *	forepost.conf:31:1: unknown setting "max_recipient"
 *	  max_recipient 5
 *	  ^
 *	  did you mean "max_recipients"?
 */
enum lex_mode { LEX_CONF, LEX_RULES };
enum token_kind { TOKEN_WORD, TOKEN_STRING, TOKEN_PUNCT, TOKEN_EOL,
    TOKEN_END };

struct source {			/* one text file, kept whole */
	const char	*name;
	struct span	 text;
};
struct place {
	const struct source *source;
	unsigned	 line, column;	/* from 1; columns are octets */
};
struct token {
	enum token_kind	 kind;
	struct span	 text;		/* strings: without quotes, unescaped */
	struct place	 place;
};
struct tokens {
	struct token	*list;		/* ends with TOKEN_END */
	size_t		 n;
};

/* All diagnostics of one check, in order of their places. */
struct diagnostics;
struct diagnostics *diagnostics_create(struct arena *a);
void		 diagnostic(struct diagnostics *d, struct place at,
		    const char *hint,		/* NULL, or a line */
		    const char *fmt, ...) __attribute__((format(printf, 4, 5)));
void		 diagnostic_warn(struct diagnostics *d, struct place at,
		    const char *hint, const char *fmt, ...)
		    __attribute__((format(printf, 4, 5)));
size_t		 diagnostics_errors(const struct diagnostics *d);
size_t		 diagnostics_warnings(const struct diagnostics *d);
/* The text of all of them, sorted by file and place, with line and caret. */
const char	*diagnostics_text(const struct diagnostics *d, struct arena *a);

int		 source_read(struct arena *a, const char *path,
		    struct source **source, struct err *err);
struct tokens	 lex(struct arena *a, const struct source *source,
		    enum lex_mode mode, struct diagnostics *d);
/* The nearest of the names, at most two edits away (one for short words);
 * NULL if none is near. */
const char	*nearest(struct span word, const char *const *names, size_t n);
#endif
