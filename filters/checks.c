#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/dns.h"
#include "base/mem.h"
#include "filters/checks_internal.h"

/* --- of a worker --- */

int
checks_open(const struct settings *s, struct err *err)
{
	return signature_open(s->dkim_libopendkim ? SIGNATURE_LIBOPENDKIM :
	    SIGNATURE_OWN, err);
}

void
checks_close(void)
{
	signature_close();
}

static unsigned
without_those_off(unsigned wants, const struct settings *s)
{
	if (!s->spf)
		wants &= ~(unsigned)(CHECK_SPF | CHECK_SPF_HELO);
	if (!s->dkim)
		wants &= ~(unsigned)CHECK_DKIM;
	if (!s->dmarc)
		wants &= ~(unsigned)CHECK_DMARC;
	return wants;
}

struct checker *
checker_create(struct arena *a, const struct checker_options *from)
{
	struct checker *c = arena_new(a, struct checker);
	const struct settings *s = from->settings;
	struct dnsbl_options options = {
		.lists = from->lists,
		.n = from->nlists,
		.probe_interval = DNSBL_PROBE_INTERVAL,
		.report = from->report,
		.owner = from->owner,
	};

	c->settings = s;
	c->wants = without_those_off(from->wants, s);
	c->spf.engine = s->spf_libspf2 ? SPF_ENGINE_LIBSPF2 : SPF_ENGINE_OWN;
	c->spf.timeout = s->spf_timeout;
	c->spf.lookup_timeout = s->resolver_timeout;
	c->spf.receiver = s->hostname;
	if (!(c->wants & CHECK_LISTS) || from->nlists == 0)
		return c;
	for (size_t i = 0; i < from->nlists; i++)
		c->subjects |= from->lists[i].checks;
	c->lists = dnsbl_create(a, &options);
	return c;
}

void
checker_stop(struct checker *c)
{
	if (c->lists != NULL)
		dnsbl_stop(c->lists);
	c->lists = NULL;
	c->subjects = 0;
}

bool
checker_is_probed(const struct checker *c)
{
	return c->lists == NULL || dnsbl_is_probed(c->lists);
}

const struct dnsbl *
checker_lists(const struct checker *c)
{
	return c->lists;
}

/* --- of a client --- */

struct client_checks *
client_checks_begin(struct checker *c, unsigned wants)
{
	struct client_checks *of = mem_zalloc(sizeof(*of), "checks");

	of->checker = c;
	of->wants = wants & c->wants;
	return of;
}

void
client_checks_start(struct client_checks *of, const struct client *client)
{
	of->name = checks_ask_name(of, client);
	of->address_lists = checks_ask_lists(of, LISTING_CLIENT,
	    &client->addr, NULL, 1);
	of->reverse_lists = checks_ask_reverse(of, client);
}

bool
client_checks_has_name(const struct client_checks *of)
{
	return of->name == NULL || task_is_done(of->name);
}

MAY_YIELD int
client_checks_name(struct client_checks *of, struct arena *a,
    struct client *client, struct err *err)
{
	if (of->name == NULL)
		return 0;
	if (checks_name_answer(of->name, a, client, err) < 0)
		return -1;
	task_drop(&of->name);
	return 0;
}

/* --- what hangs on its HELO name --- */

static void
forget_helo(struct client_checks *of)
{
	task_drop(&of->helo_lists);
	task_drop(&of->helo_spf);
	task_drop(&of->helo_name);
}

static bool
is_same_helo(const struct client_checks *of, const struct client *client)
{
	return strcmp(of->helo, client->helo) == 0;
}

MAY_YIELD int
client_checks_settle_helo(struct client_checks *of,
    const struct client *client, struct err *err)
{
	if (is_same_helo(of, client))
		return 0;
	if (checks_await(of->helo_lists, err) < 0 ||
	    checks_await(of->helo_spf, err) < 0 ||
	    checks_await(of->helo_name, err) < 0)
		return -1;
	return 0;
}

void
client_checks_helo(struct client_checks *of, const struct client *client)
{
	struct span name = span_z(client->helo);

	if (is_same_helo(of, client))
		return;
	forget_helo(of);
	snprintf(of->helo, sizeof(of->helo), "%s", client->helo);
	of->helo_lists = checks_ask_lists(of, LISTING_HELO, NULL, &name, 1);
	of->helo_spf = checks_ask_spf(of, CHECK_SPF_HELO, client,
	    SPAN_LIT(""));
	of->helo_name = checks_ask_helo(of, client);
}

MAY_YIELD int
client_checks_spf(struct client_checks *of, const struct spf_answer **answer,
    struct err *err)
{
	if (checks_await(of->helo_spf, err) < 0)
		return -1;
	*answer = checks_found(of->helo_spf);
	return 0;
}

MAY_YIELD int
client_checks_resolve(struct client_checks *of,
    const struct rdns_helo **answer, struct err *err)
{
	if (checks_await(of->helo_name, err) < 0)
		return -1;
	*answer = checks_found(of->helo_name);
	return 0;
}

/* --- all of them --- */

MAY_YIELD int
client_checks_lists(struct client_checks *of, bool with_helo,
    struct arena *a, const struct dnsbl_answer **answer, struct err *err)
{
	struct task *tasks[] = { of->address_lists, of->reverse_lists,
	    with_helo ? of->helo_lists : NULL };

	return checks_join_lists(a, tasks, sizeof(tasks) / sizeof(*tasks),
	    answer, err);
}

MAY_YIELD int
client_checks_settle(struct client_checks *of, struct err *err)
{
	struct task *tasks[] = { of->name, of->address_lists,
	    of->reverse_lists, of->helo_lists, of->helo_spf, of->helo_name };

	for (size_t i = 0; i < sizeof(tasks) / sizeof(*tasks); i++)
		if (checks_await(tasks[i], err) < 0)
			return -1;
	return 0;
}

void
client_checks_end(struct client_checks **ofp)
{
	struct client_checks *of = *ofp;

	*ofp = NULL;
	if (of == NULL)
		return;
	forget_helo(of);
	task_drop(&of->name);
	task_drop(&of->address_lists);
	task_drop(&of->reverse_lists);
	free(of);
}
