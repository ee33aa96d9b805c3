#ifndef CONF_LISTING_H
#define CONF_LISTING_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/span.h"
/*
 * listing -- a DNS list, and what its answers are worth           RFC 5782
 *
 * A DNS list answers with addresses in 127.0.0.0/8; what each of them means
 * is the list's own business. A pattern says which answers count:
 *
 *	127.0.0.2		this one
 *	127.0.0.2-3		a range, in any octet
 *	127.0.*.1-3,9		any value; several values
 *	127.0.0.&8		values with this bit (or all bits of a sum): for
 *				lists that answer with a sum of meanings
 *	127.0.0.0/24		a network
 *
 * and behind it what such an answer is worth:
 *
 *	score 5			added; also -4 and 1.5
 *	tag NAME		letters, digits and - _ .
 *	score 5 tag NAME	both
 *	ignore			no listing, whatever other patterns say
 *	error			no listing: "you may not ask", as some lists say
 *				with an address of their own
 *
 * Addresses outside 127.0.0.0/8 (a domain that expired and was parked, a
 * resolver that lies) and in 127.255.255.0/24 ("you may not ask", "mistyped
 * name") are errors whatever the patterns say; an answer that holds one of
 * them is an error as a whole.
 *
 * Errors    ERR_CONFIG, says what was found and what was expected.
 * Limits    LISTING_PATTERNS of one list (what matched is kept in one word).
 */
#define LISTING_PATTERNS	64
#define LISTING_SCORE_MAX	1000	/* of one pattern, up or down */
#define LISTING_SCORE_UNIT	100	/* scores are kept in hundredths */
#define LISTING_TAG_MAX		64
/* So that the longest address still fits in front: 32 digits and dots. */
#define LISTING_ZONE_MAX	(253 - 64)

/* What a list is asked about. */
enum listing_check {
	LISTING_IPV4	= 1 << 0,	/* the client's address */
	LISTING_IPV6	= 1 << 1,
	LISTING_SENDER	= 1 << 2,	/* domain of MAIL FROM */
	LISTING_HELO	= 1 << 3,
	LISTING_REVERSE	= 1 << 4,	/* the client's reverse name */
	LISTING_FROM	= 1 << 5,	/* domain of From: */
	LISTING_DKIM	= 1 << 6	/* d= of a signature */
};
#define LISTING_CLIENT	(LISTING_IPV4 | LISTING_IPV6)

enum listing_meaning { LISTING_COUNTS, LISTING_IGNORE, LISTING_ERROR };

struct listing_address {		/* of an answer */
	uint8_t		 octet[4];
};
struct listing_octet {			/* a set of 0-255 */
	uint64_t	 bits[4];
};
struct listing_pattern {
	const char	*text;		/* as written */
	struct listing_octet octets[4];
	enum listing_meaning meaning;
	int32_t		 score;		/* hundredths */
	const char	*tag;		/* NULL: none */
};

/* One list as it is configured. */
struct dnsbl_list {
	const char	*name;
	const char	*zone;		/* listing_zone(); may be a secret */
	unsigned	 checks;	/* enum listing_check bits */
	int64_t		 timeout;	/* us, of all that is asked at once */
	bool		 test_points;	/* it has those of RFC 5782 */
	unsigned	 max_share;	/* percent of the clients that it may
					   list; 100: all */
	struct listing_pattern *patterns;	/* none: any answer counts,
						   with a score of 0 */
	size_t		 npatterns;
};

/* One line, split into words: the pattern and what it is worth. */
int	 listing_parse(struct arena *a, const struct span *words, size_t n,
	    struct listing_pattern *pattern,
	    const char **hint,		/* what was meant, or NULL */
	    struct err *err);
/* Appends it so that it reads the same: "127.0.0.2-3 score 5". */
void	 listing_put(struct buf *out, const struct listing_pattern *pattern);
void	 listing_put_score(struct buf *out, int64_t hundredths);
/* A zone: A-labels, lower case. */
int	 listing_zone(struct arena *a, struct span text, const char **zone,
	    struct err *err);
/* client, client-ipv4, client-ipv6, sender, helo, reverse, from or dkim, as
 * bits. */
int	 listing_check(struct span word, unsigned *checks, const char **hint,
	    struct err *err);
const char *listing_check_name(enum listing_check check);

enum listing_verdict {
	LISTING_EMPTY,		/* no address at all */
	LISTING_OTHER,		/* addresses, but none that counts */
	LISTING_LISTED,
	LISTING_REFUSED		/* an error: none of them is to be believed */
};
/* What an answer of these addresses says. Bit i of *matched: pattern i. */
enum listing_verdict listing_judge(const struct dnsbl_list *list,
	    const struct listing_address *addresses, size_t n,
	    uint64_t *matched);
bool	 listing_matches(const struct listing_pattern *pattern,
	    struct listing_address address);
/* It is an error whatever the patterns say. */
bool	 listing_is_error(struct listing_address address);
/* Each matched pattern once, in hundredths. */
int64_t	 listing_score(const struct dnsbl_list *list, uint64_t matched);
/* It speaks for those that it lists: a score below 0 and none above. */
bool	 listing_is_allow(const struct dnsbl_list *list);
#endif
