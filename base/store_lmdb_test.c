#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fiber.h"
#include "base/loop.h"
#include "base/mem.h"
#include "base/store.h"
#include "tests/fake/fake.h"
#include "tests/kit/store_folder.h"
#include "tests/kit/t.h"

/* What is LMDB's: the keeper, the file's limits, crashes of the machine, and
 * that it does what a naive store does. Time is a fake's. */
#define HOUR	(3600 * CLOCK_S)
#define DAY	(24 * HOUR)

static struct store_folder folder;
static struct buf heard;

static void
hear(void *owner, const struct store_event *event)
{
	(void)owner;
	buf_printf(&heard, "%s>%s ", store_state_name(event->before),
	    store_state_name(event->state));
}

static void
begin(void)
{
	store_folder_make(&folder);
	folder.report = hear;
	store_folder_open(&folder, STORE_SIZE_MIN);
}

static void
end(void)
{
	store_folder_close(&folder);
	store_folder_remove(&folder);
	buf_clear(&heard);
}

static uint64_t
status_number(const char *key)
{
	struct buf out = {0};
	struct json_out o = { .to = &out };
	const char *found;
	uint64_t n;

	store_status(folder.store, &o);
	buf_put(&out, "", 1);
	found = strstr(out.p, key);
	n = found == NULL ? UINT64_MAX :
	    strtoull(found + strlen(key), NULL, 10);
	buf_free(&out);
	return n;
}

/* Lets the keeper work, for as long as it looks more often than that. */
static void
pass(int64_t time)
{
	const int64_t step = 250 * CLOCK_MS;

	for (; time > 0; time -= step) {
		loop_turn(false);
		fake_clock_advance(step);
		/* While a job is under way it has no deadline. */
		do
			loop_turn(fiber_next_deadline() == CLOCK_NEVER);
		while (fiber_next_deadline() == CLOCK_NEVER);
	}
}

static void
key_of(unsigned n, char key[16])
{
	/* Spread, as hashes are. */
	snprintf(key, 16, "%08x%05u", n * 2654435761u, n);
}

static int
put(unsigned n, size_t value_size, int64_t life, struct err *err)
{
	static char value[STORE_VALUE_MAX];
	char key[16];

	key_of(n, key);
	return store_put(folder.store, span_z(key), span_n(value, value_size),
	    life, err);
}

static bool
is_there(unsigned n)
{
	struct arena *a = arena_create("test");
	struct span value;
	struct err err;
	char key[16];
	bool is;

	key_of(n, key);
	is = store_get(folder.store, a, span_z(key), &value, &err) == 0 &&
	    value.p != NULL;
	arena_destroy(&a);
	return is;
}

/* --- the sweep --- */

static void
test_sweep(void)
{
	enum { MANY = 20000 };
	unsigned wrong = 0;
	struct err err;

	begin();
	for (unsigned i = 0; i < MANY; i++) {
		if (put(i, 20, i % 3 == 0 ? DAY : HOUR, &err) < 0)
			wrong++;
		if (i % 500 == 0)
			pass(2 * CLOCK_S);
	}
	T_INT("all were put", wrong, 0);
	T_INT("records", status_number("\"records\":"), MANY);
	fake_clock_advance(2 * HOUR);
	for (int i = 0; i < 1000 &&
	    status_number("\"records\":") > MANY / 3 + 1; i++)
		pass(CLOCK_S);
	T_INT("those that ended are removed", status_number("\"records\":"),
	    MANY / 3 + 1);
	T_INT("and counted", store_statistics(folder.store)->swept,
	    MANY - MANY / 3 - 1);
	for (unsigned i = 0; i < MANY; i++)
		if (is_there(i) != (i % 3 == 0))
			wrong++;
	T_INT("no others", wrong, 0);
	fake_clock_advance(DAY);
	for (int i = 0; i < 1000 && status_number("\"records\":") > 0; i++)
		pass(CLOCK_S);
	T_INT("in the end all", status_number("\"records\":"), 0);
	end();
}

/* --- full --- */

