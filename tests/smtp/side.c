#include <ctype.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tests/smtp/side.h"

struct judgement judgement;

bool
judgement_is_strict(void)
{
	return !judgement.is_fault_run && !judgement.is_lenient;
}

void
problem(const char *fmt, ...)
{
	va_list ap;

	if (judgement.problem[0] != '\0')
		return;
	va_start(ap, fmt);
	vsnprintf(judgement.problem, sizeof(judgement.problem), fmt, ap);
	va_end(ap);
}

void
side_close(struct side *s)
{
	if (s->fd >= 0)
		close(s->fd);
	s->fd = -1;
}

void
side_free(struct side *s)
{
	side_close(s);
	buf_free(&s->in);
	buf_free(&s->got);
	buf_free(&s->last);
	buf_free(&s->sent);
	buf_free(&s->macros);
}

static bool
side_read(struct side *s)
{
	static char block[65536];
	ssize_t n;

	if (s->fd < 0 || s->is_hanging || s->saw_end)
		return false;
	n = recv(s->fd, block, sizeof(block), MSG_DONTWAIT);
	if (n > 0) {
		buf_put(&s->in, block, n);
		buf_put(&s->got, block, n);
	} else if (n == 0 || errno != EAGAIN)
		s->saw_end = true;
	return n >= 0 || s->saw_end;
}

void
side_send(struct side *s, struct span text, bool with_crlf)
{
	buf_span(&s->sent, text);
	if (with_crlf)
		buf_puts(&s->sent, "\r\n");
	/* The gateway may have closed: then it does not want to hear it. */
	if (s->fd >= 0) {
		(void)!send(s->fd, text.p, text.len, MSG_NOSIGNAL);
		if (with_crlf)
			(void)!send(s->fd, "\r\n", 2, MSG_NOSIGNAL);
	}
}

