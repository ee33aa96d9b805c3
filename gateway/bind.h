#ifndef GATEWAY_BIND_H
#define GATEWAY_BIND_H
#include <stdbool.h>
#include <sys/types.h>
#include "base/addr.h"
#include "base/err.h"
/*
 * bind -- a socket bound to an address, not yet listening
 *
 * Non-blocking and close-on-exec.
 *
 * TCP       with SO_REUSEPORT. That option would let a second gateway of the
 *           same user take half of our clients, so the first socket of a port
 *           is tried without it: `is_first` finds a port that is in use.
 *           IPv6 addresses are IPv6 only. TCP_NODELAY is inherited by what is
 *           accepted.
 * unix      a socket file that nobody answers at is left over and is
 *           replaced; it can be connected to by everybody, like a port, or
 *           has the mode given.
 *
 * Errors    ERR_UNAVAIL: "0.0.0.0:25: Permission denied (...)".
 */
struct bound_file {		/* the socket file that a bind made */
	dev_t	dev;
	ino_t	ino;
};

int	bind_tcp(const struct addr *a, bool is_first, int *fd,
	    struct err *err);
int	bind_unix(const struct addr *a, mode_t mode, int *fd,
	    struct bound_file *file, struct err *err);
/* Removes the socket file if it is still the one that was made. The socket
 * must be open: it keeps the inode's number from being used again. */
void	bind_remove_file(const struct addr *a, const struct bound_file *file);
#endif
