#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/clock.h"
#include "base/store.h"
#include "conf/list.h"
#include "conf/listing.h"
#include "conf/value.h"
#include "policy/rule_parse.h"

/* Of a list that a rule file declares; dnsbl blocks of the configuration
 * have the same defaults. */
#define LIST_TIMEOUT	(3 * CLOCK_S)
#define LIST_SHARE	95

/* --- sets --- */

struct set_decl *
rule_set(struct rule_parser *p, struct span name)
{
	struct rules *r = p->rules;
	struct set_decl *set;

	for (size_t i = 0; i < r->nsets; i++)
		if (span_is(name, r->sets[i]->name))
			return r->sets[i];
	set = arena_new(p->a, struct set_decl);
	set->name = arena_copy(p->a, name);
	r->sets = list_room(p->a, r->sets, r->nsets, sizeof(set));
	r->sets[r->nsets++] = set;
	return set;
}

/* What is left of a set that is not understood. */
static bool
skip_items(struct rule_parser *p)
{
	while (p->t->kind != TOKEN_EOL && p->t->kind != TOKEN_END &&
	    !token_is_punct(p->t, "}") && !token_is_punct(p->t, "{"))
		p->t++;
	if (token_is_punct(p->t, "}"))
		p->t++;
	return false;
}

bool
rule_parse_items(struct rule_parser *p, struct set_decl *set)
{
	const struct token *opened = p->t++;

	while (!token_is_punct(p->t, "}")) {
		if (p->t->kind == TOKEN_EOL || p->t->kind == TOKEN_END) {
			diagnostic(p->d, opened->place, NULL,
			    "this { is never closed");
			return false;
		}
		if (!rule_is_value(p->t)) {
			diagnostic(p->d, p->t->place, NULL,
			    "expected an item of the set, found %s",
			    rule_show(p, p->t));
			return skip_items(p);
		}
		set->items = list_room(p->a, set->items, set->nitems,
		    sizeof(*set->items));
		set->items[set->nitems++] = p->t++;
		if (token_is_punct(p->t, ","))
			p->t++;
		else if (rule_is_value(p->t)) {
			diagnostic(p->d, p->t->place, NULL, "expected a comma "
			    "between the items of the set, found %s",
			    rule_show(p, p->t));
			return skip_items(p);
		}
	}
	p->t++;
	return true;
}

/* Keys are any octets; people write words. */
static bool
parse_redis(struct rule_parser *p, struct set_decl *set)
{
	const struct token *t = ++p->t;

	if (t->kind != TOKEN_STRING || t->text.len == 0) {
		diagnostic(p->d, t->place, NULL, "expected the key of the set "
		    "in quotes behind redis, found %s", rule_show(p, t));
		return false;
	}
	if (t->text.len > STORE_KEY_MAX)
		diagnostic(p->d, t->place, NULL, "a key has at most %d octets",
		    STORE_KEY_MAX);
	set->redis = arena_copy(p->a, t->text);
	set->redis_at = p->t++->place;
	return true;
}

/* The right side: { }, file "x", redis "x". */
static bool
parse_content(struct rule_parser *p, struct set_decl *set)
{
	const struct token *t = p->t;

	if (token_is_punct(t, "{"))
		return rule_parse_items(p, set);
	if (token_is_word(t, "redis"))
		return parse_redis(p, set);
	if (!token_is_word(t, "file")) {
		diagnostic(p->d, t->place, NULL, "expected {, file or redis "
		    "behind =, found %s", rule_show(p, t));
		return false;
	}
	p->t++;
	if (p->t->kind != TOKEN_STRING || p->t->text.len == 0) {
		diagnostic(p->d, p->t->place, NULL, "expected the name of a "
		    "file in quotes, found %s", rule_show(p, p->t));
		return false;
	}
	set->file = arena_copy(p->a, p->t->text);
	set->file_at = p->t++->place;
	return true;
}

bool
rule_parse_set(struct rule_parser *p)
{
	const struct token *name = ++p->t;
	struct set_decl *set, first;
	const char *hint = NULL;

	if (name->kind == TOKEN_WORD && name->text.len > 1 &&
	    name->text.p[0] == '$')
		hint = "$ stands where a set is used, not where it is named";
	if (name->kind != TOKEN_WORD || !value_is_label(name->text)) {
		diagnostic(p->d, name->place, hint,
		    "expected a name for the set: 1 to 63 letters, digits, "
		    "\"-\", \"_\" or \".\", found %s", rule_show(p, name));
		return false;
	}
	p->t++;
	if (!token_is_punct(p->t, "=")) {
		diagnostic(p->d, p->t->place, NULL, "expected = behind the "
		    "name of the set, found %s", rule_show(p, p->t));
		return false;
	}
	p->t++;
	if (p->rules->nsets == RULE_SETS_MAX) {
		diagnostic(p->d, name->place, NULL, "this is one set too "
		    "many: the most is %d", RULE_SETS_MAX);
		return false;
	}
	set = rule_set(p, name->text);
	first = *set;
	if (set->is_declared) {
		diagnostic(p->d, name->place, NULL, "the set \"%s\" was "
		    "already declared at %s:%u", set->name,
		    set->at.source->name, set->at.line);
		set = &first;
		set->items = NULL;
		set->nitems = 0;
	}
	set->is_declared = true;
	set->at = name->place;
	if (parse_content(p, set))
		return true;
	set->is_bad = true;
	return false;
}

