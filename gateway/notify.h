#ifndef GATEWAY_NOTIFY_H
#define GATEWAY_NOTIFY_H
#include <stdint.h>
#include "base/err.h"
/*
 * notify -- tells the service manager how we are               sd_notify(3)
 *
 * The protocol is one datagram of "NAME=value" lines to the unix socket that
 * $NOTIFY_SOCKET names ("@" for the abstract space). Without that variable
 * nothing is sent and everything succeeds.
 *
 * Never     blocks: a manager that does not read loses a message.
 * Errors    -1 of notify_open: the variable holds no usable address.
 */

/* Takes NOTIFY_SOCKET, WATCHDOG_USEC and WATCHDOG_PID out of the
 * environment. */
int	notify_open(struct err *err);
void	notify_close(void);
/* How often the manager wants a sign of life, us; 0: it does not. */
int64_t	notify_watchdog(void);
void	notify_ready(const char *status);
void	notify_reloading(void);
void	notify_stopping(void);
void	notify_alive(void);
void	notify_status(const char *status);	/* one line, for `systemctl` */
#endif
