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
} labels[] = {
	[LOG_LABEL_DEBUG] = { "debug ", "<23>" },
	[LOG_LABEL_INFO] = { "info ", "<22>" },
	[LOG_LABEL_WARN] = { "warn ", "<20>" },
	[LOG_LABEL_ERROR] = { "error ", "<19>" },
	[LOG_LABEL_BUG] = { "bug ", "<18>" },
};

static struct {
	struct log_target	target;
	enum log_label		least;
	struct buf		pending;	/* whole lines */
	struct buf		spare;		/* memory for the next line */
	bool			is_stuck;	/* took not all last time */
	uint64_t		dropped;
	uint64_t		reported;	/* of these, in the log */
	char			program[32];
	int64_t			second;		/* that `stamp` was made for */
	char			stamp[80];
} lg = { .least = LOG_LABEL_INFO, .program = "forepost", .second = -1 };

/* Lines that the parent has gathered are the parent's to write. */
static void
after_fork(void)
{
	buf_clear(&lg.pending);
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

	if (log_target_open(&t, target, err) < 0)
		return -1;
	log_flush();
	log_target_close(&lg.target);
	lg.target = t;
	lg.second = -1;
	snprintf(lg.program, sizeof(lg.program), "%s", program);
	return 0;
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

/* What is the same for all lines of one second. */
static void
make_stamp(int64_t second)
{
	time_t t = (time_t)second;
	char text[40];
	struct tm tm;

	if (lg.target.type == LOG_TO_SYSLOG) {
		/* RFC 3164 4.1.2, local time, as syslog(3) writes it */
		localtime_r(&t, &tm);
		strftime(text, sizeof(text), "%b %e %T", &tm);
		snprintf(lg.stamp, sizeof(lg.stamp), "%s %s[%d]: ", text,
		    lg.program, (int)getpid());
	} else {
		gmtime_r(&t, &tm);	/* RFC 3339 */
		strftime(lg.stamp, sizeof(lg.stamp), "%Y-%m-%dT%T.", &tm);
	}
	lg.second = second;
}

static void
put_stamp(struct buf *b, enum log_label label)
{
	int64_t now = clock_wall(), second = now / CLOCK_S;
	int ms = (int)(now % CLOCK_S / CLOCK_MS);
	char text[8];

	if (second != lg.second)
		make_stamp(second);
	if (lg.target.type == LOG_TO_SYSLOG) {
		buf_puts(b, labels[label].pri);
		buf_puts(b, lg.stamp);
		return;
	}
	text[0] = (char)('0' + ms / 100);
	text[1] = (char)('0' + ms / 10 % 10);
	text[2] = (char)('0' + ms % 10);
	text[3] = 'Z';
	text[4] = ' ';
	buf_puts(b, lg.stamp);
	buf_put(b, text, 5);
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
	put_stamp(&l->text, label);
	buf_puts(&l->text, labels[label].name);
	buf_puts(&l->text, id != NULL && id[0] != '\0' ? id : "-");
	buf_put(&l->text, " ", 1);
	return true;
}

void
log_begin(struct logline *l, enum log_label label, const char *id,
    const char *event)
{
	if (begin(l, label, id))
		buf_puts(&l->text, event);
}

static void
put_key(struct buf *b, const char *key)
{
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
	buf_put(&l->text, "\n", 1);
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
	struct logline l;
	size_t at;
	va_list ap;

	if (!begin(&l, label, id))
		return;
	at = l.text.len;
	va_start(ap, fmt);
	buf_vprintf(&l.text, fmt, ap);
	va_end(ap);
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
