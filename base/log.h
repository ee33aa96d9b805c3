#ifndef BASE_LOG_H
#define BASE_LOG_H
#include <stdbool.h>
#include <stdint.h>
#include "base/buf.h"
#include "base/err.h"
#include "base/span.h"
/*
 * log -- one event, one line
 *
 * A line is: label, session id (or "-"), object and event, then key=value.
 * Labels name who acts: info nobody, warn the admin soon, error the admin
 * now, bug us. Text from outside is escaped: a value is quoted when it holds
 * anything but printable ASCII without space, quote, backslash and "=";
 * inside quotes \" \\ and \xHH (valid UTF-8 above ASCII stays). A value is
 * cut at 512 bytes with "...".
 *
 *	struct logline l;
 *	log_begin(&l, LOG_LABEL_INFO, s->id, "mail done");
 *	log_int(&l, "rcpts", n);
 *	log_str(&l, "from", span_z(from));
 *	log_end(&l);
 *
 * JSON      With log_format(LOG_JSON) a line is an object: "time" (RFC 3339;
 *           syslog has it in front), "label", "session" (if there is one),
 *           "event", then each key with a string or an integer. A key that
 *           comes again has "-2", "-3" and so on behind it. Strings are cut
 *           as above; controls are \u00XX, a byte that is no UTF-8 is
 *           U+FFFD. The text of log_event() is the event.
 * Targets   "stderr" (also before log_open()), "syslog" (datagrams to
 *           /dev/log, facility mail; "syslog:/path" for another socket;
 *           "syslog:udp://ADDRESS:PORT" and "syslog:tcp://ADDRESS:PORT" for
 *           a daemon elsewhere, and "syslog:rfc5424:/path", in the form of
 *           RFC 5424), or the path of a file, with a "/" in it (opened
 *           append, made 0640).
 *           Before the label a line on stderr and in a file has the time of
 *           RFC 3339 in UTC, with milliseconds. On stderr that is the
 *           journal (JOURNAL_STREAM names it) the line begins with its
 *           severity, as "<6>": sd-daemon(3).
 *           Lines are gathered and written by log_flush(), which log_turn()
 *           calls, once each turn of a loop; error and bug are written at
 *           once.
 * Later     With log_keep() lines wait for the delay given, or until there are
 *           64 KiB, in memory that outlives the process, and are written with
 *           others: who finds out that it is gone writes what it left
 *           (log_rescue()), but for lines that are in the file. What a syslog
 *           daemon or a pipe got in the very instant of the death it may get
 *           once more.
 * Never     blocks, never yields: up to 256 KiB wait for a pipe that is full
 *           or a syslog daemon that is gone; lines beyond that, and those
 *           that a file has no space for, are dropped and counted
 *           (log_dropped(), and a line when the target takes lines again).
 * Stuck     A target that took nothing is left alone for a millisecond, then
 *           for two and so on up to 64, however often log_flush() is called;
 *           who sleeps wakes up at log_next_try(), and calls log_turn().
 *           Lines without room are not even made. log_open(), log_reopen() and
 *           log_close() try at once; what is left when the log is closed counts
 *           as dropped.
 * Fork      the child begins with no gathered lines, and none dropped; they
 *           do not wait in the memory of log_keep(), unless it says so too.
 * SIGPIPE   is expected to be ignored by the process.
 */
struct log_shelf;

enum log_label {
	LOG_LABEL_DEBUG,
	LOG_LABEL_INFO,
	LOG_LABEL_WARN,
	LOG_LABEL_ERROR,
	LOG_LABEL_BUG
};

enum log_format { LOG_TEXT, LOG_JSON };

struct logline {
	enum log_label	label;
	bool		off;		/* below the level, or no room: not built */
	uint64_t	names;		/* JSON: a bit for each, by its hash */
	struct buf	text;
};

int	log_open(const char *target, const char *program, struct err *err);
/* The path of a target that is a file, within its name; others: NULL. */
const char *log_file(const char *target);
void	log_reopen(void);		/* file targets: after rotation */
void	log_close(void);
void	log_level(enum log_label least);	/* default: info */
void	log_format(enum log_format format);	/* default: text */
void	log_begin(struct logline *l, enum log_label label, const char *id,
	    const char *event);
void	log_str(struct logline *l, const char *key, struct span value);
/* Without a value (NULL) the key is left out. */
void	log_z(struct logline *l, const char *key, const char *value);
void	log_int(struct logline *l, const char *key, int64_t value);
void	log_end(struct logline *l);
/* The short form: `fmt` is ours, text from outside does not go through it: it
 * could pass for keys and values. (What got in is escaped as in a value.) */
void	log_event(enum log_label label, const char *id, const char *fmt, ...)
	    __attribute__((format(printf, 3, 4)));
void	log_flush(void);
void	log_turn(void);		/* the same, if they have waited enough */
uint64_t log_dropped(void);
bool	log_is_stuck(void);	/* the target did not take all last time */
int64_t	log_next_try(void);	/* by clock_now(); CLOCK_NEVER: no line waits */
/* From here on, until log_close(), lines wait there, for so long. It belongs to
 * this process alone until that is gone. */
void	log_keep(struct log_shelf *shelf, int64_t delay);
/* Its process is gone: its lines are ours now, and it is empty. */
void	log_rescue(struct log_shelf *from);
/* A fault of ours: writes the line and the process goes on. */
#define log_bug(id, ...)	log_event(LOG_LABEL_BUG, (id), __VA_ARGS__)
#endif
