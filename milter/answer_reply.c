#include <string.h>

#include "milter/answer_internal.h"

/*
 * "550-5.7.1 one\r\n550 5.7.1 two": the text of one reply, as it would go to
 * the client. In it "%%" is a "%", and a single "%" is nothing: sendmail
 * expands it, so libmilter doubles those that are meant.
 */

static bool
is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/* At most three digits; how many. */
static size_t
digits(struct span s)
{
	size_t n = 0;

	while (n < s.len && n < 3 && is_digit(s.p[n]))
		n++;
	return n;
}

/* RFC 3463 2: class "." subject "." detail; its length, 0 if none begins the
 * text. */
static size_t
enhanced_len(struct span s)
{
	size_t subject, detail, len;

	if (s.len < 5 || strchr("245", s.p[0]) == NULL || s.p[1] != '.')
		return 0;
	subject = digits(span_n(s.p + 2, s.len - 2));
	len = 2 + subject;
	if (subject == 0 || len == s.len || s.p[len] != '.')
		return 0;
	detail = digits(span_n(s.p + len + 1, s.len - len - 1));
	len += 1 + detail;
	if (detail == 0 || (len < s.len && s.p[len] != ' '))
		return 0;
	return len;
}

/* The next line off the front; a CR or LF of its own would be the end of our
 * reply to some. */
static int
take_line(struct span *rest, struct span *line, bool *last, struct err *err)
{
	size_t n = 0;

	while (n < rest->len && rest->p[n] != '\r' && rest->p[n] != '\n')
		n++;
	*line = span_n(rest->p, n);
	*last = n == rest->len;
	if (*last)
		return 0;
	if (n + 1 >= rest->len || rest->p[n] != '\r' || rest->p[n + 1] != '\n')
		return err_set(err, ERR_SYNTAX, "a CR or LF that is no CRLF");
	*rest = span_n(rest->p + n + 2, rest->len - n - 2);
	return 0;
}

/* The code of each line, as the first one has it, and what follows. */
static int
check_line(struct span line, unsigned number, bool last, struct answer *out,
    struct span *text, struct err *err)
{
	int code;

	if (line.len > ANSWER_REPLY_LINE)
		return err_set(err, ERR_SYNTAX, "line %u has %zu octets, more "
		    "than %d", number, line.len, ANSWER_REPLY_LINE);
	if (digits(line) != 3 || line.p[0] < '4' || line.p[0] > '5')
		return err_set(err, ERR_SYNTAX, "line %u does not begin with "
		    "a code from 400 to 599", number);
	code = (line.p[0] - '0') * 100 + (line.p[1] - '0') * 10 +
	    (line.p[2] - '0');
	if (number > 1 && code != out->code)
		return err_set(err, ERR_SYNTAX, "line %u has code %d, the "
		    "first one %d", number, code, out->code);
	out->code = code;
	if (line.len == 3 && last) {
		*text = span_n(line.p + 3, 0);
		return 0;
	}
	if (line.len == 3 || line.p[3] != (last ? ' ' : '-'))
		return err_set(err, ERR_SYNTAX, "no \"%c\" behind the code in "
		    "line %u", last ? ' ' : '-', number);
	*text = span_n(line.p + 4, line.len - 4);
	return 0;
}

/* The enhanced code is that of the first line. It comes off each that has the
 * same. */
static int
take_enhanced(struct span *text, unsigned number, struct answer *out,
    struct err *err)
{
	size_t len = enhanced_len(*text);

	if (len == 0)
		return 0;
	if (number == 1) {
		if (text->p[0] - '0' != out->code / 100)
			return err_set(err, ERR_SYNTAX, "enhanced code %.*s "
			    "in a reply %d", (int)len, text->p, out->code);
		memcpy(out->enhanced, text->p, len);
		out->enhanced[len] = '\0';
	} else if (!span_is(span_n(text->p, len), out->enhanced))
		return 0;
	if (len < text->len)
		len++;		/* the space */
	*text = span_n(text->p + len, text->len - len);
	return 0;
}

static char *
put_unescaped(char *to, struct span text)
{
	for (size_t i = 0; i < text.len; i++)
		if (text.p[i] != '%')
			*to++ = text.p[i];
		else if (i + 1 < text.len && text.p[i + 1] == '%')
			*to++ = text.p[i++];
	return to;
}

int
answer_reply(struct arena *a, const struct terms *t, struct span data,
    struct answer *out, struct err *err)
{
	struct span rest, line, text = { NULL, 0 };
	unsigned number = 0;
	bool last = false;
	char *to;

	(void)t;
	if (!packet_string(&data, &rest) || data.len > 0)
		return err_set(err, ERR_SYNTAX, "no text that ends with NUL");
	out->text.p = to = arena_alloc(a, rest.len + 1);
	while (!last) {
		if (++number > ANSWER_REPLY_LINES)
			return err_set(err, ERR_SYNTAX, "more than %d lines",
			    ANSWER_REPLY_LINES);
		if (take_line(&rest, &line, &last, err) < 0 ||
		    check_line(line, number, last, out, &text, err) < 0 ||
		    take_enhanced(&text, number, out, err) < 0)
			return -1;
		if (number > 1)
			*to++ = '\n';
		to = put_unescaped(to, text);
	}
	out->text.len = (size_t)(to - out->text.p);
	return 0;
}

int
answer_reason(struct arena *a, const struct terms *t, struct span data,
    struct answer *out, struct err *err)
{
	struct span reason;

	(void)t;
	if (!packet_string(&data, &reason) || data.len > 0)
		return err_set(err, ERR_SYNTAX, "no text that ends with NUL");
	out->text = arena_span(a, reason);
	return 0;
}
