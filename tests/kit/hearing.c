#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/dns.h"
#include "base/loop.h"
#include "conf/conf.h"
#include "gateway/ruleset.h"
#include "gateway/stock.h"
#include "policy/header.h"
#include "policy/rule_read.h"
#include "policy/rule_trace.h"
#include "tests/fake/fake.h"
#include "tests/kit/hearing.h"

#define PIECE	7	/* octets of a message */
#define TURNS	50	/* until what was begun has asked */

/* --- what DNS is asked --- */

static struct buf *asked;	/* of the hearing that is held */

MAY_YIELD int	__real_dns_lookup(struct arena *a, const char *name,
		    enum dns_type type, int64_t deadline,
		    struct dns_answer *answer, struct err *err);
MAY_YIELD int	__wrap_dns_lookup(struct arena *a, const char *name,
		    enum dns_type type, int64_t deadline,
		    struct dns_answer *answer, struct err *err);

MAY_YIELD int
__wrap_dns_lookup(struct arena *a, const char *name, enum dns_type type,
    int64_t deadline, struct dns_answer *answer, struct err *err)
{
	buf_printf(asked, "%s%s %s", asked->len > 0 ? ", " : "",
	    type == DNS_A ? "A" : type == DNS_AAAA ? "AAAA" :
	    type == DNS_MX ? "MX" : type == DNS_PTR ? "PTR" :
	    type == DNS_TXT ? "TXT" : "?", name);
	return __real_dns_lookup(a, name, type, deadline, answer, err);
}

MAY_YIELD const char *
hearing_asked(struct hearing *h)
{
	const char *text;

	for (int i = 0; i < TURNS; i++)
		fiber_yield();
	text = arena_copy(h->arena, buf_text(&h->asked));
	buf_clear(&h->asked);
	return text;
}

/* --- the court --- */

static void
give_up(const char *why)
{
	fprintf(stderr, "%s\n", why);
	abort();
}

static void
read_settings(struct hearing *h)
{
	const char *report;
	const char *text = arena_printf(h->arena,
	    "hostname \"mx.test.example\"\nrules none\n"
	    "listener l { address 127.0.0.1:2525 }\n"
	    "backend in { address smtp://127.0.0.1:25 }\n%s",
	    h->conf != NULL ? h->conf : "");

	h->settings = conf_load_text(h->arena, "conf", span_z(text), false,
	    &report);
	if (h->settings == NULL)
		give_up(report);
}

static void
read_rules(struct hearing *h)
{
	struct rule_context context = ruleset_context(h->arena, h->settings);
	struct diagnostics *d = diagnostics_create(h->arena);
	struct rules *rules;

	context.has_store |= h->has_store;
	context.has_redis |= h->has_redis;
	rules = rules_read_text(h->arena, "r", span_z(h->rules), &context, d);

	if (rules == NULL)
		give_up(diagnostics_text(d, h->arena));
	h->rules_read = arena_new(h->arena, struct ruleset);
	*h->rules_read = (struct ruleset){ .name = "r", .rules = rules,
	    .plan = rule_plan(h->arena, rules), .lists = rules->lists,
	    .nlists = rules->nlists };
}

static void
open_store(struct hearing *h)
{
	if (h->settings->store.text == NULL)
		return;
	h->court->stock = stock_open(h->settings, NULL, &h->err);
	if (h->court->stock == NULL)
		give_up(h->err.text);
}

static void
begin(struct hearing *h)
{
	const struct smtp_conf *conf = &h->settings->listeners[0].smtp;
	struct judge_client who = { .client = &h->client, .listener = "l",
	    .errors = &h->errors, .milters = h->milters,
	    .sessions = { .client = 2, .network = 3, .site = 4 } };

	if (addr_parse_ip(span_z(h->peer != NULL ? h->peer : "192.0.2.9"),
	    4242, &h->client.addr, &h->err) < 0)
		give_up(h->err.text);
	court_name(&h->client);
	who.wants = court_wants(h->court, conf, &h->client.addr);
	who.is_unchecked = court_is_unchecked(conf, &h->client.addr);
	h->judge = judge_begin(h->court, &who);
	judge_enter(h->judge, PHASE_CONNECT);
	if (!h->is_not_greeted)
		judge_greeted(h->judge);
}

static MAY_YIELD void
hold(void *arg)
{
	struct hearing *h = arg;

	begin(h);
	h->run(h);
	hearing_mail_end(h);
	(void)judge_settle(h->judge, &h->err);
	judge_end(&h->judge);
	checker_stop(h->court->checker);
	if (h->court->stock != NULL)
		stock_stop(h->court->stock);
	h->is_over = true;
}

static void
turn(void)
{
	int64_t next;

	loop_turn(false);
	if (fiber_is_ready())
		return;
	next = fiber_next_deadline();
	if (next > clock_now() && next < CLOCK_NEVER)
		fake_clock_advance(next - clock_now());
}

