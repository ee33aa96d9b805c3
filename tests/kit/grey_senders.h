#ifndef TESTS_KIT_GREY_SENDERS_H
#define TESTS_KIT_GREY_SENDERS_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "base/addr.h"
/*
 * grey_senders -- four weeks of mail, and how its senders try again
 *
 * Kinds of senders, with the habits of the servers that they use: which
 * addresses, names and senders a mail has at each try, and when it is tried
 * next. All of it follows from the mail's number, so that one trace can be
 * played to several policies.
 *
 *	single	300 hosts, one address each, SPF for two of three; every other
 *		day a mail to one of two correspondents; Postfix's schedule
 *	pool	4 providers, 50 addresses in 50 /24, one SPF domain, 2,000
 *		users each; each try from any address; first retry after ten
 *		minutes, then slower
 *	list	10 lists, 20 subscribers each, a mail a day with a sender of
 *		its own; 8 addresses in 2 /24, SPF; Exim's schedule
 *	named	2 services as `pool`, of 20 /24, without SPF, with names
 *	nameless the same with neither
 *	bot	tries once: from a line of an access provider, or from an
 *		address without a name
 *	pushy	a bot that tries four times within five minutes
 *	domain	20 throw-away domains, 100 mails each within a day, to one of
 *		200 recipients each; from anywhere, with SPF that lists the
 *		whole world (not by "all"); each tries once
 */
enum grey_kind { GREY_SINGLE, GREY_POOL, GREY_LIST, GREY_NAMED, GREY_NAMELESS,
    GREY_BOT, GREY_PUSHY, GREY_DOMAIN, GREY_KINDS };
#define GREY_IS_JUNK(kind)	((kind) >= GREY_BOT)
#define GREY_SPAN		(28 * 86400)	/* seconds */

struct grey_mail {
	enum grey_kind	 kind;
	unsigned	 id;		/* within its kind */
	int64_t		 born;		/* seconds from the beginning */
};

struct grey_try {
	struct addr	 client;
	char		 spf[64], name[80];	/* "": none */
	char		 from[120], to[40];
	char		 content[40];	/* the same for the same text */
};

const char	*grey_kind_name(enum grey_kind kind);
unsigned	 grey_senders_count(enum grey_kind kind);	/* of mails */
struct grey_mail grey_senders_mail(enum grey_kind kind, unsigned id);
/* The n-th try, from 0. */
void		 grey_senders_try(const struct grey_mail *m, unsigned n,
		    struct grey_try *t);
/* Seconds from the n-th try to the next one; -1: it is given up. `age` is of
 * the mail at that try. */
int64_t		 grey_senders_wait(const struct grey_mail *m, unsigned n,
		    int64_t age);
#endif
