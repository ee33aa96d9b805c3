#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "tests/bench/net.h"

void
net_die(const char *what)
{
	fprintf(stderr, "%s: %s\n", what, strerror(errno));
	exit(111);
}

struct sockaddr_in
net_address(const char *text)
{
	struct sockaddr_in a = { .sin_family = AF_INET };
	const char *colon = strrchr(text, ':');
	char host[64] = "";

	if (colon != NULL && (size_t)(colon - text) < sizeof host) {
		memcpy(host, text, (size_t)(colon - text));
		a.sin_port = htons((uint16_t)atoi(colon + 1));
	}
	if (a.sin_port == 0 || inet_pton(AF_INET, host, &a.sin_addr) != 1 ||
	    ntohl(a.sin_addr.s_addr) >> 24 != 127) {
		fprintf(stderr, "%s: expected 127.0.0.1:PORT\n", text);
		exit(100);
	}
	return a;
}

int
net_listen(const struct sockaddr_in *address)
{
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
	int on = 1;

	if (fd < 0)
		net_die("socket");
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
	setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &on, sizeof on);
	if (bind(fd, (const struct sockaddr *)address, sizeof *address) < 0)
		net_die("bind");
	if (listen(fd, 4096) < 0)
		net_die("listen");
	return fd;
}

int
net_connect(const struct sockaddr_in *to, unsigned from, bool blocking)
{
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
	int on = 1;

	if (fd < 0)
		net_die("socket");
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
	if (blocking)
		fcntl(fd, F_SETFL, 0);
	if (from != 0) {
		struct sockaddr_in source = {
			.sin_family = AF_INET,
			.sin_addr.s_addr = htonl(0x7f000001 | from << 8),
		};

		setsockopt(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &on,
		    sizeof on);
		if (bind(fd, (struct sockaddr *)&source, sizeof source) < 0)
			net_die("bind source");
	}
	if (connect(fd, (const struct sockaddr *)to, sizeof *to) < 0 &&
	    errno != EINPROGRESS) {
		int saved = errno;

		close(fd);
		errno = saved;
		return -1;
	}
	return fd;
}

void
net_want_descriptors(unsigned long need)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) < 0)
		net_die("getrlimit");
	if (limit.rlim_max < need) {
		struct rlimit more = { need, need };

		/* Root may; others keep what they have. */
		if (setrlimit(RLIMIT_NOFILE, &more) == 0)
			return;
	}
	limit.rlim_cur = limit.rlim_max;
	if (setrlimit(RLIMIT_NOFILE, &limit) < 0)
		net_die("setrlimit");
	if (limit.rlim_max < need) {
		fprintf(stderr, "%lu descriptors are needed, %llu allowed\n",
		    need, (unsigned long long)limit.rlim_max);
		exit(111);
	}
}

int64_t
net_now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * INT64_C(1000000) + t.tv_nsec / 1000;
}

int64_t
net_cpu(void)
{
	struct rusage r;

	getrusage(RUSAGE_SELF, &r);
	return (r.ru_utime.tv_sec + r.ru_stime.tv_sec) * INT64_C(1000000) +
	    r.ru_utime.tv_usec + r.ru_stime.tv_usec;
}
