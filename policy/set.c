#include <assert.h>
#include <string.h>

#include "base/buf.h"
#include "base/mem.h"
#include "policy/set_internal.h"
#include "policy/set_item.h"

struct set_builder {
	struct set	*set;
	/* All items so far are words: they fit names and texts. */
	bool		 is_open;
	/* The texts of words that have another key as a name. */
	struct set_table aliases;
};

static void
set_free(void *arg)
{
	struct set *s = arg;

	set_networks_free(&s->v4);
	set_networks_free(&s->v6);
	set_table_free(&s->table);
}

static void
builder_free(void *arg)
{
	struct set_builder *b = arg;

	set_table_free(&b->aliases);
}

struct set_builder *
set_begin(struct arena *a)
{
	struct set_builder *b = arena_new(a, struct set_builder);

	b->set = arena_new(a, struct set);
	b->set->hash = TEXT_HASH_BEGIN;
	b->set->v4.width = 4;
	b->set->v6.width = 16;
	b->is_open = true;
	arena_defer(a, set_free, b->set);
	arena_defer(a, builder_free, b);
	return b;
}

void
set_expect(struct set_builder *b, enum set_family family)
{
	assert(b->set->family == SET_EMPTY);
	b->set->family = family;
	b->is_open = family == SET_EMPTY;
}

/* --- adding --- */

static int
misfit(struct span text, enum set_family is, enum set_family has,
    struct err *err)
{
	static const char *const one[] = { [SET_ADDRESSES] = "an address",
	    [SET_NAMES] = "a name", [SET_TEXTS] = "a text" };
	static const char *const all[] = { [SET_ADDRESSES] = "addresses",
	    [SET_NAMES] = "names", [SET_TEXTS] = "texts" };

	return err_set(err, ERR_CONFIG, "\"%.*s\" is %s in a set of %s",
	    SPAN_ARG(text), one[is], all[has]);
}

static void
add_network(struct set *s, const struct network *n)
{
	set_networks_add(n->family == AF_INET ? &s->v4 : &s->v6, n);
}

/* To the set's table or to the aliases, which will be put into it. */
static int
add_key(struct set_builder *b, struct set_table *t, const struct set_key *key,
    struct err *err)
{
	if (b->set->table.len + b->aliases.len + key->len + 1 > SET_TEXT_MAX)
		return err_set(err, ERR_CONFIG,
		    "the set has more text than it can hold");
	set_table_add(t, span_n(key->text, key->len));
	return 0;
}

/* What a look-up need not try; the key is that of a SET_ITEM_NAME. */
static void
note_form(struct set *s, const struct set_key *key)
{
	unsigned dots = 0;

	if (key->text[0] != '.') {
		if (key->text[key->len - 1] == '@')
			s->has_locals = true;
		else
			s->has_mailboxes = true;
		return;
	}
	for (size_t i = 0; i < key->len; i++)
		dots += key->text[i] == '.';
	s->below |= set_below_bit(dots);
}

/* Among texts it is one, whatever else it could be. */
static int
add_text(struct set_builder *b, struct span text, struct err *err)
{
	struct set_key key;

	if (set_item_check(text, err) < 0)
		return -1;
	set_key_text(text, &key);
	return add_key(b, &b->set->table, &key, err);
}

/* A word can be asked for as it stands too. */
static int
add_word(struct set_builder *b, struct span text, const struct set_item *item,
    struct err *err)
{
	struct set_key key;

	if (add_key(b, &b->set->table, &item->key, err) < 0)
		return -1;
	set_key_text(text, &key);
	if (key.len == item->key.len &&
	    memcmp(key.text, item->key.text, key.len) == 0)
		return 0;
	return add_key(b, &b->aliases, &key, err);
}

static enum set_family
family_of(enum set_item_kind kind)
{
	return kind == SET_ITEM_NETWORK ? SET_ADDRESSES :
	    kind == SET_ITEM_TEXT ? SET_TEXTS : SET_NAMES;
}

static int
add_item(struct set_builder *b, struct span text, struct set_item *item,
    struct err *err)
{
	enum set_family is = family_of(item->kind);
	struct set *s = b->set;

	if (is == SET_TEXTS && s->family == SET_NAMES && !b->is_open)
		return err_set(err, ERR_CONFIG, "\"%.*s\" is no name: expected "
		    "a.example, .a.example, user@a.example or user@",
		    SPAN_ARG(text));
	if (is != s->family && s->family != SET_EMPTY &&
	    !(is == SET_TEXTS && b->is_open))
		return misfit(text, is, s->family, err);
	s->family = is;
	b->is_open &= item->kind == SET_ITEM_WORD;
	if (item->kind == SET_ITEM_NETWORK) {
		add_network(s, &item->network);
		return 0;
	}
	if (item->kind == SET_ITEM_WORD)
		return add_word(b, text, item, err);
	if (item->kind == SET_ITEM_NAME)
		note_form(s, &item->key);
	return add_key(b, &s->table, &item->key, err);
}

/* Whatever it is, the error says what it should be. */
static int
read_network(struct set *s, struct span text, struct err *err)
{
	struct network n;

	if (network_parse(text, &n, err) < 0) {
		err->kind = ERR_CONFIG;
		return -1;
	}
	add_network(s, &n);
	return 0;
}

int
set_add(struct set_builder *b, struct span text, struct err *err)
{
	struct set_item item;

	b->set->hash = text_hash_end(text_hash(b->set->hash, text));
	if (b->set->family == SET_TEXTS)
		return add_text(b, text, err);
	if (b->set->family == SET_ADDRESSES)
		return read_network(b->set, text, err);
	if (set_item_read(text, &item, err) < 0)
		return -1;
	return add_item(b, text, &item, err);
}

/* --- the end of it --- */

static size_t
build_table(struct set_builder *b)
{
	struct set_table *t = &b->set->table;
	size_t count = t->n, at = 0, len;

	for (; at < b->aliases.len; at += len + 1) {
		len = strlen(b->aliases.text + at);
		set_table_add(t, span_n(b->aliases.text + at, len));
	}
	set_table_free(&b->aliases);
	return set_table_build(t, count);
}

struct set *
set_end(struct set_builder **bp)
{
	struct set *s = (*bp)->set;

	s->size = build_table(*bp);
	set_networks_build(&s->v4);
	set_networks_build(&s->v6);
	s->size += s->v4.n + s->v6.n;
	*bp = NULL;
	return s;
}

/* --- what there is --- */

enum set_family
set_family(const struct set *s)
{
	return s->family;
}

uint64_t
set_hash(const struct set *s)
{
	return s->hash;
}

size_t
set_size(const struct set *s)
{
	return s->size;
}

size_t
set_bytes(const struct set *s)
{
	return sizeof(*s) + set_table_bytes(&s->table) +
	    set_networks_bytes(&s->v4) + set_networks_bytes(&s->v6);
}
