#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "base/utf8.h"
#include "gateway/trace.h"

#define WORD_MAX 255	/* of a name that came from outside */
#define FOLD_AT 78	/* RFC 5322 2.1.1 */

/* The octets that stand for themselves in a word. */
static const bool plain[256] = {
	['!'] = true, ['#' ... '\''] = true, ['*' ... '+'] = true,
	['-' ... ':'] = true, ['='] = true, ['?' ... '['] = true,
	[']' ... '~'] = true,
};

static bool
is_plain(struct span text)
{
	size_t i;

	for (i = 0; i < text.len; i++)
		if (!plain[(unsigned char)text.p[i]])
			return false;
	return text.len <= WORD_MAX;
}

/*
 * Text from outside, as a word of the field: what could end the line, a
 * comment or the word itself becomes "?". UTF-8 stays only in a message that
 * may hold it (RFC 6531 3.7.3).
 */
static struct span
word(struct span from, bool utf8, char out[WORD_MAX])
{
	size_t len = 0, n;
	bool good;

	if (from.len == 0)
		return SPAN_LIT("unknown");
	if (is_plain(from))
		return from;
	for (; from.len > 0; from = span_n(from.p + n, from.len - n)) {
		n = utf8_char(from);
		good = n > 1 ? utf8 && !utf8_is_control(from) :
		    plain[(unsigned char)from.p[0]];
		if (n == 0)
			n = 1;
		if (len + n > WORD_MAX)
			break;
		if (good)
			memcpy(out + len, from.p, n);
		else
			out[len] = '?';
		len += good ? n : 1;
	}
	return span_n(out, len);
}

/* HELO under implicit TLS has no keyword of its own. */
const char *
trace_protocol(const struct client *c, const struct envelope *e)
{
	bool tls = c->tls_version != NULL;

	if (!c->esmtp)
		return "SMTP";
	if (e->smtputf8)
		return tls ? "UTF8SMTPS" : "UTF8SMTP";
	return tls ? "ESMTPS" : "ESMTP";
}

/* Begins a new line with a tab, or puts a space if `more` octets fit on this
 * one. *line is where it began. */
static void
separate(struct buf *out, size_t *line, size_t more)
{
	if (out->len - *line + 1 + more <= FOLD_AT) {
		buf_puts(out, " ");
		return;
	}
	*line = out->len + 2;
	buf_puts(out, "\r\n\t");
}

static void
put(struct buf *out, size_t *line, struct span text)
{
	separate(out, line, text.len);
	buf_span(out, text);
}

static void
begin_line(struct buf *out, size_t *line, const char *text)
{
	*line = out->len + 2;
	buf_puts(out, "\r\n\t");
	buf_puts(out, text);
}

static void
put_client(struct buf *out, size_t *line, const struct client *c, bool utf8)
{
	char text[WORD_MAX], literal[ADDR_TEXT];
	struct span name;

	put(out, line, word(span_z(c->helo), utf8, text));
	if (addr_is_unix(&c->addr)) {
		put(out, line, SPAN_LIT("(local socket)"));
		return;
	}
	name = word(span_z(c->name), utf8, text);
	separate(out, line, 1 + name.len);
	buf_puts(out, "(");
	buf_span(out, name);
	if (c->addr.len > 0)	/* XCLIENT may tell that it is not known */
		put(out, line, span_z(addr_literal(&c->addr, literal)));
	buf_puts(out, ")");
}

static void
put_tls(struct buf *out, size_t *line, const struct client *c)
{
	char text[WORD_MAX], bits[48];

	begin_line(out, line, "(using");
	put(out, line, word(span_z(c->tls_version), false, text));
	put(out, line, SPAN_LIT("with cipher"));
	put(out, line, word(span_z(c->tls_cipher), false, text));
	snprintf(bits, sizeof(bits), "(%d/%d bits))", c->tls_bits,
	    c->tls_bits);
	put(out, line, span_z(bits));
}

/* The names are English whatever the locale. Made once a second. */
struct span
trace_date(int64_t when)
{
	static const char *const days[] = {
		"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"
	};
	static const char *const months[] = {
		"Jan", "Feb", "Mar", "Apr", "May", "Jun",
		"Jul", "Aug", "Sep", "Oct", "Nov", "Dec"
	};
	static char text[64];
	static time_t made_for = -1;
	time_t seconds = (time_t)(when / CLOCK_S);
	struct tm tm;

	if (seconds != made_for) {
		gmtime_r(&seconds, &tm);
		snprintf(text, sizeof(text),
		    "%s, %02d %s %04d %02d:%02d:%02d +0000",
		    days[tm.tm_wday], tm.tm_mday, months[tm.tm_mon],
		    tm.tm_year + 1900, tm.tm_hour, tm.tm_min, tm.tm_sec);
		made_for = seconds;
	}
	return span_z(text);
}

void
trace_received(struct buf *out, const struct trace *t)
{
	const struct envelope *e = t->envelope;
	size_t line = out->len;

	buf_reserve(out, 512);
	buf_puts(out, "Received: from");
	put_client(out, &line, t->client, e->smtputf8);
	if (t->client->tls_version != NULL)
		put_tls(out, &line, t->client);
	begin_line(out, &line, "by");
	put(out, &line, span_z(t->hostname));
	put(out, &line, SPAN_LIT("(Forepost) with"));
	put(out, &line, span_z(trace_protocol(t->client, e)));
	put(out, &line, SPAN_LIT("id"));
	put(out, &line, span_z(t->id));
	if (e->nrcpts == 1) {
		begin_line(out, &line, "for <");
		buf_span(out, e->rcpts[0].addr.text);
		buf_puts(out, ">;");
	} else {
		buf_puts(out, ";");
	}
	put(out, &line, trace_date(t->when));
	buf_puts(out, t->is_headless ? "\r\n\r\n" : "\r\n");
}
