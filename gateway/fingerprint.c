#include "base/buf.h"
#include "gateway/fingerprint.h"
#include "policy/fields.h"

struct fingerprint {
	struct arena	*arena;
	struct digest	*body;
	struct buf	 header;	/* until it is over */
	bool		 is_over;
};

static void
drop(void *arg)
{
	struct fingerprint *f = arg;

	digest_drop(&f->body);
	buf_free(&f->header);
}

struct fingerprint *
fingerprint_begin(struct arena *a)
{
	struct fingerprint *f = arena_new(a, struct fingerprint);

	f->arena = a;
	f->body = digest_begin();
	arena_defer(a, drop, f);
	return f;
}

/* Of a message without a header all is body, what was gathered too. */
static void
header_is_over(struct fingerprint *f, const struct header_scan *scan)
{
	f->is_over = true;
	if (!scan->is_headless)
		return;
	digest_add(f->body, buf_text(&f->header));
	buf_clear(&f->header);
}

void
fingerprint_feed(struct fingerprint *f, const struct header_scan *scan,
    struct span run)
{
	size_t n = run.len;

	if (!f->is_over) {
		if (scan->done)
			n = scan->is_headless ? 0 :
			    (size_t)(scan->size - f->header.len);
		buf_put(&f->header, run.p, n);
		if (!scan->done)
			return;
		header_is_over(f, scan);
		run = span_n(run.p + n, run.len - n);
	}
	digest_add(f->body, run);
}

/* --- the header --- */

/* What a machine that hands it on may add, another one at each try. */
static bool
is_of_the_way(const struct field *field)
{
	static const char *const names[] = { "Received", "Received-SPF",
	    "Return-Path", "Delivered-To", "DKIM-Signature",
	    "DomainKey-Signature", "Authentication-Results" };

	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
		if (span_is_nocase(field->name, names[i]))
			return true;
	return span_starts_nocase(field->name, "ARC-") ||
	    span_starts_nocase(field->name, "X-");
}

/* False: nothing in it is of this message alone. */
static bool
add_header(struct fingerprint *f, struct digest *d)
{
	struct fields header;

	fields_parse(f->arena, buf_text(&f->header), &header);
	if (fields_find(&header, "Message-ID", NULL) == NULL) {
		digest_add(d, SPAN_LIT("all\n"));
		digest_add(d, buf_text(&f->header));
		return fields_find(&header, "Date", NULL) != NULL ||
		    fields_find(&header, "Received", NULL) != NULL;
	}
	digest_add(d, SPAN_LIT("some\n"));
	for (size_t i = 0; i < header.n; i++)
		if (!is_of_the_way(&header.list[i]))
			digest_add(d, header.list[i].whole);
	return true;
}

bool
fingerprint_end(struct fingerprint *f, const struct header_scan *scan,
    uint8_t print[DIGEST_SIZE])
{
	uint8_t body[DIGEST_SIZE];
	struct digest *d = digest_begin();
	bool is_one;

	if (!f->is_over)		/* the empty line never came */
		header_is_over(f, scan);
	digest_end(&f->body, body);
	digest_add(d, span_n((const char *)body, sizeof(body)));
	is_one = add_header(f, d);
	digest_end(&d, print);
	buf_free(&f->header);
	return is_one;
}
