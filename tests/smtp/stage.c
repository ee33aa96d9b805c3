#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "base/clock.h"
#include "base/dns.h"
#include "base/loop.h"
#include "conf/conf.h"
#include "gateway/backend.h"
#include "gateway/court.h"
#include "gateway/crowd.h"
#include "gateway/route.h"
#include "gateway/session.h"
#include "gateway/stock.h"
#include "gateway/transaction.h"
#include "milter/milters.h"
#include "policy/rule_read.h"
#include "tests/fake/fake.h"
#include "tests/smtp/stage.h"

#define LOOKUPS		(20 * CLOCK_S)	/* take no longer, all in all */

struct stage stage;

/* Two lists of rules that only observe, with right test points. */
static const char watchers[] =
    "2.0.0.127.watch.example A 127.0.0.2\n"
    "9.2.0.192.watch.example A 127.0.0.2\n"
    "2.0.0.127.zam.example A 127.0.0.2\n"
    "9.2.0.192.zam.example A 127.0.0.9\n";

void
stage_settle(void)
{
	unsigned quiet = 0;
	bool moved;
	size_t i;

	while (quiet < 3) {
		loop_turn(false);
		moved = fiber_is_ready();
		for (i = 0; i < stage.next_backend; i++)
			moved |= side_run(&stage.backends[i]);
		for (i = 0; i < stage.nfilters; i++)
			if (stage.is_filter_met[i])
				moved |= side_run(&stage.filters[i]);
		moved |= side_run(&stage.client);
		quiet = moved ? 0 : quiet + 1;
	}
}

void
stage_pass_time(int64_t us)
{
	int64_t until = clock_now() + us, next;

	stage_settle();
	while (clock_now() < until) {
		next = fiber_next_deadline();
		if (next > until)
			next = until;
		fake_clock_advance(next > clock_now() ? next - clock_now() : 1);
		stage_settle();
	}
}

/* --- the stage --- */

#define FILTER_PORT	9001	/* and the next ones: of `set-milter` */

static int
unknown_connection(const char *whom)
{
	if (judgement_is_strict())
		problem("the gateway makes a connection to %s that the "
		    "script does not know", whom);
	return FAKE_DIAL_REFUSED;
}

static int
take_dial(struct side *s, int fd)
{
	if (s->n == 1 && word_is(&s->words[0], "refuse"))
		return s->at = s->n, FAKE_DIAL_REFUSED;
	if (s->n == 1 && word_is(&s->words[0], "silent"))
		return s->at = s->n, FAKE_DIAL_SILENT;
	s->fd = fd;
	return 0;
}

static int
dial_filter(const char *name, int fd)
{
	for (size_t i = 0; i < stage.nfilters; i++) {
		if (stage.is_filter_met[i] ||
		    strcmp(stage.filter_names[i], name) != 0)
			continue;
		stage.is_filter_met[i] = true;
		return take_dial(&stage.filters[i], fd);
	}
	return unknown_connection(name);
}

static int
on_dial(int fd)
{
	for (size_t i = 0; i < stage.settings->nmilters; i++)
		if (stage.settings->milters[i].address.port ==
		    addr_port(fake_dial_to))
			return dial_filter(stage.settings->milters[i].name,
			    fd);
	if (stage.next_backend == stage.nbackends)
		return unknown_connection("a backend");
	return take_dial(&stage.backends[stage.next_backend++], fd);
}

static void
put_settings(struct buf *out, const char *key)
{
	size_t i;

	for (i = 0; i < stage.script->n; i++)
		if (strcmp(stage.script->lines[i].key, key) == 0) {
			buf_span(out, stage.script->lines[i].rest);
			buf_puts(out, "\n");
		}
}

bool
stage_has_key(const char *key)
{
	for (size_t i = 0; i < stage.script->n; i++)
		if (strcmp(stage.script->lines[i].key, key) == 0)
			return true;
	return false;
}

