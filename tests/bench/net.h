#ifndef TESTS_BENCH_NET_H
#define TESTS_BENCH_NET_H
#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>
/*
 * net -- the few socket calls that the load programs share
 *
 * IPv4 loopback only, and no libraries of ours: what is measured must not
 * be measured by itself.
 *
 * Errors    a message on stderr and exit 111: a load program has no use for
 *           a socket that it could not get.
 */

/* "127.0.0.1:2525". */
struct sockaddr_in net_address(const char *text);
int	net_listen(const struct sockaddr_in *address);
/* Connects; without `blocking` it may still be under way on return. With a
 * `from` that is not zero the source is 127.0.<from>.1, which spreads many
 * connections over more ports than one address has. -1: errno says. */
int	net_connect(const struct sockaddr_in *to, unsigned from,
	    bool blocking);
/* As many descriptors as the kernel and our rights allow, at least `need`. */
void	net_want_descriptors(unsigned long need);
int64_t	net_now(void);			/* microseconds, monotonic */
int64_t	net_cpu(void);			/* microseconds, user and system */
_Noreturn void net_die(const char *what);
#endif
