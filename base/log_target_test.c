#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "tests/fake/fake.h"
#include "tests/kit/t.h"

/* Targets that are slow, full or gone, seen through the log. */

#define STAMP_LEN	(sizeof("2026-11-22T02:20:18.000Z ") - 1)

static char dir[] = "/tmp/log_target_test.XXXXXX";
static char path[64], socket_path[64], socket_target[80];
static bool refuse_proc;

/* Stands in front of the C library's: /proc can be out of reach. */
int
open(const char *name, int flags, ...)
{
	mode_t mode = 0;
	va_list ap;

	if (refuse_proc && strncmp(name, "/proc/", 6) == 0) {
		errno = EACCES;
		return -1;
	}
	if (flags & O_CREAT) {
		va_start(ap, flags);
		mode = va_arg(ap, mode_t);
		va_end(ap);
	}
	return (int)syscall(SYS_openat, AT_FDCWD, name, flags, mode);
}

static void
open_log(const char *target)
{
	struct err err;

	if (log_open(target, "forepost", &err) < 0)
		T_STR("the log opens", err.text, "");
}

/* Puts `fd` in the place of stderr and has the log look at it anew. */
static int
swap_stderr(int fd)
{
	int old = dup(STDERR_FILENO);

	log_close();
	dup2(fd, STDERR_FILENO);
	close(fd);
	return old;
}

static void
restore_stderr(int old)
{
	log_close();
	dup2(old, STDERR_FILENO);
	close(old);
}

/* Reads what is there from `fd` behind *len in `text`. */
static void
drain(int fd, char *text, size_t size, size_t *len)
{
	ssize_t n;

	while ((n = read(fd, text + *len, size - *len)) > 0)
		*len += (size_t)n;
}

static size_t
count(const char *text, size_t len)
{
	size_t n = 0;

	while (len-- > 0)
		n += *text++ == '\n';
	return n;
}

/* A target that took nothing is left alone for a while. */
static void
try_again(void)
{
	fake_clock_advance(100 * CLOCK_MS);
	log_flush();
}

/* Whole lines, numbered without a gap from 0; returns how many. */
static size_t
check_numbered(const char *name, char *text, size_t len)
{
	size_t want = 0;
	char *p, *end, *n;

	text[len] = '\0';
	for (p = text; (end = strchr(p, '\n')) != NULL; p = end + 1, want++) {
		*end = '\0';
		n = strstr(p, " n=");
		if (strncmp(p, "20", 2) != 0 || n == NULL ||
		    (size_t)atol(n + 3) != want) {
			T_STR(name, p, "the next line");
			return want;
		}
	}
	T_STR(name, p, "");
	return want;
}

static void
put_numbered(size_t n, const char *filler)
{
	struct logline l;

	log_begin(&l, LOG_LABEL_INFO, NULL, "line");
	log_z(&l, "filler", filler);
	log_int(&l, "n", (int64_t)n);
	log_end(&l);
}

/* Someone reads the other end of stderr late. `ends`: read, write. */
static void
run_slow_reader(const char *name, int ends[2])
{
	static char text[400000];
	uint64_t before = log_dropped();
	char filler[60] = "";
	size_t len = 0, i;
	int old;

	memset(filler, 'f', sizeof(filler) - 1);
	fcntl(ends[0], F_SETFL, O_NONBLOCK);
	old = swap_stderr(ends[1]);
	for (i = 0; i < 1000; i++) {
		put_numbered(i, filler);
		if (i % 7 == 0)
			log_flush();
	}
	T_INT(name, log_dropped() - before, 0);
	drain(ends[0], text, sizeof(text) - 1, &len);
	T_OK("the first lines are there", count(text, len) > 0);
	for (i = 0; i < 200; i++) {
		try_again();
		drain(ends[0], text, sizeof(text) - 1, &len);
	}
	T_INT("in the end all of them",
	    check_numbered(name, text, len), 1000);
	restore_stderr(old);
	close(ends[0]);
}

static void
test_slow_reader(void)
{
	int ends[2];

	T_INT("pipe", pipe(ends), 0);
	fcntl(ends[1], F_SETPIPE_SZ, 4096);
	run_slow_reader("a slow reader of a pipe", ends);

	refuse_proc = true;
	T_INT("pipe", pipe(ends), 0);
	fcntl(ends[1], F_SETPIPE_SZ, 4096);
	run_slow_reader("a pipe that cannot be opened anew", ends);
	refuse_proc = false;

	T_INT("socket", socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0);
	run_slow_reader("a slow reader of a socket", ends);
}

