#include <string.h>

#include "base/idn.h"
#include "gateway/judge_internal.h"
#include "policy/test_facts.h"

/*
 * What rules ask for, one function for each kind. What is not looked up for
 * this client has its neutral value: it speaks against no mail.
 */

int
judge_not_yet(struct err *err)
{
	return err_set(err, ERR_UNAVAIL, "not known yet");
}

struct arena *
judge_room(const struct judge *j)
{
	if (j->mail != NULL && j->mail->scratch != NULL)
		return j->mail->scratch;
	if (j->mail != NULL)
		return j->mail->arena;
	return j->phases[PHASE_HELO].arena != NULL ?
	    j->phases[PHASE_HELO].arena : j->arena;
}

/* NULL: none. */
void
judge_set_z(struct value *v, const char *text)
{
	v->is_none = text == NULL;
	if (text != NULL)
		v->text = span_z(text);
}

/* As names of facts are: lower case, A-labels; what is no such name, an
 * address literal or nonsense, stays as it is. "": none. */
void
judge_set_name(struct arena *a, struct value *v, struct span name)
{
	const char *ascii;
	struct err err;

	v->is_none = name.len == 0;
	v->text = name;
	if (name.len > 0 && !domain_is_literal(name) &&
	    idn_to_ascii(a, name, &ascii, &err) == 0)
		v->text = span_z(ascii);
}

void
judge_set_texts(struct arena *a, struct value *v, const char *const *texts,
    size_t n)
{
	enum type item = type_of_item(v->type);

	v->list.items = arena_new_n(a, n, struct value);
	v->list.n = n;
	for (size_t i = 0; i < n; i++) {
		v->list.items[i].type = item;
		v->list.items[i].text = span_z(texts[i]);
	}
}

/* --- the client --- */

static MAY_YIELD int
get_name(struct judge *j, enum fact_id id, struct value *v, struct err *err)
{
	const struct client *c = j->client;

	judge_start(j, PHASE_CONNECT);
	if (judge_name(j, err) < 0)
		return -1;
	if (id == FACT_CLIENT_NAME)
		judge_set_z(v, c->name);
	else if (c->name == NULL && (j->who.is_unchecked ||
	    !(j->who.wants & CHECK_NAME)))
		test_facts_neutral(fact_at(id), v);
	else
		v->word = c->reverse;
	return 0;
}

/* False: that is not known before it is greeted. */
static bool
set_client(const struct judge *j, enum fact_id id, struct value *v)
{
	const struct client *c = j->client;

	switch (id) {
	case FACT_CLIENT_IP:
		v->is_none = addr_is_unix(&c->addr);
		v->address = &c->addr;
		break;
	case FACT_CLIENT_PORT:
		v->number = addr_port(&c->addr);
		v->is_none = v->number == 0;
		break;
	case FACT_CLIENT_NETWORK:
		v->is_none = addr_is_unix(&c->addr);
		if (!v->is_none)
			network_of(&c->addr, &v->network);
		break;
	case FACT_CLIENT_EARLY_TALKER:
		v->yes = c->early_talker;
		return j->is_greeted;
	case FACT_CLIENT_PIPELINED_EARLY:
		v->yes = c->early_pipelining;
		break;
	case FACT_CLIENT_ERRORS:
		v->number = (int64_t)*j->who.errors;
		break;
	case FACT_CLIENT_SESSIONS:
		v->number = (int64_t)j->who.sessions.client;
		break;
	case FACT_CLIENT_NETWORK_SESSIONS:
		v->number = (int64_t)j->who.sessions.network;
		break;
	case FACT_CLIENT_SITE_SESSIONS:
		v->number = (int64_t)j->who.sessions.site;
		break;
	case FACT_LISTENER:
		judge_set_z(v, j->who.listener);
		break;
	default:
		break;
	}
	return true;
}

/* --- HELO and TLS --- */

static void
set_hello(struct judge *j, enum fact_id id, struct value *v)
{
	/* Without rules nobody but the end of a mail asks. */
	struct arena *a = j->evaluation != NULL ?
	    j->phases[PHASE_HELO].arena :
	    j->mail != NULL ? j->mail->arena : j->arena;
	const struct client *c = j->client;

	switch (id) {
	case FACT_CLIENT_TLS:
		v->yes = c->tls_version != NULL;
		break;
	case FACT_TLS_VERSION:
		judge_set_z(v, c->tls_version);
		break;
	case FACT_TLS_CIPHER:
		judge_set_z(v, c->tls_cipher);
		break;
	case FACT_TLS_CLIENT_NAME:
		judge_set_name(a, v, span_z(c->tls_name));
		break;
	case FACT_HELO_NAME:
		judge_set_name(a, v, span_z(c->helo));
		v->is_none = false;
		break;
	default:		/* FACT_HELO_KIND: "helo", "ehlo" */
		v->word = c->esmtp;
		break;
	}
}

static MAY_YIELD int
get_helo_checks(struct judge *j, enum fact_id id, struct value *v,
    struct err *err)
{
	const struct spf_answer *spf = NULL;
	const struct rdns_helo *helo = NULL;

