#include <string.h>

#include "base/dns_answer.h"
#include "base/task.h"
#include "filters/signature_keys.h"

/* In the task's arena: it may outlive the message. */
struct lookups {
	struct dns_query	*queries;
	size_t			 n;
	bool			 needs_all;
	int64_t			 deadline;
};

struct signature_keys {
	struct task	*task;
	struct lookups	*lookups;
};

static bool
is_missing(const struct dns_query *q, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (q[i].answer.outcome == DNS_NXDOMAIN ||
		    q[i].answer.outcome == DNS_NODATA)
			return true;
	return false;
}

static MAY_YIELD void
look_up(struct arena *a, void *state)
{
	struct lookups *l = state;
	struct dns_query *q = l->queries;
	size_t left = l->n, n;
	struct err err;

	for (; left > 0; q += n, left -= n) {
		n = left < SIGNATURE_KEYS_TOGETHER ? left :
		    SIGNATURE_KEYS_TOGETHER;
		/* The process ends, and this fiber was the first to be
		 * stopped. */
		if (dns_lookup_all(a, q, n, l->deadline, &err) < 0)
			break;
		if (l->needs_all && is_missing(q, n)) {
			q += n;
			left -= n;
			break;
		}
	}
	for (; left > 0; q++, left--)
		dns_answer_fail(&q->answer, "not asked for");
}

static void
drop(void *arg)
{
	struct signature_keys *k = arg;

	task_drop(&k->task);
}

struct signature_keys *
signature_keys_create(struct arena *a, size_t most, bool needs_all)
{
	struct signature_keys *k = arena_new(a, struct signature_keys);

	k->task = task_create("keys", sizeof(struct lookups));
	k->lookups = task_state(k->task);
	k->lookups->queries = arena_new_n(task_arena(k->task), most,
	    struct dns_query);
	k->lookups->needs_all = needs_all;
	arena_defer(a, drop, k);
	return k;
}

bool
signature_keys_find(const struct signature_keys *k, const char *name,
    size_t *number)
{
	const struct lookups *l = k->lookups;

	for (*number = 0; *number < l->n; ++*number)
		if (strcmp(l->queries[*number].name, name) == 0)
			return true;
	return false;
}

size_t
signature_keys_want(struct signature_keys *k, const char *name)
{
	struct lookups *l = k->lookups;
	size_t i;

	if (signature_keys_find(k, name, &i))
		return i;
	l->queries[l->n].type = DNS_TXT;
	l->queries[l->n].name = arena_strdup(task_arena(k->task), name);
	return l->n++;
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
