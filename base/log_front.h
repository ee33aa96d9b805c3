#ifndef BASE_LOG_FRONT_H
#define BASE_LOG_FRONT_H
#include <stdint.h>
#include "base/buf.h"
#include "base/log.h"
#include "base/log_target.h"
/*
 * log_front -- what stands in front of an event: time, label, session id
 *
 * For log.c only. What a target wants there, by its form:
 *
 *	file, stderr	RFC 3339 in UTC, with milliseconds; on stderr that
 *			is the journal the severity, "<6>", before it
 *	LOG_RFC3164	"<22>Nov 22 02:20:18 forepost[123]: ", local time
 *	LOG_RFC5424	"<22>1 2026-11-22T02:20:18.000Z HOST forepost 123 - - "
 *
 * Then label and session id, as words or as the first members of an object.
 */
struct log_front {
	char	program[32];
	int64_t	second;		/* that `stamp` was made for; -1: none */
	char	stamp[80];
	char	origin[120];	/* RFC 5424: behind the time */
};

void	log_front_put(struct buf *b, struct log_front *f,
	    const struct log_target *target, enum log_format format,
	    enum log_label label, const char *id);
#endif
