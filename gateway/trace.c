#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "base/utf8.h"
#include "gateway/trace.h"

#define WORD_MAX 255	/* of a name that came from outside */
#define FOLD_AT 78	/* RFC 5322 2.1.1 */

/*
 * Text from outside, as a word of the field: what could end the line, a
 * comment or the word itself becomes "?". UTF-8 stays only in a message that
 * may hold it (RFC 6531 3.7.3).
 */
static const char *
word(struct span from, bool utf8, char out[WORD_MAX + 1])
{
	size_t len = 0, n;
	bool good;

	if (from.len == 0)
		return "unknown";
	for (; from.len > 0; from = span_n(from.p + n, from.len - n)) {
		n = utf8_char(from);
		good = n > 0 && (n == 1 || utf8) && !utf8_is_control(from) &&
		    strchr(" ()<>;,\"\\", from.p[0]) == NULL;
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
	out[len] = '\0';
	return out;
}

/* RFC 3848, 6531 4.3. HELO under implicit TLS has no keyword of its own. */
static const char *
with(const struct client *c, const struct envelope *e)
{
	bool tls = c->tls_version != NULL;

	if (!c->esmtp)
		return "SMTP";
	if (e->smtputf8)
		return tls ? "UTF8SMTPS" : "UTF8SMTP";
	return tls ? "ESMTPS" : "ESMTP";
}

/* Appends a space and the text, or the text on a new line if this one would
 * become too long. *line is where this one began. */
static void
put(struct buf *out, size_t *line, const char *text)
{
	if (out->len - *line + 1 + strlen(text) > FOLD_AT) {
		buf_puts(out, "\r\n");
		*line = out->len;
		buf_puts(out, "\t");
	} else {
		buf_puts(out, " ");
	}
	buf_puts(out, text);
}

static void
begin_line(struct buf *out, size_t *line, const char *text)
{
	buf_puts(out, "\r\n");
	*line = out->len;
	buf_puts(out, "\t");
	buf_puts(out, text);
}

static void
put_client(struct buf *out, size_t *line, const struct client *c, bool utf8)
{
	char text[WORD_MAX + 1], name[WORD_MAX + 2], literal[ADDR_TEXT];

	put(out, line, word(span_z(c->helo), utf8, text));
	if (addr_is_unix(&c->addr)) {
		put(out, line, "(local socket)");
		return;
	}
	snprintf(name, sizeof(name), "(%s",
	    word(span_z(c->name), utf8, text));
	put(out, line, name);
	if (c->addr.len > 0)	/* XCLIENT may tell that it is not known */
		put(out, line, addr_literal(&c->addr, literal));
	buf_puts(out, ")");
}

static void
put_tls(struct buf *out, size_t *line, const struct client *c)
{
	char text[WORD_MAX + 1], bits[48];

	begin_line(out, line, "(using");
	put(out, line, word(span_z(c->tls_version), false, text));
	put(out, line, "with cipher");
	put(out, line, word(span_z(c->tls_cipher), false, text));
	snprintf(bits, sizeof(bits), "(%d/%d bits))", c->tls_bits,
	    c->tls_bits);
	put(out, line, bits);
}

/* RFC 5321 4.4, RFC 5322 3.3; the names are English whatever the locale. */
static void
put_date(struct buf *out, size_t *line, int64_t when)
{
	static const char *const days[] = {
		"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"
	};
	static const char *const months[] = {
		"Jan", "Feb", "Mar", "Apr", "May", "Jun",
		"Jul", "Aug", "Sep", "Oct", "Nov", "Dec"
	};
	time_t seconds = (time_t)(when / CLOCK_S);
	char text[64];
	struct tm tm;

	gmtime_r(&seconds, &tm);
	snprintf(text, sizeof(text), "%s, %02d %s %04d %02d:%02d:%02d +0000",
	    days[tm.tm_wday], tm.tm_mday, months[tm.tm_mon],
	    tm.tm_year + 1900, tm.tm_hour, tm.tm_min, tm.tm_sec);
	put(out, line, text);
}

void
trace_received(struct buf *out, const struct trace *t)
{
	const struct envelope *e = t->envelope;
	size_t line = out->len;

	buf_puts(out, "Received: from");
	put_client(out, &line, t->client, e->smtputf8);
	if (t->client->tls_version != NULL)
		put_tls(out, &line, t->client);
	begin_line(out, &line, "by");
	put(out, &line, t->hostname);
	put(out, &line, "(Forepost) with");
	put(out, &line, with(t->client, e));
	put(out, &line, "id");
	put(out, &line, t->id);
	if (e->nrcpts == 1) {
		begin_line(out, &line, "for <");
		buf_span(out, e->rcpts[0].addr.text);
		buf_puts(out, ">;");
	} else {
		buf_puts(out, ";");
	}
	put_date(out, &line, t->when);
	buf_puts(out, t->is_headless ? "\r\n\r\n" : "\r\n");
}
