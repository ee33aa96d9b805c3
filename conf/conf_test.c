#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "conf/conf.h"
#include "conf/directive.h"
#include "tests/kit/report_files.h"
#include "tests/kit/t.h"

/*
 * The files of tests/conf: those in good/ load without a word, and what is
 * dumped of them loads to the same dump; those in bad/ and warn/ give
 * exactly the report that stands, as a comment, at their head. The sample that
 * is installed is a good one too.
 */

static char *
dump(const struct settings *s)
{
	char *text = NULL;
	size_t len = 0;
	FILE *f = open_memstream(&text, &len);

	conf_dump(s, f);
	fclose(f);
	return text;
}

static void
test_good(const char *path)
{
	struct arena *a = arena_create("conf test");
	struct settings *s, *again;
	char *first, *second;
	const char *report;

	s = conf_load(a, path, false, &report);
	T_STR(path, report, "");
	T_OK(path, s != NULL);
	if (s != NULL) {
		T_STR(path, s->path, path);
		first = dump(s);
		again = conf_load_text(a, "dumped", span_z(first), false,
		    &report);
		T_STR(path, report, "");
		T_OK(path, again != NULL);
		if (again != NULL) {
			second = dump(again);
			T_STR(path, second, first);
			free(second);
		}
		free(first);
		conf_free(&again);
	}
	conf_free(&s);
	arena_destroy(&a);
}

static void
test_report(const char *path, bool is_bad)
{
	struct arena *a = arena_create("conf test");
	const char *report;
	struct settings *s = conf_load(a, path, false, &report);

	T_STR(path, report, report_files_expected(a, path));
	T_OK(path, (s == NULL) == is_bad);
	conf_free(&s);
	arena_destroy(&a);
}

static void
test_bad(const char *path)
{
	test_report(path, true);
}

static void
test_warn(const char *path)
{
	test_report(path, false);
}

static void
test_ten_mistakes(void)
{
	struct arena *a = arena_create("conf test");
	const char *report;
	int messages = 0;

	T_OK("a bad file gives no settings",
	    conf_load(a, "bad/ten-mistakes.conf", false, &report) == NULL);
	for (const char *p = report; p != NULL; p = strchr(p + 1, '\n'))
		messages += strncmp(p + (*p == '\n'), "bad/ten", 7) == 0;
	T_INT("ten mistakes, ten messages", messages, 10);
	arena_destroy(&a);
}

/* Whether good/every-setting.conf sets a row of the table. */
static bool
is_set_in(const struct tokens *tokens, const struct directive *row)
{
	const struct block *block = NULL;
	unsigned scope = SCOPE_TOP;

	for (size_t i = 0; i < tokens->n; i++) {
		const struct token *t = &tokens->list[i];

		if (scope == SCOPE_TOP && t->kind == TOKEN_WORD &&
		    block_find(t->text) != NULL)
			block = block_find(t->text);
		if (token_is_punct(t, "{"))
			scope = block->scope;
		else if (token_is_punct(t, "}"))
			scope = SCOPE_TOP;
		else if ((row->scopes & scope) && token_is_word(t, row->name))
			return true;
	}
	return false;
}

static void
test_every_row_is_set(void)
{
	struct arena *a = arena_create("conf test");
	struct diagnostics *d = diagnostics_create(a);
	struct source *source;
	struct tokens tokens;
	struct err err;

	T_INT("good/every-setting.conf is there",
	    source_read(a, "good/every-setting.conf", &source, &err), 0);
	tokens = lex(a, source, LEX_CONF, d);
	for (size_t i = 0; i < directive_count(); i++)
		T_OK(directive_at(i)->name,
		    is_set_in(&tokens, directive_at(i)));
	arena_destroy(&a);
}

static const char rest[] =
    "hostname mx.example.org\n"
    "listener mx { address 0.0.0.0:25 }\n"
    "backend in { address smtp://10.0.0.5 }\n"
    "route { domains example.org backend in }\n";

static struct settings *
load(struct arena *a, const char *text)
{
	const char *report, *all = arena_printf(a, "%s\n%s", text, rest);
	struct settings *s;

	s = conf_load_text(a, "x", span_z(all), false, &report);
	T_STR(text, report, "");
	return s;
}

