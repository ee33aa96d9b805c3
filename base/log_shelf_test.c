#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/log_shelf.h"
#include "tests/kit/t.h"

/* Lines that wait, and writers that are killed at any instant. */

#define KILLS	60
#define LINE	40		/* octets of each here */

static struct log_shelf *shelf;		/* shared with children */

static void
start(void)
{
	memset(shelf, 0, sizeof(*shelf));
}

static struct span
line_of(char c, size_t len)
{
	static char text[LOG_SHELF_ROOM];

	memset(text, c, len);
	text[len - 1] = '\n';
	return span_n(text, len);
}

static void
has(const char *name, struct span got, const char *want)
{
	char text[100];

	snprintf(text, sizeof(text), "%.*s", (int)got.len, got.p);
	T_STR(name, text, want);
}

static void
test_in_order(void)
{
	start();
	T_INT("it is empty", log_shelf_lines(shelf).len, 0);
	T_OK("a line", log_shelf_put(shelf, SPAN_LIT("one\n")));
	T_OK("and another", log_shelf_put(shelf, SPAN_LIT("two\n")));
	has("both wait", log_shelf_lines(shelf), "one\ntwo\n");
	T_OK("nobody has begun", !log_shelf_is_begun(shelf));
	log_shelf_begin(shelf);
	T_OK("now somebody has", log_shelf_is_begun(shelf));
	log_shelf_pass(shelf, 4);
	has("one is gone", log_shelf_lines(shelf), "two\n");
	T_OK("and he is ready", !log_shelf_is_begun(shelf));
	log_shelf_pass(shelf, 4);
	T_OK("one more", log_shelf_put(shelf, SPAN_LIT("three\n")));
	T_OK("it begins in front", log_shelf_lines(shelf).p == shelf->octets);
	log_shelf_clear(shelf);
	T_INT("it is empty", log_shelf_lines(shelf).len, 0);
}

static void
test_full(void)
{
	size_t n = 0;

	start();
	while (log_shelf_put(shelf, line_of('a', 1024)))
		n++;
	T_INT("so many wait", n, LOG_SHELF_MOST / 1024);
	T_OK("not even an octet more",
	    !log_shelf_put(shelf, SPAN_LIT("\n")));
	T_INT("which changes nothing", log_shelf_lines(shelf).len,
	    LOG_SHELF_MOST);
	log_shelf_pass(shelf, 1024);
	T_OK("there is room again", log_shelf_put(shelf, line_of('b', 1024)));
	T_OK("for no more", !log_shelf_put(shelf, SPAN_LIT("\n")));
}

/* What waits is moved when its end is reached. */
static void
test_round(void)
{
	struct span lines;

	start();
	T_OK("it is full", log_shelf_put(shelf, line_of('0', LOG_SHELF_MOST)));
	for (int i = 1; i < 2000; i++) {
		char c = (char)('0' + i % 10);

		log_shelf_pass(shelf, 1000);
		if (!log_shelf_put(shelf, line_of(c, 1000)))
			T_INT("there is room", i, 0);
		lines = log_shelf_lines(shelf);
		if (lines.len != LOG_SHELF_MOST ||
		    lines.p[lines.len - 2] != c ||
		    lines.p[lines.len - 1002] != (i == 1 ? '0' :
		    (char)('0' + (i - 1) % 10)))
			T_INT("all is there", i, 0);
	}
	T_OK("it went round", log_shelf_lines(shelf).len == LOG_SHELF_MOST);
}

/* Another process may have written anything there. */
static void
test_nonsense(void)
{
	static const struct {
		const char	*name;
		uint64_t	 begin, end;
	} cases[] = {
		{ "turned round", 10, 9 },
		{ "behind the end", 0, LOG_SHELF_ROOM + 1 },
		{ "far away", UINT32_MAX, UINT32_MAX },
		{ "more than may wait", 0, LOG_SHELF_MOST + 1 },
		{ "up to anywhere", 0, UINT32_MAX },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		start();
		shelf->where = cases[i].begin << 32 | cases[i].end;
		T_INT(cases[i].name, log_shelf_lines(shelf).len, 0);
		T_OK("it takes lines", log_shelf_put(shelf,
		    SPAN_LIT("one\n")));
		has("and has them", log_shelf_lines(shelf), "one\n");
	}
}

/* --- a writer that is killed --- */

/* Numbered lines, some of which are passed; `told` is how many were put. */
static void
write_for_ever(volatile unsigned *told, volatile unsigned *passed)
{
	char text[LINE + 1];

	for (unsigned n = 0; ; n++) {
		snprintf(text, sizeof(text), "%0*u\n", LINE - 1, n);
		while (!log_shelf_put(shelf, span_n(text, LINE))) {
			log_shelf_begin(shelf);
			*passed += 700;
			log_shelf_pass(shelf, (size_t)LINE * 700);
		}
		*told = n + 1;
	}
}

/* Whole lines with their numbers, one behind the other; how many. */
static unsigned
count_lines(unsigned *first)
{
	struct span lines = log_shelf_lines(shelf);
	char text[LINE + 1];
	unsigned n = 0;

	for (; lines.len >= LINE; n++) {
		unsigned long number = strtoul(lines.p, NULL, 10);

		if (n == 0)
			*first = (unsigned)number;
		snprintf(text, sizeof(text), "%0*u\n", LINE - 1, *first + n);
		if (memcmp(lines.p, text, LINE) != 0)
			return 0;
		lines = span_n(lines.p + LINE, lines.len - LINE);
	}
	return lines.len == 0 ? n : 0;
}

static void
test_kill(void)
{
	volatile unsigned *shared = mmap(NULL, 4096, PROT_READ | PROT_WRITE,
	    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	unsigned first, n, whole = 0;
	pid_t pid;

	for (int i = 0; i < KILLS; i++) {
		start();
		shared[0] = shared[1] = first = 0;
		pid = fork();
		if (pid == 0)
			write_for_ever(&shared[0], &shared[1]);
		while (shared[0] == 0)
			usleep(10);
		usleep((useconds_t)(i * 37 % 2000));
		kill(pid, SIGKILL);
		waitpid(pid, NULL, 0);
		n = count_lines(&first);
		/* What he has told of is there; perhaps one more, or some of
		 * which he meant to say that they are passed. */
		whole += n > 0 && first <= shared[1] &&
		    (first == shared[1] || log_shelf_is_begun(shelf)) &&
		    (first + n == shared[0] || first + n == shared[0] + 1);
	}
	T_INT("all that was put and not passed", whole, KILLS);
}

int
main(void)
{
	shelf = mmap(NULL, sizeof(*shelf), PROT_READ | PROT_WRITE,
	    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (shelf == MAP_FAILED) {
		perror("mmap");
		return 1;
	}
	test_in_order();
	test_full();
	test_round();
	test_nonsense();
	test_kill();
	return t_done();
}
