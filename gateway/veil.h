#ifndef GATEWAY_VEIL_H
#define GATEWAY_VEIL_H
#include <stddef.h>
#include "base/arena.h"
#include "base/err.h"
#include "base/json_write.h"
#include "base/span.h"
#include "conf/settings.h"
/*
 * veil -- addresses that are not written down, and what stands in their place
 *
 * By `hide` of the journal: in the place of a sender, a recipient or a subject
 * is {"hash":"16 hex digits","domain":"x.example"}, without "domain" if there
 * is none. The hash is the first half of HMAC-SHA256 of the text in small
 * letters: the same for the same address, and nothing to those without the key.
 *
 * If senders or recipients are hidden, other texts are gone through for what
 * looks like an address, as in a backend's "550 <b@y.example> unknown": each
 * becomes HASH@y.example. In texts that come from outside (VEIL_FOREIGN), what
 * stands in front of the @ of this mail's own hidden addresses becomes HASH@
 * where it is a word by itself: "no user bob", "bob%y.example". A sender that
 * is not hidden becomes a hash too if an address is within it (VERP, SRS), and
 * so does such a recipient. It is not known here what the subject is that a
 * text may repeat.
 *
 * Limits    VEIL_ADDRESSES within the texts of one record have a hash, as a
 *           header may have tens of thousands of them; what stands in front
 *           of the @ of the others goes, with nothing in its place. A name by
 *           itself has VEIL_SHORTEST octets or more; if looking for them takes
 *           more than VEIL_WORK comparisons in a record, the texts that are
 *           left are hidden whole.
 *
 * NULL is a veil that hides nothing.
 */
#define VEIL_KEY	32	/* octets of a random key */
#define VEIL_ADDRESSES	1000	/* a microsecond each */
#define VEIL_SHORTEST	3	/* "in" and "to" are words of all texts */
#define VEIL_WORK	100000	/* some milliseconds */

/* VEIL_TEXT is a text of ours or of the rules. */
enum veil_what { VEIL_TEXT, VEIL_SENDER, VEIL_RCPT, VEIL_SUBJECT,
    VEIL_FOREIGN };
struct veil;

/* NULL: the settings hide nothing. The key is copied. */
struct veil	*veil_create(struct arena *a, const struct settings *s,
		    struct span key);
/* The key of `key_file`, or without one `random`. Errors: as secret_read(). */
int		 veil_key(struct arena *a, const struct settings *s,
		    struct span random, struct span *key, struct err *err);
/* What the value of a header field tells; what this veil does not hide is a
 * foreign text, in which there may be addresses that it hides. */
enum veil_what	 veil_of_header(const struct veil *v, struct span name);
bool		 veil_hides(const struct veil *v, enum veil_what what);
/* Appends the hash of a text. Not of NULL. */
void		 veil_hash(const struct veil *v, struct span text,
		    struct buf *out);
/* A record begins. NULL: nothing. */
void		 veil_begin(const struct veil *v);
/* It is of this sender or recipient: his name may be in its foreign texts. The
 * address lives until the next record begins. */
void		 veil_know(const struct veil *v, enum veil_what what,
		    struct span address);
/* A text has something of the kind, or what looks like an address. */
bool		 veil_is_told(const struct veil *v, struct span text);
/* Appends a text without what stands in front of the @ of its addresses, or
 * their hashes: the same for one in which they were hidden. */
void		 veil_mask(struct span text, struct buf *out);
/* It ends as template.c ends what it cuts. */
bool		 veil_is_cut(struct span text);
/* The text, or what stands in its place. A sender or recipient that is not
 * hidden is shown, also if the address is hidden as the other one, unless
 * another address is within it. */
void		 veil_put_some(const struct veil *v, struct json_out *o,
		    struct span key, enum veil_what what, struct span text);

/* The same; most hide nothing. */
static inline void
veil_put(const struct veil *v, struct json_out *o, struct span key,
    enum veil_what what, struct span text)
{
	if (v == NULL)
		json_span_n(o, key, text);
	else
		veil_put_some(v, o, key, what, text);
}
#endif
