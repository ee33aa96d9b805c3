/*
 * play -- runs session scripts (tests/smtp/README): those named, or all
 *
 * Everything happens in one process, on socketpairs, in virtual time. The
 * script's sides are stepped from the main stack between turns of the loop;
 * a side that waits for the gateway is stepped again after each turn. When
 * nothing moves any more and a side still waits, the script has failed (or,
 * while waits are made to fail, time passes).
 */
#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <regex.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/dns.h"
#include "base/log.h"
#include "base/loop.h"
#include "conf/conf.h"
#include "gateway/backend.h"
#include "gateway/court.h"
#include "gateway/crowd.h"
#include "gateway/route.h"
#include "gateway/session.h"
#include "policy/rule_read.h"
#include "tests/fake/fake.h"
#include "tests/kit/t.h"
#include "tests/smtp/side.h"

#define MAX_BACKENDS	8
#define MAX_FAULTS	400
#define LOOKUPS		(20 * CLOCK_S)	/* take no longer, all in all */

static struct {
	struct arena	*arena;
	struct script	*script;
	struct settings	*settings;
	struct worker	 worker;
	struct listener	 listener;
	struct side	 client;
	struct side	 backends[MAX_BACKENDS];
	size_t		 nbackends, next_backend;
} play;

static char	 folder[] = "/tmp/forepost-play-XXXXXX";
static char	 log_path[sizeof(folder) + 8];

/* Lets everything move until nothing does. */
static void
settle(void)
{
	unsigned quiet = 0;
	bool moved;
	size_t i;

	while (quiet < 3) {
		loop_turn(false);
		moved = fiber_is_ready();
		for (i = 0; i < play.next_backend; i++)
			moved |= side_run(&play.backends[i]);
		moved |= side_run(&play.client);
		quiet = moved ? 0 : quiet + 1;
	}
}

static void
pass_time(int64_t us)
{
	int64_t until = clock_now() + us, next;

	settle();
	while (clock_now() < until) {
		next = fiber_next_deadline();
		if (next > until)
			next = until;
		fake_clock_advance(next > clock_now() ? next - clock_now() : 1);
		settle();
	}
}

/* --- the stage --- */

static int
on_dial(int fd)
{
	struct side *s;

	if (play.next_backend == play.nbackends) {
		if (!judgement.is_fault_run)
			problem("the gateway makes a connection that the "
			    "script does not know");
		return FAKE_DIAL_REFUSED;
	}
	s = &play.backends[play.next_backend++];
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

	for (i = 0; i < play.script->n; i++)
		if (strcmp(play.script->lines[i].key, key) == 0) {
			buf_span(out, play.script->lines[i].rest);
			buf_puts(out, "\n");
		}
}

static bool
has_key(const char *key)
{
	for (size_t i = 0; i < play.script->n; i++)
		if (strcmp(play.script->lines[i].key, key) == 0)
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
	    folder);
	if (!has_key("rules"))
		buf_puts(&text, "rules none\n");
	if (!has_key("inspect"))
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
	play.settings = conf_load_text(play.arena, "script.conf",
	    buf_text(&text), false, &report);
	if (play.settings == NULL)
		problem("%s", report);
	buf_free(&text);
	buf_free(&backend);
	return play.settings != NULL;
}

static void
add_backend_scripts(void)
{
	size_t i;

	for (i = 0; i < play.script->n; i++) {
		struct script_line *l = &play.script->lines[i];

		if (strcmp(l->key, "backend") != 0 ||
		    play.nbackends == MAX_BACKENDS)
			continue;
		play.backends[play.nbackends].words = l->words;
		play.backends[play.nbackends].n = l->n;
		play.backends[play.nbackends++].fd = -1;
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

	for (i = 0; i < play.script->n; i++)
		if (strcmp(play.script->lines[i].key, "peer") == 0)
			ip = arena_copy(play.arena, play.script->lines[i].rest);
	if (addr_parse_ip(span_z(ip), 4242, &peer, &err) < 0)
		problem("peer: %s", err.text);
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0,
	    pair) < 0)
		abort();
	play.client.fd = pair[0];
	play.client.is_client = true;
	play.listener.worker = &play.worker;
	play.listener.conf = &play.settings->listeners[0];
	play.listener.fd = -1;
	session_accept(&play.listener, pair[1], &peer);
}

