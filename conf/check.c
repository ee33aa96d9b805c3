#include <string.h>
#include <sys/un.h>

#include "conf/claim.h"

#define SOCKET_PATH_MAX	(sizeof(((struct sockaddr_un *)NULL)->sun_path) - 1)

static struct place
whole_file(const struct reading *r)
{
	return (struct place){ r->source, 0, 0 };
}

static void
check_process(struct reading *r)
{
	const struct settings *s = r->s;

	if (strchr(s->hostname, '.') == NULL && diagnostics_errors(r->d) == 0)
		diagnostic_warn(r->d, origin_has(&r->top, SCOPE_TOP,
		    "hostname") ? origin_place(&r->top, SCOPE_TOP,
		    "hostname") : whole_file(r),
		    "set it, as in: hostname \"mx1.example.org\"",
		    "the host name \"%s\" is not a full one: it has no dot",
		    s->hostname);
	if (strlen(s->control) > SOCKET_PATH_MAX)
		diagnostic(r->d, origin_place(&r->top, SCOPE_TOP, "control"),
		    NULL, "control: the path of a socket has at most %zu "
		    "octets: \"%s\"", SOCKET_PATH_MAX, s->control);
}

static bool
names_have(const struct names *names, const char *name)
{
	for (size_t i = 0; i < names->n; i++)
		if (strcmp(names->list[i], name) == 0)
			return true;
	return false;
}

static void
check_pairs(struct reading *r, const struct smtp_conf *c,
    const struct origin *o, enum scope scope)
{
	size_t n = c->certificates.n, nkeys = c->keys.n;

	if (origin_mark(o, scope, "certificate")->is_bad ||
	    origin_mark(o, scope, "key")->is_bad)
		return;
	if (n > nkeys)
		diagnostic(r->d, origin_item(o, scope, "certificate", nkeys),
		    NULL, "this certificate has no key (certificates: %zu, "
		    "keys: %zu)", n, nkeys);
	else if (nkeys > n)
		diagnostic(r->d, origin_item(o, scope, "key", n), NULL,
		    "this key has no certificate (certificates: %zu, keys: "
		    "%zu)", n, nkeys);
}

/* The settings for sessions, as they hold for one listener. */
static void
check_smtp(struct reading *r, const struct smtp_conf *c,
    const struct origin *o, enum scope scope)
{
	check_pairs(r, c, o, scope);
	if (c->tls != TLS_MODE_NONE && c->certificates.n == 0 &&
	    !origin_mark(o, scope, "certificate")->is_bad)
		diagnostic(r->d, origin_place(o, scope, "tls"), NULL,
		    "TLS needs a certificate and a key, and none is set");
	if (c->tls_client_certs != TLS_CLIENT_CERT_NONE &&
	    c->tls_client_ca == NULL)
		diagnostic(r->d, origin_place(o, scope,
		    "tls_client_certificate"), NULL, "clients are asked for a "
		    "certificate, but tls_client_ca is not set");
	if (names_have(&c->advertise, "BINARYMIME") &&
	    !names_have(&c->advertise, "CHUNKING"))
		diagnostic(r->d, origin_place(o, scope, "advertise"), NULL,
		    "BINARYMIME cannot be offered without CHUNKING "
		    "(RFC 3030)");
}

/* Networks of the top level may be meant for one listener among others. */
static void
check_bare_newline(struct reading *r)
{
	const struct settings *s = r->s;
	bool is_used = s->smtp.bare_newline_normalize;
	const struct origin *o = &r->top;
	enum scope scope = SCOPE_TOP;

	for (size_t i = 0; i < s->nlisteners; i++) {
		const struct smtp_conf *c = &s->listeners[i].smtp;

		is_used |= c->bare_newline_normalize;
		if (c->bare_newline_networks.n > 0 &&
		    c->bare_newline_networks.list !=
		    s->smtp.bare_newline_networks.list &&
		    !c->bare_newline_normalize) {
			o = &r->listeners[i];
			scope = SCOPE_LISTENER;
		}
	}
	if (scope == SCOPE_LISTENER ||
	    (s->smtp.bare_newline_networks.n > 0 && !is_used))
		diagnostic_warn(r->d, origin_place(o, scope,
		    "bare_newline_from"), NULL, "bare_newline_from has no "
		    "effect without bare_newline normalize");
}

