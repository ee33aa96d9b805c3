#ifndef TESTS_KIT_DRAFTS_H
#define TESTS_KIT_DRAFTS_H
#include "gateway/draft.h"
#include "policy/header.h"
/*
 * drafts -- a message of some text, as it comes into a draft and out of it
 */
/* In a spool of this folder. NULL: it cannot be written. */
struct spool	*drafts_spool(struct arena *a, const char *dir,
		    struct span text);
/* The message has only CRLF line ends, unless it is binary. */
void		 drafts_begin(struct draft *d, struct arena *a,
		    const char *dir, struct span text, bool is_binary,
		    struct header_scan *scan);
/* Appends all of it. False: it cannot be read. */
bool		 drafts_put_spool(struct spool *s, struct buf *out);
#endif