/* Those of the script's lines, or none. */
static const struct ruleset *
read_rules(void)
{
	struct ruleset *set = arena_new(play.arena, struct ruleset);
	struct rule_context context = ruleset_context(play.arena,
	    play.settings);
	struct diagnostics *d = diagnostics_create(play.arena);
	struct buf text = {0};
	struct rules *rules;

	put_settings(&text, "rules");
	rules = rules_read_text(play.arena, "script.rules",
	    arena_span(play.arena, buf_text(&text)), &context, d);
	buf_free(&text);
	if (rules == NULL) {
		problem("%s", diagnostics_text(d, play.arena));
		return NULL;
	}
	set->name = "script.rules";
	set->rules = rules;
	set->plan = rule_plan(play.arena, rules);
	set->lists = rules->lists;
	set->nlists = rules->nlists;
	return set;
}

static bool
set_stage(void)
{
	struct dns_options dns = {0};
	struct buf zone = {0};
	struct err err;

	if (!load_settings())
		return false;
	put_settings(&zone, "zone");
	buf_put(&zone, "", 1);
	dns.hosts = arena_strdup(play.arena, zone.p);
	buf_free(&zone);
	if (dns_create(&dns, &err) < 0) {
		problem("%s", err.text);
		return false;
	}
	play.worker.settings = play.settings;
	play.worker.routes = routes_create(play.arena, play.settings);
	play.worker.crowd = crowd_create();
	play.worker.rules = read_rules();
	if (play.worker.rules == NULL)
		return false;
	play.worker.court = court_open(play.arena, play.settings,
	    play.worker.rules, NULL);
	play.worker.backends = backends_create(play.settings, &err);
	if (play.worker.backends == NULL) {
		problem("%s", err.text);
		return false;
	}
	add_backend_scripts();
	fake_dial = on_dial;
	connect_client();
	return true;
}

/* What a backend expects and the gateway never sends is a failure too. */
static void
check_played(const struct side *s, size_t number)
{
	if (!judgement.is_fault_run && s->at < s->n && !s->is_hanging)
		problem("backend %zu waits in vain at \"%.*s\" (word %zu)",
		    number, SPAN_ARG(s->words[s->at].text), s->at + 1);
}

static void
strike_stage(void)
{
	size_t i;

	fake_fail_wait(0, FAIL_BY_TIMEOUT);
	side_close(&play.client);
	settle();
	pass_time(LOOKUPS);
	if (play.worker.nsessions > 0) {
		problem("the session did not end with its client");
		sessions_stop(&play.worker);
		pass_time(1000 * CLOCK_S);
	}
	for (i = 0; i < play.nbackends; i++) {
		check_played(&play.backends[i], i + 1);
		side_free(&play.backends[i]);
	}
	side_free(&play.client);
	backends_destroy(&play.worker.backends);
	checker_stop(play.worker.court->checker);
	crowd_destroy(&play.worker.crowd);
	pass_time(1000 * CLOCK_S);
	if (fiber_count() > 0)
		problem("%zu fibers are left", fiber_count());
	dns_destroy();
	conf_free(&play.settings);
}

/* --- playing --- */

static void
play_line(const struct script_line *l)
{
	if (strcmp(l->key, "client") == 0) {
		play.client.words = l->words;
		play.client.n = l->n;
		play.client.at = 0;
		play.client.line = l->number;
		settle();
		if (play.client.at >= play.client.n)
			return;
		if (judgement.is_fault_run)	/* a wait that fails takes its time */
			pass_time(700 * CLOCK_S);
		if (play.client.at < play.client.n)
			problem("line %u: the client waits in vain for \"%.*s\"",
			    l->number, SPAN_ARG(play.client.words[
			    play.client.at].text));
	} else if (strcmp(l->key, "clock") == 0)
		pass_time(atoll(l->words[0].text.p + 1) * CLOCK_S);
	else if (strcmp(l->key, "worker") == 0) {
		play.worker.state = WORKER_STOPPING;
		sessions_wake_idle(&play.worker);
		if (word_is(&l->words[0], "cutting"))
			sessions_stop(&play.worker);
		settle();
	}
}

static bool
is_done(void)
{
	return judgement.problem[0] != '\0' ||
	    (judgement.is_fault_run && play.client.fd < 0);
}

static struct span
read_log(void)
{
	static char text[65536];
	int fd = open(log_path, O_RDONLY);
	ssize_t n = fd < 0 ? -1 : read(fd, text, sizeof(text) - 1);

	if (fd >= 0)
		close(fd);
	text[n > 0 ? n : 0] = '\0';
	return span_n(text, n > 0 ? n : 0);
}

