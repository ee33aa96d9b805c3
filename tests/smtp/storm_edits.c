#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "tests/smtp/stage.h"
#include "tests/smtp/storm.h"

#define EDITIONS	2000

static struct storm_edition editions[EDITIONS];
static size_t		 neditions;
static unsigned		 checked;	/* of all storms */

void
storm_edits_begin(void)
{
	neditions = 0;
}

unsigned
storm_edits_add(const struct storm_edition *e)
{
	if (neditions == EDITIONS)
		return 0;
	editions[neditions] = *e;
	return (unsigned)++neditions;
}

struct storm_edition *
storm_edits_at(unsigned serial)
{
	return serial == 0 || serial > neditions ? NULL :
	    &editions[serial - 1];
}

/* --- the message of a client --- */

#define BODY	"text\r\n.dots\r\n\r\nid %u\r\n"
#define WIRE	"text\r\n..dots\r\n\r\nid %u\r\n"

static const char header[] = "From: u@a.example\r\nSubject: spam\r\n"
    "Message-ID: <%u@a.example>\r\nX: ABC\r\nX-B: 1\r\n"
    "DKIM-Signature: v=1; a=rsa-sha256; d=a.example; "
    "s=k; h=from; bh=AAAA; b=AAAA\r\n\r\n" WIRE ".\r\n";

const char *
storm_message(unsigned id)
{
	return arena_printf(stage.arena, header, id, id);
}

struct span
storm_message_body(unsigned id)
{
	return span_z(arena_printf(stage.arena, BODY, id));
}

struct span
storm_edits_body(const unsigned *serials, size_t n)
{
	for (size_t i = n; i > 0; i--) {
		const struct storm_edition *e = storm_edits_at(serials[i - 1]);

		if (e != NULL && e->body.p != NULL)
			return e->body;
	}
	return storm_heard_message() == 0 ? (struct span){ 0 } :
	    storm_message_body(storm_heard_message());
}

/* --- addresses --- */

static bool
is_same(const char *a, const char *b)
{
	return strcasecmp(a, b) == 0;
}

static bool
has(const char (*list)[STORM_NAME], size_t n, const char *rcpt)
{
	for (size_t i = 0; i < n; i++)
		if (is_same(list[i], rcpt))
			return true;
	return false;
}

/* "changed.7@f.example" */
const char *
storm_edits_sender(const char *sender)
{
	const struct storm_edition *e;
	unsigned serial;

	if (sscanf(sender, "changed.%u@", &serial) != 1 ||
	    (e = storm_edits_at(serial)) == NULL)
		return sender;
	return e->sender[0] == '\0' ? "" : storm_edits_sender(e->sender);
}

bool
storm_edits_has_deleted(const char *rcpt, unsigned message)
{
	for (size_t i = 0; i < neditions; i++) {
		const struct storm_edition *e = &editions[i];

		bool is_of_it = message == 0 || e->message == 0 ||
		    e->message == message;

		if (is_of_it && has(e->deleted, e->ndeleted, rcpt))
			return true;
	}
	return false;
}

bool
storm_edits_is_added(const char *rcpt)
{
	return strncmp(rcpt, "added", 5) == 0;
}

/* --- a delivery --- */

static const char *
list(const struct storm_delivery *d)
{
	struct buf out = {0};
	const char *text;

	for (size_t i = 0; i < d->nserials; i++)
		buf_printf(&out, " %u", d->serials[i]);
	text = arena_copy(stage.arena, buf_text(&out));
	buf_free(&out);
	return text;
}

static bool
has_told(const struct storm_edition *e, const char *rcpt)
{
	struct span rest = e->told, line;

	while (rest.len > 0) {
		line = span_until(&rest, '\n');
		if (span_is_nocase(line, rcpt))
			return true;
	}
	return e->told.p == NULL;
}

/* He is to get the message, with these made of it. */
static bool
is_meant(const struct storm_delivery *d, const char *rcpt)
{
	bool is_in = storm_heard_has_rcpt(rcpt);

	for (size_t i = 0; i < d->nserials; i++) {
		const struct storm_edition *e = storm_edits_at(d->serials[i]);

		if (has(e->deleted, e->ndeleted, rcpt))
			is_in = false;
		if (has(e->added, e->nadded, rcpt))
			is_in = true;
	}
	return is_in;
}

static void
check_rcpts(const struct storm_delivery *d)
{
	for (size_t i = 0; i < d->nrcpts; i++) {
		const char *rcpt = d->rcpts[i];

		if (!is_meant(d, rcpt))
			problem("<%s> is not to get message %u with%s", rcpt,
			    storm_heard_message(), list(d));
		if (storm_edits_is_added(rcpt) && has(d->rcpts, i, rcpt))
			problem("<%s> is told twice, with%s", rcpt, list(d));
		for (size_t k = 0; k < d->nserials; k++)
			if (!storm_edits_is_added(rcpt) && !has_told(
			    storm_edits_at(d->serials[k]), rcpt))
				problem("edition %u was made without <%s>",
				    d->serials[k], rcpt);
	}
}

static void
check_sender(const struct storm_delivery *d)
{
	const char *want = storm_heard_sender();

	for (size_t i = 0; i < d->nserials; i++)
		if (storm_edits_at(d->serials[i])->has_sender)
			want = arena_printf(stage.arena, "changed.%u@f.example",
			    d->serials[i]);
	if (strcmp(want, d->sender) != 0)
		problem("from <%s>, not <%s>, with%s", d->sender, want,
		    list(d));
}

static void
check_body(const struct storm_delivery *d)
{
	struct span want = storm_edits_body(d->serials, d->nserials);

	if (!span_eq(want, d->body))
		problem("the body with%s is %.100s, not %.100s", list(d),
		    arena_copy(stage.arena, d->body), arena_copy(stage.arena,
		    want));
}

static bool
is_before(const struct storm_delivery *d, size_t n, unsigned serial)
{
	for (size_t i = 0; i < n; i++)
		if (d->serials[i] == serial)
			return true;
	return false;
}

/* Whatever it has seen was made before it. */
static void
check_order(const struct storm_delivery *d, size_t at)
{
	const struct storm_edition *e = storm_edits_at(d->serials[at]);

	for (size_t i = 0; i < e->nseen; i++)
		if (!is_before(d, at, e->seen[i]))
			problem("edition %u has seen %u, which is not there: "
			    "%s", d->serials[at], e->seen[i], list(d));
	if (is_before(d, at, d->serials[at]))
		problem("an edition was made twice:%s", list(d));
}

void
storm_edits_check(const struct storm_delivery *d)
{
	for (size_t i = 0; i < d->nserials; i++) {
		const struct storm_edition *e = storm_edits_at(d->serials[i]);

		if (e == NULL || !e->passes) {
			problem("edition %u was not to be made", d->serials[i]);
			return;
		}
		check_order(d, i);
	}
	if (storm_heard_message() == 0)
		return;
	checked += d->nserials > 0;
	check_sender(d);
	check_rcpts(d);
	check_body(d);
}

unsigned
storm_edits_checked(void)
{
	return checked;
}
