#include <string.h>
#include <sys/un.h>

#include "conf/endpoint.h"
#include "conf/value.h"

#define PORT_MAX 65535
#define PORT_DNS 53
#define PORT_REDIS 6379
#define WEIGHT_MAX 100
#define SOCKET_PATH_MAX	(sizeof(((struct sockaddr_un *)NULL)->sun_path) - 1)

/* Quoted in a message: more of it helps nobody. */
#define SHOW(s)	((s).len > 100 ? 100 : (int)(s).len), (s).p

static struct span
skip(struct span s, size_t n)
{
	return span_n(s.p + n, s.len - n);
}

/* "unix:path" or "local:path", made absolute. */
static int
parse_unix(struct arena *a, const char *dir, struct span in,
    struct addr *address, struct err *err)
{
	struct span rest = in;
	const char *path;

	span_until(&rest, ':');
	if (value_path(a, dir, rest, &path, err) < 0)
		return err_set(err, ERR_CONFIG, "the path in \"%.*s\" is "
		    "empty or holds a control character", SHOW(in));
	return addr_parse(span_z(arena_printf(a, "unix:%s", path)), address,
	    err);
}

int
endpoint_listen(struct arena *a, const char *dir, struct span in,
    struct addr *address, const char **text, struct err *err)
{
	char out[ADDR_TEXT];

	memset(address, 0, sizeof(*address));
	if (span_starts_nocase(in, "systemd:")) {
		if (value_text(a, skip(in, strlen("systemd:")), text, err) < 0)
			return err_set(err, ERR_CONFIG, "the name in \"%.*s\" "
			    "is empty or holds a control character", SHOW(in));
		return 0;
	}
	if (span_starts_nocase(in, "unix:")) {
		if (parse_unix(a, dir, in, address, err) < 0)
			return -1;
	} else if (addr_parse(in, address, err) < 0)
		return -1;
	else if (addr_port(address) == 0)
		return err_set(err, ERR_CONFIG,
		    "\"%.*s\" has port 0: expected 1 to %d", SHOW(in),
		    PORT_MAX);
	*text = arena_strdup(a, addr_text(address, out));
	return 0;
}

struct scheme {
	const char	*prefix;
	enum backend_proto proto;
	bool		 implicit_tls;
	int		 port;
};
static const struct scheme schemes[] = {
	{ "smtp://", PROTO_SMTP, false, 25 },
	{ "smtps://", PROTO_SMTP, true, 465 },
	{ "lmtp://", PROTO_LMTP, false, 24 },
	{ "maildir:", PROTO_MAILDIR, false, 0 },
};

static int
parse_weight(struct span *rest, unsigned *weight, struct err *err)
{
	struct span whole = *rest, query = *rest;
	uint64_t n = 1;

	*rest = span_until(&query, '?');
	if (rest->len < whole.len) {
		if (!span_starts_nocase(query, "weight="))
			return err_set(err, ERR_CONFIG, "\"?%.*s\" is not "
			    "known: expected ?weight=N", SHOW(query));
		query = skip(query, strlen("weight="));
		if (value_count(query, NULL, 1, WEIGHT_MAX, &n, err) < 0)
			return -1;
	}
	*weight = (unsigned)n;
	return 0;
}

/* "host", "host:port", "192.0.2.1:port" or "[2001:db8::1]:port"; *port stays
 * as it is if there is none. */
static int
split_host(struct span in, struct span *host_out, int *port_out,
    struct err *err)
{
	struct span host = in, port = {0};
	const char *end;
	uint64_t n;

	if (in.len > 0 && in.p[0] == '[') {
		end = memchr(in.p, ']', in.len);
		if (end == NULL)
			return err_set(err, ERR_CONFIG,
			    "missing ] in \"%.*s\"", SHOW(in));
		host = span_n(in.p + 1, (size_t)(end - in.p - 1));
		port = skip(in, host.len + 2);
	} else if (in.len > 0 && (end = memchr(in.p, ':', in.len)) != NULL) {
		host.len = (size_t)(end - in.p);
		port = skip(in, host.len);
	}
	if (port.len > 0) {
		if (port.p[0] != ':' || span_uint(skip(port, 1), PORT_MAX,
		    &n) < 0 || n == 0)
			return err_set(err, ERR_CONFIG, "\"%.*s\" is no port: "
			    "expected \":\" and 1 to %d", SHOW(port), PORT_MAX);
		*port_out = (int)n;
	}
	*host_out = host;
	return 0;
}

/* An address, or the name that stands for one. */
static int
parse_host(struct arena *a, struct span host, bool is_bracketed, int port,
    const char **name, struct addr *address, struct err *err)
{
	if (addr_parse_ip(host, port, address, err) == 0)
		return 0;
	memset(address, 0, sizeof(*address));
	if (is_bracketed)
		return -1;
	return value_host(a, host, name, err);
}

static bool
is_bracketed(struct span in)
{
	return in.len > 0 && in.p[0] == '[';
}

