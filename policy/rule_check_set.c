#include <string.h>

#include "base/addr.h"
#include "base/nearest.h"
#include "policy/rule_check.h"
#include "policy/set.h"

/* --- from declaration to set --- */

static bool
is_address(struct span text)
{
	struct network network;
	struct err err;

	return network_parse(text, &network, &err) == 0;
}

static void
build_items(struct rule_checker *c, struct set_decl *set)
{
	struct set_builder *b = set_begin(c->a);
	struct err err;

	for (size_t i = 0; i < set->nitems; i++) {
		const struct token *t = set->items[i];

		if (set->bare == NULL && t->kind == TOKEN_WORD &&
		    !is_address(t->text))
			set->bare = t;
		if (set_add(b, t->text, &err) < 0) {
			diagnostic(c->d, t->place, NULL, "%s", err.text);
			set->is_bad = true;
		}
	}
	set->set = set_end(&b);
}

/* Lines of a set's file are reported as those of a rule file. */
struct set_file {
	struct rule_checker	*c;
	struct source		*source;
	struct set_decl		*set;
};

static void
tell(void *arg, unsigned line, unsigned column, const struct err *why)
{
	struct set_file *f = arg;
	struct place at = { NULL, line, column };
	struct source *read;
	struct err err;

	/* Kept whole only now, to be quoted. */
	if (f->source->text.p == NULL && source_read(f->c->a,
	    f->source->name, &read, &err) == 0)
		f->source->text = read->text;
	if (f->source->text.p == NULL)
		f->source->text = SPAN_LIT("");
	at.source = f->source;
	diagnostic(f->c->d, at, NULL, "%s", why->text);
	f->set->is_bad = true;
}

static void
build_file(struct rule_checker *c, struct set_decl *set)
{
	const char *from = set->file_at.source->name, *path = set->file;
	const char *slash = strrchr(from, '/');
	struct set_file f = { c, arena_new(c->a, struct source), set };
	struct err err;

	if (path[0] != '/' && slash != NULL)
		path = arena_printf(c->a, "%.*s/%s", (int)(slash - from), from,
		    path);
	f.source->name = path;
	if (set_read(c->a, path, tell, &f, &set->set, &err) < 0) {
		diagnostic(c->d, set->file_at, NULL, "%s", err.text);
		set->is_bad = true;
	}
}

static void
check_redis(struct rule_checker *c, const struct set_decl *set)
{
	if (!c->context->has_redis)
		diagnostic(c->d, set->redis_at, NULL, "a set in Redis needs "
		    "it as the store: \"store { address redis://... }\" in "
		    "the configuration");
}

void
check_set_build(struct rule_checker *c, struct set_decl *set)
{
	struct set_builder *b;

	if (!set->is_declared || set->is_bad || set->set != NULL)
		return;
	if (set->redis != NULL) {
		check_redis(c, set);
		return;
	}
	if (set->file == NULL)
		build_items(c, set);
	else if (c->context != NULL && c->context->files)
		build_file(c, set);
	else {
		b = set_begin(c->a);
		set->set = set_end(&b);
	}
}

/* --- does it fit? --- */

static const char *
set_name(struct rule_checker *c, const struct set_decl *set)
{
	return set->name == NULL ? "this" : arena_printf(c->a, "$%s",
	    set->name);
}

static const char *
family_name(enum set_family family)
{
	return family == SET_ADDRESSES ? "addresses" :
	    family == SET_NAMES ? "names" : "texts";
}

static bool
is_known(struct rule_checker *c, const struct cond *cond)
{
	const struct rules *r = c->rules;
	const char **names = arena_new_n(c->a, r->nsets + 1, const char *);
	size_t n = 0;

	if (cond->set->is_declared)
		return true;
	for (size_t i = 0; i < r->nsets; i++)
		if (r->sets[i]->is_declared)
			names[n++] = r->sets[i]->name;
	diagnostic(c->d, cond->literal->place, check_meant(c,
	    nearest(span_z(cond->set->name), names, n)),
	    "unknown set $%s", cond->set->name);
	return false;
}

