#include "gateway/dotstream.h"
#include "tests/kit/drafts.h"

struct spool *
drafts_spool(struct arena *a, const char *dir, struct span text)
{
	struct spool *s = spool_open(a, dir);
	struct err err;

	if (spool_write(s, text, &err) < 0 || spool_end(s, &err) < 0)
		return NULL;
	return s;
}

void
drafts_begin(struct draft *d, struct arena *a, const char *dir,
    struct span text, bool is_binary, struct header_scan *scan)
{
	struct backend_message came = { .spool = drafts_spool(a, dir, text),
	    .is_binary = is_binary };
	struct dotstream in;
	struct span run, rest = text;

	dotstream_begin(&in, is_binary ? NEWLINE_BINARY : NEWLINE_STRICT,
	    true);
	while (dotstream_next(&in, &rest, &run))
		;
	header_scan_begin(scan);
	header_feed(scan, text);
	header_scan_end(scan);
	came.has_dots = in.has_dots;
	came.ends_in_crlf = in.ends_in_crlf;
	draft_begin(d, a, dir, span_n(text.p, scan->is_headless ? 0 :
	    (size_t)scan->size), &came);
}

bool
drafts_put_spool(struct spool *s, struct buf *out)
{
	char block[2048];
	struct err err;
	ssize_t n;

	for (uint64_t at = 0; (n = spool_read(s, at, block, sizeof(block),
	    &err)) > 0; at += (uint64_t)n)
		buf_put(out, block, (size_t)n);
	return n == 0;
}
