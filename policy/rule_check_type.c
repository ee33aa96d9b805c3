#include <string.h>

#include "base/addr.h"
#include "base/idn.h"
#include "base/nearest.h"
#include "conf/value.h"
#include "policy/regex.h"
#include "policy/rule_check.h"
#include "policy/rule_parse.h"

/* So large that no fact comes near, so small that sums fit. */
#define NUMBER_MAX	INT64_C(1000000000000)

/* --- values --- */

static bool
complain(struct rule_checker *c, const struct cond *cond,
    const struct token *t, const char *expected)
{
	const char *hint = NULL, *name = check_fact_name(c, &cond->ref);
	struct span argument;

	if (t->kind == TOKEN_WORD && fact_find(t->text, &argument) != NULL)
		hint = "facts are compared with values, not with each other";
	else if (t->kind == TOKEN_WORD && t->text.len > 0 &&
	    strcmp(expected, "one in quotes") == 0)
		hint = arena_printf(c->a, "write \"%.*s\"", t->text.len > 60 ?
		    60 : (int)t->text.len, t->text.p);
	diagnostic(c->d, t->place, hint, "%s is %s: expected %s, found %s",
	    name, type_name(cond->ref.fact->type), expected,
	    check_show(c, t->text));
	return false;
}

static bool
read_word(struct rule_checker *c, const struct cond *cond,
    const struct token *t, struct value *value)
{
	const struct fact *fact = cond->ref.fact;
	const char *list = "", *near;
	int word = fact_word(fact, t->text);
	size_t n;

	if (word >= 0) {
		value->word = (unsigned)word;
		return true;
	}
	for (n = 0; fact->words[n] != NULL; n++)
		list = arena_printf(c->a, "%s%s%s", list, n == 0 ? "" :
		    fact->words[n + 1] != NULL ? ", " : " or ",
		    fact->words[n]);
	near = nearest(t->text, fact->words, n);
	diagnostic(c->d, t->place, check_meant(c, near),
	    "%s is never %s: expected %s", check_fact_name(c, &cond->ref),
	    check_show(c, t->text), list);
	return false;
}

static bool
read_count(struct span text, int64_t *number)
{
	bool is_negative = text.len > 1 && text.p[0] == '-';
	uint64_t n;

	if (is_negative)
		text = span_n(text.p + 1, text.len - 1);
	if (span_uint(text, (uint64_t)NUMBER_MAX, &n) < 0)
		return false;
	*number = is_negative ? -(int64_t)n : (int64_t)n;
	return true;
}

static bool
read_number(struct rule_checker *c, const struct cond *cond,
    const struct token *t, struct value *value)
{
	const struct fact *fact = cond->ref.fact;
	struct err err = {0};
	uint64_t size = 0;

	if (t->kind == TOKEN_STRING)
		return complain(c, cond, t, "one without quotes");
	switch (fact->type) {
	case TYPE_INT:
		return read_count(t->text, &value->number) ||
		    complain(c, cond, t, "one, as 10");
	case TYPE_NUMBER:
		return rule_read_number(t->text, NUMBER_MAX,
		    &value->number) || complain(c, cond, t,
		    "one with at most two decimals, as 5, -4 or 1.5");
	case TYPE_SIZE:
		if (value_size(t->text, 0, (uint64_t)NUMBER_MAX, &size,
		    &err) < 0)
			break;
		value->number = (int64_t)size;
		return true;
	default:
		if (value_duration(t->text, 0, (uint64_t)NUMBER_MAX,
		    &value->number, &err) < 0)
			break;
		return true;
	}
	diagnostic(c->d, t->place, NULL, "%s", err.text);
	return false;
}

/* A domain: small letters, A-labels. Literals ("[192.0.2.1]") as they are. */
static bool
read_domain(struct rule_checker *c, struct span text, struct span *name)
{
	const char *ascii;
	struct err err;

	if (text.len > 2 && text.p[0] == '[' && text.p[text.len - 1] == ']') {
		*name = text;
		return true;
	}
	if (!value_is_domain(text) || idn_to_ascii(c->a, text, &ascii,
	    &err) < 0)
		return false;
	*name = span_z(ascii);
	return true;
}

