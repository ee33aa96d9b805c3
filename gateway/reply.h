#ifndef GATEWAY_REPLY_H
#define GATEWAY_REPLY_H
#include <stdbool.h>
#include "base/buf.h"
#include "base/conn.h"
#include "base/err.h"
#include "base/span.h"
/*
 * reply -- one SMTP reply as a value                 RFC 5321 4.2, RFC 3463
 *
 * Passed by value, text included: fixed size, nothing to free. A text of
 * several lines holds "\n" between them. reply_format() makes the wire form:
 * code and enhanced code on each line, control characters replaced, lines cut
 * to 512 octets, and "[id]" behind the text of every 4yz and 5yz.
 */
#define REPLY_TEXT 640

struct reply {
	int	code;			/* 200-599; 0: say nothing */
	bool	close;			/* close after saying it */
	bool	cut;			/* text did not fit */
	char	enhanced[12];		/* "5.1.3", or "" */
	char	text[REPLY_TEXT];
};

struct reply	reply(int code, const char *enhanced, const char *fmt, ...)
		    __attribute__((format(printf, 3, 4)));
struct reply	reply_close(int code, const char *enhanced,
		    const char *fmt, ...) __attribute__((format(printf, 3, 4)));
/* For a failure of ours: always 451 with the code that fits the kind, the
 * details are for the log. ERR_CLOSED means that this session is to end and
 * gives no reply at all, only `close`, so that no later command is answered in
 * place of this one. That a backend left is ERR_UNAVAIL. */
struct reply	reply_err(const struct err *err);
struct reply	reply_none(void);

/* Appends the wire form. An empty enhanced code is left out (greeting, 354,
 * the answer to EHLO); id may be NULL. */
void		reply_format(const struct reply *r, const char *id,
		    struct buf *out);
bool		reply_is_ok(const struct reply *r);		/* 2yz */
bool		reply_is_permanent(const struct reply *r);	/* 5yz */

/* Reads one reply from a server we talk to: at most 100 lines that agree in
 * their code (200-599), all ended by CRLF; of a line longer than 2048 octets
 * only the beginning counts. A bare LF or CR is not let through: text that a
 * server repeats to us must not become a reply of its own. An enhanced code
 * that fits the reply code is split off the text.
 * Errors: ERR_SYNTAX "answered nonsense (...): ...", or conn's. */
MAY_YIELD int	reply_read(struct conn *c, int64_t deadline, struct reply *r,
		    struct err *err);
/* The same, each line's text (EHLO keywords) given to a function too. */
MAY_YIELD int	reply_read_lines(struct conn *c, int64_t deadline,
		    struct reply *r, void (*line)(void *, struct span),
		    void *arg, struct err *err);
#endif
