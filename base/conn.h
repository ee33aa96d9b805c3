#ifndef BASE_CONN_H
#define BASE_CONN_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>
#include <sys/uio.h>
#include "base/err.h"
#include "base/fiber.h"
#include "base/span.h"
struct tls;
/*
 * conn -- one socket, used by one fiber: read ahead, write behind
 *
 * Knows nothing of lines. Input: conn_fill() gets more bytes, conn_input()
 * shows what is there unread, conn_consume() takes some of it away. Output:
 * conn_put() only gathers, conn_flush() sends. conn_fill() flushes first
 * when it has to wait, so that replies to pipelined commands leave together
 * and a forgotten flush cannot hang a dialogue.
 *
 * Buffers   an idle conn holds none: the input buffer (CONN_INPUT bytes) comes
 *           from a pool of the process when bytes arrive and goes back at the
 *           next wait for more, or at conn_rest(), if all are consumed.
 * TLS       after tls_accept()/tls_connect() the same calls speak TLS.
 * Errors    ERR_CLOSED: the peer left (end of file, reset), or this fiber
 *           must stop; ERR_TIMEOUT: deadline. After either, only
 *           conn_close() makes sense (a timeout in conn_fill() keeps the
 *           output side usable, to say 421).
 * Deadlines absolute, see clock.h. They hold for the whole call, not for each
 *           byte.
 * Fairness  conn_fill() lets other fibers run now and then, also while there
 *           is always something to read; a deadline that has passed then ends
 *           it as if it had waited.
 */
#define CONN_INPUT	(64 * 1024)

struct conn;

struct conn	*conn_open(int fd);	/* takes the descriptor over */
void		 conn_close(struct conn **c);	/* at once; nulls the pointer */
int		 conn_fd(const struct conn *c);

/* At least one more byte than before is there, or -1. When CONN_INPUT bytes
 * are unread it returns -1 with ERR_SYNTAX: the caller must consume. */
MAY_YIELD int	 conn_fill(struct conn *c, int64_t deadline, struct err *err);
/* The same, and at most `max` of them: what follows belongs to another
 * protocol (TLS behind a PROXY header). */
MAY_YIELD int	 conn_fill_upto(struct conn *c, size_t max, int64_t deadline,
		    struct err *err);
/* Reads straight to where the caller wants it, at least one octet (returned)
 * or -1; what is there unread comes first. */
MAY_YIELD ssize_t conn_read(struct conn *c, void *p, size_t len,
		    int64_t deadline, struct err *err);
/* Gives back what conn_read() got too much of: the end of what it read, while
 * nothing else is there unread. */
void		 conn_put_back(struct conn *c, struct span bytes);
struct span	 conn_input(const struct conn *c);
void		 conn_consume(struct conn *c, size_t n);
/* Nothing of conn_input() is needed any more: an empty buffer goes back at once.
 * For who does not wait for the peer next; conn_fill() does it by itself. */
void		 conn_rest(struct conn *c);
/* Bytes that the peer has sent and nobody has read, as far as one look at
 * the socket tells, without waiting. Used for "nothing may be waiting". */
size_t		 conn_unread(struct conn *c);
/* The peer has closed or sent something while nobody was reading: a pooled
 * connection for which this is true must not be used. Without waiting. */
bool		 conn_is_stale(struct conn *c);

void		 conn_put(struct conn *c, const void *p, size_t len);
void		 conn_puts(struct conn *c, const char *text);
void		 conn_printf(struct conn *c, const char *fmt, ...)
		    __attribute__((format(printf, 2, 3)));
size_t		 conn_pending(const struct conn *c);	/* gathered, unsent */
MAY_YIELD int	 conn_flush(struct conn *c, int64_t deadline,
		    struct err *err);
/* What was gathered, then these bytes, without copying them. */
MAY_YIELD int	 conn_write(struct conn *c, const void *p, size_t len,
		    int64_t deadline, struct err *err);
/* What was gathered, then at most CONN_RUNS runs of bytes. */
#define CONN_RUNS	16
MAY_YIELD int	 conn_writev(struct conn *c, const struct iovec *runs, int n,
		    int64_t deadline, struct err *err);
/* What was gathered, then bytes of a file (sendfile in clear). */
MAY_YIELD int	 conn_send_file(struct conn *c, int fd, int64_t offset,
		    size_t len, int64_t deadline, struct err *err);

/* Before closing on a peer that may still be sending: sends what was gathered
 * and the end of our side, then reads at most `most` octets away. Without it
 * the kernel may answer what nobody read by a reset, and the peer never sees
 * our last words. Ends early when the peer closes. */
MAY_YIELD void	 conn_linger(struct conn *c, size_t most, int64_t deadline);

uint64_t	 conn_bytes_in(const struct conn *c);
uint64_t	 conn_bytes_out(const struct conn *c);
/* NULL in clear. Owned by the conn. */
struct tls	*conn_tls(const struct conn *c);
/* The rest is for tls.c. */
void		 conn_set_tls(struct conn *c, struct tls *tls);
void		 conn_drop_input(struct conn *c);
MAY_YIELD int	 conn_wait(struct conn *c, bool for_write, int64_t deadline,
		    struct err *err);
#endif
