#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/loop.h"
#include "base/store.h"
#include "tests/kit/store_folder.h"
#include "tests/kit/t.h"

/* Several processes with one LMDB store, some of which are killed. */
#define HOUR		(3600 * CLOCK_S)
#define PROCESSES	4
#define CLAIMS		2000
#define ADDS		1500
#define COUNTERS	7
#define KILLS		120
#define SIZE		(64 << 20)

/* What the processes tell each other. */
static struct shared {
	atomic_uint	 ready;
	atomic_bool	 go, stop;
	unsigned char	 winner[PROCESSES][CLAIMS];	/* as each was told */
	atomic_uint	 failures;
	struct err	 failure;	/* one of them */
	atomic_ulong	 rounds[PROCESSES];	/* that were acknowledged */
} *shared;

static struct store_folder folder;

static void
begin(void)
{
	shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE,
	    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	store_folder_make(&folder);
}

static void
end(void)
{
	store_folder_remove(&folder);
	munmap(shared, sizeof(*shared));
}

static pid_t
start(unsigned who, void (*run)(unsigned who))
{
	pid_t pid = fork();

	if (pid != 0)
		return pid;
	srandom(who * 1000 + (unsigned)getpid());
	loop_create();
	store_folder_open(&folder, SIZE);
	atomic_fetch_add(&shared->ready, 1);
	while (!atomic_load(&shared->go))
		sched_yield();
	run(who);
	store_folder_close(&folder);
	loop_destroy();
	_exit(0);
}

/* How many ended well. */
static unsigned
finish(const pid_t *pids, unsigned n)
{
	unsigned well = 0;
	int status;

	for (unsigned i = 0; i < n; i++)
		well += waitpid(pids[i], &status, 0) == pids[i] &&
		    status == 0;
	return well;
}

static void
go(unsigned n)
{
	while (atomic_load(&shared->ready) < n)
		sched_yield();
	atomic_store(&shared->go, true);
}

/* On a machine that is short of processors somebody may wait too long; then
 * nothing was done. False: it is to be done again. */
static bool
note_failure(const struct err *err)
{
	if (err->kind == ERR_TIMEOUT ||
	    store_state(folder.store) == STORE_DOWN) {
		loop_turn(true);
		return false;
	}
	if (atomic_fetch_add(&shared->failures, 1) == 0)
		shared->failure = *err;
	return true;
}

static void
expect_no_failure(void)
{
	T_INT("no operation failed", atomic_load(&shared->failures), 0);
	T_STR("with this", shared->failure.text, "");
}

/* --- all want the same --- */

static void
claim_and_add(unsigned who)
{
	unsigned from = (unsigned)random() % CLAIMS;
	char key[24], me = (char)('0' + who);
	struct span found;
	struct err err;
	int64_t sum;

	for (unsigned i = 0; i < CLAIMS; i++) {
		unsigned n = (from + i) % CLAIMS;

		snprintf(key, sizeof(key), "claim %u", n);
		if (store_claim(folder.store, folder.arena, span_z(key),
		    span_n(&me, 1), HOUR, &found, &err) == 0)
			shared->winner[who][n] =
			    (unsigned char)(found.p == NULL ? me : *found.p);
		else if (!note_failure(&err))
			i--;
		loop_turn(false);
	}
	for (unsigned i = 0; i < ADDS; i++) {
		snprintf(key, sizeof(key), "add %ld", random() % COUNTERS);
		if (store_add(folder.store, span_z(key), 1, HOUR, &sum,
		    &err) < 0 && !note_failure(&err))
			i--;
		loop_turn(false);
	}
}

static void
test_together(void)
{
	unsigned n = 0, agreed = 0;
	struct arena *a = arena_create("test");
	int64_t sum = 0, one;
	pid_t pids[PROCESSES];
	struct err err;
	char key[24];

	begin();
	for (; n < PROCESSES; n++)
		pids[n] = start(n, claim_and_add);
	go(PROCESSES);
	T_INT("processes end well", finish(pids, n), PROCESSES);
	expect_no_failure();
	for (unsigned i = 0; i < CLAIMS; i++) {
		unsigned char winner = shared->winner[0][i];
		unsigned same = 0;

		for (unsigned k = 0; k < PROCESSES; k++)
			same += shared->winner[k][i] == winner;
		agreed += same == PROCESSES;
	}
	T_INT("each claim has one winner, and all know it", agreed, CLAIMS);

	loop_create();
	store_folder_open(&folder, SIZE);
	for (unsigned i = 0; i < COUNTERS; i++) {
		snprintf(key, sizeof(key), "add %u", i);
		if (store_add(folder.store, span_z(key), 0, HOUR, &one,
		    &err) == 0)
			sum += one;
	}
	T_INT("sums are exact", sum, PROCESSES * ADDS);
	store_folder_close(&folder);
	loop_destroy();
	arena_destroy(&a);
	end();
}

