#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/dns.h"
#include "base/loop.h"
#include "filters/spf.h"
#include "tests/kit/resolver.h"
#include "tests/kit/signed.h"
#include "tests/kit/t.h"

/*
 * A thousand SPF evaluations and a thousand DKIM verifications in one process,
 * over the resolver itself and a server whose answers come in any order: what
 * they find is what each of them finds alone.
 */
#define N		1000	/* of each kind */
#define BATCH		100	/* started in one turn of the loop */
#define DITHER		(50 * CLOCK_MS)
#define PATIENCE	(60 * CLOCK_S)	/* this machine may be busy */
#define LONG_RECORD	10000	/* octets */

/* --- SPF: the client 10.x.y.7 sends for dN.example --- */

struct shape {
	const char	*name;
	const char	*zone;		/* %d: the domain; %i: the client; %p:
					   its reverse name */
	const char	*want;		/* result, or how it begins */
};

static const struct shape spf_shapes[] = {
	{ "a and mx", "%d TXT \"v=spf1 a mx -all\"\n%d A 192.0.2.1\n"
	    "%d MX 10 m1.%d\n%d MX 20 m2.%d\nm1.%d A 192.0.2.2\n"
	    "m2.%d A %i\n", "pass" },
	{ "nested includes", "%d TXT \"v=spf1 include:a.%d ~all\"\n"
	    "a.%d TXT \"v=spf1 include:b.%d include:c.%d ?all\"\n"
	    "b.%d TXT \"v=spf1 -all\"\nc.%d TXT \"v=spf1 ip4:%i -all\"\n",
	    "pass" },
	{ "redirect", "%d TXT \"v=spf1 redirect=r.%d\"\n"
	    "r.%d TXT \"v=spf1 ip4:192.0.2.0/24 -all\"\n", "fail" },
	{ "macros", "%d TXT \"v=spf1 exists:%{ir}.%{l}.e.%d -all\"\n"
	    "%p.bob.e.%d A 127.0.0.2\n", "pass" },
	{ "reverse name", "%d TXT \"v=spf1 ptr -all\"\n"
	    "%p.in-addr.arpa PTR h.%d\nh.%d A %i\n", "pass" },
	{ "loop of includes", "%d TXT \"v=spf1 include:a.%d -all\"\n"
	    "a.%d TXT \"v=spf1 include:%d -all\"\n", "permerror" },
	{ "too many terms", "%d TXT \"v=spf1 a:1.%d a:2.%d a:3.%d a:4.%d "
	    "a:5.%d a:6.%d include:a.%d -all\"\n1.%d A 192.0.2.1\n"
	    "2.%d A 192.0.2.1\n3.%d A 192.0.2.1\n4.%d A 192.0.2.1\n"
	    "5.%d A 192.0.2.1\n6.%d A 192.0.2.1\n"
	    "a.%d TXT \"v=spf1 a:1.%d a:2.%d a:3.%d a:4.%d a:5.%d ?all\"\n",
	    "permerror" },
	{ "too many that find nothing", "%d TXT \"v=spf1 a:1.%d mx:2.%d "
	    "exists:3.%d -all\"\n", "permerror" },
	{ "failure", "%d TXT \"v=spf1 include:f.%d -all\"\nf.%d servfail\n",
	    "temperror" },
	{ "explanation", "%d TXT \"v=spf1 -all exp=x.%d\"\n"
	    "x.%d TXT \"%{i} is not ours, said %d\"\n", "fail" },
	{ "no record", "%d TXT \"hello\"\n", "none" },
	{ "two records", "%d TXT \"v=spf1 -all\"\n"
	    "%d TXT \"v=spf1 +all\"\n", "permerror" },
	{ "through a CNAME", "%d CNAME c.%d\n"
	    "c.%d TXT \"v=spf1 ?all\"\n", "neutral" },
	{ "no such domain", "", "none" },
	{ "a long record", NULL, "pass" },	/* long_record() */
};
#define NSHAPES		(sizeof(spf_shapes) / sizeof(spf_shapes[0]))

struct spf_trial {
	char		 domain[32], ip[20], reverse[20];
	const char	*want;
	char		*got[2];	/* alone; together */
	char		**to;
};

static struct spf_trial spf_trials[N];
static unsigned alive, most_alive;

static void
long_record(struct buf *zone, const struct spf_trial *t)
{
	struct buf text = { 0 };
	size_t i;

	buf_puts(&text, "v=spf1");
	for (i = 0; text.len < LONG_RECORD; i++)
		buf_printf(&text, " ip4:192.168.%zu.%zu", i >> 8, i & 255);
	buf_printf(&text, " ip4:%s -all", t->ip);
	buf_printf(zone, "%s TXT", t->domain);
	for (i = 0; i < text.len; i += 250)
		buf_printf(zone, " \"%.*s\"", (int)(text.len - i < 250 ?
		    text.len - i : 250), text.p + i);
	buf_puts(zone, "\n");
	buf_free(&text);
}

