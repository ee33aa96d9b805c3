#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>

#include <openssl/ssl.h>

#include "base/conn.h"
#include "base/fiber.h"
#include "base/tls.h"
#include "base/tls_int.h"
#include "tests/kit/cert.h"
#include "tests/kit/t.h"
#include "tests/kit/tls_pair.h"

#define IDLE_PAIRS	200
#define IDLE_HEAP	(16 * 1024)

static void
test_names(void)
{
	static const struct {
		const char *name;
		const char *ask;	/* SNI */
		const char *sigalgs;	/* what the client can check */
		const char *want;	/* certificate served */
	} cases[] = {
		{ "first pair", "a.example", "ECDSA+SHA256", "a" },
		{ "same names, other key type", "a.example",
		    "RSA-PSS+SHA256", "a-rsa" },
		{ "case", "MX.Example", "ECDSA+SHA256", "a" },
		{ "another pair", "b.example", "ECDSA+SHA256", "b" },
		{ "nobody's name", "c.example", "ECDSA+SHA256", "a" },
		{ "nobody's name, RSA", "c.example", "RSA-PSS+SHA256",
		    "a-rsa" },
		{ "an address", "192.0.2.1", "ECDSA+SHA256", "a" },
	};
	static const struct {
		const char *name, *ask, *want;
	} wild[] = {
		{ "wildcard", "y.w.example", "wild" },
		{ "exact before wildcard", "x.w.example", "exact" },
		{ "beside the wildcard", "w.example", "wild" },
		{ "one label only", "y.x.w.example", "cn.example" },
		{ "common name", "cn.example", "cn.example" },
	};
	struct tls_server *s = tls_pair_server("a", "b", "a-rsa");
	size_t i;

	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		char file[40];
		struct tls_client *c;
		struct end server = { .server = s };
		struct end client = { .name = cases[i].ask };

		snprintf(file, sizeof(file), "%s.pem", cases[i].want);
		c = tls_pair_client(TLS_VERIFY_FINGERPRINT, NULL,
		    cert_fingerprint(tls_pair_file(file)));
		SSL_CTX_set1_sigalgs_list(c->ctx, cases[i].sigalgs);
		client.client = c;
		tls_pair_open(&server, &client);
		T_STR(cases[i].name, client.err.text, "");
		tls_pair_close(&server, &client);
		tls_client_destroy(&c);
	}
	tls_server_destroy(&s);

	s = tls_pair_server("cn.example", "wild", "exact");
	for (i = 0; i < sizeof(wild) / sizeof(wild[0]); i++) {
		char file[40];
		struct tls_client *c;
		struct end server = { .server = s };
		struct end client = { .name = wild[i].ask };

		snprintf(file, sizeof(file), "%s.pem", wild[i].want);
		c = tls_pair_client(TLS_VERIFY_FINGERPRINT, NULL,
		    cert_fingerprint(tls_pair_file(file)));
		client.client = c;
		tls_pair_open(&server, &client);
		T_STR(wild[i].name, client.err.text, "");
		tls_pair_close(&server, &client);
		tls_client_destroy(&c);
	}
	tls_server_destroy(&s);
}

static void
test_client_certificates(void)
{
	static const struct {
		const char *name;
		enum tls_client_certs ask;
		const char *cert;	/* the client's */
		const char *peer;	/* verified name */
		const char *want;	/* the server's error */
	} cases[] = {
		{ "not asked for", TLS_CLIENT_CERT_NONE, "user", NULL, "" },
		{ "asked for, none", TLS_CLIENT_CERT_ASK, NULL, NULL, "" },
		{ "asked for, good", TLS_CLIENT_CERT_ASK, "user", "user", "" },
		{ "asked for, of nobody we know", TLS_CLIENT_CERT_ASK, "wild",
		    NULL, "" },
		{ "required, good", TLS_CLIENT_CERT_REQUIRE, "user", "user",
		    "" },
		{ "required, none", TLS_CLIENT_CERT_REQUIRE, NULL, NULL,
		    "TLS handshake: peer did not return a certificate" },
		{ "required, expired", TLS_CLIENT_CERT_REQUIRE, "old", NULL,
		    "TLS handshake: certificate: certificate has expired" },
	};
	size_t i;

	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct err err = { 0 };
		struct tls_pair pair = { tls_pair_file("a.pem"),
		    tls_pair_file("a.key") };
		struct tls_server *s = tls_server_create(&pair, 1,
		    cases[i].ask, tls_pair_file("ca.pem"), &err);
		struct tls_client *c = tls_pair_client(TLS_VERIFY_NONE, NULL,
		    NULL);
		struct end server = { .server = s, .after = tls_pair_read };
		struct end client = { .client = c, .name = "a.example",
		    .after = tls_pair_say };
		char file[2][40];

		if (cases[i].cert != NULL) {
			snprintf(file[0], 40, "%s.pem", cases[i].cert);
			snprintf(file[1], 40, "%s.key", cases[i].cert);
			SSL_CTX_use_certificate_file(c->ctx,
			    tls_pair_file(file[0]), SSL_FILETYPE_PEM);
			SSL_CTX_use_PrivateKey_file(c->ctx,
			    tls_pair_file(file[1]), SSL_FILETYPE_PEM);
		}
		tls_pair_open(&server, &client);
		T_STR(cases[i].name, server.err.text, cases[i].want);
		if (server.result == 0) {
			const struct tls *t = conn_tls(server.conn);

			T_STR(cases[i].name, tls_peer_name(t), cases[i].peer);
			T_STR(cases[i].name, tls_peer_issuer(t),
			    cases[i].peer != NULL ? "ca" : NULL);
			T_INT(cases[i].name, tls_verified(t),
			    cases[i].peer != NULL);
		}
		tls_pair_close(&server, &client);
		tls_client_destroy(&c);
		tls_server_destroy(&s);
	}
}

