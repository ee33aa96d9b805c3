#ifndef GATEWAY_LIMITS_H
#define GATEWAY_LIMITS_H
#include <stdint.h>
#include "conf/settings.h"
/*
 * limits -- what the kernel lets one worker have
 *
 * Raises the limit of open descriptors so that max_sessions fit, with their
 * connections to backends and filters, spool files and lookups; root raises
 * the hard limit too. What stays too low is a warning in the log: a worker that runs out of
 * descriptors rests (listener.h), it does not fail.
 */
void	limits_raise(const struct settings *s);
/* How many sessions a worker can have: max_sessions, or fewer where the kernel
 * has not enough memory maps for their stacks. */
uint64_t limits_sessions(const struct settings *s);
/* How many fibers may work beside these sessions (together.h). */
uint64_t limits_helpers(const struct settings *s);
#endif
