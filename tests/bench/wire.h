#ifndef TESTS_BENCH_WIRE_H
#define TESTS_BENCH_WIRE_H
#include <sys/uio.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <openssl/ssl.h>
/*
 * wire -- the client's end of an SMTP connection that never blocks
 *
 * Octets are put up and flushed, whole replies are taken out, in clear or in
 * TLS. What waits for the socket is woken by epoll, with `owner` as its data.
 * In TLS each event wants a wire_read(), whatever it says.
 *
 * TLS is 1.3, each time with a full handshake, as one server's with another
 * that it has not met lately; who the server is is not verified.
 *
 * Memory    what is put up stays the caller's until it is sent.
 * Errors    what fails while sending is told by the next wire_read(): a
 *           refusal may be waiting to be read. Without a socket or
 *           memory, as net.
 */
struct wire {
	int		 fd;
	int		 epoll;
	void		*owner;
	SSL		*tls;		/* NULL: in clear */
	bool		 waits_for_room;
	int		 nout;		/* what the socket did not take yet */
	struct iovec	 out[4];
	size_t		 ntaken;	/* of `in`: the reply given out last */
	size_t		 nin;
	char		 in[1024];
};

/* Before the first wire_start_tls(). */
void	wire_want_tls(void);
void	wire_open(struct wire *w, const struct sockaddr_in *to, int epoll,
	    void *owner);
void	wire_close(struct wire *w);
/* The reply to STARTTLS was taken: from now on in TLS. The reads that follow
 * do the handshake, and what is put up waits for its end. */
void	wire_start_tls(struct wire *w);
/* At most four at a time. */
void	wire_put(struct wire *w, const void *data, size_t n);
void	wire_put_line(struct wire *w, const char *line);
void	wire_flush(struct wire *w);
/* Takes in what has come, if anything has. NULL, or why no more will come. */
const char *wire_read(struct wire *w);
/* It is to be read without an event: more has come than there was room for,
 * or the handshake is to begin. */
bool	wire_wants_read(const struct wire *w);
/* The last line of the next whole reply, good until the next call; NULL: more
 * must be read. */
char	*wire_reply(struct wire *w);
#endif