/* What comes out of a stderr that is the journal, or seems to be. */
static void
expect_journal(const char *name, bool is_told, bool is_pipe,
    const char *const starts[3])
{
	static char text[4000];
	char id[48];
	struct stat st;
	size_t len = 0;
	int ends[2], old, i;
	char *p;

	T_INT(name, is_pipe ? pipe(ends) :
	    socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0);
	fstat(ends[1], &st);
	snprintf(id, sizeof(id), "%ju:%ju", (uintmax_t)st.st_dev,
	    (uintmax_t)st.st_ino + (is_told ? 0 : 1));
	setenv("JOURNAL_STREAM", id, 1);
	fcntl(ends[0], F_SETFL, O_NONBLOCK);
	old = swap_stderr(ends[1]);
	log_event(LOG_LABEL_INFO, NULL, "before it is opened");
	open_log("stderr");
	log_event(LOG_LABEL_WARN, "id", "soon");
	log_format(LOG_JSON);
	log_event(LOG_LABEL_ERROR, "id", "now");
	log_format(LOG_TEXT);
	drain(ends[0], text, sizeof(text) - 1, &len);
	text[len] = '\0';
	for (i = 0, p = text; i < 3; i++) {
		T_OK(name, strncmp(p, starts[i], strlen(starts[i])) == 0);
		p = strchr(p, '\n') != NULL ? strchr(p, '\n') + 1 : "";
	}
	T_STR(name, p, "");
	restore_stderr(old);
	close(ends[0]);
	unsetenv("JOURNAL_STREAM");
}

static void
test_journal(void)
{
	static const char *const with[3] = {
	    "<6>20", "<4>20", "<3>{\"time\":\"20" };
	static const char *const without[3] = {
	    "20", "20", "{\"time\":\"20" };

	expect_journal("the journal gets severities", true, false, with);
	expect_journal("another socket does not", false, false, without);
	expect_journal("and no pipe", true, true, without);
}

static void
test_no_reader(void)
{
	static char text[400000];
	uint64_t before = log_dropped();
	struct logline l;
	size_t len = 0, i;
	char *last;
	int ends[2], old;

	T_INT("pipe", pipe(ends), 0);
	fcntl(ends[0], F_SETFL, O_NONBLOCK);
	fcntl(ends[1], F_SETPIPE_SZ, 4096);
	old = swap_stderr(ends[1]);
	for (i = 0; i < 10000; i++)
		put_numbered(i, "0123456789012345678901234567890123456789");
	T_OK("a pipe that nobody reads: lines are dropped",
	    log_dropped() > before);
	for (i = 0; i < 200; i++) {
		try_again();
		drain(ends[0], text, sizeof(text) - 1, &len);
	}
	text[len] = '\0';
	T_OK("the reader comes back and gets what was kept",
	    len > 250000 && len < 300000);
	last = strstr(text, "warn - log lines dropped count=");
	T_OK("and the number of those dropped", last != NULL &&
	    (uint64_t)atoll(strrchr(text, '=') + 1) ==
	    log_dropped() - before);
	T_OK("none is missing otherwise",
	    count(text, len) + log_dropped() - before == 10001);

	/* A line longer than what a pipe takes at once. */
	len = 0;
	log_begin(&l, LOG_LABEL_INFO, NULL, "long");
	for (i = 0; i < 40; i++)
		log_z(&l, "key", "01234567890123456789012345678901234567890123"
		    "45678901234567890123456789012345678901234567890123456789"
		    "01234567890123456789012345678901234567890123456789012345"
		    "01234567890123456789012345678901234567890123456789012345");
	log_end(&l);
	log_event(LOG_LABEL_INFO, NULL, "short");
	for (i = 0; i < 10; i++) {
		try_again();
		drain(ends[0], text, sizeof(text) - 1, &len);
	}
	text[len] = '\0';
	T_INT("a line longer than the pipe is whole", count(text, len), 2);
	last = strchr(text, '\n');
	T_STR("and the next one too",
	    last != NULL ? last + 1 + STAMP_LEN : NULL, "info - short\n");

	close(ends[0]);
	signal(SIGPIPE, SIG_IGN);
	before = log_dropped();
	log_event(LOG_LABEL_ERROR, NULL, "nobody");
	T_INT("a reader that went away: dropped", log_dropped() - before, 1);
	restore_stderr(old);
	open_log(path);
	log_event(LOG_LABEL_INFO, NULL, "takes the count of the dropped");
	log_close();
}

static void
test_stderr_file(void)
{
	static const char *const want[] = {
		"usage", "opened by nobody", "usage", "opened"
	};
	char line[100];
	FILE *f;
	size_t i;
	int old;

	unlink(path);
	old = swap_stderr(open(path, O_WRONLY | O_CREAT, 0600));
	T_INT("another writer", write(STDERR_FILENO, "usage\n", 6), 6);
	log_event(LOG_LABEL_INFO, NULL, "opened by nobody");
	log_flush();
	T_INT("another writer", write(STDERR_FILENO, "usage\n", 6), 6);
	open_log("stderr");
	log_event(LOG_LABEL_INFO, NULL, "opened");
	restore_stderr(old);
	f = fopen(path, "r");
	for (i = 0; i < sizeof(want) / sizeof(want[0]); i++)
		T_OK("stderr in a file: the writers do not overwrite "
		    "each other", fgets(line, sizeof(line), f) != NULL &&
		    strstr(line, want[i]) != NULL);
	T_OK("and that is all", fgets(line, sizeof(line), f) == NULL);
	fclose(f);
}

