#include <sys/mman.h>
#include <unistd.h>

#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <stdbool.h>
#include <string.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/log_shelf.h"
#include "gateway/board.h"
#include "gateway/ring.h"
#include "gateway/series.h"
#include "gateway/stats.h"

static const struct stats_row table[] = {
#define X(id, kind, unit, name, help) \
	{ STATS_##kind, STATS_##unit, name, help },
	STATS_TABLE(X)
#undef X
};

/* The same of each, small: few rows are in the cache when something is
 * counted. */
static const uint8_t kinds[] = {
#define X(id, kind, unit, name, help) STATS_##kind,
	STATS_TABLE(X)
#undef X
};

/* What is written all the time is in front, so that it shares no cache line
 * with another process's; large things that few use are behind. */
struct share {
	int64_t		 value[STATS_COUNT];
	int64_t		 beat;
	int64_t		 used;		/* the supervisor's: slots ever taken */
	struct stats_proc proc;
	struct board	 board;
	struct ring	 ring;
	struct log_shelf shelf;
	int64_t		 words[];	/* of series.c */
};

static char		*segment;	/* NULL: unit tests, workers */
static size_t		 share_size;	/* whole pages */
static struct share	 alone;		/* of a process without a segment */
static struct share	*mine = &alone;
/* The supervisor's, and nobody else can write to it. */
static bool		 taken[STATS_SLOTS];

/* One writer a word, so a plain load and store are enough; atomic, so that a
 * reader in another process never sees half a number. */
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

/* --- shares --- */

static struct share *
share_at(int slot)
{
	assert(slot >= 0 && slot <= STATS_SUPERVISOR);
	return (struct share *)(void *)(segment +
	    (size_t)slot * share_size);
}

static struct share *
share_of(int slot)
{
	return slot == STATS_MINE || segment == NULL ? mine : share_at(slot);
}

/* Slots are taken from the first on, so those that ever were are in front. */
static int64_t *
used_slots(void)
{
	return &share_at(STATS_SUPERVISOR)->used;
}

int
stats_share_next(int slot)
{
	if (segment == NULL || slot == STATS_SUPERVISOR)
		return -1;
	/* All processes can write to it, so it is not trusted. */
	return slot + 1 < STATS_SLOTS && slot + 1 < load(used_slots()) ?
	    slot + 1 : STATS_SUPERVISOR;
}

int64_t *
stats_share_words(int slot)
{
	return share_at(slot)->words;
}

int
stats_create(struct err *err)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);
	size_t size = sizeof(struct share) +
	    series_share_words() * sizeof(int64_t);
	void *memory;

	assert(segment == NULL);
	share_size = (size + page - 1) / page * page;
	memory = mmap(NULL, share_size * (STATS_SLOTS + 1),
	    PROT_READ | PROT_WRITE,
	    MAP_SHARED | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (memory == MAP_FAILED)
		return err_set(err, ERR_UNAVAIL, "statistics segment: %s",
		    strerror(errno));
	/* The kernel would make all of it memory to write it out, should one
	 * of our processes crash. */
	(void)madvise(memory, share_size * (STATS_SLOTS + 1), MADV_DONTDUMP);
	segment = memory;
	stats_use_slot(STATS_SUPERVISOR);
	return 0;
}

int
stats_slot_take(void)
{
	for (int i = 0; i < STATS_SLOTS; i++) {
		if (taken[i])
			continue;
		taken[i] = true;
		store(&share_at(i)->beat, clock_now());
		if (i >= load(used_slots()))
			store(used_slots(), i + 1);
		return i;
	}
	return -1;
}

void
stats_slot_release(int n)
{
	static const struct stats_proc nobody;
	struct share *share = share_at(n);

	assert(taken[n]);
	for (int i = 0; i < STATS_COUNT; i++) {
		if (table[i].kind == STATS_GAUGE)
			store(&share->value[i], 0);
	}
	series_clear_gauges(share->words);
	board_write(&share->board, span_z(""));
	stats_proc_set(n, &nobody);
	store(&share->beat, 0);
	taken[n] = false;
}

void
stats_use_slot(int n)
{
	mine = share_at(n);
	series_use_share(mine->words);
}

/* Of our own share: the octets in front of it, and those behind it. */
static void
split(char **own, size_t *before, size_t *behind)
{
	*own = (char *)(void *)mine;
	*before = (size_t)(*own - segment);
	*behind = share_size * STATS_SLOTS - *before;
}

