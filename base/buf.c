#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/mem.h"

#define BUF_FIRST 128

void
buf_reserve(struct buf *b, size_t more)
{
	size_t cap = b->cap > 0 ? b->cap : BUF_FIRST;

	if (b->cap - b->len >= more)
		return;
	if (more > SIZE_MAX / 4 - b->len)
		mem_exhausted(more, "buffer");
	while (cap - b->len < more)
		cap *= 2;
	b->p = mem_realloc(b->p, cap, "buffer");
	b->cap = cap;
}

char *
buf_digits(char *p, uint64_t value)
{
	size_t n = 1;

	if (value <= 9) {
		*p = (char)('0' + value);
		return p + 1;
	}
	for (uint64_t left = value; left > 9; left /= 10)
		n++;
	for (size_t i = n; i > 0; value /= 10)
		p[--i] = (char)('0' + value % 10);
	return p + n;
}

void
buf_uint(struct buf *b, uint64_t value)
{
	buf_end(b, buf_digits(buf_room(b, BUF_UINT), value));
}

void
buf_printf(struct buf *b, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	buf_vprintf(b, fmt, ap);
	va_end(ap);
}

void
buf_vprintf(struct buf *b, const char *fmt, va_list ap)
{
	va_list again;
	int len;

	va_copy(again, ap);
	buf_reserve(b, 64);
	len = vsnprintf(b->p + b->len, b->cap - b->len, fmt, ap);
	assert(len >= 0);	/* the format is ours */
	if ((size_t)len >= b->cap - b->len) {
		buf_reserve(b, (size_t)len + 1);
		vsnprintf(b->p + b->len, b->cap - b->len, fmt, again);
	}
	b->len += (size_t)len;
	va_end(again);
}

void
buf_drop(struct buf *b, size_t n)
{
	assert(n <= b->len);
	if (n == 0)
		return;
	b->len -= n;
	memmove(b->p, b->p + n, b->len);
}

void
buf_clear(struct buf *b)
{
	b->len = 0;
}

void
buf_free(struct buf *b)
{
	free(b->p);
	*b = (struct buf){0};
}

struct span
buf_text(const struct buf *b)
{
	return (struct span){ b->p, b->len };
}
