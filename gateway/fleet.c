#include <stdlib.h>
#include <unistd.h>

#include "base/mem.h"
#include "conf/conf.h"
#include "gateway/configuration.h"
#include "gateway/fleet.h"

static size_t
count_workers(const struct settings *s)
{
	long processors = sysconf(_SC_NPROCESSORS_ONLN);

	if (s->workers > 0)
		return s->workers;
	return processors > 0 ? (size_t)processors : 1;
}

static int
make_tls(struct fleet *f, struct arena *a,
    const struct fleet_source *source, struct err *err)
{
	const struct settings *s = f->settings;

	f->tls = mem_zalloc((s->nlisteners + 1) * sizeof(*f->tls), "TLS");
	for (size_t i = 0; i < s->nlisteners; i++) {
		const struct smtp_conf *c = &s->listeners[i].smtp;
		struct tls_pair *pairs;

		if (c->certificates.n == 0 || c->tls == TLS_MODE_NONE)
			continue;
		pairs = arena_new_n(a, c->certificates.n, struct tls_pair);
		for (size_t j = 0; j < c->certificates.n; j++)
			pairs[j] = (struct tls_pair){
				.certificate = c->certificates.list[j],
				.key = c->keys.list[j],
			};
		f->tls[i] = tls_server_create(pairs, c->certificates.n,
		    c->tls_client_certs, c->tls_client_ca, err);
		if (f->tls[i] == NULL)
			return err_prefix(err, "listener %s",
			    s->listeners[i].name);
		tls_server_tickets(f->tls[i], source->tickets);
	}
	return 0;
}

/* What root made for a demo belongs to its workers. */
static void
give_demo_folders(const struct fleet *f, struct arena *a, const char *dir)
{
	static const char *const names[] = { "spool", "Maildir",
	    "Maildir/tmp", "Maildir/new", "Maildir/cur" };

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		identity_own_folder(&f->identity,
		    arena_printf(a, "%s/%s", dir, names[i]));
}

static int
find_identity(struct fleet *f, struct arena *a, const char *demo,
    struct err *err)
{
	if (demo == NULL)
		return identity_find(f->settings, &f->identity, err);
	give_demo_folders(f, a, demo);
	return 0;
}

const char *
fleet_source_name(const struct fleet_source *source)
{
	return source->demo == NULL ? source->path : "(demo)";
}

struct fleet *
fleet_create(struct arena *a, const struct fleet_source *source,
    const char **report)
{
	struct fleet *f = mem_zalloc(sizeof(*f), "settings");
	struct configuration c = {0};
	struct err err;

	/* Before anything is made in the folder: who it belongs to counts. */
	if (source->demo != NULL &&
	    identity_find_demo(source->demo, &f->identity, &err) < 0)
		c.report = arena_printf(a, "(demo): %s\n", err.text);
	else
		(void)configuration_read(a, source->path, source->demo, false,
		    &c);
	*report = c.report;
	if (c.settings == NULL) {
		fleet_destroy(&f);
		return NULL;
	}
	f->settings = c.settings;
	f->rules = c.rules;
	f->journal_key = span_n(source->journal, sizeof(source->journal));
	if (find_identity(f, a, source->demo, &err) < 0 ||
	    make_tls(f, a, source, &err) < 0) {
		*report = arena_printf(a, "%s%s: %s\n", *report,
		    fleet_source_name(source), err.text);
		fleet_destroy(&f);
		return NULL;
	}
	f->nslots = count_workers(f->settings);
	f->slots = mem_zalloc(f->nslots * sizeof(*f->slots), "workers");
	return f;
}

void
fleet_destroy(struct fleet **f)
{
	if (*f == NULL)
		return;
	for (size_t i = 0; (*f)->tls != NULL &&
	    i < (*f)->settings->nlisteners; i++) {
		if ((*f)->tls[i] != NULL)
			tls_server_destroy(&(*f)->tls[i]);
	}
	free((*f)->tls);
	free((*f)->slots);
	if ((*f)->settings != NULL)
		conf_free(&(*f)->settings);
	free(*f);
	*f = NULL;
}

int64_t
fleet_worker_lost(struct fleet_slot *slot, int64_t lived, int64_t now)
{
	int64_t delay = FLEET_FIRST_DELAY;

	if (lived >= FLEET_HEALTHY)
		slot->failures = 0;
	for (unsigned i = 0; i < slot->failures &&
	    delay < FLEET_LONGEST_DELAY; i++)
		delay *= 2;
	if (delay > FLEET_LONGEST_DELAY)
		delay = FLEET_LONGEST_DELAY;
	slot->failures++;
	slot->is_manned = false;
	slot->restart_at = now + delay;
	return delay;
}
