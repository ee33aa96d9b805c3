#ifndef BASE_BUF_H
#define BASE_BUF_H
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
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

void		buf_reserve(struct buf *b, size_t more);
void		buf_uint(struct buf *b, uint64_t value);	/* decimal */
#define BUF_UINT 20	/* octets at most */
/* The same without a buffer: where it ends. */
char		*buf_digits(char *p, uint64_t value);
void		buf_printf(struct buf *b, const char *fmt, ...)
		    __attribute__((format(printf, 2, 3)));
void		buf_vprintf(struct buf *b, const char *fmt, va_list ap);
void		buf_drop(struct buf *b, size_t n);	/* the first n bytes */
void		buf_clear(struct buf *b);	/* empty, memory kept */
void		buf_free(struct buf *b);
struct span	buf_text(const struct buf *b);	/* valid until the next put */

/* In the header, since a reply or a log line is made of dozens of them. */
static inline void
buf_put(struct buf *b, const void *p, size_t len)
{
	if (len == 0)
		return;
	if (b->cap - b->len < len)
		buf_reserve(b, len);
	memcpy(b->p + b->len, p, len);
	b->len += len;
}

/* Where the next octets go, with room for so many; then, where they ended. */
static inline char *
buf_room(struct buf *b, size_t most)
{
	if (b->cap - b->len < most)
		buf_reserve(b, most);
	return b->p + b->len;
}

static inline void
buf_end(struct buf *b, const char *end)
{
	b->len = (size_t)(end - b->p);
}

static inline void
buf_span(struct buf *b, struct span s)
{
	buf_put(b, s.p, s.len);
}

static inline void
buf_puts(struct buf *b, const char *text)
{
	buf_put(b, text, strlen(text));
}
#endif
