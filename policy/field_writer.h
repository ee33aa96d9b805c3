#ifndef POLICY_FIELD_WRITER_H
#define POLICY_FIELD_WRITER_H
#include <stdbool.h>
#include "base/arena.h"
#include "base/buf.h"
#include "base/span.h"
/*
 * field_writer -- a header field of ours, with words from outside
 *                                      RFC 5322 2.1.1, 2.2.3, 3.2; RFC 6532
 *
 * The words are put with a space, or with a fold where the line would pass 78
 * octets; a fold is CRLF and a tab. No line passes 998 octets, since no word
 * may be longer than FIELD_WORD_MAX.
 *
 * Text from outside is made into a word by text_quoted(), or goes into a
 * comment: no octet of it can end the line, the string or the comment. What
 * may not stand there becomes "?", and so does what is not ASCII unless `utf8`
 * (the message was sent with SMTPUTF8), or is no UTF-8.
 *
 * Memory    words made here live in the arena given
 */
#define FIELD_WORD_MAX 990

struct field_writer {
	struct buf	*out;
	size_t		 line;		/* where this line began */
	bool		 utf8;
};

void	field_begin(struct field_writer *w, struct buf *out, const char *name,
	    bool utf8);
void	field_word(struct field_writer *w, struct span word);
void	field_fold(struct field_writer *w);	/* the next word: a new line */
void	field_end(struct field_writer *w);
/* "(text)", folded at spaces and cut behind FIELD_COMMENT_MAX octets. Lenient
 * readers end a comment anywhere: "()" are put as "[]", ";" as ",", "\" as
 * "/", and quotes as "'". Nothing for an empty text. */
#define FIELD_COMMENT_MAX 300
void	field_comment(struct field_writer *w, struct span text);

bool	text_is_token(struct span text);	/* RFC 2045 5.1 */
bool	text_is_dot_atom(struct span text, bool utf8); /* RFC 5322 3.2.3 */
/* Can stand in a quoted string as it is, with quoted pairs. */
bool	text_is_quotable(struct span text, bool utf8);
struct span text_quoted(struct arena *a, struct span text, bool utf8);
#endif
