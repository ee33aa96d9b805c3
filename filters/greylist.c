#include <assert.h>
#include <string.h>

#include "filters/greylist.h"
#include "filters/greylist_identity.h"
#include "filters/greylist_key.h"

/* One question, while it is answered. */
struct asking {
	struct arena			*a;
	struct store			*store;
	const struct greylist_options	*o;
	struct greylist_key		 key;
	struct span			 network;	/* of the client */
	bool				 only_look;
	int64_t				 now;		/* seconds */
	struct greylist_answer		*answer;
};

const char *
greylist_result_name(enum greylist_result result)
{
	static const char *const names[] = {
		[GREYLIST_NEW] = "new",
		[GREYLIST_EARLY] = "early",
		[GREYLIST_PASSED] = "passed",
		[GREYLIST_KNOWN] = "known",
		[GREYLIST_IDENTITY_KNOWN] = "identity-known",
		[GREYLIST_NULL_SENDER] = "null-sender",
		[GREYLIST_UNKNOWN] = "unknown",
	};

	return names[result];
}

void
greylist_defaults(struct greylist_options *o)
{
	*o = (struct greylist_options){
		.delay = GREYLIST_DELAY, .window = GREYLIST_WINDOW,
		.memory = GREYLIST_MEMORY, .passes = GREYLIST_PASSES
	};
}

static MAY_YIELD int
put(struct asking *k, struct span key, const struct greylist_record *record,
    struct err *err)
{
	return store_put(k->store, key, greylist_key_format(k->a, record),
	    record->state == GREYLIST_STATE_PASSED ? k->o->memory :
	    k->o->window, err);
}

/* A memory that was not renewed lately begins anew. */
static MAY_YIELD int
renew(struct asking *k, struct span key, struct greylist_record *record,
    struct err *err)
{
	if (k->now - record->used < GREYLIST_RENEW && record->used <= k->now)
		return 0;
	record->used = k->now;
	return put(k, key, record, err);
}

static bool
is_over(const struct asking *k, int64_t since, int64_t life)
{
	return k->now - since >= life / CLOCK_S ||
	    since - k->now > k->o->delay / CLOCK_S;
}

/* --- the identity --- */

/*
 * 1: it is known. (Not to be found here, or too old: greylisting goes on.)
 */
static MAY_YIELD int
look_up_identity(struct asking *k, struct greylist_record *record,
    struct err *err)
{
	struct span value;

	if (store_get(k->store, k->a, k->key.known, &value, err) < 0)
		return -1;
	if (value.p == NULL)
		return 0;
	if (greylist_key_read(value, record, err) < 0)
		return err_prefix(err, "%.*s", SPAN_ARG(k->key.known));
	return !is_over(k, record->used, k->o->memory);
}

/* A network cannot be many machines in many places. */
static bool
is_network(const struct asking *k)
{
	return span_starts_nocase(k->key.identity, "net:");
}

static MAY_YIELD int
look_up_owed(struct asking *k, int64_t *owed, struct err *err)
{
	struct span value;

	*owed = 0;
	if (is_network(k))
		return 0;
	if (store_get(k->store, k->a, k->key.owed, &value, err) < 0)
		return -1;
	if (greylist_key_owed(value, owed, err) < 0)
		return err_prefix(err, "%.*s", SPAN_ARG(k->key.owed));
	return 0;
}

static MAY_YIELD int
add_owed(struct asking *k, int64_t n, int64_t *owed, struct err *err)
{
	*owed = 0;
	return is_network(k) ? 0 :
	    store_add(k->store, k->key.owed, n, k->o->memory, owed, err);
}

/* The identity has passed once more, unless it did so just now. Who comes
 * again only by chance does not get known however often that happens. */
