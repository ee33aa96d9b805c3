#include <string.h>

#include "base/utf8.h"
#include "policy/field_writer.h"
#include "tests/kit/authres_read.h"

struct input {
	struct arena	*arena;
	struct span	 text;
	size_t		 at;
	struct span	 comment;	/* the last that was skipped */
	struct authres_read_property *free;	/* the next */
	struct err	*err;
};

static int
fail(struct input *in, const char *want)
{
	return err_set(in->err, ERR_SYNTAX, "expected %s at octet %zu", want,
	    in->at + 1);
}

static char
peek(const struct input *in)
{
	return in->at < in->text.len ? in->text.p[in->at] : '\0';
}

static bool
take(struct input *in, char c)
{
	if (in->at == in->text.len || in->text.p[in->at] != c)
		return false;
	in->at++;
	return true;
}

static struct span
since(const struct input *in, size_t begin)
{
	return span_n(in->text.p + begin, in->at - begin);
}

static size_t
blank_length(const struct input *in)
{
	const char *p = in->text.p + in->at;
	size_t left = in->text.len - in->at;

	if (left > 0 && (p[0] == ' ' || p[0] == '\t'))
		return 1;
	if (left > 2 && memcmp(p, "\r\n", 2) == 0 &&
	    (p[2] == ' ' || p[2] == '\t'))
		return 3;
	return 0;
}

/* One character of a comment or quoted string, or a quoted pair; 0: none. */
static size_t
content_length(const struct input *in, size_t at)
{
	struct span rest = span_n(in->text.p + at, in->text.len - at);

	if (rest.len == 0 || utf8_is_control(rest))
		return 0;
	return utf8_char(rest);
}

static int
read_comment(struct input *in)
{
	size_t begin = in->at + 1, depth = 0, n;

	do {
		n = blank_length(in);
		if (n > 0) {
			in->at += n;
			continue;
		}
		n = content_length(in, in->at);
		if (n == 0)
			return fail(in, "a character of a comment");
		if (peek(in) == '(')
			depth++;
		else if (peek(in) == ')')
			depth--;
		else if (peek(in) == '\\')
			n += content_length(in, ++in->at) - 1;
		in->at += n;
	} while (depth > 0);
	in->comment = span_n(in->text.p + begin, in->at - 1 - begin);
	return 0;
}

static int
skip_cfws(struct input *in)
{
	size_t n;

	for (;;) {
		n = blank_length(in);
		if (n > 0)
			in->at += n;
		else if (peek(in) != '(')
			return 0;
		else if (read_comment(in) < 0)
			return -1;
	}
}

/* What stands between the quotes is put into *out, without quoted pairs. */
static int
read_quoted(struct input *in, struct span *out)
{
	char *text = arena_alloc(in->arena, in->text.len - in->at + 1);
	size_t len = 0, n;

	for (in->at++; !take(in, '"'); in->at += n) {
		if (take(in, '\\') && content_length(in, in->at) == 0)
			return fail(in, "a quoted pair");
		n = content_length(in, in->at);
		if (n == 0)
			return fail(in, "a character of a quoted string");
		memcpy(text + len, in->text.p + in->at, n);
		len += n;
	}
	*out = span_n(text, len);
	return 0;
}

static struct span
read_while(struct input *in, bool (*fits)(struct span, bool), bool utf8)
{
	size_t begin = in->at, n;

	while ((n = content_length(in, in->at)) > 0 &&
	    (peek(in) == '.' || fits(span_n(in->text.p + in->at, n), utf8)))
		in->at += n;
	return since(in, begin);
}

static bool
is_token(struct span text, bool utf8)
{
	(void)utf8;
	return text_is_token(text);
}

/* value = token / quoted-string */
static int
read_value(struct input *in, const char *what, struct span *out)
{
	if (peek(in) == '"')
		return read_quoted(in, out);
	*out = read_while(in, is_token, false);
	return out->len > 0 ? 0 : fail(in, what);
}

/* The domain behind the "@", which was taken. */
static int
read_domain(struct input *in)
{
	size_t begin = in->at;
	struct span domain;

	read_while(in, text_is_dot_atom, true);
	domain = since(in, begin);
	if (!text_is_dot_atom(domain, true) ||
	    memchr(domain.p, '.', domain.len) == NULL)
		return fail(in, "a domain");
	return 0;
}

