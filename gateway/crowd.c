#include <sys/mman.h>
#include <sys/random.h>

#include <assert.h>
#include <endian.h>
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <openssl/evp.h>

#include "base/addr.h"
#include "base/mem.h"
#include "gateway/crowd.h"
#include "gateway/stats.h"

/*
 * A share is an array of buckets, a bucket eight seats: one cache line. A seat
 * is one word, a tag and how many sessions sit there; 0 is free. What a tag
 * stands for sits in one of the two buckets that its cipher names, in the one
 * that was emptier when it came. So a look is at most two cache lines, and no
 * chain grows or is left behind when sessions go.
 */
#define SEATS		8		/* of a bucket */
#define COUNT_BITS	20		/* max_sessions is at most 1,000,000 */
#define COUNT_MASK	(((uint64_t)1 << COUNT_BITS) - 1)
#define SESSION_SEATS	4	/* it takes two, and half of all are free */
#define FEW_BUCKETS	64

enum { NARROW, WIDE, KEYS };	/* client; /24 or /48 */
#define LIVE_BITS	64

struct crowd {
	unsigned char	*memory;	/* shared: `live`, then the shares */
	size_t		 size, share_size, first;
	uint64_t	*live;		/* a bit for each share in use */
	size_t		 nshares, nbuckets, room;
	EVP_CIPHER_CTX	*cipher;
	uint64_t	*mine;		/* a worker's own share */
};

/* --- memory that other processes see --- */

/*
 * A seat has one writer, so that adding one is a load and a store. They are
 * sequentially consistent, since a limit rests on the one order of all of
 * them: of those who are in at any time, the one whose store is the last finds
 * all others when it counts behind it. Nothing weaker forbids that two each
 * miss the other. A word says everything about its seat, so no reader can see
 * the tag of one and the count of another. The bits of `live` are the
 * supervisor's alone and set before the fork, thus before any store of that
 * worker.
 */
static uint64_t
load(const uint64_t *p)
{
	return __atomic_load_n(p, __ATOMIC_SEQ_CST);
}

static void
store(uint64_t *p, uint64_t value)
{
	__atomic_store_n(p, value, __ATOMIC_SEQ_CST);
}

static uint64_t *
share_at(const struct crowd *c, size_t n)
{
	assert(n < c->nshares);
	return (uint64_t *)(void *)(c->memory + c->first + n * c->share_size);
}

/* --- what is counted --- */

struct mark {
	uint64_t	 tag;
	size_t		 buckets[2];
};

/* False: it belongs to nothing that is counted. */
static bool
keys_of(const struct addr *a, uint64_t keys[KEYS])
{
	if (a->len == 0)
		return false;
	if (a->u.sa.sa_family == AF_INET) {
		keys[NARROW] = be32toh(a->u.in.sin_addr.s_addr);
		keys[WIDE] = keys[NARROW] >> 8;
		return true;
	}
	if (a->u.sa.sa_family != AF_INET6)
		return false;
	memcpy(&keys[NARROW], &a->u.in6.sin6_addr, sizeof(keys[NARROW]));
	keys[NARROW] = be64toh(keys[NARROW]);
	keys[WIDE] = keys[NARROW] >> 16;
	return true;
}

static bool
is_v4(const struct addr *a)
{
	return a->u.sa.sa_family == AF_INET;
}

/* Clients choose their addresses, but not what becomes of them under a cipher
 * whose key is secret. */
static void
mark_of(const struct crowd *c, const struct addr *a, int width, uint64_t key,
    struct mark *m)
{
	const uint64_t in[2] = { key, (uint64_t)width * 2 + is_v4(a) };
	uint64_t out[2];
	int len = 0, ok;

	ok = EVP_EncryptUpdate(c->cipher, (unsigned char *)out, &len,
	    (const unsigned char *)in, sizeof(in));
	assert(ok == 1 && len == sizeof(out));
	m->tag = out[0] & ~COUNT_MASK;
	m->buckets[0] = ((out[1] >> 32) * c->nbuckets) >> 32;
	m->buckets[1] = ((out[1] & UINT32_MAX) * c->nbuckets) >> 32;
}

/* --- a share --- */

/* Its seat, and what that held; or NULL. */
static uint64_t *
find(uint64_t *share, const struct mark *m, uint64_t *word)
{
	for (int b = 0; b < 2; b++) {
		uint64_t *seat = share + m->buckets[b] * SEATS;

		for (uint64_t *end = seat + SEATS; seat < end; seat++) {
			*word = load(seat);
			if (*word != 0 && (*word & ~COUNT_MASK) == m->tag)
				return seat;
		}
	}
	return NULL;
}

/* In the bucket that has more of them, or NULL. */
static uint64_t *
find_free(uint64_t *share, const struct mark *m)
{
	uint64_t *found[2] = { NULL, NULL };
	int nfree[2] = { 0, 0 };

	for (int b = 0; b < 2; b++) {
		uint64_t *seat = share + m->buckets[b] * SEATS;

		for (uint64_t *end = seat + SEATS; seat < end; seat++) {
			if (load(seat) != 0)
				continue;
			found[b] = seat;
			nfree[b]++;
		}
	}
	return found[nfree[1] > nfree[0]];
}

static uint64_t *
sit_down(struct crowd *c, const struct mark *m)
{
	uint64_t word, *seat = find(c->mine, m, &word);

	if (seat != NULL) {
		assert((word & COUNT_MASK) < COUNT_MASK);
		store(seat, word + 1);
		return seat;
	}
	seat = find_free(c->mine, m);
	if (seat == NULL)
		return NULL;
	store(seat, m->tag | 1);
	stats_add(STAT_NETWORKS_COUNTED, 1);
	return seat;
}

