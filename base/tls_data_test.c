#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "base/clock.h"
#include "base/conn.h"
#include "base/fiber.h"
#include "base/span.h"
#include "base/tls.h"
#include "tests/kit/t.h"
#include "tests/kit/tls_pair.h"

/* What goes through a connection under TLS, and how it ends. */
#define BULK	((size_t)4 << 20)

static void
ask_in_clear(struct end *e)
{
	conn_puts(e->conn, "STARTTLS\r\nMAIL FROM:<forged@a.example>\r\n");
	conn_flush(e->conn, tls_pair_soon(), &e->err);
	tls_pair_read(e);
}

/* Reads all that came in clear, takes the first line, says go ahead. */
static void
answer_in_clear(struct end *e)
{
	conn_fill(e->conn, tls_pair_soon(), &e->err);
	conn_consume(e->conn, strlen("STARTTLS\r\n"));
	snprintf(e->text, sizeof(e->text), "%.4s", conn_input(e->conn).p);
	conn_puts(e->conn, "220 go\r\n");
	conn_flush(e->conn, tls_pair_soon(), &e->err);
}

static void
test_clear_dropped(void)
{
	struct tls_server *s = tls_pair_server("a", NULL, NULL);
	struct tls_client *c = tls_pair_client(TLS_VERIFY_NONE, NULL, NULL);
	struct end server = { .server = s, .before = answer_in_clear,
	    .after = tls_pair_read };
	struct end client = { .client = c, .name = "a.example",
	    .before = ask_in_clear, .after = tls_pair_say };

	tls_pair_open(&server, &client);
	T_STR("what was said in clear is not heard", server.text, "hello\r\n");
	T_STR("no error", server.err.text, "");
	tls_pair_close(&server, &client);
	tls_client_destroy(&c);
	tls_server_destroy(&s);
}

static unsigned char
octet(size_t i)
{
	return (unsigned char)(i * 31 + (i >> 12));
}

static void
send_bulk(struct end *e)
{
	char *p = malloc(BULK);
	size_t i;

	for (i = 0; i < BULK; i++)
		p[i] = (char)octet(i);
	conn_puts(e->conn, "first ");
	if (conn_write(e->conn, p, BULK, tls_pair_soon(), &e->err) < 0)
		snprintf(e->text, sizeof(e->text), "%s", e->err.text);
	free(p);
}

static void
take_bulk(struct end *e)
{
	size_t at = 0, head = strlen("first "), i;
	bool same = true;

	while (at < BULK + head) {
		struct span in;

		if (conn_fill(e->conn, tls_pair_soon(), &e->err) < 0)
			break;
		in = conn_input(e->conn);
		for (i = 0; i < in.len; i++, at++)
			if (at >= head &&
			    (unsigned char)in.p[i] != octet(at - head))
				same = false;
		conn_consume(e->conn, in.len);
	}
	snprintf(e->text, sizeof(e->text), "%zu %s", at,
	    same ? "same" : "differ");
}

static void
send_then_take(struct end *e)
{
	send_bulk(e);
	take_bulk(e);
}

static void
take_then_send(struct end *e)
{
	take_bulk(e);
	send_bulk(e);
}

static void
test_bulk(void)
{
	struct tls_server *s = tls_pair_server("a", NULL, NULL);
	struct tls_client *c = tls_pair_client(TLS_VERIFY_NONE, NULL, NULL);
	struct end server = { .server = s, .after = take_then_send };
	struct end client = { .client = c, .name = "a.example",
	    .after = send_then_take };
	char want[60];

	snprintf(want, sizeof(want), "%zu same", BULK + strlen("first "));
	tls_pair_open(&server, &client);
	T_STR("to the server", server.text, want);
	T_STR("to the client", client.text, want);
	tls_pair_close(&server, &client);
	tls_client_destroy(&c);
	tls_server_destroy(&s);
}

/* The line and the close reach the other end in one piece. */
static void
hello_and_leave(struct end *e)
{
	tls_pair_say(e);
	conn_close(&e->conn);
}

