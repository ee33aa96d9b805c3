#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/log_shelf.h"
#include "tests/fake/fake.h"
#include "tests/kit/t.h"

/* Lines that wait in memory that outlives their process: when they are
 * written, and by whom. */

#define DELAY	(20 * CLOCK_MS)

static char dir[] = "/tmp/log_keep_test.XXXXXX";
static char path[64], socket_path[64];
static struct log_shelf *shelf;	/* shared with children */

/* The events in a text, as "one two". */
static const char *
events(const char *p, size_t len)
{
	static char text[4000];
	const char *end, *at;
	size_t n = 0;

	text[0] = '\0';
	for (; len > 0 && (end = memchr(p, '\n', len)) != NULL;
	    len -= (size_t)(end + 1 - p), p = end + 1) {
		at = memmem(p, (size_t)(end - p), " - ", 3);
		at = at != NULL ? at + 3 : p;
		n += (size_t)snprintf(text + n, sizeof(text) - n, "%s%.*s",
		    n > 0 ? " " : "", (int)(end - at), at);
	}
	return text;
}

static const char *
file(void)
{
	static char text[100000];
	FILE *f = fopen(path, "r");
	size_t n = f != NULL ? fread(text, 1, sizeof(text), f) : 0;

	if (f != NULL)
		fclose(f);
	return events(text, n);
}

static void
open_log(const char *target)
{
	struct err err;

	unlink(path);
	memset(shelf, 0, sizeof(*shelf));
	if (log_open(target, "forepost", &err) < 0)
		T_STR("the log opens", err.text, "");
}

static void
say(const char *event)
{
	log_event(LOG_LABEL_INFO, NULL, "%s", event);
}

/* --- when --- */

static void
test_delay(void)
{
	open_log(path);
	T_OK("nothing waits", log_next_try() == CLOCK_NEVER);
	log_keep(shelf, DELAY);
	say("one");
	log_turn();
	fake_clock_advance(DELAY / 2);
	say("two");
	log_turn();
	T_STR("they wait", file(), "");
	T_INT("until then", log_next_try() - clock_now(), DELAY / 2);
	T_STR("there", events(log_shelf_lines(shelf).p,
	    log_shelf_lines(shelf).len), "one two");
	fake_clock_advance(DELAY / 2 - 1);
	log_turn();
	T_STR("the first has not waited long enough", file(), "");
	fake_clock_advance(1);
	log_turn();
	T_STR("now it has", file(), "one two");
	T_INT("nothing waits any more", log_shelf_lines(shelf).len, 0);
	T_OK("nor is it asked for", log_next_try() == CLOCK_NEVER);
	say("three");
	log_event(LOG_LABEL_ERROR, NULL, "four");
	T_STR("an error does not wait", file(), "one two three four");
	say("five");
	log_close();
	T_STR("nor does the end", file(), "one two three four five");
}

static void
test_much(void)
{
	char line[1001];
	struct stat st;

	open_log(path);
	log_keep(shelf, DELAY);
	memset(line, 'x', sizeof(line) - 1);
	line[1000] = '\0';
	for (int i = 0; i < 62; i++)
		say(line);
	log_turn();
	T_STR("not enough", file(), "");
	for (int i = 0; i < 3; i++)
		say(line);
	log_turn();
	T_OK("these are", stat(path, &st) == 0 && st.st_size > 62 * 1000);
	log_close();
}

static void
test_none(void)
{
	open_log(path);
	log_keep(shelf, 0);
	say("one");
	T_INT("it is due at once", log_next_try(), clock_now());
	log_turn();
	T_STR("no delay", file(), "one");
	log_close();
}

static void
test_fork(void)
{
	pid_t pid;

	open_log(path);
	log_keep(shelf, DELAY);
	say("one");
	pid = fork();
	if (pid == 0) {
		say("of the child");
		log_turn();
		_exit(0);
	}
	waitpid(pid, NULL, 0);
	T_STR("the child writes its own, at once", file(), "of the child");
	log_flush();
	T_STR("and we ours", file(), "of the child one");
	log_close();
}

/* --- whose process is gone --- */

/* In a child, which is killed then. */
static void
leave(void (*what)(void))
{
	pid_t pid = fork();

	if (pid == 0) {
		log_keep(shelf, DELAY);
		what();
		kill(getpid(), SIGKILL);
	}
	waitpid(pid, NULL, 0);
}

static void
say_three(void)
{
	say("one");
	say("two");
	say("three");
}

static void
begin(void)
{
	say_three();
	log_shelf_begin(shelf);
}

