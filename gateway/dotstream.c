#include <assert.h>
#include <string.h>
#ifdef __x86_64__
#include <immintrin.h>
#endif

#include "gateway/dotstream.h"

/* --- lines of commands and replies --- */

static enum line_fault
line_check(struct span text)
{
	if (text.len == 0)
		return LINE_GOOD;
	if (memchr(text.p, '\0', text.len) != NULL)
		return LINE_NUL;
	if (memchr(text.p, '\r', text.len) != NULL)
		return LINE_BARE_CR;
	return LINE_GOOD;
}

/* The line that ends with the LF at `lf`. */
static void
line_take(struct span in, size_t lf, size_t max, struct line *line)
{
	bool crlf = lf > 0 && in.p[lf - 1] == '\r';

	line->text = span_n(in.p, crlf ? lf - 1 : lf);
	line->fault = line_check(line->text);
	if (line->fault == LINE_GOOD && !crlf)
		line->fault = LINE_BARE_LF;
	if (lf + 1 > max) {
		line->fault = LINE_TOO_LONG;
		if (line->text.len > LINE_FIRST)
			line->text.len = LINE_FIRST;
	}
}

/* Reads away the rest of a line that is too long already. */
static MAY_YIELD int
line_drop(struct conn *c, int64_t deadline, struct line *line,
    struct err *err)
{
	struct span in = conn_input(c);
	const char *lf;

	memcpy(line->first, in.p, LINE_FIRST);
	line->text = span_n(line->first, LINE_FIRST);
	line->fault = LINE_TOO_LONG;
	while ((lf = memchr(in.p, '\n', in.len)) == NULL) {
		conn_consume(c, in.len);
		if (conn_fill(c, deadline, err) < 0)
			return -1;
		in = conn_input(c);
	}
	conn_consume(c, (size_t)(lf - in.p) + 1);
	return 0;
}

MAY_YIELD int
line_read(struct conn *c, size_t max, int64_t deadline, struct line *line,
    struct err *err)
{
	size_t seen = 0;
	struct span in;
	const char *lf;

	assert(max >= LINE_FIRST && max < CONN_INPUT);
	for (;;) {
		in = conn_input(c);
		lf = NULL;
		if (in.len > seen)
			lf = memchr(in.p + seen, '\n', in.len - seen);
		if (lf != NULL) {
			line_take(in, (size_t)(lf - in.p), max, line);
			conn_consume(c, (size_t)(lf - in.p) + 1);
			return 0;
		}
		if (in.len >= max)
			return line_drop(c, deadline, line, err);
		seen = in.len;
		if (conn_fill(c, deadline, err) < 0)
			return -1;
	}
}

bool
line_is_waiting(const struct conn *c)
{
	struct span in = conn_input(c);

	return in.len > 0 && memchr(in.p, '\n', in.len) != NULL;
}

/* --- a message coming in --- */

/* Where the next octet of the input stands. Only a true CRLF leads to
 * AT_LINE, so that nothing else can give a dot its meaning. */
enum state {
	AT_LINE,	/* at the start of a line, or of the message */
	IN_LINE,
	AFTER_CR,	/* the last octet of the input was a CR */
	AFTER_FIRST_CR,	/* the same, and it is the first of its line */
	GAVE_CRLF,	/* the same, and a whole CRLF came out for it */
	AFTER_DOT,	/* a dot at the start of a line, not handed out */
	AFTER_DOT_CR	/* that, and a CR, not handed out either */
};

/* What becomes of one octet. */
enum fate {
	FATE_KEEP,	/* it comes out as it is */
	FATE_DROP,	/* it does not; something may be pending instead */
	FATE_AGAIN	/* what is pending comes out before it */
};

/* A constant that comes out before more of the input does. */
enum pending { PENDING_NONE, PENDING_CR, PENDING_CRLF };

void
dotstream_begin(struct dotstream *d, enum newline_mode mode, bool bdat)
{
	assert(bdat || mode != NEWLINE_BINARY);
	*d = (struct dotstream){
		.mode = mode, .bdat = bdat, .ends_in_crlf = true,
		.state = AT_LINE
	};
}

/* Octets looked at together: many first, then few, to come near the octet
 * that needs a decision. */
#define BLOCK		128
#define SMALL_BLOCK	16

/*
 * How many octets, in whole blocks, need no decision: no NUL, no CR or LF
 * but in pairs, no dot behind an LF. The caller vouches for the first octet;
 * each block looks one ahead and so vouches for the first of the next. The
 * loop over a block has no branch and becomes vector code.
 */
