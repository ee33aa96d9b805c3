#ifndef BASE_LEXER_H
#define BASE_LEXER_H
#include <stdbool.h>
#include <stddef.h>
#include "base/arena.h"
#include "base/diagnostic.h"
#include "base/err.h"
#include "base/nearest.h"
#include "base/span.h"
/*
 * lexer -- tokens with their places, shared by forepost.conf and rule files
 *
 * Both forms    "strings" (escapes \" \\ \n \t; no line break inside) and
 *               # comments, to the end of the line. Lines end in LF or CRLF.
 *               UTF-8 is let through, other control characters are errors.
 *               A byte order mark at the start is skipped.
 * LEX_CONF      { and } are punctuation. Everything else up to white space,
 *               a brace, a quote or # is one word, so 0.0.0.0:25, [::]:25,
 *               smtp://h:25 and 50M are words.
 * LEX_RULES     { } ( ) [ ] , : = == != < <= > >= are punctuation; /regex/i
 *               and IPv6 addresses (2001:db8::/32) are one token all the
 *               same. $name is a word that begins with $.
 *
 * The whole text is lexed first. An error is reported and lexing goes on: a
 * bad character is left out, a string that is not closed ends with its line.
 * The end of a line is a token, once for each line that holds another token,
 * the last line included; then TOKEN_END.
 */
enum lex_mode { LEX_CONF, LEX_RULES };
enum token_kind { TOKEN_WORD, TOKEN_STRING, TOKEN_PUNCT, TOKEN_EOL,
    TOKEN_END,
    TOKEN_REGEX			/* text: between the slashes and as written,
				   then "/" and the flags: "a\/b/i" */
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

/* Reads a regular file of at most SOURCE_MAX octets. Errors: ERR_CONFIG with
 * the name of the file. */
#define SOURCE_MAX	(64 * 1024 * 1024)
int		 source_read(struct arena *a, const char *path,
		    struct source **source, struct err *err);
struct tokens	 lex(struct arena *a, const struct source *source,
		    enum lex_mode mode, struct diagnostics *d);
bool		 token_is_punct(const struct token *t, const char *text);
bool		 token_is_word(const struct token *t, const char *text);
#endif
