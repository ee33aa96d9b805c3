#ifndef GATEWAY_SUPERVISOR_H
#define GATEWAY_SUPERVISOR_H
#include "gateway/fleet.h"
/*
 * supervisor -- `forepost serve`: the process that keeps the others
 *
 * Binds the sockets, makes the statistics segment, starts the workers and
 * starts again what dies, reloads, and stops. It reads nothing that a client
 * sent and has no loop of libevent: one poll(2) over a signalfd, the control
 * socket and the channels of the workers, so that it can fork at any time.
 *
 *	SIGHUP		reload
 *	SIGTERM SIGINT	stop; a second one: at once
 *	SIGUSR1		open the log file again, here and in all workers
 *
 * A start is the first reload. A reload reads and checks everything, binds
 * what is new, starts the new workers and waits until all say that they are
 * ready; until then nothing has changed for anybody, and any failure leaves
 * it so. Then the new sockets listen, the new workers accept, and the old
 * ones are told to drain.
 *
 * Returns an exit code (exit_code.h). Why it could not start is one line on
 * stderr, or the report of the configuration.
 */
int	supervisor_run(const struct fleet_source *source);
#endif
