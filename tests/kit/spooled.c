#include "tests/kit/spooled.h"

char
spooled_byte(uint64_t offset)
{
	return (char)(offset % 251 ^ offset / 4096);
}

int
spooled_fill(struct spool *s, uint64_t size, size_t run, struct err *err)
{
	static char bytes[256 * 1024];
	uint64_t at = 0;
	size_t n, i;

	while (at < size) {
		n = size - at < run ? (size_t)(size - at) : run;
		for (i = 0; i < n; i++)
			bytes[i] = spooled_byte(at + i);
		if (spool_write(s, span_n(bytes, n), err) < 0)
			return -1;
		at += n;
	}
	return spool_end(s, err);
}

bool
spooled_is_right(const char *p, size_t len, uint64_t offset)
{
	size_t i;

	for (i = 0; i < len; i++)
		if (p[i] != spooled_byte(offset + i))
			return false;
	return true;
}

bool
spooled_reads_back(struct spool *s, uint64_t size, size_t step)
{
	static char bytes[100000];
	struct err err;
	uint64_t at = 0;
	ssize_t n;

	while ((n = spool_read(s, at, bytes, step, &err)) > 0) {
		if (!spooled_is_right(bytes, (size_t)n, at))
			return false;
		at += (uint64_t)n;
	}
	return n == 0 && at == size;
}
