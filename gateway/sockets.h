#ifndef GATEWAY_SOCKETS_H
#define GATEWAY_SOCKETS_H
#include <stdbool.h>
#include <stddef.h>
#include "base/buf.h"
#include "base/err.h"
#include "conf/settings.h"
/*
 * sockets -- the listening sockets, kept open by the supervisor
 *
 * A TCP address has one SO_REUSEPORT socket for each worker slot, so the
 * kernel spreads clients evenly. The supervisor keeps all of them open: what
 * waits in the queue of a worker that died is served by the next worker of
 * that slot. A unix address, and a socket that the service manager passed
 * (sd_listen_fds(3), LISTEN_FDS), is one socket that all workers share.
 *
 * A reload changes the set in two steps. sockets_prepare() binds what the new
 * settings need and the set does not have: what can fail fails here, and
 * nobody is listening yet. Then sockets_commit() listens on these and closes
 * what is no longer wanted, or sockets_rollback() forgets them.
 *
 * When there are fewer workers than before, the sockets of the slots beyond
 * stay: the worker of slot s % workers takes them over, for clients may be
 * waiting there.
 *
 * Errors    name listener and address. ERR_UNAVAIL: in use, no permission,
 *           no such address. ERR_CONFIG: a passed socket is missing or is
 *           not a listening stream socket.
 */
struct sockets;

struct socket_use {		/* one socket for one worker */
	int				 fd;
	const struct listener_conf	*conf;
	bool				 is_passed;
};

/* Takes LISTEN_PID, LISTEN_FDS and LISTEN_FDNAMES out of the environment.
 * To be called before any other descriptor is opened. */
struct sockets	*sockets_create(void);
/* Closes all; unix socket files are removed when `is_owner`: not in a worker,
 * which only lets go of what it does not use. */
void		 sockets_destroy(struct sockets **set, bool is_owner);

int		 sockets_prepare(struct sockets *set,
		    const struct settings *settings, size_t workers,
		    struct err *err);
int		 sockets_commit(struct sockets *set, struct err *err);
void		 sockets_rollback(struct sockets *set);
/* Nobody is let in any more; passed sockets stay open, unused. */
void		 sockets_close(struct sockets *set);

/* What worker `index` of `workers` accepts on. The descriptors are still the
 * set's; sockets_keep() in the worker leaves the list's open and closes the
 * rest of the set. The list is the caller's to free. */
size_t		 sockets_of_worker(const struct sockets *set,
		    const struct settings *settings, size_t index,
		    size_t workers, struct socket_use **list);
void		 sockets_keep(struct sockets **set,
		    const struct socket_use *list, size_t n);

/* "127.0.0.1:2525 unix:/run/x": where they listen, ports as bound. */
void		 sockets_text(const struct sockets *set, struct buf *out);
/* Names of passed sockets that no listener uses, "a, b"; empty: none. */
void		 sockets_unused(const struct sockets *set, struct buf *out);
#endif