static void
stand_up(uint64_t *seat)
{
	uint64_t word = load(seat);

	assert((word & COUNT_MASK) > 0);
	word--;
	if ((word & COUNT_MASK) == 0) {
		word = 0;
		stats_add(STAT_NETWORKS_COUNTED, -1);
	}
	store(seat, word);
}

static uint64_t
add_up(const struct crowd *c, const struct mark *m)
{
	uint64_t sum = 0, word;

	for (size_t i = 0; i < c->nshares; i += LIVE_BITS) {
		uint64_t live = load(&c->live[i / LIVE_BITS]);

		for (; live != 0; live &= live - 1) {
			size_t n = i + (size_t)__builtin_ctzll(live);

			if (find(share_at(c, n), m, &word) != NULL)
				sum += word & COUNT_MASK;
		}
	}
	return sum;
}

/* --- worker --- */

void
crowd_use_share(struct crowd *c, size_t n)
{
	c->mine = share_at(c, n);
}

void
crowd_enter(struct crowd *c, const struct addr *a, struct crowd_place *place)
{
	uint64_t keys[KEYS];
	struct mark m;

	*place = (struct crowd_place){0};
	if (!keys_of(a, keys))
		return;
	place->crowd = c;
	for (int i = 0; i < KEYS; i++) {
		mark_of(c, a, i, keys[i], &m);
		place->seats[i] = sit_down(c, &m);
	}
	if (place->seats[NARROW] == NULL || place->seats[WIDE] == NULL)
		stats_add(STAT_SESSIONS_UNCOUNTED, 1);
}

void
crowd_leave(struct crowd_place *place)
{
	for (int i = 0; i < KEYS; i++) {
		if (place->seats[i] != NULL)
			stand_up(place->seats[i]);
	}
	*place = (struct crowd_place){0};
}

void
crowd_count(const struct crowd *c, const struct addr *a,
    struct crowd_counts *counts)
{
	uint64_t keys[KEYS], sums[KEYS];
	struct mark m;

	*counts = (struct crowd_counts){0};
	if (!keys_of(a, keys))
		return;
	for (int i = 0; i < KEYS; i++) {
		mark_of(c, a, i, keys[i], &m);
		sums[i] = add_up(c, &m);
	}
	counts->client = sums[NARROW];
	counts->network = is_v4(a) ? sums[WIDE] : sums[NARROW];
	counts->site = sums[WIDE];
}

/* --- supervisor --- */

void
crowd_begin_share(struct crowd *c, size_t n)
{
	uint64_t bit = (uint64_t)1 << n % LIVE_BITS;
	uint64_t *word = &c->live[n / LIVE_BITS];

	assert(n < c->nshares && !(load(word) & bit));
	store(word, load(word) | bit);
}

void
crowd_end_share(struct crowd *c, size_t n)
{
	uint64_t bit = (uint64_t)1 << n % LIVE_BITS;
	uint64_t *word = &c->live[n / LIVE_BITS];
	uint64_t *share = share_at(c, n);

	assert(load(word) & bit);
	store(word, load(word) & ~bit);
	/* The kernel takes the pages back, and gives new ones as zeros. */
	if (madvise(share, c->share_size, MADV_REMOVE) < 0)
		memset(share, 0, c->share_size);
}

size_t
crowd_room(const struct crowd *c)
{
	return c->room;
}

size_t
crowd_networks(const struct crowd *c)
{
	return c->nbuckets * SEATS;
}

static size_t
round_up(size_t n, size_t unit)
{
	return (n + unit - 1) / unit * unit;
}

static EVP_CIPHER_CTX *
make_cipher(void)
{
	EVP_CIPHER_CTX *cipher = EVP_CIPHER_CTX_new();
	unsigned char key[16];

	if (cipher == NULL || getrandom(key, sizeof(key), 0) != sizeof(key) ||
	    EVP_EncryptInit_ex(cipher, EVP_aes_128_ecb(), NULL, key,
	    NULL) != 1 || EVP_CIPHER_CTX_set_padding(cipher, 0) != 1) {
		EVP_CIPHER_CTX_free(cipher);
		cipher = NULL;
	}
	OPENSSL_cleanse(key, sizeof(key));
	return cipher;
}

struct crowd *
crowd_create(size_t sessions, size_t shares, struct err *err)
{
	struct crowd *c = mem_zalloc(sizeof(*c), "sessions by network");
	size_t page = (size_t)sysconf(_SC_PAGESIZE);

	c->room = sessions;
	c->nshares = shares;
	c->nbuckets = round_up(sessions * SESSION_SEATS / SEATS, FEW_BUCKETS) +
	    FEW_BUCKETS;
	c->share_size = round_up(c->nbuckets * SEATS * sizeof(uint64_t), page);
	c->first = round_up(round_up(shares, LIVE_BITS) / 8, page);
	c->size = c->first + shares * c->share_size;
	c->cipher = make_cipher();
	/* Most of it is never touched, so it is not set aside beforehand. */
	c->memory = c->cipher == NULL ? MAP_FAILED :
	    mmap(NULL, c->size, PROT_READ | PROT_WRITE,
	    MAP_SHARED | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (c->memory == MAP_FAILED) {
		err_set(err, ERR_UNAVAIL, "table of sessions by network: %s",
		    c->cipher == NULL ? "no AES, or no random numbers" :
		    strerror(errno));
		c->memory = NULL;
		crowd_destroy(&c);
		return NULL;
	}
	c->live = (uint64_t *)(void *)c->memory;
	return c;
}

void
crowd_destroy(struct crowd **c)
{
	if (*c == NULL)
		return;
	if ((*c)->memory != NULL)
		(void)munmap((*c)->memory, (*c)->size);
	EVP_CIPHER_CTX_free((*c)->cipher);
	free(*c);
	*c = NULL;
}
