#include <assert.h>
#include <stddef.h>

#include "base/clock.h"
#include "base/dns.h"
#include "base/dns_answer.h"
#include "base/dns_name.h"
#include "base/dns_zone.h"

/*
 * The symbols of base/dns.c over a text zone (dns_options.hosts): no
 * resolver, no cache, no socket. The answers go through the same reading as
 * libunbound's. Each lookup waits once, so that a test can make it fail.
 */
static struct {
	struct arena		*arena;
	struct dns_zone		*zone;
	struct dns_stats	 stats;
} fake;

int
dns_create(const struct dns_options *options, struct err *err)
{
	struct arena *a = arena_create("dns");
	const char *text = options->hosts != NULL ? options->hosts : "";

	assert(fake.arena == NULL);
	fake.stats = (struct dns_stats){ 0 };
	/* The resolver knows this one without asking anybody. */
	text = arena_printf(a, "%s\nlocalhost A 127.0.0.1\n"
	    "localhost AAAA ::1\n", text);
	fake.zone = dns_zone_parse(a, text, err);
	if (fake.zone == NULL) {
		arena_destroy(&a);
		return -1;
	}
	fake.arena = a;
	return 0;
}

void
dns_destroy(void)
{
	if (fake.arena != NULL)
		arena_destroy(&fake.arena);
}

/* 0: the answer is there; 1: too late; -1: this fiber must stop. */
MAY_YIELD static int
pass_time(const struct dns_zone_how *how, int64_t deadline, struct err *err)
{
	int64_t until = clock_now() + how->delay;

	if (how->outcome != DNS_ZONE_TIMEOUT && how->delay == 0) {
		fiber_wake(fiber_self());
		if (fiber_wait(deadline, err) == 0)
			return 0;
		return err->kind == ERR_TIMEOUT ? 1 : -1;
	}
	if (how->outcome == DNS_ZONE_TIMEOUT || until > deadline)
		until = deadline;
	while (clock_now() < until)
		if (fiber_wait(until, err) < 0) {
			if (err->kind != ERR_TIMEOUT)
				return -1;
			if (clock_now() < until)
				return 1;	/* the test made it fail */
		}
	return until == deadline;
}

MAY_YIELD int
dns_lookup(struct arena *a, const char *text, enum dns_type type,
    int64_t deadline, struct dns_answer *answer, struct err *err)
{
	struct buf packet = { 0 };
	struct dns_zone_how how;
	int64_t began = clock_now();
	struct dns_name name;
	int r;

	assert(fake.zone != NULL && fiber_self() != NULL);
	fake.stats.asked++;
	if (dns_name_from_text(text, &name) < 0) {
		dns_answer_fail(answer, "bad name");
		dns_count(&fake.stats, type, answer, -1);
		return 0;
	}
	dns_zone_answer(fake.zone, &name, type, &packet, &how);
	r = pass_time(&how, deadline, err);
	if (r == 0 && how.outcome == DNS_ZONE_BOGUS)
		dns_answer_fail(answer, "bogus");
	else if (r == 0)
		dns_answer_parse(a, (uint8_t *)packet.p, packet.len, type,
		    answer);
	buf_free(&packet);
	if (r < 0)
		return -1;
	if (r > 0) {
		dns_answer_fail(answer, "timeout");
		fake.stats.timeouts++;
	}
	answer->secure = how.secure && answer->outcome != DNS_FAIL;
	dns_count(&fake.stats, type, answer, clock_now() - began);
	return 0;
}

/* There is no cache. */
void
dns_prefetch(const char *text, enum dns_type type)
{
	(void)text;
	(void)type;
}

void
dns_statistics(struct dns_stats *out)
{
	*out = fake.stats;
}
