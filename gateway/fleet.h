#ifndef GATEWAY_FLEET_H
#define GATEWAY_FLEET_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "base/arena.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/tls.h"
#include "conf/settings.h"
#include "gateway/identity.h"
#include "gateway/ruleset.h"
#include "gateway/veil.h"
#include "gateway/series.h"
/*
 * fleet -- what all workers of one configuration have in common
 *
 * Settings, rules, TLS contexts and identity, read and checked whole before any
 * worker is made; and for each of its workers when it may be started again.
 * A reload makes a second fleet beside the first, and ends one of the two.
 */
struct fleet {
	struct settings		 *settings;
	const struct ruleset	 *rules;	/* end with the settings */
	struct identity		  identity;
	struct span		  journal_key;	/* the source's */
	struct tls_server	**tls;		/* one for each listener */
	const struct series_map	 *series;	/* ends with the settings */
	int64_t			  generation;	/* from 1 on, one more by each
						   reload that took effect */
	size_t			  nslots;	/* workers */
	struct fleet_slot {
		bool		  is_manned;
		unsigned	  failures;	/* in a row */
		int64_t		  restart_at;
	}			 *slots;
};

/* Where the settings come from: a file, or the embedded ones of a demo. The
 * secret of the TLS tickets stays the same for the life of the supervisor, so
 * that clients resume their sessions after a reload too. */
struct fleet_source {
	const char	*path;
	const char	*demo;		/* folder; NULL: path is used */
	unsigned char	 tickets[TLS_TICKET_SECRET];
	unsigned char	 journal[VEIL_KEY];	/* the key of its hashes */
};
const char	*fleet_source_name(const struct fleet_source *source);

/*
 * NULL: *report says everything that is wrong, one finding or more, in `a`.
 * Otherwise *report has the warnings.
 */
struct fleet	*fleet_create(struct arena *a,
		    const struct fleet_source *source, const char **report);
void		 fleet_destroy(struct fleet **f);

#define FLEET_FIRST_DELAY	(100 * CLOCK_MS)
#define FLEET_LONGEST_DELAY	(30 * CLOCK_S)
#define FLEET_HEALTHY		(60 * CLOCK_S)

/* The worker of this slot ended unasked after it had lived so long: sets when
 * it may be started again, and returns the delay. Twice the delay of last
 * time, unless it was in good health for a minute. */
int64_t		 fleet_worker_lost(struct fleet_slot *slot, int64_t lived,
		    int64_t now);
#endif
