#include <sys/mman.h>
#include <sys/wait.h>

#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/addr.h"
#include "gateway/crowd.h"
#include "tests/kit/crowds.h"
#include "tests/kit/t.h"

/* --- processes that do as they are told --- */

enum { WORKERS = 5, SEATED = 40 };

/* A worker that does what it is told: -1: `client` comes, sits at the first
 * free of its seats and says which that is; else who sits there leaves. */
struct order {
	int		 leaves;
	struct addr	 client;
};

struct hand {
	pid_t		 pid;
	size_t		 share;
	int		 in, out;
};

static _Noreturn void
obey(struct crowd *c, int in, int out)
{
	struct crowd_place places[SEATED];
	bool used[SEATED] = {0};
	struct order o;

	while (read(in, &o, sizeof(o)) == sizeof(o)) {
		int n = o.leaves;

		if (n >= 0)
			crowd_leave(&places[n]);
		else {
			for (n = 0; used[n]; n++)
				continue;
			crowd_enter(c, &o.client, &places[n]);
		}
		used[n] = o.leaves < 0;
		if (write(out, &n, sizeof(n)) != sizeof(n))
			break;
	}
	_exit(0);
}

static struct hand
hire(struct crowd *c, size_t share)
{
	struct hand h = { .share = share };
	int to[2], from[2];

	if (pipe(to) < 0 || pipe(from) < 0)
		abort();
	crowd_begin_share(c, share);
	fflush(stdout);
	h.pid = fork();
	if (h.pid == 0) {
		close(to[1]);
		close(from[0]);
		crowd_use_share(c, share);
		obey(c, to[0], from[1]);
	}
	close(to[0]);
	close(from[1]);
	h.in = to[1];
	h.out = from[0];
	return h;
}

static int
tell(const struct hand *h, int leaves, const struct addr *client)
{
	struct order o = { .leaves = leaves };
	int n;

	if (client != NULL)
		o.client = *client;
	if (write(h->in, &o, sizeof(o)) != sizeof(o) ||
	    read(h->out, &n, sizeof(n)) != sizeof(n))
		abort();
	return n;
}

static void
kill_it(const struct hand *h)
{
	kill(h->pid, SIGKILL);
	waitpid(h->pid, NULL, 0);
	close(h->in);
	close(h->out);
}

static void
test_processes(void)
{
	const struct addr a = crowds_address("192.0.2.1:1");
	const struct addr b = crowds_address("192.0.2.2:1");
	struct crowd *c = crowds_table(SEATED, 300);
	struct hand first = hire(c, 0), second = hire(c, 7), last;

	tell(&first, -1, &a);
	tell(&first, -1, &b);
	tell(&second, -1, &a);
	T_STR("what is with several adds up", crowds_counts(c, &a), "2 3 3");
	last = hire(c, 299);	/* the old ones drain */
	T_STR("it stays when a new one begins", crowds_counts(c, &a), "2 3 3");
	tell(&last, -1, &b);
	T_STR("which counts with them", crowds_counts(c, &b), "2 4 4");
	kill_it(&first);
	T_STR("a killed one counts until it is buried", crowds_counts(c, &b),
	    "2 4 4");
	crowd_end_share(c, 0);
	T_STR("and then no more", crowds_counts(c, &b), "1 2 2");
	first = hire(c, 0);
	T_STR("its share begins empty", crowds_counts(c, &b), "1 2 2");
	tell(&first, -1, &b);
	T_STR("and is used again", crowds_counts(c, &b), "2 3 3");
	tell(&first, 0, NULL);
	tell(&second, 0, NULL);
	tell(&last, 0, NULL);
	T_STR("all left", crowds_counts(c, &b), "0 0 0");
	kill_it(&first);
	kill_it(&second);
	kill_it(&last);
	crowd_destroy(&c);
}

/* --- beside a plain list of who is in --- */

struct model {
	struct hand	 hand;
	bool		 used[SEATED];
	struct addr	 clients[SEATED];
	int		 n;
};

/* Few addresses, so that they meet at each width; as many unix. */
static struct addr
one_of_few(void)
{
	static const char *const forms[] = { "10.0.%u.%u:25",
	    "[2001:db8:%u:%u::1]:25", "[::ffff:10.0.%u.%u]:25",
	    "unix:/run/%u%u" };
	char text[ADDR_TEXT];
	uint64_t r = crowds_draw();

	snprintf(text, sizeof(text), forms[r % 4], (unsigned)(r >> 8) % 3,
	    (unsigned)(r >> 16) % 3);
	return crowds_address(text);
}

static bool
share_bits(const struct addr *a, const struct addr *b, unsigned v4, unsigned v6)
{
	struct network n = {0};

	if (a->len == 0 || addr_is_unix(a))
		return false;
	n.family = a->u.sa.sa_family;
	n.bits = n.family == AF_INET ? v4 : v6;
	if (n.family == AF_INET)
		memcpy(n.ip, &a->u.in.sin_addr, 4);
	else
		memcpy(n.ip, &a->u.in6.sin6_addr, 16);
	return network_has(&n, b);
}

