#ifndef GATEWAY_LISTENER_H
#define GATEWAY_LISTENER_H
#include <stdbool.h>
#include "gateway/worker.h"
/*
 * listener -- accepting clients, and turning away those that are too many
 *
 * Beyond max_sessions of this worker, and beyond max_sessions_per_client,
 * _network and _site in all workers together (crowd.h), a client is told 421
 * and the connection is closed. A worker is stressed while it has more than
 * stress_at percent of max_sessions; it then lets in no more than a quarter
 * of what those three say. Load balancers and servers that may say XCLIENT are
 * not counted: those behind them are (listener_admit).
 *
 * Out of descriptors or memory, accepting rests for a moment: the clients
 * wait in the queue of the kernel and the worker does not spin.
 */
struct session;

void	listeners_open(struct worker *w);	/* begins to accept */
/* Ends it and closes the sockets. With `take_queue` those who wait in the
 * queue are let in first, except at sockets that the service manager passed:
 * its next instance of us will serve these. */
void	listeners_close(struct worker *w, bool take_queue);
/* Once a PROXY header or XCLIENT told who the client is: counts the session for
 * it, and for nobody else, until it ends. False: there are too many of them, the
 * session is to end with 421. */
bool	listener_admit(struct session *s);
/* Called now and then: sessions end without the listener seeing it. */
void	listeners_check_stress(struct worker *w);
#endif
