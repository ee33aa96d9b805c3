#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/charset.h"
#include "base/clock.h"
#include "base/dns.h"
#include "base/log_value.h"
#include "base/loop.h"
#include "base/task.h"
#include "gateway/exit_code.h"
#include "gateway/explain.h"
#include "gateway/explain_internal.h"
#include "gateway/message_check.h"
#include "gateway/results.h"
#include "gateway/ruleset.h"
#include "gateway/stock.h"

#define PROBES		(10 * CLOCK_S)	/* of DNS lists, before it begins */
#define POLL		(20 * CLOCK_MS)
#define MESSAGE_MOST	(512u << 20)	/* octets of a file */
/* Whether a rule asks for it or not. */
#define ALL_CHECKS	(~(unsigned)CHECK_ARC)

/* One explanation under way. */
struct work {
	const struct explain_request *request;
	struct settings		*settings;
	const struct ruleset	*rules;
	struct arena		*arena;
	struct buf		 message;
	struct court		*court;
	struct checker		*checker;
	struct explanation	 x;
	int			 looked;
	struct err		 err;
	int			 ret;
};

/* --- the arguments --- */

static int
read_client(struct work *w)
{
	const struct explain_request *r = w->request;
	struct client *c = &w->x.client;
	char ip[ADDR_TEXT];

	if (r->client == NULL)
		return err_set(&w->err, ERR_SYNTAX, "explain needs --client "
		    "with the client's address, or an id of the journal, "
		    "as 5f3a91c2d001.1");
	if (addr_parse_ip(span_z(r->client), 0, &c->addr, &w->err) < 0 &&
	    (addr_parse(span_z(r->client), &c->addr, &w->err) < 0 ||
	    addr_is_unix(&c->addr)))
		return err_set(&w->err, ERR_SYNTAX, "--client \"%s\": "
		    "expected an address, perhaps with a port", r->client);
	if (r->name != NULL && !domain_is_valid(span_z(r->name), true))
		return err_set(&w->err, ERR_SYNTAX, "--name \"%s\": expected "
		    "a domain", r->name);
	c->name = r->name;
	c->reverse = r->name != NULL ? DNS_REVERSE_OK : DNS_REVERSE_TEMPERROR;
	c->esmtp = true;
	w->x.has_name = r->name != NULL;
	c->helo = r->helo;
	if (c->helo == NULL && r->name != NULL)
		c->helo = r->name;
	if (c->helo == NULL)
		c->helo = arena_printf(w->arena, "[%s%s]",
		    c->addr.u.sa.sa_family == AF_INET6 ? "IPv6:" : "",
		    addr_ip(&c->addr, ip));
	if (strlen(c->helo) <= 255 && (domain_is_valid(span_z(c->helo),
	    true) || domain_is_literal(span_z(c->helo))))
		return 0;
	return err_set(&w->err, ERR_SYNTAX, "--helo \"%s\": expected a domain "
	    "or an address literal", c->helo);
}

/* "<a@b>" and "a@b". */
static struct span
without_brackets(const char *text)
{
	struct span s = span_z(text);

	if (s.len >= 2 && s.p[0] == '<' && s.p[s.len - 1] == '>')
		s = span_n(s.p + 1, s.len - 2);
	return s;
}

static int
read_addresses(struct work *w)
{
	const struct explain_request *r = w->request;
	struct explanation *x = &w->x;
	struct span from = without_brackets(r->from != NULL ? r->from : "");

	if (from.len > 0 && address_parse(from, true, &x->envelope.sender,
	    &w->err) < 0)
		return err_prefix(&w->err, "--from \"%s\"", r->from);
	x->envelope.smtputf8 = x->envelope.sender.utf8;
	x->has_rcpt = r->to != NULL;
	if (!x->has_rcpt)
		return 0;
	if (address_parse(without_brackets(r->to), true, &x->rcpt.addr,
	    &w->err) < 0)
		return err_prefix(&w->err, "--to \"%s\"", r->to);
	x->envelope.rcpts = &x->rcpt;
	x->envelope.nrcpts = 1;
	x->envelope.smtputf8 |= x->rcpt.addr.utf8;
	return 0;
}

static int
find_listener(struct work *w)
{
	const struct settings *s = w->settings;
	const char *name = w->request->listener;

	for (size_t i = 0; i < s->nlisteners; i++)
		if (name == NULL || strcmp(name, s->listeners[i].name) == 0) {
			w->x.heard.listener = &s->listeners[i];
			return 0;
		}
	return err_set(&w->err, ERR_SYNTAX, "--listener \"%s\": the "
	    "configuration has none of this name", name);
}

