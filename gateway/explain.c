#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/dns.h"
#include "base/loop.h"
#include "base/task.h"
#include "gateway/court.h"
#include "gateway/exit_code.h"
#include "gateway/explain.h"
#include "gateway/explain_internal.h"
#include "gateway/results.h"
#include "gateway/ruleset.h"
#include "policy/header.h"

#define PROBES		(10 * CLOCK_S)	/* of DNS lists, before they are asked */
#define POLL		(20 * CLOCK_MS)
#define MESSAGE_MOST	(512u << 20)	/* octets of a file */
/* Whether a rule asks for it or not. */
#define ALL_CHECKS	(~(unsigned)CHECK_ARC)
#define NAMES		3		/* client, HELO, sender */

/* One explanation under way. */
struct work {
	const struct explain_request *request;
	struct settings		*settings;
	const struct ruleset	*rules;
	struct arena		*arena;
	struct buf		 message;	/* with CRLF line ends */
	struct court		*court;
	struct checker		*checker;
	struct explanation	 x;
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
		    "with the client's address");
	if (addr_parse_ip(span_z(r->client), 25, &c->addr, &w->err) < 0)
		return err_prefix(&w->err, "--client");
	if (r->name != NULL && !domain_is_valid(span_z(r->name), true))
		return err_set(&w->err, ERR_SYNTAX, "--name \"%s\": expected "
		    "a domain", r->name);
	c->name = r->name;
	c->reverse = r->name != NULL ? DNS_REVERSE_OK : DNS_REVERSE_TEMPERROR;
	c->esmtp = true;
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
	return 0;
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

/* Files have LF where SMTP has CRLF; one with CRLF stays as it is. */
static void
put_line_ends(struct buf *out, struct span in, bool *after_cr)
{
	for (size_t i = 0; i < in.len; i++) {
		if (in.p[i] == '\n' && !*after_cr)
			buf_put(out, "\r", 1);
		buf_put(out, in.p + i, 1);
		*after_cr = in.p[i] == '\r';
	}
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
	while ((n = fread(piece, 1, sizeof(piece), f)) > 0 &&
	    w->message.len < MESSAGE_MOST)
		put_line_ends(&w->message, span_n(piece, n), &after_cr);
	if (ferror(f))
		w->ret = err_set(&w->err, ERR_UNAVAIL, "%s: %s", path,
		    strerror(errno));
	else if (w->message.len >= MESSAGE_MOST)
		w->ret = err_set(&w->err, ERR_UNAVAIL, "%s: more than %u MiB",
		    path, MESSAGE_MOST >> 20);
	if (!is_stdin)
		fclose(f);
	w->x.has_message = true;
	w->x.size = w->message.len;
	return w->ret;
}

/* --- the checks --- */

static int64_t
names_deadline(const struct work *w)
{
	return clock_now() + w->settings->resolver_timeout;
}

static MAY_YIELD void
look_up_client(struct arena *a, void *state)
{
	struct work *w = *(struct work **)state;
	struct client *c = &w->x.client;
	struct err err;

	(void)a;
	if (c->name != NULL)
		return;
	if (dns_reverse_name(w->arena, &c->addr, names_deadline(w),
	    &c->reverse, &w->x.reverse_name, &err) == 0 &&
	    c->reverse == DNS_REVERSE_OK)
		c->name = w->x.reverse_name;
}

/* What a session does not look up as long as no rule asks for it. */
static MAY_YIELD void
look_up_helo(struct arena *a, void *state)
{
	struct work *w = *(struct work **)state;
	struct err err;

	(void)a;
	(void)rdns_helo(w->arena, w->x.client.helo, &w->x.client.addr,
	    names_deadline(w), &w->x.helo, &err);
}

static MAY_YIELD void
look_up_sender(struct arena *a, void *state)
{
	struct work *w = *(struct work **)state;
	struct err err;

	(void)a;
	(void)rdns_sender(w->arena, &w->x.envelope.sender, names_deadline(w),
	    &w->x.sender, &err);
}