static MAY_YIELD int
count_pass(struct asking *k, struct err *err)
{
	struct greylist_record known = {
		.state = GREYLIST_STATE_PASSED,
		.first = k->now, .passed = k->now, .used = k->now
	};
	struct span old;
	int64_t sum, owed;

	if (k->o->passes == 0)
		return 0;
	if (store_claim(k->store, k->a, k->key.pace, SPAN_LIT("1"),
	    k->o->delay, &old, err) < 0)
		return -1;
	if (old.p != NULL)
		return 0;
	if (store_add(k->store, k->key.passes, 1, k->o->memory, &sum,
	    err) < 0)
		return -1;
	if (sum < k->o->passes)
		return 0;
	if (look_up_owed(k, &owed, err) < 0)
		return -1;
	return owed > 0 ? 0 : put(k, k->key.known, &known, err);
}

/* --- the triplet --- */

static struct greylist_record
waiting(const struct asking *k)
{
	return (struct greylist_record){
		.state = GREYLIST_STATE_WAITING, .first = k->now,
		.used = k->now, .sender = k->key.sender, .rcpt = k->key.rcpt,
		.network = k->network
	};
}

/* What a record says now. */
static enum greylist_result
judge(const struct asking *k, const struct greylist_record *record)
{
	if (record->state == GREYLIST_STATE_PASSED)
		return is_over(k, record->used, k->o->memory) ?
		    GREYLIST_NEW : GREYLIST_KNOWN;
	if (is_over(k, record->first, k->o->window))
		return GREYLIST_NEW;
	return k->now - record->first < k->o->delay / CLOCK_S ?
	    GREYLIST_EARLY : GREYLIST_PASSED;
}

static void
conclude(struct asking *k, enum greylist_result result, int64_t first)
{
	struct greylist_answer *answer = k->answer;

	answer->result = result;
	answer->defer = result == GREYLIST_NEW || result == GREYLIST_EARLY;
	answer->waited = 0;
	if (result == GREYLIST_EARLY || result == GREYLIST_PASSED)
		answer->waited = k->now > first ? k->now - first : 0;
	if (answer->defer)
		answer->left = k->o->delay / CLOCK_S - answer->waited;
}

static bool
began_here(const struct asking *k, const struct greylist_record *record)
{
	return record->network.len == 0 ||
	    span_eq(record->network, k->network);
}

/* Since it came again for the first time: that is a queue. */
static bool
has_kept_on(const struct asking *k, const struct greylist_record *record)
{
	return record->passed != 0 &&
	    k->now - record->passed >= GREYLIST_KEPT_ON;
}

/*
 * It came again, behind the delay. That is noted once; whether it passes is a
 * question of what else the identity owes, if it came from elsewhere.
 *
 * 1: it is doubted, and waits again.
 */
static MAY_YIELD int
weigh(struct asking *k, struct greylist_record *record, struct err *err)
{
	bool is_first = record->passed == 0;
	int64_t owed = 0;

	if (is_first && !k->only_look) {
		if (add_owed(k, -GREYLIST_PAYS, &owed, err) < 0)
			return -1;
	} else if (!began_here(k, record) && !has_kept_on(k, record)) {
		if (look_up_owed(k, &owed, err) < 0)
			return -1;
		owed -= is_first ? GREYLIST_PAYS : 0;
	}
	return owed > GREYLIST_DOUBT && !began_here(k, record);
}

/* The first try from here. That it came again stays noted. */
static MAY_YIELD int
wait_again(struct asking *k, const struct greylist_record *record,
    struct err *err)
{
	struct greylist_record anew = waiting(k);

	anew.passed = record->passed == 0 ? k->now : record->passed;
	conclude(k, GREYLIST_NEW, 0);
	return k->only_look ? 0 : put(k, k->key.triplet, &anew, err);
}

/*
 * What follows from a record that was there. The answer is concluded before
 * it is noted: if that fails, it holds all the same.
 */
