#include <string.h>

#include "policy/set_internal.h"
#include "policy/set_item.h"

/* Which item it was: `item` may be NULL. */
static bool
is_key(struct buf *item, struct span key)
{
	if (item != NULL)
		buf_span(item, key);
	return true;
}

/* --- texts --- */

static bool
match_text(const struct set *s, struct span text, struct buf *item)
{
	uint64_t hash = SET_HASH_BEGIN;
	struct set_key key;

	if (!set_key_text(text, &key))
		return false;
	for (size_t i = key.len; i > 0; i--)
		hash = set_hash_more(hash, key.text[i - 1]);
	return set_table_has(&s->table, hash, span_n(key.text, key.len)) &&
	    is_key(item, span_n(key.text, key.len));
}

/* --- names --- */

/*
 * Of a name that ends with the key, what is above it: the longest
 * ".a.example" that the set has. *hash becomes that of all of the name.
 */
static struct span
find_above(const struct set *s, struct span name, uint64_t *hash)
{
	struct span found = { NULL, 0 }, suffix;
	unsigned dots = 0;
	size_t i;

	for (i = name.len; i > 0; i--) {
		*hash = set_hash_more(*hash, name.p[i - 1]);
		if (name.p[i - 1] != '.')
			continue;
		if ((s->below & set_below_bit(++dots)) == 0)
			continue;
		suffix = span_n(name.p + i - 1, name.len - i + 1);
		if (set_table_has(&s->table, *hash, suffix))
			found = suffix;
	}
	return found;
}

static bool
match_domain(const struct set *s, struct span name, uint64_t hash,
    struct span above, struct buf *item)
{
	if (name.len > 0 && set_table_has(&s->table, hash, name))
		return is_key(item, name);
	return above.len > 0 && is_key(item, above);
}

static bool
match_name(const struct set *s, struct span name, struct buf *item)
{
	uint64_t hash = SET_HASH_BEGIN;
	struct span all, above;
	struct set_key key;

	if (!set_key_domain(name, &key))
		return false;
	all = span_n(key.text, key.len);
	above = find_above(s, all, &hash);
	return match_domain(s, all, hash, above, item);
}

/* The part of the key up to its @ and with it. */
static bool
has_local(const struct set *s, struct span local)
{
	uint64_t hash = SET_HASH_BEGIN;

	for (size_t i = local.len; i > 0; i--)
		hash = set_hash_more(hash, local.p[i - 1]);
	return set_table_has(&s->table, hash, local);
}

static bool
match_mailbox(const struct set *s, struct span mailbox, struct buf *item)
{
	struct span local, domain, all, above;
	uint64_t hash = SET_HASH_BEGIN, whole;
	struct set_key key;
	size_t at, i;

	if (!set_key_mailbox(mailbox, &key, &at))
		return false;
	all = span_n(key.text, key.len);
	local = span_n(key.text, at + 1);
	domain = span_n(key.text + at + 1, key.len - at - 1);
	above = find_above(s, domain, &hash);
	whole = hash;
	for (i = local.len; i > 0; i--)
		whole = set_hash_more(whole, local.p[i - 1]);
	if (s->has_mailboxes && domain.len > 0 &&
	    set_table_has(&s->table, whole, all))
		return is_key(item, all);
	if (s->has_locals && has_local(s, local))
		return is_key(item, local);
	return match_domain(s, domain, hash, above, item);
}

/* --- addresses --- */

static bool
match_network(const struct set *s, const struct network *n, struct buf *item)
{
	char text[ADDR_TEXT];
	struct network found;

	if (n->family != AF_INET && n->family != AF_INET6)
		return false;
	if (!set_networks_find(n->family == AF_INET ? &s->v4 : &s->v6, n,
	    &found))
		return false;
	return item == NULL || is_key(item, span_z(network_text(&found, text)));
}

static bool
match_address(const struct set *s, const struct addr *a, struct buf *item)
{
	struct network n = { .family = a->len > 0 ? a->u.sa.sa_family : 0 };

	if (n.family == AF_INET) {
		n.bits = 32;
		memcpy(n.ip, &a->u.in.sin_addr, 4);
	} else if (n.family == AF_INET6) {
		n.bits = 128;
		memcpy(n.ip, &a->u.in6.sin6_addr, 16);
	}
	return match_network(s, &n, item);
}

/* --- any value --- */

bool
set_fits(enum set_family family, enum type type)
{
	switch (type) {
	case TYPE_ADDRESS:
	case TYPE_NETWORK:
	case TYPE_ADDRESSES:
		return family == SET_ADDRESSES || family == SET_EMPTY;
	case TYPE_NAME:
	case TYPE_NAMES:
	case TYPE_MAILBOX:
		return family == SET_NAMES || family == SET_EMPTY;
	case TYPE_TEXT:
	case TYPE_TEXTS:
		return family != SET_ADDRESSES;
	default:
		return false;
	}
}

static bool
match_one(const struct set *s, const struct value *v, struct buf *item)
{
	switch (v->type) {
	case TYPE_ADDRESS:
		return match_address(s, v->address, item);
	case TYPE_NETWORK:
		return match_network(s, &v->network, item);
	case TYPE_NAME:
		return match_name(s, v->text, item);
	case TYPE_MAILBOX:
		return match_mailbox(s, v->text, item);
	case TYPE_TEXT:
		return match_text(s, v->text, item);
	default:
		return false;
	}
}

bool
set_match(const struct set *s, const struct value *v, struct buf *item)
{
	size_t i;

	if (v->is_none || !set_fits(s->family, v->type))
		return false;
	if (!type_is_list(v->type))
		return match_one(s, v, item);
	for (i = 0; i < v->list.n; i++)
		if (set_match(s, &v->list.items[i], item))
			return true;
	return false;
}

bool
set_has(const struct set *s, const struct value *v)
{
	return set_match(s, v, NULL);
}
