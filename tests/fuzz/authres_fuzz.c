#include <assert.h>
#include <stdint.h>
#include <string.h>

#include "base/buf.h"
#include "base/idn.h"
#include "base/utf8.h"
#include "filters/authres.h"
#include "filters/received_spf.h"
#include "policy/fields.h"
#include "tests/kit/authres_read.h"

/*
 * Any octets as the values of results (each begins with an octet that says
 * what it is and where): the field is one field, its lines are short enough,
 * a strict reader finds the results that were written and no other, and every
 * value that needs no octet replaced is the same again.
 */
int	LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define ENTRIES 4

static const char *const methods[] = { "spf", "dkim", "dmarc", "iprev" };
static const char *const names[] = { "smtp.mailfrom", "header.d", "header.i",
    "policy.iprev", "header.b", "header.from", "header.s", "smtp.helo" };

static void
give(struct authres_entry *e, unsigned what, struct span value)
{
	switch (what & 7) {
	case 6:
		e->comment = value;
		break;
	case 7:
		e->reason = value;
		break;
	default:
		if (e->nproperties < AUTHRES_PROPERTIES)
			authres_add(e, names[e->nproperties],
			    (enum authres_kind)((what & 7) % 3), value);
	}
}

static void
make(struct authres *r, struct span in)
{
	struct span value;
	unsigned what;

	r->utf8 = in.len > 0 && (in.p[0] & 1);
	while (in.len > 0) {
		value = span_until(&in, '\n');
		if (value.len == 0)
			continue;
		what = (unsigned char)value.p[0];
		give(&r->entries[(what >> 3) % ENTRIES], what,
		    span_n(value.p + 1, value.len - 1));
	}
}

static void
check_lines(struct span text, bool utf8)
{
	struct span line;
	size_t i;

	assert(text.len > 2 && memcmp(text.p + text.len - 2, "\r\n", 2) == 0);
	assert(utf8 || utf8_is_ascii(text));
	while (text.len > 0) {
		line = span_until(&text, '\n');
		assert(line.len <= 999 && line.p[line.len - 1] == '\r');
		for (i = 0; i + 1 < line.len; i++)
			assert(!utf8_is_control(span_n(line.p + i, 1)) ||
			    (i == 0 && line.p[0] == '\t'));
		assert(text.len == 0 || text.p[0] == '\t');
		assert(line.len > 2);	/* no line of blanks */
	}
}

static bool
is_plain(struct span value, bool utf8)
{
	return utf8_is_printable(value) && (utf8 || utf8_is_ascii(value));
}

static bool
is_same(struct arena *a, const struct authres_property *want,
    struct span got)
{
	const char *ascii;
	struct err err;

	if (span_eq(want->value, got))
		return true;
	/* Domains lose case and final dot, local parts are quoted anew: that
	 * is for authres_test. */
	if (want->kind == AUTHRES_MAILBOX &&
	    memchr(want->value.p, '@', want->value.len) != NULL)
		return true;
	return want->kind != AUTHRES_TEXT &&
	    idn_to_ascii(a, want->value, &ascii, &err) == 0 &&
	    span_is(got, ascii);
}

static void
check_property(struct arena *a, const struct authres_property *want,
    const struct authres_read_result *got, bool utf8)
{
	size_t i;

	for (i = 0; i < got->nproperties; i++)
		if (span_is(got->properties[i].name, want->name))
			break;
	if (want->value.len > AUTHRES_VALUE_MAX) {
		assert(i == got->nproperties);
		return;
	}
	assert(i < got->nproperties);
	assert(!is_plain(want->value, utf8) ||
	    is_same(a, want, got->properties[i].value));
}

static void
check_results(struct arena *a, const struct authres *r,
    const struct authres_read *got)
{
	const struct authres_entry *e;
	size_t i, k, n;

	assert(span_is(got->authserv_id, r->authserv_id) && got->n == r->n);
	for (i = 0; i < r->n; i++) {
		e = &r->entries[i];
		assert(span_is(got->results[i].method, e->method));
		assert(span_is(got->results[i].result, e->result));
		for (k = n = 0; k < e->nproperties; k++) {
			n += e->properties[k].value.len <= AUTHRES_VALUE_MAX;
			check_property(a, &e->properties[k], &got->results[i],
			    r->utf8);
		}
		assert(got->results[i].nproperties == n);
		if (e->reason.len <= AUTHRES_VALUE_MAX &&
		    is_plain(e->reason, r->utf8))
			assert(span_eq(got->results[i].reason, e->reason));
	}
}

static void
check_authres(struct arena *a, const struct authres *r)
{
	struct authres_read got;
	struct buf out = {0};
	struct fields h;
	struct err err;

	authres_write(a, &out, r);
	check_lines(buf_text(&out), r->utf8);
	fields_parse(a, buf_text(&out), &h);
	assert(h.n == 1 && h.size == out.len);
	assert(span_is(h.list[0].name, "Authentication-Results"));
	assert(authres_read(a, h.list[0].value, &got, &err) == 0);
	check_results(a, r, &got);
	buf_free(&out);
}

static void
check_received_spf(struct arena *a, const struct authres_entry *e, bool utf8)
{
	struct received_spf r = { .result = "fail", .identity = "helo",
	    .comment = e->comment, .problem = e->reason, .utf8 = utf8,
	    .helo = e->properties[0].value,
	    .envelope_from = e->properties[1].value,
	    .mechanism = e->properties[2].value };
	struct buf out = {0};

	received_spf_write(a, &out, &r);
	check_lines(buf_text(&out), utf8);
	buf_free(&out);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct authres_entry entries[ENTRIES] = {0};
	struct authres r = { "mx.gw.example", false, entries, ENTRIES };
	struct arena *a = arena_create("fuzz");
	size_t i;

	for (i = 0; i < ENTRIES; i++) {
		entries[i].method = methods[i];
		entries[i].result = "pass";
	}
	make(&r, span_n(data, size));
	check_authres(a, &r);
	check_received_spf(a, &entries[0], r.utf8);
	arena_destroy(&a);
	return 0;
}
