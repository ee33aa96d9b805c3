#ifndef CONF_DIRECTIVE_H
#define CONF_DIRECTIVE_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "base/span.h"
/*
 * directive -- the one table of settings
 *
 * A row says all that there is to know of a setting: its name, where it may
 * stand, its type, the field that it fills, its default as text, its bounds,
 * when a change takes effect, and its help. The parser, the checks of single
 * values, `forepost dump` and the manual read this table; adding a setting is
 * a row, its field in settings.h and its use (docs/adding-a-setting.md).
 */
enum scope {			/* where a setting may stand: a set of these */
	SCOPE_TOP	= 1 << 0,
	SCOPE_LISTENER	= 1 << 1,
	SCOPE_BACKEND	= 1 << 2,
	SCOPE_ROUTE	= 1 << 3,
	SCOPE_RESOLVER	= 1 << 4,
	SCOPE_SPF	= 1 << 5,
	SCOPE_DKIM	= 1 << 6,
	SCOPE_DMARC	= 1 << 7,
	SCOPE_AUTHRES	= 1 << 8,
	SCOPE_DNSBL	= 1 << 9,
	SCOPE_STORE	= 1 << 10,
	SCOPE_GREYLIST	= 1 << 11,
	SCOPE_MILTER	= 1 << 12,
	SCOPE_STATS	= 1 << 13,
	SCOPE_JOURNAL	= 1 << 14,
	SCOPE_SMTP	= SCOPE_TOP | SCOPE_LISTENER,
	/* Blocks that there is one of: in struct settings itself. */
	SCOPE_SINGLE	= SCOPE_RESOLVER | SCOPE_SPF | SCOPE_DKIM |
	    SCOPE_DMARC | SCOPE_AUTHRES | SCOPE_STORE | SCOPE_GREYLIST |
	    SCOPE_STATS | SCOPE_JOURNAL
};

/* The field's type is given behind each. */
enum value_type {
	VALUE_COUNT,		/* uint64_t */
	VALUE_PERCENT,		/* uint64_t */
	VALUE_SIZE,		/* uint64_t, octets */
	VALUE_DURATION,		/* int64_t, microseconds */
	VALUE_CHOICE,		/* an enum, numbered as the words are */
	VALUE_FLAG,		/* bool: the first word is false */
	VALUE_NAME,		/* const char *: any printable text */
	VALUE_HOST,		/* const char *: a domain name */
	VALUE_ZONE,		/* const char *: a domain name, A-labels */
	VALUE_PATH,		/* const char *, absolute */
	VALUE_LOG,		/* const char *: as in log_open() */
	VALUE_FINGERPRINT,	/* const char *: SHA-256 in hex */
	VALUE_RULES,		/* struct rules_conf: default, none or a path */
	VALUE_STORE,		/* struct store_conf */
	VALUE_MILTER,		/* struct milter_url */
	VALUE_ADDRESS,		/* struct address_conf */
	VALUE_PATHS,		/* struct names; from here on all are lists */
	VALUE_NAMES,		/* struct names: any printable text */
	VALUE_WORDS,		/* struct names: words of the row */
	VALUE_KEYWORDS,		/* struct names, of EHLO, in capitals */
	VALUE_FORWARD,		/* struct names, "address@port" */
	VALUE_HOSTS,		/* struct names */
	VALUE_DOMAINS,		/* struct names, small letters */
	VALUE_RECIPIENTS,	/* struct names, small letters */
	VALUE_NETWORKS,		/* struct networks */
	VALUE_LISTEN,		/* in struct listener_conf, three fields */
	VALUE_URLS,		/* in struct backend_conf, two fields */
	VALUE_SUBJECTS,		/* in struct dnsbl_conf, enum listing_check */
	VALUE_PATTERNS		/* in struct dnsbl_conf, two fields; all values
				   of a setting are one item */
};

enum effect { EFFECT_RELOAD, EFFECT_RESTART };

struct directive {
	const char	*name;
	unsigned	 scopes;
	enum value_type	 type;
	/* In the struct of its block; of SCOPE_SMTP in struct smtp_conf; of
	 * SCOPE_TOP and SCOPE_SINGLE in struct settings. */
	size_t		 offset;
	/* The default as it would be written; NULL: it must be given, or is
	 * worked out as `computed` says. */
	const char	*fallback, *computed;
	/* The word, without quotes, that stands for nothing: 0, NULL, no item.
	 * NULL: there is none. */
	const char	*none;
	uint64_t	 min, max;
	const char	*const *words;	/* CHOICE, FLAG, WORDS; NULL-ended */
	enum effect	 effect;
	const char	*help;		/* sentences, for the manual */
};

struct block {
	const char	*name;
	enum scope	 scope;
	bool		 has_label;
	const char	*noun;		/* "a listener" */
	const char	*help;
};

size_t			 directive_count(void);
const struct directive	*directive_at(size_t i);
size_t			 directive_index(const struct directive *row);
/* NULL: no such setting there. */
const struct directive	*directive_find(struct span name, unsigned scopes);
bool			 directive_is_list(const struct directive *row);
/* The field of a row in the struct of a block (SCOPE_TOP and SCOPE_SINGLE:
 * struct settings). */
void			*directive_field(const struct directive *row,
			    enum scope scope, void *object);

size_t			 block_count(void);
const struct block	*block_at(size_t i);
const struct block	*block_find(struct span name);
const struct block	*block_of(enum scope scope);	/* not of SCOPE_TOP */
/* The setting or, at top level, block whose name is nearest; NULL: none. */
const char		*directive_nearest(struct span name, enum scope scope);
#endif