/* "192.0.2.1@53", "2001:db8::1@53", "[2001:db8::1]@53"; or as in settings. */
static int
parse_resolver(struct span text, struct addr *addr, struct err *err)
{
	struct span port = text, ip = span_until(&port, '@');
	uint64_t number = 53;

	if (ip.len < text.len) {
		if (span_uint(port, 65535, &number) < 0)
			return err_set(err, ERR_SYNTAX, "a port behind the @");
		if (ip.len >= 2 && ip.p[0] == '[' && ip.p[ip.len - 1] == ']')
			ip = span_n(ip.p + 1, ip.len - 2);
	} else if (addr_parse(text, addr, err) == 0 && !addr_is_unix(addr))
		return 0;
	return addr_parse_ip(ip, (int)number, addr, err);
}

static int
read_resolver(struct work *w)
{
	const char *text = w->request->resolver, **server;
	char shown[ADDR_TEXT];
	struct addr addr;

	if (text == NULL)
		return 0;
	if (parse_resolver(span_z(text), &addr, &w->err) < 0)
		return err_set(&w->err, ERR_SYNTAX, "--resolver \"%s\": "
		    "expected ADDRESS@PORT", text);
	server = arena_new(w->arena, const char *);
	*server = arena_strdup(w->arena, addr_text(&addr, shown));
	w->settings->resolver_forward = (struct names){ server, 1 };
	return 0;
}

/* --- the message --- */

/* As a session takes it; octets come as from a client. */
static void
feed(struct work *w, struct span octets)
{
	struct explanation *x = &w->x;
	struct span run;

	while (dotstream_next(&x->in, &octets, &run)) {
		header_feed(&x->scan, run);
		buf_span(&w->message, run);
	}
}

/* Files have LF where SMTP has CRLF; one with CRLF stays as it is. */
static void
feed_lines(struct work *w, struct span in, bool *after_cr)
{
	struct buf out = {0};

	for (size_t i = 0; i < in.len; i++) {
		if (in.p[i] == '\n' && !*after_cr)
			buf_put(&out, "\r", 1);
		buf_put(&out, in.p + i, 1);
		*after_cr = in.p[i] == '\r';
	}
	feed(w, buf_text(&out));
	buf_free(&out);
}

/* DATA ends behind a line. */
static void
end_message(struct work *w)
{
	struct explanation *x = &w->x;

	if (!x->in.ends_in_crlf)
		feed(w, SPAN_LIT("\r\n"));
	dotstream_end(&x->in);
	header_scan_end(&x->scan);
	x->message = w->message.len > 0 ? buf_text(&w->message) :
	    SPAN_LIT("");
	x->has_message = true;
}

static int
read_message(struct work *w)
{
	const char *path = w->request->message;
	bool is_stdin = path != NULL && strcmp(path, "-") == 0;
	bool after_cr = false;
	char piece[1024];
	size_t n;
	FILE *f;

	if (path == NULL)
		return 0;
	f = is_stdin ? stdin : fopen(path, "re");
	if (f == NULL)
		return err_set(&w->err, ERR_UNAVAIL, "%s: %s", path,
		    strerror(errno));
	dotstream_begin(&w->x.in, message_newlines(&w->x.heard.listener->smtp,
	    &w->x.client.addr), true);
	header_scan_begin(&w->x.scan);
	while ((n = fread(piece, 1, sizeof(piece), f)) > 0 &&
	    w->message.len < MESSAGE_MOST)
		feed_lines(w, span_n(piece, n), &after_cr);
	if (ferror(f))
		w->ret = err_set(&w->err, ERR_UNAVAIL, "%s: %s", path,
		    strerror(errno));
	else if (w->message.len >= MESSAGE_MOST)
		w->ret = err_set(&w->err, ERR_UNAVAIL, "%s: more than %u MiB",
		    path, MESSAGE_MOST >> 20);
	if (!is_stdin)
		fclose(f);
	end_message(w);
	return w->ret;
}

/* --- one run --- */

static MAY_YIELD int
await_probes(struct work *w)
{
	int64_t deadline = clock_now() + PROBES;

	while ((!checker_is_probed(w->checker) ||
	    !checker_is_probed(w->court->checker)) && clock_now() < deadline)
		if (fiber_sleep(POLL, &w->err) < 0)
			return -1;
	return 0;
}

static MAY_YIELD void
look(struct arena *a, void *state)
{
	struct work *w = *(struct work **)state;
	struct err err;

	(void)a;
	w->looked = explain_look(w->arena, w->settings, w->checker, &w->x,
	    &err);
}

