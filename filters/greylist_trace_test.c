#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "filters/greylist.h"
#include "tests/fake/fake.h"
#include "tests/kit/grey_rivals.h"
#include "tests/kit/grey_senders.h"
#include "tests/kit/t.h"

/*
 * Four weeks of mail (tests/kit/grey_senders.h) played to three greylists.
 * With the argument --table the figures are printed that docs/greylisting.md
 * shows; in any case their shape must hold.
 */

static bool
forepost(struct arena *a, struct store *s, const struct grey_try *t)
{
	struct greylist_options options;
	struct greylist_answer answer;
	struct address sender, rcpt;
	struct greylist_query q = {
		.client = &t->client, .sender = &sender, .rcpt = &rcpt,
		.spf = t->spf[0] == '\0' ? NULL : t->spf,
		.name = t->name[0] == '\0' ? NULL : t->name
	};
	struct err err;

	greylist_defaults(&options);
	if (address_parse(span_z(t->from), false, &sender, &err) < 0 ||
	    address_parse(span_z(t->to), false, &rcpt, &err) < 0 ||
	    greylist_check(a, s, &options, &q, &answer, &err) < 0) {
		T_STR("an address of the trace", err.text, "");
		return true;
	}
	return !answer.defer;
}

static const struct {
	const char	*name;
	grey_policy_fn	*pass;
} policies[] = {
	{ "Forepost", forepost },
	{ "postgrey", grey_postgrey },
	{ "Rspamd", grey_rspamd },
};
#define POLICIES	(sizeof(policies) / sizeof(*policies))

/* --- what is to happen, the next thing first --- */

struct event {
	int64_t			 at;
	unsigned		 order;	/* of what is at one time */
	struct grey_mail	 mail;
	unsigned		 n;	/* of the try */
};

struct queue {
	struct event	*heap;
	size_t		 n, cap;
	unsigned	 order;
};

static bool
is_before(const struct event *a, const struct event *b)
{
	return a->at != b->at ? a->at < b->at : a->order < b->order;
}

static void
queue_put(struct queue *q, struct event e)
{
	size_t i = q->n++;

	if (q->n > q->cap) {
		q->cap = q->cap * 2 + 64;
		q->heap = mem_realloc(q->heap, q->cap * sizeof(*q->heap),
		    "a trace");
	}
	e.order = q->order++;
	for (; i > 0 && is_before(&e, &q->heap[(i - 1) / 2]); i = (i - 1) / 2)
		q->heap[i] = q->heap[(i - 1) / 2];
	q->heap[i] = e;
}

static struct event
queue_take(struct queue *q)
{
	struct event first = q->heap[0], last = q->heap[--q->n];
	size_t i = 0, next;

	while ((next = 2 * i + 1) < q->n) {
		if (next + 1 < q->n && is_before(&q->heap[next + 1],
		    &q->heap[next]))
			next++;
		if (!is_before(&q->heap[next], &last))
			break;
		q->heap[i] = q->heap[next];
		i = next;
	}
	q->heap[i] = last;
	return first;
}

/* --- one policy's four weeks --- */

struct result {
	unsigned	 mails, delayed, lost;
	int64_t		*delays;	/* of those that were delayed and came
					   through */
	unsigned	 ndelays;
};

static void
play_try(grey_policy_fn *pass, struct store *s, struct queue *q,
    struct event e, struct result *r)
{
	struct arena *a = arena_create("a try");
	int64_t age = e.at - e.mail.born, wait;
	struct grey_try t;

	grey_senders_try(&e.mail, e.n, &t);
	if (pass(a, s, &t)) {
		if (e.n > 0)
			r->delays[r->ndelays++] = age;
	} else {
		r->delayed += e.n == 0;
		wait = grey_senders_wait(&e.mail, e.n, age);
		if (wait < 0)
			r->lost++;
		e.n++;
		e.at += wait;
		if (wait >= 0)
			queue_put(q, e);
	}
	arena_destroy(&a);
}

static int
by_size(const void *a, const void *b)
{
	const int64_t *x = a, *y = b;

	return *x < *y ? -1 : *x > *y;
}

