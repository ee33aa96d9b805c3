#include <assert.h>
#include <string.h>

#include "filters/canon.h"

#define LINES_KEPT	16	/* more go out by themselves */
#define STEP		16	/* octets looked at together */
#define GLANCE		64	/* is it worth leaving the slow way? */
#define WORTH_IT	32
#define OCTET_MOST	(2 * LINES_KEPT + 3)	/* that one octet puts out */

_Static_assert(WORTH_IT <= OCTET_MOST, "a short run has the room of an octet");

/* --- c= --- */

static int
parse_one(struct span word, enum canon *out)
{
	if (span_is_nocase(word, "simple"))
		*out = CANON_SIMPLE;
	else if (span_is_nocase(word, "relaxed"))
		*out = CANON_RELAXED;
	else
		return -1;
	return 0;
}

int
canon_parse(struct span c, enum canon *header, enum canon *body)
{
	struct span rest = c, word = span_until(&rest, '/');

	*body = CANON_SIMPLE;
	if (parse_one(word, header) < 0)
		return -1;
	return word.len < c.len ? parse_one(rest, body) : 0;
}

/* --- the body --- */

/* 16 octets in one register, where the machine has such. */
typedef unsigned char octets __attribute__((vector_size(STEP)));
typedef uint64_t halves __attribute__((vector_size(STEP)));

static bool
is_blank(char c)
{
	return c == ' ' || c == '\t';
}

/* The octet at p and the one behind it: does relaxed form change something
 * here, or might it? */
static bool
is_change(const char *p)
{
	if (p[0] == '\t')
		return true;
	return (p[0] == ' ' || p[0] == '\n') &&
	    (is_blank(p[1]) || p[1] == '\r');
}

/* None of the STEP octets at p is_change(). */
static bool
is_plain(const char *p)
{
	octets v, w, change;
	halves any;

	memcpy(&v, p, STEP);
	memcpy(&w, p + 1, STEP);
	change = (octets)((v == ' ') | (v == '\n')) &
	    (octets)((w == ' ') | (w == '\t') | (w == '\r'));
	change |= (octets)(v == '\t');
	any = (halves)change;
	return (any[0] | any[1]) == 0;
}

/* How many octets at the front are their own relaxed form, whatever comes
 * behind them: the last one is neither white space nor part of a line end. */
static size_t
relaxed_run(const char *p, size_t len)
{
	size_t n = 0;

	while (n + STEP < len && is_plain(p + n))
		n += STEP;
	while (n + 1 < len && !is_change(p + n))
		n++;
	while (n > 0 && (is_blank(p[n - 1]) || p[n - 1] == '\r' ||
	    p[n - 1] == '\n'))
		n--;
	return n;
}

static size_t
simple_run(const char *p, size_t len)
{
	while (len > 0 && (p[len - 1] == '\r' || p[len - 1] == '\n'))
		len--;
	return len;
}

static size_t
run_length(const struct canon_body *c, struct span in)
{
	return c->how == CANON_RELAXED ? relaxed_run(in.p, in.len) :
	    simple_run(in.p, in.len);
}

void
canon_body_begin(struct canon_body *c, enum canon how)
{
	/* Not the piece: it is written before it is read. */
	c->how = how;
	c->lines = c->owed = 0;
	c->blank = c->cr = c->any = c->ended = false;
	c->len = 0;
}

static void
put(struct canon_body *c, char ch)
{
	assert(c->len < sizeof(c->piece));
	c->piece[c->len++] = ch;
}

/* An octet that stays, behind what was kept back before it. */
static void
put_content(struct canon_body *c, char ch)
{
	for (; c->lines > 0; c->lines--) {
		put(c, '\r');
		put(c, '\n');
	}
	if (c->blank)
		put(c, ' ');
	c->blank = false;
	put(c, ch);
	c->any = true;
}

static void
take_octet(struct canon_body *c, char ch)
{
	if (c->cr) {
		c->cr = false;
		if (ch == '\n') {
			c->blank = false;
			c->lines++;
			return;
		}
		put_content(c, '\r');
	}
	if (ch == '\r')
		c->cr = true;
	else if (c->how == CANON_RELAXED && is_blank(ch))
		c->blank = true;
	else
		put_content(c, ch);
}

/* Taking this octet may put out the lines kept back. */
static bool
is_content_next(const struct canon_body *c, char ch)
{
	if (c->cr)
		return ch != '\n';
	return ch != '\r' && !(c->how == CANON_RELAXED && is_blank(ch));
}

/* Nothing is kept back. */
static bool
is_clean(const struct canon_body *c)
{
	return c->lines == 0 && !c->blank && !c->cr;
}

/* Gathers short runs and single octets, until the piece is full, the input is
 * taken, many lines are owed, or the input is worth being passed on as it is.
 */