/* "set-milter NAME: SETTINGS", each with an address of its own. */
static void
put_filters(struct buf *out)
{
	unsigned port = FILTER_PORT;

	for (size_t i = 0; i < stage.script->n; i++) {
		const struct script_line *l = &stage.script->lines[i];

		if (strncmp(l->key, "set-milter ", 11) == 0)
			buf_printf(out, "milter %s {\naddress "
			    "inet:127.0.0.1:%u\n%.*s\n}\n", l->key + 11,
			    port++, SPAN_ARG(l->rest));
	}
}

/* A filter that fails refuses mail for good, if the administrator says so. */
static bool
may_reject(const struct settings *s)
{
	for (size_t i = 0; i < s->nmilters; i++) {
		const struct milter_conf *m = &s->milters[i];

		if (m->failure == MILTER_REJECT ||
		    m->failure_connect == MILTER_REJECT ||
		    m->failure_helo == MILTER_REJECT ||
		    m->failure_mail == MILTER_REJECT ||
		    m->failure_rcpt == MILTER_REJECT ||
		    m->failure_message == MILTER_REJECT)
			return true;
	}
	return false;
}

static bool
load_settings(void)
{
	struct buf text = {0}, backend = {0};
	const char *report = "";

	put_settings(&backend, "set-backend");
	buf_printf(&text, "hostname \"mx.test.example\"\nspool \"%s\"\n",
	    stage.folder);
	if (!stage_has_key("rules"))
		buf_puts(&text, "rules none\n");
	if (stage.variation->observe)
		buf_puts(&text, "mode observe\n");
	if (!stage_has_key("inspect") && !stage.variation->inspect)
		buf_puts(&text, "unchecked 0.0.0.0/0 ::/0\n");
	put_settings(&text, "set");
	put_filters(&text);
	buf_puts(&text, "listener l { address 127.0.0.1:2525\n");
	put_settings(&text, "set-listener");
	buf_puts(&text, "}\nbackend in {\n");
	buf_span(&text, buf_text(&backend));
	if (backend.len == 0 ||
	    memmem(backend.p, backend.len, "address", 7) == NULL)
		buf_puts(&text, "address smtp://127.0.0.1:25\n");
	buf_puts(&text, "probe_interval 0\n}\n"
	    "route { domains \"here.example\" \".here.example\" backend in }\n");
	stage.settings = conf_load_text(stage.arena, "script.conf",
	    buf_text(&text), false, &report);
	if (stage.settings == NULL)
		problem("%s", report);
	else
		judgement.may_reject = may_reject(stage.settings);
	stage.worker.settings = stage.settings;
	buf_free(&text);
	buf_free(&backend);
	return stage.settings != NULL;
}

static void
add_side(struct side *s, const struct script_line *l, enum side_kind kind)
{
	*s = (struct side){ .words = l->words, .n = l->n, .line = l->number,
	    .fd = -1, .kind = kind };
}

static void
add_servers(void)
{
	for (size_t i = 0; i < stage.script->n; i++) {
		const struct script_line *l = &stage.script->lines[i];

		if (strcmp(l->key, "backend") == 0 &&
		    stage.nbackends < MAX_BACKENDS)
			add_side(&stage.backends[stage.nbackends++], l,
			    SIDE_BACKEND);
		else if (strncmp(l->key, "milter ", 7) == 0 &&
		    stage.nfilters < MAX_BACKENDS) {
			stage.filter_names[stage.nfilters] = l->key + 7;
			add_side(&stage.filters[stage.nfilters++], l,
			    SIDE_MILTER);
		}
	}
}

static const char *
peer(void)
{
	const char *ip = "192.0.2.9";

	for (size_t i = 0; i < stage.script->n; i++)
		if (strcmp(stage.script->lines[i].key, "peer") == 0)
			ip = arena_copy(stage.arena,
			    stage.script->lines[i].rest);
	return ip;
}