	judge_start(j, PHASE_HELO);
	if (id == FACT_SPF_HELO) {
		if (client_checks_spf(j->checks, &spf, err) < 0)
			return -1;
	} else if (client_checks_resolve(j->checks, &helo, err) < 0)
		return -1;
	if (spf != NULL)
		v->word = spf->result;
	else if (helo == NULL)
		test_facts_neutral(fact_at(id), v);
	else
		v->yes = (id == FACT_HELO_RESOLVES ? helo->resolves :
		    helo->matches) != RDNS_NO;
	return 0;
}

/* --- DNS lists: of what is known at the phase whose rules ask, whenever they
 * are asked --- */

static MAY_YIELD int
find_lists(struct judge *j, const struct dnsbl_answer **answer,
    struct err *err)
{
	const struct findings *f;

	judge_start(j, PHASE_CONNECT);
	if (j->at == PHASE_MESSAGE) {
		*answer = NULL;
		if (judge_findings(j, &f, err) < 0)
			return -1;
		if (f != NULL)
			*answer = f->lists;
		return 0;
	}
	if (j->at >= PHASE_MAIL && j->mail->checks != NULL)
		return mail_checks_lists(j->mail->checks, judge_room(j), answer,
		    err);
	return client_checks_lists(j->checks, j->at >= PHASE_HELO, judge_room(j),
	    answer, err);
}

static const struct addr *
address_of(struct arena *a, const struct listing_address *from)
{
	struct addr *addr = arena_new(a, struct addr);

	addr->len = sizeof(addr->u.in);
	addr->u.in.sin_family = AF_INET;
	memcpy(&addr->u.in.sin_addr, from->octet, sizeof(from->octet));
	return addr;
}

/* Each address that the list gave, whomever it was asked about. */
static void
set_addresses(struct arena *a, struct value *v, struct span list,
    const struct dnsbl_answer *answer)
{
	size_t most = 0;

	for (size_t i = 0; i < answer->nresults; i++)
		most += answer->results[i].reading.n;
	v->list.items = arena_new_n(a, most, struct value);
	for (size_t i = 0; i < answer->nresults; i++) {
		const struct dnsbl_result *r = &answer->results[i];

		if (!span_is_nocase(list, r->list->name) ||
		    r->reading.state != DNSBL_LISTED)
			continue;
		for (size_t k = 0; k < r->reading.n; k++)
			v->list.items[v->list.n++] = (struct value){
				.type = TYPE_ADDRESS,
				.address = address_of(a,
				    &r->reading.addresses[k]),
			};
	}
}

void
judge_set_lists(struct arena *a, const struct fact_ref *ref, struct value *v,
    const struct dnsbl_answer *answer)
{
	switch (ref->fact->id) {
	case FACT_DNSBL_SCORE:
		v->number = answer->score;
		break;
	case FACT_DNSBL_NAMES:
		judge_set_texts(a, v, answer->names, answer->nnames);
		break;
	case FACT_DNSBL_TAGS:
		judge_set_texts(a, v, answer->tags, answer->ntags);
		break;
	case FACT_DNSBL_FAILED:
		v->number = (int64_t)answer->failed;
		break;
	default:
		set_addresses(a, v, ref->argument, answer);
		break;
	}
}

static MAY_YIELD int
get_lists(struct judge *j, const struct fact_ref *ref, struct value *v,
    struct err *err)
{
	struct arena *a = judge_room(j);
	const struct dnsbl_answer *answer;

	if (find_lists(j, &answer, err) < 0)
		return -1;
	if (answer == NULL)
		test_facts_neutral(ref->fact, v);
	else
		judge_set_lists(a, ref, v, answer);
	return 0;
}

/* --- all of them --- */

bool
judge_set_free(struct judge *j, const struct fact *fact, struct value *v)
{
	if (fact->phase == PHASE_CONNECT)
		return set_client(j, fact->id, v);
	if (fact->phase == PHASE_HELO)
		set_hello(j, fact->id, v);
	else
		judge_set_envelope(j, fact, v);
	return true;
}

static int
get_free(struct judge *j, const struct fact *fact, struct value *v,
    struct err *err)
{
	if (judge_set_free(j, fact, v))
		return 0;
	j->awaits_greeting = true;
	return judge_not_yet(err);
}

static MAY_YIELD int
get(void *owner, const struct fact_ref *ref, struct value *v,
    struct err *err)
{
	struct judge *j = owner;
	const struct fact *fact = ref->fact;
	enum fact_id id = fact->id;

	*v = (struct value){ .type = fact->type };
	if (fact->cost == FACT_FREE)
		return get_free(j, fact, v, err);
	if ((fact->cost == FACT_DNS || fact->cost == FACT_STORE) &&
	    !j->may_wait)
		return judge_not_yet(err);
	if (id == FACT_CLIENT_NAME || id == FACT_CLIENT_REVERSE)
		return get_name(j, id, v, err);
	if (id >= FACT_DNSBL_SCORE && id <= FACT_DNSBL_LIST)
		return get_lists(j, ref, v, err);
	if (fact->phase == PHASE_HELO)
		return get_helo_checks(j, id, v, err);
	return judge_mail_fact(j, ref, v, err);
}

struct fact_source
judge_facts(struct judge *j)
{
	return (struct fact_source){ .owner = j, .get = get,
	    .count = judge_count, .member = judge_member,
	    .consult = judge_consult };
}