static void
cut(struct end *e)
{
	shutdown(conn_fd(e->conn), SHUT_RDWR);
}

static void
read_twice(struct end *e)
{
	char line[20];

	tls_pair_read(e);
	snprintf(line, sizeof(line), "%.19s", e->text);
	tls_pair_read(e);
	snprintf(e->text, sizeof(e->text), "%s%s", line,
	    err_kind_name(e->err.kind));
}

static void
write_in_vain(struct end *e)
{
	int64_t until = tls_pair_soon();
	int i;

	tls_pair_read(e);
	for (i = 0; i < 100; i++)
		if (conn_write(e->conn, "x", 1, until, &e->err) < 0)
			break;
	snprintf(e->text, sizeof(e->text), "%s", i == 100 ? "written" :
	    err_kind_name(e->err.kind));
}

static void
test_closes(void)
{
	struct tls_server *s = tls_pair_server("a", NULL, NULL);
	struct tls_client *c = tls_pair_client(TLS_VERIFY_NONE, NULL, NULL);
	static const struct {
		const char *name;
		end_fn *client, *server;
		const char *want;
	} cases[] = {
		{ "a line, then a close", hello_and_leave, read_twice,
		    "hello\r\nclosed" },
		{ "cut without a word", cut, tls_pair_read, "closed" },
		{ "writing to nobody", cut, write_in_vain, "closed" },
	};
	size_t i;

	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct end server = { .server = s, .after = cases[i].server };
		struct end client = { .client = c, .name = "a.example",
		    .after = cases[i].client };

		tls_pair_open(&server, &client);
		T_STR(cases[i].name, server.text, cases[i].want);
		tls_pair_close(&server, &client);
	}
	tls_client_destroy(&c);
	tls_server_destroy(&s);
}

/* --- kept connections --- */

MAY_YIELD static void
let_others_run(struct end *e)
{
	/* The other end has only to write what it writes. */
	fiber_sleep(20 * CLOCK_MS, &e->err);
}

static void
say_later(struct end *e)
{
	let_others_run(e);
	tls_pair_say(e);
}

static void
leave_later(struct end *e)
{
	let_others_run(e);
	conn_close(&e->conn);
}

/* A look right behind the first line, and one when all has been said. */
static void
look_at_stale(struct end *e)
{
	tls_pair_read(e);
	snprintf(e->text, sizeof(e->text), "%d", conn_is_stale(e->conn));
	let_others_run(e);
	let_others_run(e);
	snprintf(e->text + 1, sizeof(e->text) - 1, "%d",
	    conn_is_stale(e->conn));
}

static void
say_and_say(struct end *e)
{
	tls_pair_say(e);
	say_later(e);
}

static void
say_and_leave(struct end *e)
{
	tls_pair_say(e);
	leave_later(e);
}

static void
say_and_stay(struct end *e)
{
	tls_pair_say(e);
	let_others_run(e);
}

static void
test_stale(void)
{
	struct tls_server *s = tls_pair_server("a", NULL, NULL);
	struct tls_client *c = tls_pair_client(TLS_VERIFY_NONE, NULL, NULL);
	static const struct {
		const char *name;
		end_fn *server;
		const char *want;
	} cases[] = {
		{ "a quiet connection is fresh", say_and_stay, "00" },
		{ "one that was written to is stale", say_and_say, "01" },
		{ "one that was closed is stale", say_and_leave, "01" },
	};
	size_t i;

	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct end server = { .server = s, .after = cases[i].server };
		struct end client = { .client = c, .name = "a.example",
		    .after = look_at_stale };

		tls_pair_open(&server, &client);
		T_STR(cases[i].name, client.text, cases[i].want);
		tls_pair_close(&server, &client);
	}
	tls_client_destroy(&c);
	tls_server_destroy(&s);
}

int
main(void)
{
	tls_pair_begin();
	test_clear_dropped();
	test_bulk();
	test_closes();
	test_stale();
	tls_pair_end();
	return t_done();
}
