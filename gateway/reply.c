#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/utf8.h"
#include "gateway/dotstream.h"
#include "gateway/reply.h"

#define REPLY_LINE	512	/* of ours, CRLF included: RFC 5321 4.5.3.1.5 */
#define READ_LINE	2048	/* of a server; longer ones are cut */
#define READ_LINES	100

/* --- values --- */

static struct reply __attribute__((format(printf, 3, 0)))
make(int code, const char *enhanced, const char *fmt, va_list ap)
{
	struct reply r;		/* not zeroed: the text is long */
	size_t len = strlen(fmt);

	assert(code >= 200 && code <= 599);
	r.code = code;
	r.close = r.cut = false;
	r.enhanced[0] = '\0';
	if (enhanced != NULL)
		strncat(r.enhanced, enhanced, sizeof(r.enhanced) - 1);
	if (len < sizeof(r.text) && memchr(fmt, '%', len) == NULL)
		memcpy(r.text, fmt, len + 1);
	else
		r.cut = vsnprintf(r.text, sizeof(r.text), fmt, ap) >=
		    (int)sizeof(r.text);
	return r;
}

struct reply
reply(int code, const char *enhanced, const char *fmt, ...)
{
	struct reply r;
	va_list ap;

	va_start(ap, fmt);
	r = make(code, enhanced, fmt, ap);
	va_end(ap);
	return r;
}

struct reply
reply_close(int code, const char *enhanced, const char *fmt, ...)
{
	struct reply r;
	va_list ap;

	va_start(ap, fmt);
	r = make(code, enhanced, fmt, ap);
	va_end(ap);
	r.close = true;
	return r;
}

struct reply
reply_none(void)
{
	return (struct reply){0};
}

/* The one who reads this runs the sending server: it says that the fault is
 * here, that it will pass, and nothing about what stands behind us. */
struct reply
reply_err(const struct err *err)
{
	switch (err->kind) {
	case ERR_CLOSED:
		return (struct reply){ .close = true };
	case ERR_TIMEOUT:
		return reply(451, "4.4.2", "A system behind this one did not "
		    "answer in time, please try again later");
	case ERR_UNAVAIL:
		return reply(451, "4.4.1", "A system behind this one cannot "
		    "be reached, please try again later");
	case ERR_SYNTAX:
	case ERR_CONFIG:
		break;
	}
	return reply(451, "4.3.0", "A problem here keeps this mail from being "
	    "taken, please try again later");
}

bool
reply_is_ok(const struct reply *r)
{
	return r->code / 100 == 2;
}

bool
reply_is_permanent(const struct reply *r)
{
	return r->code / 100 == 5;
}

/* --- the wire form --- */

static void
put_line(const struct reply *r, struct span text, const char *suffix,
    bool last, struct buf *out)
{
	size_t begin = out->len, used;

	buf_uint(out, (uint64_t)r->code);
	buf_put(out, last ? " " : "-", 1);
	buf_puts(out, r->enhanced);
	if (r->enhanced[0] != '\0' && text.len > 0)
		buf_puts(out, " ");
	used = out->len - begin + strlen(suffix) + 2;
	utf8_put_printable(out, text, REPLY_LINE - used, true);
	buf_puts(out, suffix);
	buf_puts(out, "\r\n");
}

void
reply_format(const struct reply *r, const char *id, struct buf *out)
{
	struct span rest = span_z(r->text), line;
	char suffix[64] = "";
	bool last;

	if (r->code == 0)
		return;
	if (r->code >= 400 && id != NULL && id[0] != '\0')
		snprintf(suffix, sizeof(suffix), " [%s]", id);
	do {
		line = span_until(&rest, '\n');
		last = rest.len == 0;
		put_line(r, line, last ? suffix : "", last, out);
	} while (!last);
}

/* --- reading a server's --- */

static int
nonsense(struct err *err, struct span text, const char *what)
{
	if (text.len > 80)
		text.len = 80;
	return err_set(err, ERR_SYNTAX, "answered nonsense (%s): \"%.*s\"",
	    what, SPAN_ARG(text));
}

