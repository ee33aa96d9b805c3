#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/addr.h"
#include "base/clock.h"
#include "base/log.h"
#include "tests/fake/fake.h"
#include "tests/kit/t.h"

/* Targets that take nothing: how often they are asked, and what is done with
 * lines meanwhile. */

#define LONGEST	(64 * CLOCK_MS)		/* pause between two tries */

static char dir[] = "/tmp/log_stuck_test.XXXXXX";
static char path[64], target[96];
static int tries;	/* to give the target something */

/* These stand in front of the C library's. */
ssize_t
write(int fd, const void *p, size_t n)
{
	tries++;
	return syscall(SYS_write, fd, p, n);
}

ssize_t
send(int fd, const void *p, size_t n, int flags)
{
	tries++;
	return syscall(SYS_sendto, fd, p, n, flags, NULL, 0);
}

ssize_t
sendmsg(int fd, const struct msghdr *msg, int flags)
{
	tries++;
	return syscall(SYS_sendmsg, fd, msg, flags);
}

int
sendmmsg(int fd, struct mmsghdr *msgs, unsigned n, int flags)
{
	tries++;
	return (int)syscall(SYS_sendmmsg, fd, msgs, n, flags);
}

/* --- targets, each with somebody who may read --- */

static int
open_log(int reader)
{
	struct err err;

	if (log_open(target, "forepost", &err) < 0)
		T_STR("the log opens", err.text, "");
	fcntl(reader, F_SETFL, O_NONBLOCK);
	return reader;
}

static int
begin_socket(void)
{
	struct sockaddr_un un = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_DGRAM, 0);

	unlink(path);
	strcpy(un.sun_path, path);
	T_INT("bind", bind(fd, (struct sockaddr *)&un, sizeof(un)), 0);
	snprintf(target, sizeof(target), "syslog:%s", path);
	return open_log(fd);
}

static int
begin_tcp(void)
{
	struct sockaddr_in in = { .sin_family = AF_INET };
	int listener = socket(AF_INET, SOCK_STREAM, 0), small = 4096, fd;
	socklen_t len = sizeof(in);

	in.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	setsockopt(listener, SOL_SOCKET, SO_RCVBUF, &small, sizeof(small));
	T_INT("bind", bind(listener, (struct sockaddr *)&in, sizeof(in)), 0);
	T_INT("listen", listen(listener, 1), 0);
	getsockname(listener, (struct sockaddr *)&in, &len);
	snprintf(target, sizeof(target), "syslog:tcp://127.0.0.1:%d",
	    ntohs(in.sin_port));
	open_log(listener);
	fcntl(listener, F_SETFL, 0);
	fd = accept(listener, NULL, NULL);
	fcntl(fd, F_SETFL, O_NONBLOCK);
	close(listener);
	return fd;
}

static int
begin_fifo(void)
{
	int fd;

	unlink(path);
	T_INT("fifo", mkfifo(path, 0600), 0);
	fd = open(path, O_RDONLY | O_NONBLOCK);
	strcpy(target, path);
	return open_log(fd);
}

static int
begin_stderr(const int ends[2])
{
	dup2(ends[1], STDERR_FILENO);
	close(ends[1]);
	strcpy(target, "stderr");
	return open_log(ends[0]);
}

static int
begin_pipe(void)
{
	int ends[2];

	T_INT("pipe", pipe(ends), 0);
	return begin_stderr(ends);
}

static int
begin_stream(void)
{
	int ends[2];

	T_INT("socket", socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0);
	return begin_stderr(ends);
}

/* --- what is written and read --- */

static char text[16000000];	/* more than what the kernel keeps */
static size_t text_len;

static void
drain(int fd)
{
	ssize_t n;

	while ((n = read(fd, text + text_len,
	    sizeof(text) - 1 - text_len)) > 0)
		text_len += (size_t)n;
	text[text_len] = '\0';
}

static int64_t
count(const char *what)
{
	int64_t n = 0;

	for (const char *p = text; (p = strstr(p, what)) != NULL; p++)
		n++;
	return n;
}

static void
put(void)
{
	log_event(LOG_LABEL_INFO, "id", "line which=1 %s",
	    "0123456789012345678901234567890123456789");
}

/* So many lines that some are dropped. Returns how many there were. */
static int64_t
fill(void)
{
	uint64_t before = log_dropped();
	int64_t n = 0;

	while (log_dropped() == before && n < 200000) {
		put();
		n++;
		log_flush();
	}
	return n;
}

static void
try_later(int64_t pause)
{
	fake_clock_advance(pause);
	log_flush();
}

static void
test_target(const char *name, int (*begin)(void))
{
	uint64_t before = log_dropped();
	int fd = begin();
	int64_t said = fill();
	struct logline l;
	char want[60];

	for (int i = 0; i < 10; i++)
		try_later(LONGEST);
	T_OK(name, log_is_stuck());
	tries = 0;
	for (int i = 0; i < 100; i++)
		log_flush();
	T_INT("it is left alone", tries, 0);
	T_INT("for so long", log_next_try() - clock_now(), LONGEST);
	log_begin(&l, LOG_LABEL_INFO, "id", "line which=1");
	T_OK("a line that has no room is not made",
	    l.off && l.text.p == NULL);
	log_end(&l);
	log_event(LOG_LABEL_ERROR, "id", "line which=1");
	said += 2;
	T_INT("but counted", log_dropped() - before, 3);
	T_INT("nor does an error hurry it", tries, 0);
	try_later(LONGEST - 1);
	T_INT("nor is it asked too early", tries, 0);
	try_later(1);
	T_INT("then it is asked once", tries, 1);

	text_len = 0;
	for (int i = 0; i < 100000 && log_is_stuck(); i++) {
		drain(fd);
		try_later(LONGEST);
	}
	/* The kernel still has some of a connection. */
	do
		drain(fd);
	while (strstr(text + (text_len < 1000 ? 0 : text_len - 1000),
	    "log lines dropped count=") == NULL &&
	    poll(&(struct pollfd){ fd, POLLIN, 0 }, 1, 5000) > 0);
	T_INT("all that was kept arrives", count(" which=1"),
	    said - (int64_t)(log_dropped() - before));
	snprintf(want, sizeof(want), "log lines dropped count=%d",
	    (int)(log_dropped() - before));
	T_INT("and how many were not", count(want), 1);
	T_OK("nobody has to wake up any more",
	    log_next_try() == CLOCK_NEVER);
	log_close();
	close(fd);
}