static bool
is_action(const struct side *s, const struct word *w)
{
	static const char *const names[] = { ">", "<", "raw", "dot", "octets",
	    "has", "lacks", "closed", "close", "half-close", "hang", "refuse",
	    "silent" };
	size_t i;

	for (i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (word_is(w, names[i]))
			return true;
	return s->kind == SIDE_MILTER && side_milter_is_action(w);
}

size_t
side_action_words(const struct side *s)
{
	size_t i = s->at + 1;

	while (i < s->n && !is_action(s, &s->words[i]))
		i++;
	return i - s->at - 1;
}

/* Takes a line (backend) or a whole reply (client) off the input. */
static bool
take_unit(struct side *s)
{
	size_t at = 0;
	char *eol;

	for (;;) {
		eol = s->in.len > at ? memmem(s->in.p + at, s->in.len - at,
		    "\r\n", 2) : NULL;
		if (eol == NULL)
			return false;
		if (s->kind != SIDE_CLIENT || eol - (s->in.p + at) < 4 ||
		    s->in.p[at + 3] != '-')
			break;
		at = eol + 2 - s->in.p;
	}
	buf_clear(&s->last);
	buf_put(&s->last, s->in.p, eol - s->in.p);
	buf_drop(&s->in, eol + 2 - s->in.p);
	return true;
}

static bool
take_message(struct side *s)
{
	char *end;

	if (s->in.len >= 3 && memcmp(s->in.p, ".\r\n", 3) == 0)
		end = s->in.p - 2;
	else
		end = s->in.len > 0 ?
		    memmem(s->in.p, s->in.len, "\r\n.\r\n", 5) : NULL;
	if (end == NULL)
		return false;
	buf_clear(&s->last);
	buf_put(&s->last, s->in.p, end + 2 - s->in.p);
	buf_drop(&s->in, end + 5 - s->in.p);
	s->ends_message = true;
	return true;
}

static bool
take_octets(struct side *s, size_t n)
{
	if (s->in.len < n)
		return false;
	buf_clear(&s->last);
	buf_put(&s->last, s->in.p, n);
	buf_drop(&s->in, n);
	s->ends_message = true;
	return true;
}

bool
side_begins_so(const struct side *s, size_t first, size_t nwords)
{
	struct buf want = {0};
	size_t i;
	bool same;

	for (i = 0; i < nwords; i++) {
		if (i > 0)
			buf_puts(&want, " ");
		buf_span(&want, s->words[first + i].text);
	}
	same = want.len == 0 || (s->last.len >= want.len &&
	    strncasecmp(s->last.p, want.p, want.len) == 0);
	buf_free(&want);
	return same;
}

static bool
client_asked_for_verdict(const struct side *s)
{
	struct span sent = buf_text(&s->sent);

	return (sent.len >= 5 &&
	    memcmp(sent.p + sent.len - 5, "\r\n.\r\n", 5) == 0) ||
	    span_is(sent, ".\r\n") ||
	    (span_starts_nocase(sent, "BDAT ") &&
	    memmem(sent.p, sent.len, " LAST\r\n", 7) != NULL);
}

/* A place for what it says, without the id of the session. */
static char *
place_of(struct span reply)
{
	struct span text = span_until(&reply, '[');
	unsigned hash = 5381;

	for (size_t i = 0; i < text.len; i++)
		hash = hash * 33 + (unsigned char)text.p[i];
	return &judgement.five[hash % sizeof(judgement.five)];
}

/* Each 4yz and 5yz ends with the session's id, which is also in the log: what
 * the sender's bounce says leads there. */
static void
check_id(struct span reply)
{
	size_t n = reply.len, digits = 0;

	while (n > 0 && (reply.p[n - 1] == '\r' || reply.p[n - 1] == '\n'))
		n--;
	if (n > 0 && reply.p[n - 1] == ']')
		while (digits + 1 < n && isxdigit(
		    (unsigned char)reply.p[n - 2 - digits]))
			digits++;
	if (digits != 12 || n < 15 || memcmp(reply.p + n - 15, " [", 2) != 0)
		problem("without the session's id: %.*s", SPAN_ARG(reply));
}

/* What a client's reply means for the promises. */
static void
judge_reply(struct side *s)
{
	char code = s->last.len > 0 ? s->last.p[0] : '?';
	char *is_known = place_of(buf_text(&s->last));

	if (code == '4' || code == '5')
		check_id(buf_text(&s->last));
	if (code == '2' && client_asked_for_verdict(s))
		judgement.acknowledged++;
	if (code != '5')
		return;
	if (judgement.is_lenient)
		return;
	if (side_milter_may_say(buf_text(&s->last)))
		return;
	if (!judgement.is_fault_run)
		*is_known = 1;
	else if (!*is_known)
		problem("a 5yz that is ours: %.*s",
		    SPAN_ARG(buf_text(&s->last)));
}

static const char *
kind_name(const struct side *s)
{
	static const char *const names[] = { [SIDE_BACKEND] = "backend",
	    [SIDE_CLIENT] = "client", [SIDE_MILTER] = "milter" };

	return names[s->kind];
}

void
side_disappointed(struct side *s, size_t nwords)
{
	struct buf want = {0};
	size_t i;

	if (judgement.is_lenient) {
		s->at += 1 + nwords;
		return;
	}
	for (i = 1; i <= nwords; i++) {
		buf_puts(&want, i > 1 ? " " : "");
		buf_span(&want, s->words[s->at + i].text);
	}
	if (!judgement.is_fault_run)
		problem("line %u, %s: want \"%.*s\", got \"%.*s\"", s->line,
		    kind_name(s), SPAN_ARG(buf_text(&want)),
		    SPAN_ARG(buf_text(&s->last)));
	buf_free(&want);
	side_close(s);
	s->at = s->n;
}

static void
do_send(struct side *s, size_t nwords, bool with_crlf)
{
	size_t i;

	for (i = 1; i <= nwords; i++)
		side_send(s, s->words[s->at + i].text, with_crlf);
	if (s->kind == SIDE_BACKEND && s->ends_message && nwords > 0) {
		s->ends_message = false;
		if (s->words[s->at + 1].text.p[0] == '2')
			judgement.taken++;
	}
}

static void
do_search(struct side *s, size_t nwords, bool wanted)
{
	struct span text = nwords > 0 ? s->words[s->at + 1].text : span_z("");
	bool found = s->last.len > 0 &&
	    memmem(s->last.p, s->last.len, text.p, text.len) != NULL;

	if (found != wanted && judgement_is_strict())
		problem("%s: \"%.*s\" is %s \"%.*s\"", kind_name(s),
		    SPAN_ARG(text), found ? "in" : "not in",
		    SPAN_ARG(buf_text(&s->last)));
}

int
side_common_step(struct side *s, size_t nwords)
{
	const struct word *w = &s->words[s->at];

	if (word_is(w, "raw"))
		do_send(s, nwords, false);
	else if (word_is(w, "close"))
		side_close(s);
	else if (word_is(w, "half-close"))
		(void)shutdown(s->fd, SHUT_WR);
	else if (word_is(w, "hang"))
		s->is_hanging = true;
	else if (word_is(w, "has"))
		do_search(s, nwords, true);
	else if (word_is(w, "lacks"))
		do_search(s, nwords, false);
	else if (!word_is(w, "closed"))
		return -1;
	else if (s->in.len > 0) {
		buf_clear(&s->last);
		buf_span(&s->last, buf_text(&s->in));
		side_disappointed(s, 0);
		return 1;
	} else if (!s->saw_end)
		return 0;
	s->at += 1 + nwords;
	return 1;
}

/* "< WORD..." */
static bool
expect(struct side *s, size_t nwords)
{
	if (!take_unit(s)) {
		if (!s->saw_end)
			return false;
		buf_clear(&s->last);
		buf_puts(&s->last, "(closed)");
		side_disappointed(s, nwords);
		return true;
	}
	if (s->kind == SIDE_CLIENT)
		judge_reply(s);
	buf_clear(&s->sent);
	if (!side_begins_so(s, s->at + 1, nwords))
		side_disappointed(s, nwords);
	else
		s->at += 1 + nwords;
	return true;
}

/* One action; false when it waits for the gateway. */
static bool
side_step(struct side *s)
{
	const struct word *w = &s->words[s->at];
	size_t nwords = side_action_words(s);
	int done = side_common_step(s, nwords);

	if (done >= 0)
		return done > 0;
	if (word_is(w, "<"))
		return expect(s, nwords);
	if (word_is(w, "dot") && !take_message(s))
		return false;
	if (word_is(w, "octets") &&
	    !take_octets(s, atoi(s->words[s->at + 1].text.p)))
		return false;
	if (word_is(w, ">"))
		do_send(s, nwords, true);
	s->at += 1 + nwords;
	return true;
}

static bool
step(struct side *s)
{
	return s->kind == SIDE_MILTER ? side_milter_step(s) : side_step(s);
}

bool
side_run(struct side *s)
{
	bool moved = side_read(s);

	while (s->at < s->n && !s->is_hanging && step(s))
		moved = true;
	/* A server whose script is over stays until it is left. */
	if (s->at >= s->n && s->kind != SIDE_CLIENT && s->saw_end)
		side_close(s);
	return moved;
}
