#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/log_front.h"
#include "base/log_shelf.h"
#include "base/log_target.h"
#include "base/log_value.h"

#define WRITE_AT	(64 * 1024)	/* octets: they wait no longer */
/* Until a target that took nothing is asked again; each time it is twice as
 * long: that nobody listens must not cost a mail anything. */
#define FIRST_PAUSE	CLOCK_MS
#define LONGEST_PAUSE	(64 * CLOCK_MS)

static struct log_shelf own;	/* of a process that has no other */

static struct {
	struct log_target	target;
	enum log_label		least;
	enum log_format		format;
	struct log_shelf	*shelf;		/* where lines wait */
	int64_t			delay;		/* so long at most */
	int64_t			since;		/* when the oldest came */
	struct buf		spare;		/* memory for the next line */
	bool			is_stuck;	/* took not all last time */
	bool			is_full;	/* nor is there room for more */
	int64_t			tried;		/* when that was */
	int64_t			pause;		/* 0: it took some */
	uint64_t		dropped;
	uint64_t		reported;	/* of these, in the log */
	struct log_front	front;
} lg = { .least = LOG_LABEL_INFO, .shelf = &own,
    .front = { .program = "forepost", .second = -1 } };

static size_t
left(void)
{
	return log_shelf_lines(lg.shelf).len;
}

/* The target is another one, or may be as good as that. */
static void
ask_anew(void)
{
	lg.is_stuck = lg.is_full = false;
	lg.pause = 0;
}

/* Lines that the parent has gathered are the parent's to write, and those it
 * dropped its own to tell of. */
