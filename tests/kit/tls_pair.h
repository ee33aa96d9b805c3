#ifndef TESTS_KIT_TLS_PAIR_H
#define TESTS_KIT_TLS_PAIR_H
#include <stdbool.h>
#include <stdint.h>

#include "base/conn.h"
#include "base/err.h"
#include "base/fiber.h"
#include "base/tls.h"
/*
 * tls_pair -- two fibers, one on each end of a socketpair
 *
 * A run of tls_pair_open() is: each end's `before`, its handshake, and if
 * that worked its `after`; then both wait for the test to look at them. An
 * end whose handshake failed has closed its connection. Certificates are in
 * a folder of the test's own:
 *
 *	ca		signs the others, unless they sign themselves
 *	a, a-rsa	mx.example, a.example (and 127.0.0.1: a)
 *	b, old		b.example; old.example, expired
 *	wild, exact	*.w.example and w.example; x.w.example; by themselves
 *	cn.example	no alternative names; by itself
 *	user		a client's
 */
struct end;
typedef void end_fn(struct end *);

struct end {
	struct conn		*conn;
	const struct tls_server	*server;	/* or */
	const struct tls_client	*client;	/* or neither */
	const char		*name;		/* the client wants */
	end_fn			*before, *after;
	int64_t			 patience;	/* us; 0: 10 s */
	int			 result;	/* of the handshake */
	bool			 done;
	struct err		 err;
	char			 text[300];	/* what `after` saw */
};

void		 tls_pair_begin(void);		/* folder, certificates, loop */
void		 tls_pair_end(void);
void		 tls_pair_open(struct end *server, struct end *client);
void		 tls_pair_close(struct end *server, struct end *client);
/* A file of the folder, with its path; good for a few calls. */
const char	*tls_pair_file(const char *name);
const char	*tls_pair_folder(void);
/* Contexts over the named certificates; NULL ends the list. */
struct tls_server *tls_pair_server(const char *a, const char *b,
		    const char *c);
struct tls_client *tls_pair_client(enum tls_verify verify, const char *ca,
		    const char *fingerprint);
int64_t		 tls_pair_soon(void);		/* a deadline no test meets */
MAY_YIELD void	 tls_pair_say(struct end *e);	/* sends "hello" CRLF */
/* What comes next, into `text`; or what kind of error. */
MAY_YIELD void	 tls_pair_read(struct end *e);
#endif
