#include <string.h>

#include "base/dns_answer.h"
#include "base/task.h"
#include "filters/signature_keys.h"

/* In the task's arena: it may outlive the message. */
struct lookups {
	struct dns_query	*queries;
	size_t			 n;
	int64_t			 deadline;
};

struct signature_keys {
	struct task	*task;
	struct lookups	*lookups;
};

static MAY_YIELD void
look_up(struct arena *a, void *state)
{
	struct lookups *l = state;
	struct err err;

	if (dns_lookup_all(a, l->queries, l->n, l->deadline, &err) == 0)
		return;
	/* The process ends, and this fiber was the first to be stopped. */
	for (size_t i = 0; i < l->n; i++)
		dns_answer_fail(&l->queries[i].answer, "stopped");
}

static void
drop(void *arg)
{
	struct signature_keys *k = arg;

	task_drop(&k->task);
}

struct signature_keys *
signature_keys_create(struct arena *a, size_t most)
{
	struct signature_keys *k = arena_new(a, struct signature_keys);

	k->task = task_create("dkim", sizeof(struct lookups));
	k->lookups = task_state(k->task);
	k->lookups->queries = arena_new_n(task_arena(k->task), most,
	    struct dns_query);
	arena_defer(a, drop, k);
	return k;
}

size_t
signature_keys_want(struct signature_keys *k, const char *name)
{
	struct lookups *l = k->lookups;
	size_t i;

	for (i = 0; i < l->n; i++)
		if (strcmp(l->queries[i].name, name) == 0)
			return i;
	l->queries[i] = (struct dns_query){ .type = DNS_TXT,
	    .name = arena_strdup(task_arena(k->task), name) };
	l->n++;
	return i;
}

void
signature_keys_start(struct signature_keys *k, int64_t deadline)
{
	k->lookups->deadline = deadline;
	if (k->lookups->n > 0)
		task_start(k->task, look_up);
}

MAY_YIELD int
signature_keys_wait(struct signature_keys *k, struct err *err)
{
	return k->lookups->n > 0 ? task_await(k->task, err) : 0;
}

const struct dns_answer *
signature_keys_get(const struct signature_keys *k, size_t number)
{
	return &k->lookups->queries[number].answer;
}
