#ifndef TESTS_KIT_CHAIN_DRIVE_H
#define TESTS_KIT_CHAIN_DRIVE_H
#include "base/buf.h"
#include "milter/chain.h"
#include "tests/kit/milter_house.h"
/*
 * chain_drive -- clients told to played filters, a letter for each step
 *
 * Time is that of tests/fake/clock.c: when nobody can go on, it is moved to the
 * next deadline. Filters are "a", "b", "c". The steps of a client:
 *
 *	C H M R T U E A S	connect, HELO (names one, two, ...), MAIL, RCPT
 *				(b, c, d, ...), DATA, an unknown command, the
 *				message, abort, STARTTLS
 *	N L X W			MAIL by one who has logged in; a refused RCPT; a
 *				client who goes, and a new one; is somebody
 *				interested in refused recipients?
 *	+0 *0 ?0 !0 =0 ^0	filter 0 attached to the client, to the mail;
 *				consulted; obeyed; what it said; the message up
 *				to it
 *	z Z			a second goes by; 31 of them
 *
 * What comes back: each letter, behind it the verdict if it does not pass, what
 * the owner was asked to do in < >, and at the end " | " and what each filter
 * has heard.
 */
#define CHAIN_DRIVE_FILTERS	3

struct chain_drive_filter {
	bool			 is_away;	/* nobody listens */
	enum milter_when	 when;
	enum milter_tell	 tell_at;
	enum milter_login	 authenticated;
	enum milter_failure	 failure;	/* at all stages */
	uint64_t		 max_idle;
	struct milter_house_scene scene;
};

struct chain_drive {
	struct chain_drive_filter filters[CHAIN_DRIVE_FILTERS];
	size_t			 n;		/* 0: one */
	bool			 cannot_apply;
	bool			 shows_told;
	size_t			 huge;		/* octets of a header field */
	int64_t			 stop_after;	/* the clients; 0: never */
	const char		*steps;
};

/* One client, and the filters go. The text is good until the next. */
const char	*chain_drive_play(const struct chain_drive *d);

/* Several, over the same filters. Before the first, the settings may still be
 * changed. */
void		 chain_drive_begin(const struct chain_drive *d);
struct milters	*chain_drive_milters(void);
struct milter_conf *chain_drive_conf(size_t i);
struct milter_house *chain_drive_house(size_t i);
/* `n` clients at once say the steps; what the i-th (from 0) got, and how long
 * that took. */
void		 chain_drive_clients(const char *steps, size_t n);
const char	*chain_drive_shown(size_t i);
int64_t		 chain_drive_took(size_t i);
/* Octets of its session's arena when it went. */
size_t		 chain_drive_held(size_t i);
/* The settings are read anew: clients to come have other filters' state. */
void		 chain_drive_reload(void);
/* Time goes by. */
void		 chain_drive_wait(int64_t us);
/* " | " and what the filters have heard; then all is over. */
const char	*chain_drive_end(void);
#endif
