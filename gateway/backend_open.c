#include "base/clock.h"
#include "base/dial.h"
#include "base/log.h"
#include "base/tls.h"
#include "gateway/backend_internal.h"
#include "gateway/stats.h"
#include "gateway/xclient.h"

static MAY_YIELD int
read_reply(struct backend_link *l, const char *to, struct reply *r,
    struct err *err)
{
	return backend_smtp_read(l, to,
	    l->addr->backend->conf->reply_timeout, r, err);
}

/* --- connecting --- */

static MAY_YIELD int
dial_url(const struct backend_url *url, int64_t deadline, int *fd,
    struct err *err)
{
	struct arena *a;
	int ret;

	if (url->host == NULL)
		return dial(&url->addr, deadline, fd, err);
	a = arena_create("backend name");
	ret = dial_host(a, url->host, url->port, deadline, fd, err);
	arena_destroy(&a);
	return ret;
}

static MAY_YIELD int
handshake(struct backend_link *l, struct err *err)
{
	const struct backend *b = l->addr->backend;
	const char *name = b->conf->tls_name != NULL ? b->conf->tls_name :
	    l->addr->url->host;
	char ip[ADDR_TEXT];

	if (name == NULL)
		name = addr_is_unix(&l->addr->url->addr) ? "localhost" :
		    addr_ip(&l->addr->url->addr, ip);
	if (tls_connect(l->conn, b->tls, name, clock_now() +
	    b->conf->connect_timeout, err) < 0)
		return backend_smtp_failed(l, "TLS handshake", err);
	return 0;
}

static MAY_YIELD int
greet(struct backend_link *l, int64_t deadline, struct err *err)
{
	struct reply r;

	if (reply_read(l->conn, deadline, &r, err) < 0)
		return backend_smtp_failed(l, "greeting", err);
	return r.code == 220 ? 0 : backend_smtp_no_good(l, "the connection", &r, err);
}

/* --- EHLO --- */

static const struct {
	const char	*name;
	unsigned	 ability;
} keywords[] = {
	{ "8BITMIME", ABILITY_8BITMIME },
	{ "BINARYMIME", ABILITY_BINARYMIME },
	{ "CHUNKING", ABILITY_CHUNKING },
	{ "DSN", ABILITY_DSN },
	{ "ENHANCEDSTATUSCODES", ABILITY_ENHANCED },
	{ "PIPELINING", ABILITY_PIPELINING },
	{ "PRDR", ABILITY_PRDR },
	{ "SIZE", ABILITY_SIZE },
	{ "SMTPUTF8", ABILITY_SMTPUTF8 },
	{ "STARTTLS", ABILITY_STARTTLS },
	{ "XCLIENT", ABILITY_XCLIENT },
	{ "XFORWARD", ABILITY_XFORWARD },
};

struct offer {			/* an EHLO answer while it is read */
	struct backend_link	*l;
	bool			 is_first;
};

static void
take_keyword(void *arg, struct span line)
{
	struct offer *o = arg;
	struct span word;
	unsigned ability = 0;
	size_t i;

	if (o->is_first) {	/* the server's name */
		o->is_first = false;
		return;
	}
	word = span_word(&line);
	for (i = 0; i < sizeof(keywords) / sizeof(keywords[0]); i++)
		if (span_is_nocase(word, keywords[i].name))
			ability = keywords[i].ability;
	o->l->abilities |= ability;
	if (ability == ABILITY_SIZE)
		span_uint(span_trim(line), UINT64_MAX, &o->l->max_size);
	else if (ability == ABILITY_XCLIENT)
		o->l->xclient = xclient_attributes(line);
	else if (ability == ABILITY_XFORWARD)
		o->l->xforward = xclient_attributes(line);
}

static bool
is_lmtp(const struct backend_link *l)
{
	return l->addr->url->proto == PROTO_LMTP;
}