static int
parse_server(struct arena *a, struct span in, struct backend_url *url,
    struct err *err)
{
	struct span host;

	if (split_host(in, &host, &url->port, err) < 0)
		return -1;
	return parse_host(a, host, is_bracketed(in), url->port, &url->host,
	    &url->addr, err);
}

static void
format_url(struct arena *a, const struct scheme *scheme,
    struct backend_url *url)
{
	char out[ADDR_TEXT];
	const char *weight = "";

	if (url->weight != 1)
		weight = arena_printf(a, "?weight=%u", url->weight);
	if (url->proto == PROTO_MAILDIR)
		url->text = arena_printf(a, "maildir:%s%s", url->path, weight);
	else if (url->host != NULL)
		url->text = arena_printf(a, "%s%s:%d%s", scheme->prefix,
		    url->host, url->port, weight);
	else
		url->text = arena_printf(a, "%s%s%s", scheme->prefix,
		    addr_text(&url->addr, out), weight);
}

int
endpoint_backend(struct arena *a, const char *dir, struct span in,
    struct backend_url *url, struct err *err)
{
	size_t n = sizeof(schemes) / sizeof(*schemes);
	const struct scheme *scheme = schemes;
	struct span rest;
	int rc;

	memset(url, 0, sizeof(*url));
	while (scheme < schemes + n && !span_starts_nocase(in, scheme->prefix))
		scheme++;
	if (scheme == schemes + n)
		return err_set(err, ERR_CONFIG, "\"%.*s\" is not the URL of a "
		    "backend: expected smtp://, smtps://, lmtp:// or maildir:",
		    SHOW(in));
	url->proto = scheme->proto;
	url->implicit_tls = scheme->implicit_tls;
	url->port = scheme->port;
	rest = skip(in, strlen(scheme->prefix));
	if (parse_weight(&rest, &url->weight, err) < 0)
		rc = -1;
	else if (url->proto == PROTO_MAILDIR)
		rc = value_path(a, dir, rest, &url->path, err);
	else if (span_starts_nocase(rest, "unix:") && !url->implicit_tls) {
		url->port = 0;
		rc = parse_unix(a, dir, rest, &url->addr, err);
	} else
		rc = parse_server(a, rest, url, err);
	if (rc < 0)
		return err_prefix(err, "\"%.*s\"", SHOW(in));
	format_url(a, scheme, url);
	return 0;
}

/* --- the store --- */

/* "/N" or "?db=N" behind the rest, which is shortened. */
static int
parse_database(struct span *rest, const char *before, unsigned *database,
    struct err *err)
{
	size_t n = strlen(before);
	uint64_t number = 0;
	const char *at = memmem(rest->p, rest->len, before, n);
	struct span digits;

	*database = 0;
	if (at == NULL)
		return 0;
	digits = span_n(at + n, (size_t)(rest->p + rest->len - at) - n);
	rest->len = (size_t)(at - rest->p);
	if (value_count(digits, NULL, 0, STORE_DATABASE_MAX, &number,
	    err) < 0)
		return err_prefix(err, "the number of the database");
	*database = (unsigned)number;
	return 0;
}

static int
parse_redis(struct arena *a, struct span rest, struct store_conf *store,
    struct err *err)
{
	struct addr address;
	struct span host;

	store->port = PORT_REDIS;
	if (parse_database(&rest, "/", &store->database, err) < 0 ||
	    split_host(rest, &host, &store->port, err) < 0)
		return -1;
	if (addr_parse_ip(host, store->port, &address, err) == 0)
		store->host = arena_copy(a, host);
	else if (rest.len > 0 && rest.p[0] == '[')
		return -1;
	else if (value_host(a, host, &store->host, err) < 0)
		return -1;
	store->text = arena_printf(a, strchr(store->host, ':') != NULL ?
	    "redis://[%s]:%d/%u" : "redis://%s:%d/%u", store->host,
	    store->port, store->database);
	return 0;
}

static int
parse_redis_socket(struct arena *a, const char *dir, struct span rest,
    struct store_conf *store, struct err *err)
{
	if (parse_database(&rest, "?db=", &store->database, err) < 0 ||
	    value_path(a, dir, rest, &store->path, err) < 0)
		return -1;
	if (strlen(store->path) > SOCKET_PATH_MAX)
		return err_set(err, ERR_CONFIG, "the path of a socket has at "
		    "most %zu octets", SOCKET_PATH_MAX);
	store->text = arena_printf(a, "redis:unix:%s?db=%u", store->path,
	    store->database);
	return 0;
}

static int
parse_lmdb(struct arena *a, const char *dir, struct span rest,
    struct store_conf *store, struct err *err)
{
	if (value_path(a, dir, rest, &store->path, err) < 0)
		return -1;
	store->text = arena_printf(a, "lmdb:%s", store->path);
	return 0;
}

int
endpoint_store(struct arena *a, const char *dir, struct span in,
    struct store_conf *store, struct err *err)
{
	static const char lmdb[] = "lmdb:", redis[] = "redis://",
	    redis_socket[] = "redis:unix:";
	int rc;

