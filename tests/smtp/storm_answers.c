#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "milter/option.h"
#include "milter/packet.h"
#include "tests/smtp/stage.h"
#include "tests/smtp/storm_filters.h"

int
storm_place(char command)
{
	static const char order[] = { SMFIC_MAIL, SMFIC_RCPT, SMFIC_DATA,
	    SMFIC_HEADER, SMFIC_EOH, SMFIC_BODY, SMFIC_BODYEOB };
	const char *at = memchr(order, command, sizeof(order));

	return at == NULL ? 0 : (int)(at - order) + 1;
}

/* --- packets --- */

static void
say(struct storm_filter *f, char letter)
{
	packet_put(&f->out, letter, span_n("", 0));
}

static void
say_text(struct storm_filter *f, char letter, const char *text)
{
	packet_put(&f->out, letter, span_n(text, strlen(text) + 1));
}

static void
say_header(struct storm_filter *f, char letter, unsigned at, const char *name,
    const char *value)
{
	size_t begin = packet_begin(&f->out, letter);

	if (letter != SMFIR_ADDHEADER)
		packet_put_uint(&f->out, at);
	packet_put_string(&f->out, span_z(name));
	packet_put_string(&f->out, span_z(value));
	packet_end(&f->out, begin);
}

/* --- edits --- */

/* Line ends of both kinds, in pieces split anywhere. */
static void
say_body(struct storm_filter *f, struct span body)
{
	bool is_bare = storm_any(2);
	struct buf text = {0};
	struct span rest;

	for (size_t i = 0; i < body.len; i++)
		if (body.p[i] != '\r' || !is_bare)
			buf_put(&text, body.p + i, 1);
	for (rest = buf_text(&text); rest.len > 0;) {
		size_t n = 1 + storm_any(50000);

		n = n < rest.len ? n : rest.len;
		packet_put(&f->out, SMFIR_REPLBODY, span_n(rest.p, n));
		rest = span_n(rest.p + n, rest.len - n);
	}
	buf_free(&text);
}

static struct span
new_body(unsigned message, unsigned serial)
{
	struct buf text = {0};
	struct span body;

	buf_printf(&text, ".new %u\r\n.\r\nid %u\r\n", serial, message);
	if (storm_any(10) == 0)
		for (unsigned i = storm_any(3000); i > 0; i--)
			buf_puts(&text, "..a line of a large body\r\n");
	body = arena_span(stage.arena, buf_text(&text));
	buf_free(&text);
	return body;
}

static const char *const to_add[] = { "added@here.example",
	"added@there.example", "added@deep.here.example" };
static const char *const to_delete[] = { "root@here.example",
	"ANNA@deep.here.example", "root@there.example", "added@here.example",
	"nobody@x.test" };

static void
edit_rcpts(struct storm_filter *f)
{
	struct storm_edition *e = &f->e;
	bool has_args = f->actions & SMFIF_ADDRCPT_PAR;
	const char *rcpt;

	if ((f->actions & SMFIF_DELRCPT) && storm_any(3) == 0) {
		rcpt = STORM_ANY_OF(to_delete);
		snprintf(e->deleted[e->ndeleted++], STORM_NAME, "%s", rcpt);
		say_text(f, SMFIR_DELRCPT, arena_printf(stage.arena, "<%s>",
		    rcpt));
	}
	if ((f->actions & SMFIF_ADDRCPT) && storm_any(3) == 0) {
		rcpt = STORM_ANY_OF(to_add);
		snprintf(e->added[e->nadded++], STORM_NAME, "%s", rcpt);
		say_text(f, has_args ? SMFIR_ADDRCPT_PAR : SMFIR_ADDRCPT,
		    rcpt);
	}
	if ((f->actions & SMFIF_ADDRCPT) && storm_any(30) == 0)
		say_text(f, SMFIR_ADDRCPT, storm_any(2) ?
		    "<added@nowhere.example>" : "<no address");
}

static void
edit_header(struct storm_filter *f)
{
	static const char *const names[] = { "X", "X-B", "Subject", "From",
	    "Received", "DKIM-Signature", "X-New" };
	const char *name = STORM_ANY_OF(names);

	if (storm_any(3) == 0)
		say_header(f, SMFIR_INSHEADER, storm_any(9), name, "in");
	if ((f->actions & SMFIF_CHGHDRS) && storm_any(3) == 0)
		say_header(f, SMFIR_CHGHEADER, 1 + storm_any(3), name,
		    storm_any(2) ? "changed\n folded" : "");
}

