#ifndef GATEWAY_REPLAY_INTERNAL_H
#define GATEWAY_REPLAY_INTERNAL_H
#include <stdint.h>
#include "base/buf.h"
#include "gateway/journal_lines.h"
#include "gateway/recorded.h"
#include "gateway/replay.h"
/*
 * replay_internal -- what the files of replay share
 *
 * replay.c		one record after the other
 * replay_compare.c	what is different
 * replay_tally.c	how many of what
 * replay_text.c	the page for people
 * replay_json.c	the page of --json
 */

enum change { UNCHANGED, CHANGED, UNJUDGED };

/* What was and what is, of those recipients for whom it is the same. */
struct difference {
	bool			 is_would;	/* of rules that observe */
	bool			 is_handling;	/* the verdict is the same */
	struct recorded_verdict	 before, now;
	const char		*needs;		/* `now` ends there: a missing
						   fact; or NULL */
	const struct recorded_rcpt *rcpt;	/* the first; NULL: no one */
	size_t			 nrcpts;
};

/* A mail: UNJUDGED only if nothing is known to be different. */
struct comparison {
	enum change		 change;
	bool			 would;		/* observed otherwise */
	struct difference	*list;
	size_t			 n;
};

/* --- replay_compare.c --- */
void	replay_compare(struct arena *a, const struct recorded *r,
	    const struct judgement *j, struct comparison *out);

/* --- replay_tally.c --- */
struct pair {
	const char	*before, *now;	/* as they are shown */
	uint64_t	 count;
	bool		 is_would;
};
struct need {
	const char	*name;
	uint64_t	 count;
};
struct tally {
	struct arena	*arena;
	uint64_t	 records, mails, sessions;
	uint64_t	 same_rules;	/* judged by these rules then, too */
	uint64_t	 unchanged, changed, unjudged, would;
	uint64_t	 cut, bad;
	struct pair	*pairs;
	size_t		 npairs;
	uint64_t	 other_pairs;
	struct need	*needs;
	size_t		 nneeds;
};
/* `scratch` may end behind it. */
void	tally_add(struct tally *t, struct arena *scratch,
	    const struct comparison *c);
void	tally_need(struct tally *t, const char *name);
/* The most frequent first. */
void	tally_sort(struct tally *t);

/* --- replay_text.c --- */
/* `reject 550 5.7.1 "no" by spam (in.rules:7)`; without the text if `brief`. */
void	replay_put_verdict(struct buf *out, const struct recorded_verdict *v,
	    bool brief);
void	replay_text_mail(const struct recorded *r, const struct comparison *c);
/* "5f3a91c2d001.1" */
void	replay_put_id(struct buf *out, const struct recorded *r);
/* Printable, in <>; what is hidden as its hash. */
void	replay_put_address(struct buf *out, const struct recorded_fact *f);
void	replay_text_end(const struct tally *t, const struct ruleset *rules,
	    size_t nfiles);

/* --- replay_json.c --- */
void	replay_json_begin(void);
void	replay_json_mail(const struct recorded *r, const struct comparison *c,
	    bool is_first);
void	replay_json_end(const struct tally *t, const struct ruleset *rules,
	    size_t nfiles);
#endif
