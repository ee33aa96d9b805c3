#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "tests/smtp/stage.h"
#include "tests/smtp/storm.h"

/*
 * Replies come in the order of commands, one for each; after 354 and 353 there
 * are more. What is said ahead of one that ends the session is not answered.
 */
#define RCPTS	200
#define NAME	STORM_NAME

enum kind { GREETING, MAIL, RCPT, DATA, MESSAGE, LAST_CHUNK, OTHER };

struct said {
	enum kind	 kind;
	char		 path[NAME];
	unsigned	 message;
	struct said	*next;
};

static struct heard {
	struct said	*first, **end;	/* not answered yet */
	size_t		 at;		/* in what has come */
	bool		 awaits_message, is_over, is_greeted;
	bool		 rules_discard;	/* any message */
	bool		 is_muddy;	/* the message is more than that */
	unsigned	 message;	/* that was said last */
	char		 sender[NAME];
	struct {
		char	 path[NAME];
		bool	 is_discarded;
	} rcpts[RCPTS];
	size_t		 nrcpts;
	char		 named[RCPTS][NAME];	/* and those refused */
	size_t		 nnamed;
	size_t		 each;		/* replies that follow on 353; then */
	bool		 awaits_last;	/* the last word */
} h;

void
storm_heard_begin(bool rules_discard)
{
	struct said *s;

	while ((s = h.first) != NULL) {
		h.first = s->next;
		free(s);
	}
	h = (struct heard){ .end = &h.first, .at = stage.client.got.len,
	    .rules_discard = rules_discard };
}

static struct said *
expect(enum kind kind)
{
	struct said *s = calloc(1, sizeof(*s));

	if (s == NULL)
		abort();
	s->kind = kind;
	*h.end = s;
	h.end = &s->next;
	return s;
}

static void
expect_greeting(void)
{
	if (!h.is_greeted)
		expect(GREETING);
	h.is_greeted = true;
}

static enum kind
kind_of(struct span line)
{
	static const struct {
		const char	*verb;
		enum kind	 kind;
	} kinds[] = { { "MAIL", MAIL }, { "RCPT", RCPT }, { "DATA", DATA } };

	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
		if (span_starts_nocase(line, kinds[i].verb))
			return kinds[i].kind;
	return span_starts_nocase(line, "BDAT") &&
	    memmem(line.p, line.len, " LAST", 5) != NULL ? LAST_CHUNK : OTHER;
}

void
storm_heard_say(const char *text, unsigned message)
{
	struct span rest = span_z(text), line = span_until(&rest, '\n');
	struct said *s;

	expect_greeting();
	if (message > 0) {
		h.awaits_message = false;
		h.message = h.is_muddy ? 0 : message;
		expect(MESSAGE)->message = message;
		return;
	}
	if (h.awaits_message) {
		h.is_muddy = true;	/* it is a line of it */
		return;
	}
	/* What is said behind a message may be heard before its reply is. */
	h.message = 0;
	s = expect(kind_of(line));
	(void)span_until(&line, '<');
	line = span_until(&line, '>');
	snprintf(s->path, sizeof(s->path), "%.*s", SPAN_ARG(line));
	if (rest.len > 0)	/* a chunk, and behind it an empty line */
		expect(OTHER);
}

bool
storm_heard_awaits_message(void)
{
	return h.awaits_message && !h.is_over;
}

bool
storm_heard_awaits_go_ahead(void)
{
	for (const struct said *s = h.first; s != NULL; s = s->next)
		if (s->kind == DATA)
			return !h.is_over && stage.client.fd >= 0 &&
			    !stage.client.saw_end;
	return false;
}

unsigned
storm_heard_message(void)
{
	return h.is_over ? 0 : h.message;
}

bool
storm_heard_is_waiting(void)
{
	for (const struct said *s = h.first; s != NULL; s = s->next)
		if (s->kind == MESSAGE || s->kind == LAST_CHUNK)
			return !h.is_over;
	return false;
}

const char *
storm_heard_sender(void)
{
	return h.sender;
}

size_t
storm_heard_named(struct span path)
{
	size_t n = 0;

	for (size_t i = 0; i < h.nnamed; i++)
		n += span_is_nocase(path, h.named[i]);
	return n;
}

bool
storm_heard_has_rcpt(const char *path)
{
	for (size_t i = 0; i < h.nrcpts; i++)
		if (strcasecmp(h.rcpts[i].path, path) == 0)
			return true;
	return false;
}

/* --- replies --- */

/* What was said for this recipient: a 2yz in a backend's words needs a backend
 * that has taken the message. */
