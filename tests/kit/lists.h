#ifndef TESTS_KIT_LISTS_H
#define TESTS_KIT_LISTS_H
#include <stdint.h>
#include "base/arena.h"
#include "base/buf.h"
#include "conf/listing.h"
#include "filters/dnsbl.h"
/*
 * lists -- DNS lists for tests, over a text zone and a virtual clock
 *
 * Linked with tests/fake/clock.c and libfakedns.a. Time passes only in
 * lists_pass() and lists_check(), from one deadline to the next.
 */

/* A list named by the first label of its zone, with test points, a share of
 * 50 % and a timeout of 3 s. `replies` are lines, NULL at the end. */
struct dnsbl_list lists_make(struct arena *a, const char *zone,
		    unsigned checks, const char *const *replies);
/* The DNS from now on; nothing may be under way. */
void		 lists_zone(const char *text);
void		 lists_end(void);
/* The right answers of RFC 5782's test points of all sides. */
void		 lists_put_points(struct buf *out, const char *zone);

/* Lets so much time pass, and all happen that is due meanwhile. */
void		 lists_pass(int64_t us);
void		 lists_settle(void);	/* without time */

/* Events, a line each; for dnsbl_options.report, the owner is a struct buf. */
void		 lists_report(void *owner, const struct dnsbl_event *event);

/* One check in a fiber of its own, until it is over. */
struct lists_check {
	struct dnsbl		*dnsbl;
	struct dnsbl_subject	 subjects[4];
	size_t			 n;
	struct addr		 ip;
	struct arena		*arena;		/* of the answer */
	struct dnsbl_answer	 answer;
	struct err		 err;
	int			 ret;
	bool			 is_over;
	int64_t			 took;		/* us */
	struct fiber		*fiber;
};
void		 lists_ask_client(struct lists_check *c, struct dnsbl *d,
		    const char *ip);	/* begins it only */
void		 lists_ask(struct lists_check *c, struct dnsbl *d);
void		 lists_await(struct lists_check *c);
void		 lists_forget(struct lists_check *c);
/* The whole: "zen=listed(127.0.0.2 127.0.0.4) wl=failed score=5", with names,
 * allow, tags and left-out if there are any. */
const char	*lists_text(struct lists_check *c);
const char	*lists_client(struct lists_check *c, struct dnsbl *d,
		    const char *ip);	/* ask, await, text; forgets the last */
#endif
