#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/dns.h"
#include "base/mem.h"
#include "filters/checks_internal.h"

/* The state of a task that asks DNS lists. */
struct list_work {
	struct dnsbl		*lists;
	struct dnsbl_subject	*subjects;
	size_t			 n;
	struct addr		 ip;
	int64_t			 timeout;	/* of the reverse name */
	struct dnsbl_answer	 answer;
	bool			 is_good;	/* not stopped */
};

struct spf_work {
	struct spf_options	 options;
	struct spf_query	 query;
	struct addr		 ip;
	struct spf_answer	 answer;
	bool			 is_good;
};

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

struct checker *
checker_create(struct arena *a, const struct settings *s,
    dnsbl_event_fn *report, void *owner)
{
	struct checker *c = arena_new(a, struct checker);
	struct dnsbl_list *lists = arena_new_n(a, s->nlists + 1,
	    struct dnsbl_list);
	struct dnsbl_options options = {
		.lists = lists,
		.n = s->nlists,
		.probe_interval = DNSBL_PROBE_INTERVAL,
		.report = report,
		.owner = owner,
	};

	c->settings = s;
	c->spf.engine = s->spf_libspf2 ? SPF_ENGINE_LIBSPF2 : SPF_ENGINE_OWN;
	c->spf.timeout = s->spf_timeout;
	c->spf.lookup_timeout = s->resolver_timeout;
	c->spf.receiver = s->hostname;
	for (size_t i = 0; i < s->nlists; i++) {
		lists[i] = s->lists[i].list;
		c->subjects |= lists[i].checks;
	}
	if (s->nlists > 0)
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

/* 1: it has ended; 0: there is no task. */
static MAY_YIELD int
await(struct task *t, struct err *err)
{
	if (t == NULL)
		return 0;
	return task_await(t, err) < 0 ? -1 : 1;
}

/* --- DNS lists --- */

static MAY_YIELD void
ask_lists(struct arena *a, void *state)
{
	struct list_work *w = state;
	struct err err;

	w->is_good = dnsbl_check(a, w->lists, w->subjects, w->n, &w->answer,
	    &err) == 0;
}

struct task *
checks_ask_lists(struct checker *c, enum listing_check check,
    const struct addr *ip, const struct span *names, size_t n)
{
	struct list_work *w;
	struct task *t;

	if (!(c->subjects & check) || n == 0)
		return NULL;
	t = task_create("lists", sizeof(*w));
	w = task_state(t);
	w->lists = c->lists;
	w->n = n;
	w->subjects = arena_new_n(task_arena(t), n, struct dnsbl_subject);
	if (ip != NULL)
		w->ip = *ip;
	for (size_t i = 0; i < n; i++) {
		w->subjects[i].check = check;
		w->subjects[i].ip = &w->ip;
		w->subjects[i].name = ip != NULL ? SPAN_LIT("") :
		    arena_span(task_arena(t), names[i]);
	}
	task_start(t, ask_lists);
	return t;
}

MAY_YIELD int
checks_lists_answer(struct task *t, const struct dnsbl_answer **answer,
    struct err *err)
{
	const struct list_work *w;
	int ret = await(t, err);

	*answer = NULL;
	if (ret <= 0)
		return ret;
	w = task_state(t);
	if (w->is_good)
		*answer = &w->answer;
	return 0;
}

/* The same for the confirmed reverse name, once that is known. */
static MAY_YIELD void
ask_reverse(struct arena *a, void *state)
{
	struct list_work *w = state;
	enum dns_reverse result;
	const char *name;
	struct err err;

	if (w->subjects->name.len == 0) {
		if (dns_reverse_name(a, &w->ip, clock_now() + w->timeout,
		    &result, &name, &err) < 0)
			return;
		if (result != DNS_REVERSE_OK)
			w->n = 0;
		else
			w->subjects->name = span_z(name);
	}
	ask_lists(a, state);
}

static struct task *
begin_reverse(struct checker *c, const struct client *client)
{
	struct list_work *w;
	struct task *t;

	if (!(c->subjects & LISTING_REVERSE))
		return NULL;
	t = task_create("reverse lists", sizeof(*w));
	w = task_state(t);
	w->lists = c->lists;
	w->ip = client->addr;
	w->timeout = c->settings->resolver_timeout;
	w->n = 1;
	w->subjects = arena_new(task_arena(t), struct dnsbl_subject);
	w->subjects->check = LISTING_REVERSE;
	if (client->name != NULL)	/* told by XCLIENT */
		w->subjects->name = arena_span(task_arena(t),
		    span_z(client->name));
	task_start(t, ask_reverse);
	return t;
}

/* --- SPF --- */

static MAY_YIELD void
ask_spf(struct arena *a, void *state)
{
	struct spf_work *w = state;
	struct err err;

	w->is_good = spf_check(a, &w->options, &w->query, &w->answer,
	    &err) == 0;
}

struct task *
checks_ask_spf(struct checker *c, enum spf_identity identity,
    const struct client *client, struct span sender)
{
	struct spf_work *w;
	struct task *t;

	if (!c->settings->spf)
		return NULL;
	t = task_create("spf", sizeof(*w));
	w = task_state(t);
	w->options = c->spf;
	w->ip = client->addr;
	w->query = (struct spf_query){
		.identity = identity,
		.client = &w->ip,
		.helo = arena_strdup(task_arena(t), client->helo),
		.sender = arena_span(task_arena(t), sender),
	};
	task_start(t, ask_spf);
	return t;
}

MAY_YIELD int
checks_spf_answer(struct task *t, const struct spf_answer **answer,
    struct err *err)
{
	const struct spf_work *w;
	int ret = await(t, err);

	*answer = NULL;
	if (ret <= 0)
		return ret;
	w = task_state(t);
	if (w->is_good)
		*answer = &w->answer;
	return 0;
}

/* --- of a client --- */

struct client_checks *
client_checks_begin(struct checker *c, const struct client *client)
{
	struct client_checks *of = mem_zalloc(sizeof(*of), "checks");

	of->checker = c;
	of->address_lists = checks_ask_lists(c, LISTING_CLIENT, &client->addr,
	    NULL, 1);
	of->reverse_lists = begin_reverse(c, client);
	return of;
}

static void
forget_helo(struct client_checks *of)
{
	task_drop(&of->helo_lists);
	task_drop(&of->helo_spf);
}

void
checks_helo(struct client_checks *of, const struct client *client)
{
	struct span name = span_z(client->helo);

	if (strcmp(of->helo, client->helo) == 0)
		return;
	forget_helo(of);
	snprintf(of->helo, sizeof(of->helo), "%s", client->helo);
	of->helo_lists = checks_ask_lists(of->checker, LISTING_HELO, NULL,
	    &name, 1);
	of->helo_spf = checks_ask_spf(of->checker, SPF_HELO, client,
	    SPAN_LIT(""));
}

MAY_YIELD int
client_checks_settle(struct client_checks *of, struct err *err)
{
	struct task *tasks[] = { of->address_lists, of->reverse_lists,
	    of->helo_lists, of->helo_spf };

	for (size_t i = 0; i < sizeof(tasks) / sizeof(*tasks); i++)
		if (tasks[i] != NULL && task_await(tasks[i], err) < 0)
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
	task_drop(&of->address_lists);
	task_drop(&of->reverse_lists);
	free(of);
}