static void
take_slowly(struct canon_body *c, struct span *in)
{
	struct span front;
	size_t n;

	while (in->len > 0 && c->len + OCTET_MOST <= sizeof(c->piece)) {
		if (c->lines > LINES_KEPT && is_content_next(c, in->p[0])) {
			c->owed = c->lines;
			c->lines = 0;
			return;
		}
		front = span_n(in->p, in->len < GLANCE ? in->len : GLANCE);
		n = is_clean(c) ? run_length(c, front) : 0;
		if (n >= WORTH_IT)
			return;
		if (n > 0) {
			memcpy(c->piece + c->len, in->p, n);
			c->len += n;
		} else {
			take_octet(c, in->p[0]);
			n = 1;
		}
		in->p += n;
		in->len -= n;
	}
}

static struct span
line_ends(uint64_t *n)
{
	static const char lines[] =
	    "\r\n\r\n\r\n\r\n\r\n\r\n\r\n\r\n\r\n\r\n\r\n\r\n\r\n\r\n\r\n\r\n";
	uint64_t most = (sizeof(lines) - 1) / 2;

	most = *n < most ? *n : most;
	*n -= most;
	return span_n(lines, 2 * most);
}

bool
canon_body_next(struct canon_body *c, struct span *in, struct span *out)
{
	size_t n;

	for (;;) {
		if (c->owed > 0) {
			*out = line_ends(&c->owed);
			return true;
		}
		if (in->len == 0)
			return false;
		n = is_clean(c) ? run_length(c, *in) : 0;
		if (n > 0) {
			*out = span_n(in->p, n);
			in->p += n;
			in->len -= n;
			c->any = true;
			return true;
		}
		c->len = 0;
		take_slowly(c, in);
		if (c->len > 0) {
			*out = span_n(c->piece, c->len);
			return true;
		}
	}
}

/*
 * A body ends with one CRLF, whether it had none or many. An empty one
 * (nothing but line ends) is a CRLF in simple form and nothing in relaxed.
 */
bool
canon_body_end(struct canon_body *c, struct span *out)
{
	if (c->cr && c->lines > LINES_KEPT && c->owed == 0) {
		c->owed = c->lines;
		c->lines = 0;
	}
	if (c->owed > 0) {
		*out = line_ends(&c->owed);
		return true;
	}
	if (c->ended)
		return false;
	c->ended = true;
	c->len = 0;
	if (c->cr)
		put_content(c, '\r');
	if (c->any || c->how == CANON_SIMPLE) {
		put(c, '\r');
		put(c, '\n');
	}
	*out = span_n(c->piece, c->len);
	return c->len > 0;
}

/* --- header fields --- */

/* Relaxed form of a value, in one or two parts (RFC 6376 3.4.2). */
struct value {
	struct buf	*out;
	bool		 any;		/* something stands already */
	bool		 blank;		/* white space kept back */
};

static void
relax_value(struct value *v, struct span s)
{
	for (size_t i = 0; i < s.len; i++) {
		if (is_blank(s.p[i])) {
			v->blank = true;
			continue;
		}
		if (i + 2 < s.len && memcmp(s.p + i, "\r\n", 2) == 0 &&
		    is_blank(s.p[i + 2])) {
			i++;
			continue;
		}
		if (v->blank && v->any)
			buf_put(v->out, " ", 1);
		v->blank = false;
		v->any = true;
		buf_put(v->out, &s.p[i], 1);
	}
}

/* Lower case, no white space before the colon, not even a fold. */
static void
relax_name(struct buf *out, struct span name)
{
	char c;

	while (name.len > 0 && (is_blank(name.p[name.len - 1]) ||
	    name.p[name.len - 1] == '\r' || name.p[name.len - 1] == '\n'))
		name.len--;
	for (size_t i = 0; i < name.len; i++) {
		c = name.p[i];
		if (c >= 'A' && c <= 'Z')
			c += 'a' - 'A';
		buf_put(out, &c, 1);
	}
	buf_put(out, ":", 1);
}

static struct span
without_crlf(struct span s)
{
	if (s.len >= 2 && memcmp(s.p + s.len - 2, "\r\n", 2) == 0)
		s.len -= 2;
	return s;
}

void
canon_signature(struct buf *out, struct span field, struct span cut,
    enum canon how)
{
	struct span body = without_crlf(field), name;
	struct value v = { .out = out };
	const char *end = body.p + body.len;

	assert(cut.p >= body.p && cut.p + cut.len <= end);
	buf_reserve(out, field.len + 3);
	if (how == CANON_SIMPLE) {
		buf_put(out, body.p, (size_t)(cut.p - body.p));
		buf_put(out, cut.p + cut.len, (size_t)(end - cut.p) - cut.len);
		return;
	}
	name = span_until(&body, ':');
	relax_name(out, name);
	assert(cut.p >= body.p);
	relax_value(&v, span_n(body.p, (size_t)(cut.p - body.p)));
	relax_value(&v, span_n(cut.p + cut.len,
	    (size_t)(end - cut.p) - cut.len));
}

void
canon_field(struct buf *out, struct span field, enum canon how)
{
	struct span body = without_crlf(field);

	/* Nothing is cut out of the end. */
	canon_signature(out, field, span_n(body.p + body.len, 0), how);
	buf_put(out, "\r\n", 2);
}