void
hearing_hold(struct hearing *h, void (*run)(struct hearing *h))
{
	struct dns_options dns = { .hosts = h->zone };

	h->arena = arena_create("hearing");
	h->run = run;
	asked = &h->asked;
	if (dns_create(&dns, &h->err) < 0)
		give_up(h->err.text);
	read_settings(h);
	read_rules(h);
	h->court = court_open(h->arena, h->settings, h->rules_read, NULL);
	open_store(h);
	fiber_spawn("hearing", hold, h);
	while (!h->is_over || fiber_count() > 0)
		turn();
	stock_close(&h->court->stock);
	dns_destroy();
	conf_free(&h->settings);
	if (h->scratch != NULL)
		arena_destroy(&h->scratch);
	buf_free(&h->asked);
	arena_destroy(&h->arena);
}

/* --- the dialogue --- */

MAY_YIELD void
hearing_helo(struct hearing *h, const char *name)
{
	hearing_mail_end(h);
	h->client.helo = name;
	h->client.esmtp = true;
	if (judge_settle_helo(h->judge, &h->err) < 0)
		give_up(h->err.text);
	judge_enter(h->judge, PHASE_HELO);
}

void
hearing_mail_end(struct hearing *h)
{
	judge_mail_end(h->judge);
	if (h->mail != NULL)
		arena_destroy(&h->mail);
}

MAY_YIELD void
hearing_mail(struct hearing *h, const char *sender)
{
	hearing_mail_end(h);
	h->mail = arena_create("mail");
	h->envelope = (struct envelope){ .rcpts = h->rcpts };
	if (*sender != '\0' && address_parse(arena_span(h->mail,
	    span_z(sender)), true, &h->envelope.sender, &h->err) < 0)
		give_up(h->err.text);
	if (judge_mail_begin(h->judge, &h->envelope, &h->err) < 0)
		give_up(h->err.text);
}

static const char *
text_of(struct hearing *h, const struct verdict *v)
{
	struct buf out = {0};
	const char *text;

	rule_verdict_put(&out, v);
	text = arena_copy(h->arena, buf_text(&out));
	buf_free(&out);
	return text;
}

static void
take(struct hearing *h, const struct rcpt *rcpt)
{
	if (h->envelope.nrcpts == HEARING_RCPTS)
		give_up("too many recipients");
	h->rcpts[h->envelope.nrcpts++].addr = address_copy(h->mail,
	    &rcpt->addr);
	judge_rcpt_taken(h->judge);
}

MAY_YIELD const char *
hearing_rcpt(struct hearing *h, const char *to)
{
	struct rcpt rcpt = {0};
	bool is_apart;

	if (judge_await(h->judge, PHASE_MAIL, &h->err) < 0)
		give_up(h->err.text);
	if (judge_refusal(h->judge) != NULL)
		return text_of(h, judge_refusal(h->judge));
	if (h->scratch != NULL)
		arena_destroy(&h->scratch);
	h->scratch = arena_create("rcpt");
	if (address_parse(arena_span(h->scratch, span_z(to)), true,
	    &rcpt.addr, &h->err) < 0)
		give_up(h->err.text);
	if (judge_rcpt(h->judge, h->scratch, &rcpt, h->envelope.nrcpts + 1,
	    &h->verdict, &is_apart, &h->err) < 0)
		give_up(h->err.text);
	if (h->verdict.kind != ACTION_ACCEPT && h->verdict.kind !=
	    ACTION_TRUST)
		return text_of(h, &h->verdict);
	if (is_apart)
		return "apart";
	take(h, &rcpt);
	return text_of(h, &h->verdict);
}

MAY_YIELD const char *
hearing_message(struct hearing *h, const char *text)
{
	const struct smtp_conf *limits = &h->settings->listeners[0].smtp;
	struct span all = span_z(text), left = all;
	struct header_scan scan;

	header_scan_begin(&scan);
	judge_message_begin(h->judge);
	while (left.len > 0) {
		struct span piece = span_n(left.p, left.len < PIECE ?
		    left.len : PIECE);

		if (!scan.done)
			header_feed(&scan, piece);
		judge_message_feed(h->judge, &scan, limits, piece);
		left = span_n(left.p + piece.len, left.len - piece.len);
	}
	header_scan_end(&scan);
	if (judge_message(h->judge, &scan, all.len, &h->verdict,
	    &h->err) < 0)
		give_up(h->err.text);
	return text_of(h, &h->verdict);
}

const char *
hearing_logs(struct hearing *h)
{
	const struct verdict *v = &h->verdict;
	const char *text = "";

	for (size_t i = 0; i < v->nlogs; i++)
		text = arena_printf(h->arena, "%s%s%.*s", text,
		    i > 0 ? "; " : "", SPAN_ARG(v->logs[i].text));
	return text;
}
