#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <unbound.h>
#include <unbound-event.h>

#include "base/clock.h"
#include "base/dns.h"
#include "base/dns_answer.h"
#include "base/dns_name.h"
#include "base/loop.h"
#include "base/mem.h"

#define CLASS_IN	1
#define SEC_BOGUS	1	/* what the callback says of DNSSEC */
#define SEC_SECURE	2

/*
 * One question under way in libunbound. The fiber that asks holds it until
 * the answer is there; when the fiber gives up first, the resolver goes on,
 * and the callback frees it. libunbound has ub_cancel(), but a cancelled
 * question keeps its socket and memory there without our knowing: so nothing
 * is cancelled, and what is under way is counted.
 */
struct question {
	struct question		*next, **prev;
	struct fiber		*fiber;		/* NULL: given up */
	struct arena		*arena;		/* these two: the fiber's */
	struct dns_answer	*answer;
	enum dns_type		 type;
	bool			 is_waited_for;	/* in fiber_wait() */
	bool			 is_done;
};

static struct {
	struct ub_ctx		*ctx;
	struct question		*questions;
	struct dns_stats	 stats;
} dns;

/*
 * The library's own defaults are those of a stub for one program: 16 sockets,
 * 1 MB of cache. Of a server that does not answer it gives up after five
 * rounds, which can take 40 s; nobody here waits so long, so there are two
 * (four packets).
 */
struct setting {
	const char *name, *value;
};
static const struct setting settings[] = {
	{ "module-config:", "validator iterator" },
	{ "outgoing-range:", "8192" },		/* above DNS_MOST */
	{ "num-queries-per-thread:", "8192" },
	{ "outgoing-num-tcp:", "256" },
	{ "edns-buffer-size:", "1232" },
	{ "msg-cache-size:", "16m" },
	{ "rrset-cache-size:", "32m" },
	{ "key-cache-size:", "4m" },
	{ "neg-cache-size:", "1m" },
	{ "cache-max-negative-ttl:", "300" },
	{ "outbound-msg-retry:", "2" },
	{ "infra-keep-probing:", "yes" },
	{ "unblock-lan-zones:", "yes" },
	{ "insecure-lan-zones:", "yes" },
	{ "minimal-responses:", "yes" },
	{ "use-caps-for-id:", "no" },
	{ "serve-expired:", "no" },
};

/*
 * How long one packet is waited for follows the round trips of its server,
 * down to 50 ms by default, doubled with each loss; what comes later is
 * thrown away. A server of which so many packets in a row were lost that this
 * reaches infra-cache-max-rtt is dead, and not asked for infra-host-ttl.
 *
 * A forwarder answers what it knows in no time and what it must look up itself
 * in as long as that takes: after a second its answer never came through. And
 * names that it has no answer for make it look dead to all others, if for some
 * 20 s nobody asks for anything else; so that is forgotten after 5 s.
 */
static const struct setting when_forwarding[] = {
	{ "infra-cache-min-rtt:", "1000" },
	{ "infra-host-ttl:", "5" },
};
/* Here the servers of a domain are held against that domain only: the sooner
 * they are dead the better. With 120 s, a domain whose servers are silent kept
 * a lookup going for minutes after its deadline; so it ends within 5 s. */
static const struct setting when_recursing[] = {
	{ "infra-cache-min-rtt:", "600" },
	{ "infra-cache-max-rtt:", "2400" },
	{ "infra-host-ttl:", "10" },
};
#define LENGTH(list)	(sizeof(list) / sizeof((list)[0]))

static struct question *
question_create(struct arena *a, enum dns_type type, struct dns_answer *answer)
{
	struct question *q = mem_zalloc(sizeof(*q), "DNS question");

	q->fiber = fiber_self();
	q->arena = a;
	q->type = type;
	q->answer = answer;
	q->next = dns.questions;
	q->prev = &dns.questions;
	if (q->next != NULL)
		q->next->prev = &q->next;
	dns.questions = q;
	return q;
}

static void
question_free(struct question *q)
{
	*q->prev = q->next;
	if (q->next != NULL)
		q->next->prev = q->prev;
	free(q);
}

