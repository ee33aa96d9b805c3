#include <assert.h>
#include <string.h>
#include <arpa/inet.h>

#include "conf/list.h"
#include "conf/listing.h"
#include "policy/test_facts_internal.h"

struct test_facts *
test_facts_create(struct arena *a, const struct rules *rules)
{
	struct test_facts *facts = arena_new(a, struct test_facts);

	facts->arena = a;
	facts->rules = rules;
	return facts;
}

/* --- what is given --- */

const struct value *
test_given(const struct test_facts *facts, enum fact_id id,
    struct span argument)
{
	const struct given_fact *found = NULL;

	for (size_t i = 0; i < facts->n; i++) {
		const struct given_fact *g = &facts->list[i];

		if (g->id == id && span_eq_nocase(g->argument, argument) &&
		    g->from <= facts->phase &&
		    (found == NULL || g->from > found->from))
			found = g;
	}
	return found != NULL ? &found->value : NULL;
}

static const struct value *
given_plain(const struct test_facts *facts, enum fact_id id)
{
	return test_given(facts, id, span_z(""));
}

bool
test_facts_give(struct test_facts *facts, const struct fact_ref *ref,
    enum phase from, const struct value *value)
{
	enum fact_id id = ref->fact->id;

	assert(value->type == ref->fact->type);
	for (size_t i = 0; i < facts->n; i++)
		if (facts->list[i].id == id && facts->list[i].from == from &&
		    span_eq_nocase(facts->list[i].argument, ref->argument))
			return false;
	facts->list = list_room(facts->arena, facts->list, facts->n,
	    sizeof(*facts->list));
	facts->list[facts->n++] = (struct given_fact){ id, ref->argument,
	    from, *value };
	return true;
}

bool
test_facts_count(struct test_facts *facts, struct span name, int64_t number)
{
	for (size_t i = 0; i < facts->ncounts; i++)
		if (span_eq(facts->counts[i].name, name))
			return false;
	facts->counts = list_room(facts->arena, facts->counts, facts->ncounts,
	    sizeof(*facts->counts));
	facts->counts[facts->ncounts++] = (struct given_count){ name, number };
	return true;
}

void
test_facts_reach(struct test_facts *facts, enum phase phase)
{
	facts->phase = phase;
}

/* What is said of one recipient alone. */
static bool
is_of_rcpt(enum fact_id id)
{
	return id == FACT_RCPT || id == FACT_RCPT_LOCAL ||
	    id == FACT_RCPT_DOMAIN || id == FACT_RCPT_COUNT;
}

struct test_facts *
test_facts_next_rcpt(struct arena *a, const struct test_facts *facts,
    struct span rcpt)
{
	struct test_facts before = *facts;
	struct test_facts *next = test_facts_create(a, facts->rules);
	struct fact_ref ref = { .fact = fact_at(FACT_RCPT_COUNT) };
	struct value v;

	before.phase = PHASE_RCPT;
	test_facts_find(&before, &ref, &v);
	v.number++;
	test_facts_give(next, &ref, PHASE_CONNECT, &v);
	ref.fact = fact_at(FACT_RCPT);
	v = (struct value){ .type = TYPE_MAILBOX, .text = rcpt };
	test_facts_give(next, &ref, PHASE_CONNECT, &v);
	for (size_t i = 0; i < facts->n; i++) {
		const struct given_fact *g = &facts->list[i];

		ref.fact = fact_at(g->id);
		ref.argument = g->argument;
		if (!is_of_rcpt(g->id))
			test_facts_give(next, &ref, g->from, &g->value);
	}
	next->counts = facts->counts;
	next->ncounts = facts->ncounts;
	next->sets = facts->sets;
	next->nsets = facts->nsets;
	return next;
}

/* --- what is ordinary --- */

/* An address would lie in some network that a rule names; names of these
 * domains are nobody's. */
static void
set_ordinary(struct value *v, const char *text)
{
	v->is_none = false;
	v->text = span_z(text);
}

/* Who is there, unless something else was given that says there is nobody. */
static bool
from_ordinary(const struct test_facts *facts, enum fact_id id,
    struct value *v)
{
	const struct value *ip = given_plain(facts, FACT_CLIENT_IP);
	const struct value *reverse = given_plain(facts, FACT_CLIENT_REVERSE);
	const struct value *null = given_plain(facts, FACT_SENDER_IS_NULL);

	switch (id) {
	case FACT_CLIENT_NAME:
		set_ordinary(v, "mail.example.com");
		v->is_none = (ip != NULL && ip->is_none) ||
		    (reverse != NULL && (int)reverse->word !=
		    fact_word(fact_at(FACT_CLIENT_REVERSE), span_z("ok")));
		return true;
	case FACT_HELO_NAME:
		set_ordinary(v, "mail.example.com");
		return true;
	case FACT_SENDER:
		set_ordinary(v, "alice@example.com");
		v->is_none = null != NULL && null->yes;
		return true;
	case FACT_RCPT:
		set_ordinary(v, "bob@example.org");
		return true;
	default:
		return false;
	}
}

