#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include <openssl/ssl.h>

#include "base/clock.h"
#include "base/conn.h"
#include "base/fiber.h"
#include "base/span.h"
#include "base/tls.h"
#include "base/tls_int.h"
#include "tests/kit/cert.h"
#include "tests/kit/t.h"
#include "tests/kit/tls_pair.h"

static void
test_versions(void)
{
	static const struct {
		const char *name;
		int most;
		const char *want;
	} cases[] = {
		{ "TLS 1.3", TLS1_3_VERSION, "TLSv1.3" },
		{ "TLS 1.2", TLS1_2_VERSION, "TLSv1.2" },
	};
	struct tls_server *s = tls_pair_server("a", NULL, NULL);
	size_t i;

	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct tls_client *c = tls_pair_client(TLS_VERIFY_NONE, NULL,
		    NULL);
		struct end server = { .server = s, .after = tls_pair_read };
		struct end client = { .client = c, .name = "a.example",
		    .after = tls_pair_say };
		const struct tls *t;

		SSL_CTX_set_max_proto_version(c->ctx, cases[i].most);
		tls_pair_open(&server, &client);
		T_STR(cases[i].name, server.err.text, "");
		T_STR(cases[i].name, client.err.text, "");
		T_STR(cases[i].name, server.text, "hello\r\n");
		t = server.conn != NULL ? conn_tls(server.conn) : NULL;
		if (t != NULL) {
			T_STR(cases[i].name, tls_version(t), cases[i].want);
			T_STR("name asked for", tls_sni(t), "a.example");
			T_OK("bits", tls_bits(t) >= 128);
			T_OK("cipher", tls_cipher(t) != NULL);
			T_OK("no client certificate",
			    tls_peer_name(t) == NULL && !tls_verified(t));
		}
		tls_pair_close(&server, &client);
		tls_client_destroy(&c);
	}
	tls_server_destroy(&s);
}

static void
test_old_version(void)
{
	struct tls_server *s = tls_pair_server("a", NULL, NULL);
	struct tls_client *c = tls_pair_client(TLS_VERIFY_NONE, NULL, NULL);
	struct end server = { .server = s };
	struct end client = { .client = c, .name = "a.example" };

	SSL_CTX_set_security_level(c->ctx, 0);
	SSL_CTX_set_min_proto_version(c->ctx, TLS1_VERSION);
	SSL_CTX_set_max_proto_version(c->ctx, TLS1_1_VERSION);
	tls_pair_open(&server, &client);
	T_STR("TLS 1.1 is refused", server.err.text,
	    "TLS handshake: unsupported protocol");
	T_STR("TLS 1.1 is refused", err_kind_name(server.err.kind),
	    err_kind_name(ERR_SYNTAX));
	T_STR("told to the client", client.err.text,
	    "TLS handshake: tlsv1 alert protocol version");
	tls_pair_close(&server, &client);
	tls_client_destroy(&c);
	tls_server_destroy(&s);
}

static void
test_verify(void)
{
	static const struct {
		const char *name, *cert, *ask, *want;
		enum tls_verify verify;
	} cases[] = {
		{ "right name", "a", "a.example", "", TLS_VERIFY_NAME },
		{ "right address", "a", "127.0.0.1", "", TLS_VERIFY_NAME },
		{ "wrong name", "a", "b.example", "TLS handshake: the "
		    "certificate is not for b.example", TLS_VERIFY_NAME },
		{ "wrong address", "a", "127.0.0.2", "TLS handshake: the "
		    "certificate is not for 127.0.0.2", TLS_VERIFY_NAME },
		{ "expired", "old", "old.example", "TLS handshake: "
		    "certificate: certificate has expired", TLS_VERIFY_NAME },
		{ "unknown CA", "wild", "w.example", "TLS handshake: "
		    "certificate: self-signed certificate", TLS_VERIFY_NAME },
		{ "expired, not looked at", "old", "x.example", "",
		    TLS_VERIFY_NONE },
		{ "empty name", "a", "", "TLS: cannot ask for a server named "
		    "\"\"", TLS_VERIFY_NAME },
	};
	size_t i;

	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct tls_server *s = tls_pair_server(cases[i].cert, NULL,
		    NULL);
		struct tls_client *c = tls_pair_client(cases[i].verify,
		    tls_pair_file("ca.pem"), NULL);
		struct end server = { .server = s };
		struct end client = { .client = c, .name = cases[i].ask };

		tls_pair_open(&server, &client);
		T_STR(cases[i].name, client.err.text, cases[i].want);
		if (client.result == 0)
			T_INT(cases[i].name, tls_verified(
			    conn_tls(client.conn)),
			    cases[i].verify == TLS_VERIFY_NAME);
		tls_pair_close(&server, &client);
		tls_client_destroy(&c);
		tls_server_destroy(&s);
	}
}

