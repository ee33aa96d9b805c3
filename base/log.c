#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/log_target.h"
#include "base/log_value.h"

#define WRITE_AT	(64 * 1024)	/* within a turn */
#define KEEP_MOST	(256 * 1024)	/* while the target takes nothing */

static const struct {
	const char	*name;
	const char	*pri;	/* RFC 3164 4.1.1: facility mail, severity */
	const char	*level;	/* sd-daemon(3): the severity alone */
} labels[] = {
	[LOG_LABEL_DEBUG] = { "debug", "<23>", "<7>" },
	[LOG_LABEL_INFO] = { "info", "<22>", "<6>" },
	[LOG_LABEL_WARN] = { "warn", "<20>", "<4>" },
	[LOG_LABEL_ERROR] = { "error", "<19>", "<3>" },
	[LOG_LABEL_BUG] = { "bug", "<18>", "<2>" },
};

static struct {
	struct log_target	target;
	enum log_label		least;
	enum log_format		format;
	struct buf		pending;	/* whole lines */
	struct buf		spare;		/* memory for the next line */
	bool			is_stuck;	/* took not all last time */
	uint64_t		dropped;
	uint64_t		reported;	/* of these, in the log */
	char			program[32];
	int64_t			second;		/* that `stamp` was made for */
	char			stamp[80];
	char			origin[120];	/* RFC 5424: behind the time */
} lg = { .least = LOG_LABEL_INFO, .program = "forepost", .second = -1 };

/* Lines that the parent has gathered are the parent's to write. */
static void
after_fork(void)
{
	buf_clear(&lg.pending);
	log_target_forked(&lg.target);
	lg.second = -1;		/* the stamp may hold the process id */
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
	lg.second = -1;
	snprintf(lg.program, sizeof(lg.program), "%s", program);
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
	lg.second = -1;
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

static bool
is_remote(void)
{
	return lg.target.type == LOG_TO_SYSLOG &&
	    log_syslog_is_remote(&lg.target.syslog);
}

/* RFC 5424 6.2.4: printable ASCII without spaces, or "-". */
static void
host_name(char out[65])
{
	size_t i;

	if (gethostname(out, 65) < 0)
		out[0] = '\0';
	out[64] = '\0';
	for (i = 0; out[i] > ' ' && out[i] <= '~'; i++)
		;
	if (i == 0 || out[i] != '\0')
		strcpy(out, "-");
}

/* What is the same for all lines of one second. */
static void
make_stamp(int64_t second)
{
	time_t t = (time_t)second;
	char text[40], host[65];
	struct tm tm;

	if (lg.target.type == LOG_TO_SYSLOG && !is_remote()) {
		/* RFC 3164 4.1.2, local time, as syslog(3) writes it */
		localtime_r(&t, &tm);
		strftime(text, sizeof(text), "%b %e %T", &tm);
		snprintf(lg.stamp, sizeof(lg.stamp), "%s %s[%d]: ", text,
		    lg.program, (int)getpid());
	} else {
		gmtime_r(&t, &tm);	/* RFC 3339 */
		strftime(lg.stamp, sizeof(lg.stamp), "%Y-%m-%dT%T.", &tm);
		host_name(host);
		snprintf(lg.origin, sizeof(lg.origin), " %s %s %d - - ",
		    host, lg.program, (int)getpid());
	}
	lg.second = second;
}

/* A stamp that ends in a second, and its milliseconds. */
static void
put_time(struct buf *b, int64_t now)
{
	int ms = (int)(now % CLOCK_S / CLOCK_MS);
	char text[4];

	text[0] = (char)('0' + ms / 100);
	text[1] = (char)('0' + ms / 10 % 10);
	text[2] = (char)('0' + ms % 10);
	text[3] = 'Z';
	buf_puts(b, lg.stamp);
	buf_put(b, text, 4);
}

/* What the target wants in front of a line, label and session id. */
static void
put_front(struct buf *b, enum log_label label, const char *id)
{
	bool is_json = lg.format == LOG_JSON;
	int64_t now = clock_wall();

	if (now / CLOCK_S != lg.second)
		make_stamp(now / CLOCK_S);
	if (is_remote()) {
		buf_puts(b, labels[label].pri);
		buf_puts(b, "1 ");	/* VERSION */
		put_time(b, now);
		buf_puts(b, lg.origin);
		buf_puts(b, is_json ? "{" : "");
	} else if (lg.target.type == LOG_TO_SYSLOG) {
		buf_puts(b, labels[label].pri);
		buf_puts(b, lg.stamp);
		buf_puts(b, is_json ? "{" : "");
	} else {
		buf_puts(b, lg.target.is_journal ? labels[label].level : "");
		buf_puts(b, is_json ? "{\"time\":\"" : "");
		put_time(b, now);
		buf_puts(b, is_json ? "\"," : " ");
	}
	buf_puts(b, is_json ? "\"label\":\"" : "");
	buf_puts(b, labels[label].name);
	buf_puts(b, is_json ? "\"" : " ");
	if (!is_json) {
		buf_puts(b, id != NULL && id[0] != '\0' ? id : "-");
		buf_put(b, " ", 1);
	} else if (id != NULL && id[0] != '\0' && strcmp(id, "-") != 0) {
		buf_puts(b, ",\"session\":");
		log_value_json(b, span_z(id));
	}
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
	put_front(&l->text, label, id);
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
	struct buf json = {0};
	struct logline l;
	size_t at;
	va_list ap;

	if (!begin(&l, label, id))
		return;
	at = l.text.len;
	va_start(ap, fmt);
	buf_vprintf(lg.format == LOG_JSON ? &json : &l.text, fmt, ap);
	va_end(ap);
	if (lg.format == LOG_JSON) {
		put_event_json(&l.text, buf_text(&json));
		buf_free(&json);
		at = l.text.len;
	}
	for (; at < l.text.len; at++)	/* one line, whatever the text holds */
		if ((unsigned char)l.text.p[at] < ' ' || l.text.p[at] == 0x7f)
			l.text.p[at] = '?';
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

uint64_t
log_dropped(void)
{
	return lg.dropped;
}
