/*
 * store -- what operations on a store cost, and a large LMDB
 *
 *	store [-f FIBERS] [-o OPERATIONS] [-p PROCESSES] PLACE
 *	store -n RECORDS PLACE
 *
 *	PLACE	a folder that is not there yet: LMDB; a unix socket: Redis,
 *		whose database is emptied by nobody
 *	-f N	fibers in a process (default 1)
 *	-o N	operations of each kind in a process (default 20,000)
 *	-p N	processes at once (default 1)
 *	-n N	makes so many records, a tenth of which end at once, looks some
 *		up, and waits until those are swept
 *
 * Prints a line for each kind of operation: `rate` in a second, of all
 * processes together, `cpu` in us for one, of these processes (a server's is
 * not in it), `failed` of them. With -n, three lines: `lookup` in us for a
 * record, `file` in octets; `sweep` in s, `swept` records, `cpu` in us for
 * each that was looked at, `behind` in ms: the longest that a turn of the loop
 * took then; of PACE changes in a second for some seconds, `p50`, `p99` and
 * `worst` in us for one, while the keeper writes the file through.
 */
#include <inttypes.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fiber.h"
#include "base/loop.h"
#include "base/store.h"
#include "base/store_lmdb.h"

#define LIFE		(36 * 24 * 3600 * CLOCK_S)
#define LOOKUPS		200000
#define SIZE		(UINT64_C(8) << 30)
#define BATCH		20000
#define PACE		2000		/* changes in a second */
#define PACED		(10 * PACE)
#define PROCESSES_MAX	32
#define VALUE		"P1795312218 3 0123456789"	/* as greylisting's */

enum verb { CLAIM, CLAIM_AGAIN, GET, PUT, ADD, DELETE, VERBS };
static const char *const verbs[VERBS] = {
	"claim", "claim-again", "get", "put", "add", "delete"
};

static struct store *store;
static struct arena *store_arena;
static unsigned fibers = 1, operations = 20000, processes = 1;
static uint64_t records;

/* Of all processes, which begin each kind of operation together. */
static struct shared {
	atomic_uint	 arrived[VERBS + 1];
	atomic_uint	 failed[VERBS];
	double		 cpu[VERBS][PROCESSES_MAX], time[VERBS][PROCESSES_MAX];
} *shared;

/* One kind, in one process. */
static struct {
	enum verb	 verb;
	unsigned	 process, next, running, failed;
} run;

_Noreturn static void
die(const char *what, const char *why)
{
	fprintf(stderr, "%s: %s\n", what, why);
	exit(111);
}

static double
now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static double
cpu(void)
{
	struct rusage u;

	getrusage(RUSAGE_SELF, &u);
	return (double)(u.ru_utime.tv_sec + u.ru_stime.tv_sec) +
	    (double)(u.ru_utime.tv_usec + u.ru_stime.tv_usec) / 1e6;
}

static void
open_store(const char *place)
{
	struct store_options options = {
		.kind = STORE_LMDB, .path = place,
		.size = SIZE, .timeout = 5 * CLOCK_S,
		.connections = 1, .prefix = "bench:"
	};
	struct stat st;
	struct err err;

	if (stat(place, &st) == 0 && S_ISSOCK(st.st_mode))
		options.kind = STORE_REDIS;
	store_arena = arena_create("store");
	store = store_open(store_arena, &options, &err);
	if (store == NULL)
		die("store", err.text);
}

static void
close_store(void)
{
	store_stop(store);
	while (fiber_count() > 0)
		loop_turn(true);
	arena_destroy(&store_arena);
}

/* As a hash of what greylisting asks for: 34 octets, in no order. */
static struct span
key_of(uint64_t n, char key[40])
{
	uint64_t h = (n + 1) * UINT64_C(0x9e3779b97f4a7c15);

	snprintf(key, 40, "gl%016" PRIx64 "%016" PRIx64, h ^ h >> 29, n);
	return span_n(key, 34);
}

/* --- operations --- */