/* --- what follows from others; each returns whether it does --- */

static bool
from_client(const struct test_facts *facts, enum fact_id id, struct value *v)
{
	const struct value *ip = given_plain(facts, FACT_CLIENT_IP);
	const struct value *name = given_plain(facts, FACT_CLIENT_NAME);

	if (id == FACT_CLIENT_NETWORK && ip != NULL) {
		v->is_none = ip->is_none;
		if (!v->is_none)
			network_of(ip->address, &v->network);
		return true;
	}
	if (id != FACT_CLIENT_REVERSE || name == NULL)
		return false;
	v->word = (unsigned)fact_word(fact_at(id),
	    span_z(name->is_none ? "none" : "ok"));
	return true;
}

/* Sessions of a client are sessions of its network, and of its site. */
static bool
from_sessions(const struct test_facts *facts, enum fact_id id, struct value *v)
{
	static const enum fact_id ids[] = { FACT_CLIENT_SESSIONS,
	    FACT_CLIENT_NETWORK_SESSIONS, FACT_CLIENT_SITE_SESSIONS };
	const size_t n = sizeof(ids) / sizeof(*ids);
	const struct value *fewer = NULL;
	size_t i;

	for (i = 0; i < n && ids[i] != id; i++) {
		const struct value *given = given_plain(facts, ids[i]);

		if (given != NULL)
			fewer = given;
	}
	if (i == n || fewer == NULL)
		return false;
	v->number = fewer->number;
	return true;
}

/* The last @ is the one between local part and domain. */
static void
from_mailbox(const struct value *mailbox, bool domain, struct value *v)
{
	struct span text = mailbox->text;
	size_t at;

	v->is_none = mailbox->is_none;
	if (v->is_none)
		return;
	for (at = text.len; at > 0 && text.p[at - 1] != '@'; at--)
		;
	if (at == 0) {			/* postmaster alone */
		v->is_none = domain;
		v->text = text;
	} else
		v->text = domain ? span_n(text.p + at, text.len - at) :
		    span_n(text.p, at - 1);
}

static bool
from_envelope(const struct test_facts *facts, enum fact_id id,
    struct value *v)
{
	const struct fact_ref sender_ref = { .fact = fact_at(FACT_SENDER) };
	const struct fact_ref rcpt_ref = { .fact = fact_at(FACT_RCPT) };
	struct value mailbox;

	switch (id) {
	case FACT_SENDER_LOCAL:
	case FACT_SENDER_DOMAIN:
		test_facts_find(facts, &sender_ref, &mailbox);
		from_mailbox(&mailbox, id == FACT_SENDER_DOMAIN, v);
		return true;
	case FACT_SENDER_IS_NULL:
		test_facts_find(facts, &sender_ref, &mailbox);
		v->yes = mailbox.is_none;
		return true;
	case FACT_RCPT_LOCAL:
	case FACT_RCPT_DOMAIN:
		test_facts_find(facts, &rcpt_ref, &mailbox);
		from_mailbox(&mailbox, id == FACT_RCPT_DOMAIN, v);
		return true;
	default:
		return false;
	}
}

void
test_list_add(struct arena *a, struct value *list, struct span text)
{
	list->list.items = list_room(a, list->list.items, list->list.n,
	    sizeof(struct value));
	list->list.items[list->list.n++] = (struct value){
	    .type = type_of_item(list->type), .text = text };
}

/* Which patterns of a list its answer fits; whether it is listed. */
static bool
judge_list(const struct test_facts *facts, const struct dnsbl_list *list,
    uint64_t *matched)
{
	const struct value *answer = test_given(facts, FACT_DNSBL_LIST,
	    span_z(list->name));
	struct listing_address *addresses;
	size_t n = 0;

	if (answer == NULL || answer->is_none)
		return false;
	addresses = arena_new_n(facts->arena, answer->list.n,
	    struct listing_address);
	for (size_t i = 0; i < answer->list.n; i++) {
		const struct addr *a = answer->list.items[i].address;

		if (a->u.sa.sa_family == AF_INET)
			memcpy(addresses[n++].octet, &a->u.in.sin_addr, 4);
	}
	return listing_judge(list, addresses, n, matched) == LISTING_LISTED;
}

static bool
from_lists(const struct test_facts *facts, enum fact_id id, struct value *v)
{
	if (id != FACT_DNSBL_SCORE && id != FACT_DNSBL_NAMES &&
	    id != FACT_DNSBL_TAGS)
		return false;
	for (size_t i = 0; i < facts->rules->nlists; i++) {
		const struct dnsbl_list *list = &facts->rules->lists[i];
		uint64_t matched;

		if (!judge_list(facts, list, &matched))
			continue;
		if (id == FACT_DNSBL_SCORE)
			v->number += listing_score(list, matched);
		if (id == FACT_DNSBL_NAMES)
			test_list_add(facts->arena, v, span_z(list->name));
		for (size_t j = 0; j < list->npatterns; j++)
			if (id == FACT_DNSBL_TAGS && (matched >> j & 1) &&
			    list->patterns[j].tag != NULL)
				test_list_add(facts->arena, v,
				    span_z(list->patterns[j].tag));
	}
	return true;
}

