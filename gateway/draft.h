#ifndef GATEWAY_DRAFT_H
#define GATEWAY_DRAFT_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/fiber.h"
#include "base/spool.h"
#include "gateway/backend.h"
#include "milter/edit_header.h"
#include "policy/header_edit.h"
/*
 * draft -- the working copy of one message, which filters and rules change
 *                                          RFC 5322 2.1; RFC 5321 2.3.8
 *
 *	draft_begin(&d, mail_arena, spool_dir, header, &came);
 *	draft_rules(&d, cuts, ncuts, edits, nedits, utf8);
 *	draft_edit(&d, &edits, &err);		... what a filter wants
 *	draft_put(&d, received, &header, &message);
 *	backend_send(tx, &message, ...);
 *
 * In between, `header` and `body` are what the next filter is shown: the
 * message without the fields that we add ourselves, as those before it left
 * it. Nothing is copied until it changes; who still reads what was there before
 * a change may go on, both stay until the mail ends. So a copy of the struct is
 * a state to go back to.
 *
 * Header    edit_header.h says what a filter's edits do to it, and
 *           header_edit.h what the rules do. Where there was none (header.h,
 *           is_headless) the first field makes one, and all that came is body.
 * Body      a filter gives octets with any line ends. They come out as the
 *           message of a client who may have his line ends repaired: a bare CR
 *           or LF is CRLF, NUL is dropped. That of a BINARYMIME message stays
 *           as it is, octet by octet (RFC 3030 3); so it goes out, or not.
 *           No field of the header (MIME-Version, a length) follows it: that
 *           is for the filter.
 * Empty line  stands where one came, where nothing that came was a header, and
 *           before a body that a filter has given to a mail without one. A
 *           last line without its end gets it when it is one of the header.
 *
 * Yields    draft_edit() in a large body, so that others run
 * Memory    all is in the arena given; the texts given must live as long
 * Errors    of draft_edit(): nothing has changed then. ERR_SYNTAX: the filter
 *           wants too much. ERR_UNAVAIL: the spool cannot be written or read,
 *           which is our failure and not the filter's.
 * Limits    DRAFT_*; the octets of a new body are limited when it is read
 *           (dialogue.h): line ends can make it twice as large
 */
/* More than came, whoever added it, when a filter edits the header. What one of
 * them may do is limited by dialogue.h, so that 32 could make a header that no
 * server behind us takes; these are the usual limits of a whole header (1000
 * fields, 256 KiB), and no filter is known that adds as many as 100. */
#define DRAFT_FIELDS	1000
#define DRAFT_OCTETS	((size_t)256 * 1024)

struct draft {
	/* --- to be read by all --- */
	struct header_list header;	/* without our own fields */
	struct spool	*body;		/* all of it: the header is skipped */
	bool		 has_new_body;
	bool		 is_changed;	/* in any way */
	/* --- draft.c's own --- */
	struct arena	*arena;
	const char	*spool_dir;
	bool		 has_dots, ends_in_crlf, is_binary;	/* the body */
	bool		 has_empty_line;
	bool		 has_rules;	/* the header's text is theirs */
	size_t		 fields_came, octets_came;	/* of the header */
};

/* `came` is the message in its spool, which was written but not read; the
 * header stands at its front and is given besides, with its empty line if it
 * has one, or is "" if there is none (headless). */
void		 draft_begin(struct draft *d, struct arena *a,
		    const char *spool_dir, struct span header,
		    const struct backend_message *came);
/* All that one filter wants of header and body, or nothing. */
MAY_YIELD int	 draft_edit(struct draft *d, const struct edits *edits,
		    struct err *err);
/* What the rules want, and what is to be left out, as parts of the header that
 * came. Those fields go if they are still there as they came; what a filter
 * has put there stays, as it comes from one who may say so. No cuts behind
 * edits of rules (assert), which make the text anew. The rules reach all
 * fields; theirs stand directly below our own. */
void		 draft_rules(struct draft *d, const struct header_cut *cuts,
		    size_t ncuts, const struct header_edit *edits,
		    size_t nedits, bool utf8);
/* What goes out, with our own fields (whole lines, no empty line) where they
 * belong. `text`, empty before, holds its header as long as it is used. */
void		 draft_put(const struct draft *d, struct span ours,
		    struct buf *text, struct backend_message *out);
#endif