static inline __attribute__((always_inline)) size_t
scan_blocks(const unsigned char *p, size_t len, const size_t block)
{
	const unsigned char *b;
	unsigned char bad;
	size_t at, i;

	for (at = 0; len - at > block; at += block) {
		b = p + at;
		bad = 0;
		for (i = 0; i < block; i++)
			bad |= ((b[i] == '\r') ^ (b[i + 1] == '\n')) |
			    (b[i] == '\0') |
			    ((b[i] == '\n') & (b[i + 1] == '.'));
		if (bad)
			break;
	}
	return at;
}

static inline __attribute__((always_inline)) size_t
scan_both(const unsigned char *p, size_t len)
{
	size_t at = scan_blocks(p, len, BLOCK);

	return at + scan_blocks(p + at, len - at, SMALL_BLOCK);
}

#ifdef __x86_64__
/* The same by hand, 32 octets at a time: every octet of every message comes
 * through here, and the compiler needs twice as many instructions. */
static __attribute__((target("avx2"))) size_t
scan_both_avx2(const unsigned char *p, size_t len)
{
	const __m256i cr = _mm256_set1_epi8('\r'), lf = _mm256_set1_epi8('\n');
	const __m256i dot = _mm256_set1_epi8('.');
	__m256i here, next, bad;
	size_t at;

	for (at = 0; len - at > sizeof(here); at += sizeof(here)) {
		here = _mm256_loadu_si256((const __m256i *)(p + at));
		next = _mm256_loadu_si256((const __m256i *)(p + at + 1));
		bad = _mm256_xor_si256(_mm256_cmpeq_epi8(here, cr),
		    _mm256_cmpeq_epi8(next, lf));
		bad = _mm256_or_si256(bad, _mm256_cmpeq_epi8(here,
		    _mm256_setzero_si256()));
		bad = _mm256_or_si256(bad, _mm256_and_si256(
		    _mm256_cmpeq_epi8(here, lf), _mm256_cmpeq_epi8(next, dot)));
		if (!_mm256_testz_si256(bad, bad))
			break;
	}
	return at + scan_blocks(p + at, len - at, SMALL_BLOCK);
}
#endif

static size_t
clean_run(const unsigned char *p, size_t len)
{
#ifdef __x86_64__
	if (__builtin_cpu_supports("avx2"))
		return scan_both_avx2(p, len);
#endif
	return scan_both(p, len);
}

static enum fate
step_bare(struct dotstream *d, enum newline_fault fault)
{
	d->faults |= fault;
	d->state = IN_LINE;
	if (d->mode != NEWLINE_NORMALIZE)
		return FATE_KEEP;
	if (fault != FAULT_NUL)
		d->pending = PENDING_CRLF;
	return FATE_DROP;
}

/*
 * A CR: what follows decides. When that is not here yet, NORMALIZE gives a
 * whole CRLF for it at once, and drops the LF if one comes next, so that no
 * octet of the text is ever held back over the end of the input.
 */
static enum fate
step_cr(struct dotstream *d, const unsigned char *p, size_t len)
{
	if (len > 1 && p[1] != '\n')
		return step_bare(d, FAULT_BARE_CR);
	if (len == 1 && d->mode == NEWLINE_NORMALIZE) {
		d->state = GAVE_CRLF;
		d->pending = PENDING_CRLF;
		return FATE_DROP;
	}
	d->state = d->state == AT_LINE ? AFTER_FIRST_CR : AFTER_CR;
	return FATE_KEEP;
}

/* The LF of a CRLF. */
static enum fate
step_crlf(struct dotstream *d)
{
	bool given = d->state == GAVE_CRLF;

	if (d->mode == NEWLINE_BINARY && d->state == AFTER_FIRST_CR)
		d->in_binary = true;
	d->state = AT_LINE;
	return given ? FATE_DROP : FATE_KEEP;
}

/* Decides on the first of `len` octets. */
static enum fate
step(struct dotstream *d, const unsigned char *p, size_t len)
{
	switch (d->state) {
	case AFTER_DOT:		/* the end, or it was stuffed */
		d->state = *p == '\r' ? AFTER_DOT_CR : IN_LINE;
		if (d->state == AFTER_DOT_CR)
			return FATE_DROP;
		break;
	case AFTER_DOT_CR:
		if (*p == '\n') {
			d->done = true;
			return FATE_DROP;
		}
		step_bare(d, FAULT_BARE_CR);
		if (d->mode != NEWLINE_NORMALIZE)
			d->pending = PENDING_CR;
		return FATE_AGAIN;
	case AFTER_CR:
	case AFTER_FIRST_CR:
	case GAVE_CRLF:
		if (*p == '\n')
			return step_crlf(d);
		d->faults |= FAULT_BARE_CR;
		d->state = IN_LINE;
		break;
	}
	switch (*p) {
	case '\r':
		return step_cr(d, p, len);
	case '\n':
		return step_bare(d, FAULT_BARE_LF);
	case '\0':
		return step_bare(d, FAULT_NUL);
	case '.':
		if (d->state == AT_LINE && !d->bdat) {
			d->state = AFTER_DOT;
			return FATE_DROP;
		}
		break;
	}
	d->state = IN_LINE;
	return FATE_KEEP;
}