static bool
from_greylist(const struct test_facts *facts, enum fact_id id,
    struct value *v)
{
	const struct value *state = given_plain(facts, FACT_GREYLIST);
	const struct fact *f = fact_at(FACT_GREYLIST);

	if (id != FACT_GREYLIST_LEFT || state == NULL)
		return false;
	v->is_none = (int)state->word != fact_word(f, span_z("new")) &&
	    (int)state->word != fact_word(f, span_z("early"));
	v->number = INT64_C(300) * 1000000;
	return true;
}

/* --- what is neutral --- */

void
test_facts_neutral(const struct fact *fact, struct value *v)
{
	static const struct {
		enum fact_id	 id;
		const char	*word;		/* or */
		int64_t		 number;	/* yes is 1 */
	} different[] = {
		{ FACT_HELO_RESOLVES, NULL, 1 },
		{ FACT_HELO_MATCHES, NULL, 1 },
		{ FACT_SENDER_ACCEPTS, NULL, 1 },
		{ FACT_CLIENT_REVERSE, "ok", 0 },
		{ FACT_HELO_KIND, "ehlo", 0 },
		{ FACT_RCPT_COUNT, NULL, 1 },
		{ FACT_GREYLIST, "exempt", 0 },
	};
	const char *word = "none";

	*v = (struct value){ .type = fact->type,
	    .is_none = fact->may_be_none };
	for (size_t i = 0; i < sizeof(different) / sizeof(*different); i++) {
		if (different[i].id != fact->id)
			continue;
		if (different[i].word != NULL)
			word = different[i].word;
		else if (fact->type == TYPE_YESNO)
			v->yes = true;
		else
			v->number = different[i].number;
	}
	if (fact->type == TYPE_WORD && !v->is_none) {
		int index = fact_word(fact, span_z(word));

		v->word = index > 0 ? (unsigned)index : 0;
	}
}

/* --- all of them --- */

void
test_facts_find(const struct test_facts *facts, const struct fact_ref *ref,
    struct value *value)
{
	enum fact_id id = ref->fact->id;
	const struct value *v = test_given(facts, id, ref->argument);

	*value = (struct value){ .type = ref->fact->type };
	if (v != NULL)
		*value = *v;
	else if (!from_ordinary(facts, id, value) &&
	    !from_client(facts, id, value) &&
	    !from_sessions(facts, id, value) &&
	    !from_envelope(facts, id, value) &&
	    !from_lists(facts, id, value) &&
	    !from_greylist(facts, id, value) &&
	    !test_from_message(facts, id, ref->argument, value))
		test_facts_neutral(ref->fact, value);
}

int64_t
test_facts_counted(const struct test_facts *facts, const struct rule *rule)
{
	for (size_t i = 0; i < facts->ncounts; i++)
		if (span_is(facts->counts[i].name, rule->name))
			return facts->counts[i].number;
	return 0;
}

void
test_facts_consult(const struct test_facts *facts,
    const struct action *action, struct consult_answer *answer)
{
	static const struct {
		const char	*word;
		enum consulted	 outcome;
	} outcomes[] = {
		{ "accept", CONSULT_PASSES }, { "quarantine", CONSULT_PASSES },
		{ "tempfail", CONSULT_DEFERS }, { "error", CONSULT_DEFERS },
		{ "reject", CONSULT_REFUSES }, { "discard", CONSULT_REFUSES },
	};
	const struct fact_ref ref = { .fact = fact_at(FACT_MILTER),
	    .argument = action->name };
	struct value v;

	test_facts_find(facts, &ref, &v);
	*answer = (struct consult_answer){ CONSULT_UNASKED, v.word };
	for (size_t i = 0; i < sizeof(outcomes) / sizeof(*outcomes); i++)
		if (fact_word(ref.fact, span_z(outcomes[i].word)) ==
		    (int)v.word)
			answer->outcome = outcomes[i].outcome;
}

static MAY_YIELD int
get(void *owner, const struct fact_ref *ref, struct value *value,
    struct err *err)
{
	(void)err;
	test_facts_find(owner, ref, value);
	return 0;
}

static MAY_YIELD int
count(void *owner, const struct rule *rule, struct span key, int64_t window,
    int64_t *number, struct err *err)
{
	(void)key;
	(void)window;
	(void)err;
	*number = test_facts_counted(owner, rule);
	return 0;
}

static MAY_YIELD int
member(void *owner, const struct set_decl *set, const struct value *value,
    struct set_answer *answer, struct err *err)
{
	(void)err;
	test_facts_ask(owner, set, value, answer);
	return 0;
}

static MAY_YIELD int
consult(void *owner, const struct action *action,
    struct consult_answer *answer, struct err *err)
{
	(void)err;
	test_facts_consult(owner, action, answer);
	return 0;
}

struct fact_source
test_facts_source(struct test_facts *facts)
{
	return (struct fact_source){ facts, get, count, member, consult };
}