static MAY_YIELD int
operate(struct arena *a, enum verb verb, uint64_t n, struct err *err)
{
	struct span value = SPAN_LIT(VALUE), found, k;
	bool was_there;
	int64_t sum;
	char key[40];

	k = key_of(verb == ADD ? n + (UINT64_C(1) << 60) : n, key);
	switch (verb) {
	case CLAIM: case CLAIM_AGAIN:
		return store_claim(store, a, k, value, LIFE, &found, err);
	case GET:
		return store_get(store, a, k, &found, err);
	case PUT:
		return store_put(store, k, value, LIFE, err);
	case ADD:
		return store_add(store, k, 1, LIFE, &sum, err);
	default:
		return store_delete(store, k, &was_there, err);
	}
}

static MAY_YIELD void
work(void *arg)
{
	struct arena *a = arena_create("work");
	struct err err;

	(void)arg;
	while (run.next < operations) {
		uint64_t n = run.next++;

		if (operate(a, run.verb, n * PROCESSES_MAX + run.process,
		    &err) < 0)
			run.failed++;
		if (n % 64 == 0) {
			arena_destroy(&a);
			a = arena_create("work");
			fiber_yield();	/* as between the steps of a session */
		}
	}
	arena_destroy(&a);
	run.running--;
}

static void
meet(unsigned where)
{
	atomic_fetch_add(&shared->arrived[where], 1);
	while (atomic_load(&shared->arrived[where]) < processes)
		usleep(100);
}

static void
measure_one(enum verb verb)
{
	double began, burned;

	run.verb = verb;
	run.next = 0;
	run.running = fibers;
	run.failed = 0;
	meet(verb);
	began = now();
	burned = cpu();
	for (unsigned i = 0; i < fibers; i++)
		fiber_spawn("work", work, NULL);
	while (run.running > 0)
		loop_turn(true);
	shared->time[verb][run.process] = now() - began;
	shared->cpu[verb][run.process] = cpu() - burned;
	atomic_fetch_add(&shared->failed[verb], run.failed);
}

static pid_t
start(const char *place, unsigned process)
{
	pid_t pid = fork();

	if (pid != 0)
		return pid;
	run.process = process;
	loop_create();
	open_store(place);
	for (unsigned v = 0; v < VERBS; v++)
		measure_one(v);
	meet(VERBS);
	close_store();
	loop_destroy();
	exit(0);
}

static void
measure_operations(const char *place)
{
	int status;

	for (unsigned i = 0; i < processes; i++)
		start(place, i);
	for (unsigned i = 0; i < processes; i++)
		if (wait(&status) < 0 || status != 0)
			exit(111);
	for (unsigned v = 0; v < VERBS; v++) {
		double longest = 0, burned = 0;

		for (unsigned i = 0; i < processes; i++) {
			if (shared->time[v][i] > longest)
				longest = shared->time[v][i];
			burned += shared->cpu[v][i];
		}
		printf("%s rate=%.0f cpu=%.2f failed=%u\n", verbs[v],
		    operations * processes / longest,
		    1e6 * burned / (operations * processes),
		    atomic_load(&shared->failed[v]));
	}
}

/* --- many records --- */

static uint64_t
file_size(const char *place)
{
	char path[1024];
	struct stat st;

	snprintf(path, sizeof(path), "%s/data.mdb", place);
	return stat(path, &st) == 0 ? (uint64_t)st.st_size : 0;
}

static void
check(int code, const char *what)
{
	if (code != 0)
		die(what, mdb_strerror(code));
}

static void
fill_some(MDB_env *env, uint64_t first, uint64_t n)
{
	uint32_t now = store_lmdb_now();
	MDB_txn *txn;
	MDB_dbi dbi;
	char key[40];

	check(mdb_txn_begin(env, NULL, 0, &txn), "begin");
	check(mdb_dbi_open(txn, NULL, 0, &dbi), "table");
	for (uint64_t i = first; i < first + n; i++) {
		struct span span = key_of(i, key);
		uint32_t end = i % 10 == 0 ? now : now + 36 * 24 * 3600;
		char record[STORE_LMDB_HEAD + sizeof(VALUE) - 1];
		MDB_val k = { span.len, key }, v = { sizeof(record), record };

		for (int o = 0; o < STORE_LMDB_HEAD; o++)
			record[o] = (char)(end >> 8 * o);
		memcpy(record + STORE_LMDB_HEAD, VALUE, sizeof(VALUE) - 1);
		check(mdb_put(txn, dbi, &k, &v, 0), "put");
	}
	check(mdb_txn_commit(txn), "commit");
}

