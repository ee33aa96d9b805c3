#include <string.h>

#include "base/idn.h"
#include "base/utf8.h"
#include "filters/authres_id.h"

static const char *
to_ascii(struct arena *a, struct span name)
{
	const char *text;
	struct err err;

	return idn_to_ascii(a, name, &text, &err) < 0 ? NULL : text;
}

struct authres_ids
authres_ids_make(struct arena *a, const char *const *names, size_t n)
{
	struct authres_ids ids = { .names = arena_new_n(a, n, const char *) };
	const char *text;
	size_t i;

	for (i = 0; i < n; i++) {
		text = to_ascii(a, span_z(names[i]));
		if (text != NULL && *text != '\0')
			ids.names[ids.n++] = text;
	}
	return ids;
}

static bool
is_listed(const struct authres_ids *ids, struct span name)
{
	size_t i;

	while (name.len > 0 && name.p[name.len - 1] == '.')
		name.len--;
	for (i = 0; i < ids->n; i++)
		if (span_is_nocase(name, ids->names[i]))
			return true;
	return false;
}

static bool
is_utf8(struct span text)
{
	size_t n;

	for (; text.len > 0; text = span_n(text.p + n, text.len - n))
		if ((n = utf8_char(text)) == 0)
			return false;
	return true;
}

static struct span
from_latin1(struct arena *a, struct span name)
{
	char *out = arena_alloc(a, 2 * name.len);
	unsigned char c;
	size_t i, len = 0;

	for (i = 0; i < name.len; i++) {
		c = (unsigned char)name.p[i];
		if (c >= 0x80)
			out[len++] = (char)(0xc0 | c >> 6);
		out[len++] = (char)(c < 0x80 ? c : 0x80 | (c & 0x3f));
	}
	return span_n(out, len);
}

bool
authres_id_is_ours(struct arena *a, const struct authres_ids *ids,
    struct span name)
{
	const char *text;

	if (name.len == 0 || name.len > AUTHRES_ID_MAX)
		return false;
	if (utf8_is_ascii(name))
		return is_listed(ids, name);
	if (!is_utf8(name))
		name = from_latin1(a, name);
	text = to_ascii(a, name);
	return text != NULL && is_listed(ids, span_z(text));
}