static void
check_log(void)
{
	const char *text = read_log().p;
	size_t i;

	for (i = 0; i < play.script->n; i++) {
		const struct script_line *l = &play.script->lines[i];
		bool wanted = strcmp(l->key, "log") == 0;
		regex_t regex;

		if (!wanted && strcmp(l->key, "no-log") != 0)
			continue;
		if (regcomp(&regex, arena_copy(play.arena, l->rest),
		    REG_EXTENDED | REG_NEWLINE | REG_NOSUB) != 0) {
			problem("line %u: not a regex", l->number);
			return;
		}
		if ((regexec(&regex, text, 0, NULL, 0) == 0) != wanted)
			problem("line %u: %s line of the log matches:\n%s",
			    l->number, wanted ? "no" : "a", text);
		regfree(&regex);
	}
}

/* One performance; the number of waits that it took. */
static unsigned
perform(const char *path, unsigned fail, enum fake_failure how)
{
	unsigned waits;
	struct err err;
	size_t i;

	memset(&play, 0, sizeof(play));
	judgement.is_fault_run = fail > 0;
	judgement.problem[0] = '\0';
	judgement.taken = judgement.acknowledged = 0;
	play.arena = arena_create("script");
	play.script = script_read(play.arena, path, &err);
	if (truncate(log_path, 0) < 0)
		problem("%s: %s", log_path, strerror(errno));
	if (play.script == NULL)
		problem("%s", err.text);
	else if (set_stage()) {
		fake_fail_wait(fail, how);
		for (i = 0; i < play.script->n && !is_done(); i++)
			play_line(&play.script->lines[i]);
		waits = fake_waits();
		strike_stage();
		if (!judgement.is_fault_run)
			check_log();
		if (judgement.acknowledged > judgement.taken &&
		    !has_key("discards"))
			problem("%u messages acknowledged, %u taken",
			    judgement.acknowledged, judgement.taken);
		arena_destroy(&play.arena);
		return waits;
	}
	arena_destroy(&play.arena);
	return 0;
}

static void
play_script(const char *path)
{
	static const char *const ways[] = { "timeout", "closing" };
	char name[300], label[400];
	unsigned waits, n;
	int how;

	snprintf(name, sizeof(name), "%s", strrchr(path, '/') != NULL ?
	    strrchr(path, '/') + 1 : path);
	memset(judgement.five, 0, sizeof(judgement.five));
	waits = perform(path, 0, FAIL_BY_TIMEOUT);
	T_STR(name, judgement.problem, "");
	if (judgement.problem[0] != '\0')
		return;
	for (how = FAIL_BY_TIMEOUT; how <= FAIL_BY_CLOSING; how++) {
		for (n = 1; n <= waits && n <= MAX_FAULTS; n++) {
			perform(path, n, how);
			if (judgement.problem[0] != '\0')
				break;
		}
		snprintf(label, sizeof(label),
		    "%s: %u waits fail by %s, one at a time", name, waits,
		    ways[how]);
		if (judgement.problem[0] != '\0')
			snprintf(label, sizeof(label), "%s: wait %u of %u "
			    "fails by %s", name, n, waits, ways[how]);
		T_STR(label, judgement.problem, "");
	}
}

/* All of tests/smtp, from the source tree or a build folder within it. */
static void
play_all(void)
{
	glob_t found;
	size_t i;

	if (glob("tests/smtp/*.smtp", 0, NULL, &found) != 0 &&
	    glob("../tests/smtp/*.smtp", 0, NULL, &found) != 0) {
		T_OK("there are scripts in tests/smtp", false);
		return;
	}
	for (i = 0; i < found.gl_pathc; i++)
		play_script(found.gl_pathv[i]);
	globfree(&found);
}

int
main(int argc, char **argv)
{
	struct err err;
	int i;

	if (mkdtemp(folder) == NULL)
		abort();
	snprintf(log_path, sizeof(log_path), "%s/log", folder);
	if (log_open(log_path, "play", &err) < 0) {
		fprintf(stderr, "%s\n", err.text);
		return 1;
	}
	loop_create();
	for (i = 1; i < argc; i++)
		play_script(argv[i]);
	if (argc == 1)
		play_all();
	log_close();
	loop_destroy();
	unlink(log_path);
	rmdir(folder);
	return t_done();
}