/* EHLO or LHLO, or HELO where EHLO is not known (RFC 5321 3.2). */
MAY_YIELD int
backend_open_hello(struct backend_link *l, struct err *err)
{
	const struct backend *b = l->addr->backend;
	const char *verb = is_lmtp(l) ? "LHLO" : "EHLO";
	struct offer offer = { l, true };
	struct reply r;

	l->abilities = l->xclient = l->xforward = 0;
	l->max_size = 0;
	conn_printf(l->conn, "%s %s\r\n", verb, b->helo);
	if (reply_read_lines(l->conn, clock_now() + b->conf->reply_timeout, &r,
	    take_keyword, &offer, err) < 0)
		return backend_smtp_failed(l, verb, err);
	if (reply_is_permanent(&r) && !is_lmtp(l)) {
		l->abilities = l->xclient = l->xforward = 0;
		verb = "HELO";
		conn_printf(l->conn, "%s %s\r\n", verb, b->helo);
		if (read_reply(l, verb, &r, err) < 0)
			return -1;
	}
	if (r.code != 250)
		return backend_smtp_no_good(l, verb, &r, err);
	if (!(l->abilities & ABILITY_CHUNKING))	/* RFC 3030 3 */
		l->abilities &= ~(unsigned)ABILITY_BINARYMIME;
	if (is_lmtp(l))		/* it does so anyway */
		l->abilities &= ~(unsigned)ABILITY_PRDR;
	return 0;
}

/* --- STARTTLS --- */

/* 0: under TLS, or in clear where that is allowed. 1: the handshake broke,
 * it may be tried again in clear. */
static MAY_YIELD int
start_tls(struct backend_link *l, struct err *err)
{
	enum backend_tls level = l->addr->backend->conf->tls;
	bool is_optional = level == BACKEND_TLS_OPPORTUNISTIC;
	struct reply r;

	if (!(l->abilities & ABILITY_STARTTLS))
		return is_optional ? 0 : err_set(err, ERR_UNAVAIL,
		    "STARTTLS is not offered");
	conn_puts(l->conn, "STARTTLS\r\n");
	if (read_reply(l, "STARTTLS", &r, err) < 0)
		return -1;
	if (r.code != 220) {
		backend_smtp_no_good(l, "STARTTLS", &r, err);
		l->is_broken = !is_optional || r.code == 421;
		return l->is_broken ? -1 : 0;
	}
	/* What came in clear behind the 220 could be anybody's. */
	if (conn_unread(l->conn) > 0)
		return err_set(err, ERR_SYNTAX,
		    "text in clear behind the answer to STARTTLS");
	if (handshake(l, err) < 0)
		return is_optional && err->kind != ERR_CLOSED ? 1 : -1;
	l->addr->is_tls_broken = false;
	return backend_open_hello(l, err);	/* RFC 3207 4.2: all anew */
}

static void
tls_is_broken(struct backend_addr *addr, const struct err *why)
{
	struct logline l;

	addr->clear_until = clock_now() + addr->backend->conf->retry_time;
	if (addr->is_tls_broken)
		return;
	addr->is_tls_broken = true;
	log_begin(&l, LOG_LABEL_WARN, NULL, "backend tls broken");
	log_z(&l, "backend", addr->where);
	log_z(&l, "why", why->text);
	log_end(&l);
}

/* --- a connection, from the first packet to the last EHLO --- */

/* As start_tls(). */
static MAY_YIELD int
converse(struct backend_link *l, int64_t deadline, bool in_clear,
    struct err *err)
{
	bool is_implicit = l->addr->url->implicit_tls;

	if (is_implicit && handshake(l, err) < 0)
		return -1;
	if (greet(l, deadline, err) < 0 || backend_open_hello(l, err) < 0)
		return -1;
	if (is_implicit || in_clear ||
	    l->addr->backend->conf->tls == BACKEND_TLS_NONE)
		return 0;
	return start_tls(l, err);
}

static MAY_YIELD int
connect_once(struct backend_addr *addr, bool in_clear,
    struct backend_link **lp, struct err *err)
{
	int64_t deadline = clock_now() + addr->backend->conf->connect_timeout;
	int fd, ret;

	if (dial_url(addr->url, deadline, &fd, err) < 0)
		return -1;
	*lp = backend_pool_add(addr, conn_open(fd));
	ret = converse(*lp, deadline, in_clear, err);
	if (ret != 0)
		backend_pool_discard(lp);
	return ret;
}

MAY_YIELD int
backend_open(struct backend_addr *addr, struct backend_link **l,
    struct err *err)
{
	int64_t began = clock_now();
	int ret = connect_once(addr, began < addr->clear_until, l, err);

	if (ret > 0) {
		tls_is_broken(addr, err);
		ret = connect_once(addr, true, l, err);
	}
	if (ret < 0) {
		*l = NULL;
		backend_pool_release(addr);
		stats_add(STAT_BACKEND_FAILURES, 1);
		return -1;
	}
	backend_health_learn(addr, (*l)->abilities, (*l)->max_size);
	backend_count_opened(addr, began);
	return 0;
}