/* Side by side: what has no answer is waited for once. */
static MAY_YIELD int
look_and_judge(struct work *w)
{
	struct task *task = task_create("look", sizeof(struct work *));
	int ret;

	*(struct work **)task_state(task) = w;
	task_start(task, look);
	ret = explain_judge(w->arena, w->court, &w->x, &w->err);
	if (ret == 0)
		ret = task_await(task, &w->err);
	task_drop(&task);
	return ret < 0 || w->looked < 0 ? -1 : 0;
}

/* Of a mail that was judged only in part, those that it would get if it is
 * delivered. */
static void
find_fields(struct work *w)
{
	struct explanation *x = &w->x;
	struct hearing *h = &x->heard;
	const struct header_cut *cuts;
	struct buf out = {0};

	if (h->fate != FATE_UNDECIDED || !x->has_message ||
	    h->unlooked != NULL)
		return;
	results_put(w->arena, w->settings, &x->client, &x->envelope,
	    &x->findings, &out);
	h->fields = arena_span(w->arena, buf_text(&out));
	buf_free(&out);
	h->ncuts = results_cuts(w->arena, w->court, x->findings.header,
	    &cuts);
}

static void
print(struct work *w)
{
	json_t *facts = json_object(), *why = json_object();

	find_fields(w);
	explain_facts(w->arena, &w->x, facts, why);
	if (w->request->json)
		explain_json(w->arena, &w->x, facts, why);
	else
		explain_text(&w->x, facts, why);
	json_decref(facts);
	json_decref(why);
}

static MAY_YIELD void
explain(void *arg)
{
	struct work *w = arg;

	w->ret = await_probes(w);
	if (w->ret == 0)
		w->ret = look_and_judge(w);
	if (w->ret == 0)
		print(w);
	explain_judge_end(&w->x);
	explain_look_end(&w->x);
	if (w->court->stock != NULL)
		stock_stop(w->court->stock);
	checker_stop(w->checker);
	checker_stop(w->court->checker);
}

static int
look_up_all(struct work *w)
{
	const struct settings *s = w->settings;
	const struct dns_options options = {
		.forward = s->resolver_forward.list,
		.nforward = s->resolver_forward.n,
		.trust_anchor = s->resolver_trust_anchor,
	};
	struct checker_options all = { .settings = s,
	    .lists = w->rules->lists, .nlists = w->rules->nlists,
	    .wants = ALL_CHECKS };

	loop_create();
	if (dns_create(&options, &w->err) < 0) {
		loop_destroy();
		return err_prefix(&w->err, "resolver");
	}
	if (checks_open(s, &w->err) < 0)
		w->ret = -1;
	w->court = court_open(w->arena, s, w->rules, NULL);
	if (w->court->asks_store)
		w->court->stock = stock_look(s, w->request->demo);
	all.wants |= w->court->wants;
	w->checker = checker_create(w->arena, &all);
	if (w->ret == 0)
		fiber_spawn("explain", explain, w);
	else {
		if (w->court->stock != NULL)
			stock_stop(w->court->stock);
		checker_stop(w->checker);
		checker_stop(w->court->checker);
	}
	while (fiber_count() > 0)
		loop_turn(true);
	stock_close(&w->court->stock);
	checks_close();
	dns_destroy();
	loop_destroy();
	return w->ret;
}

int
explain_run(const struct explain_request *request, struct settings *settings,
    const struct ruleset *rules)
{
	struct work w = { .request = request, .settings = settings,
	    .rules = rules,
	    .arena = arena_create("explain") };
	struct buf missing = {0}, said = {0};
	int code = EXIT_USAGE;

	charset_open(&missing);		/* the gateway would tell of them */
	w.x.heard.rules = rules->name;
	w.x.heard.is_observing = settings->observe;
	if (read_client(&w) == 0 && read_addresses(&w) == 0 &&
	    find_listener(&w) == 0 && read_resolver(&w) == 0) {
		code = EXIT_RUNTIME;
		if (read_message(&w) == 0 && look_up_all(&w) == 0)
			code = EXIT_GOOD;
	}
	if (code != EXIT_GOOD) {
		log_value_words(&said, span_z(w.err.text));
		fprintf(stderr, "forepost: %.*s\n", SPAN_ARG(buf_text(&said)));
	}
	buf_free(&said);
	arena_destroy(&w.arena);
	buf_free(&w.message);
	buf_free(&missing);
	charset_close();
	return code;
}