static void
test_defaults(void)
{
	struct arena *a = arena_create("conf test");
	struct settings *s = load(a, "");
	const struct smtp_conf *c;

	if (s == NULL)
		return;
	c = &s->listeners[0].smtp;
	T_STR("path", s->path, NULL);
	T_STR("user", s->user, NULL);
	T_INT("workers", s->workers, 0);
	T_STR("log", s->log, "stderr");
	T_STR("spool", s->spool, "/var/spool/forepost");
	T_INT("spool_memory", s->spool_memory, 24 << 20);
	T_INT("drain_timeout", s->drain_timeout, 600000000);
	T_INT("max_sessions_per_client", s->max_sessions_per_client, 0);
	T_INT("max_sessions_per_network", s->max_sessions_per_network, 100);
	T_INT("max_sessions_per_site", s->max_sessions_per_site, 500);
	T_INT("stress_at", s->stress_at, 80);
	T_INT("resolver", s->resolver_timeout, 5000000);
	T_INT("max_message_size", c->max_message_size, 52428800);
	T_INT("command_timeout", c->command_timeout, 300000000);
	T_INT("greeting_delay", c->greeting_delay, 0);
	T_INT("tls", c->tls, TLS_MODE_NONE);
	T_OK("bare_newline", !c->bare_newline_normalize);
	T_INT("backend tls", s->backends[0].tls, BACKEND_TLS_OPPORTUNISTIC);
	T_INT("backend data_timeout", s->backends[0].data_timeout, 600000000);
	T_STR("backend helo", s->backends[0].helo, NULL);
	T_INT("rules", s->rules.choice, RULES_DEFAULT);
	T_STR("rules have no file", s->rules.path, NULL);
	T_OK("rules act", !s->observe);
	T_OK("no quarantine", s->quarantine_name == NULL &&
	    s->quarantine == SIZE_MAX);
	T_OK("refused at RCPT", !c->reject_at_connect);
	conf_free(&s);
	T_OK("freed", s == NULL);
	arena_destroy(&a);
}

static void
test_sites(void)
{
	static const struct {
		const char *text;
		uint64_t want;
	} cases[] = {
		{ "max_sessions_per_network 7", 35 },
		{ "max_sessions_per_network 1000000", 5000000 },
		{ "max_sessions_per_network 0", 0 },
		{ "max_sessions_per_network 0\nmax_sessions_per_site 9", 9 },
		{ "max_sessions_per_site 0", 0 },
	};
	struct arena *a = arena_create("conf test");

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct settings *s = load(a, cases[i].text);

		if (s == NULL)
			continue;
		T_INT(cases[i].text, s->max_sessions_per_site, cases[i].want);
		conf_free(&s);
	}
	arena_destroy(&a);
}

/* What stands at top level, before or behind, holds in listeners. */
static void
test_inheritance(void)
{
	struct arena *a = arena_create("conf test");
	struct settings *s = load(a,
	    "listener own { address 0.0.0.0:26 max_errors 3 xclient none "
	    "reject_at rcpt }\n"
	    "listener tls { address 0.0.0.0:27 certificate a key b }\n"
	    "max_errors 7\nxclient 10.0.0.0/8\ntls none\nmax_mails 9\n"
	    "reject_at connect");

	if (s == NULL)
		return;
	T_INT("own value", s->listeners[0].smtp.max_errors, 3);
	T_INT("own list", s->listeners[0].smtp.xclient.n, 0);
	T_INT("value of the top level", s->listeners[0].smtp.max_mails, 9);
	T_OK("own word", !s->listeners[0].smtp.reject_at_connect);
	T_OK("word of the top level", s->listeners[1].smtp.reject_at_connect);
	T_INT("explicit tls wins over a certificate",
	    s->listeners[1].smtp.tls, TLS_MODE_NONE);
	T_INT("another listener", s->listeners[2].smtp.max_errors, 7);
	T_INT("another listener's list", s->listeners[2].smtp.xclient.n, 1);
	conf_free(&s);

	s = load(a, "listener tls { address 0.0.0.0:27 certificate a key b }");
	if (s == NULL)
		return;
	T_INT("a certificate offers TLS", s->listeners[0].smtp.tls,
	    TLS_MODE_OFFER);
	T_INT("for its listener alone", s->listeners[1].smtp.tls,
	    TLS_MODE_NONE);
	conf_free(&s);
	arena_destroy(&a);
}

static void
test_links(void)
{
	struct arena *a = arena_create("conf test");
	struct settings *s = load(a, "route { domains a.example backend b }\n"
	    "backend b { address smtp://mail.example?weight=7 }");

	if (s == NULL)
		return;
	T_INT("a route finds its backend", s->routes[0].backend, 0);
	T_INT("and another its own", s->routes[1].backend, 1);
	T_STR("host", s->backends[0].urls[0].host, "mail.example");
	T_INT("port", s->backends[0].urls[0].port, 25);
	T_INT("weight", s->backends[0].urls[0].weight, 7);
	T_INT("no address", s->backends[0].urls[0].addr.len, 0);
	T_INT("address", addr_port(&s->backends[1].urls[0].addr), 25);
	conf_free(&s);
	arena_destroy(&a);
}

