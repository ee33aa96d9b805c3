#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "base/log_front.h"
#include "base/log_target.h"
#include "base/log_value.h"

#define WRITE_AT	(64 * 1024)	/* within a turn */
#define KEEP_MOST	(256 * 1024)	/* while the target takes nothing */

static struct {
	struct log_target	target;
	enum log_label		least;
	enum log_format		format;
	struct buf		pending;	/* whole lines */
	struct buf		spare;		/* memory for the next line */
	bool			is_stuck;	/* took not all last time */
	uint64_t		dropped;
	uint64_t		reported;	/* of these, in the log */
	struct log_front	front;
} lg = { .least = LOG_LABEL_INFO,
    .front = { .program = "forepost", .second = -1 } };

/* Lines that the parent has gathered are the parent's to write. */
static void
after_fork(void)
{
	buf_clear(&lg.pending);
	log_target_forked(&lg.target);
	lg.front.second = -1;	/* the stamp may hold the process id */
}

static void
watch_fork(void)
{
	static bool done;

	if (!done)
		pthread_atfork(NULL, NULL, after_fork);
	done = true;
}

int
log_open(const char *target, const char *program, struct err *err)
{
	struct log_target t;

	watch_fork();	/* before anybody shares a connection */
	if (log_target_open(&t, target, err) < 0)
		return -1;
	log_flush();
	log_target_close(&lg.target);
	lg.target = t;
	lg.front.second = -1;
	snprintf(lg.front.program, sizeof(lg.front.program), "%s", program);
	return 0;
}

const char *
log_file(const char *target)
{
	struct span s = span_z(target);

	return span_is(s, "stderr") || span_is(s, "syslog") ||
	    span_starts_nocase(s, "syslog:") ? NULL : target;
}

void
log_reopen(void)
{
	struct err err;

	log_flush();
	if (log_target_reopen(&lg.target, &err) < 0)
		log_event(LOG_LABEL_ERROR, NULL,
		    "log not reopened, going on with the old one: %s",
		    err.text);
}

void
log_close(void)
{
	log_flush();
	log_target_close(&lg.target);
	buf_free(&lg.pending);
	buf_free(&lg.spare);
	lg.front.second = -1;
}

void
log_level(enum log_label least)
{
	lg.least = least;
}

void
log_format(enum log_format format)
{
	lg.format = format;
}

/* False: below the level. */
static bool
begin(struct logline *l, enum log_label label, const char *id)
{
	l->label = label;
	l->off = label < lg.least;
	l->text = (struct buf){0};
	if (l->off)
		return false;
	watch_fork();
	/* While this line is built a second one may be begun: it finds no
	 * spare and gets memory of its own. */
	l->text = lg.spare;
	lg.spare = (struct buf){0};
	buf_clear(&l->text);
	log_target_look(&lg.target);
	log_front_put(&l->text, &lg.front, &lg.target, lg.format, label, id);
	return true;
}

static void
put_event_json(struct buf *b, struct span event)
{
	buf_puts(b, ",\"event\":");
	log_value_json(b, event);
}

void
log_begin(struct logline *l, enum log_label label, const char *id,
    const char *event)
{
	if (!begin(l, label, id))
		return;
	if (lg.format == LOG_JSON)
		put_event_json(&l->text, span_z(event));
	else
		buf_puts(&l->text, event);
}

/*
 * A name that the object has gets a number: readers keep one member of each
 * name only (RFC 8259 4). The search finds names alone, since a quote within
 * a string has a backslash in front.
 */
static void
put_name(struct buf *b, const char *key)
{
	size_t at;
	unsigned n;

	buf_put(b, ",", 1);
	at = b->len;
	for (n = 1; ; n++) {
		b->len = at;
		buf_put(b, "\"", 1);
		buf_puts(b, key);
		if (n > 1)
			buf_printf(b, "-%u", n);
		buf_put(b, "\":", 2);
		if (memmem(b->p, at, b->p + at, b->len - at) == NULL)
			return;
	}
}

static void
put_key(struct buf *b, const char *key)
{
	if (lg.format == LOG_JSON) {
		put_name(b, key);
		return;
	}
	buf_put(b, " ", 1);
	buf_puts(b, key);
	buf_put(b, "=", 1);
}

void
log_str(struct logline *l, const char *key, struct span value)
{
	if (l->off)
		return;
	put_key(&l->text, key);
	if (lg.format == LOG_JSON)
		log_value_json(&l->text, value);
	else
		log_value_put(&l->text, value);
}

void
log_z(struct logline *l, const char *key, const char *value)
{
	if (value != NULL)
		log_str(l, key, span_z(value));
}

void
log_int(struct logline *l, const char *key, int64_t value)
{
	if (l->off)
		return;
	put_key(&l->text, key);
	if (value < 0)
		buf_put(&l->text, "-", 1);
	buf_uint(&l->text, value < 0 ? -(uint64_t)value : (uint64_t)value);
}

void
log_end(struct logline *l)
{
	if (l->off)
		return;
	buf_puts(&l->text, lg.format == LOG_JSON ? "}\n" : "\n");
	if (lg.pending.len + l->text.len > WRITE_AT && !lg.is_stuck)
		log_flush();
	if (lg.pending.len + l->text.len > KEEP_MOST)
		lg.dropped++;
	else
		buf_span(&lg.pending, buf_text(&l->text));
	buf_free(&lg.spare);	/* of a line begun and ended within this one */
	lg.spare = l->text;
	l->text = (struct buf){0};
	l->off = true;
	if (l->label >= LOG_LABEL_ERROR)
		log_flush();
}

void
log_event(enum log_label label, const char *id, const char *fmt, ...)
{
	struct buf said = {0};
	struct logline l;
	va_list ap;

	if (!begin(&l, label, id))
		return;
	va_start(ap, fmt);
	buf_vprintf(&said, fmt, ap);
	va_end(ap);
	if (lg.format == LOG_JSON)
		put_event_json(&l.text, buf_text(&said));
	else	/* one line, whatever the text holds */
		log_value_words(&l.text, buf_text(&said));
	buf_free(&said);
	log_end(&l);
}

static void
write_pending(void)
{
	size_t done = log_target_write(&lg.target, buf_text(&lg.pending),
	    &lg.dropped);

	buf_drop(&lg.pending, done);
	lg.is_stuck = lg.pending.len > 0;
}

void
log_flush(void)
{
	uint64_t before = lg.dropped;

	if (lg.pending.len == 0)
		return;
	write_pending();
	if (lg.is_stuck || lg.dropped > before || lg.dropped == lg.reported)
		return;
	/* The target takes lines again: it learns what it lacks. */
	log_event(LOG_LABEL_WARN, NULL, "log lines dropped count=%" PRIu64,
	    lg.dropped - lg.reported);
	lg.reported = before;
	write_pending();
}

bool
log_is_stuck(void)
{
	return lg.is_stuck;
}

uint64_t
log_dropped(void)
{
	return lg.dropped;
}