static void
test_fingerprint(void)
{
	struct tls_server *s = tls_pair_server("a", NULL, NULL);
	struct tls_client *c;
	struct end server = { .server = s, .after = tls_pair_read };
	struct end client = { .name = "any.example", .after = tls_pair_say };
	char colons[100], want[200], *p = colons;
	const char *hex = cert_fingerprint(tls_pair_file("a.pem"));
	size_t i;

	for (i = 0; hex[i] != '\0'; i += 2)
		p += sprintf(p, "%s%c%c", i > 0 ? ":" : "", hex[i], hex[i + 1]);
	c = tls_pair_client(TLS_VERIFY_FINGERPRINT, NULL, colons);
	client.client = c;
	tls_pair_open(&server, &client);
	T_STR("fingerprint with colons", client.err.text, "");
	T_STR("data goes through", server.text, "hello\r\n");
	T_OK("verified", tls_verified(conn_tls(client.conn)));
	tls_pair_close(&server, &client);
	tls_client_destroy(&c);

	snprintf(want, sizeof(want), "TLS: the certificate's fingerprint is ");
	p = want + strlen(want);
	for (i = 0; hex[i] != '\0'; i++)
		*p++ = hex[i] >= 'a' ? hex[i] - 'a' + 'A' : hex[i];
	*p = '\0';
	c = tls_pair_client(TLS_VERIFY_FINGERPRINT, NULL,
	    cert_fingerprint(tls_pair_file("b.pem")));
	server = (struct end){ .server = s, .after = tls_pair_read };
	client = (struct end){ .client = c, .name = "a.example",
	    .after = tls_pair_say };
	tls_pair_open(&server, &client);
	T_STR("wrong fingerprint", client.err.text, want);
	T_STR("nothing was sent", server.text, err_kind_name(ERR_CLOSED));
	tls_pair_close(&server, &client);
	tls_client_destroy(&c);
	tls_server_destroy(&s);
}

/* --- what goes wrong in a handshake --- */

static void
stay_silent(struct end *e)
{
	fiber_sleep(200 * CLOCK_MS, &e->err);
}

static void
leave(struct end *e)
{
	conn_close(&e->conn);
	e->result = -1;
}

static void
talk_nonsense(struct end *e)
{
	conn_puts(e->conn, "EHLO client.example\r\n");
	conn_flush(e->conn, tls_pair_soon(), &e->err);
	tls_pair_read(e);
}

static void
test_broken_handshakes(void)
{
	static const struct {
		const char *name;
		end_fn *peer;
		enum err_kind server, client;
		const char *text;
	} cases[] = {
		{ "stall", stay_silent, ERR_TIMEOUT, ERR_TIMEOUT,
		    "TLS handshake: timed out" },
		{ "the peer leaves", leave, ERR_CLOSED, ERR_CLOSED,
		    "the peer closed in the TLS handshake" },
		{ "not TLS", talk_nonsense, ERR_SYNTAX, ERR_UNAVAIL, NULL },
	};
	struct tls_server *s = tls_pair_server("a", NULL, NULL);
	struct tls_client *c = tls_pair_client(TLS_VERIFY_NONE, NULL, NULL);
	size_t i;

	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct end server = { .server = s, .patience = 50 * CLOCK_MS };
		struct end peer = { .before = cases[i].peer };

		tls_pair_open(&server, &peer);
		T_INT(cases[i].name, server.result, -1);
		T_STR(cases[i].name, err_kind_name(server.err.kind),
		    err_kind_name(cases[i].server));
		if (cases[i].text != NULL)
			T_STR(cases[i].name, server.err.text, cases[i].text);
		tls_pair_close(&server, &peer);

		server = (struct end){ .client = c, .name = "a.example",
		    .patience = 50 * CLOCK_MS };
		peer = (struct end){ .before = cases[i].peer };
		tls_pair_open(&server, &peer);
		T_INT(cases[i].name, server.result, -1);
		T_STR(cases[i].name, err_kind_name(server.err.kind),
		    err_kind_name(cases[i].client));
		if (cases[i].text != NULL)
			T_STR(cases[i].name, server.err.text, cases[i].text);
		tls_pair_close(&server, &peer);
	}
	tls_client_destroy(&c);
	tls_server_destroy(&s);
}

static void
stop_soon(void *arg)
{
	struct err err;

	fiber_sleep(20 * CLOCK_MS, &err);
	fiber_stop(arg);
}

static void
arrange_stop(struct end *e)
{
	(void)e;
	fiber_spawn("stop", stop_soon, fiber_self());
}

static void
test_stop(void)
{
	struct tls_server *s = tls_pair_server("a", NULL, NULL);
	struct end server = { .server = s, .before = arrange_stop };
	struct end peer = { .before = stay_silent };

	tls_pair_open(&server, &peer);
	T_INT("stopped in the handshake", server.result, -1);
	T_STR("stopped in the handshake", err_kind_name(server.err.kind),
	    err_kind_name(ERR_CLOSED));
	tls_pair_close(&server, &peer);
	tls_server_destroy(&s);
}

int
main(void)
{
	tls_pair_begin();
	test_versions();
	test_old_version();
	test_verify();
	test_fingerprint();
	test_broken_handshakes();
	test_stop();
	tls_pair_end();
	return t_done();
}
