#ifndef POLICY_VALUE_H
#define POLICY_VALUE_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "base/addr.h"
#include "base/arena.h"
#include "base/buf.h"
#include "base/span.h"
/*
 * value -- what facts and rule files hold
 *
 * A value is plain data; text, addresses, lists and words live where it was
 * made. None is a value of every type: what does not exist (no reverse name,
 * no such header field).
 */
enum type {
	TYPE_YESNO,		/* yes */
	TYPE_INT,		/* number */
	TYPE_NUMBER,		/* number, in hundredths: scores */
	TYPE_SIZE,		/* number, octets */
	TYPE_DURATION,		/* number, microseconds */
	TYPE_TEXT,		/* text */
	TYPE_NAME,		/* text: a domain, lower case, A-labels */
	TYPE_MAILBOX,		/* text: local@domain */
	TYPE_WORD,		/* word: one of those that the fact lists */
	TYPE_ADDRESS,
	TYPE_NETWORK,
	TYPE_TEXTS,		/* list of text */
	TYPE_NAMES,		/* list of names */
	TYPE_ADDRESSES		/* list of addresses */
};

struct value {
	enum type		 type;
	bool			 is_none;
	union {
		bool		 yes;
		int64_t		 number;
		struct span	 text;
		unsigned	 word;		/* index in the fact's words */
		const struct addr *address;
		struct network	 network;
		struct {
			struct value	*items;
			size_t		 n;
		} list;
	};
};

const char	*type_name(enum type type);	/* "yes or no", "a size" */
bool		 type_is_number(enum type type);	/* compared by < */
bool		 type_is_list(enum type type);
enum type	 type_of_item(enum type list);
/* With all that it holds. */
struct value	value_copy(struct arena *a, const struct value *v);
/* As a rule file would have it: texts, names and mailboxes in quotes, lists in
 * braces. `words` are those of a TYPE_WORD. Nothing in it acts on a terminal
 * or ends a line: controls but the tab, and what is no UTF-8, become "?". */
void		 value_put(struct buf *out, const struct value *v,
		    const char *const *words);
/* The same for people, within a sentence: no quotes, and the items of a list
 * with a comma between them; of no items: "none". */
void		 value_put_plain(struct buf *out, const struct value *v,
		    const char *const *words);
/* Of the same type. Nones are equal; texts are whatever their case (ASCII),
 * addresses whatever their port. */
bool		 value_equal(const struct value *a, const struct value *b);
/* None, no, 0, an empty list. */
bool		 value_is_nothing(const struct value *v);
#endif
