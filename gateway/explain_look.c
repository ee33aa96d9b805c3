#include "base/clock.h"
#include "base/task.h"
#include "gateway/explain_internal.h"

#define NAMES	3		/* client, HELO, sender */

/* One look at all. */
struct look {
	struct arena		*arena;
	const struct settings	*settings;
	struct explanation	*x;
};

static int64_t
deadline(const struct look *l)
{
	return clock_now() + l->settings->resolver_timeout;
}

static MAY_YIELD void
look_up_client(struct arena *a, void *state)
{
	struct look *l = state;
	struct explanation *x = l->x;
	struct client *c = &x->client;
	struct err err;

	(void)a;
	if (c->name != NULL)
		return;
	if (dns_reverse_name(l->arena, &c->addr, deadline(l), &c->reverse,
	    &x->reverse_name, &err) == 0 && c->reverse == DNS_REVERSE_OK)
		c->name = x->reverse_name;
}

static MAY_YIELD void
look_up_helo(struct arena *a, void *state)
{
	struct look *l = state;
	struct err err;

	(void)a;
	(void)rdns_helo(l->arena, l->x->client.helo, &l->x->client.addr,
	    deadline(l), &l->x->helo, &err);
}

static MAY_YIELD void
look_up_sender(struct arena *a, void *state)
{
	struct look *l = state;
	struct err err;

	(void)a;
	(void)rdns_sender(l->arena, &l->x->envelope.sender, deadline(l),
	    &l->x->sender, &err);
}

/* Side by side, so that one whose servers are silent costs the others
 * nothing. */
static void
begin_names(const struct look *l, struct task *names[NAMES])
{
	task_fn *const run[NAMES] = { look_up_client, look_up_helo,
	    look_up_sender };

	for (int i = 0; i < NAMES; i++) {
		names[i] = task_create("names", sizeof(*l));
		*(struct look *)task_state(names[i]) = *l;
		task_start(names[i], run[i]);
	}
}

static MAY_YIELD int
check_mail(const struct look *l, struct client_checks *of, struct err *err)
{
	struct explanation *x = l->x;
	struct mail_checks *m = mail_checks_begin(l->arena, of, &x->client,
	    &x->envelope);
	struct fields *header = arena_new(l->arena, struct fields);
	struct author *author = arena_new(l->arena, struct author);
	size_t size = (size_t)x->scan.size;
	int ret;

	if (x->has_message) {
		fields_parse(l->arena, span_n(x->message.p, size), header);
		author_find(l->arena, header, author);
		mail_checks_header(m, header, author);
		mail_checks_body(m, span_n(x->message.p + size,
		    x->message.len - size));
	}
	ret = mail_checks_finish(m, &x->findings, err);
	x->findings.header = header;
	x->findings.author = author;
	return ret;
}

MAY_YIELD int
explain_look(struct arena *a, const struct settings *s,
    struct checker *checker, struct explanation *x, struct err *err)
{
	const struct look l = { a, s, x };
	struct task *names[NAMES];
	struct client_checks *of;
	int ret;

	begin_names(&l, names);
	x->checks = of = client_checks_begin(checker, ~(unsigned)CHECK_NAME);
	client_checks_start(of, &x->client);
	client_checks_helo(of, &x->client);
	ret = check_mail(&l, of, err);
	for (int i = 0; i < NAMES; i++) {
		if (ret == 0)
			ret = task_await(names[i], err);
		task_drop(&names[i]);
	}
	return ret;
}

void
explain_look_end(struct explanation *x)
{
	if (x->checks != NULL)
		client_checks_end(&x->checks);
}
