#include <sys/socket.h>
#include <sys/stat.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/addr.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/span.h"
#include "conf/settings.h"
#include "gateway/sockets.h"
#include "tests/kit/t.h"

/* Settings with one listener "in" of up to four addresses. */
struct fixture {
	struct settings		 settings;
	struct listener_conf	 listener;
	struct addr		 addresses[4];
	const char		*systemd[4];
};

static void
fixture_listen(struct fixture *f, const char *const *texts)
{
	struct err err;

	*f = (struct fixture){0};
	f->listener.name = "in";
	f->listener.addresses = f->addresses;
	f->listener.systemd.list = f->systemd;
	f->settings.listeners = &f->listener;
	f->settings.nlisteners = 1;
	for (; *texts != NULL; texts++) {
		if (strncmp(*texts, "systemd:", 8) == 0)
			f->systemd[f->listener.systemd.n++] = *texts + 8;
		else if (addr_parse(span_z(*texts),
		    &f->addresses[f->listener.naddresses++], &err) < 0)
			T_STR(*texts, err.text, "an address");
	}
}
#define LISTEN(f, ...) \
	fixture_listen((f), (const char *const[]){ __VA_ARGS__, NULL })

static struct addr
where(const struct sockets *set)
{
	struct buf text = {0};
	struct addr a = {0};
	struct err err;
	struct span all;

	sockets_text(set, &text);
	all = buf_text(&text);
	if (addr_parse(span_until(&all, ' '), &a, &err) < 0)
		T_STR("bound address", err.text, "");
	buf_free(&text);
	return a;
}

/* 0 or the errno of a connection to it. */
static int
try_connect(const struct addr *a)
{
	int fd = socket(a->u.sa.sa_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
	int e = connect(fd, &a->u.sa, a->len) == 0 ? 0 : errno;

	close(fd);
	return e;
}

/* How many sockets worker `index` has, and how many of `tries` connections
 * wait in them. */
static size_t
waiting(const struct sockets *set, const struct fixture *f, size_t index,
    size_t workers, size_t *nsockets)
{
	struct socket_use *list;
	size_t count = 0;
	int fd;

	*nsockets = sockets_of_worker(set, &f->settings, index, workers,
	    &list);
	for (size_t i = 0; i < *nsockets; i++) {
		while ((fd = accept4(list[i].fd, NULL, NULL,
		    SOCK_CLOEXEC)) >= 0) {
			close(fd);
			count++;
		}
	}
	free(list);
	return count;
}

static void
must(const char *name, int ret, const struct err *err)
{
	T_STR(name, ret == 0 ? "" : err->text, "");
}

static void
test_slots(void)
{
	struct sockets *set = sockets_create();
	struct fixture f;
	struct err err = {0};
	struct addr at;
	size_t sum = 0, n, total = 0;
	int fds[40];

	LISTEN(&f, "127.0.0.1:0");
	must("prepare", sockets_prepare(set, &f.settings, 2, &err), &err);
	at = where(set);
	T_OK("a port was given", addr_port(&at) != 0);
	T_INT("nobody listens before the commit", try_connect(&at),
	    ECONNREFUSED);
	must("commit", sockets_commit(set, &err), &err);
	T_INT("then they do", try_connect(&at), 0);
	waiting(set, &f, 0, 2, &n);
	T_INT("one socket a worker", n, 1);
	waiting(set, &f, 1, 2, &n);

	must("more workers", sockets_prepare(set, &f.settings, 4, &err),
	    &err);
	must("commit of these", sockets_commit(set, &err), &err);
	for (int i = 0; i < 40; i++) {
		fds[i] = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
		T_INT("connect", connect(fds[i], &at.u.sa, at.len), 0);
	}
	must("fewer workers", sockets_prepare(set, &f.settings, 3, &err),
	    &err);
	must("commit of fewer", sockets_commit(set, &err), &err);
	for (size_t i = 0; i < 3; i++) {
		sum += waiting(set, &f, i, 3, &n);
		total += n;
	}
	T_INT("the sockets of former slots are taken over", total, 4);
	T_INT("with all who wait there", sum, 40);
	for (int i = 0; i < 40; i++)
		close(fds[i]);
	sockets_destroy(&set, true);
	T_INT("nobody listens in the end", try_connect(&at), ECONNREFUSED);
}

static void
test_reload(void)
{
	static struct fixture f, g;	/* large */
	struct sockets *set = sockets_create();
	struct err err = {0};
	struct addr old, unwanted;
	char path[64], both[80];

	snprintf(path, sizeof(path), "/tmp/forepost-sockets-%d", getpid());
	snprintf(both, sizeof(both), "unix:%s", path);
	LISTEN(&f, "127.0.0.1:0");
	must("first", sockets_prepare(set, &f.settings, 1, &err), &err);
	must("first commit", sockets_commit(set, &err), &err);
	old = where(set);

	LISTEN(&g, both);
	must("other settings", sockets_prepare(set, &g.settings, 1, &err),
	    &err);
	sockets_rollback(set);
	T_INT("rolled back: the old one listens", try_connect(&old), 0);
	T_OK("rolled back: nothing is left", access(path, F_OK) < 0);

	must("again", sockets_prepare(set, &g.settings, 1, &err), &err);
	must("now for good", sockets_commit(set, &err), &err);
	T_INT("the old one is gone", try_connect(&old), ECONNREFUSED);
	unwanted = where(set);
	T_INT("the new one listens", try_connect(&unwanted), 0);
	sockets_destroy(&set, false);
	T_OK("a worker leaves the file", access(path, F_OK) == 0);
	set = sockets_create();
	must("a left-over file is replaced",
	    sockets_prepare(set, &g.settings, 1, &err), &err);
	must("and listened at", sockets_commit(set, &err), &err);
	T_INT("and answers", try_connect(&unwanted), 0);
	sockets_destroy(&set, true);
	T_OK("the owner removes the file", access(path, F_OK) < 0);
}

static void
test_unix_mode(void)
{
	struct sockets *set = sockets_create();
	struct fixture f;
	struct err err = {0};
	struct stat st = {0};
	char path[64], text[80];

	snprintf(path, sizeof(path), "/tmp/forepost-sockets-%d", getpid());
	snprintf(text, sizeof(text), "unix:%s", path);
	LISTEN(&f, text);
	must("unix", sockets_prepare(set, &f.settings, 3, &err), &err);
	T_INT("exists", stat(path, &st), 0);
	T_INT("open to everybody", st.st_mode & 0777, 0666);
	must("unix commit", sockets_commit(set, &err), &err);
	for (size_t i = 0; i < 3; i++) {
		struct socket_use *list;

		T_INT("shared by all workers",
		    sockets_of_worker(set, &f.settings, i, 3, &list), 1);
		free(list);
	}
	sockets_destroy(&set, true);
}

/* Somebody else's socket that listens. */
static int
stranger(struct addr *a, bool reuseport)
{
	const int on = 1;
	socklen_t len = sizeof(a->u);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	*a = (struct addr){ .len = sizeof(a->u.in) };
	a->u.in.sin_family = AF_INET;
	a->u.in.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	if (reuseport)
		setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &on, sizeof(on));
	if (bind(fd, &a->u.sa, a->len) < 0 || listen(fd, 5) < 0)
		T_OK("stranger listens", false);
	getsockname(fd, &a->u.sa, &len);
	return fd;
}

