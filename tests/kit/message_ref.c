#include <stdlib.h>
#include <string.h>

#include "tests/kit/message_ref.h"

static bool
has_at(struct span s, size_t at, const char *text)
{
	size_t len = strlen(text);

	return s.len >= at + len && memcmp(s.p + at, text, len) == 0;
}

static bool
is_line_start(struct span s, size_t at)
{
	return at == 0 || (at >= 2 && has_at(s, at - 2, "\r\n"));
}

static bool
is_in_crlf(struct span s, size_t at)
{
	return has_at(s, at, "\r\n") || (at > 0 && has_at(s, at - 1, "\r\n"));
}

/* DATA: the message without its end. Without an end, and with nothing more to
 * come, a dot or a dot and a CR that might have begun it does not come out. */
static struct span
find_end(struct message_ref *r, struct span wire)
{
	size_t i;

	r->used = wire.len;
	for (i = 0; i < wire.len; i++) {
		if (!is_line_start(wire, i))
			continue;
		if (has_at(wire, i, ".\r\n")) {
			r->done = true;
			r->used = i + 3;
			return span_n(wire.p, i);
		}
		if (wire.len - i == 2 && has_at(wire, i, ".\r"))
			r->faults |= FAULT_BARE_CR;
		if ((wire.len - i == 1 && has_at(wire, i, ".")) ||
		    (wire.len - i == 2 && has_at(wire, i, ".\r")))
			return span_n(wire.p, i);
	}
	return wire;
}

/* The octet behind the empty line, or the length. */
static size_t
body_of(struct span text)
{
	size_t i;

	for (i = 0; i < text.len; i++)
		if (is_line_start(text, i) && has_at(text, i, "\r\n"))
			return i + 2;
	return text.len;
}

static unsigned
fault_at(struct span text, size_t at)
{
	switch (text.p[at]) {
	case '\r':
		return is_in_crlf(text, at) ? 0 : FAULT_BARE_CR;
	case '\n':
		return is_in_crlf(text, at) ? 0 : FAULT_BARE_LF;
	case '\0':
		return FAULT_NUL;
	default:
		return 0;
	}
}

void
message_ref(struct message_ref *r, enum newline_mode mode, bool bdat,
    struct span wire)
{
	struct span text, out;
	unsigned fault;
	size_t i, body;

	*r = (struct message_ref){ .used = wire.len };
	text = bdat ? wire : find_end(r, wire);
	body = mode == NEWLINE_BINARY ? body_of(text) : text.len;
	for (i = 0; i < text.len; i++) {
		if (!bdat && text.p[i] == '.' && is_line_start(text, i))
			continue;
		fault = i < body ? fault_at(text, i) : 0;
		r->faults |= fault;
		if (fault == 0 || mode != NEWLINE_NORMALIZE)
			buf_put(&r->out, text.p + i, 1);
		else if (fault != FAULT_NUL)
			buf_puts(&r->out, "\r\n");
	}
	out = buf_text(&r->out);
	r->ends_in_crlf = is_line_start(out, out.len);
	for (i = 0; i < out.len; i++)
		if (out.p[i] == '.' && is_line_start(out, i))
			r->has_dots = true;
	if (mode == NEWLINE_BINARY)
		r->has_dots |= body < text.len;
}

void
message_ref_free(struct message_ref *r)
{
	buf_free(&r->out);
}

const char *
message_ref_differs(const struct message_ref *want, enum newline_mode mode,
    bool bdat, struct span wire, uint64_t cuts)
{
	size_t begin = 0, end, used = 0;
	struct buf out = {0};
	struct dotstream d;
	struct span in, run;
	const char *what = NULL;
	char *piece;

	dotstream_begin(&d, mode, bdat);
	while (begin < wire.len && !d.done) {
		for (end = begin + 1; end < wire.len; end++)
			if (end <= 64 && (cuts >> (end - 1) & 1))
				break;
		/* a piece of memory of its own: what looks beyond it is seen */
		piece = malloc(end - begin);
		memcpy(piece, wire.p + begin, end - begin);
		in = span_n(piece, end - begin);
		while (dotstream_next(&d, &in, &run)) {
			if (run.len == 0)
				what = "an empty run";
			buf_span(&out, run);
		}
		used += end - begin - in.len;
		if (!d.done && in.len > 0)
			what = "input left";
		free(piece);
		begin = end;
	}
	dotstream_end(&d);
	if (d.done != want->done || used != want->used)
		what = "the end";
	else if (d.faults != want->faults)
		what = "faults";
	else if (!span_eq(buf_text(&out), buf_text(&want->out)))
		what = "octets";
	else if (d.size != out.len)
		what = "size";
	else if (d.ends_in_crlf != want->ends_in_crlf)
		what = "ends_in_crlf";
	else if (d.has_dots != want->has_dots)
		what = "has_dots";
	buf_free(&out);
	return what;
}
