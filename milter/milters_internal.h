#ifndef MILTER_MILTERS_INTERNAL_H
#define MILTER_MILTERS_INTERNAL_H
#include "milter/dialogue.h"
#include "milter/milters.h"
/*
 * milters_internal -- filters as chains use them
 *
 *	milters.c		their life; status
 *	milters_health.c	up and down, rests, trials
 *	milters_idle.c		connections: opened, kept, left
 *
 * Who uses the struct milters is counted: chains, and the keeper, a fiber that
 * is there as long as a connection is idle. After milters_destroy() the last of
 * them frees it. A connection belongs to a struct milters_use, which lies with
 * who uses it.
 */
struct milters_idle {
	struct dialogue		*d;
	int64_t			 since;
	struct milters_idle	*next;
};

struct milters_filter {
	struct milters		*all;
	const struct milter_conf *conf;
	struct dialogue_conf	 dialogue;
	/* health */
	bool			 is_known;	/* it was reached once */
	bool			 is_down;
	unsigned		 failures;	/* behind each other */
	int			 failed_at;	/* the latest command of them */
	int64_t			 since;		/* up or down */
	int64_t			 rest_until;
	struct err		 why;		/* the last failure */
	struct milters_use	*trial;		/* who finds out whether it is
						   back; NULL: nobody */
	/* connections */
	uint32_t		 proved;	/* with these steps it is silent
						   where it had agreed to be */
	bool			 is_proving;
	size_t			 nopen;		/* idle ones too */
	struct milters_idle	*idle;		/* newest first */
	size_t			 nidle;
	struct milters_stats	 stats;
};

struct milters {
	struct arena		*arena;
	struct milters_filter	*list;		/* as in the settings */
	size_t			 n;
	bool			 is_ending;
	size_t			 nusers;
	struct fiber		*keeper;
	int64_t			 keeper_until;	/* it sleeps so long */
};

struct milters_use {
	struct milters_filter	*filter;
	struct dialogue		*d;		/* NULL: no connection */
	bool			 is_kept;	/* it has rested, and has given
						   no answer since */
	bool			 is_waiting;	/* for the filter, just now */
	bool			 is_spared;	/* the filter rests: it was not
						   tried */
};

void		milters_enter(struct milters *m);
void		milters_leave(struct milters *m);

/* The failure action while it rests, by its name: that of the stage at which it
 * is first told. */
const char	*milters_rest_action(const struct milters_filter *f);

/* A kept connection (not if `fresh`) or a new one. A failure is counted, unless
 * the filter rests or the fiber must stop. */
MAY_YIELD int	milters_open(struct milters_use *u, bool fresh,
		    struct err *err);
/* The client goes: it is kept, if that can be. Else, and by
 * milters_close(), it is told QUIT. Neither waits. Nothing happens without
 * one. */
MAY_YIELD void	milters_release(struct milters_use *u);
MAY_YIELD void	milters_close(struct milters_use *u);
/* Those that have rested since `before` or longer are closed. When the next one
 * will be that old, for time from now on. */
int64_t		milters_expire(struct milters_filter *f, int64_t before);
/* Begins the keeper; there is none. */
void		milters_keep(struct milters *m);

/* It has answered this command (SMFIC_*). `is_final`: nothing more is to come
 * from it for this mail or client. */
void		milters_succeeded(struct milters_use *u, char command,
		    bool is_final);
void		milters_failed(struct milters_use *u, char command,
		    const struct err *err);
/* -1: it rests, err says why. 0: it is well, or this is the one
 * who tries. */
int		milters_may_try(struct milters_use *u, struct err *err);
#endif
