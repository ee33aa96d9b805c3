/*
 * crowd -- what it costs to count a session with those of its network
 *
 *	crowd [-n SESSIONS] [-s SHARES]
 *
 *	-n N	sessions that are open in each share (default 20,000), of
 *		clients all over IPv4 and IPv6
 *	-s N	shares: the workers that are alive (default 1)
 *
 * One line: nanoseconds to enter and leave, to count, the octets that are
 * resident for each share then, and how many neighbours were counted. One process plays all workers, so nothing
 * is said of caches that pull at a line; each is written by one worker alone.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "gateway/crowd.h"
#include "tests/bench/measure.h"

#define CLIENTS		4096		/* that come and go, and are asked */
#define TIMES		100

static void
make_client(struct addr *a)
{
	unsigned char ip[16];

	for (size_t i = 0; i < sizeof(ip); i++)
		ip[i] = (unsigned char)dice(256);
	*a = (struct addr){0};
	if (dice(4) > 0) {
		a->len = sizeof(a->u.in);
		a->u.in.sin_family = AF_INET;
		memcpy(&a->u.in.sin_addr, ip, 4);
	} else {
		a->len = sizeof(a->u.in6);
		a->u.in6.sin6_family = AF_INET6;
		memcpy(&a->u.in6.sin6_addr, ip, 16);
	}
}

static void
fill(struct crowd *c, size_t shares, size_t sessions)
{
	struct crowd_place place;
	struct addr a;

	for (size_t s = 0; s < shares; s++) {
		crowd_begin_share(c, s);
		crowd_use_share(c, s);
		for (size_t i = 0; i < sessions; i++) {
			make_client(&a);
			crowd_enter(c, &a, &place);
		}
	}
}

static long
resident(void)
{
	FILE *f = fopen("/proc/self/statm", "re");
	long pages = 0;

	if (f == NULL || fscanf(f, "%*d %ld", &pages) != 1) {
		perror("/proc/self/statm");
		exit(111);
	}
	fclose(f);
	return pages * sysconf(_SC_PAGESIZE);
}

static double
time_visits(struct crowd *c, const struct addr *clients)
{
	struct crowd_place place;
	double began = now();

	for (int t = 0; t < TIMES; t++)
		for (size_t i = 0; i < CLIENTS; i++) {
			crowd_enter(c, &clients[i], &place);
			crowd_leave(&place);
		}
	return (now() - began) / TIMES / CLIENTS * 1e9;
}

static double
time_counts(const struct crowd *c, const struct addr *clients, uint64_t *sum)
{
	struct crowd_counts counts;
	double began = now();

	for (int t = 0; t < TIMES; t++)
		for (size_t i = 0; i < CLIENTS; i++) {
			crowd_count(c, &clients[i], &counts);
			*sum += counts.site;
		}
	return (now() - began) / TIMES / CLIENTS * 1e9;
}

static size_t
number(const char *text, size_t most)
{
	char *end;
	unsigned long n = strtoul(text, &end, 10);

	if (*text == '\0' || *end != '\0' || n == 0 || n > most) {
		fprintf(stderr, "crowd: \"%s\": expected 1 to %zu\n", text,
		    most);
		exit(100);
	}
	return n;
}

int
main(int argc, char **argv)
{
	static struct addr clients[CLIENTS];
	size_t sessions = 20000, shares = 1;
	double visit, count;
	uint64_t sum = 0;
	struct crowd *c;
	struct err err;
	long before;
	int option;

	while ((option = getopt(argc, argv, "n:s:")) != -1) {
		if (option == 'n')
			sessions = number(optarg, 1000000);
		else if (option == 's')
			shares = number(optarg, 256);
		else
			return 100;
	}
	c = crowd_create(sessions, shares, &err);
	if (c == NULL) {
		fprintf(stderr, "crowd: %s\n", err.text);
		return 111;
	}
	before = resident();
	fill(c, shares, sessions);
	for (size_t i = 0; i < CLIENTS; i++)
		make_client(&clients[i]);
	visit = time_visits(c, clients);
	count = time_counts(c, clients, &sum);
	printf("shares=%zu sessions=%zu visit_ns=%.0f count_ns=%.0f "
	    "octets=%ld met=%" PRIu64 "\n", shares, sessions, visit, count,
	    (resident() - before) / (long)shares, sum);
	crowd_destroy(&c);
	return 0;
}
