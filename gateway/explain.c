#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/dns.h"
#include "base/loop.h"
#include "base/task.h"
#include "gateway/exit_code.h"
#include "gateway/explain.h"
#include "gateway/explain_internal.h"
#include "gateway/fixed_policy.h"

#define PROBES		(10 * CLOCK_S)	/* of DNS lists, before they are asked */
#define POLL		(20 * CLOCK_MS)
#define MESSAGE_MOST	(512u << 20)	/* octets of a file */

/* One explanation under way. */
struct work {
	const struct explain_request *request;
	struct settings		*settings;
	struct arena		*arena;
	struct buf		 message;	/* with CRLF line ends */
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

	x->has_sender = r->from != NULL;
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

static int
read_resolver(struct work *w)
{
	const char *text = w->request->resolver, **server;
	char *at;

	if (text == NULL)
		return 0;
	server = arena_new(w->arena, const char *);
	*server = arena_strdup(w->arena, text);
	at = strchr(*server, '@');
	if (at != NULL && strchr(text, ':') != NULL)	/* IPv6 */
		*server = arena_printf(w->arena, "[%.*s]:%s",
		    (int)(at - *server), *server, at + 1);
	else if (at != NULL)
		*at = ':';
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
	if (!is_stdin)
		fclose(f);
	w->x.has_message = true;
	w->x.size = w->message.len;
	return w->ret;
}

/* --- the checks --- */

/* What a session does not look up as long as no rule asks for it. */
struct names_work {
	const struct work	*work;
	struct explanation	*x;
};

static MAY_YIELD void
look_up_names(struct arena *a, void *state)
{
	struct names_work *n = state;
	struct explanation *x = n->x;
	int64_t deadline = clock_now() + n->work->settings->resolver_timeout;
	struct err err;

	(void)a;
	if (x->client.name == NULL) {
		if (dns_reverse_name(n->work->arena, &x->client.addr, deadline,
		    &x->client.reverse, &x->reverse_name, &err) < 0)
			return;
		if (x->client.reverse == DNS_REVERSE_OK)
			x->client.name = x->reverse_name;
	}
	if (rdns_helo(n->work->arena, x->client.helo, &x->client.addr,
	    deadline, &x->helo, &err) == 0 && x->has_sender)
		(void)rdns_sender(n->work->arena, &x->envelope.sender,
		    deadline, &x->sender, &err);
}

static struct task *
begin_names(struct work *w)
{
	struct task *t = task_create("names", sizeof(struct names_work));

	*(struct names_work *)task_state(t) = (struct names_work){ w, &w->x };
	task_start(t, look_up_names);
	return t;
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
	struct span text = buf_text(&w->message), body = SPAN_LIT("");
	const char *end = text.len == 0 ? NULL :
	    memmem(text.p, text.len, "\r\n\r\n", 4);

	if (w->x.has_message) {
		if (end != NULL) {
			body = span_n(end + 4, (size_t)(text.p + text.len -
			    end - 4));
			text.len -= body.len;
		}
		mail_checks_header(m, text);
		mail_checks_body(m, body);
	}
	return mail_checks_finish(m, &w->x.findings, &w->err);
}

static void
find_fields(struct work *w)
{
	const struct settings *s = w->settings;
	struct authres_ids ids = fixed_policy_ids(w->arena, s);
	struct authres_cut *cuts;
	struct buf *out = arena_new(w->arena, struct buf);

	if (!w->x.has_message)
		return;
	fixed_policy_fields(w->arena, s, &w->x.client, &w->x.envelope,
	    &w->x.findings, out);
	w->x.fields = arena_span(w->arena, buf_text(out));
	buf_free(out);
	w->x.ncuts = fixed_policy_cuts(w->arena, s, &ids, &w->x.findings,
	    &cuts);
}

static MAY_YIELD void
explain(void *arg)
{
	struct work *w = arg;
	struct client_checks *of;
	struct task *names;

	w->ret = await_probes(w);
	if (w->ret < 0)
		return;
	names = begin_names(w);
	of = client_checks_begin(w->checker, &w->x.client);
	w->ret = check_mail(w, of);
	if (w->ret == 0)
		w->ret = task_await(names, &w->err);
	if (w->ret == 0)
		find_fields(w);
	if (w->ret == 0)
		explain_print(w->arena, &w->x, w->request->json);
	task_drop(&names);
	checker_stop(w->checker);
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

	loop_create();
	if (dns_create(&options, &w->err) < 0) {
		loop_destroy();
		return err_prefix(&w->err, "resolver");
	}
	if (checks_open(s, &w->err) < 0)
		w->ret = -1;
	w->checker = checker_create(w->arena, s, NULL, NULL);
	if (w->ret == 0)
		fiber_spawn("explain", explain, w);
	else
		checker_stop(w->checker);
	while (fiber_count() > 0)
		loop_turn(true);
	checks_close();
	dns_destroy();
	loop_destroy();
	return w->ret;
}

int
explain_run(const struct explain_request *request, struct settings *settings)
{
	struct work w = { .request = request, .settings = settings,
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
