#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <event2/event.h>

#include "base/clock.h"
#include "base/conn.h"
#include "base/loop.h"
#include "base/mem.h"
#include "gateway/dotstream.h"
#include "tests/kit/mail_server.h"

#define LINE	8192

struct mail_server_listen {
	int		 fd;
	struct event	*event;
};

struct mail_server_client {
	struct mail_server	*server;
	struct fiber		*fiber;
	struct conn		*conn;
	unsigned		 number;	/* of its connection */
	bool			 has_sender;
	unsigned		 rcpts;		/* accepted */
	struct {
		const char	*at;
		unsigned	 n;
	} seen[16];
	struct mail_server_client *next;
};

static void
need(bool ok, const char *what)
{
	if (ok)
		return;
	perror(what);
	exit(1);
}

/* --- answering --- */

static unsigned
count_seen(struct mail_server_client *c, const char *at)
{
	size_t i;

	for (i = 0; c->seen[i].at != NULL; i++)
		if (strcmp(c->seen[i].at, at) == 0)
			return ++c->seen[i].n;
	need(i + 1 < sizeof(c->seen) / sizeof(c->seen[0]), "seen");
	c->seen[i].at = at;
	return ++c->seen[i].n;
}

/* What the rules say here, or `otherwise`. */
static const char *
answer_at(struct mail_server_client *c, const char *at, const char *otherwise)
{
	unsigned nth = count_seen(c, at);
	const struct mail_server_rule *r;
	size_t i;

	for (i = 0; i < MAIL_SERVER_RULES; i++) {
		r = &c->server->rules[i];
		if (r->at != NULL && strcmp(r->at, at) == 0 &&
		    (r->conn == 0 || r->conn == c->number) &&
		    (r->nth == 0 || r->nth == nth))
			return r->say;
	}
	return otherwise;
}

static MAY_YIELD void
hang(struct mail_server_client *c)
{
	struct err err;

	while (conn_fill(c->conn, CLOCK_NEVER, &err) == 0)
		conn_consume(c->conn, conn_input(c->conn).len);
}

static void
reset(struct mail_server_client *c)
{
	struct linger now = { 1, 0 };

	setsockopt(conn_fd(c->conn), SOL_SOCKET, SO_LINGER, &now,
	    sizeof(now));
}

/* Says it; -1 when the connection is over. */
static MAY_YIELD int
say(struct mail_server_client *c, const char *text)
{
	struct span rest = span_z(text), line;
	struct err err;

	while (rest.len > 0 && rest.p[0] != '!') {
		line = span_until(&rest, '\n');
		conn_put(c->conn, line.p, line.len);
		conn_puts(c->conn, "\r\n");
	}
	if (rest.len == 0)
		return 0;
	conn_flush(c->conn, CLOCK_NEVER, &err);
	if (span_is(rest, "!hang"))
		hang(c);
	else if (span_is(rest, "!reset"))
		reset(c);
	return -1;
}

/* Says what the rules say; the code of it, 0 for none, -1: over. */
static MAY_YIELD int
answer(struct mail_server_client *c, const char *at, const char *otherwise)
{
	const char *text = answer_at(c, at, otherwise);

	return say(c, text) < 0 ? -1 : atoi(text);
}

/* --- reading --- */

static void
note(struct mail_server_client *c, struct span line)
{
	buf_printf(&c->server->log, "%u %.*s%s\n", c->number, SPAN_ARG(line),
	    conn_input(c->conn).len > 0 ? " +" : "");
}

static MAY_YIELD int
take_counted(struct mail_server_client *c, uint64_t left)
{
	struct span in;
	struct err err;

	buf_clear(&c->server->message);
	while (left > 0) {
		in = conn_input(c->conn);
		if (in.len == 0) {
			if (conn_fill(c->conn, CLOCK_NEVER, &err) < 0)
				return -1;
			continue;
		}
		if (in.len > left)
			in.len = left;
		buf_span(&c->server->message, in);
		left -= in.len;
		conn_consume(c->conn, in.len);
	}
	return 0;
}

static MAY_YIELD int
take_dotted(struct mail_server_client *c)
{
	struct dotstream d;
	struct span in, run;
	struct err err;

	buf_clear(&c->server->message);
	dotstream_begin(&d, NEWLINE_STRICT, false);
	while (!d.done) {
		if (conn_input(c->conn).len == 0 &&
		    conn_fill(c->conn, CLOCK_NEVER, &err) < 0)
			return -1;
		in = conn_input(c->conn);
		while (dotstream_next(&d, &in, &run))
			buf_span(&c->server->message, run);
		conn_consume(c->conn, conn_input(c->conn).len - in.len);
	}
	if (d.faults != 0)
		buf_puts(&c->server->log, "FAULT in the message\n");
	return 0;
}