static void
after_fork(void)
{
	lg.shelf = &own;
	if (left() > 0)
		log_shelf_clear(&own);
	lg.delay = 0;
	lg.dropped = lg.reported = 0;
	ask_anew();
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

/* --- to the target --- */

/* Read anew: not every program has a loop that does. */
static int64_t
now(void)
{
	return clock_exact() / 1000;
}

static void
write_pending(void)
{
	size_t done;

	log_shelf_begin(lg.shelf);
	done = log_target_write(&lg.target, log_shelf_lines(lg.shelf),
	    &lg.dropped);
	log_shelf_pass(lg.shelf, done);
	lg.is_stuck = left() > 0;
	if (done > 0)
		lg.is_full = false;
	if (!lg.is_stuck || done > 0)
		lg.pause = 0;
	else if (lg.pause == 0)
		lg.pause = FIRST_PAUSE;
	else if (lg.pause < LONGEST_PAUSE)
		lg.pause *= 2;
	if (lg.is_stuck)
		lg.tried = now();
}

static void
flush(void)
{
	uint64_t before = lg.dropped;

	if (left() == 0)
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

void
log_flush(void)
{
	if (left() > 0 && (lg.pause == 0 || now() >= lg.tried + lg.pause))
		flush();
}

void
log_turn(void)
{
	if (lg.is_stuck || left() >= WRITE_AT ||
	    clock_now() >= lg.since + lg.delay)
		log_flush();
}

int64_t
log_next_try(void)
{
	/* One that takes a line now and then does not keep a loop awake. */
	int64_t pause = lg.pause > 0 ? lg.pause : FIRST_PAUSE;

	if (lg.is_stuck)
		return lg.tried + pause;
	return left() > 0 ? lg.since + lg.delay : CLOCK_NEVER;
}

void
log_keep(struct log_shelf *shelf, int64_t delay)
{
	struct log_shelf *before = lg.shelf;

	flush();
	watch_fork();
	lg.shelf = shelf;
	lg.delay = delay;
	if (before != shelf)
		log_rescue(before);
}

int
log_open(const char *target, const char *program, struct err *err)
{
	struct log_target t;

	watch_fork();	/* before anybody shares a connection */
	if (log_target_open(&t, target, err) < 0)
		return -1;
	flush();
	log_target_close(&lg.target);
	lg.target = t;
	ask_anew();
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

	flush();
	ask_anew();
	if (log_target_reopen(&lg.target, &err) < 0)
		log_event(LOG_LABEL_ERROR, NULL,
		    "log not reopened, going on with the old one: %s",
		    err.text);
}

void
log_close(void)
{
	flush();
	if (left() > 0) {
		lg.dropped += log_target_count(log_shelf_lines(lg.shelf));
		log_shelf_clear(lg.shelf);
	}
	lg.shelf = &own;
	lg.delay = 0;
	log_target_close(&lg.target);
	buf_free(&lg.spare);
	ask_anew();
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

/* --- lines --- */

/* Then a line is not even made, if the target takes nothing now either. */
static bool
is_full(void)
{
	if (lg.is_full)
		log_flush();
	return lg.is_full;
}

/* False: below the level, or dropped. */
static bool
begin(struct logline *l, enum log_label label, const char *id)
{
	l->label = label;
	l->off = true;
	l->text = (struct buf){0};
	if (label < lg.least)
		return false;
	if (is_full()) {
		lg.dropped++;
		return false;
	}
	l->off = false;
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

/* Names with different bits are different ones. */
static uint64_t
bit_of(struct span name)
{
	unsigned first = (unsigned char)name.p[0];
	unsigned middle = (unsigned char)name.p[name.len / 2];
	unsigned last = (unsigned char)name.p[name.len - 1];

	return UINT64_C(1) <<
	    ((first * 7 + middle * 5 + last * 3 + name.len) % 64);
}

static uint64_t
names_in_front(void)
{
	return bit_of(SPAN_LIT("time")) | bit_of(SPAN_LIT("label")) |
	    bit_of(SPAN_LIT("session")) | bit_of(SPAN_LIT("event"));
}

void
log_begin(struct logline *l, enum log_label label, const char *id,
    const char *event)
{
	if (!begin(l, label, id))
		return;
	if (lg.format == LOG_JSON) {
		put_event_json(&l->text, span_z(event));
		l->names = names_in_front();
	} else
		buf_puts(&l->text, event);
}

/*
 * A name that the object has gets a number: readers keep one member of each
 * name only (RFC 8259 4). The search finds names alone, since a quote within
 * a string has a backslash in front.
 */
static void
put_name(struct logline *l, const char *key)
{
	struct buf *b = &l->text;
	size_t at;
	uint64_t bit;

	buf_put(b, ",\"", 2);
	at = b->len;
	for (unsigned n = 1; ; n++) {
		b->len = at;
		buf_puts(b, key);
		if (n > 1)
			buf_printf(b, "-%u", n);
		bit = bit_of(span_n(b->p + at, b->len - at));
		buf_put(b, "\":", 2);
		if ((l->names & bit) == 0 || memmem(b->p, at - 1,
		    b->p + at - 1, b->len - at + 1) == NULL)
			break;
	}
	l->names |= bit;
}

static void
put_key(struct logline *l, const char *key)
{
	size_t len;
	char *p;

	if (lg.format == LOG_JSON) {
		put_name(l, key);
		return;
	}
	len = strlen(key);
	p = buf_room(&l->text, len + 2);
	*p = ' ';
	memcpy(p + 1, key, len);
	p[len + 1] = '=';
	buf_end(&l->text, p + len + 2);
}

void
log_str(struct logline *l, const char *key, struct span value)
{
	if (l->off)
		return;
	put_key(l, key);
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
	put_key(l, key);
	if (value < 0)
		buf_put(&l->text, "-", 1);
	buf_uint(&l->text, value < 0 ? -(uint64_t)value : (uint64_t)value);
}

/* On the shelf, or dropped. */
static void
put(struct span line)
{
	if (left() + line.len > WRITE_AT && !lg.is_stuck)
		log_flush();
	if (left() == 0)
		lg.since = clock_now();
	if (!log_shelf_put(lg.shelf, line)) {
		lg.dropped++;
		lg.is_full = lg.is_stuck;
	}
}

void
log_end(struct logline *l)
{
	if (l->off)
		return;
	buf_puts(&l->text, lg.format == LOG_JSON ? "}\n" : "\n");
	put(buf_text(&l->text));
	buf_free(&lg.spare);	/* of a line begun and ended within this one */
	lg.spare = l->text;
	l->text = (struct buf){0};
	l->off = true;
	if (l->label >= LOG_LABEL_ERROR)
		log_flush();
}

/*
 * They were written in this order: behind the first that the target does not
 * have it has none.
 */
void
log_rescue(struct log_shelf *from)
{
	struct span rest = log_shelf_lines(from), line;
	struct buf tail = {0};
	size_t at = 0;
	const char *p, *end;

	if (rest.len > 0 && log_shelf_is_begun(from))
		log_target_tail(&lg.target, &tail);
	while (rest.len > 0 &&
	    (end = memchr(rest.p, '\n', rest.len)) != NULL) {
		line = span_n(rest.p, (size_t)(end + 1 - rest.p));
		rest = span_n(end + 1, rest.len - line.len);
		p = tail.len > at ? memmem(tail.p + at, tail.len - at, line.p,
		    line.len) : NULL;
		if (p != NULL) {
			at = (size_t)(p - tail.p) + line.len;
			continue;
		}
		at = tail.len;
		put(line);
	}
	buf_free(&tail);
	log_shelf_clear(from);
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
