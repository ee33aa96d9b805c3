#ifndef TESTS_KIT_MESSAGE_REF_H
#define TESTS_KIT_MESSAGE_REF_H
#include "base/buf.h"
#include "base/span.h"
#include "gateway/dotstream.h"
/*
 * message_ref -- what dotstream must do, the slow and obvious way
 *
 * Looks at a whole message at once, several times over: first for its end,
 * then for faults, then it takes the stuffed dots away, then it repairs.
 * Shares no code with dotstream.c.
 */
struct message_ref {
	bool		done;		/* the end was found */
	size_t		used;		/* octets up to and with the end */
	unsigned	faults;
	bool		ends_in_crlf;
	bool		has_dots;
	struct buf	out;		/* message_ref_free() */
};

void	message_ref(struct message_ref *r, enum newline_mode mode, bool bdat,
	    struct span wire);
void	message_ref_free(struct message_ref *r);

/*
 * Runs dotstream over the message in pieces (bit i of `cuts`: a new piece
 * begins behind octet i) and compares all it says with `want`. NULL, or the
 * name of what differs.
 */
const char *message_ref_differs(const struct message_ref *want,
	    enum newline_mode mode, bool bdat, struct span wire,
	    uint64_t cuts);
#endif