/* The answer to the message, or (LMTP) one for each recipient. */
static MAY_YIELD int
end_message(struct mail_server_client *c)
{
	unsigned n = c->server->is_lmtp ? c->rcpts : 1;
	bool is_taken = false;
	const char *text;
	int ret = 0;

	c->rcpts = 0;
	c->has_sender = false;
	while (ret == 0 && n-- > 0) {
		text = answer_at(c, "message", "250 2.0.0 taken");
		is_taken |= text[0] == '2';
		ret = say(c, text);
	}
	c->server->messages += is_taken;
	return ret;
}

static MAY_YIELD int
do_bdat(struct mail_server_client *c, struct span args)
{
	uint64_t size = 0;
	const char *text = answer_at(c, "BDAT", NULL);

	if (text != NULL)	/* without reading what follows */
		return say(c, text);
	span_uint(span_word(&args), UINT64_MAX / 2, &size);
	return take_counted(c, size) < 0 ? -1 : end_message(c);
}

static MAY_YIELD int
do_data(struct mail_server_client *c)
{
	int code = answer(c, "DATA", "354 go on");

	if (code != 354)
		return code < 0 ? -1 : 0;
	return take_dotted(c) < 0 ? -1 : end_message(c);
}

static MAY_YIELD int
do_ehlo(struct mail_server_client *c)
{
	struct span rest = span_z(c->server->offers), line;
	struct buf text = {0};
	int ret;

	buf_puts(&text, rest.len > 0 ? "250-fake.example" :
	    "250 fake.example");
	while (rest.len > 0) {
		line = span_until(&rest, '\n');
		buf_printf(&text, "\n250%c%.*s", rest.len > 0 ? '-' : ' ',
		    SPAN_ARG(line));
	}
	buf_put(&text, "", 1);
	ret = answer(c, "EHLO", text.p);
	buf_free(&text);
	return ret < 0 ? -1 : 0;
}

static MAY_YIELD int
do_starttls(struct mail_server_client *c)
{
	int code = answer(c, "STARTTLS", "220 go on");
	struct err err;

	if (code != 220 || c->server->tls == NULL)
		return code < 0 ? -1 : 0;
	if (conn_flush(c->conn, CLOCK_NEVER, &err) < 0)
		return -1;
	return tls_accept(c->conn, c->server->tls, CLOCK_NEVER, &err);
}

static MAY_YIELD int
do_command(struct mail_server_client *c, struct span line)
{
	struct span verb = span_word(&line);
	int code;

	if (span_is_nocase(verb, "EHLO") || span_is_nocase(verb, "LHLO"))
		return do_ehlo(c);
	if (span_is_nocase(verb, "STARTTLS"))
		return do_starttls(c);
	if (span_is_nocase(verb, "DATA"))
		return do_data(c);
	if (span_is_nocase(verb, "BDAT"))
		return do_bdat(c, line);
	if (span_is_nocase(verb, "MAIL")) {
		code = answer(c, "MAIL", "250 2.1.0 sender ok");
		c->has_sender = code / 100 == 2;
		return code;
	}
	if (span_is_nocase(verb, "RCPT")) {
		code = answer(c, "RCPT", c->has_sender ?
		    "250 2.1.5 recipient ok" : "503 5.5.1 no sender");
		c->rcpts += code / 100 == 2;
		return code;
	}
	if (span_is_nocase(verb, "RSET")) {
		c->rcpts = 0;
		c->has_sender = false;
		return answer(c, "RSET", "250 2.0.0 reset");
	}
	if (span_is_nocase(verb, "XCLIENT"))
		return answer(c, "XCLIENT", "220 anew");
	if (span_is_nocase(verb, "XFORWARD"))
		return answer(c, "XFORWARD", "250 thanks");
	if (span_is_nocase(verb, "HELO"))
		return answer(c, "HELO", "250 fake.example");
	if (span_is_nocase(verb, "QUIT"))
		return answer(c, "QUIT", "221 2.0.0 bye\n!close");
	return answer(c, "unknown", "500 5.5.1 what");
}

static MAY_YIELD void
serve(struct mail_server_client *c)
{
	struct line line;
	struct err err;

	if (c->server->is_implicit_tls &&
	    tls_accept(c->conn, c->server->tls, CLOCK_NEVER, &err) < 0)
		return;
	if (answer(c, "connect", "220 fake.example") < 0)
		return;
	while (line_read(c->conn, LINE, CLOCK_NEVER, &line, &err) == 0) {
		note(c, line.text);
		if (do_command(c, line.text) < 0)
			break;
	}
	conn_flush(c->conn, clock_now() + CLOCK_S, &err);
}

