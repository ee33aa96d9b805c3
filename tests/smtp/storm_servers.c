#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/buf.h"
#include "tests/fake/fake.h"
#include "tests/smtp/stage.h"
#include "tests/smtp/storm.h"

/*
 * Backends that mostly take what they are given. LHLO makes one an LMTP server.
 */
#define SERVERS		200	/* connections, of a storm */
#define RCPTS		64	/* of a mail */
#define NAME		STORM_NAME
#define COPIES		1000

struct copy {
	char		 sender[NAME], rcpt[NAME];
	unsigned	 message, n;
	unsigned	 last;		/* mail that brought one */
};

static struct server {
	int		 fd;		/* -1: over */
	struct buf	 in;
	bool		 is_lmtp, in_message, leaves;
	bool		 is_asked_prdr;
	char		 sender[NAME], rcpts[RCPTS][NAME];
	size_t		 nrcpts;
	unsigned	 message;
	bool		 in_header;
	unsigned	 serials[STORM_SERIALS];
	size_t		 nserials;
	struct buf	 body;
} servers[SERVERS];
static size_t	nservers;
static struct copy copies[COPIES];
static size_t	ncopies;
static unsigned	mails;

static bool
is_filter(const struct addr *to)
{
	for (size_t i = 0; i < stage.settings->nmilters; i++)
		if (stage.settings->milters[i].address.port == addr_port(to))
			return true;
	return false;
}

static int
on_dial(int fd)
{
	if (is_filter(fake_dial_to))
		return storm_filters_dial(fd);
	if (storm_any(20) == 0 || nservers == SERVERS)
		return FAKE_DIAL_REFUSED;
	servers[nservers++] = (struct server){ .fd = fd };
	(void)!send(fd, "220 in\r\n", 8, MSG_NOSIGNAL);
	return 0;
}

/* --- who has what --- */

static struct copy *
find(const char *sender, const char *rcpt, unsigned message)
{
	for (size_t i = 0; i < ncopies; i++)
		if (copies[i].message == message &&
		    strcmp(copies[i].sender, sender) == 0 &&
		    strcmp(copies[i].rcpt, rcpt) == 0)
			return &copies[i];
	return NULL;
}

/* Who is named twice in a mail has it once. */
static void
keep(const struct server *s, const char *rcpt)
{
	const char *sender = storm_edits_sender(s->sender);
	struct copy *c = find(sender, rcpt, s->message);

	if (c == NULL && ncopies < COPIES) {
		c = &copies[ncopies++];
		*c = (struct copy){ .message = s->message };
		snprintf(c->sender, NAME, "%s", sender);
		memcpy(c->rcpt, rcpt, NAME);
	}
	if (c == NULL || c->last == mails)
		return;
	c->last = mails;
	c->n++;
}

unsigned
storm_copies(struct span sender, struct span rcpt, unsigned message)
{
	char from[NAME], to[NAME];
	const struct copy *c;

	snprintf(from, sizeof(from), "%.*s", SPAN_ARG(sender));
	snprintf(to, sizeof(to), "%.*s", SPAN_ARG(rcpt));
	c = find(from, to, message);
	return c == NULL ? 0 : c->n;
}

unsigned
storm_most_copies(const char **who)
{
	const struct copy *most = NULL;

	for (size_t i = 0; i < ncopies; i++)
		if (copies[i].message > 0 &&
		    !storm_edits_is_added(copies[i].rcpt) && (most == NULL ||
		    copies[i].n > most->n))
			most = &copies[i];
	if (most == NULL)
		return 0;
	*who = arena_printf(stage.arena, "message %u from <%s> to <%s>",
	    most->message, most->sender, most->rcpt);
	return most->n;
}

/* --- answers to a message --- */

static const char *
fate(void)
{
	static const char *const fates[] = { "250 2.0.0 kept",
		"250 2.0.0 kept", "250 2.0.0 kept", "250 2.0.0 kept",
		"451 4.3.0 not now", "552 5.2.2 full" };

	return STORM_ANY_OF(fates);
}

/* An LMTP server may be gone before it has answered for all. */
static void
answer_each_lmtp(struct server *s, struct buf *out)
{
	size_t n = s->nrcpts;
	const char *text;

	if (storm_any(12) == 0) {
		n = storm_any((unsigned)n);
		s->leaves = true;
	}
	for (size_t i = 0; i < n; i++) {
		text = fate();
		buf_printf(out, "%s\r\n", text);
		if (text[0] == '2')
			keep(s, s->rcpts[i]);
	}
}

/* What was said to each holds if the last word is 2yz: one that never comes
 * is none. */
static void
answer_each_prdr(struct server *s, struct buf *out)
{
	bool is_ok = storm_any(6) > 0;
	const char *text;

	s->leaves = storm_any(20) == 0;
	buf_puts(out, "353 each\r\n");
	for (size_t i = 0; i < s->nrcpts; i++) {
		text = fate();
		buf_printf(out, "%s\r\n", text);
		if (is_ok && !s->leaves && text[0] == '2')
			keep(s, s->rcpts[i]);
	}
	if (!s->leaves)
		buf_puts(out, is_ok ? "250 2.0.0 done\r\n" :
		    "451 4.3.0 the disk failed\r\n");
}

static void
answer_all(struct server *s, struct buf *out)
{
	const char *text = fate();

	buf_printf(out, "%s\r\n", text);
	for (size_t i = 0; i < s->nrcpts && text[0] == '2'; i++)
		keep(s, s->rcpts[i]);
}

