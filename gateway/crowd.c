#include <sys/random.h>

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/addr.h"
#include "base/clock.h"
#include "base/mem.h"
#include "gateway/crowd.h"

#define BUCKET_BITS	12

struct crowd_member {
	struct crowd		*crowd;
	struct network		 network;
	uint64_t		 sessions;
	struct crowd_member	*next;
};

/* Clients choose their addresses: with secret multipliers they cannot choose
 * them so that all meet in one bucket. */
struct crowd {
	uint64_t		 key[3];
	struct crowd_member	*buckets[1 << BUCKET_BITS];
};

struct crowd *
crowd_create(void)
{
	struct crowd *c = mem_zalloc(sizeof(*c), "sessions by network");

	if (getrandom(c->key, sizeof(c->key), 0) != sizeof(c->key))
		c->key[0] = (uint64_t)clock_wall();
	for (int i = 0; i < 3; i++)
		c->key[i] |= 1;
	return c;
}

void
crowd_destroy(struct crowd **c)
{
	if (*c == NULL)
		return;
	for (size_t i = 0; i < 1 << BUCKET_BITS; i++) {
		struct crowd_member *m = (*c)->buckets[i];

		while (m != NULL) {
			struct crowd_member *next = m->next;

			free(m);
			m = next;
		}
	}
	free(*c);
	*c = NULL;
}

static bool
is_counted(const struct addr *a)
{
	return a->len > 0 && !addr_is_unix(a);
}

static size_t
bucket_of(const struct crowd *c, const struct network *n)
{
	uint64_t half[2];

	memcpy(half, n->ip, sizeof(half));
	return (half[0] * c->key[0] + half[1] * c->key[1] +
	    (uint64_t)n->family * c->key[2]) >> (64 - BUCKET_BITS);
}

/* The place that points to the network's member, or to NULL at the end. */
static struct crowd_member **
find(struct crowd *c, const struct network *n)
{
	struct crowd_member **m = &c->buckets[bucket_of(c, n)];

	while (*m != NULL && ((*m)->network.family != n->family ||
	    memcmp((*m)->network.ip, n->ip, sizeof(n->ip)) != 0))
		m = &(*m)->next;
	return m;
}

uint64_t
crowd_count(const struct crowd *c, const struct addr *a)
{
	struct network n = {0};
	struct crowd_member *m;

	if (!is_counted(a))
		return 0;
	network_of(a, &n);
	m = *find((struct crowd *)c, &n);
	return m != NULL ? m->sessions : 0;
}

struct crowd_member *
crowd_enter(struct crowd *c, const struct addr *a)
{
	struct network n = {0};
	struct crowd_member **m;

	if (!is_counted(a))
		return NULL;
	network_of(a, &n);
	m = find(c, &n);
	if (*m == NULL) {
		*m = mem_zalloc(sizeof(**m), "sessions by network");
		(*m)->crowd = c;
		(*m)->network = n;
	}
	(*m)->sessions++;
	return *m;
}

void
crowd_leave(struct crowd_member *m)
{
	struct crowd_member **place;

	if (m == NULL)
		return;
	assert(m->sessions > 0);
	if (--m->sessions > 0)
		return;
	place = find(m->crowd, &m->network);
	assert(*place == m);
	*place = m->next;
	free(m);
}