static int
syslog_daemon(void)
{
	struct sockaddr_un un = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK, 0);

	unlink(socket_path);
	memcpy(un.sun_path, socket_path, strlen(socket_path) + 1);
	T_INT("bind", bind(fd, (struct sockaddr *)&un, sizeof(un)), 0);
	return fd;
}

/* The next datagram, or "". */
static const char *
receive(int fd)
{
	static char text[300000];
	ssize_t n = recv(fd, text, sizeof(text) - 1, 0);

	text[n > 0 ? n : 0] = '\0';
	return text;
}

/* How a line looks to the daemon; the fake clock stands still. */
static const char *
datagram(const char *pri, const char *text)
{
	static char out[200];
	time_t now = (time_t)(clock_wall() / CLOCK_S);
	char stamp[40];
	struct tm tm;

	localtime_r(&now, &tm);
	strftime(stamp, sizeof(stamp), "%b %e %T", &tm);
	snprintf(out, sizeof(out), "%s%s forepost[%d]: %s", pri, stamp,
	    (int)getpid(), text);
	return out;
}

static void
test_syslog(void)
{
	uint64_t before = log_dropped();
	char want[100], *value;
	struct logline l;
	struct err err;
	int fd, i, got;

	unlink(socket_path);
	T_INT("no daemon", log_open(socket_target, "forepost", &err), -1);
	snprintf(want, sizeof(want), "log %s: No such file or directory",
	    socket_path);
	T_STR("is said so", err.text, want);

	setenv("TZ", "XYZ-3", 1);
	tzset();
	fd = syslog_daemon();
	open_log(socket_target);
	log_event(LOG_LABEL_INFO, "id", "first");
	log_event(LOG_LABEL_WARN, NULL, "second");
	T_STR("datagrams wait for the flush", receive(fd), "");
	log_flush();
	T_STR("facility mail, local time, no line end", receive(fd),
	    datagram("<22>", "info id first"));
	T_STR("one for each line", receive(fd),
	    datagram("<20>", "warn - second"));
	T_STR("and no more", receive(fd), "");
	log_format(LOG_JSON);
	log_event(LOG_LABEL_INFO, "id", "third");
	log_format(LOG_TEXT);
	log_flush();
	T_STR("JSON there has no time of its own", receive(fd), datagram("<22>",
	    "{\"label\":\"info\",\"session\":\"id\",\"event\":\"third\"}"));
	log_event(LOG_LABEL_ERROR, NULL, "now");
	T_OK("error at once", strncmp(receive(fd), "<19>", 4) == 0);
	log_event(LOG_LABEL_BUG, NULL, "now");
	T_OK("bug at once", strncmp(receive(fd), "<18>", 4) == 0);

	/* More than the queue of the socket holds. */
	for (i = 0; i < 1000; i++)
		put_numbered((size_t)i, "x");
	for (i = 0; i < 1000; ) {
		log_flush();
		for (got = 0; *receive(fd) != '\0'; got++)
			i++;
		if (got == 0)
			break;
	}
	T_INT("a daemon that is slow gets all", i, 1000);

	close(fd);
	log_event(LOG_LABEL_INFO, NULL, "while it is away");
	log_flush();
	fd = syslog_daemon();
	log_flush();
	T_STR("a new daemon is not looked for at once", receive(fd), "");
	fake_clock_advance(CLOCK_S);
	log_flush();
	T_OK("but within a second, and nothing is lost",
	    strstr(receive(fd), "info - while it is away") != NULL);
	T_INT("none was dropped", log_dropped() - before, 0);

	value = malloc(513);
	memset(value, 'v', 512);
	value[512] = '\0';
	log_begin(&l, LOG_LABEL_INFO, NULL, "too long for a datagram");
	for (i = 0; i < 450; i++)
		log_z(&l, "key", value);
	log_end(&l);
	free(value);
	log_event(LOG_LABEL_INFO, NULL, "next");
	log_flush();
	T_INT("a line too long for a datagram is dropped",
	    log_dropped() - before, 1);
	T_OK("the next one is not",
	    strstr(receive(fd), "info - next") != NULL);
	T_OK("and the drop is told",
	    strstr(receive(fd), "log lines dropped count=1") != NULL);
	log_close();
	close(fd);
}

int
main(void)
{
	if (mkdtemp(dir) == NULL) {
		perror(dir);
		return 1;
	}
	snprintf(path, sizeof(path), "%s/log", dir);
	snprintf(socket_path, sizeof(socket_path), "%s/socket", dir);
	snprintf(socket_target, sizeof(socket_target), "syslog:%s",
	    socket_path);
	test_slow_reader();
	test_journal();
	test_no_reader();
	test_stderr_file();
	test_syslog();
	unlink(path);
	unlink(socket_path);
	rmdir(dir);
	return t_done();
}