static void
test_full(void)
{
	unsigned n = 0, there = 0, more = 0;
	struct err err = {0};
	struct span value;

	begin();
	while (n < 100000 && put(n, 4000, HOUR, &err) == 0)
		if (++n % 500 == 0)
			pass(2 * CLOCK_S);
	T_OK("it takes most of its size",
	    n > STORE_SIZE_MIN / 8192 / 2 && n < STORE_SIZE_MIN / 4000);
	T_OK("then it says so", err.kind == ERR_CONFIG &&
	    strstr(err.text, "full: 16 MiB") != NULL);
	put(n, 1, HOUR, &err);
	T_INT("nothing is taken", put(n, 1, HOUR, &err), -1);
	T_STR("told once", arena_copy(folder.arena, buf_text(&heard)),
	    "up>no-changes ");
	T_OK("claims of what is there succeed", store_claim(folder.store,
	    folder.arena, span_z("0000000000000"), span_z("x"), HOUR, &value,
	    &err) == 0 && value.p != NULL);
	for (unsigned i = 0; i < n; i++)
		there += is_there(i);
	T_INT("all that was taken is there", there, n);
	T_OK("the file is not much larger", status_number("\"file\":") <
	    STORE_SIZE_MIN + (UINT64_C(260) << 20));

	fake_clock_advance(2 * HOUR);
	for (int i = 0; i < 1000 && status_number("\"records\":") > 0; i++)
		pass(CLOCK_S);
	T_INT("what ended goes", status_number("\"records\":"), 0);
	pass(5 * CLOCK_S);
	while (more < 1000 && put(more, 4000, HOUR, &err) == 0)
		more++;
	T_INT("then there is room", more, 1000);
	T_STR("and that is told", arena_copy(folder.arena, buf_text(&heard)),
	    "up>no-changes no-changes>up ");
	end();
}

/* A disk without room, by the limit of a file's size. */
static void
test_no_disk(void)
{
	struct rlimit before, tight;
	struct err err = {0};
	unsigned n = 0;

	begin();
	put(0, 100, HOUR, &err);
	signal(SIGXFSZ, SIG_IGN);
	getrlimit(RLIMIT_FSIZE, &before);
	tight = before;
	tight.rlim_cur = status_number("\"file\":") + 300 * 1024;
	setrlimit(RLIMIT_FSIZE, &tight);
	for (n = 1; n < 10000; n++)
		if (put(n, 4000, HOUR, &err) < 0)
			break;
	T_OK("a change fails", n > 1 && n < 10000);
	T_STR("for good", err_kind_name(err.kind), "configuration");
	T_OK("what was taken is there", is_there(0) && is_there(n - 1));
	T_OK("what was not is not", !is_there(n));
	setrlimit(RLIMIT_FSIZE, &before);
	T_INT("with room again", put(n, 4000, HOUR, &err), 0);
	T_OK("it is there", is_there(n));
	end();
}

/* A process that is stopped in the middle of a change. */
static void
test_stopped(void)
{
	struct arena *a = arena_create("test");
	char path[128];
	struct span value;
	struct err err = {0};
	int fd;

	begin();
	put(0, 1, HOUR, &err);
	snprintf(path, sizeof(path), "%s/writer", folder.path);
	fd = open(path, O_RDWR);
	flock(fd, LOCK_EX);
	T_INT("nothing can be changed", put(1, 1, HOUR, &err), -1);
	T_STR("in time", err_kind_name(err.kind), "timeout");
	T_OK("but read", is_there(0));
	for (int i = 0; i < STORE_FAILURES; i++)
		put(1, 1, HOUR, &err);
	T_STR("told", arena_copy(a, buf_text(&heard)), "up>down ");
	T_INT("then nobody waits", store_get(folder.store, a, span_z("x"),
	    &value, &err), -1);
	T_STR("at all", err_kind_name(err.kind), "unavailable");
	pass(CLOCK_S);
	T_OK("and that stays so", store_state(folder.store) == STORE_DOWN);
	flock(fd, LOCK_UN);
	pass(CLOCK_S);
	T_STR("until it goes on", arena_copy(a, buf_text(&heard)),
	    "up>down down>up ");
	T_INT("as before", put(1, 1, HOUR, &err), 0);
	close(fd);
	arena_destroy(&a);
	end();
}