static MAY_YIELD int
go_on(struct asking *k, struct greylist_record *record, struct err *err)
{
	struct greylist_record anew = waiting(k);
	int64_t owed;

	switch (k->answer->result) {
	case GREYLIST_NEW:
		if (put(k, k->key.triplet, &anew, err) < 0)
			return -1;
		return add_owed(k, 1, &owed, err);
	case GREYLIST_PASSED:
		record->state = GREYLIST_STATE_PASSED;
		record->passed = record->used = k->now;
		if (put(k, k->key.triplet, record, err) < 0)
			return -1;
		return count_pass(k, err);
	case GREYLIST_KNOWN:
		if (renew(k, k->key.triplet, record, err) < 0)
			return -1;
		return count_pass(k, err);
	default:
		return 0;
	}
}

/* Returns what the store holds of the triplet, having entered it if it held
 * nothing: text->p NULL. */
static MAY_YIELD int
look_up_triplet(struct asking *k, struct span *text, struct err *err)
{
	struct greylist_record first = waiting(k);
	int64_t owed;

	if (k->only_look)
		return store_get(k->store, k->a, k->key.triplet, text, err);
	if (store_claim(k->store, k->a, k->key.triplet,
	    greylist_key_format(k->a, &first), k->o->window, text, err) < 0)
		return -1;
	return text->p != NULL ? 0 : add_owed(k, 1, &owed, err);
}

/* --- all of it --- */

static MAY_YIELD int
ask(struct asking *k, struct err *err)
{
	struct greylist_record record;
	struct span text;
	int r;

	if ((r = look_up_identity(k, &record, err)) < 0)
		return -1;
	if (r > 0) {
		conclude(k, GREYLIST_IDENTITY_KNOWN, 0);
		return k->only_look ? 0 :
		    renew(k, k->key.known, &record, err);
	}
	if (look_up_triplet(k, &text, err) < 0)
		return -1;
	if (text.p == NULL) {
		conclude(k, GREYLIST_NEW, 0);
		return 0;
	}
	if (greylist_key_read(text, &record, err) < 0)
		return err_prefix(err, "%.*s", SPAN_ARG(k->key.triplet));
	conclude(k, judge(k, &record), record.first);
	if (k->answer->result == GREYLIST_PASSED) {
		if ((r = weigh(k, &record, err)) < 0)
			return -1;
		if (r > 0)
			return wait_again(k, &record, err);
	}
	return k->only_look ? 0 : go_on(k, &record, err);
}

/* Who cannot be noted down cannot be asked to come again: he would be new
 * each time. */
static void
conclude_failure(struct asking *k, const struct err *err)
{
	struct greylist_answer *answer = k->answer;

	answer->problem = arena_strdup(k->a, err->text);
	if (answer->defer || answer->result == GREYLIST_UNKNOWN) {
		conclude(k, GREYLIST_UNKNOWN, 0);
		answer->left = 0;
	}
}

MAY_YIELD int
greylist_check(struct arena *a, struct store *s,
    const struct greylist_options *o, const struct greylist_query *q,
    struct greylist_answer *answer, struct err *err)
{
	struct asking k = {
		.a = a, .store = s, .o = o, .answer = answer,
		.only_look = q->only_look, .now = clock_wall() / CLOCK_S
	};

	assert(o->delay >= CLOCK_S && o->window >= CLOCK_S &&
	    o->memory >= CLOCK_S);
	memset(answer, 0, sizeof(*answer));
	answer->result = GREYLIST_UNKNOWN;
	if (q->sender->text.len == 0) {
		answer->result = GREYLIST_NULL_SENDER;
		return 0;
	}
	greylist_key_make(a, greylist_identity(a, q->client, q->spf, q->name),
	    q->sender, q->rcpt, &k.key);
	k.network = greylist_identity_network(a, q->client);
	answer->identity = k.key.identity;
	answer->sender = k.key.sender;
	answer->rcpt = k.key.rcpt;
	if (ask(&k, err) < 0) {
		if (err->kind == ERR_CLOSED)
			return -1;
		conclude_failure(&k, err);
	}
	return 0;
}
