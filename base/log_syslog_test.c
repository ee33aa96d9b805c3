#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/addr.h"
#include "base/clock.h"
#include "base/log.h"
#include "tests/fake/fake.h"
#include "tests/kit/t.h"

/* Syslog daemons elsewhere, seen through the log. */

static char target[80];

/* A socket on the loopback, and `target` that leads to it. `port` 0: any. */
static int
listen_at(int type, int port)
{
	struct sockaddr_in in = { .sin_family = AF_INET };
	socklen_t len = sizeof(in);
	int one = 1, fd = socket(AF_INET, type | SOCK_NONBLOCK, 0);

	in.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	in.sin_port = htons((uint16_t)port);
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	T_INT("bind", bind(fd, (struct sockaddr *)&in, sizeof(in)), 0);
	getsockname(fd, (struct sockaddr *)&in, &len);
	if (type == SOCK_STREAM)
		T_INT("listen", listen(fd, 10), 0);
	snprintf(target, sizeof(target), "syslog:%s://127.0.0.1:%d",
	    type == SOCK_STREAM ? "tcp" : "udp", ntohs(in.sin_port));
	return fd;
}

static int
target_port(void)
{
	return atoi(strrchr(target, ':') + 1);
}

static void
open_log(void)
{
	struct err err;

	if (log_open(target, "forepost", &err) < 0)
		T_STR("the log opens", err.text, "");
}

/* How a line looks to the daemon; the fake clock stands still. */
static const char *
message(const char *pri, const char *text)
{
	static char out[300];
	time_t now = (time_t)(clock_wall() / CLOCK_S);
	char stamp[40], host[65];
	struct tm tm;

	gmtime_r(&now, &tm);
	strftime(stamp, sizeof(stamp), "%Y-%m-%dT%T", &tm);
	gethostname(host, sizeof(host));
	snprintf(out, sizeof(out), "%s1 %s.%03dZ %s forepost %d - - %s", pri,
	    stamp, (int)(clock_wall() % CLOCK_S / CLOCK_MS), host,
	    (int)getpid(), text);
	return out;
}

/* The next datagram, or "". */
static const char *
receive(int fd)
{
	static char text[70000];
	ssize_t n = recv(fd, text, sizeof(text) - 1, 0);

	text[n > 0 ? n : 0] = '\0';
	return text;
}

static void
test_udp(void)
{
	int fd = listen_at(SOCK_DGRAM, 0), port = target_port();

	open_log();
	log_event(LOG_LABEL_INFO, "id", "first");
	log_event(LOG_LABEL_WARN, NULL, "second");
	T_STR("datagrams wait for the flush", receive(fd), "");
	log_flush();
	T_STR("RFC 5424", receive(fd), message("<22>", "info id first"));
	T_STR("one for each line", receive(fd),
	    message("<20>", "warn - second"));
	log_format(LOG_JSON);
	log_event(LOG_LABEL_ERROR, "id", "now");
	log_format(LOG_TEXT);
	T_STR("JSON, at once", receive(fd), message("<19>",
	    "{\"label\":\"error\",\"session\":\"id\",\"event\":\"now\"}"));

	close(fd);
	log_event(LOG_LABEL_ERROR, NULL, "lost in the network");
	log_event(LOG_LABEL_ERROR, NULL, "told that nobody is there");
	fd = listen_at(SOCK_DGRAM, port);
	fake_clock_advance(CLOCK_S);
	log_event(LOG_LABEL_ERROR, NULL, "there again");
	T_OK("what was kept", strstr(receive(fd), "nobody is there") != NULL);
	T_OK("and what is new", strstr(receive(fd), "there again") != NULL);
	log_reopen();
	log_event(LOG_LABEL_ERROR, NULL, "on");
	T_OK("opening again changes nothing",
	    strstr(receive(fd), "error - on") != NULL);
	log_close();
	close(fd);
}