static void
check_listeners(struct reading *r)
{
	const struct settings *s = r->s;
	struct claims addresses, names = claims_create(r, s->nlisteners);
	size_t i, j, n = 0;

	if (s->nlisteners == 0 && !r->is_partial)
		diagnostic(r->d, whole_file(r), NULL,
		    "there is no listener: mail can come in nowhere");
	if (s->nlisteners == 0)
		check_smtp(r, &s->smtp, &r->top, SCOPE_TOP);
	for (i = 0; i < s->nlisteners; i++)
		n += s->listeners[i].naddresses + s->listeners[i].systemd.n;
	addresses = claims_create(r, n + 1);
	if (s->stats_address.text != NULL)
		claim(&addresses, s->stats_address.text, origin_place(&r->top,
		    SCOPE_STATS, "address"), 0);
	for (i = 0; i < s->nlisteners; i++) {
		const struct listener_conf *l = &s->listeners[i];
		const struct origin *o = &r->listeners[i];

		if (l->name != NULL)
			claim(&names, l->name, o->at, i);
		if (!origin_has(o, SCOPE_LISTENER, "address") &&
		    !o->has_unknown)
			diagnostic(r->d, o->at, NULL,
			    "this listener has no address");
		for (j = 0; j < l->naddresses; j++)
			claim(&addresses, l->address_text.list[j],
			    origin_item(o, SCOPE_LISTENER, "address", j),
			    addresses.n);
		for (j = 0; j < l->systemd.n; j++)
			claim(&addresses, l->systemd.list[j],
			    origin_place(o, SCOPE_LISTENER, "address"),
			    addresses.n);
		check_smtp(r, &l->smtp, o, SCOPE_LISTENER);
	}
	check_bare_newline(r);
	claims_check(r, &names, "the name of a listener");
	claims_check(r, &addresses, "listened on");
}

/* What was not looked at cannot pass, and a failure would be told of it. */
static void
check_dmarc(struct reading *r)
{
	const struct settings *s = r->s;

	if (s->dmarc && (!s->spf || !s->dkim))
		diagnostic(r->d, origin_place(&r->top,
		    s->spf ? SCOPE_DKIM : SCOPE_SPF, "check"),
		    "dmarc { check no }", "DMARC needs %s: without it, mail "
		    "that passes would be called a failure",
		    s->spf ? "DKIM" : s->dkim ? "SPF" : "SPF and DKIM");
}

/* What facts are about is compared without case, so two lists whose names
 * differ by that alone would be one to the rules. */
static void
check_lists(struct reading *r)
{
	const struct settings *s = r->s;
	struct claims names = claims_create(r, s->nlists);

	for (size_t i = 0; i < s->nlists; i++) {
		const struct dnsbl_list *list = &s->lists[i].list;
		const struct origin *o = &r->lists[i];

		if (list->name != NULL)
			claim(&names, claim_small_letters(r->a, list->name),
			    o->at, i);
		if (!origin_has(o, SCOPE_DNSBL, "zone") && !o->has_unknown)
			diagnostic(r->d, o->at, NULL,
			    "this DNS list has no zone");
	}
	claims_check(r, &names, "the name of a DNS list");
}

static void
check_store(struct reading *r)
{
	static const char *const of_redis[] = { "user", "password_file",
	    "prefix", "timeout", "cache", "connections" };
	const struct settings *s = r->s;
	size_t n = sizeof(of_redis) / sizeof(*of_redis);

	for (size_t i = 0; i < n && s->store.text != NULL &&
	    s->store.kind == STORE_LMDB; i++)
		if (origin_has(&r->top, SCOPE_STORE, of_redis[i]))
			diagnostic_warn(r->d, origin_place(&r->top,
			    SCOPE_STORE, of_redis[i]), NULL, "%s has no "
			    "effect with LMDB", of_redis[i]);
	if (s->store_user != NULL && s->store_password_file == NULL)
		diagnostic(r->d, origin_place(&r->top, SCOPE_STORE, "user"),
		    NULL, "Redis takes no user without a password: "
		    "password_file is not set");
}