static void
on_answer(void *arg, int rcode, void *packet, int len, int sec,
    char *why_bogus, int was_ratelimited)
{
	struct question *q = arg;

	(void)why_bogus;
	(void)was_ratelimited;
	if (q->fiber == NULL) {
		dns.stats.given_up--;
		question_free(q);
		return;
	}
	/* Bogus data comes with rcode 0 and the data itself: look here first.
	 * The packet is libunbound's and good only until we return. */
	if (sec == SEC_BOGUS)
		dns_answer_fail(q->answer, "bogus");
	else if (rcode != 0 || packet == NULL || len <= 0)
		dns_answer_fail(q->answer, "servfail");
	else {
		dns_answer_parse(q->arena, packet, (size_t)len, q->type,
		    q->answer);
		q->answer->secure = sec == SEC_SECURE &&
		    q->answer->outcome != DNS_FAIL;
	}
	q->is_done = true;
	if (q->is_waited_for)
		fiber_wake(q->fiber);
}

/* --- the context --- */

static int
set_options(const struct setting *list, size_t n, struct err *err)
{
	for (size_t i = 0; i < n; i++) {
		int r = ub_ctx_set_option(dns.ctx, list[i].name,
		    list[i].value);

		if (r != 0)
			return err_set(err, ERR_CONFIG,
			    "libunbound's option %s %s: %s", list[i].name,
			    list[i].value, ub_strerror(r));
	}
	return 0;
}

static int
add_forwarder(const char *text, struct err *err)
{
	char ip[ADDR_TEXT], at[ADDR_TEXT + 8];
	struct addr a;
	int r = UB_SYNTAX;

	if (addr_parse_ip(span_z(text), 53, &a, err) == 0 ||
	    addr_parse(span_z(text), &a, err) == 0) {
		snprintf(at, sizeof(at), "%s@%d", addr_ip(&a, ip),
		    addr_port(&a));
		if (!addr_is_unix(&a))
			r = ub_ctx_set_fwd(dns.ctx, at);
	}
	if (r != 0)
		return err_set(err, ERR_CONFIG, "forward \"%s\": expected "
		    "an address, with a port or without", text);
	return 0;
}

static int
add_anchor(const char *file, struct err *err)
{
	int r;

	if (access(file, R_OK) < 0)
		return err_set(err, ERR_CONFIG, "trust anchor %s: %s", file,
		    strerror(errno));
	r = ub_ctx_add_ta_file(dns.ctx, file);
	if (r != 0)
		return err_set(err, ERR_CONFIG, "trust anchor %s: %s", file,
		    ub_strerror(r));
	return 0;
}

static void
on_first(void *arg, int rcode, void *packet, int len, int sec, char *why_bogus,
    int was_ratelimited)
{
	(void)arg, (void)rcode, (void)packet, (void)len, (void)sec;
	(void)why_bogus, (void)was_ratelimited;
}

/* With its first lookup libunbound reads the anchor and makes its caches,
 * which needs much stack and may fail. The name is one it knows itself. */
static int
first_lookup(const struct dns_options *options, struct err *err)
{
	int r = ub_resolve_event(dns.ctx, "localhost", DNS_A, CLASS_IN, NULL,
	    on_first, NULL);

	/* Forwarders of one's own may well know .test (RFC 6761 6.2). */
	if (r == 0 && options->nforward > 0)
		r = ub_ctx_zone_add(dns.ctx, "test.", "transparent");
	if (r == 0)
		return 0;
	if (options->trust_anchor != NULL)
		return err_set(err, ERR_CONFIG, "libunbound did not start "
		    "(%s); is %s a trust anchor?", ub_strerror(r),
		    options->trust_anchor);
	return err_set(err, ERR_UNAVAIL, "libunbound did not start: %s",
	    ub_strerror(r));
}

int
dns_create(const struct dns_options *options, struct err *err)
{
	size_t i;
	int ret;

	assert(dns.ctx == NULL && fiber_self() == NULL);
	memset(&dns, 0, sizeof(dns));
	dns.ctx = ub_ctx_create_event(loop_base());
	if (dns.ctx == NULL)
		return err_set(err, ERR_UNAVAIL, "libunbound did not start");
	ub_ctx_debugout(dns.ctx, NULL);	/* its outcomes say enough */
	ret = set_options(settings, LENGTH(settings), err);
	if (ret == 0 && options->nforward > 0)
		ret = set_options(when_forwarding, LENGTH(when_forwarding),
		    err);
	else if (ret == 0)
		ret = set_options(when_recursing, LENGTH(when_recursing), err);
	for (i = 0; ret == 0 && i < options->nforward; i++)
		ret = add_forwarder(options->forward[i], err);
	if (ret == 0 && options->trust_anchor != NULL)
		ret = add_anchor(options->trust_anchor, err);
	if (ret == 0)
		ret = first_lookup(options, err);
	if (ret < 0)
		dns_destroy();
	return ret;
}