static void
client_fiber(void *arg)
{
	struct mail_server_client *c = arg, **link;

	serve(c);
	conn_close(&c->conn);
	c->server->open--;
	for (link = &c->server->clients; *link != c; link = &(*link)->next)
		;
	*link = c->next;
	if (c->server->is_ended && c->server->clients == NULL) {
		buf_free(&c->server->log);
		buf_free(&c->server->message);
	}
	free(c);
}

/* --- listening --- */

static void
on_connection(evutil_socket_t fd, short what, void *arg)
{
	struct mail_server *s = arg;
	struct mail_server_client *c;
	int peer = accept4((int)fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);

	(void)what;
	if (peer < 0)
		return;
	c = mem_zalloc(sizeof(*c), "test server");
	c->server = s;
	c->conn = conn_open(peer);
	c->number = ++s->connections;
	s->open++;
	c->next = s->clients;
	s->clients = c;
	c->fiber = fiber_spawn("mail server", client_fiber, c);
}

void
mail_server_listen(struct mail_server *s)
{
	struct mail_server_listen *l = mem_zalloc(sizeof(*l), "test server");
	int one = 1;

	l->fd = socket(s->addr.u.sa.sa_family,
	    SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	need(l->fd >= 0, "socket");
	setsockopt(l->fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	if (addr_is_unix(&s->addr))
		unlink(s->addr.u.un.sun_path);
	need(bind(l->fd, &s->addr.u.sa, s->addr.len) == 0, "bind");
	need(listen(l->fd, 64) == 0, "listen");
	s->addr.len = sizeof(s->addr.u);
	need(getsockname(l->fd, &s->addr.u.sa, &s->addr.len) == 0, "name");
	l->event = event_new(loop_base(), l->fd, EV_READ | EV_PERSIST,
	    on_connection, s);
	event_add(l->event, NULL);
	s->listen = l;
}

void
mail_server_begin(struct mail_server *s)
{
	struct err err;

	need(addr_parse(span_z("127.0.0.1:0"), &s->addr, &err) == 0,
	    "address");
	mail_server_listen(s);
}

void
mail_server_begin_unix(struct mail_server *s, const char *path)
{
	char text[ADDR_TEXT];
	struct err err;

	snprintf(text, sizeof(text), "unix:%s", path);
	need(addr_parse(span_z(text), &s->addr, &err) == 0, "address");
	mail_server_listen(s);
}

void
mail_server_refuse(struct mail_server *s)
{
	struct mail_server_listen *l = s->listen;

	if (l == NULL)
		return;
	s->listen = NULL;
	event_free(l->event);
	close(l->fd);
	free(l);
}

void
mail_server_hang_up(struct mail_server *s)
{
	struct mail_server_client *c;

	for (c = s->clients; c != NULL; c = c->next)
		fiber_stop(c->fiber);
}

void
mail_server_end(struct mail_server *s)
{
	mail_server_refuse(s);
	mail_server_hang_up(s);
	if (addr_is_unix(&s->addr))
		unlink(s->addr.u.un.sun_path);
	s->is_ended = true;
	if (s->clients == NULL) {
		buf_free(&s->log);
		buf_free(&s->message);
	}
}

/* --- for the test --- */

void
mail_server_forget(struct mail_server *s)
{
	memset(s->rules, 0, sizeof(s->rules));
	s->messages = 0;
	buf_clear(&s->log);
	buf_clear(&s->message);
}

const char *
mail_server_verbs(struct mail_server *s)
{
	static char text[2048];
	struct span rest = buf_text(&s->log), line, number, verb;
	struct span before = {0};
	size_t n = 0;
	bool more;

	text[0] = '\0';
	while (rest.len > 0 && n + 64 < sizeof(text)) {
		line = span_until(&rest, '\n');
		more = line.len > 2 && span_is(span_n(line.p + line.len - 2,
		    2), " +");
		number = span_word(&line);
		if (!span_eq(number, before))
			n += (size_t)snprintf(text + n, 32, "%s%.*s",
			    n > 0 ? " " : "", SPAN_ARG(number));
		before = number;
		verb = span_word(&line);
		n += (size_t)snprintf(text + n, 32, " %.*s%s",
		    SPAN_ARG(verb), more ? "+" : "");
	}
	return text;
}

bool
mail_server_was_told(struct mail_server *s, const char *text)
{
	return s->log.len > 0 && memmem(s->log.p, s->log.len, text,
	    strlen(text)) != NULL;
}
