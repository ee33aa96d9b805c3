#include <sys/mman.h>

#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <stdbool.h>
#include <string.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/err.h"
#include "gateway/stats.h"

enum kind { COUNTER, GAUGE, MAXIMUM };

static const struct {
	enum kind	 kind;
	const char	*name;
} table[] = {
#define X(id, kind, name, help) { kind, name },
	STATS_TABLE(X)
#undef X
};

struct slot {
	int64_t	value[STATS_COUNT];
	int64_t	beat;
	bool	is_taken;
} __attribute__((aligned(64)));		/* no two writers in a cache line */

struct segment {
	struct slot	departed;	/* and what the supervisor counts */
	struct slot	slots[STATS_SLOTS];
};

/* Without a segment (unit tests) a process counts for itself. */
static struct slot	 alone;
static struct segment	*segment;
static struct slot	*mine = &alone;

/* One writer a slot, so a plain load and store are enough; atomic, so that
 * a reader in another process never sees half a number. */
static int64_t
load(const int64_t *p)
{
	return __atomic_load_n(p, __ATOMIC_RELAXED);
}

static void
store(int64_t *p, int64_t value)
{
	__atomic_store_n(p, value, __ATOMIC_RELAXED);
}

static void
add_to(struct slot *slot, enum stats_id which, int64_t value)
{
	int64_t *p = &slot->value[which];

	if (table[which].kind != MAXIMUM)
		store(p, load(p) + value);
	else if (value > load(p))
		store(p, value);
}

int
stats_create(struct err *err)
{
	assert(segment == NULL);
	segment = mmap(NULL, sizeof(*segment), PROT_READ | PROT_WRITE,
	    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (segment == MAP_FAILED) {
		segment = NULL;
		return err_set(err, ERR_UNAVAIL, "statistics segment: %s",
		    strerror(errno));
	}
	mine = &segment->departed;
	return 0;
}

int
stats_slot_take(void)
{
	for (int i = 0; i < STATS_SLOTS; i++) {
		struct slot *slot = &segment->slots[i];

		if (slot->is_taken)
			continue;
		memset(slot, 0, sizeof(*slot));
		slot->is_taken = true;
		store(&slot->beat, clock_now());
		return i;
	}
	return -1;
}

void
stats_slot_release(int n)
{
	struct slot *slot = &segment->slots[n];

	assert(slot->is_taken);
	for (int i = 0; i < STATS_COUNT; i++) {
		if (table[i].kind != GAUGE)
			add_to(&segment->departed, i, load(&slot->value[i]));
	}
	memset(slot, 0, sizeof(*slot));
}

void
stats_use_slot(int n)
{
	mine = &segment->slots[n];
}

void
stats_add(enum stats_id which, int64_t n)
{
	assert(table[which].kind != MAXIMUM);
	add_to(mine, which, n);
}

void
stats_max(enum stats_id which, int64_t value)
{
	assert(table[which].kind == MAXIMUM);
	add_to(mine, which, value);
}

int64_t
stats_get(enum stats_id which)
{
	struct slot sum = {0};

	if (segment == NULL)
		return alone.value[which];
	add_to(&sum, which, load(&segment->departed.value[which]));
	for (int i = 0; i < STATS_SLOTS; i++)
		add_to(&sum, which, load(&segment->slots[i].value[which]));
	return sum.value[which];
}

int64_t
stats_get_slot(int n, enum stats_id which)
{
	return load(&segment->slots[n].value[which]);
}

void
stats_beat(int64_t now)
{
	store(&mine->beat, now);
}

int64_t
stats_last_beat(int n)
{
	return load(&segment->slots[n].beat);
}

void
stats_text(struct buf *out)
{
	for (int i = 0; i < STATS_COUNT; i++)
		buf_printf(out, "%s %" PRId64 "\n", table[i].name,
		    stats_get(i));
}

void
stats_json(struct buf *out)
{
	buf_puts(out, "{");
	for (int i = 0; i < STATS_COUNT; i++)
		buf_printf(out, "%s\n\t\"%s\": %" PRId64, i > 0 ? "," : "",
		    table[i].name, stats_get(i));
	buf_puts(out, "\n}\n");
}
