#include <assert.h>

#include "base/clock.h"
#include "base/json_write.h"
#include "base/tls.h"
#include "gateway/backend_internal.h"

#define MAILDIR_THREADS	2

/* What clients may use, if all who take the mail can do it. */
#define PASSED_ON	(ABILITY_8BITMIME | ABILITY_SMTPUTF8 | ABILITY_DSN | \
    ABILITY_BINARYMIME)

/* --- life --- */

static int
tls_setup(struct backend *b, struct err *err)
{
	const struct backend_conf *conf = b->conf;
	enum tls_verify verify = TLS_VERIFY_NONE;
	bool is_used = conf->tls != BACKEND_TLS_NONE;
	size_t i;

	for (i = 0; i < conf->nurls; i++)
		is_used |= conf->urls[i].implicit_tls;
	if (!is_used)
		return 0;
	if (conf->tls == BACKEND_TLS_VERIFY)
		verify = conf->tls_fingerprint != NULL ?
		    TLS_VERIFY_FINGERPRINT : TLS_VERIFY_NAME;
	b->tls = tls_client_create(verify, conf->tls_ca,
	    conf->tls_fingerprint, err);
	return b->tls == NULL ? -1 : 0;
}

static int
addr_setup(struct backend *b, struct backend_addr *addr,
    const struct backend_url *url, struct err *err)
{
	addr->backend = b;
	addr->url = url;
	addr->where = arena_printf(b->all->arena, "%s %s", b->conf->name,
	    url->text);
	if (url->proto != PROTO_MAILDIR)
		return 0;
	if (b->all->offload == NULL)
		b->all->offload = offload_create(MAILDIR_THREADS);
	addr->maildir = maildir_open(b->all->arena, url->path, err);
	return addr->maildir == NULL ? -1 : 0;
}

static int
backend_setup(struct backends *all, struct backend *b,
    const struct backend_conf *conf, struct err *err)
{
	size_t i;

	b->all = all;
	b->conf = conf;
	b->helo = conf->helo != NULL ? conf->helo : all->settings->hostname;
	if (conf->nurls == 0 || conf->nurls > BACKEND_ADDRS_MAX)
		return err_set(err, ERR_CONFIG, "%zu addresses: from 1 to %d "
		    "are possible", conf->nurls, BACKEND_ADDRS_MAX);
	b->addrs = arena_new_n(all->arena, conf->nurls, struct backend_addr);
	b->naddrs = conf->nurls;
	for (i = 0; i < conf->nurls; i++) {
		if ((conf->urls[i].proto == PROTO_MAILDIR) !=
		    (conf->urls[0].proto == PROTO_MAILDIR))
			return err_set(err, ERR_CONFIG, "%s cannot stand "
			    "beside %s", conf->urls[i].text,
			    conf->urls[0].text);
		if (addr_setup(b, &b->addrs[i], &conf->urls[i], err) < 0)
			return -1;
	}
	return tls_setup(b, err);
}

static void
backends_free(struct backends *all)
{
	struct arena *a = all->arena;
	size_t i;

	for (i = 0; i < all->n; i++)
		tls_client_destroy(&all->list[i].tls);
	offload_destroy(&all->offload);
	arena_destroy(&a);
}

struct backends *
backends_create(const struct settings *settings, struct err *err)
{
	struct arena *a = arena_create("backends");
	struct backends *all = arena_new(a, struct backends);
	size_t i, k;

	all->arena = a;
	all->settings = settings;
	all->list = arena_new_n(a, settings->nbackends, struct backend);
	all->n = settings->nbackends;
	for (i = 0; i < all->n; i++)
		if (backend_setup(all, &all->list[i], &settings->backends[i],
		    err) < 0) {
			err_prefix(err, "backend %s",
			    settings->backends[i].name);
			backends_free(all);
			return NULL;
		}
	for (i = 0; i < all->n; i++) {
		backend_pool_start(&all->list[i]);
		for (k = 0; k < all->list[i].naddrs; k++)
			backend_health_start(&all->list[i].addrs[k]);
	}
	return all;
}

void
backends_leave(struct backends *all)
{
	if (--all->nusers == 0 && all->is_ending)
		backends_free(all);
}

void
backends_destroy(struct backends **ap)
{
	struct backends *all = *ap;
	size_t i, k;

	if (all == NULL)
		return;
	*ap = NULL;
	all->is_ending = true;
	for (i = 0; i < all->n; i++) {
		struct backend *b = &all->list[i];

		backend_pool_end(b);
		for (k = 0; k < b->naddrs; k++)
			if (b->addrs[k].probe != NULL)
				fiber_stop(b->addrs[k].probe);
		if (b->keeper != NULL)
			fiber_stop(b->keeper);
	}
	if (all->nusers == 0)
		backends_free(all);
}

int
backends_find(const struct backends *b, struct span name)
{
	for (size_t i = 0; i < b->n; i++)
		if (span_is(name, b->list[i].conf->name))
			return (int)i;
	return -1;
}

struct backend *
backends_at(struct backends *all, size_t index)
{
	assert(index < all->n);
	return &all->list[index];
}

/* --- what they can do --- */

unsigned
backends_abilities(const struct backends *all, uint64_t *max_size)
{
	unsigned abilities = PASSED_ON;
	bool is_known = false;
	size_t i, k;

	*max_size = 0;
	for (i = 0; i < all->n; i++)
		for (k = 0; k < all->list[i].naddrs; k++) {
			const struct backend_addr *addr =
			    &all->list[i].addrs[k];

			if (!addr->is_known)
				continue;
			is_known = true;
			abilities &= addr->abilities;
			if (addr->max_size > 0 && (*max_size == 0 ||
			    addr->max_size < *max_size))
				*max_size = addr->max_size;
		}
	return ABILITY_SIZE | (is_known ? abilities : BACKEND_OF_MAILDIR);
}

bool
backends_are_probed(const struct backends *all)
{
	size_t i, k;

	for (i = 0; i < all->n; i++)
		for (k = 0; k < all->list[i].naddrs; k++) {
			const struct backend_addr *addr =
			    &all->list[i].addrs[k];

			if (addr->probe != NULL && !addr->is_known &&
			    !addr->is_down)
				return false;
		}
	return true;
}

/* --- for people --- */

static const char *
state_name(const struct backend_addr *addr)
{
	if (addr->is_down)
		return "down";
	return addr->is_known ? "up" : "unknown";
}

static void
put_status(const struct backend_addr *addr, struct json_out *o)
{
	int64_t now = clock_now();

	json_open(o, NULL, '{');
	json_z(o, "name", addr->backend->conf->name);
	json_z(o, "address", addr->url->text);
	json_z(o, "state", state_name(addr));
	json_int(o, "open", (int64_t)addr->nopen);
	json_int(o, "idle", (int64_t)addr->nidle);
	json_int(o, "since_s", (now - addr->since) / CLOCK_S);
	if (addr->is_down && addr->rest_until > now)
		json_int(o, "retry_s", (addr->rest_until - now) / CLOCK_S);
	if (addr->is_down)
		json_z(o, "why", addr->why.text);
	json_close(o, '}');
}

void
backends_status(const struct backends *all, struct json_out *o)
{
	size_t i, k;

	json_open(o, "backends", '[');
	for (i = 0; i < all->n; i++)
		for (k = 0; k < all->list[i].naddrs; k++)
			put_status(&all->list[i].addrs[k], o);
	json_close(o, ']');
}
