#ifndef GATEWAY_COLLECT_H
#define GATEWAY_COLLECT_H
#include "base/arena.h"
#include "gateway/worker.h"
/*
 * collect -- what lower layers count, taken into the statistics
 *
 * Resolver, store, DNS lists and filters know no statistics: each counts for
 * itself, and once a second what came since the last time is added here. A
 * worker that is killed takes what came since then with it; what clients were
 * told is not among it.
 */
struct collected;

/* Everything that is counted was made before. */
struct collected *collect_begin(struct arena *a, const struct worker *w);
void		 collect(struct collected *c);
#endif