void
dns_destroy(void)
{
	if (dns.ctx == NULL)
		return;
	ub_ctx_delete(dns.ctx);		/* calls no callback */
	dns.ctx = NULL;
	while (dns.questions != NULL) {
		assert(dns.questions->fiber == NULL);
		question_free(dns.questions);
	}
}

/* --- lookups --- */

static void
give_up(struct question *q)
{
	q->fiber = NULL;
	dns.stats.given_up++;
}

static void
overload(struct dns_answer *answer)
{
	dns.stats.overload++;
	dns_answer_fail(answer, "overload");
}

/* Waits for the answer. If the fiber cannot, the question is given up. */
MAY_YIELD static int
await(struct question *q, int64_t deadline, struct err *err)
{
	int ret = 0;

	dns.stats.waiting++;
	q->is_waited_for = true;
	while (!q->is_done && (ret = fiber_wait(deadline, err)) == 0)
		;
	q->is_waited_for = false;
	dns.stats.waiting--;
	if (q->is_done)
		return 0;
	give_up(q);
	return ret;
}

/* Answer, or failure, or -1 because this fiber must stop. *us: how long it was
 * waited for, if it was. */
MAY_YIELD static int
ask(struct arena *a, const struct dns_name *name, enum dns_type type,
    int64_t deadline, struct dns_answer *answer, int64_t *us, struct err *err)
{
	int64_t begin = clock_now();
	struct question *q = question_create(a, type, answer);
	char text[DNS_NAME_TEXT];
	int r;

	dns_name_print(name, text);
	r = ub_resolve_event(dns.ctx, text, (int)type, CLASS_IN, q, on_answer,
	    NULL);
	if (r != 0) {	/* no callback came, none will */
		question_free(q);
		dns_answer_fail(answer, r == UB_SYNTAX ? "bad name" :
		    "servfail");
		return 0;
	}
	if (q->is_done) {
		dns.stats.cached++;
		if (answer->outcome == DNS_FAIL)
			dns.stats.failed_at_once++;
	} else if (dns.stats.waiting >= DNS_MOST_WAITING) {
		give_up(q);
		overload(answer);
		return 0;
	} else {
		r = await(q, deadline, err);
		*us = clock_now() - begin;
		if (r < 0 && err->kind != ERR_TIMEOUT)
			return -1;
		if (r < 0) {
			dns.stats.timeouts++;
			dns_answer_fail(answer, "timeout");
			return 0;
		}
	}
	question_free(q);
	return 0;
}

MAY_YIELD int
dns_lookup(struct arena *a, const char *text, enum dns_type type,
    int64_t deadline, struct dns_answer *answer, struct err *err)
{
	struct dns_name name;
	int64_t us = -1;

	assert(dns.ctx != NULL && fiber_self() != NULL);
	dns.stats.asked++;
	/* libunbound keeps some memory for each name that it refuses. */
	if (dns_name_from_text(text, &name) < 0)
		dns_answer_fail(answer, "bad name");
	else if (dns.stats.waiting + dns.stats.given_up >= DNS_MOST)
		overload(answer);
	else if (ask(a, &name, type, deadline, answer, &us, err) < 0)
		return -1;
	dns_count(&dns.stats, type, answer, us);
	return 0;
}

void
dns_prefetch(const char *text, enum dns_type type)
{
	char shown[DNS_NAME_TEXT];
	struct dns_name name;
	struct question *q;

	/* What is only a help gives way first. */
	if (dns_name_from_text(text, &name) < 0 ||
	    dns.stats.waiting + dns.stats.given_up >= DNS_MOST_WAITING)
		return;
	dns.stats.ahead++;
	q = question_create(NULL, type, NULL);
	give_up(q);		/* the callback, perhaps at once, counts back */
	dns_name_print(&name, shown);
	if (ub_resolve_event(dns.ctx, shown, (int)type, CLASS_IN, q, on_answer,
	    NULL) != 0) {
		dns.stats.given_up--;
		question_free(q);
	}
}

void
dns_statistics(struct dns_stats *out)
{
	*out = dns.stats;
}
