#ifndef GATEWAY_CONTROL_H
#define GATEWAY_CONTROL_H
#include <poll.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "base/buf.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/span.h"
/*
 * control -- the supervisor's local socket, for the administrator
 *
 * A client sends one line ("stats", "reload"), and gets one answer, which
 * ends where the connection does:
 *	ok LF text
 *	fail N LF text		N is the exit code that the caller should use
 * The socket file has mode 0660: who may open it may command.
 *
 * The supervisor's side never waits: control_turn() does what can be done
 * now. A request that takes longer is parked under a topic and answered by
 * control_answer_all(). A client that says nothing for CONTROL_PATIENCE, or
 * does not read its answer, is dropped.
 */
#define CONTROL_CLIENTS		16
#define CONTROL_POLLFDS		(CONTROL_CLIENTS + 1)
#define CONTROL_PATIENCE	(10 * CLOCK_S)

struct control;
struct control_client;

/* Makes the last folder of the path. Errors: ERR_UNAVAIL, also when somebody
 * answers at that socket: another gateway runs with these settings. */
struct control	*control_open(const char *path, struct err *err);
/* is_owner: not in a worker, which only lets go. */
void		 control_close(struct control **c, bool is_owner);
const char	*control_path(const struct control *c);
/* What to poll for: at most CONTROL_POLLFDS. */
size_t		 control_poll(const struct control *c, struct pollfd *fds);
/* `run` answers the request or parks it. Requests have no line end. */
void		 control_turn(struct control *c, int64_t now,
		    void (*run)(void *arg, struct control_client *client,
			struct span request), void *arg);
void		 control_answer(struct control_client *client, int code,
		    struct span text);		/* code 0: ok */
void		 control_park(struct control_client *client, int topic);
void		 control_answer_all(struct control *c, int topic, int code,
		    struct span text);
/* Moves those parked under one topic to another; true if there are any. */
bool		 control_move(struct control *c, int from, int to);

/* The administrator's side: waits for the whole answer.
 * Errors: ERR_UNAVAIL, ERR_TIMEOUT. */
int		 control_ask(const char *path, const char *request,
		    int timeout_s, int *code, struct buf *text,
		    struct err *err);
#endif
