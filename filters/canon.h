#ifndef FILTERS_CANON_H
#define FILTERS_CANON_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "base/buf.h"
#include "base/span.h"
/*
 * canon -- what a signature is made over: canonical form      RFC 6376 3.4
 *
 * The body comes in any pieces, and its canonical form goes out in pieces,
 * mostly parts of the input itself:
 *
 *	canon_body_begin(&c, CANON_RELAXED);
 *	while (canon_body_next(&c, &in, &out))	for each piece `in`
 *		hash(out);
 *	while (canon_body_end(&c, &out))	once, at the end
 *		hash(out);
 *
 * A bare CR or LF is an octet like others, as RFC 6376 knows only CRLF: it
 * is neither a line end nor white space.
 *
 * Memory    a piece out lives until the next call, or as long as the input.
 *           Empty lines kept back are counted, not stored.
 * Limits    none: time is linear, memory constant.
 */
enum canon { CANON_SIMPLE, CANON_RELAXED };

/* What c= says: "relaxed/simple"; "relaxed" alone is just that. -1: one that
 * is not known. */
int	canon_parse(struct span c, enum canon *header, enum canon *body);

#define CANON_PIECE	256	/* octets gathered where the input changes */

struct canon_body {
	/* canon.c's own */
	enum canon	how;
	uint64_t	lines;		/* CRLFs kept back: they may end it */
	uint64_t	owed;		/* CRLFs that go out next */
	bool		blank;		/* white space kept back */
	bool		cr;		/* a CR, perhaps of a CRLF */
	bool		any;		/* something went out */
	bool		ended;
	size_t		len;		/* of piece */
	char		piece[CANON_PIECE];
};

void	canon_body_begin(struct canon_body *c, enum canon how);
/* Takes the front off *in. false: all of it is taken. */
bool	canon_body_next(struct canon_body *c, struct span *in,
	    struct span *out);
bool	canon_body_end(struct canon_body *c, struct span *out);

/* Appends one header field (its final CRLF may be missing) with its CRLF.
 * One without a colon is all name. */
void	canon_field(struct buf *out, struct span field, enum canon how);
/* The field of the signature itself: without `cut` (the value of b=, a part
 * of it behind the colon) and without the final CRLF. RFC 6376 3.7. */
void	canon_signature(struct buf *out, struct span field, struct span cut,
	    enum canon how);
#endif