/* Each must leave room for the one before. */
static void
check_greylist(struct reading *r)
{
	const struct settings *s = r->s;

	if (s->greylist_delay >= s->greylist_window)
		diagnostic(r->d, origin_place(&r->top, SCOPE_GREYLIST,
		    origin_has(&r->top, SCOPE_GREYLIST, "delay") ? "delay" :
		    "window"), NULL, "delay must be shorter than window: "
		    "nobody could pass");
	if (s->greylist_window > s->greylist_memory)
		diagnostic_warn(r->d, origin_place(&r->top, SCOPE_GREYLIST,
		    origin_has(&r->top, SCOPE_GREYLIST, "memory") ? "memory" :
		    "window"), NULL, "who has passed is remembered for a "
		    "shorter time than who has not: memory is less than "
		    "window");
}

/* What TLS to the backend needs to know. */
static void
check_backend_tls(struct reading *r, const struct backend_conf *b,
    const struct origin *o)
{
	const char *unused = b->tls == BACKEND_TLS_VERIFY ? NULL :
	    b->tls_fingerprint != NULL ? "tls_fingerprint" :
	    b->tls_name != NULL ? "tls_name" :
	    b->tls_ca != NULL ? "tls_ca" : NULL;
	size_t i;

	if (unused != NULL)
		diagnostic_warn(r->d, origin_place(o, SCOPE_BACKEND, unused),
		    NULL, "%s has no effect without tls verify", unused);
	for (i = 0; i < b->nurls; i++) {
		const struct backend_url *url = &b->urls[i];
		struct place at = origin_item(o, SCOPE_BACKEND, "address", i);

		if (url->implicit_tls && b->tls == BACKEND_TLS_NONE)
			diagnostic(r->d, at, NULL,
			    "smtps contradicts tls none");
		if (b->tls == BACKEND_TLS_VERIFY && url->host == NULL &&
		    url->proto != PROTO_MAILDIR && b->tls_name == NULL &&
		    b->tls_fingerprint == NULL)
			diagnostic(r->d, at, NULL, "tls verify needs tls_name "
			    "or tls_fingerprint for an address that has no "
			    "host name");
	}
}

static void
check_maildir(struct reading *r, const struct backend_conf *b,
    const struct origin *o)
{
	size_t maildirs = 0, i;

	for (i = 0; i < b->nurls; i++)
		maildirs += b->urls[i].proto == PROTO_MAILDIR;
	if (maildirs == 0)
		return;
	if (maildirs < b->nurls) {
		for (i = 0; b->urls[i].proto == b->urls[0].proto; i++)
			;
		diagnostic(r->d, origin_item(o, SCOPE_BACKEND, "address", i),
		    NULL, "a backend is either a Maildir or a server, not "
		    "both");
		return;
	}
	if (b->client_info != CLIENT_INFO_NONE)
		diagnostic(r->d, origin_place(o, SCOPE_BACKEND,
		    "client_info"), NULL, "a Maildir is not told who the "
		    "client is: client_info must be none");
	if (b->tls == BACKEND_TLS_REQUIRE || b->tls == BACKEND_TLS_VERIFY)
		diagnostic(r->d, origin_place(o, SCOPE_BACKEND, "tls"), NULL,
		    "a Maildir has no TLS");
}

static void
check_backends(struct reading *r)
{
	const struct settings *s = r->s;
	struct claims names = claims_create(r, s->nbackends);

	if (s->nbackends == 0 && !r->is_partial)
		diagnostic(r->d, whole_file(r), NULL,
		    "there is no backend: mail can go nowhere");
	for (size_t i = 0; i < s->nbackends; i++) {
		const struct backend_conf *b = &s->backends[i];
		const struct origin *o = &r->backends[i];

		if (b->name != NULL)
			claim(&names, b->name, o->at, i);
		if (!origin_has(o, SCOPE_BACKEND, "address") &&
		    !o->has_unknown)
			diagnostic(r->d, o->at, NULL,
			    "this backend has no address");
		check_backend_tls(r, b, o);
		check_maildir(r, b, o);
	}
	claims_check(r, &names, "the name of a backend");
}

/* A name that no backend has. */
static void
complain_backend(struct reading *r, const char *name, struct place at)
{
	const struct settings *s = r->s;
	const char **names = arena_new_n(r->a, s->nbackends + 1, const char *);

	for (size_t i = 0; i < s->nbackends; i++)
		names[i] = s->backends[i].name;
	claim_missing(r, "backend", name, at, names, s->nbackends);
}