static void
hold_against(size_t i, unsigned message, struct span reply)
{
	if (!span_starts_nocase(reply, "250 2.0.0 kept") ||
	    h.rcpts[i].is_discarded ||
	    storm_edits_has_deleted(h.rcpts[i].path, message) ||
	    storm_copies(span_z(h.sender),
	    span_z(h.rcpts[i].path), message) > 0)
		return;
	problem("<%s> has message %u from <%s>, the client is told, and no "
	    "backend took it: %.*s", h.rcpts[i].path, message, h.sender,
	    SPAN_ARG(reply));
}

/* A message that goes nowhere: a rule, or a filter, has said so of all. */
static void
check_dropped(struct span reply)
{
	if (h.rules_discard || storm_filters_discarded() ||
	    !span_starts_nocase(reply, "250 2.0.0 Ok"))
		return;
	for (size_t i = 0; i < h.nrcpts; i++)
		if (!h.rcpts[i].is_discarded &&
		    !storm_edits_has_deleted(h.rcpts[i].path, 0))
			problem("nobody has discarded what <%s> is said to "
			    "have", h.rcpts[i].path);
}

static void
end_mail(struct span reply, unsigned message)
{
	check_dropped(reply);
	for (size_t i = 0; i < h.nrcpts; i++)
		hold_against(i, message, reply);
	h.nrcpts = 0;
}

/* A chunk that is out of place is none of the mail. */
static bool
is_out_of_place(struct span reply)
{
	return span_starts_nocase(reply, "503") ||
	    span_starts_nocase(reply, "502");
}

static void
take_rcpt(const struct said *s, struct span reply)
{
	if (h.nnamed < RCPTS)
		memcpy(h.named[h.nnamed++], s->path, NAME);
	if (reply.p[0] != '2' || h.nrcpts == RCPTS)
		return;
	memcpy(h.rcpts[h.nrcpts].path, s->path, NAME);
	/* What a rule says, not a backend. */
	h.rcpts[h.nrcpts++].is_discarded = reply.len > 10 &&
	    memcmp(reply.p + reply.len - 2, "Ok", 2) == 0;
}

static void
check_in_step(const struct said *s, struct span reply)
{
	bool is_354 = span_starts_nocase(reply, "354");
	bool is_353 = span_starts_nocase(reply, "353");

	if ((is_354 && s->kind != DATA) || (is_353 && s->kind != MESSAGE &&
	    s->kind != LAST_CHUNK))
		problem("out of step: %.*s", SPAN_ARG(reply));
}

/* False: there is more to come on it. */
static bool
take_reply(const struct said *s, struct span reply)
{
	check_in_step(s, reply);
	switch (s->kind) {
	case MAIL:
		if (reply.p[0] != '2')
			break;
		memcpy(h.sender, s->path, NAME);
		h.nrcpts = h.nnamed = 0;
		break;
	case RCPT:
		take_rcpt(s, reply);
		break;
	case DATA:
		h.awaits_message = span_starts_nocase(reply, "354");
		h.is_muddy = false;
		break;
	case MESSAGE:
	case LAST_CHUNK:
		if (span_starts_nocase(reply, "353")) {
			h.each = h.nrcpts;
			h.awaits_last = true;
			return false;
		}
		if (!is_out_of_place(reply))
			end_mail(reply, s->message);
		if (s->kind == MESSAGE)
			h.message = 0;
		break;
	case GREETING:
	case OTHER:
		break;
	}
	return true;
}

/* One that tells of a recipient, or the last word. */
static bool
take_further(const struct said *s, struct span reply)
{
	if (h.each > 0) {
		hold_against(h.nrcpts - h.each--, s->message, reply);
		return false;
	}
	h.awaits_last = false;
	h.nrcpts = 0;
	h.message = 0;
	return true;
}

static void
take(struct span reply)
{
	struct said *s = h.first;
	bool is_done;

	/* Who was turned away is told so from here on, and chunks of his are
	 * not read as such. */
	if (span_starts_nocase(reply, "421") ||
	    span_starts_nocase(reply, "503 5.5.1 You were turned away"))
		h.is_over = true;
	if (h.is_over)
		return;
	if (s == NULL) {
		problem("a reply to nothing: %.*s", SPAN_ARG(reply));
		return;
	}
	is_done = h.awaits_last ? take_further(s, reply) :
	    take_reply(s, reply);
	if (!is_done)
		return;
	h.first = s->next;
	if (h.first == NULL)
		h.end = &h.first;
	free(s);
}

void
storm_heard_read(void)
{
	struct span got = buf_text(&stage.client.got), rest, line;

	expect_greeting();
	while (h.at < got.len) {
		rest = span_n(got.p + h.at, got.len - h.at);
		if (memchr(rest.p, '\n', rest.len) == NULL)
			break;
		line = span_until(&rest, '\n');
		h.at += line.len + 1;
		if (line.len > 4 && line.p[3] == '-')
			continue;	/* its last line tells */
		if (line.len > 0 && line.p[line.len - 1] == '\r')
			line.len--;
		take(line);
	}
}
