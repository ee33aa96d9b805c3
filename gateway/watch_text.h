#ifndef GATEWAY_WATCH_TEXT_H
#define GATEWAY_WATCH_TEXT_H
#include "base/buf.h"
#include "gateway/watch_sample.h"
/*
 * watch_text -- two samples of a gateway as a page of a terminal
 *
 * What is counted is shown as rates between the two and as sums; times as the
 * bounds below which half and 99 of 100 lie, of what came between them. Lines
 * are at most `width` columns and there are at most `height`; where there is
 * too little room, rules and what is well go first, what is broken last.
 *
 * Outside   names of rules and texts of servers are shown without their
 *           control characters (log_value_words()).
 * Tested    watch_text_test.c
 */
struct watch_page {
	size_t	 width, height;
	bool	 is_plain;	/* no bold */
};

/* Lines, each ended by LF. `old` may be the same sample: no rates yet. */
void	watch_text_page(struct buf *out, const struct watch_page *page,
	    const struct watch_sample *old, const struct watch_sample *now);
/* The most important of it in one line, for what is no terminal. */
void	watch_text_line(struct buf *out, const struct watch_sample *old,
	    const struct watch_sample *now);
#endif