/* So many lines and a half of the one behind them, by the process itself. */
static void
write_some(int lines)
{
	struct span all = log_shelf_lines(shelf);
	size_t n = all.len / 3 * (size_t)lines + 10;
	int fd = open(path, O_WRONLY | O_APPEND);

	if (write(fd, all.p, n < all.len ? n : all.len) < 0)
		_exit(1);
	close(fd);
}

static void
begin_and_write_half(void)
{
	begin();
	write_some(0);
}

static void
begin_and_write_one(void)
{
	begin();
	write_some(1);
}

static void
begin_and_write_all(void)
{
	begin();
	write_some(3);
}

static void
write_and_pass(void)
{
	say_three();
	log_flush();
	say("four");
}

static void
test_rescue(void)
{
	static const struct {
		const char	*name;
		void		(*what)(void);
		const char	*before, *behind;
	} cases[] = {
		{ "nothing was written", say_three, "",
		    "one two three" },
		{ "nothing, though it had begun", begin, "",
		    "one two three" },
		{ "half a line", begin_and_write_half, "",
		    "2026-11-22 one two three" },
		{ "a line and a half", begin_and_write_one, "one",
		    "one 2026-11-22 two three" },
		{ "all", begin_and_write_all, "one two three",
		    "one two three" },
		{ "what was passed", write_and_pass, "one two three",
		    "one two three four" },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		open_log(path);
		leave(cases[i].what);
		T_STR(cases[i].name, file(), cases[i].before);
		log_rescue(shelf);
		log_flush();
		T_STR(cases[i].name, file(), cases[i].behind);
		T_INT("and nothing is left", log_shelf_lines(shelf).len, 0);
		T_OK("nor begun", !log_shelf_is_begun(shelf));
		log_rescue(shelf);
		log_flush();
		T_STR("once", file(), cases[i].behind);
		log_close();
	}
}

/* Of what somebody else wrote nothing is taken for its own. */
static void
test_rescue_beside(void)
{
	open_log(path);
	say("zero");
	log_flush();
	leave(begin);
	fake_clock_advance(CLOCK_MS);	/* the same words at another time */
	say("one");
	log_flush();
	log_rescue(shelf);
	log_flush();
	T_STR("all are there", file(), "zero one one two three");
	log_close();
}

static void
test_rescue_socket(void)
{
	struct sockaddr_un un = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK, 0);
	char target[80], text[200];
	ssize_t n;

	strcpy(un.sun_path, socket_path);
	T_INT("bind", bind(fd, (struct sockaddr *)&un, sizeof(un)), 0);
	snprintf(target, sizeof(target), "syslog:%s", socket_path);
	open_log(target);
	leave(begin);
	log_rescue(shelf);
	log_flush();
	for (const char *const *p = (const char *const[]){ "one", "two",
	    "three", NULL }; *p != NULL; p++) {
		n = recv(fd, text, sizeof(text) - 1, 0);
		text[n > 0 ? n : 0] = '\0';
		T_OK(*p, strstr(text, *p) != NULL);
	}
	T_OK("no more", recv(fd, text, sizeof(text), 0) < 0);
	log_close();
	close(fd);
}

/* More than whoever rescues has room for. */
static void
fill(void)
{
	char line[201];

	memset(line, 'x', sizeof(line) - 1);
	line[200] = '\0';
	while (log_dropped() == 0)
		say(line);
}

static void
test_rescue_stuck(void)
{
	uint64_t before = log_dropped();
	int reader;

	unlink(path);
	T_INT("fifo", mkfifo(path, 0600), 0);
	reader = open(path, O_RDONLY | O_NONBLOCK);
	memset(shelf, 0, sizeof(*shelf));
	T_INT("open", log_open(path, "forepost", &(struct err){0}), 0);
	fill();			/* of the pipe and our own */
	before = log_dropped();
	leave(say_three);
	log_rescue(shelf);
	T_INT("they are counted", log_dropped() - before, 3);
	close(reader);
	log_close();
}

int
main(void)
{
	signal(SIGPIPE, SIG_IGN);
	shelf = mmap(NULL, sizeof(*shelf), PROT_READ | PROT_WRITE,
	    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (mkdtemp(dir) == NULL || shelf == MAP_FAILED) {
		perror(dir);
		return 1;
	}
	snprintf(path, sizeof(path), "%s/log", dir);
	snprintf(socket_path, sizeof(socket_path), "%s/socket", dir);
	test_delay();
	test_much();
	test_none();
	test_fork();
	test_rescue();
	test_rescue_beside();
	test_rescue_socket();
	test_rescue_stuck();
	unlink(path);
	unlink(socket_path);
	rmdir(dir);
	return t_done();
}
