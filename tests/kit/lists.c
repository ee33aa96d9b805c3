#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/dns.h"
#include "base/loop.h"
#include "tests/fake/fake.h"
#include "tests/kit/lists.h"

struct dnsbl_list
lists_make(struct arena *a, const char *zone, unsigned checks,
    const char *const *replies)
{
	struct dnsbl_list list = { .zone = zone, .checks = checks,
	    .timeout = DNSBL_TIMEOUT, .test_points = true,
	    .max_share = 50 };
	struct span words[8], line, name = span_z(zone);
	const char *hint;
	struct err err;
	size_t n;

	list.name = arena_copy(a, span_until(&name, '.'));
	list.patterns = arena_new_n(a, LISTING_PATTERNS,
	    struct listing_pattern);
	for (; *replies != NULL; replies++) {
		line = span_z(*replies);
		for (n = 0; line.len > 0 && n < 8; n++)
			words[n] = span_word(&line);
		if (listing_parse(a, words, n,
		    &list.patterns[list.npatterns++], &hint, &err) < 0)
			assert(!"a good reply line");
	}
	return list;
}

void
lists_zone(const char *text)
{
	struct dns_options options = { .hosts = text };
	struct err err;

	dns_destroy();
	if (dns_create(&options, &err) < 0) {
		fprintf(stderr, "%s\n", err.text);
		assert(!"a good zone");
	}
}

void
lists_end(void)
{
	while (fiber_count() > 0)
		loop_turn(false);
	dns_destroy();
}

void
lists_put_points(struct buf *out, const char *zone)
{
	buf_printf(out, "2.0.0.127.%s A 127.0.0.2\ntest.%s A 127.0.0.2\n"
	    "2.0.0.0.0.0.f.7.f.f.f.f.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0."
	    "%s A 127.0.0.2\n", zone, zone, zone);
}

void
lists_settle(void)
{
	do
		loop_turn(false);
	while (fiber_is_ready());
}

/* From one deadline to the next, as far as `until` or the end of *over. */
static void
pass(int64_t until, const bool *over)
{
	int64_t next;

	for (;;) {
		lists_settle();
		next = fiber_next_deadline();
		if (next > until || (over != NULL && *over))
			return;
		if (next > clock_now())
			fake_clock_advance(next - clock_now());
	}
}

void
lists_pass(int64_t us)
{
	int64_t until = clock_now() + us;

	pass(until, NULL);
	fake_clock_advance(until - clock_now());
	lists_settle();
}

void
lists_report(void *owner, const struct dnsbl_event *event)
{
	buf_printf(owner, "%s %s %s: %s\n", event->list->name,
	    dnsbl_side_name(event->side), event->is_suspended ? "suspended" :
	    "back", event->why);
}

static MAY_YIELD void
check(void *arg)
{
	struct lists_check *c = arg;
	int64_t begin = clock_now();

	c->ret = dnsbl_check(c->arena, c->dnsbl, c->subjects, c->n,
	    &c->answer, &c->err);
	c->took = clock_now() - begin;
	c->is_over = true;
}

void
lists_ask(struct lists_check *c, struct dnsbl *d)
{
	c->dnsbl = d;
	c->arena = arena_create("lists check");
	c->is_over = false;
	c->fiber = fiber_spawn("check", check, c);
}

void
lists_ask_client(struct lists_check *c, struct dnsbl *d, const char *ip)
{
	struct err err;

	*c = (struct lists_check){ .n = 1 };
	if (addr_parse_ip(span_z(ip), 0, &c->ip, &err) < 0)
		assert(!"an address");
	c->subjects[0] = (struct dnsbl_subject){ .check = LISTING_CLIENT,
	    .ip = &c->ip };
	lists_ask(c, d);
}

void
lists_await(struct lists_check *c)
{
	pass(CLOCK_NEVER - 1, &c->is_over);
	assert(c->is_over);
}

void
lists_forget(struct lists_check *c)
{
	if (c->arena != NULL)
		arena_destroy(&c->arena);
}

static void
put_words(struct buf *out, const char *label, const char *const *words,
    size_t n)
{
	for (size_t i = 0; i < n; i++)
		buf_printf(out, "%s%s", i == 0 ? label : ",", words[i]);
}

static void
put_result(struct buf *out, const struct dnsbl_result *r)
{
	buf_printf(out, "%s=%s", r->list->name,
	    dnsbl_state_name(r->reading.state));
	if (r->reading.state != DNSBL_LISTED)
		return;
	for (size_t i = 0; i < r->reading.n; i++) {
		const uint8_t *o = r->reading.addresses[i].octet;

		buf_printf(out, "%s%u.%u.%u.%u", i == 0 ? "(" : " ", o[0],
		    o[1], o[2], o[3]);
	}
	buf_puts(out, ")");
}

const char *
lists_text(struct lists_check *c)
{
	const struct dnsbl_answer *w = &c->answer;
	struct buf out = {0};
	const char *text;

	if (c->ret < 0)
		return c->err.text;
	for (size_t i = 0; i < w->nresults; i++) {
		put_result(&out, &w->results[i]);
		buf_puts(&out, " ");
	}
	buf_puts(&out, "score=");
	listing_put_score(&out, w->score);
	put_words(&out, " names=", w->names, w->nnames);
	put_words(&out, " allow=", w->allow_names, w->nallow_names);
	put_words(&out, " tags=", w->tags, w->ntags);
	if (w->left_out > 0)
		buf_printf(&out, " left-out=%zu", w->left_out);
	text = arena_copy(c->arena, buf_text(&out));
	buf_free(&out);
	return text;
}

const char *
lists_client(struct lists_check *c, struct dnsbl *d, const char *ip)
{
	lists_forget(c);
	lists_ask_client(c, d, ip);
	lists_await(c);
	return lists_text(c);
}