static void
play(grey_policy_fn *pass, struct store *s, struct result results[])
{
	struct queue q = { 0 };
	struct event e;
	int64_t now = 0;
	unsigned kind, i;

	fake_store_clear();
	for (kind = 0; kind < GREY_KINDS; kind++) {
		results[kind] = (struct result){ .mails =
		    grey_senders_count(kind) };
		results[kind].delays = mem_zalloc(results[kind].mails *
		    sizeof(int64_t), "a trace");
		for (i = 0; i < results[kind].mails; i++) {
			e = (struct event){ .mail =
			    grey_senders_mail(kind, i) };
			e.at = e.mail.born;
			queue_put(&q, e);
		}
	}
	while (q.n > 0) {
		e = queue_take(&q);
		fake_clock_advance((e.at - now) * CLOCK_S);
		now = e.at;
		play_try(pass, s, &q, e, &results[e.mail.kind]);
	}
	for (kind = 0; kind < GREY_KINDS; kind++)
		qsort(results[kind].delays, results[kind].ndelays,
		    sizeof(int64_t), by_size);
	free(q.heap);
}

/* --- figures --- */

static double
delayed_share(const struct result *r)
{
	return 100.0 * r->delayed / r->mails;
}

/* Of what could not come at once. */
static double
lost_share(const struct result *r)
{
	return 100.0 * r->lost / r->mails;
}

static double
delay_minutes(const struct result *r, unsigned percent)
{
	return r->ndelays == 0 ? 0 :
	    (double)r->delays[(r->ndelays - 1) * percent / 100] / 60;
}

static void
print_table(struct result results[][GREY_KINDS])
{
	const struct result *r;
	unsigned kind, p;

	printf("| senders | mails | greylist | delayed %% | median min | "
	    "95 %% min | lost %% |\n|---|---|---|---|---|---|---|\n");
	for (kind = 0; kind < GREY_KINDS; kind++)
		for (p = 0; p < POLICIES && !GREY_IS_JUNK(kind); p++) {
			r = &results[p][kind];
			printf("| %s | %u | %s | %.1f | %.0f | %.0f | "
			    "%.2f |\n", grey_kind_name(kind), r->mails,
			    policies[p].name, delayed_share(r),
			    delay_minutes(r, 50), delay_minutes(r, 95),
			    lost_share(r));
		}
	printf("\n| junk | mails | greylist | let through %% |\n"
	    "|---|---|---|---|\n");
	for (kind = 0; kind < GREY_KINDS; kind++)
		for (p = 0; p < POLICIES && GREY_IS_JUNK(kind); p++) {
			r = &results[p][kind];
			printf("| %s | %u | %s | %.2f |\n",
			    grey_kind_name(kind), r->mails, policies[p].name,
			    100 - lost_share(r));
		}
}

static void
check_shape(struct result results[][GREY_KINDS])
{
	static const enum grey_kind big[] = { GREY_POOL, GREY_LIST,
	    GREY_NAMED };
	const struct result *ours = results[0];
	unsigned kind, p;

	for (kind = 0; kind < GREY_KINDS; kind++) {
		if (GREY_IS_JUNK(kind)) {
			T_OK("of those that try once next to nothing passes",
			    lost_share(&ours[kind]) >
			    (kind == GREY_DOMAIN ? 95 : 99.9));
			continue;
		}
		T_INT("no mail is lost", ours[kind].lost, 0);
		T_OK("half of the delayed come within half an hour",
		    delay_minutes(&ours[kind], 50) < 30);
	}
	for (p = 1; p < POLICIES; p++)
		for (kind = 0; kind < sizeof(big) / sizeof(*big); kind++)
			T_OK("big senders are delayed less than by others",
			    delayed_share(&ours[big[kind]]) <
			    delayed_share(&results[p][big[kind]]));
	for (kind = 0; kind < sizeof(big) / sizeof(*big); kind++)
		T_OK("of big senders one in ten mails is delayed at most",
		    delayed_share(&ours[big[kind]]) <= 10);
	T_OK("small senders no more than by postgrey",
	    delayed_share(&ours[GREY_SINGLE]) <=
	    delayed_share(&results[1][GREY_SINGLE]));
}

int
main(int argc, char **argv)
{
	static struct result results[POLICIES][GREY_KINDS];
	struct arena *a = arena_create("test");
	struct err err;
	struct store *s = store_open(a, NULL, &err);
	unsigned p, kind;

	for (p = 0; p < POLICIES; p++)
		play(policies[p].pass, s, results[p]);
	if (argc > 1 && strcmp(argv[1], "--table") == 0)
		print_table(results);
	check_shape(results);
	for (p = 0; p < POLICIES; p++)
		for (kind = 0; kind < GREY_KINDS; kind++)
			free(results[p][kind].delays);
	fake_store_clear();
	arena_destroy(&a);
	return t_done();
}
