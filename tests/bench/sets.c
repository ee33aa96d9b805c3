/*
 * sets -- what large sets of a rule file cost: loading, memory, look-ups
 *
 *	sets [-n DOMAINS] [-m NETWORKS] FOLDER
 *
 *	-n N	domains in a set (default 1,000,000): half of them stand for
 *		what is below
 *	-m N	networks in a set (default 500,000): four of five are IPv4
 *
 * The sets are made up, the same each time, and written into FOLDER. A line
 * for each family: the time to read the file, octets held in the end, and
 * nanoseconds for a look-up, half of which find something. Beside it stands
 * the plain thing to do: a sorted array, with a binary search for each suffix
 * or prefix length. Exit status 1 if they do not find the same.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/arena.h"
#include "policy/set.h"
#include "tests/bench/measure.h"

#define ITEM		64
#define QUESTIONS	(1 << 17)
#define TIMES		8		/* each is asked */
#define PATH		1024

struct result {
	double	load, lookup;		/* s, ns */
	size_t	memory, found;
};

_Noreturn static void
die(const char *what)
{
	perror(what);
	exit(111);
}

static void *
memory(size_t n, size_t size)
{
	void *p = calloc(n, size);

	if (p == NULL)
		die("memory");
	return p;
}

/* --- what is asked about --- */

static void
make_domain(char *out)
{
	static const char *const tops[] = { "com", "net", "org", "info", "de",
	    "co.uk", "example", "xyz" };
	unsigned n = 5 + dice(10), i;

	for (i = 0; i < n; i++)
		out[i] = (char)('a' + dice(26));
	snprintf(out + n, ITEM - n, ".%s", tops[dice(8)]);
}

static void
make_domain_item(char *out)
{
	*out = '.';
	make_domain(out + dice(2));
}

/* A host below the domain of an item, or any. */
static void
make_host(char *out, const char *item)
{
	char domain[ITEM / 2];

	if (item == NULL)
		make_domain(domain);
	else
		snprintf(domain, sizeof(domain), "%s",
		    item + (*item == '.'));
	snprintf(out, ITEM, "%s%s", item != NULL && *item != '.' ? "" :
	    "mail.", domain);
}

static void
make_network(struct network *n)
{
	static const unsigned bits4[] = { 32, 32, 32, 24, 24, 22, 20, 29 };
	static const unsigned bits6[] = { 64, 64, 48, 128 };
	unsigned i, most;

	*n = (struct network){ .family = dice(5) > 0 ? AF_INET : AF_INET6 };
	most = n->family == AF_INET ? 32 : 128;
	n->bits = most == 32 ? bits4[dice(8)] : bits6[dice(4)];
	for (i = 0; i < most / 8; i++)
		n->ip[i] = (unsigned char)dice(256);
	if (most == 128) {
		n->ip[0] = 0x2a;
		n->ip[1] &= 0x0f;
	}
	for (i = n->bits; i < most; i++)
		n->ip[i / 8] &= (unsigned char)~(0x80 >> i % 8);
}

static void
make_network_item(char *out)
{
	char text[ADDR_TEXT];
	struct network n;

	make_network(&n);
	snprintf(out, ITEM, "%.60s", network_text(&n, text));
}

/* An address of the network of an item, or any. */
static void
make_client(char *out, const char *item)
{
	char text[ADDR_TEXT];
	struct network n;
	struct err err;
	unsigned i, most;

	if (item == NULL)
		make_network(&n);
	else
		(void)!network_parse(span_z(item), &n, &err);
	most = n.family == AF_INET ? 32 : 128;
	for (i = n.bits; i < most; i++)
		n.ip[i / 8] |= (unsigned char)(dice(2) * (0x80 >> i % 8));
	n.bits = most;
	snprintf(out, ITEM, "%.60s", network_text(&n, text));
	*strchr(out, '/') = '\0';
}

/* --- the set --- */