static void
add_shape(struct buf *zone, const struct spf_trial *t, const char *shape)
{
	for (; *shape != '\0'; shape++) {
		if (*shape != '%' || shape[1] == '{')
			buf_put(zone, shape, 1);
		else if (*++shape == 'd')
			buf_puts(zone, t->domain);
		else
			buf_puts(zone, *shape == 'i' ? t->ip : t->reverse);
	}
}

static void
make_spf(struct buf *zone)
{
	for (size_t i = 0; i < N; i++) {
		const struct shape *shape = &spf_shapes[i % NSHAPES];
		struct spf_trial *t = &spf_trials[i];
		unsigned x = (unsigned)i / 250, y = (unsigned)i % 250;

		snprintf(t->domain, sizeof(t->domain), "d%zu.example", i);
		snprintf(t->ip, sizeof(t->ip), "10.%u.%u.7", x, y);
		snprintf(t->reverse, sizeof(t->reverse), "7.%u.%u.10", y, x);
		t->want = shape->want;
		if (shape->zone != NULL)
			add_shape(zone, t, shape->zone);
		else
			long_record(zone, t);
	}
}

static char *
text_or_dash(const char *text)
{
	return (char *)(text != NULL ? text : "-");
}

MAY_YIELD static void
run_spf(void *arg)
{
	static const struct spf_options options = { .timeout = PATIENCE,
	    .lookup_timeout = PATIENCE };
	struct spf_trial *t = arg;
	struct arena *a = arena_create("spf");
	char *sender = arena_printf(a, "bob@%s", t->domain);
	struct spf_query query = { .identity = SPF_MAILFROM,
	    .helo = "mail.example", .sender = span_z(sender) };
	struct spf_answer w;
	struct addr client;
	struct err err;

	if (++alive > most_alive)
		most_alive = alive;
	addr_parse_ip(span_z(t->ip), 25, &client, &err);
	query.client = &client;
	if (spf_check(a, &options, &query, &w, &err) < 0)
		abort();
	*t->to = strdup(arena_printf(a, "%s %s %s %s %s %u %u",
	    spf_result_name(w.result), w.domain, text_or_dash(w.explanation),
	    text_or_dash(w.mechanism), text_or_dash(w.problem), w.terms,
	    w.voids));
	arena_destroy(&a);
	alive--;
}

/* --- DKIM: messages signed for sN.example --- */

static const struct signing {
	const char	*name;
	enum signed_key	 key;
	const char	*tags;		/* and d= and s= */
	const char	*record;	/* of the key: what comes before it;
					   NULL: none */
	const char	*rule;		/* of the key's name, or "" */
	bool		 is_changed;
	const char	*want;
} signings[] = {
	{ "RSA", SIGNED_RSA, "c=relaxed/relaxed; h=from:subject;",
	    "v=DKIM1; k=rsa; p=", "", false, "pass" },
	{ "Ed25519", SIGNED_ED25519, "c=simple/simple; h=from:to;",
	    "k=ed25519; p=", "", false, "pass" },
	{ "a changed body", SIGNED_ED25519, "c=relaxed/simple; h=from;",
	    "k=ed25519; p=", "", true, "fail" },
	{ "no key", SIGNED_RSA, "h=from;", NULL, "", false, "permerror" },
	{ "failure", SIGNED_RSA, "h=from;", "p=", "servfail", false,
	    "temperror" },
	{ "the other key", SIGNED_RSA, "h=from;", "k=ed25519; p=", "", false,
	    "permerror" },
	{ "over TCP", SIGNED_ED25519, "h=from:subject; c=relaxed/relaxed;",
	    "k=ed25519; p=", "truncate", false, "pass" },
	{ "a part", SIGNED_ED25519, "h=from; l=7;", "k=ed25519; p=", "",
	    true, "pass" },
};
#define NSIGNINGS	(sizeof(signings) / sizeof(signings[0]))

struct dkim_trial {
	char		*message;
	const char	*want;
	char		*got[2];
	char		**to;
};

static struct dkim_trial dkim_trials[N];

/* Every third has a second signature, by the next kind. */
static void
make_dkim(struct arena *a, struct buf *zone)
{
	for (size_t i = 0; i < N; i++) {
		struct dkim_trial *t = &dkim_trials[i];
		char *m = arena_printf(a, "From: bob@s%zu.example\r\n"
		    "To: ann@here.example\r\nSubject: number %zu\r\n\r\n"
		    "Number %zu is here,\r\n  as ever.\r\n", i, i, i);

		t->want = signings[i % NSIGNINGS].want;
		for (size_t j = i % 3 == 0 ? 2 : 1; j-- > 0;) {
			const struct signing *s =
			    &signings[(i + j) % NSIGNINGS];
			char *tags = arena_printf(a, "%s d=s%zu.example; "
			    "s=k%zu", s->tags, i, j);
			char *name = arena_printf(a,
			    "k%zu._domainkey.s%zu.example", j, i);

			m = signed_message(a, s->key, tags, m);
			if (s->record != NULL)
				buf_printf(zone, "%s TXT \"%s%s\"\n", name,
				    s->record, signed_key_text(
				    strstr(s->record, "ed25519") != NULL ?
				    SIGNED_ED25519 : SIGNED_RSA));
			if (*s->rule != '\0')
				buf_printf(zone, "%s %s\n", name, s->rule);
		}
		if (signings[i % NSIGNINGS].is_changed)
			m = arena_printf(a, "%sP.S.\r\n", m);
		t->message = m;
	}
}