static void
connect_client(const char *ip)
{
	struct addr peer;
	struct err err;
	int pair[2];

	if (addr_parse_ip(span_z(ip), 4242, &peer, &err) < 0)
		problem("peer: %s", err.text);
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0,
	    pair) < 0)
		abort();
	stage.client.fd = pair[0];
	stage.client.kind = SIDE_CLIENT;
	stage.listener.worker = &stage.worker;
	stage.listener.conf = &stage.settings->listeners[0];
	stage.listener.fd = -1;
	session_accept(&stage.listener, pair[1], &peer);
	if (stage.nsessions < MAX_CLIENTS)
		memcpy(stage.sessions[stage.nsessions++],
		    stage.worker.sessions->id, sizeof(stage.sessions[0]));
}

void
stage_next_client(const char *ip)
{
	struct side *s = &stage.client;

	side_close(s);
	stage_settle();
	buf_clear(&s->in);
	buf_clear(&s->sent);
	s->saw_end = s->is_hanging = false;
	s->n = s->at = 0;
	connect_client(ip != NULL ? ip : peer());
	stage_settle();
}

/* Those of the variation, of the script's lines, or none. */
static const struct ruleset *
read_rules(void)
{
	struct ruleset *set = arena_new(stage.arena, struct ruleset);
	struct rule_context context = ruleset_context(stage.arena,
	    stage.settings);
	struct diagnostics *d = diagnostics_create(stage.arena);
	struct buf text = {0};
	struct rules *rules;

	if (stage.variation->rules != NULL)
		buf_puts(&text, stage.variation->rules);
	else
		put_settings(&text, "rules");
	rules = rules_read_text(stage.arena, "script.rules",
	    arena_span(stage.arena, buf_text(&text)), &context, d);
	buf_free(&text);
	if (rules == NULL) {
		problem("%s", diagnostics_text(d, stage.arena));
		return NULL;
	}
	set->name = "script.rules";
	set->rules = rules;
	set->plan = rule_plan(stage.arena, rules);
	set->lists = rules->lists;
	set->nlists = rules->nlists;
	return set;
}

bool
stage_set(void)
{
	struct dns_options dns = {0};
	struct buf zone = {0};
	struct err err;

	if (!load_settings() || (stage.worker.rules = read_rules()) == NULL)
		return false;
	put_settings(&zone, "zone");
	buf_puts(&zone, watchers);
	buf_put(&zone, "", 1);
	dns.hosts = arena_strdup(stage.arena, zone.p);
	buf_free(&zone);
	if (dns_create(&dns, &err) < 0) {
		problem("%s", err.text);
		return false;
	}
	stage.worker.crowd = crowd_create(1, 1, &err);
	if (stage.worker.crowd == NULL) {
		problem("%s", err.text);
		return false;
	}
	crowd_begin_share(stage.worker.crowd, 0);
	crowd_use_share(stage.worker.crowd, 0);
	stage.worker.court = court_open(stage.arena, stage.settings,
	    stage.worker.rules, NULL);
	fake_store_clear();
	stage.worker.stock = stock_open(stage.settings, NULL, &err);
	stage.worker.routes = routes_create(stage.arena, stage.settings,
	    stage.worker.stock->lookup);
	/* Without one rules may not ask for it, unless they are made up. */
	if (stage.settings->store.text != NULL)
		stage.worker.court->stock = stage.worker.stock;
	stage.worker.backends = backends_create(stage.settings, &err);
	if (stage.worker.backends == NULL) {
		problem("%s", err.text);
		return false;
	}
	stage.worker.milters = milters_create(stage.settings);
	stage.worker.transactions = transaction_plan(stage.arena,
	    stage.worker.rules, NULL);
	add_servers();
	fake_dial = on_dial;
	connect_client(peer());
	return true;
}

/* --- what was sent --- */

/* "Sun, 22 Nov 2026 02:06:58 +0000" */
#define DATE	31

static bool
is_date(struct span s)
{
	return s.len >= DATE && s.p[3] == ',' && s.p[19] == ':' &&
	    memcmp(s.p + 25, " +0000", 6) == 0;
}