/* --- processes are killed, wherever they are --- */

/* A record that can be told from a wrong one: its value is made of its key,
 * with `size` octets. */
static void
fill(char *value, size_t size, unsigned n)
{
	for (size_t i = 0; i < size; i++)
		value[i] = (char)('a' + (n + i) % 26);
}

static void
change(unsigned who)
{
	const struct timespec pause = { .tv_nsec = 100 * 1000 };
	char key[24], value[900];
	struct err err;
	int64_t sum;

	while (!atomic_load(&shared->stop)) {
		unsigned n = (unsigned)random() % 500;
		size_t size = (size_t)random() % sizeof(value);
		bool was_there;
		int ret;

		snprintf(key, sizeof(key), "r%u", n);
		fill(value, size, n);
		ret = random() % 4 == 0 ?
		    store_delete(folder.store, span_z(key), &was_there,
		    &err) :
		    store_put(folder.store, span_z(key), span_n(value, size),
		    HOUR, &err);
		snprintf(key, sizeof(key), "n%u", who);
		if (ret < 0 || store_add(folder.store, span_z(key), 1, HOUR,
		    &sum, &err) < 0)
			note_failure(&err);
		else
			atomic_fetch_add(&shared->rounds[who], 1);
		loop_turn(false);
		nanosleep(&pause, NULL);	/* no more than a gateway */
	}
}

static bool
check(void *arg, struct span key, struct span value, int64_t left)
{
	unsigned *wrong = arg;
	uint64_t n;
	char want[900];
	struct span number = span_n(key.p + 1, key.len - 1);

	(void)left;
	if (key.p[0] != 'r')
		return true;
	if (span_uint(number, 500, &n) < 0 || value.len > sizeof(want)) {
		++*wrong;
		return true;
	}
	fill(want, value.len, (unsigned)n);
	*wrong += !span_eq(value, span_n(want, value.len));
	return true;
}

static void
wait_for_rounds(unsigned who, unsigned long more)
{
	unsigned long want = atomic_load(&shared->rounds[who]) + more;

	while (atomic_load(&shared->rounds[who]) < want)
		sched_yield();
}

/* Each in turn, after a while that is no multiple of anything. */
static unsigned
kill_some(pid_t *pids)
{
	struct timespec while_ = {0};
	unsigned killed = 0;
	int status;

	for (unsigned i = 0; i < KILLS; i++) {
		unsigned who = i % PROCESSES;

		wait_for_rounds(who, 1);
		while_.tv_nsec = random() % 1500000;
		nanosleep(&while_, NULL);
		kill(pids[who], SIGKILL);
		killed += waitpid(pids[who], &status, 0) == pids[who] &&
		    WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL;
		/* The others go on, with whatever lock it held. */
		wait_for_rounds((who + 1) % PROCESSES, 3);
		pids[who] = start(who, change);
	}
	return killed;
}

static void
test_killed(void)
{
	unsigned wrong = 0, lost = 0, n;
	pid_t pids[PROCESSES];
	struct err err;
	char key[24];

	begin();
	for (n = 0; n < PROCESSES; n++)
		pids[n] = start(n, change);
	go(PROCESSES);
	T_INT("processes that were killed", kill_some(pids), KILLS);
	atomic_store(&shared->stop, true);
	T_INT("the others end well", finish(pids, PROCESSES), PROCESSES);
	expect_no_failure();

	loop_create();
	store_folder_open(&folder, SIZE);
	T_INT("all can be read", store_walk(folder.store, span_n(NULL, 0),
	    check, &wrong, &err), 0);
	T_INT("and is whole", wrong, 0);
	for (n = 0; n < PROCESSES; n++) {
		unsigned long told = atomic_load(&shared->rounds[n]);
		int64_t sum = 0;

		snprintf(key, sizeof(key), "n%u", n);
		store_add(folder.store, span_z(key), 0, HOUR, &sum, &err);
		/* One for each kill may be there and not acknowledged. */
		lost += (uint64_t)sum < told ||
		    (uint64_t)sum > told + KILLS;
	}
	T_INT("nothing acknowledged is lost", lost, 0);
	store_folder_close(&folder);
	loop_destroy();
	end();
}

int
main(void)
{
	test_together();
	test_killed();
	return t_done();
}