	*store = (struct store_conf){ .kind = STORE_REDIS };
	if (span_starts_nocase(in, lmdb)) {
		store->kind = STORE_LMDB;
		rc = parse_lmdb(a, dir, skip(in, strlen(lmdb)), store, err);
	} else if (span_starts_nocase(in, redis))
		rc = parse_redis(a, skip(in, strlen(redis)), store, err);
	else if (span_starts_nocase(in, redis_socket))
		rc = parse_redis_socket(a, dir, skip(in,
		    strlen(redis_socket)), store, err);
	else
		return err_set(err, ERR_CONFIG, "\"%.*s\" is no store: "
		    "expected none, lmdb:/path, redis://host:port or "
		    "redis:unix:/path", SHOW(in));
	return rc < 0 ? err_prefix(err, "\"%.*s\"", SHOW(in)) : 0;
}

/* --- filters --- */

/* Sendmail's form: "port@host", of which `in` is known to have the "@". */
static int
parse_port_at(struct arena *a, struct span in, struct milter_url *url,
    struct err *err)
{
	struct span host = in, port = span_until(&host, '@');
	bool brackets = is_bracketed(host);
	uint64_t n;

	if (span_uint(port, PORT_MAX, &n) < 0 || n == 0)
		return err_set(err, ERR_CONFIG, "\"%.*s\" is no port: "
		    "expected 1 to %d and \"@\"", SHOW(port), PORT_MAX);
	url->port = (int)n;
	if (brackets && host.p[host.len - 1] != ']')
		return err_set(err, ERR_CONFIG, "missing ] in \"%.*s\"",
		    SHOW(host));
	if (brackets)
		host = span_n(host.p + 1, host.len - 2);
	return parse_host(a, host, brackets, url->port, &url->host,
	    &url->addr, err);
}

static int
parse_inet(struct arena *a, struct span in, struct milter_url *url,
    struct err *err)
{
	struct span host;

	if (memchr(in.p, '@', in.len) != NULL)
		return parse_port_at(a, in, url, err);
	if (split_host(in, &host, &url->port, err) < 0)
		return -1;
	if (url->port == 0)
		return err_set(err, ERR_CONFIG, "there is no port: expected "
		    "host:port or port@host");
	return parse_host(a, host, is_bracketed(in), url->port, &url->host,
	    &url->addr, err);
}

static void
format_milter(struct arena *a, struct milter_url *url)
{
	char out[ADDR_TEXT];

	if (url->host != NULL)
		url->text = arena_printf(a, "inet:%s:%d", url->host,
		    url->port);
	else
		url->text = arena_printf(a, "%s%s", addr_is_unix(&url->addr) ?
		    "" : url->addr.u.sa.sa_family == AF_INET ? "inet:" :
		    "inet6:", addr_text(&url->addr, out));
}

int
endpoint_milter(struct arena *a, const char *dir, struct span in,
    struct milter_url *url, struct err *err)
{
	static const char inet[] = "inet:", inet6[] = "inet6:";
	int rc;

	memset(url, 0, sizeof(*url));
	if (span_starts_nocase(in, "unix:") ||
	    span_starts_nocase(in, "local:"))
		rc = parse_unix(a, dir, in, &url->addr, err);
	else if (span_starts_nocase(in, inet))
		rc = parse_inet(a, skip(in, strlen(inet)), url, err);
	else if (span_starts_nocase(in, inet6)) {
		rc = parse_inet(a, skip(in, strlen(inet6)), url, err);
		if (rc == 0 && url->host == NULL &&
		    url->addr.u.sa.sa_family != AF_INET6)
			rc = err_set(err, ERR_CONFIG,
			    "this is no IPv6 address");
	} else if (memchr(in.p, ':', in.len) != NULL &&
	    memchr(in.p, '/', in.len) == NULL)
		rc = parse_inet(a, in, url, err);
	else
		return err_set(err, ERR_CONFIG, "\"%.*s\" is not where a "
		    "filter is: expected unix:/path, inet:host:port or "
		    "inet6:[2001:db8::1]:port", SHOW(in));
	if (rc < 0)
		return err_prefix(err, "\"%.*s\"", SHOW(in));
	format_milter(a, url);
	return 0;
}

int
endpoint_forward(struct arena *a, struct span in, const char **text,
    struct err *err)
{
	struct addr address;
	char out[ADDR_TEXT];

	if (addr_parse_ip(in, PORT_DNS, &address, err) < 0 &&
	    (addr_parse(in, &address, err) < 0 || addr_is_unix(&address) ||
	    addr_port(&address) == 0))
		return err_set(err, ERR_CONFIG, "\"%.*s\" is no name server: "
		    "expected an IP address, as 192.0.2.1 or 192.0.2.1:53",
		    SHOW(in));
	*text = arena_strdup(a, addr_text(&address, out));
	return 0;
}
