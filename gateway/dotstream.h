#ifndef GATEWAY_DOTSTREAM_H
#define GATEWAY_DOTSTREAM_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "base/buf.h"
#include "base/conn.h"
#include "base/err.h"
#include "base/span.h"
/*
 * dotstream -- where a line ends, where a message ends    RFC 5321 2.3.8,
 *                                                  4.1.1.4, 4.5.2; RFC 3030
 * The one place that decides line ends, dots and bare CR, LF and NUL, for
 * commands, replies and messages, inbound and outbound. Only CRLF ends a
 * line; only CRLF.CRLF ends DATA.
 */

/* --- lines of commands and replies --- */
enum line_fault { LINE_GOOD, LINE_TOO_LONG, LINE_BARE_CR, LINE_BARE_LF,
    LINE_NUL };
struct line {
	struct span	text;	/* without CRLF; valid until the next read */
	enum line_fault	fault;
};
/* One line. A too long one is read to its CRLF and dropped, and is reported
 * by its fault with its first octets; a bare LF ends the (faulty) line at
 * once, so that a client which never sends CRLF gets an answer.
 * Errors: conn_fill()'s. */
MAY_YIELD int	line_read(struct conn *c, size_t max, int64_t deadline,
		    struct line *line, struct err *err);
/* A whole line is there already: reading it will not wait. */
bool		line_is_waiting(const struct conn *c);

/* --- a message coming in, by DATA or BDAT --- */
enum newline_mode {
	NEWLINE_STRICT,		/* bare CR, LF, NUL are faults */
	NEWLINE_NORMALIZE,	/* they are repaired: CRLF; NUL dropped */
	NEWLINE_BINARY		/* BODY=BINARYMIME: faults in the header only */
};
enum newline_fault { FAULT_BARE_CR = 1, FAULT_BARE_LF = 2, FAULT_NUL = 4 };

struct dotstream {
	enum newline_mode mode;
	bool		bdat;		/* octets are counted, dots mean nothing */
	bool		done;		/* CRLF.CRLF was read (DATA only) */
	bool		ends_in_crlf;	/* of what came out; true when empty */
	bool		has_dots;	/* some line that came out begins with
					   a dot: it must be stuffed again */
	unsigned	faults;		/* enum newline_fault bits */
	uint64_t	size;		/* octets that came out */
	unsigned char	state;		/* dotstream.c's own */
	bool		in_body;
	bool		line_start;
	bool		line_empty;
};

void		dotstream_begin(struct dotstream *d, enum newline_mode mode,
		    bool bdat);
/* Takes wire octets off the front of *in and returns the next run of message
 * octets: a part of *in, or a short constant (a repaired CRLF). Returns false
 * when *in is used up or the end was found; what then is left in *in comes
 * after the end of the message. Faulty octets are still handed out in STRICT
 * mode (the caller reads to the true end and drops them).
 *	while (dotstream_next(&d, &in, &run))
 *		spool_write(spool, run, &err);
 */
bool		dotstream_next(struct dotstream *d, struct span *in,
		    struct span *run);
/* DATA and BDAT: nothing more will come. Counts a last bare CR. */
void		dotstream_end(struct dotstream *d);
const char	*dotstream_fault_name(unsigned faults);	/* "bare LF" */

/* --- a message going out by DATA --- */
/* Appends `bytes` dot-stuffed. *line_start is kept between calls; begin with
 * true. The input holds only CRLF line ends. */
void		dot_stuff(struct buf *out, struct span bytes,
		    bool *line_start);
#endif