/* A socket of this machine: its form is by the name. */
static void
test_local(void)
{
	char path[40];
	struct sockaddr_un un = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK, 0);
	struct tm tm;
	time_t now = (time_t)(clock_wall() / CLOCK_S);
	char stamp[40], want[140];

	snprintf(path, sizeof(path), "/tmp/log_syslog_test.%d", (int)getpid());
	strcpy(un.sun_path, path);
	T_INT("bind", bind(fd, (struct sockaddr *)&un, sizeof(un)), 0);
	snprintf(target, sizeof(target), "syslog:rfc5424:%s", path);
	open_log();
	log_event(LOG_LABEL_ERROR, "id", "new");
	T_STR("RFC 5424 on a socket", receive(fd),
	    message("<19>", "error id new"));
	snprintf(target, sizeof(target), "syslog:%s", path);
	open_log();
	log_event(LOG_LABEL_ERROR, "id", "old");
	localtime_r(&now, &tm);
	strftime(stamp, sizeof(stamp), "%b %e %T", &tm);
	snprintf(want, sizeof(want), "<19>%s forepost[%d]: error id old",
	    stamp, (int)getpid());
	T_STR("the form of syslog(3)", receive(fd), want);
	log_close();
	close(fd);
	unlink(path);
}

static void
test_names(void)
{
	static const char *const wrong[] = {
		"syslog:udp://loghost:514", "syslog:udp://127.0.0.1",
		"syslog:tcp://127.0.0.1:0", "syslog:tcp://unix:/dev/log",
		"syslog:tls://127.0.0.1:6514", "syslog:tcp://", "syslog:",
		"syslog:rfc5424:dev/log"
	};
	struct err err;

	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		T_INT(wrong[i], log_open(wrong[i], "forepost", &err), -1);
		T_OK(wrong[i], strstr(err.text, "\": expected an address (no "
		    "name) and a port, as in syslog:udp://") != NULL);
	}
}

/* --- TCP --- */

struct stream {
	char	text[16000000];	/* more than the kernel's buffers */
	size_t	len, at;
};
static struct stream in;

static int
take(int listener)
{
	int fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK);

	in.len = in.at = 0;
	return fd;
}

static bool
drain(int fd)
{
	ssize_t n;

	while ((n = recv(fd, in.text + in.len, sizeof(in.text) - in.len,
	    0)) > 0)
		in.len += (size_t)n;
	return n == 0;
}

/* The next message by its length, or "" if it is not whole. */
static const char *
next_message(void)
{
	static char out[70000];
	size_t n = 0, at = in.at;

	while (at < in.len && in.text[at] >= '0' && in.text[at] <= '9')
		n = n * 10 + (size_t)(in.text[at++] - '0');
	if (at >= in.len || in.text[at] != ' ' || n >= sizeof(out) ||
	    in.len - at - 1 < n)
		return "";
	memcpy(out, in.text + at + 1, n);
	out[n] = '\0';
	in.at = at + 1 + n;
	return out;
}

/* Messages "... n=I" from *next on, without a gap. Stops at another one. */
static void
check_numbered(const char *name, size_t *next)
{
	const char *text, *n;
	size_t at;

	for (at = in.at; *(text = next_message()) != '\0'; at = in.at) {
		n = strstr(text, " n=");
		if (n == NULL) {
			in.at = at;
			return;
		}
		if (strncmp(text, "<22>1 ", 6) != 0 ||
		    (size_t)atol(n + 3) != *next) {
			T_STR(name, text, "the next line");
			return;
		}
		++*next;
	}
}

static void
put_numbered(size_t n)
{
	struct logline l;

	log_begin(&l, LOG_LABEL_INFO, NULL, "line");
	log_z(&l, "filler", "0123456789012345678901234567890123456789");
	log_int(&l, "n", (int64_t)n);
	log_end(&l);
}

static void
test_tcp(void)
{
	int listener = listen_at(SOCK_STREAM, 0), port = target_port(), fd;

	open_log();
	log_event(LOG_LABEL_INFO, "id", "first");
	log_event(LOG_LABEL_ERROR, NULL, "second");
	fd = take(listener);
	T_OK("a connection", fd >= 0);
	drain(fd);
	T_STR("the length in front", next_message(),
	    message("<22>", "info id first"));
	T_STR("one behind the other", next_message(),
	    message("<19>", "error - second"));
	T_INT("and nothing else", in.len - in.at, 0);

	/* The daemon is started anew. */
	close(fd);
	close(listener);
	log_event(LOG_LABEL_ERROR, NULL, "while it is away");
	listener = listen_at(SOCK_STREAM, port);
	log_flush();
	T_INT("it is not looked for at once", take(listener), -1);
	fake_clock_advance(CLOCK_S);
	log_flush();
	fd = take(listener);
	drain(fd);
	T_OK("but within a second, and nothing is lost", strstr(next_message(),
	    "forepost") != NULL && strstr(in.text, "while it is away") != NULL);
	close(fd);
	close(listener);
	log_close();
}

