#include <string.h>

#include "conf/list.h"
#include "gateway/recorded_internal.h"
#include "policy/address.h"

/*
 * Facts that a record leaves out since they follow from others (follows() of
 * transaction_plan.c, docs/journal.md): they are added at the end. What was
 * told is left as it is.
 */

/* Left out if there is nothing of them: none, no, 0, an empty list. They are
 * known whenever the one beside them is. */
static const struct {
	enum fact_id	id, beside;
} nothings[] = {
	{ FACT_CLIENT_PORT, FACT_CLIENT_IP },
	{ FACT_CLIENT_PIPELINED_EARLY, FACT_CLIENT_IP },
	{ FACT_CLIENT_ERRORS, FACT_CLIENT_IP },
	{ FACT_DNSBL_NAMES, FACT_DNSBL_SCORE },
	{ FACT_DNSBL_TAGS, FACT_DNSBL_SCORE },
	{ FACT_DNSBL_FAILED, FACT_DNSBL_SCORE },
	{ FACT_CLIENT_EARLY_TALKER, FACT_HELO_NAME },	/* it was greeted */
	{ FACT_CLIENT_TLS, FACT_HELO_NAME },
	{ FACT_TLS_VERSION, FACT_CLIENT_TLS },
	{ FACT_TLS_CIPHER, FACT_CLIENT_TLS },
	{ FACT_TLS_CLIENT_NAME, FACT_CLIENT_TLS },
	{ FACT_SENDER_IS_NULL, FACT_SENDER },	/* that follows otherwise */
	{ FACT_DECLARED_SIZE, FACT_SENDER },
	{ FACT_SPF_EXPLANATION, FACT_SPF },
	{ FACT_DKIM_DOMAINS, FACT_DKIM },
	{ FACT_DMARC_TESTING, FACT_DMARC },
};
#define NOTHINGS	(sizeof(nothings) / sizeof(nothings[0]))

bool
recorded_leaves_out(enum fact_id id, enum fact_id *beside)
{
	for (size_t i = 0; i < NOTHINGS; i++)
		if (nothings[i].id == id) {
			*beside = nothings[i].beside;
			return true;
		}
	return false;
}

static const struct recorded_fact *
told(const struct recorded_facts *facts, enum fact_id id)
{
	return recorded_find(facts, span_z(fact_at(id)->name));
}

static void
add(struct arena *a, struct recorded_facts *facts, enum fact_id id,
    enum json_in_kind kind, struct span text)
{
	if (told(facts, id) != NULL)
		return;
	facts->list = list_room(a, facts->list, facts->n,
	    sizeof(*facts->list));
	facts->list[facts->n++] = (struct recorded_fact){
		span_z(fact_at(id)->name), kind, text };
}

static void
add_none(struct arena *a, struct recorded_facts *facts, enum fact_id id)
{
	add(a, facts, id, JSON_IN_NULL, SPAN_LIT("null"));
}

static void
add_yesno(struct arena *a, struct recorded_facts *facts, enum fact_id id,
    bool yes)
{
	add(a, facts, id, yes ? JSON_IN_TRUE : JSON_IN_FALSE,
	    span_z(yes ? "true" : "false"));
}

static void
add_network(struct arena *a, struct recorded_facts *facts)
{
	const struct recorded_fact *ip = told(facts, FACT_CLIENT_IP);
	char text[ADDR_TEXT];
	struct network net;
	struct addr addr;
	struct err err;

	if (ip != NULL && ip->kind == JSON_IN_NULL)
		add_none(a, facts, FACT_CLIENT_NETWORK);
	if (ip == NULL || ip->kind != JSON_IN_STRING ||
	    addr_parse_ip(ip->text, 0, &addr, &err) < 0)
		return;
	network_of(&addr, &net);
	add(a, facts, FACT_CLIENT_NETWORK, JSON_IN_STRING,
	    span_z(arena_copy(a, span_z(network_text(&net, text)))));
}

static void
add_local(struct arena *a, struct recorded_facts *facts, enum fact_id id,
    const struct recorded_fact *of)
{
	struct address address;
	struct err err;

	if (of->kind == JSON_IN_NULL)
		add_none(a, facts, id);
	else if (of->kind == JSON_IN_STRING &&
	    address_parse(of->text, true, &address, &err) == 0)
		add(a, facts, id, JSON_IN_STRING, address.local);
}

static void
add_of_sender(struct arena *a, struct recorded_facts *facts)
{
	const struct recorded_fact *sender = told(facts, FACT_SENDER);
	struct recorded_fact of;

	if (sender == NULL)
		return;
	of = *sender;		/* the list moves */
	add_local(a, facts, FACT_SENDER_LOCAL, &of);
	add_yesno(a, facts, FACT_SENDER_IS_NULL, of.kind == JSON_IN_NULL);
}

static void
add_nothing(struct arena *a, struct recorded_facts *facts, enum fact_id id)
{
	const struct fact *fact = fact_at(id);

	if (fact->may_be_none)
		add_none(a, facts, id);
	else if (type_is_list(fact->type))
		add(a, facts, id, JSON_IN_ARRAY, SPAN_LIT("[]"));
	else if (fact->type == TYPE_YESNO)
		add_yesno(a, facts, id, false);
	else
		add(a, facts, id, JSON_IN_NUMBER, SPAN_LIT("0"));
}

static void
add_of_rcpt(struct arena *a, struct recorded_rcpt *rcpt)
{
	if (rcpt->facts.n == 0 || rcpt->to.kind == JSON_IN_END)
		return;		/* none are told of him */
	add(a, &rcpt->facts, FACT_RCPT, rcpt->to.kind, rcpt->to.text);
	add_local(a, &rcpt->facts, FACT_RCPT_LOCAL, &rcpt->to);
}

void
recorded_follows(struct arena *a, struct recorded *r)
{
	add_network(a, &r->facts);
	if (r->facts.n > 0 && r->listener.len > 0)
		add(a, &r->facts, FACT_LISTENER, JSON_IN_STRING, r->listener);
	add_of_sender(a, &r->facts);
	for (size_t i = 0; i < NOTHINGS; i++)
		if (told(&r->facts, nothings[i].beside) != NULL)
			add_nothing(a, &r->facts, nothings[i].id);
	for (size_t i = 0; i < r->nrcpts; i++)
		add_of_rcpt(a, &r->rcpts[i]);
}
