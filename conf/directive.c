#include <assert.h>

#include "base/nearest.h"
#include "conf/directive_rows.h"

static const struct block blocks[] = {
	{ "resolver", SCOPE_RESOLVER, false, "the resolver",
	    "How names are looked up in the DNS." },
	{ "dnsbl", SCOPE_DNSBL, true, "a DNS list",
	    "A list in the DNS of addresses or domains, for their bad or their "
	    "good name (RFC 5782)." },
	{ "spf", SCOPE_SPF, false, "SPF",
	    "Whether the client may send for the domain of the sender "
	    "(RFC 7208)." },
	{ "dkim", SCOPE_DKIM, false, "DKIM",
	    "Whether the message is as its signers sent it (RFC 6376)." },
	{ "dmarc", SCOPE_DMARC, false, "DMARC",
	    "Whether one of both speaks for the author domain, and what its "
	    "owner asks for otherwise (RFC 9989)." },
	{ "authres", SCOPE_AUTHRES, false, "authres",
	    "The Authentication-Results header field (RFC 8601)." },
	{ "store", SCOPE_STORE, false, "the store",
	    "What the gateway remembers beyond a session, and where." },
	{ "greylist", SCOPE_GREYLIST, false, "greylisting",
	    "Who must come again, where a rule says so: for the action and "
	    "the facts of this name. They need a store." },
	{ "listener", SCOPE_LISTENER, true, "a listener",
	    "Addresses on which mail comes in. In it may also stand every "
	    "setting for sessions; it then holds for this listener instead "
	    "of the one at top level. A list replaces the list at top level "
	    "and is not added to it." },
	{ "backend", SCOPE_BACKEND, true, "a backend",
	    "A mail server behind the gateway, or several that can each do "
	    "the work." },
	{ "route", SCOPE_ROUTE, false, "a route",
	    "Which recipients belong to which backend. Recipients that no "
	    "route takes are refused: the gateway is never an open relay." },
	{ "milter", SCOPE_MILTER, true, "a milter",
	    "A filter that is asked over the milter protocol, as OpenDKIM, "
	    "ClamAV and Rspamd speak it. The filters are asked in the order of "
	    "their blocks in the file, 32 at most." },
	{ "journal", SCOPE_JOURNAL, false, "the journal",
	    "A file with all that happened to each mail, for programs "
	    "(docs/journal.md)." },
	{ "stats", SCOPE_STATS, false, "the statistics",
	    "What the gateway shows of itself over HTTP, to people and to "
	    "programs." },
};

static const struct directive_rows *const parts[] = {
	&directive_gateway, &directive_mail, &directive_milter,
	&directive_stats, &directive_journal };

#define DIRECTIVES_MAX	200	/* more than there are */
#define PARTS		(sizeof(parts) / sizeof(*parts))
#define BLOCKS		(sizeof(blocks) / sizeof(*blocks))

size_t
directive_count(void)
{
	size_t n = 0;

	for (size_t i = 0; i < PARTS; i++)
		n += parts[i]->n;
	return n;
}

const struct directive *
directive_at(size_t i)
{
	size_t part = 0;

	while (i >= parts[part]->n)
		i -= parts[part++]->n;
	return &parts[part]->list[i];
}

static bool
holds(const struct directive_rows *rows, const struct directive *row)
{
	return row >= rows->list && row < rows->list + rows->n;
}

size_t
directive_index(const struct directive *row)
{
	size_t part = 0, before = 0;

	while (!holds(parts[part], row)) {
		before += parts[part++]->n;
		assert(part < PARTS);
	}
	return before + (size_t)(row - parts[part]->list);
}

const struct directive *
directive_find(struct span name, unsigned scopes)
{
	const struct directive *row;

	for (size_t part = 0; part < PARTS; part++)
		for (size_t i = 0; i < parts[part]->n; i++) {
			row = &parts[part]->list[i];
			if ((row->scopes & scopes) && span_is(name, row->name))
				return row;
		}
	return NULL;
}

bool
directive_is_list(const struct directive *row)
{
	return row->type >= VALUE_PATHS;
}

void *
directive_field(const struct directive *row, enum scope scope, void *object)
{
	char *base = object;

	if (row->scopes == SCOPE_SMTP)
		base += scope == SCOPE_LISTENER ?
		    offsetof(struct listener_conf, smtp) : TOP(smtp);
	return base + row->offset;
}

size_t
block_count(void)
{
	return BLOCKS;
}

const struct block *
block_at(size_t i)
{
	return &blocks[i];
}

const struct block *
block_find(struct span name)
{
	for (size_t i = 0; i < BLOCKS; i++)
		if (span_is(name, blocks[i].name))
			return &blocks[i];
	return NULL;
}

const struct block *
block_of(enum scope scope)
{
	for (size_t i = 0; i < BLOCKS; i++)
		if (blocks[i].scope == scope)
			return &blocks[i];
	return NULL;
}

const char *
directive_nearest(struct span name, enum scope scope)
{
	const char *names[DIRECTIVES_MAX + BLOCKS + 1];
	size_t i, n = 0;

	assert(directive_count() <= DIRECTIVES_MAX);
	for (i = 0; i < directive_count(); i++)
		if (directive_at(i)->scopes & scope)
			names[n++] = directive_at(i)->name;
	for (i = 0; scope == SCOPE_TOP && i < BLOCKS; i++)
		names[n++] = blocks[i].name;
	if (scope == SCOPE_TOP)
		names[n++] = "include";
	return nearest(name, names, n);
}
