#include <sys/socket.h>
#include <sys/un.h>

#include <errno.h>
#include <inttypes.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/span.h"
#include "gateway/notify.h"

static struct {
	int			fd;
	struct sockaddr_un	to;
	socklen_t		len;
	int64_t			watchdog;
} manager = { .fd = -1 };

static int64_t
env_number(const char *name)
{
	uint64_t value;

	if (span_uint(span_z(getenv(name)), INT64_MAX, &value) < 0)
		return -1;
	return (int64_t)value;
}

static void
read_watchdog(void)
{
	int64_t us = env_number("WATCHDOG_USEC");
	int64_t pid = env_number("WATCHDOG_PID");

	manager.watchdog = 0;
	if (us > 0 && (pid < 0 || pid == getpid()))
		manager.watchdog = us;
	unsetenv("WATCHDOG_USEC");
	unsetenv("WATCHDOG_PID");
}

int
notify_open(struct err *err)
{
	char path[sizeof(manager.to.sun_path)] = "";
	const char *name = getenv("NOTIFY_SOCKET");
	size_t len;

	read_watchdog();
	if (name == NULL || *name == '\0')
		return 0;
	len = strlen(name);
	if ((*name != '/' && *name != '@') || len >= sizeof(path))
		return err_set(err, ERR_CONFIG,
		    "NOTIFY_SOCKET \"%.100s\": expected a path or @name", name);
	memcpy(path, name, len);
	unsetenv("NOTIFY_SOCKET");
	manager.to = (struct sockaddr_un){ .sun_family = AF_UNIX };
	memcpy(manager.to.sun_path, path, len);
	manager.len = offsetof(struct sockaddr_un, sun_path) + len;
	if (path[0] == '@')
		manager.to.sun_path[0] = '\0';
	else
		manager.len++;		/* the NUL belongs to a path */
	manager.fd = socket(AF_UNIX,
	    SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (manager.fd < 0)
		return err_set(err, ERR_UNAVAIL, "notification socket: %s",
		    strerror(errno));
	return 0;
}

void
notify_close(void)
{
	if (manager.fd >= 0)
		close(manager.fd);
	manager.fd = -1;
}

int64_t
notify_watchdog(void)
{
	return manager.watchdog;
}

static void
notify(const char *text)
{
	if (manager.fd >= 0)
		(void)sendto(manager.fd, text, strlen(text), MSG_NOSIGNAL,
		    (const struct sockaddr *)&manager.to, manager.len);
}

void
notify_ready(const char *status)
{
	char text[256];

	snprintf(text, sizeof(text), "READY=1\nSTATUS=%s", status);
	notify(text);
}

/* The time stamp is what Type=notify-reload asks for; Type=notify lets it
 * pass. */
void
notify_reloading(void)
{
	char text[96];
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	snprintf(text, sizeof(text), "RELOADING=1\nMONOTONIC_USEC=%" PRId64,
	    now.tv_sec * CLOCK_S + now.tv_nsec / 1000);
	notify(text);
}

void
notify_stopping(void)
{
	notify("STOPPING=1");
}

void
notify_alive(void)
{
	notify("WATCHDOG=1");
}

void
notify_status(const char *status)
{
	char text[256];

	snprintf(text, sizeof(text), "STATUS=%s", status);
	notify(text);
}
