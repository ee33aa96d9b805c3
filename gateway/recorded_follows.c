#include <string.h>

#include "conf/list.h"
#include "gateway/recorded_internal.h"
#include "policy/address.h"

/*
 * Facts that a record leaves out since they follow from others (follows() of
 * transaction_plan.c, docs/journal.md): they are added at the end. What was
 * told is left as it is.
 */

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
	add_none(a, facts, FACT_DECLARED_SIZE);
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
	if (told(&r->facts, FACT_CLIENT_TLS) != NULL) {
		add_none(a, &r->facts, FACT_TLS_VERSION);
		add_none(a, &r->facts, FACT_TLS_CIPHER);
		add_none(a, &r->facts, FACT_TLS_CLIENT_NAME);
	}
	add_of_sender(a, &r->facts);
	for (size_t i = 0; i < r->nrcpts; i++)
		add_of_rcpt(a, &r->rcpts[i]);
}
