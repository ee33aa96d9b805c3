#ifndef GATEWAY_WEB_FILTER_H
#define GATEWAY_WEB_FILTER_H
#include <stdbool.h>
#include <stddef.h>
#include "base/arena.h"
#include "base/span.h"
/*
 * web_filter -- which transactions are asked for, and is this one of them?
 *
 *	id=SESSION[.N]	sender=TEXT	recipient=TEXT	verdict=OUTCOME
 *	rule=FILE:LINE	limit=N		trace=1
 *
 * All that are given must fit. TEXT may be any part of an address, in capital
 * or small letters; a rule is one that acted or decided, anywhere in the
 * transaction; an outcome is that of the mail or of one of its recipients, so
 * that a mail whose recipients were refused is found as refused.
 *
 * A record comes from a process that may be in anybody's hands: it fits only
 * if it is one JSON object.
 *
 * Tested    web_filter_test.c, tests/fuzz/web_filter_fuzz.c
 */
#define WEB_FILTER_LIMIT	100
#define WEB_FILTER_MOST		1000

struct web_filter {
	struct span	session, number;	/* of id; empty: any */
	struct span	sender, recipient, verdict, rule;
	size_t		limit;
	bool		trace;
};

/* NULL; or what is wrong with the query, for who asked. */
const char	*web_filter_read(struct web_filter *f, struct arena *a,
		    struct span query);
/* *time is the record's, empty if it has none. What is unescaped on the way is
 * in the arena. */
bool		 web_filter_takes(const struct web_filter *f, struct arena *a,
		    struct span record, struct span *time);
/* Escapes of octets that are no UTF-8 (json_write.h) become U+FFFD, in their
 * place: strict readers refuse half a pair. */
void		 web_filter_repair(char *text, size_t len);
#endif
