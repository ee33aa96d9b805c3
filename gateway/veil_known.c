#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "gateway/veil_internal.h"

static bool
is_of_word(char c)
{
	unsigned char u = (unsigned char)c;

	return u >= 0x80 || (u >= '0' && u <= '9') || (u >= 'a' && u <= 'z') ||
	    (u >= 'A' && u <= 'Z');
}

static unsigned char
small(char c)
{
	return (unsigned char)(c >= 'A' && c <= 'Z' ? c + ('a' - 'A') : c);
}

/* Of VEIL_SHORTEST octets at least. */
static size_t
bucket_of(const char *p)
{
	return (small(p[0]) * 31u * 31u + small(p[1]) * 31u + small(p[2])) %
	    VEIL_BUCKETS;
}

void
veil_known_begin(struct veil_known *k)
{
	if (k->n > 0)
		memset(k->buckets, 0, sizeof(k->buckets));
	k->n = 0;
	k->work = VEIL_WORK;
}

void
veil_known_free(struct veil_known *k)
{
	free(k->names);
}

static void
add(struct veil_known *k, struct span local, struct span address)
{
	size_t *bucket;

	if (local.len < VEIL_SHORTEST)
		return;
	if (k->n == k->cap) {
		k->cap = k->cap > 0 ? 2 * k->cap : 16;
		k->names = mem_realloc(k->names, k->cap * sizeof(*k->names),
		    "hidden names");
	}
	bucket = &k->buckets[bucket_of(local.p)];
	k->names[k->n++] = (struct veil_name){ local, address, *bucket };
	*bucket = k->n;
}

void
veil_known_add(struct veil_known *k, struct span address)
{
	struct span local = address;
	const char *at = address.len > 0 ? memrchr(address.p, '@',
	    address.len) : NULL, *plus;

	if (at != NULL)
		local.len = (size_t)(at - address.p);
	if (local.len >= 2 && local.p[0] == '"' &&
	    local.p[local.len - 1] == '"')
		local = span_n(local.p + 1, local.len - 2);
	add(k, local, address);
	/* bob+news is bob's, and a server may say so. */
	plus = local.len > 0 ? memchr(local.p, '+', local.len) : NULL;
	if (plus != NULL)
		add(k, span_n(local.p, (size_t)(plus - local.p)), address);
}

static bool
is_word(struct span text, size_t at, size_t len)
{
	return (at == 0 || !is_of_word(text.p[at - 1])) &&
	    (at + len == text.len || !is_of_word(text.p[at + len]));
}

bool
veil_is_cut(struct span text)
{
	return text.len >= 3 && memcmp(text.p + text.len - 3, "...", 3) == 0;
}

/* How much of the text at `at` is this name; 0: it is another one. */
static size_t
matches(struct span local, struct span text, size_t at)
{
	size_t left = text.len - at, len = local.len;

	/* What is left of it, in front of the dots. */
	if (veil_is_cut(text) && left - 3 < len && left >= 3 + VEIL_SHORTEST)
		len = left - 3;
	else if (left < len || !is_word(text, at, len))
		return 0;
	return span_eq_nocase(span_n(text.p + at, len), span_n(local.p, len)) ?
	    len : 0;
}

const struct veil_name *
veil_known_at(struct veil_known *k, struct span text, size_t at, size_t *len)
{
	const struct veil_name *best = NULL;

	*len = 0;
	if (k->n == 0 || text.len - at < VEIL_SHORTEST ||
	    (at > 0 && is_of_word(text.p[at - 1])))
		return NULL;
	for (size_t i = k->buckets[bucket_of(text.p + at)];
	    i != 0 && k->work > 0; i = k->names[i - 1].next) {
		const struct veil_name *name = &k->names[i - 1];
		size_t n = matches(name->local, text, at);

		k->work--;
		if (n > *len) {
			best = name;
			*len = n;
		}
	}
	return best;
}

bool
veil_known_is_in(struct veil_known *k, struct span text)
{
	size_t len;

	for (size_t at = 0; k->n > 0 && at < text.len; at++)
		if (veil_known_at(k, text, at, &len) != NULL)
			return true;
	return k->n > 0 && k->work == 0;
}

/* --- addresses within an address --- */

/* BATV's tag in front of a sender's own local part. */
static struct span
without_tag(struct span local)
{
	struct span rest = local;

	if (!span_is_nocase(span_until(&rest, '='), "prvs"))
		return local;
	(void)span_until(&rest, '=');
	return rest;
}

/* "bounce-bob=y.example", "SRS0=x=y=x.example=ann", "bob%y.example". */
bool
veil_is_address_like(struct span s)
{
	return s.len > 0 && (memchr(s.p, '@', s.len) != NULL ||
	    (memchr(s.p, '.', s.len) != NULL &&
	    (memchr(s.p, '=', s.len) != NULL ||
	    memchr(s.p, '%', s.len) != NULL ||
	    memchr(s.p, '!', s.len) != NULL)));
}

bool
veil_known_is_within(struct veil_known *k, struct span address)
{
	const char *at = memrchr(address.p, '@', address.len);
	struct span local = without_tag(at == NULL ? address :
	    span_n(address.p, (size_t)(at - address.p)));
	size_t len;

	if (veil_is_address_like(local))
		return true;
	for (size_t i = 0; i < local.len; i++) {
		if (veil_known_at(k, local, i, &len) != NULL &&
		    len < local.len)
			return true;
	}
	return k->n > 0 && k->work == 0;	/* it was not looked for */
}
