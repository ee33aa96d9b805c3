#ifndef GATEWAY_STOCK_H
#define GATEWAY_STOCK_H
#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/json_write.h"
#include "base/store.h"
#include "conf/settings.h"
#include "filters/greylist.h"
/*
 * stock -- the store of the configuration, as one process uses it
 *
 * Opened with what the settings say. What becomes of it, down and up again,
 * is logged once for each change and never for a mail; its operations are
 * counted with the other statistics.
 *
 * Opening   is refused, with a reason that names the file, where the folder
 *           of LMDB cannot be used or is damaged: as with the spool, that is
 *           for the administrator. A Redis that is down is none of that.
 * Looking   `forepost explain` changes nothing: whatever keeps it from the
 *           store, then or later, is told as a `problem`, and nothing is
 *           logged.
 * Yields    only what is marked; the store's operations do.
 */
#define STOCK_REST	INT64_C(5000000)	/* us: a client that waited for
						   the store in vain is not made
						   to wait again so soon: what
						   it asks next does without */

struct limit_counts;
struct lookup;
struct stock {
	struct arena		*arena;
	struct store		*store;		/* NULL: the settings say none, or
						   who looks has a problem */
	struct limit_counts	*limits;	/* of this process */
	struct lookup		*lookup;	/* sets and routes in Redis; never
						   NULL */
	const char		*name;		/* for people; no password */
	enum store_state	 state;		/* as it was told */
	struct store_stats	 counted;	/* so far */
	bool			 only_looks;
	char			 problem[240];	/* the first, of who looks */
	bool			 has_marks;	/* stock_has_marks() */
	int64_t			 marks_asked;	/* when; 0: never */
};

/* That for Redis, NULL: none is set. While the process still is whoever may
 * read the file. */
int		 stock_password(struct arena *a, const struct settings *s,
		    const char **password, struct err *err);
/* As store_open() says. The settings outlive it. */
struct stock	*stock_open(const struct settings *s, const char *password,
		    struct err *err);
/* To look at what it holds. By root as stock_assume() says. Never NULL. */
struct stock	*stock_look(const struct settings *s, const char *demo);
void		 stock_note_problem(struct stock *stock, const char *why);
/* The folder of LMDB belongs to the workers: root becomes them, those of
 * `demo` if it is not NULL. */
int		 stock_assume(const struct settings *s, const char *demo,
		    struct err *err);
/* What its greylist does. */
struct greylist_options stock_greylist(const struct settings *s);
/* Whether the delivery memory may have a mark for RCPT: looked up once a second,
 * so that each RCPT need not ask. Errors: the store's. */
MAY_YIELD int	 stock_has_marks(struct stock *stock, bool *has,
		    struct err *err);
/* The next one to ask does not go by what was looked up this second. */
void		 stock_look_for_marks(struct stock *stock);
/* This process has left one just now. */
void		 stock_note_mark(struct stock *stock);
/* What was done since the last time is added to the statistics. */
void		 stock_count(struct stock *stock);
/* The member "store", null if there is none. */
void		 stock_status(const struct stock *stock, struct json_out *o);
/* Its fibers leave; then, when no fiber is left, it can be closed. */
void		 stock_stop(struct stock *stock);
void		 stock_close(struct stock **stock);
#endif