/* A daemon that took nothing is left alone for a while. */
static void
try_again(void)
{
	fake_clock_advance(100 * CLOCK_MS);
	log_flush();
}

static void
test_blocked(void)
{
	int listener = listen_at(SOCK_STREAM, 0), small = 4096, fd, i;
	uint64_t before = log_dropped(), dropped;
	size_t next = 0, put;
	const char *text;

	setsockopt(listener, SOL_SOCKET, SO_RCVBUF, &small, sizeof(small));
	open_log();
	fd = take(listener);
	for (put = 0; log_dropped() == before && put < 200000; put++) {
		put_numbered(put);
		if (put % 50 == 0)
			log_flush();
	}
	T_OK("a daemon that does not read: lines are kept, then dropped",
	    put > 1000 && log_dropped() == before + 1);
	put_numbered(put++);
	dropped = log_dropped() - before;
	T_INT("and counted", dropped, 2);

	/* It ends in the middle: the next connection begins with a line. */
	for (i = 0; i < 3; i++) {
		drain(fd);
		try_again();
	}
	check_numbered("whole lines in their order", &next);
	T_OK("many", next > 100);
	for (i = 0; i < 5000 && next < put - dropped; i++) {
		try_again();
		drain(fd);
		check_numbered("still in their order", &next);
	}
	T_INT("in the end all that were kept", next, put - dropped);
	log_flush();
	drain(fd);
	text = next_message();
	T_OK("and how many were not",
	    strstr(text, "log lines dropped count=2") != NULL);
	log_close();
	close(fd);
	close(listener);
}

/* A connection that breaks within a line. */
static void
test_broken(void)
{
	int listener = listen_at(SOCK_STREAM, 0), small = 4096, fd, i;
	struct linger now = { 1, 0 };
	uint64_t before = log_dropped();
	size_t next = 0, first, put = 0;
	const char *n;

	setsockopt(listener, SOL_SOCKET, SO_RCVBUF, &small, sizeof(small));
	open_log();
	fd = take(listener);
	do {	/* until it is stuck, mostly in the middle of a line */
		put_numbered(put++);
		log_flush();
	} while (put < 200000 && log_dropped() == before);
	setsockopt(fd, SOL_SOCKET, SO_LINGER, &now, sizeof(now));
	close(fd);
	fake_clock_advance(CLOCK_S);
	log_flush();
	fd = take(listener);
	for (i = 0; i < 2000; i++) {
		drain(fd);
		try_again();
	}
	drain(fd);
	n = strstr(next_message(), " n=");
	T_OK("the next connection begins with a whole line", n != NULL);
	first = next = n != NULL ? (size_t)atol(n + 3) : 0;
	next++;
	check_numbered("and goes on from there", &next);
	T_INT("to the last one that was kept", next, put - 1);
	T_OK("and how many were not",
	    strstr(next_message(), "log lines dropped count=1") != NULL);
	T_OK("of which there were many", next > first + 100);
	log_close();
	close(fd);
	close(listener);
}

static void
test_fork(void)
{
	int listener = listen_at(SOCK_STREAM, 0), fd, child;
	pid_t pid;

	open_log();
	log_event(LOG_LABEL_ERROR, NULL, "parent");
	fd = take(listener);
	pid = fork();
	if (pid == 0) {
		log_event(LOG_LABEL_ERROR, NULL, "child");
		log_flush();
		_exit(0);
	}
	waitpid(pid, NULL, 0);
	drain(fd);
	T_OK("the parent's line", strstr(next_message(), "parent") != NULL);
	T_STR("its connection is its own", next_message(), "");
	child = take(listener);
	T_OK("the child has another one", child >= 0);
	T_OK("that ends with it", drain(child));
	T_OK("with its line", strstr(next_message(), "child") != NULL);
	log_close();
	close(child);
	close(fd);
	close(listener);
}

int
main(void)
{
	test_names();
	test_udp();
	test_local();
	test_tcp();
	test_blocked();
	test_broken();
	test_fork();
	return t_done();
}
