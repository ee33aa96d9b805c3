#ifndef POLICY_HEADER_EDIT_INTERNAL_H
#define POLICY_HEADER_EDIT_INTERNAL_H
#include "policy/header_edit.h"
/*
 * What header_edit.c, which decides what becomes of each field, and
 * header_edit_write.c, which puts it into words, have in common.
 */

/* One field of the header that is being made. */
struct header_item {
	const struct field	*field;		/* as it came; NULL: made */
	struct span		 name, value;	/* of one that was made */
	struct span		 front;		/* put before a Subject */
	unsigned		 nfronts;
	struct span		 came;		/* that Subject, decoded, */
	bool			 is_decoded;	/* once this is set */
	bool			 is_gone;
	struct header_item	*next;		/* of this name, downwards */
};

/* "front behind", with a space between; nothing of it if that is "". */
struct span header_text_join(struct arena *a, struct span front,
	    struct span behind);
void	header_item_put(struct arena *a, struct buf *out,
	    const struct header_item *item, bool utf8);
#endif
