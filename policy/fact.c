#include <assert.h>
#include <string.h>

#include "base/nearest.h"
#include "policy/fact.h"

/*
 * The words that facts can say. Each list is in the order of the enumeration
 * that its filter has for them, so that a result is the index of its word.
 */
static const char *const reverse_words[] = {
	"none", "ok", "mismatch", "temperror", NULL
};
static const char *const helo_words[] = { "helo", "ehlo", NULL };
static const char *const spf_words[] = {
	"none", "neutral", "pass", "fail", "softfail", "temperror",
	"permerror", NULL
};
static const char *const dkim_words[] = {
	"none", "pass", "fail", "neutral", "temperror", "permerror",
	"policy", NULL
};
static const char *const dmarc_words[] = {
	"none", "pass", "fail", "temperror", "permerror", NULL
};
static const char *const policy_words[] = {
	"none", "quarantine", "reject", NULL
};
static const char *const greylist_words[] = {
	"new", "early", "passed", "known", "identity-known", "null-sender",
	"unknown", "exempt", NULL
};
static const char *const arc_words[] = {
	"none", "pass", "fail", "temperror", NULL
};
static const char *const milter_words[] = {
	"none", "accept", "reject", "tempfail", "discard", "quarantine",
	"error", NULL
};

static const struct fact table[FACTS] = {
#define X(id, name, type, words, phase, scope, change, cost, argument, none, \
    help) \
	{ name, words, help, FACT_##id, type, phase, scope, change, cost, \
	    argument, none },
	FACT_TABLE(X)
#undef X
};

const struct fact *
fact_at(enum fact_id id)
{
	assert((size_t)id < FACTS);
	return &table[id];
}

bool
fact_is_dotted(const struct fact *fact)
{
	return fact->argument == FACT_TAKES_LIST ||
	    fact->argument == FACT_TAKES_MILTER;
}

/* "dnsbl.zen": what stands behind the row's name. "": it is not of this row. */
static struct span
behind(const struct fact *row, struct span name)
{
	size_t len = strlen(row->name);

	if (!fact_is_dotted(row) || name.len <= len ||
	    memcmp(name.p, row->name, len) != 0)
		return (struct span){0};
	return span_n(name.p + len, name.len - len);
}

const struct fact *
fact_find(struct span name, struct span *argument)
{
	*argument = (struct span){0};
	for (size_t i = 0; i < FACTS; i++)
		if (!fact_is_dotted(&table[i]) &&
		    span_is(name, table[i].name))
			return &table[i];
	for (size_t i = 0; i < FACTS; i++) {
		*argument = behind(&table[i], name);
		if (argument->len > 0)
			return &table[i];
	}
	return NULL;
}

const char *
fact_nearest(struct span name)
{
	const char *names[FACTS];
	size_t n = 0;

	for (size_t i = 0; i < FACTS; i++)
		if (!fact_is_dotted(&table[i]))
			names[n++] = table[i].name;
	return nearest(name, names, n);
}

int
fact_word(const struct fact *fact, struct span word)
{
	for (int i = 0; fact->words != NULL && fact->words[i] != NULL; i++)
		if (span_is(word, fact->words[i]))
			return i;
	return -1;
}
