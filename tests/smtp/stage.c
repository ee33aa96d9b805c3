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

static int
on_dial(int fd)
{
	struct side *s;

	if (stage.next_backend == stage.nbackends) {
		if (judgement_is_strict())
			problem("the gateway makes a connection that the "
			    "script does not know");
		return FAKE_DIAL_REFUSED;
	}
	s = &stage.backends[stage.next_backend++];
	if (s->n == 1 && word_is(&s->words[0], "refuse"))
		return s->at = s->n, FAKE_DIAL_REFUSED;
	if (s->n == 1 && word_is(&s->words[0], "silent"))
		return s->at = s->n, FAKE_DIAL_SILENT;
	s->fd = fd;
	return 0;
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
	buf_free(&text);
	buf_free(&backend);
	return stage.settings != NULL;
}

static void
add_backend_scripts(void)
{
	size_t i;

	for (i = 0; i < stage.script->n; i++) {
		struct script_line *l = &stage.script->lines[i];

		if (strcmp(l->key, "backend") != 0 ||
		    stage.nbackends == MAX_BACKENDS)
			continue;
		stage.backends[stage.nbackends].words = l->words;
		stage.backends[stage.nbackends].n = l->n;
		stage.backends[stage.nbackends++].fd = -1;
	}
}

static void
connect_client(void)
{
	const char *ip = "192.0.2.9";
	struct addr peer;
	struct err err;
	int pair[2];
	size_t i;

	for (i = 0; i < stage.script->n; i++)
		if (strcmp(stage.script->lines[i].key, "peer") == 0)
			ip = arena_copy(stage.arena, stage.script->lines[i].rest);
	if (addr_parse_ip(span_z(ip), 4242, &peer, &err) < 0)
		problem("peer: %s", err.text);
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0,
	    pair) < 0)
		abort();
	stage.client.fd = pair[0];
	stage.client.is_client = true;
	stage.listener.worker = &stage.worker;
	stage.listener.conf = &stage.settings->listeners[0];
	stage.listener.fd = -1;
	session_accept(&stage.listener, pair[1], &peer);
	memcpy(stage.session, stage.worker.sessions->id,
	    sizeof(stage.session));
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

	if (!load_settings())
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
	stage.worker.settings = stage.settings;
	stage.worker.crowd = crowd_create(1, 1, &err);
	if (stage.worker.crowd == NULL) {
		problem("%s", err.text);
		return false;
	}
	crowd_begin_share(stage.worker.crowd, 0);
	crowd_use_share(stage.worker.crowd, 0);
	stage.worker.rules = read_rules();
	if (stage.worker.rules == NULL)
		return false;
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
	add_backend_scripts();
	fake_dial = on_dial;
	connect_client();
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

static void
put_masked(struct buf *out, struct span s)
{
	struct span id = span_z(stage.session);

	while (s.len > 0) {
		size_t n = 1;

		if (is_date(s)) {
			buf_puts(out, "DATE");
			n = DATE;
		} else if (s.len >= id.len && memcmp(s.p, id.p, id.len) == 0) {
			buf_puts(out, "ID");
			n = id.len;
		} else
			buf_put(out, s.p, 1);
		s = span_n(s.p + n, s.len - n);
	}
}

static void
put_sent(struct buf *out)
{
	put_masked(out, buf_text(&stage.client.got));
	for (size_t i = 0; i < stage.nbackends; i++) {
		buf_puts(out, "--- to a backend\n");
		put_masked(out, buf_text(&stage.backends[i].got));
	}
}

/* --- the end --- */

/* What a backend expects and the gateway never sends is a failure too. */
static void
check_played(const struct side *s, size_t number)
{
	if (judgement_is_strict() && s->at < s->n && !s->is_hanging)
		problem("backend %zu waits in vain at \"%.*s\" (word %zu)",
		    number, SPAN_ARG(s->words[s->at].text), s->at + 1);
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
		check_played(&stage.backends[i], i + 1);
		side_free(&stage.backends[i]);
	}
	side_free(&stage.client);
	backends_destroy(&stage.worker.backends);
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
