#include <assert.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "base/lexer.h"
#include "base/text_hash.h"
#include "conf/listing.h"
#include "policy/rule_plan.h"
#include "policy/rule_read.h"
#include "policy/set.h"

/* The configuration knows nothing of facts. */
static void
check_name(const char *name, struct place at, struct diagnostics *d)
{
	char full[128];
	struct span argument;

	snprintf(full, sizeof(full), "dnsbl.%s", name);
	(void)fact_find(span_z(full), &argument);
	if (argument.len == 0)
		diagnostic(d, at, NULL, "the list \"%s\" of the "
		    "configuration needs another name: dnsbl.%s is another "
		    "fact", name, name);
}

/* The lists of the configuration, in front of those of the rules. They have
 * no place here: it is the file as a whole. */
static void
add_lists(struct rules *rules, const struct rule_context *context,
    const struct source *source, struct diagnostics *d)
{
	size_t own = rules->nlists, n = context->nlists;
	struct dnsbl_list *lists = arena_new_n(rules->arena, n + own,
	    struct dnsbl_list);
	struct place *places = arena_new_n(rules->arena, n + own,
	    struct place);

	for (size_t i = 0; i < n; i++) {
		lists[i] = context->lists[i];
		places[i] = (struct place){ source, 0, 0 };
		check_name(lists[i].name, places[i], d);
	}
	for (size_t i = 0; i < own; i++) {
		lists[n + i] = rules->lists[i];
		places[n + i] = rules->list_places[i];
		for (size_t j = 0; j < n; j++)
			if (strcasecmp(lists[j].name,
			    lists[n + i].name) == 0)
				diagnostic(d, places[n + i], NULL, "the list "
				    "\"%s\" is already declared in the "
				    "configuration", lists[j].name);
	}
	rules->lists = lists;
	rules->list_places = places;
	rules->nlists = n + own;
	rules->nconfigured = n;
}

/* Facts that differ by the case of their argument alone are one. */
static void
add_milters(struct rules *rules, const struct rule_context *context,
    const struct source *source, struct diagnostics *d)
{
	size_t n = context->nmilters;

	assert(n <= RULE_MILTERS_MAX);
	rules->milters = arena_new_n(rules->arena, n, struct rule_milter);
	for (size_t i = 0; i < n; i++) {
		rules->milters[i] = context->milters[i];
		for (size_t j = 0; j < i; j++)
			if (strcasecmp(context->milters[j].name,
			    context->milters[i].name) == 0 &&
			    strcmp(context->milters[j].name,
			    context->milters[i].name) != 0)
				diagnostic(d, (struct place){ source, 0, 0 },
				    NULL, "the milters \"%s\" and \"%s\" of "
				    "the configuration need names that differ "
				    "in more than their case",
				    context->milters[j].name,
				    context->milters[i].name);
	}
	rules->nmilters = n;
}

static void
observe(struct rule *rules, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		rules[i].observe = true;
		observe(rules[i].group, rules[i].ngroup);
	}
}

/* What observes says something else than what acts. */
static void
add_hash(struct rules *rules, const struct rule_context *context)
{
	for (size_t i = 0; i < rules->nsets; i++) {
		const struct set_decl *set = rules->sets[i];
		uint64_t hash;

		if (set->file == NULL)
			continue;
		hash = set_hash(set->set);
		rules->hash = text_hash(rules->hash,
		    span_n(&hash, sizeof(hash)));
	}
	if (context->observe)
		rules->hash = text_hash(rules->hash, span_z("observe"));
}

static struct rules *
read_source(struct arena *a, const struct source *source,
    const struct rule_context *context, struct diagnostics *d)
{
	size_t before = diagnostics_errors(d);
	struct rules *rules = rule_parse(a, source, d);

	if (context->nlists > 0)
		add_lists(rules, context, source, d);
	if (context->milters != NULL)
		add_milters(rules, context, source, d);
	rule_check(rules, context, d);
	if (diagnostics_errors(d) > before)
		return NULL;
	/* Not before: the warnings are those of rules that act. */
	for (size_t i = 0; context->observe && i < PHASES; i++)
		observe(rules->phases[i].rules, rules->phases[i].n);
	rule_plan_number(rules);
	add_hash(rules, context);
	return rules;
}

struct rules *
rules_read(struct arena *a, const char *path,
    const struct rule_context *context, struct diagnostics *d)
{
	struct source *source;
	struct err err;

	if (source_read(a, path, &source, &err) == 0)
		return read_source(a, source, context, d);
	diagnostic(d, (struct place){0}, NULL, "%s", err.text);
	return NULL;
}

struct rules *
rules_read_text(struct arena *a, const char *name, struct span text,
    const struct rule_context *context, struct diagnostics *d)
{
	struct source *source = arena_new(a, struct source);

	source->name = arena_strdup(a, name);
	source->text = arena_span(a, text);	/* places point into it */
	return read_source(a, source, context, d);
}
