#include <assert.h>
#include <endian.h>
#include <stdlib.h>
#include <string.h>
#include <netinet/in.h>

#include "base/mem.h"
#include "policy/set_networks.h"

#define NONE		UINT32_MAX
#define PREFIX_MOST	128
#define INDEX_MIN	64	/* networks for which an index pays */
#define INDEX_SHARE	4	/* of them to an entry of it, on the average */

/* An address as a number; that of IPv4 is in the first 32 bits. */
struct number {
	uint64_t	high, low;
};

static size_t
stride(const struct set_networks *s)
{
	return s->width + 1;
}

static const unsigned char *
entry(const struct set_networks *s, size_t i)
{
	return s->list + i * stride(s);
}

static unsigned
prefix(const struct set_networks *s, size_t i)
{
	return entry(s, i)[s->width];
}

static struct number
number(const unsigned char *ip, unsigned width)
{
	uint32_t v4;
	struct number n = { 0 };

	if (width == 4) {
		memcpy(&v4, ip, 4);
		n.high = (uint64_t)be32toh(v4) << 32;
		return n;
	}
	memcpy(&n.high, ip, 8);
	memcpy(&n.low, ip + 8, 8);
	n.high = be64toh(n.high);
	n.low = be64toh(n.low);
	return n;
}

static bool
is_before(struct number a, struct number b)
{
	return a.high < b.high || (a.high == b.high && a.low < b.low);
}

/* Is `ip` in the network of this prefix? */
static bool
holds(const unsigned char *net, unsigned bits, const unsigned char *ip)
{
	unsigned whole = bits / 8, rest = bits % 8;

	if (memcmp(net, ip, whole) != 0)
		return false;
	return rest == 0 || ((net[whole] ^ ip[whole]) >> (8 - rest)) == 0;
}

void
set_networks_add(struct set_networks *s, const struct network *n)
{
	unsigned char *p;

	assert(s->width == (n->family == AF_INET ? 4 : 16));
	assert(s->n < NONE);
	if (s->n == s->cap) {
		s->cap += s->cap / 2 + 16;
		s->list = mem_realloc(s->list, s->cap * stride(s), "set");
	}
	p = s->list + s->n++ * stride(s);
	memcpy(p, n->ip, s->width);
	p[s->width] = (unsigned char)n->bits;
}

/* --- building --- */

static int
order4(const void *a, const void *b)
{
	return memcmp(a, b, 4 + 1);
}

static int
order6(const void *a, const void *b)
{
	return memcmp(a, b, 16 + 1);
}

static void
drop_duplicates(struct set_networks *s)
{
	size_t size = stride(s), kept = 1, i;

	for (i = 1; i < s->n; i++)
		if (memcmp(entry(s, i), entry(s, kept - 1), size) != 0)
			memmove(s->list + kept++ * size, entry(s, i), size);
	s->n = s->cap = kept;
	s->list = mem_realloc(s->list, kept * size, "set");
}

static void
link_above(struct set_networks *s)
{
	uint32_t around[PREFIX_MOST + 1];
	size_t depth = 0, i;

	s->above = mem_alloc(s->n * sizeof(*s->above), "set");
	for (i = 0; i < s->n; i++) {
		while (depth > 0 && !holds(entry(s, around[depth - 1]),
		    prefix(s, around[depth - 1]), entry(s, i)))
			depth--;
		s->above[i] = depth > 0 ? around[depth - 1] : NONE;
		around[depth++] = (uint32_t)i;
	}
}

/* The part of an address that the index is over. */
static size_t
part(const struct set_networks *s, struct number n)
{
	return (size_t)(n.high << s->skip >> (64 - s->take));
}

/* Bits that all share tell nothing: the index begins behind them. */
static void
make_index(struct set_networks *s)
{
	struct number a, b;
	size_t i, at = 0, size;

	if (s->n < INDEX_MIN)
		return;
	a = number(entry(s, 0), s->width);
	b = number(entry(s, s->n - 1), s->width);
	while (s->skip < 63 && (a.high ^ b.high) >> (63 - s->skip) == 0)
		s->skip++;
	while ((size_t)INDEX_SHARE << (s->take + 1) <= s->n)
		s->take++;
	if (s->skip + s->take > s->width * 8 || s->skip + s->take > 64) {
		s->skip = s->take = 0;
		return;
	}
	size = ((size_t)1 << s->take) + 1;
	s->first = mem_alloc(size * sizeof(*s->first), "set");
	for (i = 0; i < s->n; i++)
		for (; at <= part(s, number(entry(s, i), s->width)); at++)
			s->first[at] = (uint32_t)i;
	for (; at < size; at++)
		s->first[at] = (uint32_t)s->n;
}

void
set_networks_build(struct set_networks *s)
{
	assert(s->above == NULL);
	if (s->n == 0)
		return;
	qsort(s->list, s->n, stride(s), s->width == 4 ? order4 : order6);
	drop_duplicates(s);
	link_above(s);
	make_index(s);
}

void
set_networks_free(struct set_networks *s)
{
	free(s->list);
	free(s->above);
	free(s->first);
	*s = (struct set_networks){ .width = s->width };
}

size_t
set_networks_bytes(const struct set_networks *s)
{
	size_t bytes = s->cap * stride(s);

	if (s->above != NULL)
		bytes += s->n * sizeof(*s->above);
	if (s->first != NULL)
		bytes += (((size_t)1 << s->take) + 1) * sizeof(*s->first);
	return bytes;
}

/* --- finding --- */

/*
 * How many begin at `ip` or before it. Not so for an address that differs in
 * the bits that all share: that can only be in a network around all others.
 * It is the first of all, in the first part of the index, so that whatever is
 * the last before the address leads up to it.
 */
static size_t
count_until(const struct set_networks *s, struct number ip)
{
	size_t low = 0, high = s->n, middle;

	if (s->take > 0) {
		low = s->first[part(s, ip)];
		high = s->first[part(s, ip) + 1];
	}
	while (low < high) {
		middle = low + (high - low) / 2;
		if (is_before(ip, number(entry(s, middle), s->width)))
			high = middle;
		else
			low = middle + 1;
	}
	return low;
}

bool
set_networks_find(const struct set_networks *s, const struct network *n,
    struct network *found)
{
	size_t i = s->n;
	uint32_t at;

	if (s->n > 0)
		i = count_until(s, number(n->ip, s->width));
	if (s->n == 0 || i == 0)
		return false;
	for (at = (uint32_t)(i - 1); at != NONE; at = s->above[at])
		if (prefix(s, at) <= n->bits &&
		    holds(entry(s, at), prefix(s, at), n->ip)) {
			*found = (struct network){ .family = n->family,
			    .bits = prefix(s, at) };
			memcpy(found->ip, entry(s, at), s->width);
			return true;
		}
	return false;
}