/* --- beside a naive store --- */

#define KEYS	40

struct naive {
	bool	 is_there;
	char	 value[24];
	int64_t	 end;		/* seconds */
};

static int64_t
round_up(int64_t us)
{
	return (us + CLOCK_S - 1) / CLOCK_S;
}

static bool
naive_lives(const struct naive *r)
{
	return r->is_there && r->end > clock_wall() / CLOCK_S;
}

static void
naive_put(struct naive *r, const char *value, int64_t life)
{
	r->is_there = true;
	snprintf(r->value, sizeof(r->value), "%s", value);
	r->end = round_up(clock_wall()) + round_up(life);
}

/* One operation on both. False: they differ. */
static bool
try_one(struct arena *a, struct naive *all)
{
	unsigned n = (unsigned)random() % KEYS;
	struct naive *r = &all[n];
	const char *key = arena_printf(a, "key %u", n);
	const char *value = arena_printf(a, "%ld", random() % 100);
	int64_t life = 1 + random() % (5 * CLOCK_S), sum, add;
	struct span found;
	struct err err;
	bool lives = naive_lives(r), was_there;
	struct store *s = folder.store;

	switch (random() % 6) {
	case 0:
		return store_get(s, a, span_z(key), &found, &err) == 0 &&
		    (lives ? span_is(found, r->value) : found.p == NULL);
	case 1:
		naive_put(r, value, life);
		return store_put(s, span_z(key), span_z(value), life,
		    &err) == 0;
	case 2:
		if (store_claim(s, a, span_z(key), span_z(value), life,
		    &found, &err) < 0)
			return false;
		if (lives)
			return span_is(found, r->value);
		naive_put(r, value, life);
		return found.p == NULL;
	case 3:
		add = random() % 20 - 10;
		if (store_add(s, span_z(key), add, life, &sum, &err) < 0)
			return false;
		if (!lives)
			naive_put(r, "0", life);
		snprintf(r->value, sizeof(r->value), "%jd",
		    (intmax_t)(atoll(r->value) + add));
		return atoll(r->value) == sum;
	case 4:
		r->is_there = false;
		return store_delete(s, span_z(key), &was_there, &err) == 0 &&
		    was_there == lives;
	default:
		fake_clock_advance(random() % (CLOCK_S / 2));
		pass(250 * CLOCK_MS);
		return true;
	}
}

struct count {
	const struct naive *all;
	unsigned	 n, wrong;
};

static bool
compare(void *arg, struct span key, struct span value, int64_t left)
{
	struct count *c = arg;
	const struct naive *r;
	uint64_t n;

	(void)left;
	c->n++;
	span_word(&key);
	if (span_uint(key, KEYS - 1, &n) < 0) {
		c->wrong++;
		return true;
	}
	r = &c->all[n];
	c->wrong += !naive_lives(r) || !span_is(value, r->value);
	return true;
}

static void
test_naive(void)
{
	struct naive all[KEYS] = {{0}};
	struct count count = { .all = all };
	unsigned wrong = 0, lives = 0;
	struct err err;

	begin();
	srandom(5);
	for (int i = 0; i < 30000; i++) {
		struct arena *a = arena_create("test");

		wrong += !try_one(a, all);
		arena_destroy(&a);
	}
	T_INT("30,000 operations", wrong, 0);
	store_walk(folder.store, span_n(NULL, 0), compare, &count, &err);
	for (int i = 0; i < KEYS; i++)
		lives += naive_lives(&all[i]);
	T_INT("in the end, as many", count.n, lives);
	T_INT("and the same", count.wrong, 0);
	end();
}

/* --- the machine crashes --- */

/* What all hold, as text. */
static bool
print(void *arg, struct span key, struct span value, int64_t left)
{
	(void)left;
	buf_printf(arg, "%.*s=%.*s\n", SPAN_ARG(key), SPAN_ARG(value));
	return true;
}

static void
dump(const struct store_folder *f, struct buf *out)
{
	struct err err;

	buf_clear(out);
	if (store_walk(f->store, span_n(NULL, 0), print, out, &err) < 0)
		buf_puts(out, err.text);
}

