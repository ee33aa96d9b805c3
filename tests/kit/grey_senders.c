#include <stdio.h>
#include <string.h>

#include "tests/kit/grey_senders.h"

#define DAYS		28
#define RCPTS		200
#define HOUR		3600
#define DAY		86400

static const struct {
	const char	*name;
	unsigned	 mails;
	unsigned	 a_day;		/* in turn; 0: at any time */
} kinds[] = {
	[GREY_SINGLE] = { "single", 300 * DAYS / 2, 0 },
	[GREY_POOL] = { "pool", 4 * 40 * DAYS, 0 },
	[GREY_LIST] = { "list", 10 * 20 * DAYS, 200 },
	[GREY_NAMED] = { "named", 2 * 20 * DAYS, 0 },
	[GREY_NAMELESS] = { "nameless", 2 * 20 * DAYS, 0 },
	[GREY_BOT] = { "bot", 20000, 0 },
	[GREY_PUSHY] = { "pushy", 2000, 0 },
	[GREY_DOMAIN] = { "domain", 2000, 0 },
};

/* What the numbers are for; the same for the same arguments. */
enum { SALT_BORN, SALT_HOST, SALT_USER, SALT_RCPT, SALT_WAIT, SALT_IP,
    SALT_TAG, SALT_HOW };