/* The length of the id that it begins with, or 0. */
static size_t
has_id(struct span s)
{
	for (size_t i = 0; i < stage.nsessions; i++) {
		struct span id = span_z(stage.sessions[i]);

		if (s.len >= id.len && memcmp(s.p, id.p, id.len) == 0)
			return id.len;
	}
	return 0;
}

void
stage_mask(struct buf *out, struct span s)
{
	while (s.len > 0) {
		size_t n = has_id(s);

		if (n > 0)
			buf_puts(out, "ID");
		else if (is_date(s)) {
			buf_puts(out, "DATE");
			n = DATE;
		} else {
			buf_put(out, s.p, 1);
			n = 1;
		}
		s = span_n(s.p + n, s.len - n);
	}
}

static void
put_sent(struct buf *out)
{
	stage_mask(out, buf_text(&stage.client.got));
	for (size_t i = 0; i < stage.nbackends; i++) {
		buf_puts(out, "--- to a backend\n");
		stage_mask(out, buf_text(&stage.backends[i].got));
	}
	for (size_t i = 0; i < stage.nfilters && !stage_has_key("rules");
	    i++) {
		buf_puts(out, "--- to a filter\n");
		stage_mask(out, buf_text(&stage.filters[i].got));
	}
}

/* --- the end --- */

static void
put_waiting(struct buf *out, const struct side *s, const char *what)
{
	if (s->fd >= 0 && s->at < s->n && !s->is_hanging)
		buf_printf(out, "; %s at word %zu of line %u, \"%.*s\", has "
		    "\"%.*s\"", what, s->at + 1, s->line,
		    SPAN_ARG(s->words[s->at].text), (int)s->in.len,
		    s->in.len > 0 ? s->in.p : "");
}

void
stage_problem(void)
{
	struct buf others = {0};

	for (size_t i = 0; i < stage.nbackends; i++)
		put_waiting(&others, &stage.backends[i], "a backend");
	for (size_t i = 0; i < stage.nfilters; i++)
		put_waiting(&others, &stage.filters[i],
		    stage.filter_names[i]);
	problem("line %u: the client waits in vain for \"%.*s\"%.*s",
	    stage.client.line, SPAN_ARG(stage.client.words[
	    stage.client.at].text), SPAN_ARG(buf_text(&others)));
	buf_free(&others);
}

/* What a backend expects and the gateway never sends is a failure too. */
static void
check_played(const struct side *s, const char *what)
{
	if (judgement_is_strict() && s->at < s->n && !s->is_hanging)
		problem("line %u: %s waits in vain at \"%.*s\" (word %zu)",
		    s->line, what, SPAN_ARG(s->words[s->at].text), s->at + 1);
}

void
stage_strike(void)
{
	size_t i;

	fake_fail_wait(0, FAIL_BY_TIMEOUT);
	side_close(&stage.client);
	stage_settle();
	stage_pass_time(LOOKUPS);
	if (stage.worker.nsessions > 0) {
		if (!judgement.is_lenient)	/* else a backend may wait */
			problem("the session did not end with its client");
		sessions_stop(&stage.worker);
		stage_pass_time(1000 * CLOCK_S);
	}
	if (stage.sent != NULL)
		put_sent(stage.sent);
	for (i = 0; i < stage.nbackends; i++) {
		check_played(&stage.backends[i], "a backend");
		side_free(&stage.backends[i]);
	}
	side_free(&stage.client);
	backends_destroy(&stage.worker.backends);
	milters_destroy(&stage.worker.milters);
	stage_settle();
	for (i = 0; i < stage.nfilters; i++) {
		check_played(&stage.filters[i], stage.filter_names[i]);
		side_free(&stage.filters[i]);
	}
	checker_stop(stage.worker.court->checker);
	crowd_destroy(&stage.worker.crowd);
	stage_pass_time(1000 * CLOCK_S);
	if (fiber_count() > 0)
		problem("%zu fibers are left", fiber_count());
	stock_close(&stage.worker.stock);
	fake_store_clear();
	dns_destroy();
	conf_free(&stage.settings);
}