static bool
read_mailbox(struct rule_checker *c, struct span text, struct span *mailbox)
{
	const char *at = text.len > 0 ? memrchr(text.p, '@', text.len) : NULL;
	struct span domain;

	if (at == NULL || at == text.p || !read_domain(c, span_n(at + 1,
	    text.len - (size_t)(at + 1 - text.p)), &domain))
		return false;
	*mailbox = span_z(arena_printf(c->a, "%.*s@%.*s",
	    (int)(at - text.p), text.p, SPAN_ARG(domain)));
	return true;
}

static bool
read_text(struct rule_checker *c, const struct cond *cond,
    const struct token *t, struct value *value)
{
	const char *hint = NULL;

	if (t->kind != TOKEN_STRING)
		return complain(c, cond, t, "one in quotes");
	value->text = t->text;
	switch (cond->ref.fact->type) {
	case TYPE_NAME:
		if (read_domain(c, t->text, &value->text))
			return true;
		if (t->text.len > 1 && t->text.p[0] == '.')
			hint = arena_printf(c->a, "what is below it is asked "
			    "with in { \"%.*s\" }", t->text.len > 60 ? 60 :
			    (int)t->text.len, t->text.p);
		diagnostic(c->d, t->place, hint, "%s is not a domain name, "
		    "as %s is", check_show(c, t->text),
		    check_fact_name(c, &cond->ref));
		return false;
	case TYPE_MAILBOX:
		if (read_mailbox(c, t->text, &value->text))
			return true;
		diagnostic(c->d, t->place, t->text.len > 0 ? "domains and "
		    "local parts are asked with in { ... }" : "the null "
		    "sender is none", "%s is not a mailbox, as %s is: "
		    "expected user@a.example", check_show(c, t->text),
		    check_fact_name(c, &cond->ref));
		return false;
	default:
		return true;
	}
}

static bool
read_address(struct rule_checker *c, const struct cond *cond,
    const struct token *t, struct value *value)
{
	bool is_network = t->text.len > 0 &&
	    memchr(t->text.p, '/', t->text.len) != NULL;
	struct addr *address;
	struct err err = {0};

	if (cond->ref.fact->type == TYPE_NETWORK) {
		if (network_parse(t->text, &value->network, &err) == 0)
			return true;
	} else if (!is_network) {
		address = arena_new(c->a, struct addr);
		value->address = address;
		if (addr_parse_ip(t->text, 0, address, &err) == 0)
			return true;
	} else if (network_parse(t->text, &value->network, &err) == 0) {
		diagnostic(c->d, t->place, arena_printf(c->a,
		    "a network is asked with in { %.*s }", SPAN_ARG(t->text)),
		    "%s is an address, and %.*s a network",
		    check_fact_name(c, &cond->ref), SPAN_ARG(t->text));
		return false;
	}
	diagnostic(c->d, t->place, NULL, "%s is %s: %s",
	    check_fact_name(c, &cond->ref),
	    type_name(cond->ref.fact->type), err.text);
	return false;
}

bool
check_literal(struct rule_checker *c, struct cond *cond,
    const struct token *t, struct value *value)
{
	*value = (struct value){ .type = cond->ref.fact->type };
	switch (value->type) {
	case TYPE_INT:
	case TYPE_NUMBER:
	case TYPE_SIZE:
	case TYPE_DURATION:
		return read_number(c, cond, t, value);
	case TYPE_WORD:
		return read_word(c, cond, t, value);
	case TYPE_ADDRESS:
	case TYPE_NETWORK:
		return read_address(c, cond, t, value);
	default:
		return read_text(c, cond, t, value);
	}
}

/* --- operators --- */

static void
check_equal(struct rule_checker *c, struct cond *cond)
{
	const struct fact *fact = cond->ref.fact;
	const char *name = check_fact_name(c, &cond->ref);

	if (fact->type == TYPE_YESNO) {
		diagnostic(c->d, cond->literal->place, NULL, "%s is yes or no "
		    "and stands alone: expected %s or not %s", name, name,
		    name);
		return;
	}
	if (token_is_word(cond->literal, "none") && fact->type != TYPE_WORD) {
		cond->op = COND_NONE;
		return;
	}
	if (type_is_list(fact->type)) {
		diagnostic(c->d, cond->literal->place, NULL, "%s is %s: "
		    "expected %s", name, type_name(fact->type),
		    fact->type == TYPE_ADDRESSES ? "in { ... }" :
		    "contains or in { ... }");
		return;
	}
	check_literal(c, cond, cond->literal, &cond->value);
}