/* Records as the store has them, made by thousands at once: one at a time
 * they take hours of a slow disk's time. */
static void
fill(const char *place)
{
	MDB_env *env;

	check(mdb_env_create(&env), "LMDB");
	check(mdb_env_set_mapsize(env, (size_t)SIZE), "LMDB");
	check(mdb_env_open(env, place, MDB_NOSYNC, 0640), place);
	for (uint64_t n = 0; n < records; n += BATCH)
		fill_some(env, n, n + BATCH < records ? BATCH : records - n);
	check(mdb_env_sync(env, 1), "sync");
	mdb_env_close(env);
}

static void
look_up(void)
{
	struct arena *a = arena_create("look");
	uint64_t state = 1;
	struct span found;
	struct err err;
	char key[40];

	for (unsigned i = 0; i < LOOKUPS; i++) {
		state = state * UINT64_C(6364136223846793005) +
		    UINT64_C(1442695040888963407);
		if (store_get(store, a, key_of((state >> 20) % records, key),
		    &found, &err) < 0)
			die("look up", err.text);
	}
	arena_destroy(&a);
}

static int
compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static void
change_at_a_pace(void)
{
	static double times[PACED];
	double began = now(), before;
	struct err err;
	char key[40];

	for (unsigned i = 0; i < PACED; i++) {
		uint64_t n = (i + 1) * UINT64_C(2654435761) % records;

		while (now() < began + (double)i / PACE) {
			struct timeval pause = { .tv_usec = 100 };

			loop_turn(false);
			select(0, NULL, NULL, NULL, &pause);
		}
		before = now();
		/* The others are to end. */
		if (n % 10 != 0 && store_put(store, key_of(n, key),
		    SPAN_LIT(VALUE), LIFE, &err) < 0)
			die("paced", err.text);
		times[i] = 1e6 * (now() - before);
	}
	qsort(times, PACED, sizeof(times[0]), compare);
	printf("p50=%.1f p99=%.1f worst=%.1f\n", times[PACED / 2],
	    times[PACED / 100 * 99], times[PACED - 1]);
	fflush(stdout);
}

/* Until all that ended are gone. Returns the longest turn, s. */
static double
wait_for_sweep(uint64_t want)
{
	double began, longest = 0;

	while (store_statistics(store)->swept < want) {
		struct timeval pause = { .tv_usec = 1000 };

		clock_tick();
		began = now();
		loop_turn(false);
		if (now() - began > longest)
			longest = now() - began;
		select(0, NULL, NULL, NULL, &pause);
	}
	return longest;
}

static void
measure_many(const char *place)
{
	double began, looked, burned, swept, behind;

	loop_create();
	open_store(place);
	close_store();
	fill(place);
	open_store(place);
	began = now();
	look_up();
	looked = now() - began;
	printf("lookup=%.2f file=%" PRIu64 "\n", 1e6 * looked / LOOKUPS,
	    file_size(place));
	fflush(stdout);
	/* It begins to sweep when the loop is first turned. */
	began = now();
	burned = cpu();
	behind = wait_for_sweep((records + 9) / 10);
	swept = now() - began;
	printf("sweep=%.1f swept=%" PRIu64 " cpu=%.3f behind=%.2f file=%"
	    PRIu64 "\n", swept, store_statistics(store)->swept,
	    1e6 * (cpu() - burned) / (double)records, 1e3 * behind,
	    file_size(place));
	fflush(stdout);
	change_at_a_pace();
	close_store();
	loop_destroy();
}

int
main(int argc, char **argv)
{
	int c;

	while ((c = getopt(argc, argv, "f:n:o:p:")) != -1)
		switch (c) {
		case 'f': fibers = (unsigned)atoi(optarg); break;
		case 'n': records = strtoull(optarg, NULL, 10); break;
		case 'o': operations = (unsigned)atoi(optarg); break;
		case 'p': processes = (unsigned)atoi(optarg); break;
		default: return 2;
		}
	if (optind + 1 != argc || processes == 0 ||
	    processes > PROCESSES_MAX)
		return 2;
	shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE,
	    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (records > 0)
		measure_many(argv[optind]);
	else
		measure_operations(argv[optind]);
	return 0;
}