static void
change_much(unsigned n)
{
	struct err err;
	bool was_there;
	char key[16], value[600];

	while (n-- > 0) {
		key_of((unsigned)random() % 3000, key);
		memset(value, 'a' + (int)(random() % 26), sizeof(value));
		if (random() % 3 == 0)
			store_delete(folder.store, span_z(key), &was_there,
			    &err);
		else
			store_put(folder.store, span_z(key), span_n(value,
			    (size_t)random() % sizeof(value)), DAY, &err);
	}
}

/* Sectors of what changed since `old` got to the disk, or did not. */
static void
mix(char *now, size_t size, const char *old, size_t old_size)
{
	enum { SECTOR = 512 };
	static const char nothing[SECTOR];

	for (size_t at = 0; at + SECTOR <= size; at += SECTOR)
		if (random() % 2 == 0)
			memcpy(now + at, at < old_size ? old + at : nothing,
			    SECTOR);
}

/* The folder as a machine finds it that was started anew. */
static void
crash(struct store_folder *to, const char *old, size_t old_size)
{
	size_t size, note_size;
	char *data = store_folder_read(&folder, "data.mdb", &size);
	char *note = store_folder_read(&folder, "checkpoint", &note_size);

	mix(data, size, old, old_size);
	if (random() % 2 == 0 && size > old_size)
		size = old_size + (size_t)random() % (size - old_size);
	note[sizeof("forepost store 1\n")] ^= 1;	/* of its boot_id */
	store_folder_make(to);
	store_folder_write(to, "data.mdb", data, size);
	store_folder_write(to, "checkpoint", note, note_size);
	free(data);
	free(note);
}

static bool
survives(struct buf *safe, const char *old, size_t old_size)
{
	struct store_folder after;
	struct buf found = {0};
	struct err err;
	bool ok;

	crash(&after, old, old_size);
	store_folder_open(&after, STORE_SIZE_MIN);
	dump(&after, &found);
	ok = span_eq(buf_text(&found), buf_text(safe)) &&
	    store_put(after.store, span_z("new"), span_z("1"), DAY, &err) == 0;
	store_folder_close(&after);
	store_folder_open(&after, STORE_SIZE_MIN);
	ok = ok && store_delete(after.store, span_z("new"), &ok, &err) == 0;
	dump(&after, &found);
	ok = ok && span_eq(buf_text(&found), buf_text(safe));
	store_folder_close(&after);
	store_folder_remove(&after);
	buf_free(&found);
	return ok;
}

static void
test_crash(void)
{
	enum { ROUNDS = 40 };
	struct buf safe = {0};
	unsigned survived = 0;
	size_t size;
	char *old;

	begin();
	for (int i = 0; i < ROUNDS; i++) {
		change_much((unsigned)random() % 500);
		pass(3 * CLOCK_S);
		dump(&folder, &safe);
		old = store_folder_read(&folder, "data.mdb", &size);
		change_much((unsigned)random() % 500);
		survived += survives(&safe, old, size);
		free(old);
	}
	T_INT("all is as it was at the last checkpoint", survived, ROUNDS);
	buf_free(&safe);
	end();
}

/* Without any: it never held anything. */
static void
test_crash_at_first(void)
{
	static const char boot[] = "00000000-0000-0000-0000-000000000000";
	struct buf note = {0}, found = {0};

	store_folder_make(&folder);
	buf_puts(&note, "forepost store 1\n");
	buf_puts(&note, boot);
	store_folder_write(&folder, "checkpoint", note.p, note.len);
	store_folder_write(&folder, "data.mdb", "half", 4);
	store_folder_open(&folder, STORE_SIZE_MIN);
	dump(&folder, &found);
	T_INT("empty", found.len, 0);
	buf_free(&note);
	buf_free(&found);
	end();
}

int
main(void)
{
	loop_create();
	test_sweep();
	test_full();
	test_no_disk();
	test_stopped();
	test_naive();
	test_crash();
	test_crash_at_first();
	buf_free(&heard);
	loop_destroy();
	return t_done();
}