/* --- tickets --- */

static SSL_SESSION *kept;
static bool was_resumed;

static int
keep_session(SSL *ssl, SSL_SESSION *session)
{
	(void)ssl;
	SSL_SESSION_free(kept);
	kept = session;
	return 1;
}

/* A client of OpenSSL's own, which offers the session it kept. */
static void
raw_client(struct end *e)
{
	SSL_CTX *ctx = SSL_CTX_new(TLS_client_method());
	SSL *ssl;
	char c;
	int r;

	SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_CLIENT |
	    SSL_SESS_CACHE_NO_INTERNAL);	/* it outlives the context */
	SSL_CTX_sess_set_new_cb(ctx, keep_session);
	ssl = SSL_new(ctx);
	SSL_set_fd(ssl, conn_fd(e->conn));
	if (kept != NULL)
		SSL_set_session(ssl, kept);
	SSL_set_connect_state(ssl);
	while ((r = SSL_do_handshake(ssl)) != 1 &&
	    SSL_get_error(ssl, r) == SSL_ERROR_WANT_READ)
		fiber_yield();
	while ((r = SSL_read(ssl, &c, 1)) != 1 &&
	    SSL_get_error(ssl, r) == SSL_ERROR_WANT_READ)
		fiber_yield();
	was_resumed = SSL_session_reused(ssl);
	SSL_shutdown(ssl);	/* or the session is not to be resumed */
	SSL_free(ssl);
	SSL_CTX_free(ctx);
}

static void
test_tickets(void)
{
	static const unsigned char secret[TLS_TICKET_SECRET] = { 1, 2, 3 };
	static const struct {
		const char *name;
		bool shared, keep, resumed;
	} cases[] = {
		{ "the first time", true, false, false },
		{ "another context with the same secret", true, true, true },
		{ "and again", true, true, true },
		{ "a context with its own keys", false, true, false },
	};
	size_t i;

	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct tls_server *s = tls_pair_server("a", "b", NULL);
		struct end server = { .server = s, .after = tls_pair_say };
		struct end client = { .before = raw_client };

		if (cases[i].shared)
			tls_server_tickets(s, secret);
		was_resumed = false;
		tls_pair_open(&server, &client);
		T_INT(cases[i].name, was_resumed, cases[i].resumed);
		tls_pair_close(&server, &client);
		tls_server_destroy(&s);
	}
	SSL_SESSION_free(kept);
	kept = NULL;
}

/* --- memory --- */

static void
test_idle(void)
{
	struct tls_server *s = tls_pair_server("a", "b", NULL);
	struct tls_client *c = tls_pair_client(TLS_VERIFY_NONE, NULL, NULL);
	static struct end server[IDLE_PAIRS];
	size_t before, each, i;

	before = mallinfo2().uordblks;
	for (i = 0; i < IDLE_PAIRS; i++) {
		struct end client = { .client = c, .name = "b.example",
		    .after = tls_pair_say };

		server[i] = (struct end){ .server = s, .after = tls_pair_read };
		tls_pair_open(&server[i], &client);
		conn_close(&client.conn);
		conn_drop_input(server[i].conn);	/* as if it waited */
	}
	each = (mallinfo2().uordblks - before) / IDLE_PAIRS;
	if (before == 0)	/* the sanitizer's allocator does not tell */
		T_OK("sessions are up", server[0].result == 0);
	else if (each >= IDLE_HEAP)
		T_INT("heap of an idle session", each, IDLE_HEAP);
	else
		T_OK("heap of an idle session", true);
	if (getenv("TLS_TEST_VERBOSE") != NULL)
		printf("an idle session: %zu octets of heap\n", each);
	for (i = 0; i < IDLE_PAIRS; i++)
		conn_close(&server[i].conn);
	tls_client_destroy(&c);
	tls_server_destroy(&s);
}

int
main(void)
{
	tls_pair_begin();
	test_names();
	test_client_certificates();
	test_tickets();
	test_idle();
	tls_pair_end();
	return t_done();
}