/* pvalue = value / [ [ local-part ] "@" ] domain-name */
static int
read_pvalue(struct input *in, struct span *out)
{
	size_t begin = in->at;
	struct span local;

	if (peek(in) == '"') {
		if (read_quoted(in, out) < 0)
			return -1;
		if (!take(in, '@'))
			return 0;
	} else {
		local = read_while(in, text_is_dot_atom, true);
		if (!take(in, '@')) {
			in->at = begin;
			return read_value(in, "a value", out);
		}
		if (local.len > 0 && !text_is_dot_atom(local, true))
			return fail(in, "a local part");
	}
	if (read_domain(in) < 0)
		return -1;
	*out = since(in, begin);
	return 0;
}

static bool
is_keyword(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
	    (c >= '0' && c <= '9') || c == '-' || c == '_';
}

/* RFC 5321 4.1.2, and the underscore that some have. */
static int
read_keyword(struct input *in, const char *what, struct span *out)
{
	size_t begin = in->at, i;
	char *text;

	while (is_keyword(peek(in)))
		in->at++;
	text = arena_copy(in->arena, since(in, begin));
	*out = span_z(text);
	for (i = 0; i < out->len; i++)
		if (text[i] >= 'A' && text[i] <= 'Z')
			text[i] += 'a' - 'A';
	return out->len > 0 ? 0 : fail(in, what);
}

static int
expect(struct input *in, char c, const char *what)
{
	if (skip_cfws(in) < 0)
		return -1;
	if (!take(in, c))
		return fail(in, what);
	return skip_cfws(in);
}

static bool
next_is(struct input *in, const char *word)
{
	struct span rest = span_n(in->text.p + in->at,
	    in->text.len - in->at);
	size_t len = strlen(word);

	return span_starts_nocase(rest, word) &&
	    (rest.len == len || !is_keyword(rest.p[len]));
}

static int
read_reason(struct input *in, struct authres_read_result *r)
{
	if (!next_is(in, "reason"))
		return 0;
	in->at += strlen("reason");
	if (expect(in, '=', "\"=\"") < 0 ||
	    read_value(in, "a reason", &r->reason) < 0)
		return -1;
	return skip_cfws(in);
}

/* ptype "." property "=" pvalue */
static int
read_property(struct input *in, struct authres_read_property *p)
{
	struct span ptype, property;

	if (read_keyword(in, "a property type", &ptype) < 0 ||
	    expect(in, '.', "\".\"") < 0 ||
	    read_keyword(in, "a property", &property) < 0 ||
	    expect(in, '=', "\"=\"") < 0 ||
	    read_pvalue(in, &p->value) < 0)
		return -1;
	p->name = span_z(arena_printf(in->arena, "%.*s.%.*s",
	    SPAN_ARG(ptype), SPAN_ARG(property)));
	return skip_cfws(in);
}

/* A resinfo behind its ";". */
static int
read_result(struct input *in, struct authres_read_result *r)
{
	struct span version;

	if (read_keyword(in, "a method", &r->method) < 0 || skip_cfws(in) < 0)
		return -1;
	if (take(in, '/') && (skip_cfws(in) < 0 ||
	    read_keyword(in, "a version", &version) < 0))
		return -1;
	if (expect(in, '=', "\"=\"") < 0 ||
	    read_keyword(in, "a result", &r->result) < 0)
		return -1;
	in->comment = span_n(in->text.p, 0);
	if (skip_cfws(in) < 0)
		return -1;
	r->comment = in->comment;
	if (read_reason(in, r) < 0)
		return -1;
	r->properties = in->free;
	while (is_keyword(peek(in)))
		if (read_property(in, in->free++) < 0)
			return -1;
	r->nproperties = (size_t)(in->free - r->properties);
	return 0;
}

static int
read_results(struct input *in, struct authres_read *out)
{
	/* no more of them than there are octets to name them */
	out->results = arena_new_n(in->arena, in->text.len + 1,
	    struct authres_read_result);
	in->free = arena_new_n(in->arena, in->text.len + 1,
	    struct authres_read_property);
	do {
		if (expect(in, ';', "\";\"") < 0)
			return -1;
		if (out->n == 0 && next_is(in, "none")) {
			in->at += strlen("none");
			if (skip_cfws(in) < 0)
				return -1;
			break;
		}
		if (read_result(in, &out->results[out->n++]) < 0)
			return -1;
	} while (in->at < in->text.len);
	return in->at == in->text.len ? 0 : fail(in, "the end");
}

int
authres_read(struct arena *a, struct span value, struct authres_read *out,
    struct err *err)
{
	struct input in = { .arena = a, .text = value, .err = err };

	*out = (struct authres_read){0};
	if (skip_cfws(&in) < 0 ||
	    read_value(&in, "an authserv-id", &out->authserv_id) < 0 ||
	    skip_cfws(&in) < 0)
		return -1;
	while (peek(&in) >= '0' && peek(&in) <= '9')
		in.at++;
	return read_results(&in, out);
}
