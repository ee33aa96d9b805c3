#ifndef GATEWAY_WATCH_H
#define GATEWAY_WATCH_H
/*
 * watch -- `forepost stats --watch`: the gateway in a terminal
 *
 * Asks at the control socket once a second, until q, Ctrl-C or SIGTERM. On a
 * terminal it has the whole screen and leaves it as it was; elsewhere, and on
 * one that says that it is "dumb" or nothing (TERM), it writes a line a second.
 * With NO_COLOR nothing is bold. A gateway that is gone is said to be, and
 * asked for on; one that was started anew begins at zero.
 *
 * Returns an exit code (exit_code.h): an error only if there was never an
 * answer.
 */
int	watch_run(const char *control);
#endif
