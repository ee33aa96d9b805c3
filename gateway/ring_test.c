#include <sys/mman.h>
#include <sys/uio.h>
#include <sys/wait.h>

#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/span.h"
#include "gateway/ring.h"
#include "tests/kit/t.h"

#define ROUNDS	30	/* writers that are killed */
#define READS	60	/* while each of them writes */

static struct ring *ring;
static struct buf scratch;

/* A record that shows by itself whether it is whole: its number, and then
 * octets that follow from it, as many as follow from it. */
static size_t
make_record(char *out, uint64_t n)
{
	size_t len = sizeof(n) + (size_t)(n * 2654435761u % 4001);

	memcpy(out, &n, sizeof(n));
	memset(out + sizeof(n), (int)(n % 251), len - sizeof(n));
	return len;
}

struct seen {
	uint64_t	last;
	uint64_t	n;
	int		bad;
	uint64_t	most;	/* no more than that many */
};

static bool
look(void *owner, struct span record)
{
	static char want[sizeof(uint64_t) + 4001];
	struct seen *s = owner;
	uint64_t n = 0;

	if (record.len < sizeof(n)) {
		s->bad++;
		return false;
	}
	memcpy(&n, record.p, sizeof(n));
	if (!span_eq(record, span_n(want, make_record(want, n))))
		s->bad++;
	if (s->n > 0 && n <= s->last)
		s->bad++;
	s->last = n;
	return ++s->n != s->most;
}

static struct seen
look_at(uint64_t most)
{
	struct seen s = { .most = most };

	ring_each(ring, &scratch, look, &s);
	return s;
}

static void
put(uint64_t n)
{
	static char record[sizeof(uint64_t) + 4001];
	size_t len = make_record(record, n);

	ring_put(ring, span_n(record, len));
}

static void
put_passed(uint64_t n)
{
	static char record[sizeof(uint64_t) + 4001];
	size_t len = make_record(record, n);

	ring_put_passed(ring, span_n(record, len));
}

static void
test_one(void)
{
	char *big = calloc(1, RING_RECORD + 1);
	struct seen s;

	T_INT("a new one is empty", look_at(0).n, 0);
	T_OK("nothing is no record", !ring_put(ring, span_z("")));
	T_OK("what is too long is not taken",
	    !ring_put(ring, span_n(big, RING_RECORD + 1)));
	T_INT("it is still empty", look_at(0).n, 0);
	for (uint64_t n = 1; n <= 3; n++)
		put(n);
	s = look_at(0);
	T_INT("three records", s.n, 3);
	T_INT("the newest is last", s.last, 3);
	T_INT("who has enough says so", look_at(2).n, 2);
	for (uint64_t n = 4; n <= 2000; n++)
		put(n);
	s = look_at(0);
	T_OK("the oldest have gone", s.n > 200 && s.n < 600);
	T_INT("the newest is there", s.last, 2000);
	T_INT("all are whole", s.bad, 0);
	for (int i = 0; i < 40; i++)
		T_OK("the longest is taken",
		    ring_put(ring, span_n(big, RING_RECORD)));
	free(big);
}

static const struct {
	const char *name;
	uint64_t head, tail, length;
} mad[] = {
	{ "tail beyond the head", 10, 20, 8 },
	{ "more than the ring", RING_WORDS + 10, 9, 8 },
	{ "a length of nothing", 100, 10, 0 },
	{ "a length beyond the head", 100, 10, 8 * 90 },
	{ "a length beyond a record", 50000, 10, RING_RECORD + 1 },
	{ "the greatest length", 50000, 10, UINT64_MAX },
	{ "positions at the end of numbers", 5, UINT64_MAX - 5, 8 },
};

static bool
add_up(void *owner, struct span record)
{
	for (size_t i = 0; i < record.len; i++)
		*(uint64_t *)owner += (unsigned char)record.p[i];
	return true;
}

static void
test_mad(void)
{
	struct seen s;
	uint64_t sum = 0;

	for (size_t i = 0; i < sizeof(mad) / sizeof(mad[0]); i++) {
		ring->head = mad[i].head;
		ring->tail = mad[i].tail;
		for (size_t w = 0; w < RING_WORDS; w++)
			ring->words[w] = mad[i].length;
		ring_each(ring, &scratch, add_up, &sum);
		put(7);		/* the writer meets the same */
		put(8);
		s = look_at(0);
		T_OK(mad[i].name, s.n <= RING_WORDS);
	}
	memset(ring, 0, sizeof(*ring));
}

static pid_t
begin_writer(uint64_t first)
{
	pid_t pid = fork();

	if (pid != 0)
		return pid;
	for (uint64_t n = first;; n++) {
		put(n);
		if (n % 64 == 0)
			sched_yield();
	}
}

