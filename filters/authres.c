#include <assert.h>
#include <string.h>

#include "base/idn.h"
#include "filters/authres.h"
#include "policy/address.h"
#include "policy/field_writer.h"

/* A value as it goes into the field. */
struct shown {
	struct span	text;		/* .p NULL: left out */
	bool		is_quoted;	/* a quoted string and nothing else */
};

/* --- values (RFC 8601 2.2: pvalue) --- */

static struct shown
show_text(struct arena *a, struct span value, bool utf8)
{
	if (text_is_token(value))
		return (struct shown){ value, false };
	return (struct shown){ text_quoted(a, value, utf8), true };
}

/* As A-labels; "" if it is no name. */
static struct span
to_ascii(struct arena *a, struct span domain)
{
	const char *text;
	struct err err;

	if (idn_to_ascii(a, domain, &text, &err) < 0 ||
	    !domain_is_valid(span_z(text), false))
		return SPAN_LIT("");
	return span_z(text);
}

static struct shown
show_domain(struct arena *a, struct span value, bool utf8)
{
	struct span name = to_ascii(a, value);

	if (name.len == 0)
		return show_text(a, value, utf8);
	return (struct shown){ name, false };
}

/* RFC 6376 3.5: at least two labels, no underscore, no hyphen at an end. Only
 * such a domain may stand behind an "@". */
static bool
is_domain_name(struct span domain)
{
	struct span label;
	size_t n = 0;

	if (domain.len == 0 || memchr(domain.p, '_', domain.len) != NULL)
		return false;
	for (; domain.len > 0; n++) {
		label = span_until(&domain, '.');
		if (label.p[0] == '-' || label.p[label.len - 1] == '-')
			return false;
	}
	return n >= 2;
}

/* What a local part says, its quotes and quoted pairs undone. */
static struct span
unquote(struct arena *a, struct span local)
{
	char *out;
	size_t i, len = 0;

	if (local.len < 2 || local.p[0] != '"' ||
	    local.p[local.len - 1] != '"')
		return local;
	out = arena_alloc(a, local.len);
	for (i = 1; i < local.len - 1; i++) {
		if (local.p[i] == '\\' && i + 1 < local.len - 1)
			i++;
		out[len++] = local.p[i];
	}
	return span_n(out, len);
}

static struct span
join(struct arena *a, struct span local, struct span domain)
{
	char *out = arena_alloc(a, local.len + 1 + domain.len);

	if (local.len > 0)
		memcpy(out, local.p, local.len);
	out[local.len] = '@';
	memcpy(out + local.len + 1, domain.p, domain.len);
	return span_n(out, local.len + 1 + domain.len);
}

static struct shown
show_mailbox(struct arena *a, struct span value, bool utf8)
{
	const char *at = value.len == 0 ? NULL :
	    memrchr(value.p, '@', value.len);
	struct span local, domain, plain;

	if (at == NULL)
		return show_domain(a, value, utf8);
	local = span_n(value.p, (size_t)(at - value.p));
	domain = to_ascii(a, span_n(at + 1, value.len - local.len - 1));
	plain = unquote(a, local);
	if (!is_domain_name(domain) || !text_is_quotable(plain, utf8))
		return (struct shown){ text_quoted(a, value, utf8), true };
	if (local.len > 0 && !text_is_dot_atom(local, utf8))
		local = text_quoted(a, plain, utf8);
	return (struct shown){ join(a, local, domain), false };
}

static struct shown
show(struct arena *a, const struct authres_property *p, bool utf8)
{
	if (p->value.len > AUTHRES_VALUE_MAX)
		return (struct shown){ { NULL, 0 }, false };
	switch (p->kind) {
	case AUTHRES_DOMAIN:
		return show_domain(a, p->value, utf8);
	case AUTHRES_MAILBOX:
		return show_mailbox(a, p->value, utf8);
	default:
		return show_text(a, p->value, utf8);
	}
}

/* --- the field --- */

/* name=value, as one word. */
static void
put(struct arena *a, struct field_writer *w, const char *name,
    struct span value)
{
	field_word(w, span_z(arena_printf(a, "%s=%.*s", name,
	    SPAN_ARG(value))));
}

static void
put_properties(struct arena *a, struct field_writer *w,
    const struct authres_entry *e)
{
	struct shown s[AUTHRES_PROPERTIES];
	size_t i;
	int quoted;

	assert(e->nproperties <= AUTHRES_PROPERTIES);
	for (i = 0; i < e->nproperties; i++)
		s[i] = show(a, &e->properties[i], w->utf8);
	for (quoted = 0; quoted < 2; quoted++)
		for (i = 0; i < e->nproperties; i++)
			if (s[i].text.p != NULL && s[i].is_quoted == quoted)
				put(a, w, e->properties[i].name, s[i].text);
}

static struct span
cut(struct span reason)
{
	if (reason.len > AUTHRES_VALUE_MAX)
		reason.len = AUTHRES_VALUE_MAX;
	return reason;
}

static void
put_entry(struct arena *a, struct field_writer *w,
    const struct authres_entry *e)
{
	buf_puts(w->out, ";");
	field_fold(w);
	put(a, w, e->method, span_z(e->result));
	field_comment(w, e->comment);
	if (e->reason.len > 0)
		put(a, w, "reason",
		    text_quoted(a, cut(e->reason), w->utf8));
	put_properties(a, w, e);
}

void
authres_write(struct arena *a, struct buf *out, const struct authres *r)
{
	struct field_writer w;
	size_t i;

	field_begin(&w, out, "Authentication-Results", r->utf8);
	field_word(&w, show_domain(a, span_z(r->authserv_id), r->utf8).text);
	for (i = 0; i < r->n; i++)
		put_entry(a, &w, &r->entries[i]);
	if (r->n == 0)
		buf_puts(out, "; none");
	field_end(&w);
}

void
authres_add(struct authres_entry *e, const char *name, enum authres_kind kind,
    struct span value)
{
	if (value.len == 0)
		return;
	assert(e->nproperties < AUTHRES_PROPERTIES);
	e->properties[e->nproperties++] =
	    (struct authres_property){ name, kind, value };
}