/* The body comes in pieces of odd size, with others in between. */
MAY_YIELD static void
run_dkim(void *arg)
{
	struct signature_options options = { .timeout = PATIENCE };
	struct dkim_trial *t = arg;
	struct arena *a = arena_create("dkim");
	struct signature_answer w;
	struct signature_check *c;
	struct fields header;
	struct span body;
	struct err err;

	if (++alive > most_alive)
		most_alive = alive;
	fields_parse(a, span_z(t->message), &header);
	c = signature_begin(a, &options, &header);
	body = span_z(t->message + header.size + 2);
	while (body.len > 0) {
		size_t n = body.len < 7 ? body.len : 7;

		signature_body(c, span_n(body.p, n));
		body = span_n(body.p + n, body.len - n);
		fiber_yield();
	}
	if (signature_finish(c, &w, &err) < 0)
		abort();
	*t->to = strdup(signed_summary(a, &w));
	arena_destroy(&a);
	alive--;
}

/* --- alone, and together --- */

static void
aim(int which)
{
	for (size_t i = 0; i < N; i++) {
		spf_trials[i].to = &spf_trials[i].got[which];
		dkim_trials[i].to = &dkim_trials[i].got[which];
	}
}

static void
run_alone(const char *zone)
{
	aim(0);
	resolver_begin(zone);
	for (size_t i = 0; i < N; i++) {
		resolver_run(run_spf, &spf_trials[i]);
		resolver_run(run_dkim, &dkim_trials[i]);
	}
	resolver_end();
}

static void
run_together(const char *zone, uint32_t seed)
{
	struct dns_stats stats;

	aim(1);
	resolver_begin(zone);
	dnsd_dither(resolver_server(), seed, DITHER);
	most_alive = 0;
	for (size_t i = 0; i < N; i++) {
		resolver_start(run_spf, &spf_trials[i]);
		resolver_start(run_dkim, &dkim_trials[i]);
		if (i % BATCH == BATCH - 1)
			loop_turn(false);
	}
	resolver_wait();
	dns_statistics(&stats);
	T_INT("none was too much", stats.overload, 0);
	T_INT("nobody waits", stats.waiting, 0);
	T_OK("they ran at once", most_alive >= N);
	if (getenv("DNS_TEST_VERBOSE") != NULL)
		printf("at most %u at once, %llu lookups, %u questions\n",
		    most_alive, (unsigned long long)stats.asked,
		    dnsd_asked(resolver_server(), NULL));
	resolver_end();
}

/* One case for all that were equal, one for each that was not. */
static void
compare(const char *name, char *(*got)(size_t i, int which))
{
	unsigned same = 0;

	for (size_t i = 0; i < N; i++) {
		if (strcmp(got(i, 0), got(i, 1)) == 0)
			same++;
		else
			T_STR(name, got(i, 1), got(i, 0));
		free(got(i, 1));
	}
	T_INT(name, same, N);
}

static char *
spf_got(size_t i, int which)
{
	return spf_trials[i].got[which];
}

static char *
dkim_got(size_t i, int which)
{
	return dkim_trials[i].got[which];
}

static void
check_alone(void)
{
	for (size_t i = 0; i < N; i++) {
		const struct spf_trial *s = &spf_trials[i];
		const struct dkim_trial *d = &dkim_trials[i];

		if (strncmp(s->got[0], s->want, strlen(s->want)) != 0)
			T_STR(spf_shapes[i % NSHAPES].name, s->got[0],
			    s->want);
		if (strncmp(d->got[0], d->want, strlen(d->want)) != 0)
			T_STR(signings[i % NSIGNINGS].name, d->got[0],
			    d->want);
	}
}

int
main(void)
{
	struct arena *a = arena_create("test");
	struct buf zone = { 0 };
	struct rlimit files;

	if (getrlimit(RLIMIT_NOFILE, &files) == 0) {
		files.rlim_cur = files.rlim_max;	/* a socket a lookup */
		setrlimit(RLIMIT_NOFILE, &files);
	}
	signed_keys_create();
	make_spf(&zone);
	make_dkim(a, &zone);
	buf_put(&zone, "", 1);
	loop_create();
	run_alone(zone.p);
	check_alone();
	for (uint32_t seed = 1; seed <= 3; seed += 2) {
		run_together(zone.p, seed);
		compare("SPF, alone and together", spf_got);
		compare("DKIM, alone and together", dkim_got);
	}
	loop_destroy();
	for (size_t i = 0; i < N; i++) {
		free(spf_trials[i].got[0]);
		free(dkim_trials[i].got[0]);
	}
	buf_free(&zone);
	arena_destroy(&a);
	return t_done();
}
