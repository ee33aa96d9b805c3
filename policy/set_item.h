#ifndef POLICY_SET_ITEM_H
#define POLICY_SET_ITEM_H
#include <stdbool.h>
#include <stddef.h>
#include "base/addr.h"
#include "base/err.h"
#include "base/span.h"
#include "policy/set.h"
/*
 * set_item -- one item of a set: what it is, and the form that is looked up
 *
 * The forms (keys) of items and of values are made by the same functions:
 * ASCII in lower case, domains with A-labels and without a final dot, local
 * parts without quotes. A key holds no NUL.
 */
enum set_item_kind {
	SET_ITEM_NETWORK,
	SET_ITEM_NAME,		/* .a.example, u@a.example, u@ */
	SET_ITEM_WORD,		/* a.example: a domain, or a text */
	SET_ITEM_TEXT		/* nothing but a text */
};

/* A local part as written and a domain that grew by its A-labels. */
#define SET_KEY_MAX	(SET_ITEM_MAX + 256)

struct set_key {
	size_t		 len;
	char		 text[SET_KEY_MAX];
};
struct set_item {
	enum set_item_kind kind;
	struct network	 network;
	struct set_key	 key;		/* of all but SET_ITEM_NETWORK */
};

/* Errors: ERR_CONFIG: what is meant as an address, a name or a mailbox and is
 * none (with the right form where that is sure), or can be no item. */
int	set_item_read(struct span text, struct set_item *item,
	    struct err *err);
/* What no set takes: nothing, too long, not UTF-8, controls. */
int	set_item_check(struct span text, struct err *err);

/* false: too long or with a NUL, so it is no key. */
bool	set_key_text(struct span text, struct set_key *key);
/* false: no A-labels for it either, or no name at all: with an @, a dot in
 * front, two behind. */
bool	set_key_domain(struct span name, struct set_key *key);
/* *local is how much of the key stands before its @; without a domain the key
 * ends with the @. */
bool	set_key_mailbox(struct span mailbox, struct set_key *key,
	    size_t *local);
#endif