/* --- DNS lists --- */

/* A line of words; those that touch are one ("2,4-7" is three tokens). */
static size_t
read_words(struct rule_parser *p, struct span **words)
{
	const char *end = NULL;
	size_t n = 0;

	*words = NULL;
	for (; p->t->kind != TOKEN_EOL && p->t->kind != TOKEN_END &&
	    !token_is_punct(p->t, "}"); p->t++) {
		const char *at = rule_at(p, p->t);
		bool is_string = p->t->kind == TOKEN_STRING;

		if (at == end && n > 0)
			(*words)[n - 1].len += (size_t)(rule_behind(p, p->t) -
			    at);
		else {
			*words = list_room(p->a, *words, n, sizeof(**words));
			(*words)[n++] = is_string ? p->t->text : span_n(at,
			    (size_t)(rule_behind(p, p->t) - at));
		}
		end = is_string ? NULL : rule_behind(p, p->t);
	}
	return n;
}

static void
parse_checks(struct rule_parser *p, struct dnsbl_list *list)
{
	const char *hint = NULL;
	unsigned bits = 0;
	struct err err;

	if (!rule_is_value(p->t + 1))
		diagnostic(p->d, p->t->place, NULL, "nothing behind checks: "
		    "expected what the list is asked about, as client or "
		    "sender");
	for (p->t++; rule_is_value(p->t); p->t++)
		if (listing_check(p->t->text, &bits, &hint, &err) < 0)
			diagnostic(p->d, p->t->place, rule_meant(p, hint),
			    "%s", err.text);
		else
			list->checks |= bits;
	if (p->t->kind == TOKEN_PUNCT && !token_is_punct(p->t, "}")) {
		diagnostic(p->d, p->t->place, NULL, "expected the end of the "
		    "line behind checks, found %s", rule_show(p, p->t));
		while (p->t->kind != TOKEN_EOL && p->t->kind != TOKEN_END &&
		    !token_is_punct(p->t, "}"))
			p->t++;
	}
}

static void
parse_pattern(struct rule_parser *p, struct dnsbl_list *list)
{
	struct place at = p->t->place;
	struct listing_pattern pattern;
	const char *hint = NULL;
	struct span *words;
	size_t n = read_words(p, &words);
	struct err err;

	if (listing_parse(p->a, words, n, &pattern, &hint, &err) < 0) {
		diagnostic(p->d, at, rule_meant(p, hint), "%s", err.text);
		return;
	}
	if (list->npatterns == LISTING_PATTERNS) {
		diagnostic(p->d, at, NULL, "a list has at most %d patterns",
		    LISTING_PATTERNS);
		return;
	}
	list->patterns = list_room(p->a, list->patterns, list->npatterns,
	    sizeof(pattern));
	list->patterns[list->npatterns++] = pattern;
}

static bool
parse_patterns(struct rule_parser *p, struct dnsbl_list *list)
{
	const struct token *opened = p->t++;

	while (!token_is_punct(p->t, "}")) {
		if (p->t->kind == TOKEN_END || (p->t->kind == TOKEN_WORD &&
		    (token_is_word(p->t, "on") || token_is_word(p->t, "set") ||
		    token_is_word(p->t, "dnsbl")))) {
			diagnostic(p->d, opened->place, NULL,
			    "this { is never closed");
			return true;
		}
		if (p->t->kind == TOKEN_EOL)
			p->t++;
		else if (token_is_word(p->t, "checks"))
			parse_checks(p, list);
		else if (token_is_punct(p->t, "{")) {
			diagnostic(p->d, p->t->place, NULL, "expected an "
			    "answer of the list, as 127.0.0.2, found {");
			return false;
		} else
			parse_pattern(p, list);
	}
	p->t++;
	return true;
}

static void
add_list(struct rule_parser *p, const struct dnsbl_list *list,
    struct place at)
{
	struct rules *r = p->rules;

	for (size_t i = 0; i < r->nlists; i++)
		if (strcasecmp(r->lists[i].name, list->name) == 0) {
			diagnostic(p->d, at, NULL, "the list \"%s\" was "
			    "already declared at %s:%u", list->name,
			    r->list_places[i].source->name,
			    r->list_places[i].line);
			return;
		}
	if (r->nlists == RULE_LISTS_MAX) {
		diagnostic(p->d, at, NULL, "this is one list too many: the "
		    "most is %d", RULE_LISTS_MAX);
		return;
	}
	r->lists = list_room(p->a, r->lists, r->nlists, sizeof(*r->lists));
	r->list_places = list_room(p->a, r->list_places, r->nlists,
	    sizeof(at));
	r->lists[r->nlists] = *list;
	r->list_places[r->nlists++] = at;
}