/* Nothing can bring memory back that has no file and no name. */
void
stats_leave_others(void)
{
	size_t before, behind;
	char *own;

	split(&own, &before, &behind);
	if (before > 0)
		(void)munmap(segment, before);
	if (behind > 0)
		(void)munmap(own + share_size, behind);
	segment = NULL;
}

void
stats_only_read_others(void)
{
	size_t before, behind;
	char *own;

	split(&own, &before, &behind);
	(void)mprotect(segment, before, PROT_READ);
	(void)mprotect(own + share_size, behind, PROT_READ);
}

/* --- counting --- */

/* What a worker that was taken over has written may be beyond all sums. */
static void
add_to(int64_t *sum, enum stats_id which, int64_t value)
{
	if (kinds[which] != STATS_MAXIMUM)
		store(sum, (int64_t)((uint64_t)load(sum) + (uint64_t)value));
	else if (value > load(sum))
		store(sum, value);
}

void
stats_add(enum stats_id which, int64_t n)
{
	assert(kinds[which] != STATS_MAXIMUM);
	add_to(&mine->value[which], which, n);
}

void
stats_max(enum stats_id which, int64_t value)
{
	assert(kinds[which] == STATS_MAXIMUM);
	add_to(&mine->value[which], which, value);
}

int64_t
stats_get(enum stats_id which)
{
	int64_t sum = 0;

	if (segment == NULL)
		return mine->value[which];
	for (int i = stats_share_next(-1); i >= 0; i = stats_share_next(i))
		add_to(&sum, which, load(&share_at(i)->value[which]));
	return sum;
}

int64_t
stats_get_slot(int n, enum stats_id which)
{
	return load(&share_at(n)->value[which]);
}

void
stats_beat(int64_t now)
{
	store(&mine->beat, now);
}

/* Of a time that a process wrote: there are none below 0. */
static int64_t
read_time(const int64_t *p)
{
	int64_t when = load(p);

	return when > 0 ? when : 0;
}

int64_t
stats_last_beat(int n)
{
	return read_time(&share_at(n)->beat);
}

/* --- what a process publishes --- */

struct board *
stats_board(int slot)
{
	return &share_of(slot)->board;
}

struct ring *
stats_ring(int slot)
{
	return &share_of(slot)->ring;
}

struct log_shelf *
stats_shelf(int slot)
{
	return &share_of(slot)->shelf;
}

void
stats_proc_set(int slot, const struct stats_proc *p)
{
	struct stats_proc *to = &share_of(slot)->proc;

	store(&to->index, p->index);
	store(&to->state, p->state);
	store(&to->started, p->started);
	store(&to->wall, p->wall);
	store(&to->generation, p->generation);
	store(&to->pid, p->pid);
}

int
stats_proc_get(int slot, struct stats_proc *out)
{
	const struct stats_proc *from = &share_of(slot)->proc;

	out->pid = load(&from->pid);
	out->index = load(&from->index);
	out->state = load(&from->state);
	out->started = read_time(&from->started);
	out->wall = read_time(&from->wall);
	out->generation = load(&from->generation);
	return out->pid != 0 ? 0 : -1;
}

/* --- what is shown --- */

const struct stats_row *
stats_row(enum stats_id which)
{
	return &table[which];
}

void
stats_number(struct buf *out, enum stats_unit unit, int64_t value)
{
	if (unit == STATS_SECONDS)
		buf_printf(out, "%s%" PRId64 ".%06" PRId64,
		    value < 0 ? "-" : "", imaxabs(value / CLOCK_S),
		    imaxabs(value % CLOCK_S));
	else
		buf_printf(out, "%" PRId64, value);
}

static void
put_value(struct buf *out, int which)
{
	stats_number(out, table[which].unit, stats_get(which));
}

void
stats_text(struct buf *out)
{
	for (int i = 0; i < STATS_COUNT; i++) {
		buf_printf(out, "%s ", table[i].name);
		put_value(out, i);
		buf_puts(out, "\n");
	}
}

void
stats_json(struct buf *out)
{
	buf_puts(out, "{");
	for (int i = 0; i < STATS_COUNT; i++) {
		buf_printf(out, "%s\n\t\"%s\": ", i > 0 ? "," : "",
		    table[i].name);
		put_value(out, i);
	}
	buf_puts(out, "\n}\n");
}
