#ifndef BASE_LOG_SYSLOG_H
#define BASE_LOG_SYSLOG_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "base/addr.h"
#include "base/err.h"
#include "base/span.h"
/*
 * log_syslog -- log lines to a syslog daemon, here or elsewhere
 *
 * For log_target.c, and for the configuration, which checks the name. Never
 * waits: what the socket does not take is the caller's to keep. A daemon that
 * is gone is looked for once a second.
 *
 * Names     "syslog" (/dev/log), "syslog:/path", "syslog:udp://ADDRESS:PORT",
 *           "syslog:tcp://ADDRESS:PORT". Addresses are literal: a name would
 *           have to be looked up, and DNS may be what the log has to tell of.
 * Form      elsewhere RFC 5424; here the older one, since journald and other
 *           daemons read nothing else at a socket of theirs, unless the name
 *           is "syslog:rfc5424:/path".
 * Datagrams one for each line (RFC 5426). What a network loses nobody knows.
 * TCP       each line with its length in front (RFC 6587 3.4.1). Half a line
 *           is finished before anything else, or the connection ends and the
 *           line is sent again whole. What was under way in a connection that
 *           breaks is lost. Each process has a connection of its own.
 */
enum log_syslog_form { LOG_RFC3164, LOG_RFC5424 };

struct log_syslog {
	enum log_syslog_form form;
	int		type;		/* of the socket: SOCK_DGRAM, _STREAM */
	int		fd;		/* -1: none */
	int64_t		retry;		/* connect again from here */
	size_t		sent;		/* TCP: octets of the first line */
	struct addr	to;
};

/* What is behind "syslog:". */
int	log_syslog_parse(struct span text, struct log_syslog *s,
	    struct err *err);
/* The socket of this machine has to be there, a daemon elsewhere not yet. */
int	log_syslog_open(struct log_syslog *s, const char *name,
	    struct err *err);
int	log_syslog_reopen(struct log_syslog *s, struct err *err);
void	log_syslog_close(struct log_syslog *s);
void	log_syslog_forked(struct log_syslog *s);	/* in the child */
/* As log_target_write(). */
size_t	log_syslog_write(struct log_syslog *s, struct span lines,
	    uint64_t *dropped);
#endif
