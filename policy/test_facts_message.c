#include "policy/author.h"
#include "policy/test_facts_internal.h"

/* The message of a test that says nothing of it. Rules on what is missing, or
 * looks odd, are not to fire in every test. */
static const struct {
	const char	*name, *value;
} ordinary[] = {
	{ "From", "Alice <alice@example.com>" },
	{ "To", "Bob <bob@example.org>" },
	{ "Subject", "Dinner on Friday" },
	{ "Date", "Thu, 12 Nov 2026 18:00:00 +0100" },
	{ "Message-ID", "<dinner@example.com>" },
};

/* From, if authors were given in its place. */
static bool
add_authors(const struct test_facts *facts, struct value *fields)
{
	const struct span none = span_z("");
	const struct value *domain = test_given(facts, FACT_FROM_DOMAIN, none);
	const struct value *count = test_given(facts, FACT_FROM_COUNT, none);

	if (count != NULL && count->number == 0)
		return true;
	if (domain == NULL || domain->is_none)
		return false;
	test_list_add(facts->arena, fields, span_z(arena_printf(facts->arena,
	    "alice@%.*s", SPAN_ARG(domain->text))));
	return true;
}

/* As the message of the test has it. */
static void
add_ordinary(const struct test_facts *facts, struct span name,
    struct value *fields)
{
	if (span_is_nocase(name, "From") && add_authors(facts, fields))
		return;
	for (size_t i = 0; i < sizeof(ordinary) / sizeof(*ordinary); i++)
		if (span_is_nocase(name, ordinary[i].name))
			test_list_add(facts->arena, fields,
			    span_z(ordinary[i].value));
}

static struct value
find_fields(const struct test_facts *facts, struct span name)
{
	const struct value *one = test_given(facts, FACT_HEADER, name);
	const struct value *all = test_given(facts, FACT_HEADERS, name);
	const struct value *count = test_given(facts, FACT_HEADER_COUNT, name);
	struct value fields = { .type = TYPE_TEXTS };

	if (all != NULL)
		return *all;
	if (one != NULL) {
		if (!one->is_none)
			test_list_add(facts->arena, &fields, one->text);
	} else if (count == NULL || count->number != 0)
		add_ordinary(facts, name, &fields);
	return fields;
}

/* As author_find() has it, of the fields that there are. */
static void
find_author(const struct test_facts *facts, struct author *author)
{
	struct value fields = find_fields(facts, span_z("From"));
	struct span *values = arena_new_n(facts->arena, fields.list.n,
	    struct span);

	for (size_t i = 0; i < fields.list.n; i++)
		values[i] = fields.list.items[i].text;
	author_parse(facts->arena, values, fields.list.n, author);
}

/* One who is given without the other has said how many there are. */
static bool
from_author(const struct test_facts *facts, enum fact_id id, struct value *v)
{
	const struct value *fields = test_given(facts, FACT_HEADER_COUNT,
	    span_z("From"));
	const struct value *count = test_given(facts, FACT_FROM_COUNT,
	    span_z(""));
	struct author author;

	if (id != FACT_FROM_DOMAIN && id != FACT_FROM_COUNT)
		return false;
	find_author(facts, &author);
	if (id == FACT_FROM_COUNT) {
		v->number = (int64_t)author.naddresses;
		return true;
	}
	v->is_none = author.domain == NULL ||
	    (count != NULL && count->number != 1) ||
	    (fields != NULL && fields->number != 1);
	if (!v->is_none)
		v->text = span_z(author.domain);
	return true;
}

bool
test_from_message(const struct test_facts *facts, enum fact_id id,
    struct span argument, struct value *v)
{
	struct value fields;

	if (id != FACT_HEADER && id != FACT_HEADERS && id != FACT_HEADER_COUNT)
		return from_author(facts, id, v);
	fields = find_fields(facts, argument);
	if (id == FACT_HEADERS)
		*v = fields;
	else if (id == FACT_HEADER_COUNT)
		v->number = (int64_t)fields.list.n;
	else {
		v->is_none = fields.list.n == 0;
		if (!v->is_none)
			v->text = fields.list.items[0].text;
	}
	return true;
}
