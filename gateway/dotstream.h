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
#define LINE_FIRST 64
struct line {
	struct span	text;	/* without CRLF; valid until the next read
				   (conn_unread() that finds something is
				   one), while the struct stays in place */
	enum line_fault	fault;
	char		first[LINE_FIRST];	/* of a line that was dropped */
};
/* One line of at most `max` octets, CRLF included. A longer one is read to its
 * end and dropped, and is reported by its fault with its first octets. A bare
 * LF ends the (faulty) line at once, so that a client which never sends CRLF
 * gets an answer. `max` is less than CONN_INPUT. Errors: conn_fill()'s. */
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
	bool		bdat;		/* counted octets: dots mean nothing */
	bool		done;		/* CRLF.CRLF was read (DATA only) */
	bool		ends_in_crlf;	/* of what came out; true when empty */
	bool		has_dots;	/* some line that came out begins with
					   a dot: it must be stuffed again (not
					   looked for in a binary body: true) */
	unsigned	faults;		/* enum newline_fault bits */
	uint64_t	size;		/* octets that came out */
	/* the rest is dotstream.c's own */
	unsigned char	state;
	unsigned char	pending;
	bool		in_binary;
};

/* NEWLINE_BINARY goes with bdat only (RFC 3030 3). */
void		dotstream_begin(struct dotstream *d, enum newline_mode mode,
		    bool bdat);
/* Takes wire octets off the front of *in and returns the next run of message
 * octets: a part of *in, or a short constant (a repaired CRLF). Returns false
 * when *in is used up or the end was found; what then is left in *in comes
 * after the end of the message. A run is never empty, and is valid as long as
 * the input is. The end is the same in all modes, whatever was repaired.
 *
 * STRICT	faulty octets are handed out as they came; the caller reads to
 *		the true end and drops the message.
 * NORMALIZE	a bare CR or LF comes out as CRLF and NUL is dropped. Only a
 *		true CRLF makes the next dot mean something: a dot behind a
 *		repaired line end (or a dropped NUL) is text, is never taken
 *		for stuffing, and has_dots tells that the output needs it.
 *		A message with LF ends only so keeps the dots that its sender
 *		doubled: one dot too many is harmless, one too few is not.
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