static const char *
counts_by_list(const struct model *models, const struct addr *a)
{
	static char text[80];
	int client = 0, network = 0, site = 0;

	for (int w = 0; w < WORKERS; w++) {
		for (int i = 0; i < SEATED; i++) {
			const struct addr *b = &models[w].clients[i];

			if (!models[w].used[i])
				continue;
			client += share_bits(a, b, 32, 64);
			network += share_bits(a, b, 24, 64);
			site += share_bits(a, b, 24, 48);
		}
	}
	snprintf(text, sizeof(text), "%d %d %d", client, network, site);
	return text;
}

static void
move_one(struct model *m)
{
	struct addr a = one_of_few();
	int n = (int)(crowds_draw() % SEATED);

	if (m->used[n]) {
		tell(&m->hand, n, NULL);
		m->used[n] = false;
		m->n--;
	} else if (m->n < SEATED) {
		n = tell(&m->hand, -1, &a);
		m->used[n] = true;
		m->clients[n] = a;
		m->n++;
	}
}

static void
replace(struct crowd *c, struct model *m)
{
	size_t share = m->hand.share;

	kill_it(&m->hand);
	crowd_end_share(c, share);
	memset(m, 0, sizeof(*m));
	m->hand = hire(c, share);
}

static void
test_model(void)
{
	static struct model models[WORKERS];
	struct crowd *c = crowds_table(SEATED, 70);
	int64_t wrong = 0, most = 0, kills = 0;

	for (size_t i = 0; i < WORKERS; i++)
		models[i].hand = hire(c, i * 17);
	for (int step = 0; step < 20000; step++) {
		struct model *m = &models[crowds_draw() % WORKERS];
		struct addr a = one_of_few();
		struct crowd_counts now;

		if (crowds_draw() % 500 == 0) {
			replace(c, m);
			kills++;
		} else
			move_one(m);
		crowd_count(c, &a, &now);
		if (now.site > (uint64_t)most)
			most = (int64_t)now.site;
		wrong += strcmp(crowds_counts(c, &a),
		    counts_by_list(models, &a)) != 0;
	}
	T_INT("after each of 20,000 steps", wrong, 0);
	T_OK("with many together", most > 20);
	T_OK("and workers killed among them", kills > 20);
	for (int i = 0; i < WORKERS; i++)
		kill_it(&models[i].hand);
	crowd_destroy(&c);
}

/* --- all at once --- */

enum { LIMIT = 2, RUSHING = 4, RUSHES = 100000 };

struct rush {
	int	present, admitted, over;
};

static _Noreturn void
rush(struct crowd *c, size_t share, struct rush *r)
{
	const struct addr a = crowds_address("192.0.2.1:1");
	struct crowd_counts n;
	struct crowd_place place;
	int now;

	crowd_use_share(c, share);
	for (int i = 0; i < RUSHES; i++) {
		crowd_enter(c, &a, &place);
		crowd_count(c, &a, &n);
		if (n.client <= LIMIT) {
			now = __atomic_add_fetch(&r->present, 1,
			    __ATOMIC_SEQ_CST);
			if (now > LIMIT)
				__atomic_add_fetch(&r->over, 1,
				    __ATOMIC_SEQ_CST);
			__atomic_add_fetch(&r->admitted, 1, __ATOMIC_SEQ_CST);
			__atomic_sub_fetch(&r->present, 1, __ATOMIC_SEQ_CST);
		}
		crowd_leave(&place);
	}
	_exit(0);
}

/* Nobody waits for anybody, and the limit is kept. */
static void
test_rush(void)
{
	struct rush *r = mmap(NULL, sizeof(*r), PROT_READ | PROT_WRITE,
	    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	const struct addr a = crowds_address("192.0.2.1:1");
	struct crowd *c = crowds_table(10, RUSHING);
	int status, bad = 0;

	if (r == MAP_FAILED)
		abort();
	fflush(stdout);
	for (size_t i = 0; i < RUSHING; i++) {
		crowd_begin_share(c, i);
		if (fork() == 0)
			rush(c, i, r);
	}
	for (int i = 0; i < RUSHING; i++) {
		wait(&status);
		bad += status != 0;
	}
	T_INT("all ended well", bad, 0);
	T_INT("never beyond the limit", r->over, 0);
	T_OK("and they are let in", r->admitted > 0);
	T_STR("nothing is left of them", crowds_counts(c, &a), "0 0 0");
	munmap(r, sizeof(*r));
	crowd_destroy(&c);
}

int
main(void)
{
	test_processes();
	test_model();
	test_rush();
	return t_done();
}
