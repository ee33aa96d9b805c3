#include <stdio.h>
#include <string.h>

#include "base/idn.h"
#include "base/utf8.h"
#include "policy/address.h"
#include "policy/author.h"
#include "policy/mailbox.h"

#define NAME_LONGEST	253	/* RFC 1035 3.1, as text */

/* The first fault is the one that is told. */
static void
set_fault(struct arena *a, struct author *out, const char *text)
{
	if (out->fault == NULL)
		out->fault = arena_strdup(a, text);
}

/* 192.0.2.1 is no domain: no top level is all digits (RFC 3696 2). */
static bool
is_name(const char *domain)
{
	const char *dot = strrchr(domain, '.');
	const char *top = dot == NULL ? domain : dot + 1;

	return strlen(domain) <= NAME_LONGEST &&
	    domain_is_valid(span_z(domain), false) &&
	    top[strspn(top, "0123456789")] != '\0';
}

/* -1: that is none. */
static int
add_domain(struct arena *a, struct author *out, struct span text)
{
	const char *domain;
	struct err err;
	size_t i;

	if (!utf8_is_ascii(text) && out->nconverted++ >= AUTHOR_CONVERTED) {
		set_fault(a, out, "too many author domains");
		return 0;
	}
	if (idn_to_ascii(a, text, &domain, &err) < 0 || !is_name(domain))
		return -1;
	for (i = 0; i < out->ndomains; i++)
		if (strcmp(out->domains[i], domain) == 0)
			return 0;
	if (out->ndomains < AUTHOR_DOMAINS)
		out->domains[out->ndomains++] = domain;
	else
		set_fault(a, out, "too many author domains");
	return 0;
}

static void
add_mailbox(struct arena *a, struct author *out, const struct mailbox *m)
{
	struct span domain = span_z(m->domain);

	if (m->is_literal)
		set_fault(a, out, "an address literal has no domain");
	else if (add_domain(a, out, domain) < 0)
		set_fault(a, out, "an address whose domain is no name");
}

/* --- what a malformed field might be read as --- */

static bool
is_domain_octet(unsigned char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
	    (c >= '0' && c <= '9') || c >= 0x80 || c == '-' || c == '_' ||
	    c == '.';
}

/* Where the quoted string that begins at `at` ends; 0: nowhere. */
static size_t
quoted_end(struct span text, size_t at)
{
	while (++at < text.len)
		if (text.p[at] == '"')
			return at;
		else if (text.p[at] == '\\')
			at++;
	return 0;
}

/* What stands behind each @ that is not quoted. */
static void
guess_domains(struct arena *a, struct author *out, struct span text)
{
	bool may_close = true;
	size_t at, end, ats = 0;

	for (at = 0; at < text.len && ats < AUTHOR_ADDRESSES; at++) {
		if (text.p[at] == '"' && may_close) {
			end = quoted_end(text, at);
			may_close = end > 0;
			at = may_close ? end : at;
		}
		if (text.p[at] != '@')
			continue;
		ats++;
		while (at + 1 < text.len && text.p[at + 1] == ' ')
			at++;
		end = at + 1;
		while (end < text.len &&
		    is_domain_octet((unsigned char)text.p[end]))
			end++;
		add_domain(a, out, span_n(text.p + at + 1, end - at - 1));
	}
}

/* --- the fields --- */

static void
parse_field(struct arena *a, struct author *out, struct span value)
{
	struct mailbox_list list;
	struct mailbox box;
	struct err err;
	int r;

	r = mailbox_list_begin(value, &list, &err);
	while (r == 0 && (r = mailbox_next(&list, &box, &err)) > 0) {
		if (out->naddresses == AUTHOR_ADDRESSES) {
			set_fault(a, out, "too many addresses");
			return;
		}
		out->naddresses++;
		add_mailbox(a, out, &box);
		r = 0;
	}
	if (r < 0) {
		set_fault(a, out, err.text);
		guess_domains(a, out, value);
	}
}

void
author_parse(struct arena *a, const struct span *fields, size_t n,
    struct author *out)
{
	size_t i;

	*out = (struct author){ .nfields = n };
	if (n == 0)
		out->fault = "no From field";
	else if (n > 1)
		out->fault = arena_printf(a, "%zu From fields", n);
	for (i = 0; i < n && out->naddresses < AUTHOR_ADDRESSES; i++)
		parse_field(a, out, fields[i]);
	if (out->ndomains == 0)
		set_fault(a, out, "no address");
	else if (out->ndomains > 1)
		set_fault(a, out, arena_printf(a, "%zu author domains",
		    out->ndomains));
	if (out->fault == NULL)
		out->domain = out->domains[0];
}

/*
 * " From: x" as the first line, or a name with blanks or controls in it: we
 * read no field there, but somebody behind us may. Then *value is its value.
 */
static bool
looks_like_from(const struct field *f, struct span *value)
{
	struct span rest = f->whole, name;
	char letters[5];
	size_t i, n = 0;

	if (f->name.len > 0)
		return false;
	name = span_until(&rest, ':');
	for (i = 0; i < name.len && n < sizeof(letters); i++)
		if (name.p[i] > ' ' && name.p[i] < 0x7f)
			letters[n++] = name.p[i];
	*value = rest;
	return span_is_nocase(span_n(letters, n), "From");
}

/* RFC 5322 4.5.2 knows blanks there, and no fold: readers differ. */
static bool
has_folded_name(const struct field *f)
{
	const char *behind = f->name.p + f->name.len;

	return memchr(behind, '\n', (size_t)(f->value.p - behind)) != NULL;
}

void
author_find(struct arena *a, const struct fields *header, struct author *out)
{
	struct span *values, value;
	const char *fault = NULL;
	const struct field *f;
	size_t n = 0, i;

	values = arena_new_n(a, header->n + 1, struct span);
	for (i = 0; i < header->n; i++) {
		f = &header->list[i];
		if (span_is_nocase(f->name, "From")) {
			values[n++] = f->value;
			if (has_folded_name(f))
				fault = "a From field whose name is folded";
		} else if (looks_like_from(f, &value)) {
			values[n++] = value;
			fault = "a line that may be taken for a From field";
		}
	}
	author_parse(a, values, n, out);
	if (fault != NULL) {
		out->domain = NULL;
		set_fault(a, out, fault);
	}
}
