#include <string.h>

#include "filters/tags.h"

static bool
is_space(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

static bool
is_letter(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static bool
is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static struct span
trim(struct span s)
{
	while (s.len > 0 && is_space(s.p[s.len - 1]))
		s.len--;
	while (s.len > 0 && is_space(s.p[0])) {
		s.p++;
		s.len--;
	}
	return s;
}

/* ALPHA *(ALPHA / DIGIT / "_") */
static bool
is_name(struct span s)
{
	if (s.len == 0 || !is_letter(s.p[0]))
		return false;
	for (size_t i = 1; i < s.len; i++)
		if (!is_letter(s.p[i]) && !is_digit(s.p[i]) && s.p[i] != '_')
			return false;
	return true;
}

static bool
is_value(struct span s)
{
	for (size_t i = 0; i < s.len; i++)
		if (((unsigned char)s.p[i] < ' ' && !is_space(s.p[i])) ||
		    s.p[i] == 0x7f)
			return false;
	return true;
}

static int
read_tag(struct span text, struct tag *tag, struct err *err)
{
	struct span rest = text;

	if (trim(text).len == 0)
		return err_set(err, ERR_SYNTAX, "an empty tag");
	if (memchr(text.p, '=', text.len) == NULL)
		return err_set(err, ERR_SYNTAX, "a tag without \"=\"");
	tag->name = trim(span_until(&rest, '='));
	tag->raw = rest;
	tag->value = trim(rest);
	if (!is_name(tag->name))
		return err_set(err, ERR_SYNTAX, "a tag whose name is invalid");
	if (!is_value(tag->value))
		return err_set(err, ERR_SYNTAX,
		    "a control character in tag \"%.*s\"",
		    SPAN_ARG(tag->name));
	return 0;
}

static const struct tag *
find(const struct tags *tags, struct span name)
{
	for (size_t i = 0; i < tags->n; i++)
		if (span_eq(tags->list[i].name, name))
			return &tags->list[i];
	return NULL;
}

int
tags_parse(struct arena *a, struct span text, struct tags *out,
    struct err *err)
{
	struct tag list[TAGS_MOST];

	*out = (struct tags){ list, 0 };
	do {
		if (out->n == TAGS_MOST)
			return err_set(err, ERR_SYNTAX, "more than %d tags",
			    TAGS_MOST);
		if (read_tag(span_until(&text, ';'), &list[out->n], err) < 0)
			return -1;
		if (find(out, list[out->n].name) != NULL)
			return err_set(err, ERR_SYNTAX,
			    "tag \"%.*s\" is there twice",
			    SPAN_ARG(list[out->n].name));
		out->n++;
	} while (trim(text).len > 0);
	out->list = arena_new_n(a, out->n, struct tag);
	memcpy(out->list, list, out->n * sizeof(*list));
	return 0;
}

const struct tag *
tags_find(const struct tags *tags, const char *name)
{
	return find(tags, span_z(name));
}

bool
tags_item(struct span *list, struct span *item)
{
	const char *colon;

	if (list->p == NULL)
		return false;
	colon = memchr(list->p, ':', list->len);
	*item = trim(span_until(list, ':'));
	if (colon == NULL)
		*list = span_n(NULL, 0);
	return true;
}

bool
tags_has(struct span list, const char *word)
{
	struct span item;

	while (tags_item(&list, &item))
		if (span_is_nocase(item, word))
			return true;
	return false;
}

/* --- base64 (RFC 4648 4) --- */

static int
sextet(char c)
{
	if (c >= 'A' && c <= 'Z')
		return c - 'A';
	if (c >= 'a' && c <= 'z')
		return c - 'a' + 26;
	if (c >= '0' && c <= '9')
		return c - '0' + 52;
	if (c == '+')
		return 62;
	return c == '/' ? 63 : -1;
}

/* What stands behind the digits: at most two "=". */
static bool
is_padding(struct span s)
{
	int n = 0;

	for (size_t i = 0; i < s.len; i++)
		if (s.p[i] == '=')
			n++;
		else if (!is_space(s.p[i]))
			return false;
	return n <= 2;
}

int
tags_base64(struct arena *a, struct span value, struct span *out)
{
	char *to = arena_alloc(a, value.len / 4 * 3 + 3);
	unsigned bits = 0, kept = 0;
	size_t n = 0, i, digits = 0;
	int six;

	for (i = 0; i < value.len; i++) {
		if (is_space(value.p[i]))
			continue;
		six = sextet(value.p[i]);
		if (six < 0)
			break;
		digits++;
		bits = bits << 6 | (unsigned)six;
		kept += 6;
		if (kept >= 8) {
			kept -= 8;
			to[n++] = (char)(bits >> kept);
			bits &= (1U << kept) - 1;
		}
	}
	if (digits % 4 == 1 ||
	    !is_padding(span_n(value.p + i, value.len - i)))
		return -1;
	*out = span_n(to, n);
	return 0;
}
