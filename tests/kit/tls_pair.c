#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/loop.h"
#include "base/span.h"
#include "tests/kit/cert.h"
#include "tests/kit/tls_pair.h"

static char folder[] = "/tmp/forepost-tls-XXXXXX";

const char *
tls_pair_file(const char *name)
{
	static char path[8][256];
	static unsigned at;

	at = (at + 1) % 8;
	snprintf(path[at], sizeof(path[at]), "%s/%s", folder, name);
	return path[at];
}

int64_t
tls_pair_soon(void)
{
	return clock_now() + 10 * CLOCK_S;
}

static void
run_end(void *arg)
{
	struct end *e = arg;
	int64_t deadline = clock_now() +
	    (e->patience != 0 ? e->patience : 10 * CLOCK_S);

	e->err.text[0] = '\0';
	if (e->before != NULL)
		e->before(e);
	if (e->server != NULL)
		e->result = tls_accept(e->conn, e->server, deadline, &e->err);
	else if (e->client != NULL)
		e->result = tls_connect(e->conn, e->client, e->name, deadline,
		    &e->err);
	if (e->result == 0 && e->after != NULL)
		e->after(e);
	/* Both stay open until the other end has seen what it must see. */
	if (e->result < 0)
		conn_close(&e->conn);
	e->done = true;
}

void
tls_pair_open(struct end *server, struct end *client)
{
	int fd[2];

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0,
	    fd) < 0)
		abort();
	server->conn = conn_open(fd[0]);
	client->conn = conn_open(fd[1]);
	fiber_spawn("server", run_end, server);
	fiber_spawn("client", run_end, client);
	while (!server->done || !client->done)
		loop_turn(true);
}

void
tls_pair_close(struct end *server, struct end *client)
{
	conn_close(&client->conn);
	conn_close(&server->conn);
}

struct tls_server *
tls_pair_server(const char *a, const char *b, const char *c)
{
	const char *names[] = { a, b, c };
	struct tls_pair pairs[3];
	char files[6][32];
	struct tls_server *s;
	struct err err;
	size_t n;

	for (n = 0; n < 3 && names[n] != NULL; n++) {
		snprintf(files[2 * n], 32, "%s.pem", names[n]);
		snprintf(files[2 * n + 1], 32, "%s.key", names[n]);
		pairs[n].certificate = tls_pair_file(files[2 * n]);
		pairs[n].key = tls_pair_file(files[2 * n + 1]);
	}
	s = tls_server_create(pairs, n, TLS_CLIENT_CERT_NONE, NULL, &err);
	if (s == NULL) {
		fprintf(stderr, "%s\n", err.text);
		exit(1);
	}
	return s;
}

struct tls_client *
tls_pair_client(enum tls_verify verify, const char *ca, const char *fingerprint)
{
	struct tls_client *c;
	struct err err;

	c = tls_client_create(verify, ca, fingerprint, &err);
	if (c == NULL) {
		fprintf(stderr, "%s\n", err.text);
		exit(1);
	}
	return c;
}

void
tls_pair_begin(void)
{
	static const struct cert_spec specs[] = {
		{ .name = "ca", .is_ca = true },
		{ .name = "a", .alt = "DNS:mx.example,DNS:a.example,"
		    "IP:127.0.0.1", .issuer = "ca" },
		{ .name = "a-rsa", .alt = "DNS:a.example,DNS:mx.example",
		    .issuer = "ca", .is_rsa = true },
		{ .name = "b", .alt = "DNS:b.example", .issuer = "ca" },
		{ .name = "wild", .alt = "DNS:*.w.example,DNS:w.example" },
		{ .name = "exact", .alt = "DNS:x.w.example" },
		{ .name = "cn.example" },
		{ .name = "old", .alt = "DNS:old.example", .issuer = "ca",
		    .days = -1 },
		{ .name = "user", .issuer = "ca" },
	};
	size_t i;

	signal(SIGPIPE, SIG_IGN);
	if (mkdtemp(folder) == NULL)
		abort();
	for (i = 0; i < sizeof(specs) / sizeof(specs[0]); i++)
		cert_write(folder, &specs[i]);
	loop_create();
}

void
tls_pair_end(void)
{
	char command[sizeof(folder) + 10];

	loop_destroy();
	snprintf(command, sizeof(command), "rm -rf %s", folder);
	if (system(command) != 0)
		perror(folder);
}

const char *
tls_pair_folder(void)
{
	return folder;
}

MAY_YIELD void
tls_pair_say(struct end *e)
{
	conn_puts(e->conn, "hello\r\n");
	if (conn_flush(e->conn, tls_pair_soon(), &e->err) < 0)
		e->result = -1;
}

MAY_YIELD void
tls_pair_read(struct end *e)
{
	struct span in;

	if (conn_fill(e->conn, tls_pair_soon(), &e->err) < 0) {
		snprintf(e->text, sizeof(e->text), "%s",
		    err_kind_name(e->err.kind));
		return;
	}
	in = conn_input(e->conn);
	snprintf(e->text, sizeof(e->text), "%.*s", SPAN_ARG(in));
	conn_consume(e->conn, in.len);
}