static uint64_t
chance(const struct grey_mail *m, unsigned n, unsigned salt, uint64_t of)
{
	uint64_t x = ((uint64_t)m->kind << 56) ^ ((uint64_t)m->id << 24) ^
	    ((uint64_t)n << 8) ^ salt;

	x += UINT64_C(0x9e3779b97f4a7c15);
	x = (x ^ (x >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
	x = (x ^ (x >> 27)) * UINT64_C(0x94d049bb133111eb);
	return (x ^ (x >> 31)) % of;
}

const char *
grey_kind_name(enum grey_kind kind)
{
	return kinds[kind].name;
}

unsigned
grey_senders_count(enum grey_kind kind)
{
	return kinds[kind].mails;
}

struct grey_mail
grey_senders_mail(enum grey_kind kind, unsigned id)
{
	struct grey_mail m = { .kind = kind, .id = id };

	m.born = (int64_t)chance(&m, 0, SALT_BORN, GREY_SPAN);
	if (kinds[kind].a_day > 0)	/* a list's mail goes to all at once */
		m.born = id / kinds[kind].a_day * DAY +
		    id / 20 % 10 * HOUR + (int64_t)chance(&m, 0, SALT_BORN,
		    60);
	if (kind == GREY_DOMAIN)
		m.born = id / 100 * DAY + m.born % DAY;
	return m;
}

/* --- who sends --- */

static void
set_client(struct grey_try *t, unsigned a, unsigned b, unsigned c, unsigned d)
{
	char text[32];
	struct err err;
	int n;

	n = snprintf(text, sizeof(text), "%u.%u.%u.%u", a & 255, b & 255,
	    c & 255, d & 255);
	addr_parse_ip(span_n(text, (size_t)n), 25, &t->client, &err);
}

static void
set_rcpt(struct grey_try *t, uint64_t n)
{
	snprintf(t->to, sizeof(t->to), "rcpt%u@here.example", (unsigned)n);
}

static void
single(const struct grey_mail *m, struct grey_try *t)
{
	unsigned host = m->id % 300;
	unsigned user = (unsigned)chance(m, 0, SALT_USER, 2);

	set_client(t, 198, 18 + host / 250, host % 250, 25);
	if (host % 3 != 0)
		snprintf(t->spf, sizeof(t->spf), "firm%u.example", host);
	snprintf(t->name, sizeof(t->name), "mail.firm%u.example", host);
	snprintf(t->from, sizeof(t->from), "clerk%c@firm%u.example",
	    'a' + (int)user, host);
	set_rcpt(t, (host * 7 + user + chance(m, 0, SALT_RCPT, 2)) % RCPTS);
}

/* 10 /24 in each of 5 /19, or 2 in each of 10. */
static void
from_pool(const struct grey_mail *m, unsigned n, struct grey_try *t,
    unsigned base, unsigned networks)
{
	unsigned host = (unsigned)chance(m, n, SALT_HOST, networks);
	unsigned wide = networks == 50 ? 5 : 10;

	set_client(t, 100, base + host % wide / 5, host % wide % 5 * 32 +
	    host / wide, 20 + host);
}

static void
pool(const struct grey_mail *m, unsigned n, struct grey_try *t)
{
	unsigned provider = m->id % 4;

	from_pool(m, n, t, 10 + provider * 2, 50);
	snprintf(t->spf, sizeof(t->spf), "provider%c.example",
	    'a' + (int)provider);
	snprintf(t->from, sizeof(t->from), "user%u@%s",
	    (unsigned)chance(m, 0, SALT_USER, 2000), t->spf);
	set_rcpt(t, chance(m, 0, SALT_RCPT, RCPTS));
}

static void
list(const struct grey_mail *m, unsigned n, struct grey_try *t)
{
	unsigned which = m->id / 20 % 10, day = m->id / 200;
	unsigned host = (unsigned)chance(m, n, SALT_HOST, 8);

	set_client(t, 100, 40 + which, host % 2, 10 + host);
	snprintf(t->spf, sizeof(t->spf), "bounce.lists%c.example",
	    'a' + (int)which);
	set_rcpt(t, which * 20 + m->id % 20);
	snprintf(t->from, sizeof(t->from),
	    "news-return-%u-rcpt%u=here.example@%s", 1000 + day * 7,
	    which * 20 + m->id % 20, t->spf);
	if (which % 2 != 0)		/* the other half of the world */
		snprintf(t->from, sizeof(t->from),
		    "0100018c%08x-%08x-%04x-0000@%s",
		    (unsigned)chance(m, 0, SALT_TAG, UINT32_MAX),
		    (unsigned)chance(m, 1, SALT_TAG, UINT32_MAX),
		    (unsigned)chance(m, 2, SALT_TAG, 65536), t->spf);
	snprintf(t->content, sizeof(t->content), "list %u %u", which, day);
}

static void
service(const struct grey_mail *m, unsigned n, struct grey_try *t)
{
	unsigned which = m->id % 2 + (m->kind == GREY_NAMED ? 0 : 2);

	from_pool(m, n, t, 60 + which * 4, 20);
	if (m->kind == GREY_NAMED)
		snprintf(t->name, sizeof(t->name),
		    "out%u.mail.service%u.example",
		    (unsigned)chance(m, n, SALT_HOST, 20) + 100, which);
	snprintf(t->from, sizeof(t->from), "agent%u@service%u.example",
	    (unsigned)chance(m, 0, SALT_USER, 100), which);
	set_rcpt(t, chance(m, 0, SALT_RCPT, RCPTS));
}

static void
bot(const struct grey_mail *m, struct grey_try *t)
{
	unsigned ip = (unsigned)chance(m, 0, SALT_IP, UINT32_MAX);

	set_client(t, 20 + (ip >> 24) % 60, ip >> 16, ip >> 8, ip);
	if (chance(m, 0, SALT_HOW, 4) != 0)
		snprintf(t->name, sizeof(t->name),
		    "dyn-%u-%u-%u.isp%u.example", ip >> 16 & 255,
		    ip >> 8 & 255, ip & 255, ip % 5);
	set_rcpt(t, chance(m, 0, SALT_RCPT, RCPTS));
	snprintf(t->from, sizeof(t->from), "%c%u@made-up%u.example",
	    'a' + (int)(ip % 26), (unsigned)chance(m, 0, SALT_USER, 10000),
	    (unsigned)chance(m, 1, SALT_USER, 10000));
	if (m->kind != GREY_DOMAIN)
		return;
	snprintf(t->spf, sizeof(t->spf), "offers%u.example", m->id / 100);
	snprintf(t->from, sizeof(t->from), "sale@%s", t->spf);
}

void
grey_senders_try(const struct grey_mail *m, unsigned n, struct grey_try *t)
{
	memset(t, 0, sizeof(*t));
	snprintf(t->content, sizeof(t->content), "%u %u", m->kind, m->id);
	switch (m->kind) {
	case GREY_SINGLE:
		single(m, t);
		break;
	case GREY_POOL:
		pool(m, n, t);
		break;
	case GREY_LIST:
		list(m, n, t);
		break;
	case GREY_NAMED:
	case GREY_NAMELESS:
		service(m, n, t);
		break;
	default:
		bot(m, t);
		break;
	}
}

/* --- when they try again --- */

/* Each doubles the last one, by chance a quarter more or less. */
static int64_t
doubling(const struct grey_mail *m, unsigned n, int64_t first, int64_t most)
{
	int64_t wait = first << (n < 10 ? n : 10);

	if (wait > most)
		wait = most;
	return wait * (75 + (int64_t)chance(m, n, SALT_WAIT, 51)) / 100;
}

int64_t
grey_senders_wait(const struct grey_mail *m, unsigned n, int64_t age)
{
	static const int64_t pushy[] = { 30, 60, 150 };
	int64_t wait;

	switch (m->kind) {
	case GREY_SINGLE:
		/* As long as it is old, 300 to 4000, at the next of the runs
		 * that come each 300. */
		wait = age < 300 ? 300 : age > 4000 ? 4000 : age;
		return age > 5 * DAY ? -1 :
		    wait + (int64_t)chance(m, n, SALT_WAIT, 300);
	case GREY_LIST:
		/* Each quarter of an hour for two, then slower and slower. */
		if (age > 4 * DAY)
			return -1;
		return n < 8 ? 900 : doubling(m, n - 8, HOUR, 6 * HOUR);
	case GREY_POOL:
	case GREY_NAMED:
	case GREY_NAMELESS:
		return age > 2 * DAY ? -1 : doubling(m, n, 600, 4 * HOUR);
	case GREY_PUSHY:
		return n < 3 ? pushy[n] : -1;
	default:
		return -1;
	}
}