/* Side by side, so that one whose servers are silent costs the others
 * nothing. */
static void
begin_names(struct work *w, struct task *names[NAMES])
{
	task_fn *const run[NAMES] = { look_up_client, look_up_helo,
	    look_up_sender };

	for (int i = 0; i < NAMES; i++) {
		names[i] = task_create("names", sizeof(struct work *));
		*(struct work **)task_state(names[i]) = w;
		task_start(names[i], run[i]);
	}
}

static MAY_YIELD int
await_probes(struct work *w)
{
	int64_t deadline = clock_now() + PROBES;

	while (!checker_is_probed(w->checker) && clock_now() < deadline)
		if (fiber_sleep(POLL, &w->err) < 0)
			return -1;
	return 0;
}

static MAY_YIELD int
check_mail(struct work *w, struct client_checks *of)
{
	struct mail_checks *m = mail_checks_begin(w->arena, of, &w->x.client,
	    &w->x.envelope);
	struct span text = buf_text(&w->message);
	struct fields *header = arena_new(w->arena, struct fields);
	struct author *author = arena_new(w->arena, struct author);
	struct header_scan scan;
	int ret;

	if (w->x.has_message) {
		header_scan_begin(&scan);
		header_feed(&scan, text);
		header_scan_end(&scan);
		fields_parse(w->arena, span_n(text.p, scan.size), header);
		author_find(w->arena, header, author);
		mail_checks_header(m, header, author);
		mail_checks_body(m, span_n(text.p + scan.size,
		    text.len - scan.size));
	}
	ret = mail_checks_finish(m, &w->x.findings, &w->err);
	w->x.findings.header = header;
	w->x.findings.author = author;
	return ret;
}

static void
find_fields(struct work *w)
{
	const struct settings *s = w->settings;
	const struct header_cut *cuts;
	struct buf *out = arena_new(w->arena, struct buf);

	if (!w->x.has_message)
		return;
	results_put(w->arena, s, &w->x.client, &w->x.envelope,
	    &w->x.findings, out);
	w->x.fields = arena_span(w->arena, buf_text(out));
	buf_free(out);
	w->x.ncuts = results_cuts(w->arena, w->court, &w->x.findings, &cuts);
}

static MAY_YIELD void
explain(void *arg)
{
	struct work *w = arg;
	struct client_checks *of;
	struct task *names[NAMES];

	w->ret = await_probes(w);
	if (w->ret < 0)
		return;
	begin_names(w, names);
	of = client_checks_begin(w->checker, ~(unsigned)CHECK_NAME);
	client_checks_start(of, &w->x.client);
	client_checks_helo(of, &w->x.client);
	w->ret = check_mail(w, of);
	for (int i = 0; w->ret == 0 && i < NAMES; i++)
		w->ret = task_await(names[i], &w->err);
	if (w->ret == 0)
		find_fields(w);
	if (w->ret == 0)
		explain_print(w->arena, &w->x, w->request->json);
	for (int i = 0; i < NAMES; i++)
		task_drop(&names[i]);
	checker_stop(w->checker);
	checker_stop(w->court->checker);
	client_checks_end(&of);
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
	all.wants |= w->court->wants;
	w->checker = checker_create(w->arena, &all);
	if (w->ret == 0)
		fiber_spawn("explain", explain, w);
	else {
		checker_stop(w->checker);
		checker_stop(w->court->checker);
	}
	while (fiber_count() > 0)
		loop_turn(true);
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
	int code = EXIT_USAGE;

	if (read_client(&w) == 0 && read_addresses(&w) == 0 &&
	    read_resolver(&w) == 0) {
		code = EXIT_RUNTIME;
		if (read_message(&w) == 0 && look_up_all(&w) == 0)
			code = EXIT_GOOD;
	}
	if (code != EXIT_GOOD)
		fprintf(stderr, "forepost: %s\n", w.err.text);
	arena_destroy(&w.arena);
	buf_free(&w.message);
	return code;
}
