#ifndef GATEWAY_DRAIN_COMMAND_H
#define GATEWAY_DRAIN_COMMAND_H
/*
 * drain_command -- `forepost drain --wait`
 *
 * Tells the gateway to drain and says, whenever that has changed, how many
 * sessions are left, until the process has ended: another one at the same
 * socket is another gateway, and is let be.
 *
 * Returns an exit code (exit_code.h).
 */
int	drain_command_run(const char *control);
#endif