static void
check_message(struct server *s)
{
	const struct storm_delivery d = { .sender = s->sender,
	    .rcpts = s->rcpts, .nrcpts = s->nrcpts, .nserials = s->nserials,
	    .body = buf_text(&s->body) };
	struct storm_delivery full = d;

	memcpy(full.serials, s->serials, sizeof(full.serials));
	storm_edits_check(&full);
	buf_free(&s->body);
}

static void
answer_message(struct server *s, struct buf *out)
{
	check_message(s);
	mails++;
	s->in_message = false;
	if (s->is_lmtp)
		answer_each_lmtp(s, out);
	else if (s->is_asked_prdr && storm_any(3) > 0)
		answer_each_prdr(s, out);
	else
		answer_all(s, out);
	s->nrcpts = 0;
}

/* --- and to commands --- */

static void
take_path(struct span line, char path[NAME])
{
	struct span text;

	(void)span_until(&line, '<');
	text = span_until(&line, '>');
	snprintf(path, NAME, "%.*s", SPAN_ARG(text));
}

static const char *
answer_rcpt(struct server *s, struct span line)
{
	if (s->nrcpts == RCPTS)
		return "452 4.5.3 too many\r\n";
	if (storm_any(6) == 0)
		return storm_any(2) ? "550 5.1.1 nobody\r\n" :
		    "450 4.2.1 not now\r\n";
	take_path(line, s->rcpts[s->nrcpts++]);
	return "250 2.1.5 ok\r\n";
}

static const char *
answer(struct server *s, struct span line)
{
	if (span_starts_nocase(line, "LHLO")) {
		s->is_lmtp = true;
		return "250-in\r\n250 PIPELINING\r\n";
	}
	if (span_starts_nocase(line, "EHLO"))
		return storm_any(2) ? "250-in\r\n250 PIPELINING\r\n" :
		    "250-in\r\n250-PRDR\r\n250 PIPELINING\r\n";
	if (span_starts_nocase(line, "RSET"))
		s->nrcpts = 0;
	if (span_starts_nocase(line, "MAIL")) {
		s->nrcpts = 0;
		s->message = 0;
		s->is_asked_prdr = memmem(line.p, line.len, " PRDR", 5);
		take_path(line, s->sender);
	}
	if (span_starts_nocase(line, "RCPT"))
		return answer_rcpt(s, line);
	if (span_starts_nocase(line, "DATA")) {
		if (storm_any(40) == 0)
			return "452 4.3.1 no room\r\n";
		s->in_message = s->in_header = true;
		s->nserials = 0;
		buf_clear(&s->body);
		return "354 go\r\n";
	}
	return "250 2.0.0 ok\r\n";
}

static void
take_field(struct server *s, struct span line)
{
	unsigned serial;

	if (line.len == 0)
		s->in_header = false;
	else if (s->nserials < STORM_SERIALS && sscanf(arena_copy(stage.arena,
	    line), STORM_FIELD ": %u", &serial) == 1)
		s->serials[s->nserials++] = serial;
}

static void
take_body(struct server *s, struct span line)
{
	if (line.len == 4 && memcmp(line.p, "id ", 3) == 0)
		s->message = (unsigned)(line.p[3] - '0');
	if (line.p[0] == '.')
		line = span_n(line.p + 1, line.len - 1);
	buf_span(&s->body, line);
	buf_puts(&s->body, "\r\n");
}

static void
take_line(struct server *s, struct span line)
{
	struct buf out = {0};

	if (!s->in_message)
		buf_puts(&out, answer(s, line));
	else if (span_is(line, "."))
		answer_message(s, &out);
	else if (s->in_header)
		take_field(s, line);
	else
		take_body(s, line);
	if (out.len > 0)
		(void)!send(s->fd, out.p, out.len, MSG_NOSIGNAL);
	buf_free(&out);
}

static void
close_server(struct server *s)
{
	if (s->fd >= 0)
		close(s->fd);
	s->fd = -1;
	buf_free(&s->in);
	buf_free(&s->body);
}

static bool
serve(struct server *s)
{
	static char block[65536];
	char *eol;
	ssize_t n;

	if (s->fd < 0)
		return false;
	n = recv(s->fd, block, sizeof(block), MSG_DONTWAIT);
	if (n == 0 || (n < 0 && errno != EAGAIN) || storm_any(300) == 0) {
		close_server(s);
		return true;
	}
	if (n < 0)
		return false;
	buf_put(&s->in, block, (size_t)n);
	while (!s->leaves && s->in.len > 0 && (eol = memmem(s->in.p,
	    s->in.len, "\r\n", 2)) != NULL) {
		take_line(s, span_n(s->in.p, (size_t)(eol - s->in.p)));
		buf_drop(&s->in, (size_t)(eol + 2 - s->in.p));
	}
	if (s->leaves)
		close_server(s);
	return true;
}

void
storm_servers_begin(void)
{
	nservers = ncopies = 0;
	storm_edits_begin();
	storm_filters_begin();
	mails = 0;
	fake_dial = on_dial;
}

bool
storm_servers_turn(void)
{
	bool moved = false;

	for (size_t i = 0; i < nservers; i++)
		moved |= serve(&servers[i]);
	moved |= storm_filters_turn();
	return moved;
}

void
storm_servers_end(void)
{
	for (size_t i = 0; i < nservers; i++)
		close_server(&servers[i]);
	storm_filters_end();
}
