#include <dirent.h>
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include <arpa/inet.h>
#include <jansson.h>

#include "base/clock.h"
#include "base/dns.h"
#include "base/loop.h"

/*
 * ask -- the gateway's own resolver (base/dns.c), asked from a script
 *
 * usage: ask [--forward ADDR]... [--anchor FILE] [--deadline MS] <QUESTIONS
 *
 * Without --forward it recurses from the root. Questions are lines; each
 * answer is a JSON object on a line of its own.
 *
 *	A mail.x.example	begins a lookup; also NS, CNAME, PTR, MX, TXT,
 *				AAAA, TLSA
 *	wait			until all have ended
 *	settle			until the resolver has none under way either
 *	state			what is under way, open and allocated
 */
#define DEADLINE_MS	5000
#define SETTLE_TIME	(60 * CLOCK_S)

struct lookup {
	struct arena	*arena;
	char		 type[8];
	char		*name;
	int64_t		 patience;
	struct lookup	*next;
};

static unsigned alive;		/* lookups under way */
static struct fiber *reader;

static const struct {
	const char	*name;
	enum dns_type	 type;
} types[] = {
	{ "A", DNS_A }, { "NS", DNS_NS }, { "CNAME", DNS_CNAME },
	{ "PTR", DNS_PTR }, { "MX", DNS_MX }, { "TXT", DNS_TXT },
	{ "AAAA", DNS_AAAA }, { "TLSA", DNS_TLSA },
};

static enum dns_type
type_of(const char *name)
{
	for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++)
		if (strcmp(types[i].name, name) == 0)
			return types[i].type;
	fprintf(stderr, "ask: unknown type \"%s\"\n", name);
	exit(2);
}

static void
print(json_t *line)
{
	json_dumpf(line, stdout, JSON_COMPACT);
	putchar('\n');
	fflush(stdout);
	json_decref(line);
}

static json_t *
record_json(enum dns_type type, const struct dns_record *r)
{
	char text[INET6_ADDRSTRLEN];

	if (type == DNS_MX)
		return json_sprintf("%u %s", r->preference, r->name);
	if (r->name != NULL)
		return json_string(r->name);
	if (type == DNS_A || type == DNS_AAAA)
		return json_string(inet_ntop(type == DNS_A ? AF_INET :
		    AF_INET6, r->data.p, text, sizeof(text)));
	return json_stringn(r->data.p, r->data.len);
}

MAY_YIELD static void
look_up(void *arg)
{
	struct lookup *l = arg;
	struct arena *a = l->arena;
	enum dns_type type = type_of(l->type);
	int64_t begin = clock_now();
	json_t *records = json_array();
	struct dns_answer w;
	struct err err;

	if (dns_lookup(a, l->name, type, begin + l->patience, &w, &err) < 0) {
		fprintf(stderr, "ask: %s\n", err.text);
		exit(1);
	}
	for (size_t i = 0; i < w.n; i++)
		json_array_append_new(records, record_json(type,
		    &w.records[i]));
	print(json_pack("{ss ss ss ss* sb sI so sI}", "name", l->name,
	    "type", l->type, "outcome", dns_outcome_name(w.outcome),
	    "why", w.why, "secure", w.secure, "ttl", (json_int_t)w.ttl,
	    "records", records,
	    "ms", (json_int_t)((clock_now() - begin) / CLOCK_MS)));
	alive--;
	fiber_wake(reader);
	arena_destroy(&a);
}

static void
begin_lookup(const char *type, const char *name, int64_t patience)
{
	struct arena *a = arena_create("lookup");
	struct lookup *l = arena_new(a, struct lookup);

	l->arena = a;
	snprintf(l->type, sizeof(l->type), "%s", type);
	l->name = arena_strdup(a, name);
	l->patience = patience;
	alive++;
	fiber_spawn("lookup", look_up, l);
}

static json_int_t
open_descriptors(void)
{
	DIR *d = opendir("/proc/self/fd");
	json_int_t n = -3;	/* . and .. and the folder itself */

	while (readdir(d) != NULL)
		n++;
	closedir(d);
	return n;
}

