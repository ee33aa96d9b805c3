#include <strings.h>

#include "filters/greylist_identity.h"
#include "filters/limit.h"
#include "gateway/judge_internal.h"
#include "gateway/stats.h"
#include "gateway/stock.h"
#include "policy/test_facts.h"

struct store *
judge_store(const struct judge *j)
{
	if (j->court->stock == NULL || clock_now() < j->store_rests_until)
		return NULL;
	return j->court->stock->store;
}

/* Only what took its time was waiting; what is refused at once is not. */
void
judge_store_waited(struct judge *j, int64_t began)
{
	if (clock_now() - began >= j->court->settings->store_timeout / 2)
		j->store_rests_until = clock_now() + STOCK_REST;
}

static void
note_failure(struct judge *j, const char *why, int64_t began)
{
	judge_store_waited(j, began);
	if (j->court->stock->only_looks)
		stock_note_problem(j->court->stock, why);
}

/* What a filter survived leaves its words in the error, and who gave us his
 * would take them for a failure. */
static int
closed(const struct err *why, struct err *err)
{
	*err = *why;
	return -1;
}

/* --- greylist --- */

/* By "all" a domain says that anybody may be it. Of libspf2 it is not known
 * what matched. */
static bool
confirms(const struct spf_answer *spf)
{
	const char *by = spf->mechanism;

	if (by == NULL)
		return spf->result == SPF_PASS;
	return spf->result == SPF_PASS &&
	    strcasecmp(by + (*by == '+'), "all") != 0;
}

/* Each identity in a word without blanks and commas. */
static void
put_identity(struct buf *out, struct span identity)
{
	if (out->len > 0)
		buf_puts(out, ",");
	for (size_t i = 0; i < identity.len; i++) {
		char c = identity.p[i];
		bool is_plain = c > ' ' && c != ',' && c != 0x7f;

		buf_put(out, is_plain ? &c : "?", 1);
	}
}

const char *
judge_origin(struct judge *j, struct arena *a)
{
	const struct addr *addr = &j->client->addr;
	struct buf out = {0};
	struct findings found;
	const char *text;

	judge_found(j, &found);
	if (found.spf != NULL && confirms(found.spf))
		put_identity(&out, greylist_identity(a, addr,
		    found.spf->domain, NULL));
	if (j->client->name != NULL &&
	    !greylist_identity_is_generic(addr, j->client->name))
		put_identity(&out, greylist_identity(a, addr, NULL,
		    j->client->name));
	put_identity(&out, greylist_identity(a, addr, NULL, NULL));
	text = arena_copy(a, buf_text(&out));
	buf_free(&out);
	return text;
}

/* Who it is, as far as it can be found out. */
static MAY_YIELD int
identify(struct judge *j, struct greylist_query *q, struct err *err)
{
	const struct spf_answer *spf = NULL;

	judge_start(j, PHASE_CONNECT);
	judge_start(j, PHASE_MAIL);
	if (judge_name(j, err) < 0)
		return -1;
	q->name = j->client->name;
	if (j->mail->checks != NULL &&
	    mail_checks_spf(j->mail->checks, &spf, err) < 0)
		return -1;
	if (spf != NULL && confirms(spf))
		q->spf = spf->domain;
	return 0;
}

static void
count_answer(enum greylist_result result)
{
	static const enum stats_id counters[] = {
		[GREYLIST_NEW] = STAT_GREYLIST_NEW,
		[GREYLIST_EARLY] = STAT_GREYLIST_EARLY,
		[GREYLIST_PASSED] = STAT_GREYLIST_PASSED,
		[GREYLIST_KNOWN] = STAT_GREYLIST_KNOWN,
		[GREYLIST_IDENTITY_KNOWN] = STAT_GREYLIST_KNOWN,
		[GREYLIST_NULL_SENDER] = STAT_GREYLIST_UNASKED,
		[GREYLIST_UNKNOWN] = STAT_GREYLIST_UNKNOWN,
	};

	stats_add(counters[result], 1);
}

