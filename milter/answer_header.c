#include <string.h>

#include "base/buf.h"
#include "milter/answer_internal.h"

/*
 * A header field from a filter. Filters write line ends as LF, CRLF or both,
 * and some forget the white space behind them: any of CR, LF and CRLF is a
 * fold here, so that no value begins a field of its own or ends the header. A
 * line that would be white space alone is left out (RFC 5322 3.2.2 has no such
 * fold, and some take it for the end of the header), and one that is too long
 * is folded at its last white space.
 */

static bool
is_blank(char c)
{
	return c == ' ' || c == '\t';
}

static bool
is_line_end(char c)
{
	return c == '\r' || c == '\n';
}

/* RFC 5322 2.2: printable ASCII without the colon. */
static int
check_name(struct span name, struct err *err)
{
	unsigned char c;

	if (name.len == 0 || name.len > ANSWER_HEADER_LINE / 2)
		return err_set(err, ERR_SYNTAX, "the name of a field has %zu "
		    "octets, not 1 to %d", name.len, ANSWER_HEADER_LINE / 2);
	for (size_t i = 0; i < name.len; i++) {
		c = (unsigned char)name.p[i];
		if (c <= ' ' || c >= 0x7f || c == ':')
			return err_set(err, ERR_SYNTAX, "octet 0x%02x in the "
			    "name of a field", c);
	}
	return 0;
}

static struct span
take_line(struct span *rest)
{
	size_t n = 0;
	struct span line;

	while (n < rest->len && !is_line_end(rest->p[n]))
		n++;
	line = span_n(rest->p, n);
	while (n < rest->len && is_line_end(rest->p[n]))
		n++;
	*rest = span_n(rest->p + n, rest->len - n);
	return line;
}

/* Where white space begins behind something else, in the first `room` octets
 * or right behind them; 0: nowhere. */
static size_t
last_fold(struct span line, size_t room)
{
	size_t text = 0;

	while (text < line.len && is_blank(line.p[text]))
		text++;
	for (size_t i = room; i > text; i--)
		if (is_blank(line.p[i]) && !is_blank(line.p[i - 1]))
			return i;
	return 0;
}

/* One line, of which `used` octets are there; what is too long is folded
 * where white space has text behind it. */
static int
put_line(struct buf *b, struct span line, size_t used, struct err *err)
{
	size_t n;

	while (used + line.len > ANSWER_HEADER_LINE) {
		n = last_fold(line, ANSWER_HEADER_LINE - used);
		if (n == 0 || span_trim(span_n(line.p + n,
		    line.len - n)).len == 0)
			return err_set(err, ERR_SYNTAX, "a line of a header "
			    "field has %zu octets, more than %d, and cannot "
			    "be folded", used + line.len, ANSWER_HEADER_LINE);
		buf_put(b, line.p, n);
		buf_puts(b, "\r\n");
		line = span_n(line.p + n, line.len - n);
		used = 0;
	}
	buf_span(b, line);
	return 0;
}

static int
put_value(struct buf *b, struct span value, size_t used, struct err *err)
{
	struct span line = take_line(&value);

	if (put_line(b, line, used, err) < 0)
		return -1;
	while (value.len > 0) {
		line = take_line(&value);
		if (span_trim(line).len == 0)
			continue;
		buf_puts(b, is_blank(line.p[0]) ? "\r\n" : "\r\n\t");
		if (put_line(b, line, is_blank(line.p[0]) ? 0 : 1, err) < 0)
			return -1;
	}
	return 0;
}

static int
name_and_value(struct arena *a, const struct terms *t, struct span data,
    struct answer *out, struct err *err)
{
	struct span name, value;
	struct buf b = { 0 };
	int ret;

	if (!packet_string(&data, &name) || !packet_string(&data, &value) ||
	    data.len > 0)
		return err_set(err, ERR_SYNTAX, "not a name and a value that "
		    "end with NUL");
	if (check_name(name, err) < 0)
		return -1;
	if (!option_has_leading_space(t))
		buf_puts(&b, " ");
	ret = put_value(&b, value, name.len + 1 + b.len, err);
	if (ret == 0) {
		out->name = arena_span(a, name);
		out->value = arena_span(a, buf_text(&b));
		if (out->kind == ANSWER_CHANGE_HEADER && value.len == 0)
			out->kind = ANSWER_DELETE_HEADER;
	}
	buf_free(&b);
	return ret;
}

int
answer_add_header(struct arena *a, const struct terms *t, struct span data,
    struct answer *out, struct err *err)
{
	return name_and_value(a, t, data, out, err);
}

int
answer_insert_header(struct arena *a, const struct terms *t,
    struct span data, struct answer *out, struct err *err)
{
	if (!packet_uint(&data, &out->index))
		return err_set(err, ERR_SYNTAX, "%zu octets, too few for an "
		    "index", data.len);
	return name_and_value(a, t, data, out, err);
}

/* Fields of a name are counted from 1, and some say 0 for the first. */
int
answer_change_header(struct arena *a, const struct terms *t,
    struct span data, struct answer *out, struct err *err)
{
	if (answer_insert_header(a, t, data, out, err) < 0)
		return -1;
	if (out->index == 0)
		out->index = 1;
	return 0;
}