static void
tell(void *arg, unsigned line, unsigned column, const struct err *why)
{
	(void)arg;
	fprintf(stderr, "sets: %u:%u: %s\n", line, column, why->text);
	exit(1);
}

static struct result
measure_set(const char *path, const struct value *questions)
{
	struct arena *a = arena_create("sets");
	struct result r = { .load = now() };
	struct set *s;
	struct err err;

	if (set_read(a, path, tell, NULL, &s, &err) < 0) {
		fprintf(stderr, "sets: %s\n", err.text);
		exit(111);
	}
	r.load = now() - r.load;
	r.memory = set_bytes(s);
	r.lookup = now();
	for (int t = 0; t < TIMES; t++)
		for (size_t i = 0; i < QUESTIONS; i++)
			r.found += set_has(s, &questions[i]);
	r.lookup = (now() - r.lookup) / TIMES / QUESTIONS * 1e9;
	arena_destroy(&a);
	return r;
}

/* --- the plain thing --- */

struct plain {
	void		*list;
	size_t		 n, size;
	unsigned char	 bits[2][129];	/* prefix lengths that there are */
};

static int
order_names(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

static int
order_networks(const void *a, const void *b)
{
	const struct network *n = a, *m = b;
	int r = memcmp(n->ip, m->ip, sizeof(n->ip));

	return n->family != m->family ? n->family - m->family :
	    r != 0 ? r : (int)n->bits - (int)m->bits;
}

/* Names stay in `text`, which gets NULs for the ends of lines. */
static void
load_names(struct plain *p, char *text)
{
	char **list = p->list, *next;

	for (; *text != '\0'; text = next) {
		next = strchr(text, '\n');
		*next++ = '\0';
		list[p->n++] = text;
	}
	qsort(list, p->n, sizeof(*list), order_names);
}

static bool
has_name(const struct plain *p, const struct value *v)
{
	const char *at = v->text.p;

	if (bsearch(&at, p->list, p->n, p->size, order_names) != NULL)
		return true;
	while ((at = strchr(at + 1, '.')) != NULL)
		if (bsearch(&at, p->list, p->n, p->size, order_names) != NULL)
			return true;
	return false;
}

static void
load_networks(struct plain *p, char *text)
{
	struct network *list = p->list, *n;
	struct span rest = span_z(text);
	struct err err;

	while (rest.len > 0) {
		n = &list[p->n++];
		(void)!network_parse(span_until(&rest, '\n'), n, &err);
		p->bits[n->family == AF_INET6][n->bits] = 1;
	}
	qsort(list, p->n, sizeof(*list), order_networks);
}

static bool
has_client(const struct plain *p, const struct value *v)
{
	const struct addr *a = v->address;
	struct network n = { .family = a->u.sa.sa_family };
	bool is6 = n.family == AF_INET6;
	unsigned most = is6 ? 128 : 32;

	memcpy(n.ip, is6 ? (const void *)&a->u.in6.sin6_addr :
	    (const void *)&a->u.in.sin_addr, most / 8);
	for (n.bits = most;; n.bits--) {
		if (n.bits < most)
			n.ip[n.bits / 8] &= (unsigned char)
			    ~(0x80 >> n.bits % 8);
		if (p->bits[is6][n.bits] &&
		    bsearch(&n, p->list, p->n, p->size, order_networks))
			return true;
		if (n.bits == 0)
			return false;
	}
}

static char *
read_file(const char *path, size_t *size)
{
	FILE *f = fopen(path, "r");
	char *text;

	if (f == NULL || fseek(f, 0, SEEK_END) != 0)
		die(path);
	*size = (size_t)ftell(f);
	rewind(f);
	text = memory(*size + 1, 1);
	if (fread(text, 1, *size, f) != *size)
		die(path);
	fclose(f);
	return text;
}

static struct result
measure_plain(const char *path, size_t n, bool is_names,
    const struct value *questions)
{
	bool (*has)(const struct plain *, const struct value *) =
	    is_names ? has_name : has_client;
	struct plain p = { .size = is_names ? sizeof(char *) :
	    sizeof(struct network) };
	struct result r = { .load = now() };
	size_t size;
	char *text = read_file(path, &size);

	p.list = memory(n, p.size);
	(is_names ? load_names : load_networks)(&p, text);
	r.load = now() - r.load;
	r.memory = n * p.size + (is_names ? size : 0);
	r.lookup = now();
	for (int t = 0; t < TIMES; t++)
		for (size_t i = 0; i < QUESTIONS; i++)
			r.found += has(&p, &questions[i]);
	r.lookup = (now() - r.lookup) / TIMES / QUESTIONS * 1e9;
	free(p.list);
	free(text);
	return r;
}

/* --- both --- */

/* Half of the questions are about random items of the file. */
static struct value *
make_questions(char (*items)[ITEM], size_t n, bool is_names)
{
	struct value *questions = memory(QUESTIONS, sizeof(*questions));
	char (*texts)[ITEM] = memory(QUESTIONS, sizeof(*texts));
	struct addr *clients = memory(QUESTIONS, sizeof(*clients));
	const char *item;
	struct err err;

	for (size_t i = 0; i < QUESTIONS; i++) {
		item = dice(2) ? items[dice((unsigned)n)] : NULL;
		(is_names ? make_host : make_client)(texts[i], item);
		questions[i].type = is_names ? TYPE_NAME : TYPE_ADDRESS;
		if (is_names) {
			questions[i].text = span_z(texts[i]);
			continue;
		}
		(void)!addr_parse_ip(span_z(texts[i]), 0, &clients[i], &err);
		questions[i].address = &clients[i];
	}
	return questions;	/* until the end of the program */
}

static void
make_file(const char *path, char (*items)[ITEM], size_t n, bool is_names)
{
	FILE *f = fopen(path, "w");

	if (f == NULL)
		die(path);
	for (size_t i = 0; i < n; i++) {
		(is_names ? make_domain_item : make_network_item)(items[i]);
		fprintf(f, "%s\n", items[i]);
	}
	if (fclose(f) != 0)
		die(path);
}

static int
run(const char *folder, size_t n, bool is_names)
{
	const char *name = is_names ? "domains" : "networks";
	char (*items)[ITEM] = memory(n, sizeof(*items));
	struct value *questions;
	struct result set, plain;
	char path[PATH];

	snprintf(path, sizeof(path), "%s/%s", folder, name);
	make_file(path, items, n, is_names);
	questions = make_questions(items, n, is_names);
	free(items);
	set = measure_set(path, questions);
	plain = measure_plain(path, n, is_names, questions);
	unlink(path);
	printf("family=%s items=%zu load=%.4f memory=%zu lookup=%.1f "
	    "plain_load=%.4f plain_memory=%zu plain_lookup=%.1f found=%.3f\n",
	    name, n, set.load, set.memory, set.lookup, plain.load,
	    plain.memory, plain.lookup,
	    (double)set.found / TIMES / QUESTIONS);
	if (set.found == plain.found)
		return 0;
	fprintf(stderr, "sets: %s: the sorted array finds %zu, not %zu\n",
	    name, plain.found, set.found);
	return 1;
}

int
main(int argc, char **argv)
{
	size_t domains = 1000000, networks = 500000;
	int option, r;

	while ((option = getopt(argc, argv, "n:m:")) != -1) {
		if (option == 'n')
			domains = strtoul(optarg, NULL, 10);
		else if (option == 'm')
			networks = strtoul(optarg, NULL, 10);
		else
			return 100;
	}
	if (optind + 1 != argc || domains == 0 || networks == 0) {
		fprintf(stderr, "usage: sets [-n DOMAINS] [-m NETWORKS] "
		    "FOLDER\n");
		return 100;
	}
	r = run(argv[optind], domains, true);
	return run(argv[optind], networks, false) | r;
}