static void
test_killed(void)
{
	int bad = 0, lost = 0, status;
	uint64_t last = 0;
	struct seen s;

	for (uint64_t round = 1; round <= ROUNDS; round++) {
		pid_t pid = begin_writer(round << 32);

		while (look_at(0).last >> 32 != round)
			sched_yield();
		for (int i = 0; i < READS; i++) {
			s = look_at(0);
			bad += s.bad;
			if (s.n > 0 && s.last < last)
				bad++;
			if (s.n > 0)
				last = s.last;
			sched_yield();
		}
		(void)kill(pid, SIGKILL);
		(void)waitpid(pid, &status, 0);
		s = look_at(0);
		bad += s.bad;
		if (s.n == 0 || s.last < last)
			lost++;
		last = s.last;
	}
	T_INT("no record is torn, whenever its writer is killed", bad, 0);
	T_INT("his last records stay", lost, 0);
	T_OK("there were many", s.n > 100);
}

/* What the writer passes on, as whoever gets it sees it. */
static void
check_pieces(const struct iovec *pieces, size_t n, uint64_t first,
    uint64_t last)
{
	struct buf got = {0}, want = {0};
	static char record[sizeof(uint64_t) + 4001];

	for (size_t i = 0; i < n; i++)
		buf_put(&got, pieces[i].iov_base, pieces[i].iov_len);
	for (uint64_t i = first; i <= last; i++)
		buf_put(&want, record, make_record(record, i));
	T_OK("each is whole, in their order", got.len > 0 &&
	    span_eq(buf_text(&got), buf_text(&want)));
	buf_free(&got);
	buf_free(&want);
}

static struct seen
look_at_waiting(void)
{
	struct seen s = {0};

	ring_each_waiting(ring, &scratch, look, &s);
	return s;
}

static void
test_passing(void)
{
	struct iovec pieces[41];
	uint64_t upto, n, last;
	size_t got;

	memset(ring, 0, sizeof(*ring));
	T_INT("nothing waits", ring_begin(ring, pieces, 41, &upto), 0);
	for (n = 1; n <= 3; n++)
		put(n);
	T_OK("three wait", ring_waiting(ring) > 3 * sizeof(uint64_t));
	T_INT("and are there for whoever comes later", look_at_waiting().n, 3);
	T_OK("none was begun with", !ring_is_begun(ring));
	got = ring_begin(ring, pieces, 3, &upto);
	T_INT("no more than there is room for", got, 2);
	check_pieces(pieces, got, 1, 2);
	T_OK("begun", ring_is_begun(ring));
	T_INT("still three, should he be killed", look_at_waiting().n, 3);
	ring_pass(ring, upto);
	T_OK("passed", !ring_is_begun(ring));
	T_INT("one is left", look_at_waiting().last, 3);
	T_INT("and no other", look_at_waiting().n, 1);
	T_INT("who reads all sees all", look_at(0).n, 3);
	ring_pass_all(ring);
	T_INT("nothing is left", ring_waiting(ring), 0);
	/* Several times round. */
	for (n = 4, last = 3; n < 2000; n++) {
		put(n);
		if (n % 37 != 0)
			continue;
		T_INT("all that wait", look_at_waiting().n, n - last);
		got = ring_begin(ring, pieces, 41, &upto);
		check_pieces(pieces, got, last + 1, n);
		ring_pass(ring, upto);
		last = n;
		T_INT("all were passed on", ring_waiting(ring), 0);
	}
	for (; n < 4000; n++)
		put(n);
	T_INT("what was not, and was written over, is lost",
	    look_at_waiting().n, look_at(0).n);
	T_INT("and nothing else", look_at_waiting().bad, 0);
	ring->words[ring->tail % RING_WORDS] = 0;
	ring->passed = ring->tail;
	T_INT("what has no sense is not passed on",
	    ring_begin(ring, pieces, 41, &upto), 0);
	T_INT("and waits no longer", ring_waiting(ring), 0);
	ring->passed = ring->head + 1;
	T_OK("nor does it lead anywhere", look_at_waiting().n <= RING_WORDS);
	memset(ring, 0, sizeof(*ring));
	put(1);
	n = ring->head;
	put_passed(2);
	T_INT("what is passed on already does not wait", look_at_waiting().n,
	    0);
	T_INT("but is there", look_at(0).n, 2);
	ring->head = n;		/* as if killed in the middle of it */
	T_INT("nor do others for it", look_at_waiting().n, 0);
	ring_pass_all(ring);
	put(3);
	T_INT("those behind it do", look_at_waiting().n, 1);
	memset(ring, 0, sizeof(*ring));
}

int
main(void)
{
	ring = mmap(NULL, sizeof(*ring), PROT_READ | PROT_WRITE,
	    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	T_OK("shared memory", ring != MAP_FAILED);
	test_one();
	memset(ring, 0, sizeof(*ring));
	test_mad();
	test_passing();
	test_killed();
	buf_free(&scratch);
	return t_done();
}