/* What a fact's words or numbers are compared with is written out. */
static bool
has_items(struct rule_checker *c, const struct cond *cond)
{
	const struct set_decl *set = cond->set;
	struct place at = set->name != NULL ? cond->literal->place : set->at;

	if (set->file != NULL || set->redis != NULL)
		diagnostic(c->d, at, NULL, "%s is %s, but $%s is %s: such "
		    "a set is written out in { }",
		    check_fact_name(c, &cond->ref),
		    type_name(cond->ref.fact->type), set->name,
		    set->file != NULL ? "a file" : "in Redis");
	else if (set->nitems == 0)
		diagnostic(c->d, at, NULL, "%s is a set without items",
		    set_name(c, set));
	return set->file == NULL && set->redis == NULL && set->nitems > 0;
}

static void
check_words(struct rule_checker *c, struct cond *cond)
{
	struct value value;

	for (size_t i = 0; i < cond->set->nitems; i++)
		check_literal(c, cond, cond->set->items[i], &value);
}

/*
 * "client.port in { 25, 587 }" is made of comparisons: the sets that lookups
 * are made for hold addresses and texts.
 */
static struct cond *
any_of(struct rule_checker *c, struct cond *cond,
    const struct token *const *items, size_t n)
{
	struct cond *one = arena_new(c->a, struct cond);

	one->at = cond->at;
	one->text = cond->text;
	if (n == 1) {
		one->op = COND_EQUAL;
		one->ref = cond->ref;
		one->literal = items[0];
		check_literal(c, one, items[0], &one->value);
		return one;
	}
	one->op = COND_OR;
	one->left = any_of(c, cond, items, n / 2);
	one->right = any_of(c, cond, items + n / 2, n - n / 2);
	return one;
}

static void
check_family(struct rule_checker *c, const struct cond *cond)
{
	const struct set_decl *set = cond->set;
	enum set_family family = set_family(set->set);
	enum type type = cond->ref.fact->type;
	struct place at = set->name != NULL ? cond->literal->place : set->at;
	bool fits;

	if (family == SET_EMPTY)
		return;
	if (type_is_list(type))
		type = type_of_item(type);
	if (type == TYPE_ADDRESS || type == TYPE_NETWORK)
		fits = family == SET_ADDRESSES;
	else if (type == TYPE_TEXT)
		fits = family != SET_ADDRESSES;
	else
		fits = family == SET_NAMES;
	if (!fits)
		diagnostic(c->d, at, NULL, "%s is %s, but %s is a set of %s",
		    check_fact_name(c, &cond->ref),
		    type_name(cond->ref.fact->type), set_name(c, set),
		    family_name(family));
	else if (set->bare != NULL && family != SET_ADDRESSES)
		diagnostic(c->d, set->bare->place, NULL, "expected a text in "
		    "quotes, found %s", check_show(c, set->bare->text));
}

void
check_in(struct rule_checker *c, struct cond *cond)
{
	const struct fact *fact = cond->ref.fact;
	struct cond *any;

	if (!is_known(c, cond))
		return;
	if (fact->type == TYPE_YESNO) {
		diagnostic(c->d, cond->at, NULL, "%s is yes or no and is in "
		    "no set", check_fact_name(c, &cond->ref));
		return;
	}
	if (fact->type == TYPE_WORD || type_is_number(fact->type)) {
		if (cond->set->is_bad || !has_items(c, cond))
			return;
		if (fact->type == TYPE_WORD) {
			check_words(c, cond);
			check_set_build(c, cond->set);
			return;
		}
		any = any_of(c, cond, cond->set->items, cond->set->nitems);
		any->text = cond->text;
		*cond = *any;
		return;
	}
	if (cond->set->redis != NULL && fact->scope == FACT_OF_RULES)
		diagnostic(c->d, cond->literal->place, NULL, "%s is made by "
		    "the rules: such a set is written out in { }",
		    fact->name);
	if (cond->set->name == NULL)
		check_set_build(c, cond->set);
	if (cond->set->set != NULL && !cond->set->is_bad)
		check_family(c, cond);
	if (cond->set->name == NULL && cond->set->nitems == 0)
		diagnostic(c->d, cond->set->at, NULL,
		    "%s is a set without items", "this");
}