static void
check_quarantine(struct reading *r)
{
	const struct settings *s = r->s;

	if (s->quarantine_name != NULL && s->quarantine == SIZE_MAX &&
	    !r->is_partial)
		complain_backend(r, s->quarantine_name, origin_place(&r->top,
		    SCOPE_TOP, "quarantine"));
}

/* The hash says the rest. */
static void
check_redis_route(struct reading *r, const struct route_conf *route,
    const struct origin *o)
{
	static const char *const others[] = { "domains", "recipients",
	    "backend" };
	const struct settings *s = r->s;
	struct place at = origin_place(o, SCOPE_ROUTE, "redis");
	const struct origin *first = r->routes;

	for (size_t i = 0; i < sizeof(others) / sizeof(*others); i++)
		if (origin_has(o, SCOPE_ROUTE, others[i]))
			diagnostic(r->d, origin_place(o, SCOPE_ROUTE,
			    others[i]), NULL, "a route in Redis has no %s of "
			    "its own: the hash says it", others[i]);
	if (!r->is_partial && (s->store.text == NULL ||
	    s->store.kind != STORE_REDIS))
		diagnostic(r->d, at, NULL, "a route in Redis needs it as the "
		    "store: \"store { address redis://... }\"");
	if (route->redis != NULL && strlen(route->redis) > STORE_KEY_MAX)
		diagnostic(r->d, at, NULL, "redis: a key has at most %d "
		    "octets", STORE_KEY_MAX);
	while (!origin_has(first, SCOPE_ROUTE, "redis"))
		first++;
	if (first != o)
		diagnostic(r->d, at, NULL, "there is a route in Redis already, "
		    "at %s:%u: one hash has room for all of them",
		    first->at.source->name, first->at.line);
}

static void
check_route(struct reading *r, const struct route_conf *route,
    const struct origin *o)
{
	if (origin_has(o, SCOPE_ROUTE, "redis")) {
		check_redis_route(r, route, o);
		return;
	}
	if (!origin_has(o, SCOPE_ROUTE, "domains") &&
	    !origin_has(o, SCOPE_ROUTE, "recipients") && !o->has_unknown)
		diagnostic(r->d, o->at, NULL,
		    "this route has no domains, recipients or redis");
	if (!origin_has(o, SCOPE_ROUTE, "backend") && !o->has_unknown)
		diagnostic(r->d, o->at, NULL, "this route has no backend");
	if (route->backend_name != NULL && route->backend == SIZE_MAX &&
	    !r->is_partial)
		complain_backend(r, route->backend_name, origin_place(o,
		    SCOPE_ROUTE, "backend"));
}

/* The same name may stand in several routes to one backend, but not lead to
 * two of them. */
static void
check_routes(struct reading *r)
{
	const struct settings *s = r->s;
	struct claims claims;
	size_t i, j, n = 0;

	if (s->nroutes == 0 && !r->is_partial)
		diagnostic_warn(r->d, whole_file(r), NULL,
		    "there is no route: every recipient is refused");
	for (i = 0; i < s->nroutes; i++)
		n += s->routes[i].domains.n + s->routes[i].recipients.n;
	claims = claims_create(r, n);
	for (i = 0; i < s->nroutes; i++) {
		const struct route_conf *route = &s->routes[i];
		const struct origin *o = &r->routes[i];

		check_route(r, route, o);
		for (j = 0; j < route->domains.n; j++)
			claim(&claims, route->domains.list[j], origin_item(o,
			    SCOPE_ROUTE, "domains", j), route->backend);
		for (j = 0; j < route->recipients.n; j++)
			claim(&claims, route->recipients.list[j],
			    origin_item(o, SCOPE_ROUTE, "recipients", j),
			    route->backend);
	}
	claims_check(r, &claims, "routed to another backend");
}

void
check_settings(struct reading *r)
{
	check_process(r);
	check_listeners(r);
	check_dmarc(r);
	check_lists(r);
	check_store(r);
	check_greylist(r);
	check_backends(r);
	check_quarantine(r);
	check_routes(r);
	check_milters(r);
	check_journal(r);
	check_stats(r);
}