static const char *
fault_name(enum line_fault fault)
{
	switch (fault) {
	case LINE_BARE_CR:
		return "bare CR";
	case LINE_BARE_LF:
		return "bare LF";
	case LINE_NUL:
		return "NUL";
	default:
		return NULL;
	}
}

static bool
is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/* How long the RFC 3463 code is that the text begins with; 0: none. */
static size_t
enhanced_len(struct span text, int code)
{
	size_t i = 1, part, digits;

	if (text.len < 5 || text.p[0] != '0' + code / 100 ||
	    code / 100 == 3)
		return 0;
	for (part = 0; part < 2; part++) {
		if (i >= text.len || text.p[i++] != '.')
			return 0;
		for (digits = 0; i < text.len && is_digit(text.p[i]); i++)
			digits++;
		if (digits < 1 || digits > 3)
			return 0;
	}
	return i == text.len || text.p[i] == ' ' ? i : 0;
}

/* Takes the enhanced code off the text: that of the first line, and the same
 * where it is repeated. */
static struct span
take_enhanced(struct reply *r, struct span text, bool first)
{
	size_t len = enhanced_len(text, r->code);
	struct span code = span_n(text.p, len);

	if (len == 0)
		return text;
	if (first) {
		memcpy(r->enhanced, code.p, len);	/* at most 9 */
		r->enhanced[len] = '\0';
	} else if (!span_is(code, r->enhanced))
		return text;
	text = span_n(text.p + len, text.len - len);
	return span_trim(text);
}

static void
add_text(struct reply *r, struct span text, bool first)
{
	size_t len = strlen(r->text), room;

	if (r->cut)
		return;
	if (!first && len < sizeof(r->text) - 1)
		r->text[len++] = '\n';
	room = sizeof(r->text) - 1 - len;
	r->cut = text.len > room;
	if (r->cut)
		text.len = room;
	memcpy(r->text + len, text.p, text.len);
	r->text[len + text.len] = '\0';
}

/* Takes "250-" off the line. */
static int
parse_code(struct span *line, int *code, bool *last, struct err *err)
{
	struct span l = *line;

	if (l.len < 3 || l.p[0] < '2' || l.p[0] > '5' || !is_digit(l.p[1]) ||
	    !is_digit(l.p[2]) ||
	    (l.len > 3 && l.p[3] != ' ' && l.p[3] != '-'))
		return nonsense(err, l, "no reply code");
	*code = (l.p[0] - '0') * 100 + (l.p[1] - '0') * 10 + (l.p[2] - '0');
	*last = l.len == 3 || l.p[3] == ' ';
	*line = l.len == 3 ? span_n(l.p + 3, 0) : span_n(l.p + 4, l.len - 4);
	return 0;
}

MAY_YIELD int
reply_read_lines(struct conn *c, int64_t deadline, struct reply *r,
    void (*each)(void *, struct span), void *arg, struct err *err)
{
	struct line line;
	struct span text;
	bool last = false;
	int n, code = 0;

	*r = reply_none();
	for (n = 0; !last; n++) {
		if (line_read(c, READ_LINE, deadline, &line, err) < 0)
			return -1;
		text = line.text;
		if (fault_name(line.fault) != NULL)
			return nonsense(err, text, fault_name(line.fault));
		if (parse_code(&text, &code, &last, err) < 0)
			return -1;
		if (n > 0 && code != r->code)
			return nonsense(err, line.text,
			    "another code than the line before");
		if (n >= READ_LINES)
			return nonsense(err, line.text, "too many lines");
		r->code = code;
		if (each != NULL)
			each(arg, text);
		add_text(r, take_enhanced(r, text, n == 0), n == 0);
		if (line.fault == LINE_TOO_LONG)
			r->cut = true;
	}
	return 0;
}

MAY_YIELD int
reply_read(struct conn *c, int64_t deadline, struct reply *r,
    struct err *err)
{
	return reply_read_lines(c, deadline, r, NULL, NULL, err);
}
