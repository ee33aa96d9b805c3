#include <string.h>

#include "base/idn.h"
#include "gateway/judge_internal.h"
#include "policy/encoded_word.h"
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

static void
set_text(struct value *v, struct span text)
{
	v->text = text;
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
static void
set_z(struct value *v, const char *text)
{
	v->is_none = text == NULL;
	if (text != NULL)
		v->text = span_z(text);
}

/* As names of facts are: lower case, A-labels; what is no such name, an
 * address literal or nonsense, stays as it is. "": none. */
static void
set_name(struct arena *a, struct value *v, struct span name)
{
	const char *ascii;
	struct err err;

	v->is_none = name.len == 0;
	v->text = name;
	if (name.len > 0 && !domain_is_literal(name) &&
	    idn_to_ascii(a, name, &ascii, &err) == 0)
		v->text = span_z(ascii);
}

static void
set_texts(struct arena *a, struct value *v, const char *const *texts,
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
		set_z(v, c->name);
	else if (c->name == NULL && (j->who.is_unchecked ||
	    !(j->who.wants & CHECK_NAME)))
		test_facts_neutral(fact_at(id), v);
	else
		v->word = c->reverse;
	return 0;
}

static int
get_client(struct judge *j, enum fact_id id, struct value *v,
    struct err *err)
{
	const struct client *c = j->client;

	v->is_none = addr_is_unix(&c->addr);
	switch (id) {
	case FACT_CLIENT_IP:
		v->address = &c->addr;
		break;
	case FACT_CLIENT_PORT:
		v->number = addr_port(&c->addr);
		v->is_none = v->number == 0;
		break;
	case FACT_CLIENT_NETWORK:
		if (!v->is_none)
			network_of(&c->addr, &v->network);
		break;
	default:
		v->is_none = false;
		break;
	}
	switch (id) {
	case FACT_CLIENT_EARLY_TALKER:
		if (!j->is_greeted) {
			j->awaits_greeting = true;
			return judge_not_yet(err);
		}
		v->yes = c->early_talker;
		break;
	case FACT_CLIENT_PIPELINED_EARLY:
		v->yes = c->early_pipelining;
		break;
	case FACT_CLIENT_ERRORS:
		v->number = (int64_t)*j->who.errors;
		break;
	case FACT_CLIENT_SESSIONS:
		v->number = (int64_t)j->who.sessions;
		break;
	case FACT_LISTENER:
		set_z(v, j->who.listener);
		break;
	default:
		break;
	}
	return 0;
}

/* --- HELO and TLS --- */

static void
get_hello(struct judge *j, enum fact_id id, struct value *v)
{
	const struct client *c = j->client;

	switch (id) {
	case FACT_CLIENT_TLS:
		v->yes = c->tls_version != NULL;
		break;
	case FACT_TLS_VERSION:
		set_z(v, c->tls_version);
		break;
	case FACT_TLS_CIPHER:
		set_z(v, c->tls_cipher);
		break;
	case FACT_TLS_CLIENT_NAME:
		set_name(j->phases[PHASE_HELO].arena, v, span_z(c->tls_name));
		break;
	case FACT_HELO_NAME:
		set_name(j->phases[PHASE_HELO].arena, v, span_z(c->helo));
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

static MAY_YIELD int
get_lists(struct judge *j, const struct fact_ref *ref, struct value *v,
    struct err *err)
{
	struct arena *a = judge_room(j);
	const struct dnsbl_answer *answer;

	if (find_lists(j, &answer, err) < 0)
		return -1;
	if (answer == NULL) {
		test_facts_neutral(ref->fact, v);
		return 0;
	}
	switch (fact_id(ref->fact)) {
	case FACT_DNSBL_SCORE:
		v->number = answer->score;
		break;
	case FACT_DNSBL_NAMES:
		set_texts(a, v, answer->names, answer->nnames);
		break;
	case FACT_DNSBL_TAGS:
		set_texts(a, v, answer->tags, answer->ntags);
		break;
	case FACT_DNSBL_FAILED:
		v->number = (int64_t)answer->failed;
		break;
	default:
		set_addresses(a, v, ref->argument, answer);
		break;
	}
	return 0;
}

/* --- the envelope --- */

static void
get_sender(struct judge *j, enum fact_id id, struct value *v)
{
	const struct envelope *e = j->mail->envelope;

	v->is_none = e->sender.text.len == 0;
	switch (id) {
	case FACT_SENDER:
		set_text(v, e->sender.text);
		break;
	case FACT_SENDER_LOCAL:
		set_text(v, e->sender.local);
		break;
	case FACT_SENDER_DOMAIN:
		set_name(j->mail->arena, v, e->sender.domain);
		break;
	case FACT_SENDER_IS_NULL:
		v->yes = v->is_none;
		v->is_none = false;
		break;
	default:		/* FACT_DECLARED_SIZE */
		v->number = (int64_t)e->declared_size;
		v->is_none = e->declared_size == 0;
		break;
	}
}

static MAY_YIELD int
get_sender_checks(struct judge *j, enum fact_id id, struct value *v,
    struct err *err)
{
	struct mail_checks *checks;
	const struct rdns_sender *sender = NULL;
	const struct spf_answer *spf = NULL;

	judge_start(j, PHASE_MAIL);
	checks = j->mail->checks;
	if (checks != NULL && (id == FACT_SENDER_ACCEPTS ?
	    mail_checks_sender(checks, &sender, err) :
	    mail_checks_spf(checks, &spf, err)) < 0)
		return -1;
	if (sender != NULL)
		v->yes = sender->accepts_mail;
	else if (spf == NULL)
		test_facts_neutral(fact_at(id), v);
	else if (id == FACT_SPF)
		v->word = spf->result;
	else
		set_z(v, spf->explanation);
	return 0;
}

static void
get_rcpt(struct judge *j, enum fact_id id, struct value *v)
{
	const struct address *addr;

	if (j->mail->rcpt == NULL) {	/* a message for nobody */
		test_facts_neutral(fact_at(id), v);
		return;
	}
	addr = &j->mail->rcpt->addr;
	switch (id) {
	case FACT_RCPT:
		set_text(v, addr->text);
		break;
	case FACT_RCPT_LOCAL:
		set_text(v, addr->local);
		break;
	case FACT_RCPT_DOMAIN:
		set_name(judge_room(j), v, addr->domain);
		break;
	default:		/* FACT_RCPT_COUNT */
		v->number = (int64_t)j->mail->count;
		break;
	}
}

/* --- the message --- */

static struct span
field_text(struct judge *j, const struct field *f)
{
	struct arena *a = j->mail->arena;

	return encoded_word_text(a, field_unfold(a, f));
}

static void
get_header(struct judge *j, const struct fact_ref *ref, struct value *v)
{
	const struct fields *fields = judge_fields(j);
	struct arena *a = j->mail->arena;
	const char *name = arena_copy(a, ref->argument);
	const struct field *f = fields_find(fields, name, NULL);
	size_t n = fields_count(fields, name);

	switch (fact_id(ref->fact)) {
	case FACT_HEADER:
		v->is_none = f == NULL;
		if (f != NULL)
			set_text(v, field_text(j, f));
		break;
	case FACT_HEADER_COUNT:
		v->number = (int64_t)n;
		break;
	default:		/* FACT_HEADERS */
		v->list.items = arena_new_n(a, n, struct value);
		for (; f != NULL; f = fields_find(fields, name, f)) {
			v->list.items[v->list.n].type = TYPE_TEXT;
			set_text(&v->list.items[v->list.n++],
			    field_text(j, f));
		}
		break;
	}
}

static void
set_signers(struct arena *a, struct value *v,
    const struct signature_answer *dkim)
{
	const char **names = arena_new_n(a, dkim->n, const char *);
	size_t n = 0;

	for (size_t i = 0; i < dkim->n; i++)
		if (dkim->list[i].result == SIGNATURE_PASS &&
		    dkim->list[i].domain != NULL)
			names[n++] = dkim->list[i].domain;
	set_texts(a, v, names, n);
}

static void
set_dmarc(enum fact_id id, struct value *v, const struct dmarc_answer *dmarc)
{
	switch (id) {
	case FACT_DMARC:
		v->word = dmarc->result;
		break;
	case FACT_DMARC_POLICY:
		v->word = dmarc->policy;
		break;
	case FACT_DMARC_DOMAIN:
		set_z(v, dmarc->domain);
		break;
	case FACT_DMARC_TESTING:
		v->yes = dmarc->testing;
		break;
	default:		/* FACT_DKIM_ALIGNED */
		v->yes = dmarc->aligned.by_dkim;
		break;
	}
}

static MAY_YIELD int
get_findings(struct judge *j, enum fact_id id, struct value *v,
    struct err *err)
{
	const struct findings *f;

	if (judge_findings(j, &f, err) < 0)
		return -1;
	test_facts_neutral(fact_at(id), v);
	if (f == NULL)
		return 0;
	if (id == FACT_DKIM) {
		if (f->dkim != NULL)
			v->word = f->dkim->best;
	} else if (id == FACT_DKIM_DOMAINS) {
		if (f->dkim != NULL)
			set_signers(j->mail->arena, v, f->dkim);
	} else if (id == FACT_ARC) {
		if (f->arc != NULL)
			v->word = f->arc->outcome;
	} else if (f->dmarc != NULL)
		set_dmarc(id, v, f->dmarc);
	return 0;
}

static MAY_YIELD int
get_message(struct judge *j, const struct fact_ref *ref, struct value *v,
    struct err *err)
{
	if (!j->mail->has_ended)
		return judge_not_yet(err);
	switch (fact_id(ref->fact)) {
	case FACT_MESSAGE_SIZE:
		v->number = (int64_t)j->mail->size;
		return 0;
	case FACT_HEADER:
	case FACT_HEADERS:
	case FACT_HEADER_COUNT:
		get_header(j, ref, v);
		return 0;
	case FACT_FROM_DOMAIN:
		set_z(v, judge_author(j)->domain);
		return 0;
	case FACT_FROM_COUNT:
		v->number = (int64_t)judge_author(j)->naddresses;
		return 0;
	default:
		return get_findings(j, fact_id(ref->fact), v, err);
	}
}

/* --- all of them --- */

static MAY_YIELD int
get(void *owner, const struct fact_ref *ref, struct value *v,
    struct err *err)
{
	struct judge *j = owner;
	const struct fact *fact = ref->fact;
	enum fact_id id = fact_id(fact);

	*v = (struct value){ .type = fact->type };
	if ((fact->cost == FACT_DNS || fact->cost == FACT_STORE) &&
	    !j->may_wait)
		return judge_not_yet(err);
	if (id == FACT_CLIENT_NAME || id == FACT_CLIENT_REVERSE)
		return get_name(j, id, v, err);
	if (id >= FACT_DNSBL_SCORE && id <= FACT_DNSBL_LIST)
		return get_lists(j, ref, v, err);
	if (fact->cost == FACT_DNS)
		return fact->phase == PHASE_HELO ?
		    get_helo_checks(j, id, v, err) :
		    get_sender_checks(j, id, v, err);
	switch (fact->phase) {
	case PHASE_CONNECT:
		return get_client(j, id, v, err);
	case PHASE_HELO:
		get_hello(j, id, v);
		return 0;
	case PHASE_MAIL:
		get_sender(j, id, v);
		return 0;
	case PHASE_RCPT:
		if (fact->cost == FACT_STORE)
			return judge_greylist(j, fact, v, err);
		get_rcpt(j, id, v);
		return 0;
	case PHASE_MESSAGE:
		break;
	}
	return get_message(j, ref, v, err);
}

struct fact_source
judge_facts(struct judge *j)
{
	return (struct fact_source){ .owner = j, .get = get,
	    .count = judge_count };
}
