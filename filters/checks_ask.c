#include "base/clock.h"
#include "base/dns.h"
#include "filters/checks_internal.h"

/*
 * One question to DNS each, in a fiber of its own, and its answer. What such
 * a fiber works with begins with its answer.
 */
struct asked {
	const void		*found;		/* NULL: it was stopped */
};

struct list_work {
	struct asked		 asked;
	struct dnsbl		*lists;
	struct dnsbl_subject	*subjects;
	size_t			 n;
	struct addr		 ip;
	int64_t			 timeout;	/* of the reverse name */
	struct dnsbl_answer	 answer;
};

struct spf_work {
	struct asked		 asked;
	struct spf_options	 options;
	struct spf_query	 query;
	struct addr		 ip;
	struct spf_answer	 answer;
};

struct name_work {
	struct addr		 ip;
	int64_t			 timeout;
	enum dns_reverse	 result;
	const char		*name;
};

struct sender_work {
	struct asked		 asked;
	struct address		 sender;
	int64_t			 timeout;
	struct rdns_sender	 answer;
};

struct helo_work {
	struct asked		 asked;
	const char		*name;
	struct addr		 ip;
	int64_t			 timeout;
	struct rdns_helo	 answer;
};

MAY_YIELD int
checks_await(struct task *t, struct err *err)
{
	return t == NULL ? 0 : task_await(t, err);
}

const void *
checks_found(struct task *t)
{
	const struct asked *asked = t != NULL ? task_state(t) : NULL;

	return asked != NULL ? asked->found : NULL;
}

/* --- DNS lists --- */

static MAY_YIELD void
ask_lists(struct arena *a, void *state)
{
	struct list_work *w = state;
	struct err err;

	if (dnsbl_check(a, w->lists, w->subjects, w->n, &w->answer,
	    &err) == 0)
		w->asked.found = &w->answer;
}

struct task *
checks_ask_lists(struct client_checks *of, enum listing_check check,
    const struct addr *ip, const struct span *names, size_t n)
{
	const struct checker *c = of->checker;
	struct list_work *w;
	struct task *t;

	if (!(of->wants & CHECK_LISTS) || !(c->subjects & check) || n == 0)
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
checks_join_lists(struct arena *a, struct task *const *tasks, size_t n,
    const struct dnsbl_answer **answer, struct err *err)
{
	const struct dnsbl_answer **answers = arena_new_n(a, n,
	    const struct dnsbl_answer *);
	struct dnsbl_answer *all;
	size_t nanswers = 0;

	*answer = NULL;
	for (size_t i = 0; i < n; i++) {
		if (checks_await(tasks[i], err) < 0)
			return -1;
		answers[nanswers] = checks_found(tasks[i]);
		if (answers[nanswers] != NULL)
			nanswers++;
	}
	if (nanswers == 0)
		return 0;
	all = arena_new(a, struct dnsbl_answer);
	dnsbl_join(a, answers, nanswers, all);
	*answer = all;
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

struct task *
checks_ask_reverse(struct client_checks *of, const struct client *client)
{
	const struct checker *c = of->checker;
	struct list_work *w;
	struct task *t;

	if (!(of->wants & CHECK_LISTS) || !(c->subjects & LISTING_REVERSE))
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

	if (spf_check(a, &w->options, &w->query, &w->answer,
	    &err) == 0)
		w->asked.found = &w->answer;
}

struct task *
checks_ask_spf(struct client_checks *of, enum check check,
    const struct client *client, struct span sender)
{
	struct spf_work *w;
	struct task *t;

	if (!(of->wants & check))
		return NULL;
	t = task_create("spf", sizeof(*w));
	w = task_state(t);
	w->options = of->checker->spf;
	w->ip = client->addr;
	w->query = (struct spf_query){
		.identity = check == CHECK_SPF ? SPF_MAILFROM : SPF_HELO,
		.client = &w->ip,
		.helo = arena_strdup(task_arena(t), client->helo),
		.sender = arena_span(task_arena(t), sender),
	};
	task_start(t, ask_spf);
	return t;
}

/* --- names --- */

static MAY_YIELD void
look_up_name(struct arena *a, void *state)
{
	struct name_work *w = state;
	struct err err;

	if (dns_reverse_name(a, &w->ip, clock_now() + w->timeout, &w->result,
	    &w->name, &err) < 0)
		w->result = DNS_REVERSE_TEMPERROR;
}

struct task *
checks_ask_name(struct client_checks *of, const struct client *client)
{
	struct name_work *w;
	struct task *t;

	if (!(of->wants & CHECK_NAME) || client->name != NULL)
		return NULL;
	t = task_create("name", sizeof(*w));
	w = task_state(t);
	w->ip = client->addr;
	w->timeout = of->checker->settings->resolver_timeout;
	w->result = DNS_REVERSE_TEMPERROR;
	task_start(t, look_up_name);
	return t;
}

MAY_YIELD int
checks_name_answer(struct task *t, struct arena *a, struct client *client,
    struct err *err)
{
	const struct name_work *w = task_state(t);

	if (task_await(t, err) < 0)
		return -1;
	client->reverse = w->result;
	if (w->result == DNS_REVERSE_OK)
		client->name = arena_strdup(a, w->name);
	else if (w->result == DNS_REVERSE_MISMATCH)
		client->unconfirmed = arena_strdup(a, w->name);
	return 0;
}

static MAY_YIELD void
look_up_helo(struct arena *a, void *state)
{
	struct helo_work *w = state;
	struct err err;

	if (rdns_helo(a, w->name, &w->ip, clock_now() + w->timeout,
	    &w->answer, &err) == 0)
		w->asked.found = &w->answer;
}

struct task *
checks_ask_helo(struct client_checks *of, const struct client *client)
{
	struct helo_work *w;
	struct task *t;

	if (!(of->wants & CHECK_HELO))
		return NULL;
	t = task_create("helo", sizeof(*w));
	w = task_state(t);
	w->name = arena_strdup(task_arena(t), client->helo);
	w->ip = client->addr;
	w->timeout = of->checker->settings->resolver_timeout;
	task_start(t, look_up_helo);
	return t;
}

static MAY_YIELD void
look_up_sender(struct arena *a, void *state)
{
	struct sender_work *w = state;
	struct err err;

	if (rdns_sender(a, &w->sender, clock_now() + w->timeout,
	    &w->answer, &err) == 0)
		w->asked.found = &w->answer;
}

struct task *
checks_ask_sender(struct client_checks *of, const struct address *sender)
{
	struct sender_work *w;
	struct task *t;

	if (!(of->wants & CHECK_SENDER) || sender->domain.len == 0)
		return NULL;
	t = task_create("sender", sizeof(*w));
	w = task_state(t);
	w->sender = address_copy(task_arena(t), sender);
	w->timeout = of->checker->settings->resolver_timeout;
	task_start(t, look_up_sender);
	return t;
}