/* An edition; without a field for its number it has none. */
static unsigned
edit(struct storm_filter *f)
{
	struct storm_edition *e = &f->e;
	unsigned serial;

	e->message = storm_heard_message();
	if ((f->actions & SMFIF_QUARANTINE) && storm_any(12) == 0)
		say_text(f, SMFIR_QUARANTINE, "odd");
	if (!(f->actions & SMFIF_ADDHDRS) ||
	    (serial = storm_edits_add(e)) == 0)
		return 0;
	if ((f->actions & SMFIF_CHGFROM) &&
	    !(f->steps & SMFIP_NOMAIL) && storm_any(4) == 0) {
		e->has_sender = true;
		say_text(f, SMFIR_CHGFROM, arena_printf(stage.arena,
		    "<changed.%u@f.example>", serial));
	}
	edit_rcpts(f);
	edit_header(f);
	if ((f->actions & SMFIF_CHGBODY) && e->message > 0 &&
	    storm_any(4) == 0) {
		e->body = new_body(e->message, serial);
		say_body(f, e->body);
	}
	say_header(f, SMFIR_ADDHEADER, 0, STORM_FIELD,
	    arena_printf(stage.arena, "%u", serial));
	if (!(f->steps & SMFIP_NORCPT))
		e->told = arena_span(stage.arena, buf_text(&f->told));
	*storm_edits_at(serial) = *e;
	return serial;
}

/* --- answers --- */

/* What an answer ends, beside the command. */
static void
note_over(struct storm_filter *f, char letter, char command)
{
	if (command == SMFIC_CONNECT || command == SMFIC_HELO ||
	    letter == SMFIR_SHUTDOWN || letter == SMFIR_CONN_FAIL)
		f->is_client_over = true;
	else if (storm_place(command) > 0 && (command != SMFIC_RCPT ||
	    letter == SMFIR_ACCEPT || letter == SMFIR_DISCARD))
		f->is_mail_over = true;
	else if (command == SMFIC_RCPT)
		f->told.len = f->told_before;
	else if (command == SMFIC_UNKNOWN && letter == SMFIR_ACCEPT)
		f->is_mail_over = f->last != 0;
}

static void
say_over(struct storm_filter *f, char letter, char command)
{
	say(f, letter);
	note_over(f, letter, command);
}

static void
say_reply(struct storm_filter *f, const char *text, char command)
{
	say_text(f, SMFIR_REPLYCODE, text);
	note_over(f, SMFIR_REPLYCODE, command);
}

static void
say_in_mail(struct storm_filter *f, char command)
{
	if (storm_place(command) == 0)
		say(f, SMFIR_CONTINUE);
	else if (command == SMFIC_BODY && (f->steps & SMFIP_SKIP)) {
		f->has_skipped = true;
		say(f, SMFIR_SKIP);
	} else {
		say_over(f, SMFIR_DISCARD, command);
		storm_filters_discard();
	}
}

/* True: what it is about passes nevertheless. */
static bool
say_odd(struct storm_filter *f, char command)
{
	switch (storm_any(3)) {
	case 0:
		say_over(f, SMFIR_ACCEPT, command);
		break;
	case 1:
		say(f, SMFIR_PROGRESS);
		say(f, SMFIR_CONTINUE);
		break;
	default:
		say(f, SMFIR_CONTINUE);	/* and one that nobody waits for */
		say(f, SMFIR_CONTINUE);
	}
	return true;
}

/* The same of what is wrong, or a refusal. */
static bool
say_trouble(struct storm_filter *f, char command)
{
	switch (storm_any(13)) {
	case 0:
		say_over(f, SMFIR_REJECT, command);
		break;
	case 1:
		say_over(f, SMFIR_TEMPFAIL, command);
		break;
	case 2:
	case 3:
		say_in_mail(f, command);
		break;
	case 4:
		say_reply(f, "554 5.7.1 a filter says no", command);
		break;
	case 5:
		say_reply(f, "450 4.7.1 a filter waits", command);
		break;
	case 6:
		say_reply(f, "421 4.7.1 a filter closes", command);
		break;
	case 7:
		say_over(f, storm_any(2) ? SMFIR_SHUTDOWN : SMFIR_CONN_FAIL,
		    command);
		break;
	case 8:
		f->is_deaf = true;
		break;
	case 9:
		f->leaves = true;
		break;
	case 10:
		buf_puts(&f->out, "this is no packet of any protocol");
		break;
	default:
		return say_odd(f, command);
	}
	return false;
}

void
storm_filter_answer(struct storm_filter *f, char command)
{
	bool has_trouble = f->trouble > 0 && storm_any(f->trouble) == 0;
	unsigned serial = 0;
	bool passes = true;

	if (storm_any(20) == 0)
		f->due = clock_now() + storm_any(3000) * CLOCK_MS;
	if (command == SMFIC_BODYEOB && storm_any(2) == 0)
		serial = edit(f);
	if (has_trouble)
		passes = say_trouble(f, command);
	else
		say(f, SMFIR_CONTINUE);
	if (serial > 0)
		storm_edits_at(serial)->passes = passes;
}