static void
check_order(struct rule_checker *c, struct cond *cond)
{
	static const char *const ops[] = { [COND_LESS] = "<",
	    [COND_LESS_EQUAL] = "<=", [COND_GREATER] = ">",
	    [COND_GREATER_EQUAL] = ">=" };

	if (!type_is_number(cond->ref.fact->type)) {
		diagnostic(c->d, cond->at, NULL, "%s is %s: %s compares "
		    "numbers, sizes and times",
		    check_fact_name(c, &cond->ref),
		    type_name(cond->ref.fact->type), ops[cond->op]);
		return;
	}
	check_literal(c, cond, cond->literal, &cond->value);
}

/* "ab\/c/i" is ab\/c and i. */
static bool
split_regex(struct span text, struct span *pattern, struct span *flags)
{
	const char *slash = text.len > 0 ? memrchr(text.p, '/', text.len) :
	    NULL;
	size_t back = 0;

	if (slash == NULL)
		return false;
	while (slash - back > text.p && slash[-1 - (ptrdiff_t)back] == '\\')
		back++;
	if (back % 2 != 0)
		return false;
	*pattern = span_n(text.p, (size_t)(slash - text.p));
	*flags = span_n(slash + 1, text.len - pattern->len - 1);
	return true;
}

static void
check_regex(struct rule_checker *c, struct cond *cond)
{
	struct place at = cond->literal->place;
	struct span pattern, flags;
	struct err err = {0};
	size_t offset;

	/* One that is not closed: the lexer has said so. */
	if (!split_regex(cond->literal->text, &pattern, &flags))
		return;
	cond->regex = regex_compile(c->a, pattern, flags, &offset, &err);
	if (cond->regex != NULL)
		return;
	at.column += 1 + (unsigned)offset;
	diagnostic(c->d, at, NULL, "in the regular expression: %s", err.text);
}

static void
check_text_op(struct rule_checker *c, struct cond *cond)
{
	enum type type = cond->ref.fact->type;
	const char *hint = NULL;

	if (type_is_list(type))
		type = type_of_item(type);
	if (type != TYPE_TEXT && type != TYPE_NAME && type != TYPE_MAILBOX) {
		if (type == TYPE_ADDRESS || type == TYPE_NETWORK)
			hint = "networks are asked with in { ... }";
		diagnostic(c->d, cond->at, hint, "%s is %s: %s asks texts, "
		    "names and mailboxes", check_fact_name(c, &cond->ref),
		    type_name(cond->ref.fact->type),
		    cond->op == COND_MATCHES ? "matches" :
		    cond->op == COND_CONTAINS ? "contains" :
		    cond->op == COND_STARTS ? "starts with" : "ends with");
		return;
	}
	if (cond->op == COND_MATCHES) {
		check_regex(c, cond);
		return;
	}
	cond->value = (struct value){ .type = TYPE_TEXT,
	    .text = cond->literal->text };
	if (cond->literal->text.len == 0)
		diagnostic(c->d, cond->literal->place, NULL,
		    "the text is empty: every text has it");
}

void
check_leaf(struct rule_checker *c, struct cond *cond)
{
	const struct fact *fact = cond->ref.fact;

	switch (cond->op) {
	case COND_YES:
		if (fact->type != TYPE_YESNO)
			diagnostic(c->d, cond->at, NULL, "%s is %s, not yes "
			    "or no: expected an operator behind it",
			    check_fact_name(c, &cond->ref),
			    type_name(fact->type));
		break;
	case COND_EQUAL:
		check_equal(c, cond);
		break;
	case COND_LESS:
	case COND_LESS_EQUAL:
	case COND_GREATER:
	case COND_GREATER_EQUAL:
		check_order(c, cond);
		break;
	case COND_IN:
		check_in(c, cond);
		break;
	default:
		check_text_op(c, cond);
	}
}
