#ifndef BASE_ERR_H
#define BASE_ERR_H
/*
 * err -- what went wrong, as a value on the caller's stack
 *
 * A function that can fail returns -1 and fills in the struct err that it was
 * given as its last parameter. The text is for the administrator: what was
 * tried, on what, what happened. Callers further out add context once, with
 * err_prefix(). Who decides what to do about it logs it; who returns it
 * does not.
 *
 * Both functions return -1, so that a failing function ends in one line:
 *	return err_set(err, ERR_TIMEOUT, "no answer from %s in %d s", h, s);
 *	return err_prefix(err, "backend %s", name);
 */
enum err_kind {
	ERR_SYNTAX = 1,	/* the other side sent something malformed */
	ERR_TIMEOUT,	/* no answer in time; a later try may work */
	ERR_CLOSED,	/* the peer left, or this fiber must stop */
	ERR_UNAVAIL,	/* a service we rely on refused or is broken */
	ERR_CONFIG	/* only the administrator can repair this */
};

struct err {
	enum err_kind	kind;
	char		text[240];	/* one line, no final period */
};

int		 err_set(struct err *err, enum err_kind kind,
		    const char *fmt, ...)
		    __attribute__((format(printf, 3, 4)));
int		 err_prefix(struct err *err, const char *fmt, ...)
		    __attribute__((format(printf, 2, 3)));
const char	*err_kind_name(enum err_kind kind); /* "timeout", "closed" */
#endif
