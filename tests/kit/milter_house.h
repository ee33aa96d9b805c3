#ifndef TESTS_KIT_MILTER_HOUSE_H
#define TESTS_KIT_MILTER_HOUSE_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "base/addr.h"
#include "base/buf.h"
#include "base/span.h"
/*
 * milter_house -- a filter played in fibers, for any number of connections
 *
 * It says "continue" where it has agreed to answer, but for its turns: what it
 * does at the n-th command of a kind, counted over all connections. What it is
 * told goes to `heard`, the letter of each command; behind it the name of HELO,
 * the local part of a recipient (in capitals if {rcpt_mailer} is error), the
 * value of a header field.
 */
enum milter_house_manner {
	HOUSE_SAYS,		/* the octets of `answer`, after `delay` */
	HOUSE_CLOSES,
	HOUSE_SILENT
};

#define HOUSE_ALWAYS	UINT32_MAX

struct milter_house_turn {
	char		 at;		/* SMFIC_*; 0: no turn */
	uint32_t	 nth;		/* from 0; or HOUSE_ALWAYS */
	enum milter_house_manner manner;
	struct span	 answer;	/* empty: "continue", if awaited */
	int64_t		 delay;
};

#define HOUSE_TURNS	4

struct milter_house_scene {
	uint32_t	 actions, steps;
	struct milter_house_turn turns[HOUSE_TURNS];
};

struct milter_house;

/* Listens at the unix socket. The scene is copied. */
struct milter_house *milter_house_open(const char *path,
		    const struct milter_house_scene *scene);
const struct addr *milter_house_addr(const struct milter_house *h);
struct span	 milter_house_heard(const struct milter_house *h);
size_t		 milter_house_connections(const struct milter_house *h);
/* In no fiber. Those that it serves end with their connections. */
void		 milter_house_close(struct milter_house **h);
#endif