static void
test_in_use(void)
{
	for (int reuseport = 0; reuseport < 2; reuseport++) {
		struct sockets *set = sockets_create();
		char text[ADDR_TEXT], want[240];
		struct err err = {0};
		struct fixture f;
		struct addr a;
		int fd = stranger(&a, reuseport);

		LISTEN(&f, addr_text(&a, text));
		T_INT(reuseport ? "in use by a gateway like us" : "in use",
		    sockets_prepare(set, &f.settings, 2, &err), -1);
		snprintf(want, sizeof(want), "listener in: cannot listen on "
		    "%s: Address already in use (another server listens "
		    "there)", text);
		T_STR("says where", err.text, want);
		close(fd);
		must("free again", sockets_prepare(set, &f.settings, 2, &err),
		    &err);
		sockets_destroy(&set, true);
	}
}

static void
test_families(void)
{
	struct sockets *set = sockets_create();
	struct fixture f;
	struct err err = {0};
	struct addr a;
	char six[32], four[32];
	int fd = stranger(&a, false);

	close(fd);
	snprintf(six, sizeof(six), "[::]:%d", addr_port(&a));
	snprintf(four, sizeof(four), "0.0.0.0:%d", addr_port(&a));
	LISTEN(&f, six, four);
	must("both families on one port",
	    sockets_prepare(set, &f.settings, 2, &err), &err);
	must("both listen", sockets_commit(set, &err), &err);
	LISTEN(&f, "127.0.0.1:1");
	addr_parse_ip(span_z("127.0.0.1"), addr_port(&a), &f.addresses[0],
	    &err);
	must("from all addresses to one of them",
	    sockets_prepare(set, &f.settings, 2, &err), &err);
	must("which now listens", sockets_commit(set, &err), &err);
	T_INT("alone", try_connect(&f.addresses[0]), 0);
	sockets_destroy(&set, true);
}

/* Descriptors 3 (listening) and 4 (not) are passed. */
static void
test_passed(void)
{
	struct sockets *set;
	struct buf text = {0};
	struct err err = {0};
	struct fixture f;
	struct addr a;
	char pid[16];
	int listening = stranger(&a, false);
	int idle = socket(AF_INET, SOCK_STREAM, 0);

	listening = fcntl(listening, F_DUPFD, 10);
	dup2(fcntl(idle, F_DUPFD, 10), 4);
	dup2(listening, 3);
	snprintf(pid, sizeof(pid), "%d", getpid());
	setenv("LISTEN_PID", pid, 1);
	setenv("LISTEN_FDS", "2", 1);
	setenv("LISTEN_FDNAMES", "mx:odd", 1);
	set = sockets_create();
	T_OK("children are told nothing", getenv("LISTEN_FDS") == NULL);

	LISTEN(&f, "systemd:mx");
	must("passed", sockets_prepare(set, &f.settings, 2, &err), &err);
	must("commit", sockets_commit(set, &err), &err);
	T_INT("answers", try_connect(&a), 0);
	sockets_unused(set, &text);
	T_OK("unused is told", span_is(buf_text(&text), "odd"));
	buf_free(&text);

	LISTEN(&f, "systemd:odd");
	T_INT("not listening", sockets_prepare(set, &f.settings, 2, &err),
	    -1);
	T_STR("says so", err.text, "listener in: the socket passed as "
	    "\"odd\" is not a listening stream socket");
	LISTEN(&f, "systemd:submission");
	T_INT("not passed", sockets_prepare(set, &f.settings, 2, &err), -1);
	T_STR("says what was", err.text, "listener in: no socket "
	    "\"submission\" was passed by the service manager "
	    "(passed: mx, odd)");
	sockets_close(set);
	close(listening);
	T_INT("closing spares what was passed", try_connect(&a), 0);
	sockets_destroy(&set, true);
}

int
main(void)
{
	test_passed();		/* before anything else opens these */
	test_slots();
	test_reload();
	test_unix_mode();
	test_in_use();
	test_families();
	return t_done();
}
