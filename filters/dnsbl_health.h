#ifndef FILTERS_DNSBL_HEALTH_H
#define FILTERS_DNSBL_HEALTH_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "base/buf.h"
#include "base/json_write.h"
#include "conf/listing.h"
#include "filters/dnsbl_query.h"
/*
 * dnsbl_health -- which DNS lists may be asked now                RFC 5782 5
 *
 * A list that answers the same to every question, or "you may not ask", would
 * have all mail refused. So a list is watched, apart for each side of it
 * (IPv4, IPv6, domains), and suspended while it is sick: it is not asked for
 * sessions, and nothing that it says counts. It comes back by itself.
 *
 * Probes    (dnsbl_probe.h) at the start and every `interval` (and up to an
 *           eighth more, so that workers drift apart), in a fiber for each
 *           list. A list without test points (dnsbl_list.test_points) is
 *           asked something only while it is suspended.
 * Suspended when a probe finds a test point wrong or gets an answer that is
 *           an error; when sessions got DNSBL_ERRORS_MOST such answers in a
 *           row, or DNSBL_SILENCE_MOST times in a row none; when it lists
 *           more than its share of the last clients (dnsbl_share.h; not of
 *           names, as anybody can name listed ones); until
 *           the first probe has found it good (that is not reported).
 * Back      when a probe finds nothing of all that. If sessions found out,
 *           the probe also asks about the last DNSBL_PROBE_MOST clients, of
 *           which the test points may show nothing: no answer may be an error
 *           and, after too large a share, the list may not list more than
 *           that of them. A list that did not answer is asked again after
 *           DNSBL_RETRY already.
 * Reports   each suspension and each return once, to the function given,
 *           which must not wait.
 *
 * One object for all lists of a worker; with an interval of 0 nothing is
 * watched, and all lists are asked.
 */
#define DNSBL_RETRY		(30 * CLOCK_S)
#define DNSBL_ERRORS_MOST	3
#define DNSBL_SILENCE_MOST	5

struct dnsbl_event {
	const struct dnsbl_list	*list;
	enum dnsbl_side		 side;
	bool			 is_suspended;	/* else: it is back */
	const char		*why;		/* for people, one line */
};
typedef void dnsbl_event_fn(void *owner, const struct dnsbl_event *event);

struct dnsbl_health;

/* Arena and lists must outlive all fibers that use it, those of the probes
 * among them. */
struct dnsbl_health *dnsbl_health_create(struct arena *a,
		    const struct dnsbl_list *lists, size_t n, int64_t interval,
		    dnsbl_event_fn *report, void *owner);
/* Tells the probes to end. */
void		 dnsbl_health_stop(struct dnsbl_health *h);

/* NULL: it may be asked; else why not. */
const char	*dnsbl_health_objection(const struct dnsbl_health *h,
		    size_t list, enum dnsbl_side side);
/* It is suspended, and that since it does not answer. */
bool		 dnsbl_health_is_silent(const struct dnsbl_health *h,
		    size_t list, enum dnsbl_side side);
/* A client or name that lists are about to be asked about. */
void		 dnsbl_health_seen(struct dnsbl_health *h,
		    enum dnsbl_side side, const char *prefix);
/* What a list said of it; `others`: another list said the same. */
void		 dnsbl_health_note(struct dnsbl_health *h, size_t list,
		    enum dnsbl_side side, const char *prefix,
		    const struct dnsbl_reading *reading, bool others);
/* The first probes of all lists are over. */
bool		 dnsbl_health_is_probed(const struct dnsbl_health *h);
/* Members of an object: the state of the list ("good", "suspended",
 * "unknown"), and why of each side that may not be asked. */
void		 dnsbl_health_status(const struct dnsbl_health *h, size_t list,
		    struct json_out *o);
#endif
