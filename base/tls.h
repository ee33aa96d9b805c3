#ifndef BASE_TLS_H
#define BASE_TLS_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>
#include "base/conn.h"
#include "base/err.h"
#include "base/fiber.h"
#include "base/span.h"
/*
 * tls -- OpenSSL on a conn, both roles                      RFC 8446, 5246
 *
 * A context (struct tls_server, struct tls_client) is made once from the
 * settings and is immutable; struct tls is one connection's part and belongs
 * to the conn. TLS 1.2 and 1.3 only. Session tickets are on for servers.
 *
 * Memory    an idle connection holds some 15 KiB of heap, mostly OpenSSL's.
 * Errors    of a handshake: ERR_TIMEOUT; ERR_CLOSED (the peer left, or this
 *           fiber must stop); otherwise ERR_SYNTAX from tls_accept() and
 *           ERR_UNAVAIL from tls_connect(). After any of them only
 *           conn_close() makes sense.
 * Close     one without close_notify is a close like any other: the end of a
 *           mail is told by SMTP, never by the connection's end.
 * Process   must ignore SIGPIPE.
 */
struct tls;
struct tls_server;
struct tls_client;

struct tls_pair {
	const char	*certificate;	/* PEM file, chain included */
	const char	*key;		/* PEM file */
};

enum tls_client_certs { TLS_CLIENT_CERT_NONE, TLS_CLIENT_CERT_ASK,
    TLS_CLIENT_CERT_REQUIRE };

/* The pair for a name is the one whose certificate carries it (exact, then
 * wildcard); the first pair serves everyone else (SNI, RFC 6066). Two pairs
 * with the same names and different key types (RSA, ECDSA) both serve.
 * `client_ca` may be NULL when no client certificates are asked for.
 * Errors: ERR_CONFIG, naming the file: missing, unreadable, not PEM, key does
 * not match. An expired certificate is not an error here: see tls_expiry. */
struct tls_server *tls_server_create(const struct tls_pair *pairs, size_t n,
		    enum tls_client_certs ask, const char *client_ca,
		    struct err *err);
void		 tls_server_destroy(struct tls_server **s);
/* What encrypts the session tickets. A context is born with random keys, so
 * those made before fork() share them; contexts made in each worker, or anew
 * by a reload, are given one secret (random octets that the supervisor keeps
 * in memory) to let a client resume with any of them. Before the first
 * tls_accept(). */
#define TLS_TICKET_SECRET	80
void		 tls_server_tickets(struct tls_server *s,
		    const unsigned char secret[TLS_TICKET_SECRET]);
/* Civil time (s since 1970) at which the first of the certificates in the
 * file ends; -1 and err if it cannot be read. */
int		 tls_expiry(const char *certificate, int64_t *when,
		    struct err *err);

enum tls_verify {
	TLS_VERIFY_NONE,	/* encrypt, trust anybody */
	TLS_VERIFY_NAME,	/* CA and name */
	TLS_VERIFY_FINGERPRINT	/* SHA-256 of the certificate */
};
struct tls_client *tls_client_create(enum tls_verify verify,
		    const char *ca_file,	/* NULL: the system's */
		    const char *fingerprint,	/* hex, ":" allowed */
		    struct err *err);
void		 tls_client_destroy(struct tls_client **c);

/* Handshakes. What was read in clear and not consumed is dropped first
 * (RFC 3207 4.2); the caller checks for it before if it cares. */
MAY_YIELD int	 tls_accept(struct conn *c, const struct tls_server *server,
		    int64_t deadline, struct err *err);
MAY_YIELD int	 tls_connect(struct conn *c, const struct tls_client *client,
		    const char *name,		/* SNI; verified if asked */
		    int64_t deadline, struct err *err);

const char	*tls_version(const struct tls *t);	/* "TLSv1.3" */
const char	*tls_cipher(const struct tls *t);
int		 tls_bits(const struct tls *t);
const char	*tls_sni(const struct tls *t);		/* NULL: none sent */
/* The subject's common name of a client certificate that verified; or NULL. */
const char	*tls_peer_name(const struct tls *t);
const char	*tls_peer_issuer(const struct tls *t);	/* the same, of its issuer */
bool		 tls_verified(const struct tls *t);

/* For conn.c: as read(2) and write(2), but *want_write says what to wait for
 * when they return -1 with errno EAGAIN; 0 from read is a close. Other
 * errors, EPROTO among them, are final. A write that got EAGAIN is tried
 * again with the same bytes first (from any address) and not with fewer. Wait
 * for input only after a read said EAGAIN: what OpenSSL has read ahead does
 * not make the descriptor readable. tls_pending(): deciphered and unread. */
ssize_t		 tls_read(struct tls *t, void *p, size_t len, bool *want_write);
ssize_t		 tls_write(struct tls *t, const void *p, size_t len,
		    bool *want_write);
size_t		 tls_pending(const struct tls *t);
void		 tls_close(struct tls **t);	/* close_notify if it can */
#endif
