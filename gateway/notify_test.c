#include <sys/socket.h>
#include <sys/un.h>

#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/err.h"
#include "gateway/notify.h"
#include "tests/kit/t.h"

/* A service manager that listens in the abstract space. */
static int
manager_open(const char *name)
{
	struct sockaddr_un un = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK, 0);

	memcpy(un.sun_path + 1, name, strlen(name));
	if (bind(fd, (struct sockaddr *)&un,
	    offsetof(struct sockaddr_un, sun_path) + 1 + strlen(name)) < 0) {
		perror("bind");
		exit(1);
	}
	return fd;
}

static const char *
heard(int fd)
{
	static char text[512];
	ssize_t n = recv(fd, text, sizeof(text) - 1, 0);

	text[n < 0 ? 0 : n] = '\0';
	return text;
}

static void
test_messages(void)
{
	struct err err;
	char name[64], env[80];
	int fd;

	snprintf(name, sizeof(name), "forepost-notify-test-%d", getpid());
	snprintf(env, sizeof(env), "@%s", name);
	fd = manager_open(name);
	setenv("NOTIFY_SOCKET", env, 1);
	T_INT("open", notify_open(&err), 0);
	T_OK("children are not told the socket",
	    getenv("NOTIFY_SOCKET") == NULL);
	notify_ready("2 workers");
	T_STR("ready", heard(fd), "READY=1\nSTATUS=2 workers");
	notify_reloading();
	T_OK("reloading carries the time", strncmp(heard(fd),
	    "RELOADING=1\nMONOTONIC_USEC=", 27) == 0);
	notify_stopping();
	T_STR("stopping", heard(fd), "STOPPING=1");
	notify_alive();
	T_STR("alive", heard(fd), "WATCHDOG=1");
	notify_status("all is well");
	T_STR("status", heard(fd), "STATUS=all is well");
	close(fd);
	notify_alive();		/* nobody listens: no harm */
	notify_close();
}

static void
test_bad_address(void)
{
	struct err err;

	setenv("NOTIFY_SOCKET", "relative/path", 1);
	T_INT("neither path nor @name", notify_open(&err), -1);
	T_STR("says what was found", err.text,
	    "NOTIFY_SOCKET \"relative/path\": expected a path or @name");
	unsetenv("NOTIFY_SOCKET");
	T_INT("no manager is no error", notify_open(&err), 0);
	notify_alive();
	notify_close();
}

static void
test_watchdog(void)
{
	char own[32];
	const struct {
		const char *name, *usec, *pid;
		int64_t want;
	} cases[] = {
		{ "not asked for", NULL, NULL, 0 },
		{ "asked for", "30000000", NULL, 30000000 },
		{ "asked of us", "5000000", own, 5000000 },
		{ "asked of another", "5000000", "1", 0 },
		{ "not a number", "soon", NULL, 0 },
	};
	struct err err;

	snprintf(own, sizeof(own), "%d", getpid());
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		if (cases[i].usec != NULL)
			setenv("WATCHDOG_USEC", cases[i].usec, 1);
		if (cases[i].pid != NULL)
			setenv("WATCHDOG_PID", cases[i].pid, 1);
		notify_open(&err);
		T_INT(cases[i].name, notify_watchdog(), cases[i].want);
		notify_close();
	}
}

int
main(void)
{
	test_messages();
	test_bad_address();
	test_watchdog();
	return t_done();
}