static void
test_pauses(void)
{
	static const int64_t pauses[] = { 1, 2, 4, 8, 16, 32, 64, 64, 64 };
	uint64_t before = log_dropped();
	char datagram[400];
	int fd;

	fd = begin_socket();
	while (!log_is_stuck()) {
		put();
		log_flush();
	}
	for (size_t i = 0; i < sizeof(pauses) / sizeof(pauses[0]); i++) {
		T_INT("the next pause", log_next_try() - clock_now(),
		    pauses[i] * CLOCK_MS);
		tries = 0;
		try_later(pauses[i] * CLOCK_MS - 1);
		T_INT("until then nothing", tries, 0);
		try_later(1);
		T_INT("then once", tries, 1);
	}
	/* One that takes one line after the other is slow, not stuck. */
	for (int i = 0; i < 20; i++)
		put();
	for (int i = 0; i < 20; i++) {
		T_OK("it reads a line", read(fd, datagram, sizeof(datagram)) > 0);
		tries = 0;
		try_later(i == 0 ? LONGEST : 0);
		T_INT("the line goes out, the next one does not", tries, 2);
		T_INT("a loop may sleep", log_next_try() - clock_now(),
		    CLOCK_MS);
	}
	log_flush();
	T_INT("now it took nothing", tries, 3);
	log_flush();
	T_INT("the pauses begin anew", tries, 3);
	T_INT("with the shortest", log_next_try() - clock_now(), CLOCK_MS);
	T_INT("none is dropped", log_dropped() - before, 0);
	log_close();
	close(fd);
	before = log_dropped();
	fd = begin_socket();
	log_event(LOG_LABEL_ERROR, NULL, "takes the count of the dropped");
	T_INT("once", log_dropped(), before);
	log_close();
	close(fd);
}

static void
test_at_once(void)
{
	uint64_t before = log_dropped();
	int64_t said, read_so_far;
	int fd = begin_socket(), other;

	said = fill();
	for (int i = 0; i < 10; i++)
		try_later(LONGEST);
	text_len = 0;
	drain(fd);
	log_flush();
	T_INT("the pause is not over", read(fd, text, 1), -1);
	read_so_far = count(" which=1");
	other = dup(fd);
	strcpy(target, path);
	unlink(path);
	open_log(other);	/* a file: takes all */
	drain(fd);
	close(fd);
	close(other);
	T_OK("what the old target can take it gets",
	    count(" which=1") > read_so_far);
	T_OK("the new one is not stuck", !log_is_stuck());
	log_flush();
	fd = open(path, O_RDONLY);
	drain(fd);
	close(fd);
	T_INT("and gets the rest at once", count(" which=1"), said - 1);
	T_INT("one was dropped", log_dropped() - before, 1);
	log_close();

	fd = begin_fifo();
	before = log_dropped();
	said = fill();
	try_later(LONGEST);
	text_len = 0;
	drain(fd);
	read_so_far = count(" which=1");
	log_close();
	drain(fd);
	T_OK("closing tries at once", count(" which=1") > read_so_far);
	T_INT("and counts what is left", log_dropped() - before,
	    said - count(" which=1"));
	T_OK("which is most of it here", log_dropped() - before > 100);
	close(fd);

	fd = begin_fifo();
	fill();
	try_later(LONGEST);
	before = log_dropped();
	drain(fd);
	fake_clock_advance(LONGEST);
	put();
	T_INT("a new line tries too", log_dropped() - before, 0);
	log_close();
	close(fd);
}

static void
test_fork(void)
{
	int fd = begin_fifo(), status = 0, log;
	pid_t pid;

	fill();
	pid = fork();
	if (pid == 0) {
		unlink(path);
		strcpy(target, path);
		log = open(path, O_RDWR | O_CREAT, 0600);
		open_log(log);
		log_event(LOG_LABEL_ERROR, NULL, "child");
		text_len = 0;
		drain(log);
		_exit(log_dropped() == 0 && !log_is_stuck() &&
		    count("child") == 1 && count("dropped") == 0);
	}
	waitpid(pid, &status, 0);
	T_INT("a child has dropped nothing and does not wait",
	    WIFEXITED(status) && WEXITSTATUS(status) == 1, 1);
	T_OK("its parent has, and does", log_dropped() > 0 && log_is_stuck());
	log_close();
	close(fd);
}

int
main(void)
{
	int old = dup(STDERR_FILENO);

	if (mkdtemp(dir) == NULL) {
		perror(dir);
		return 1;
	}
	snprintf(path, sizeof(path), "%s/log", dir);
	test_target("a syslog socket that nobody reads", begin_socket);
	test_target("a daemon elsewhere that does not read", begin_tcp);
	test_target("a fifo", begin_fifo);
	test_target("stderr that is a pipe", begin_pipe);
	test_target("stderr that is a socket", begin_stream);
	dup2(old, STDERR_FILENO);
	close(old);
	test_pauses();
	test_at_once();
	test_fork();
	unlink(path);
	rmdir(dir);
	return t_done();
}