static MAY_YIELD int
ask_greylist(struct judge *j, struct greylist_answer *answer,
    struct err *err)
{
	const struct greylist_options options =
	    stock_greylist(j->court->settings);
	struct greylist_query q = { .client = &j->client->addr,
	    .sender = &j->mail->envelope->sender,
	    .rcpt = &j->mail->rcpt->addr,
	    .only_look = j->court->stock->only_looks };
	struct store *store = judge_store(j);
	struct err why;
	int64_t began;

	*answer = (struct greylist_answer){ .result = GREYLIST_UNKNOWN };
	if (store == NULL)
		return 0;
	/* Who has no sender is not asked, whoever it is. */
	if (q.sender->text.len > 0 && identify(j, &q, err) < 0)
		return -1;
	began = clock_now();
	if (greylist_check(judge_room(j), store, &options, &q, answer,
	    &why) < 0)
		return closed(&why, err);
	if (answer->problem != NULL)
		note_failure(j, answer->problem, began);
	return 0;
}

/* One question answers all facts of it. */
static MAY_YIELD int
find_greylist(struct judge *j, const struct greylist_answer **answer,
    struct err *err)
{
	struct judge_mail *m = j->mail;
	struct greylist_answer *a;

	if (m->greylist == NULL) {
		a = arena_new(judge_room(j), struct greylist_answer);
		if (ask_greylist(j, a, err) < 0)
			return -1;
		if (!j->court->stock->only_looks)
			count_answer(a->result);
		m->greylist = a;
	}
	*answer = m->greylist;
	return 0;
}

const struct greylist_answer *
judge_greylist_answer(const struct judge *j)
{
	return j->mail == NULL ? NULL : j->mail->greylist;
}

MAY_YIELD int
judge_greylist(struct judge *j, const struct fact *fact, struct value *v,
    struct err *err)
{
	const struct greylist_answer *answer;

	test_facts_neutral(fact, v);
	if (j->court->stock == NULL || j->who.is_unchecked ||
	    j->mail->rcpt == NULL)
		return 0;
	if (find_greylist(j, &answer, err) < 0)
		return -1;
	judge_set_greylist(fact, v, answer);
	return 0;
}

void
judge_set_greylist(const struct fact *fact, struct value *v,
    const struct greylist_answer *answer)
{
	switch (fact->id) {
	case FACT_GREYLIST:
		v->word = (unsigned)fact_word(fact,
		    span_z(greylist_result_name(answer->result)));
		break;
	case FACT_GREYLIST_LEFT:
		v->is_none = !answer->defer;
		v->number = answer->left * CLOCK_S;
		break;
	default:		/* FACT_GREYLIST_IDENTITY */
		v->is_none = answer->identity.len == 0;
		v->text = answer->identity;
		break;
	}
}

/* --- limit --- */

/* What it would be with this event, which is not counted. */
static MAY_YIELD int
look_at_count(struct judge *j, struct span key, int64_t window,
    int64_t *number, struct err *err)
{
	struct store *store = judge_store(j);
	struct limit_answer answer;
	int64_t began = clock_now();
	struct err why;

	if (store == NULL)
		return 0;
	if (limit_look(judge_room(j), store, key, window, &answer, &why) < 0)
		return closed(&why, err);
	if (answer.problem != NULL)
		note_failure(j, answer.problem, began);
	else
		*number = answer.number;
	return 0;
}

MAY_YIELD int
judge_count(void *owner, const struct rule *rule, struct span key,
    int64_t window, int64_t *number, struct err *err)
{
	struct judge *j = owner;
	struct limit_answer answer;
	int64_t began = clock_now();
	struct err why;

	(void)rule;
	*number = -1;
	if (j->court->stock == NULL)
		return 0;
	if (!j->may_wait)
		return judge_not_yet(err);
	if (j->court->stock->only_looks)
		return look_at_count(j, key, window, number, err);
	if (limit_count(judge_room(j), j->court->stock->limits, judge_store(j),
	    key, window, &answer, &why) < 0)
		return closed(&why, err);
	if (answer.problem != NULL)
		note_failure(j, answer.problem, began);
	stats_add(STAT_LIMITS_COUNTED, 1);
	stats_add(STAT_LIMITS_LOCAL, answer.is_local);
	*number = answer.number;
	return 0;
}
