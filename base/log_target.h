#ifndef BASE_LOG_TARGET_H
#define BASE_LOG_TARGET_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "base/buf.h"
#include "base/err.h"
#include "base/log_syslog.h"
#include "base/span.h"
/*
 * log_target -- where log lines go: a file, stderr or the syslog socket
 *
 * For log.c only. A zeroed struct log_target is stderr, in the state in which
 * the process got it. All writing is without waiting: a target that is full
 * or gone takes fewer lines than it was given, and the caller keeps the rest.
 *
 * Pipes     get at most PIPE_BUF bytes of whole lines at a time, which the
 *           kernel takes all or not at all, so that the lines of several
 *           processes do not mix.
 * Files     are opened O_APPEND; several processes may write to one.
 * Syslog    see log_syslog.h.
 */
enum log_target_type {
	LOG_TO_STDERR,
	LOG_TO_FILE,
	LOG_TO_SYSLOG
};

enum log_way {			/* how bytes leave without waiting */
	LOG_WAY_UNKNOWN,	/* not looked at yet */
	LOG_WAY_FILE,		/* write() does not wait for long */
	LOG_WAY_PIPE,		/* pipe, terminal: opened anew, O_NONBLOCK */
	LOG_WAY_SHARED_PIPE,	/* could not be: poll() before each write */
	LOG_WAY_STREAM		/* socket: MSG_DONTWAIT */
};

struct log_target {
	enum log_target_type	type;
	enum log_way		way;
	bool			torn;	/* half a line was written */
	bool			is_journal;	/* stderr: of journald */
	int			fd;	/* -1: none */
	char			*path;	/* of the file, its own */
	struct log_syslog	syslog;
};

/* `name` as in log_open(). */
int	log_target_open(struct log_target *t, const char *name,
	    struct err *err);
/* Finds out what stderr is, if that is the target and not known yet. */
void	log_target_look(struct log_target *t);
int	log_target_reopen(struct log_target *t, struct err *err);
void	log_target_forked(struct log_target *t);	/* in the child */
void	log_target_close(struct log_target *t);
/* Takes lines, each ended by '\n', from the front of `lines`. Returns how many
 * bytes are done with, of which *dropped lines were thrown away. */
size_t	log_target_write(struct log_target *t, struct span lines,
	    uint64_t *dropped);
uint64_t log_target_count(struct span lines);
/* The last of what is in the file, as much as others may have written since a
 * process died; of what is no file nothing. If it ends in half a line, what is
 * written next begins with a line end. */
void	log_target_tail(struct log_target *t, struct buf *out);
#endif
