#ifndef BASE_BUF_H
#define BASE_BUF_H
#include <stdarg.h>
#include <stddef.h>
#include "base/span.h"
/*
 * buf -- bytes that grow: a reply, a batch of commands, a log line
 *
 * A zeroed struct buf is an empty buffer. The memory is the buffer's own
 * until buf_free(), which leaves an empty one. Never fails: out of memory
 * stops the process.
 */
struct buf {
	char	*p;
	size_t	 len;
	size_t	 cap;
};

void		buf_put(struct buf *b, const void *p, size_t len);
void		buf_span(struct buf *b, struct span s);
void		buf_puts(struct buf *b, const char *text);
void		buf_printf(struct buf *b, const char *fmt, ...)
		    __attribute__((format(printf, 2, 3)));
void		buf_vprintf(struct buf *b, const char *fmt, va_list ap);
void		buf_reserve(struct buf *b, size_t more);
void		buf_drop(struct buf *b, size_t n);	/* the first n bytes */
void		buf_clear(struct buf *b);	/* empty, memory kept */
void		buf_free(struct buf *b);
struct span	buf_text(const struct buf *b);	/* valid until the next put */
#endif