/* The octet or clean block that ends at `end` has come out. */
static void
came_out_clean(struct dotstream *d, const unsigned char *end)
{
	d->state = end[-1] == '\r' ? AFTER_CR :
	    end[-1] == '\n' ? AT_LINE : IN_LINE;
	d->ends_in_crlf = end[-1] == '\n';
}

static void
came_out(struct dotstream *d, unsigned char octet)
{
	if (octet == '.' && d->ends_in_crlf)
		d->has_dots = true;
	d->ends_in_crlf = octet == '\n' && d->state == AT_LINE;
}

/* The body of a binary message: all of it as it is. */
static void
came_out_binary(struct dotstream *d, const unsigned char *p, size_t len)
{
	bool after_cr = len > 1 ? p[len - 2] == '\r' : d->state == AFTER_CR;

	d->ends_in_crlf = p[len - 1] == '\n' && after_cr;
	d->state = p[len - 1] == '\r' ? AFTER_CR : IN_LINE;
	d->has_dots = true;
}

/*
 * Goes on from `at` for as long as octets come out as they are. Returns where
 * that ended; *fate is what happens to the octet there, if there is one.
 */
static size_t
scan(struct dotstream *d, const unsigned char *p, size_t at, size_t len,
    enum fate *fate)
{
	size_t clean, slow_until = at;

	*fate = FATE_KEEP;
	while (at < len) {
		if (d->in_binary) {
			came_out_binary(d, p + at, len - at);
			return len;
		}
		if (at >= slow_until && d->mode != NEWLINE_BINARY &&
		    d->state <= IN_LINE && p[at] != '\n' && p[at] != '.') {
			clean = clean_run(p + at, len - at);
			at += clean;
			if (clean > 0)
				came_out_clean(d, p + at);
			slow_until = at + SMALL_BLOCK;
		}
		*fate = step(d, p + at, len - at);
		if (*fate != FATE_KEEP)
			return at;
		came_out(d, p[at++]);
	}
	return at;
}

static bool
hand_out(struct dotstream *d, struct span *run, const char *p, size_t len)
{
	*run = span_n(p, len);
	d->size += len;
	return true;
}

static bool
hand_out_pending(struct dotstream *d, struct span *run)
{
	bool crlf = d->pending == PENDING_CRLF;

	d->pending = PENDING_NONE;
	d->ends_in_crlf = crlf;
	return hand_out(d, run, "\r\n", crlf ? 2 : 1);
}

bool
dotstream_next(struct dotstream *d, struct span *in, struct span *run)
{
	const unsigned char *p = (const unsigned char *)in->p;
	size_t begin = 0, end, len = in->len;
	enum fate fate;

	if (d->pending != PENDING_NONE)
		return hand_out_pending(d, run);
	while (!d->done && begin < len) {
		end = scan(d, p, begin, len, &fate);
		*in = span_n(p + end, len - end);
		if (fate == FATE_DROP)
			*in = span_n(p + end + 1, len - end - 1);
		if (end > begin)
			return hand_out(d, run, (const char *)p + begin,
			    end - begin);
		if (d->pending != PENDING_NONE)
			return hand_out_pending(d, run);
		begin = end + 1;
	}
	return false;
}

void
dotstream_end(struct dotstream *d)
{
	if (d->done || d->in_binary)
		return;
	if (d->state == AFTER_CR || d->state == AFTER_FIRST_CR ||
	    d->state == GAVE_CRLF || d->state == AFTER_DOT_CR)
		d->faults |= FAULT_BARE_CR;
}

const char *
dotstream_fault_name(unsigned faults)
{
	if (faults & FAULT_BARE_LF)
		return "bare LF";
	if (faults & FAULT_BARE_CR)
		return "bare CR";
	return faults & FAULT_NUL ? "NUL" : "none";
}

/* --- a message going out --- */

void
dot_stuff(struct buf *out, struct span bytes, bool *line_start)
{
	const char *lf;
	size_t len;

	while (bytes.len > 0) {
		if (*line_start && bytes.p[0] == '.')
			buf_put(out, ".", 1);
		lf = memchr(bytes.p, '\n', bytes.len);
		len = lf != NULL ? (size_t)(lf - bytes.p) + 1 : bytes.len;
		buf_put(out, bytes.p, len);
		*line_start = lf != NULL;
		bytes = span_n(bytes.p + len, bytes.len - len);
	}
}
