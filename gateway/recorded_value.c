#include <string.h>

#include "conf/list.h"
#include "gateway/recorded_internal.h"

/*
 * From the JSON of a fact to its value, by the type that the fact has today.
 */

/* A list in the journal is no longer than the line; its items are read by the
 * type that they have. */
static bool
read_item(struct arena *a, enum type type, const struct json_value *j,
    struct value *v);

static bool
read_number(unsigned digits, const struct json_value *j, int64_t *number)
{
	return j->kind == JSON_IN_NUMBER &&
	    json_in_decimal(j->text, digits, number) == 0;
}

static bool
read_address(struct arena *a, struct span text, struct value *v)
{
	struct addr *addr = arena_new(a, struct addr);
	struct err err;

	v->address = addr;
	return addr_parse_ip(text, 0, addr, &err) == 0;
}

static bool
read_list(struct arena *a, const struct json_value *j, struct value *v)
{
	struct json_value item;
	struct json_in in;
	struct err err;

	if (j->kind != JSON_IN_ARRAY)
		return false;
	json_begin(&in, a, j->text);
	if (json_next(&in, &item, &err) < 0)
		return false;
	v->list.items = NULL;
	v->list.n = 0;
	while (json_next(&in, &item, &err) == 0 &&
	    item.kind != JSON_IN_CLOSE) {
		v->list.items = list_room(a, v->list.items, v->list.n,
		    sizeof(struct value));
		if (!read_item(a, type_of_item(v->type), &item,
		    &v->list.items[v->list.n++]))
			return false;
	}
	return true;
}

static bool
read_item(struct arena *a, enum type type, const struct json_value *j,
    struct value *v)
{
	struct err err;

	*v = (struct value){ .type = type };
	switch (type) {
	case TYPE_YESNO:
		v->yes = j->kind == JSON_IN_TRUE;
		return v->yes || j->kind == JSON_IN_FALSE;
	case TYPE_INT:
	case TYPE_SIZE:
		return read_number(0, j, &v->number);
	case TYPE_NUMBER:
		return read_number(2, j, &v->number);
	case TYPE_DURATION:
		return read_number(6, j, &v->number);
	case TYPE_TEXT:
	case TYPE_NAME:
	case TYPE_MAILBOX:
		v->text = j->text;
		return j->kind == JSON_IN_STRING;
	case TYPE_ADDRESS:
		return j->kind == JSON_IN_STRING &&
		    read_address(a, j->text, v);
	case TYPE_NETWORK:
		return j->kind == JSON_IN_STRING &&
		    network_parse(j->text, &v->network, &err) == 0;
	default:		/* lists of lists there are none */
		return false;
	}
}

bool
recorded_value(struct arena *a, const struct fact *fact,
    const struct recorded_fact *f, struct value *v)
{
	const struct json_value j = { .kind = f->kind, .text = f->text };
	int word;

	*v = (struct value){ .type = fact->type };
	if (f->kind == JSON_IN_NULL) {
		v->is_none = true;
		return fact->may_be_none;
	}
	if (type_is_list(fact->type))
		return read_list(a, &j, v);
	if (fact->type != TYPE_WORD)
		return read_item(a, fact->type, &j, v);
	word = f->kind == JSON_IN_STRING ? fact_word(fact, f->text) : -1;
	v->word = word >= 0 ? (unsigned)word : 0;
	return word >= 0;
}

/* --- names --- */

const struct recorded_fact *
recorded_find(const struct recorded_facts *facts, struct span name)
{
	size_t i;

	for (i = 0; i < facts->n; i++)
		if (span_eq(facts->list[i].name, name))
			return &facts->list[i];
	return NULL;
}

/* "header Subject", "dnsbl.zen": the argument in any case. */
static bool
has_name(struct span name, const char *fact, bool dotted,
    struct span argument)
{
	size_t len = strlen(fact);

	if (argument.len == 0)
		return span_is(name, fact);
	if (name.len != len + argument.len + !dotted ||
	    memcmp(name.p, fact, len) != 0 || (!dotted && name.p[len] != ' '))
		return false;
	return span_eq_nocase(span_n(name.p + name.len - argument.len,
	    argument.len), argument);
}

static const struct recorded_fact *
find(const struct recorded_facts *facts, enum fact_id id,
    struct span argument)
{
	const struct fact *fact = fact_at(id);
	bool dotted = fact_is_dotted(fact);
	size_t i;

	for (i = 0; i < facts->n; i++)
		if (facts->list[i].name.len > 0 &&
		    facts->list[i].name.p[0] == fact->name[0] &&
		    has_name(facts->list[i].name, fact->name, dotted,
		    argument))
			return &facts->list[i];
	return NULL;
}

/* --- what follows from others --- */

/* Header fields of one name are asked for in three ways. */
static bool
from_headers(struct arena *a, const struct recorded_facts *facts,
    const struct fact_ref *ref, struct value *v)
{
	const struct recorded_fact *all = find(facts, FACT_HEADERS,
	    ref->argument), *first = find(facts, FACT_HEADER, ref->argument);
	enum fact_id id = ref->fact->id;
	struct value list;

	if (first != NULL && first->kind == JSON_IN_NULL) {
		v->is_none = id == FACT_HEADER;
		return true;		/* no field: 0, an empty list */
	}
	if (all == NULL ||
	    !recorded_value(a, fact_at(FACT_HEADERS), all, &list))
		return false;
	if (id == FACT_HEADER_COUNT)
		v->number = (int64_t)list.list.n;
	else if (list.list.n == 0)
		v->is_none = true;
	else
		v->text = list.list.items[0].text;
	return true;
}

bool
recorded_get(struct arena *a, const struct recorded_facts *facts,
    const struct fact_ref *ref, struct value *v)
{
	const struct recorded_fact *f = find(facts, ref->fact->id,
	    ref->argument);

	*v = (struct value){ .type = ref->fact->type };
	if (f != NULL)
		return recorded_value(a, ref->fact, f, v);
	return ref->fact->argument == FACT_TAKES_HEADER &&
	    from_headers(a, facts, ref, v);
}