static void
test_rules(void)
{
	static const struct {
		const char *text;
		enum rules_choice choice;
		const char *path;
	} cases[] = {
		{ "rules default", RULES_DEFAULT, NULL },
		{ "rules none", RULES_NONE, NULL },
		{ "rules \"/etc/x.rules\"", RULES_FILE, "/etc/x.rules" },
		{ "rules /etc/x.rules", RULES_FILE, "/etc/x.rules" },
		{ "rules \"none\"", RULES_FILE, "/here/none" },
	};
	struct arena *a = arena_create("conf test");
	struct settings *s;

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const char *report, *all = arena_printf(a, "%s\n%s",
		    cases[i].text, rest);

		s = conf_load_text(a, "/here/x", span_z(all), false, &report);
		T_STR(cases[i].text, report, "");
		if (s == NULL)
			continue;
		T_INT(cases[i].text, s->rules.choice, cases[i].choice);
		T_STR(cases[i].text, s->rules.path, cases[i].path);
		conf_free(&s);
	}
	s = load(a, "quarantine q\nbackend q { address maildir:/tmp/q }\n"
	    "mode observe");
	if (s != NULL) {
		T_INT("quarantine is a backend", s->quarantine, 0);
		T_OK("mode", s->observe);
	}
	conf_free(&s);
	arena_destroy(&a);
}

static void
test_milters(void)
{
	struct arena *a = arena_create("conf test");
	struct settings *s = load(a,
	    "milter plain { address inet:8891@localhost }\n"
	    "milter own { address \"unix:f.sock\" failure accept\n"
	    "failure_rcpt shutdown failure_message reject\n"
	    "listeners mx networks 10.0.0.0/8 except 10.0.0.1 max_idle 0 }");
	const struct milter_conf *m;

	if (s == NULL)
		return;
	T_INT("in the order of the file", s->nmilters, 2);
	m = &s->milters[0];
	T_STR("name", m->name, "plain");
	T_STR("host", m->address.host, "localhost");
	T_INT("port", m->address.port, 8891);
	T_INT("when", m->when, MILTER_ALWAYS);
	T_INT("tell_at", m->tell_at, MILTER_AT_RCPT);
	T_INT("authenticated", m->authenticated, MILTER_LOGIN_ANY);
	T_INT("listeners", m->listeners.n, 0);
	T_INT("networks", m->networks.n, 0);
	T_INT("except", m->except.n, 0);
	T_INT("connect_timeout", m->connect_timeout, 10000000);
	T_INT("command_timeout", m->command_timeout, 30000000);
	T_INT("body_timeout", m->body_timeout, 30000000);
	T_INT("end_timeout", m->end_timeout, 120000000);
	T_INT("max_time", m->max_time, 300000000);
	T_INT("failure", m->failure, MILTER_TEMPFAIL);
	T_INT("failure_connect", m->failure_connect, MILTER_TEMPFAIL);
	T_INT("failure_message", m->failure_message, MILTER_TEMPFAIL);
	T_INT("max_idle", m->max_idle, 10);
	T_INT("idle_time", m->idle_time, 60000000);
	T_INT("retry_time", m->retry_time, 30000000);
	m = &s->milters[1];
	T_OK("a path is absolute", m->address.text[5] == '/' &&
	    addr_is_unix(&m->address.addr));
	T_INT("failure as set", m->failure, MILTER_ACCEPT);
	T_INT("at connect", m->failure_connect, MILTER_ACCEPT);
	T_INT("at HELO", m->failure_helo, MILTER_ACCEPT);
	T_INT("at MAIL", m->failure_mail, MILTER_ACCEPT);
	T_INT("another at RCPT", m->failure_rcpt, MILTER_SHUTDOWN);
	T_INT("another at the message", m->failure_message, MILTER_REJECT);
	T_STR("a listener", m->listeners.list[0], "mx");
	T_INT("a network", m->networks.n, 1);
	T_INT("but not", m->except.n, 1);
	T_INT("no idle connections", m->max_idle, 0);
	conf_free(&s);
	arena_destroy(&a);
}

static void
test_missing_file(void)
{
	struct arena *a = arena_create("conf test");
	const char *report;

	T_OK("no file, no settings",
	    conf_load(a, "missing.conf", true, &report) == NULL);
	T_STR("no file", report, "cannot open missing.conf: "
	    "No such file or directory\n");
	arena_destroy(&a);
}

int
main(void)
{
	report_files_find("tests/conf");
	report_files_each("good", "*.conf", test_good);
	test_good("../../conf/forepost.conf");
	report_files_each("bad", "*.conf", test_bad);
	report_files_each("warn", "*.conf", test_warn);
	test_ten_mistakes();
	test_every_row_is_set();
	test_defaults();
	test_sites();
	test_inheritance();
	test_links();
	test_rules();
	test_milters();
	test_missing_file();
	return t_done();
}
