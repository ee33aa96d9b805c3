#include <string.h>

#include "policy/fields.h"

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

/* RFC 5322 2.2: printable ASCII but ":". */
static bool
is_ftext(char c)
{
	return c > ' ' && c < 0x7f && c != ':';
}

/* The octets up to and with the first CRLF; all, if there is none. */
static size_t
line_length(struct span text)
{
	const char *p = text.p, *end = text.p + text.len, *lf;

	while ((lf = memchr(p, '\n', (size_t)(end - p))) != NULL) {
		if (lf > text.p && lf[-1] == '\r')
			return (size_t)(lf + 1 - text.p);
		p = lf + 1;
	}
	return text.len;
}

/* The field at the front of a text that is not empty, with the lines that
 * continue it; 0: the empty line is there. */
static size_t
field_length(struct span text)
{
	size_t len = line_length(text);

	if (len == 2 && text.p[0] == '\r' && text.p[1] == '\n')
		return 0;
	while (len < text.len && is_blank(text.p[len]))
		len += line_length(span_n(text.p + len, text.len - len));
	return len;
}

static struct field
field_read(struct span whole, size_t offset)
{
	struct field f = { .whole = whole, .value = whole, .offset = offset };
	size_t len = whole.len, name, colon;

	if (len >= 2 && memcmp(whole.p + len - 2, "\r\n", 2) == 0)
		f.value.len = len -= 2;
	for (name = 0; name < len && is_ftext(whole.p[name]); name++)
		;
	for (colon = name; colon < len && (is_blank(whole.p[colon]) ||
	    is_line_end(whole.p[colon])); colon++)
		;
	f.name = span_n(whole.p, 0);
	if (name == 0 || colon == len || whole.p[colon] != ':')
		return f;
	f.name.len = name;
	f.value = span_n(whole.p + colon + 1, len - colon - 1);
	return f;
}

/* Walks the header; without a list it only counts. */
static void
walk(struct span text, struct fields *out)
{
	size_t len;

	out->n = out->size = 0;
	while (text.len > 0 && (len = field_length(text)) > 0) {
		if (out->list != NULL)
			out->list[out->n] =
			    field_read(span_n(text.p, len), out->size);
		out->n++;
		out->size += len;
		text = span_n(text.p + len, text.len - len);
	}
}

void
fields_parse(struct arena *a, struct span text, struct fields *out)
{
	out->list = NULL;
	walk(text, out);
	if (out->n == 0)
		return;
	out->list = arena_new_n(a, out->n, struct field);
	walk(text, out);
}

const struct field *
fields_find_n(const struct fields *h, struct span name,
    const struct field *after)
{
	size_t i = after == NULL ? 0 : (size_t)(after - h->list) + 1;

	for (; i < h->n; i++)
		if (h->list[i].name.len == name.len &&
		    span_eq_nocase(h->list[i].name, name))
			return &h->list[i];
	return NULL;
}

size_t
fields_count_n(const struct fields *h, struct span name)
{
	const struct field *f;
	size_t n = 0;

	for (f = fields_find_n(h, name, NULL); f != NULL;
	    f = fields_find_n(h, name, f))
		n++;
	return n;
}

struct span
field_unfold(struct arena *a, const struct field *f)
{
	struct span in = f->value;
	size_t len = 0;
	char *out;

	if (in.len == 0 || (memchr(in.p, '\r', in.len) == NULL &&
	    memchr(in.p, '\n', in.len) == NULL))
		return span_trim(in);
	out = arena_alloc(a, in.len);
	for (size_t i = 0; i < in.len; i++) {
		if (i + 2 < in.len && memcmp(in.p + i, "\r\n", 2) == 0 &&
		    is_blank(in.p[i + 2]))
			i++;
		else
			out[len++] = is_line_end(in.p[i]) ? ' ' : in.p[i];
	}
	return span_trim(span_n(out, len));
}

bool
field_name_is_valid(struct span name)
{
	for (size_t i = 0; i < name.len; i++)
		if (!is_ftext(name.p[i]))
			return false;
	return name.len > 0 && name.len <= FIELD_NAME_MAX;
}