static json_int_t
resident_octets(void)
{
	FILE *f = fopen("/proc/self/statm", "re");
	long all, resident = 0;

	if (f == NULL || fscanf(f, "%ld %ld", &all, &resident) != 2)
		resident = 0;
	if (f != NULL)
		fclose(f);
	return (json_int_t)resident * sysconf(_SC_PAGESIZE);
}

/* Apart, since what it needs of the stack is large. */
static __attribute__((noinline)) void
print_state(void)
{
	struct mallinfo2 m = mallinfo2();
	struct dns_stats s;

	dns_statistics(&s);
	print(json_pack("{sI sI sI sI sI sI sI sI sI}", "asked",
	    (json_int_t)s.asked, "cached", (json_int_t)s.cached, "failed",
	    (json_int_t)s.failed, "timeouts", (json_int_t)s.timeouts,
	    "waiting", (json_int_t)s.waiting, "given_up",
	    (json_int_t)s.given_up, "descriptors", open_descriptors(),
	    "allocated", (json_int_t)(m.uordblks + m.hblkhd),
	    "resident", resident_octets()));
}

MAY_YIELD static __attribute__((noinline)) void
settle(void)
{
	int64_t deadline = clock_now() + SETTLE_TIME;
	struct dns_stats s;
	struct err err;

	do {
		fiber_sleep(20 * CLOCK_MS, &err);
		dns_statistics(&s);
	} while (s.waiting + s.given_up > 0 && clock_now() < deadline);
}

/* Lines come from a file or a pipe that is written at once: reading them
 * holds up the loop, which matters to nobody here. */
MAY_YIELD static void
read_lines(void *arg)
{
	int64_t patience = *(int64_t *)arg;
	char line[1200], word[8], rest[1100];
	struct err err;

	while (fgets(line, sizeof(line), stdin) != NULL) {
		rest[0] = '\0';
		if (sscanf(line, "%7s %1099s", word, rest) < 1)
			continue;
		if (strcmp(word, "state") == 0)
			print_state();
		else if (strcmp(word, "settle") == 0)
			settle();
		else if (strcmp(word, "wait") != 0)
			begin_lookup(word, rest, patience);
		else while (alive > 0 && fiber_wait(CLOCK_NEVER, &err) == 0)
			;
	}
	while (alive > 0 && fiber_wait(CLOCK_NEVER, &err) == 0)
		;
	loop_stop();
}

static void
usage(void)
{
	fprintf(stderr, "usage: ask [--forward ADDR]... [--anchor FILE] "
	    "[--deadline MS]\n");
	exit(2);
}

int
main(int argc, char **argv)
{
	const char *forward[8];
	struct dns_options options = { .forward = forward };
	int64_t patience = DEADLINE_MS * CLOCK_MS;
	struct rlimit files;
	struct err err;

	for (int i = 1; i < argc; i += 2) {
		if (i + 1 == argc)
			usage();
		if (strcmp(argv[i], "--forward") == 0 && options.nforward < 8)
			forward[options.nforward++] = argv[i + 1];
		else if (strcmp(argv[i], "--anchor") == 0)
			options.trust_anchor = argv[i + 1];
		else if (strcmp(argv[i], "--deadline") == 0)
			patience = atoi(argv[i + 1]) * CLOCK_MS;
		else
			usage();
	}
	if (getrlimit(RLIMIT_NOFILE, &files) == 0) {
		files.rlim_cur = files.rlim_max;	/* a socket each */
		setrlimit(RLIMIT_NOFILE, &files);
	}
	loop_create();
	if (dns_create(&options, &err) < 0) {
		fprintf(stderr, "ask: %s\n", err.text);
		return 1;
	}
	reader = fiber_spawn("reader", read_lines, &patience);
	loop_run();
	dns_destroy();
	while (fiber_count() > 0)
		loop_turn(false);
	loop_destroy();
	return 0;
}