bool
rule_parse_dnsbl(struct rule_parser *p)
{
	struct dnsbl_list list = { .timeout = LIST_TIMEOUT,
	    .test_points = true, .max_share = LIST_SHARE };
	const struct token *name = ++p->t;
	struct fact_ref ref = {0};
	struct span full;
	struct err err;
	bool good = true;

	if (name->kind != TOKEN_WORD || !value_is_label(name->text)) {
		diagnostic(p->d, name->place, NULL, "expected a name for the "
		    "list: 1 to 63 letters, digits, \"-\", \"_\" or \".\", "
		    "found %s", rule_show(p, name));
		return false;
	}
	list.name = arena_copy(p->a, name->text);
	full = span_z(arena_printf(p->a, "dnsbl.%s", list.name));
	ref.fact = fact_find(full, &ref.argument);
	if (ref.argument.len == 0)
		diagnostic(p->d, name->place, NULL, "a list cannot be called "
		    "\"%s\": dnsbl.%s is another fact", list.name, list.name);
	p->t++;
	if (p->t->kind != TOKEN_STRING) {
		diagnostic(p->d, p->t->place, NULL, "expected the zone of the "
		    "list in quotes, found %s", rule_show(p, p->t));
		good = false;
	} else {
		if (listing_zone(p->a, p->t->text, &list.zone, &err) < 0)
			diagnostic(p->d, p->t->place, NULL, "%s", err.text);
		p->t++;
	}
	add_list(p, &list, name->place);
	if (!good)
		return false;
	if (!token_is_punct(p->t, "{")) {
		diagnostic(p->d, p->t->place, NULL, "expected { and the "
		    "answers that count, found %s", rule_show(p, p->t));
		return false;
	}
	good = parse_patterns(p, &list);
	if (list.checks == 0)
		list.checks = LISTING_CLIENT;
	if (strcmp(p->rules->lists[p->rules->nlists - 1].name, list.name) == 0)
		p->rules->lists[p->rules->nlists - 1] = list;
	return good;
}

/* --- include --- */

/* Whether it may be read: each file is, once. */
static bool
note_file(struct rule_parser *p, const char *path, const struct token *t)
{
	const struct rule_parser *up;
	char *real = realpath(path, NULL);
	const char *name = arena_strdup(p->a, real != NULL ? real : path);
	struct rule_files *f = p->files;
	size_t i;

	free(real);
	for (up = p; up != NULL; up = up->parent) {
		bool same;

		real = realpath(up->source->name, NULL);
		same = real != NULL && strcmp(real, name) == 0;
		free(real);
		if (same) {
			diagnostic(p->d, t->place, NULL,
			    "%s includes itself%s", path, up == p ? "" :
			    " by way of other files");
			return false;
		}
	}
	for (i = 0; i < f->n; i++)
		if (strcmp(f->names[i], name) == 0) {
			diagnostic(p->d, t->place, NULL,
			    "%s is included a second time", path);
			return false;
		}
	f->names = list_room(p->a, f->names, f->n, sizeof(name));
	f->names[f->n++] = name;
	return true;
}

bool
rule_parse_include(struct rule_parser *p, bool observe)
{
	struct rule_parser inner = { .a = p->a, .rules = p->rules, .d = p->d,
	    .files = p->files, .parent = p,
	    .observe = observe || p->observe };
	const struct token *t = ++p->t;
	const char *slash = strrchr(p->source->name, '/'), *path;
	struct source *source;
	unsigned depth = 1;
	struct err err;

	if (t->kind != TOKEN_STRING || t->text.len == 0) {
		diagnostic(p->d, t->place, NULL, "expected the name of a file "
		    "in quotes behind include, found %s", rule_show(p, t));
		return false;
	}
	p->t++;
	path = arena_copy(p->a, t->text);
	if (path[0] != '/' && slash != NULL)
		path = arena_printf(p->a, "%.*s/%s",
		    (int)(slash - p->source->name), p->source->name, path);
	if (!note_file(p, path, t))
		return true;
	for (const struct rule_parser *up = p; up != NULL; up = up->parent)
		depth++;
	if (depth > RULE_INCLUDES_MAX)
		diagnostic(p->d, t->place, NULL, "files include each other "
		    "at most %d deep", RULE_INCLUDES_MAX);
	else if (source_read(p->a, path, &source, &err) < 0)
		diagnostic(p->d, t->place, NULL, "%s", err.text);
	else {
		inner.source = source;
		rule_parse_file(&inner);
	}
	return true;
}
