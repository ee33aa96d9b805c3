#include <string.h>

#include "filters/received_spf.h"
#include "policy/field_writer.h"

struct pair {
	const char	*key;
	struct span	 value;
};

/* Readers that take the quote behind a backslash for a part of the string are
 * common, whatever stands in front of the backslash. */
static struct span
without_backslashes(struct arena *a, struct span value)
{
	char *text = arena_copy(a, value), *p = text;

	while ((p = memchr(p, '\\', value.len - (size_t)(p - text))) != NULL)
		*p = '?';
	return span_n(text, value.len);
}

static void
put(struct arena *a, struct field_writer *w, const struct pair *p)
{
	struct span value = p->value;

	if (!text_is_dot_atom(value, false))
		value = text_quoted(a, without_backslashes(a, value),
		    w->utf8);
	field_word(w, span_z(arena_printf(a, "%s=%.*s", p->key,
	    SPAN_ARG(value))));
}

void
received_spf_write(struct arena *a, struct buf *out,
    const struct received_spf *r)
{
	const struct pair pairs[] = {
		{ "receiver", r->receiver },
		{ "client-ip", r->client_ip },
		{ "envelope-from", r->envelope_from },
		{ "helo", r->helo },
		{ "identity", span_z(r->identity) },
		{ "mechanism", r->mechanism },
		{ "problem", r->problem },
	};
	struct field_writer w;
	size_t i, n = 0;

	field_begin(&w, out, "Received-SPF", r->utf8);
	field_word(&w, span_z(r->result));
	field_comment(&w, r->comment);
	for (i = 0; i < sizeof(pairs) / sizeof(pairs[0]); i++) {
		if (pairs[i].value.len == 0 ||
		    pairs[i].value.len > RECEIVED_SPF_VALUE_MAX)
			continue;
		if (n++ > 0)
			buf_puts(out, ";");
		put(a, &w, &pairs[i]);
	}
	field_end(&w);
}
