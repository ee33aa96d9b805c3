#ifndef GATEWAY_STATUS_TEXT_H
#define GATEWAY_STATUS_TEXT_H
#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/span.h"
/*
 * status_text -- the status of a gateway as lines for people
 *
 * What the control socket says to "status" is JSON (supervisor_status.h); here
 * it becomes the text of `forepost status`: each object a line, name, address
 * and state bare, all else as key=value. What is not known here is shown too.
 *
 * Outside   parts of it are written by workers, and texts in them come from
 *           servers elsewhere: it is read as any JSON of outside, and no
 *           control character of it reaches a terminal.
 * Errors    -1, ERR_SYNTAX: it is not JSON.
 * Tested    status_text_test.c
 */
int	status_text(struct arena *a, struct span json, struct buf *out,
	    struct err *err);
#endif
