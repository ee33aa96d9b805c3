#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log_front.h"
#include "base/log_value.h"

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
make_stamp(struct log_front *f, const struct log_target *target,
    int64_t second)
{
	time_t t = (time_t)second;
	char text[40], host[65];
	struct tm tm;

	if (target->type == LOG_TO_SYSLOG &&
	    target->syslog.form == LOG_RFC3164) {
		/* RFC 3164 4.1.2, local time, as syslog(3) writes it */
		localtime_r(&t, &tm);
		strftime(text, sizeof(text), "%b %e %T", &tm);
		snprintf(f->stamp, sizeof(f->stamp), "%s %s[%d]: ", text,
		    f->program, (int)getpid());
	} else {
		gmtime_r(&t, &tm);	/* RFC 3339 */
		strftime(f->stamp, sizeof(f->stamp), "%Y-%m-%dT%T.", &tm);
		host_name(host);
		snprintf(f->origin, sizeof(f->origin), " %s %s %d - - ",
		    host, f->program, (int)getpid());
	}
	f->second = second;
}

/* A stamp that ends in a second, and its milliseconds. */
static void
put_time(struct buf *b, const struct log_front *f, int64_t now)
{
	int ms = (int)(now % CLOCK_S / CLOCK_MS);
	char text[4];

	text[0] = (char)('0' + ms / 100);
	text[1] = (char)('0' + ms / 10 % 10);
	text[2] = (char)('0' + ms % 10);
	text[3] = 'Z';
	buf_puts(b, f->stamp);
	buf_put(b, text, 4);
}

static void
put_syslog(struct buf *b, const struct log_front *f, enum log_syslog_form form,
    enum log_label label, int64_t now)
{
	buf_puts(b, labels[label].pri);
	if (form == LOG_RFC3164) {
		buf_puts(b, f->stamp);
		return;
	}
	buf_puts(b, "1 ");	/* VERSION */
	put_time(b, f, now);
	buf_puts(b, f->origin);
}

static void
put_who(struct buf *b, bool is_json, enum log_label label, const char *id)
{
	bool has_id = id != NULL && id[0] != '\0';

	if (!is_json) {
		buf_puts(b, labels[label].name);
		buf_put(b, " ", 1);
		buf_puts(b, has_id ? id : "-");
		buf_put(b, " ", 1);
		return;
	}
	buf_puts(b, "\"label\":\"");
	buf_puts(b, labels[label].name);
	buf_put(b, "\"", 1);
	if (has_id && strcmp(id, "-") != 0) {
		buf_puts(b, ",\"session\":");
		log_value_json(b, span_z(id));
	}
}

void
log_front_put(struct buf *b, struct log_front *f,
    const struct log_target *target, enum log_format format,
    enum log_label label, const char *id)
{
	bool is_json = format == LOG_JSON;
	int64_t now = clock_wall();

	if (now / CLOCK_S != f->second)
		make_stamp(f, target, now / CLOCK_S);
	if (target->type == LOG_TO_SYSLOG) {
		put_syslog(b, f, target->syslog.form, label, now);
		buf_puts(b, is_json ? "{" : "");
	} else {
		buf_puts(b, target->is_journal ? labels[label].level : "");
		buf_puts(b, is_json ? "{\"time\":\"" : "");
		put_time(b, f, now);
		buf_puts(b, is_json ? "\"," : " ");
	}
	put_who(b, is_json, label, id);
}
