#include <string.h>

#include "base/nearest.h"
#include "conf/list.h"
#include "policy/rule_parse.h"

/*
 * Conditions: not binds before and, and before or.
 *
 * A chain of a hundred "or" becomes a balanced tree, not a hundred levels
 * deep: whoever walks it may use recursion.
 */
static struct cond	*parse_or(struct rule_parser *p);

static bool
complain(struct rule_parser *p, const char *expected)
{
	diagnostic(p->d, p->t->place, NULL, "expected %s, found %s", expected,
	    rule_show(p, p->t));
	return false;
}

/* The text from a token to the one before the next. What spans lines is put
 * into one, without comments. */
static struct span
text_since(struct rule_parser *p, const struct token *first)
{
	const char *from = rule_at(p, first), *end = rule_behind(p, p->t - 1);
	const char *last = NULL;
	char *text, *out;

	if (first->place.line == p->t[-1].place.line)
		return span_n(from, (size_t)(end - from));
	text = out = arena_alloc(p->a, (size_t)(end - from) + 1);
	for (const struct token *t = first; t < p->t; t++) {
		const char *at = rule_at(p, t), *behind = rule_behind(p, t);

		if (last != NULL && last != at)
			*out++ = ' ';
		memcpy(out, at, (size_t)(behind - at));
		out += behind - at;
		last = behind;
	}
	return span_n(text, (size_t)(out - text));
}

static struct cond *
new_cond(struct rule_parser *p, enum cond_op op, const struct token *first)
{
	struct cond *c = arena_new(p->a, struct cond);

	c->op = op;
	c->at = first->place;
	return c;
}

static struct cond *
negate(struct rule_parser *p, struct cond *inner, const struct token *first)
{
	struct cond *c = new_cond(p, COND_NOT, first);

	c->left = inner;
	c->text = text_since(p, first);
	return c;
}

/* --- values --- */

static bool
parse_value(struct rule_parser *p, struct cond *c, const char *op)
{
	const struct token *t = p->t;
	const char *hint = NULL;

	if (token_is_punct(t, "{") || (t->kind == TOKEN_WORD &&
	    t->text.len > 0 && t->text.p[0] == '$'))
		hint = "a set is asked with in";
	else if (t->kind == TOKEN_REGEX)
		hint = "a regular expression is asked with matches";
	if (hint != NULL || !rule_is_value(t)) {
		diagnostic(p->d, t->place, hint,
		    "expected a value behind %s, found %s", op,
		    rule_show(p, t));
		return false;
	}
	c->literal = p->t++;
	return true;
}

static bool
parse_text(struct rule_parser *p, struct cond *c, const char *op)
{
	if (p->t->kind != TOKEN_STRING) {
		diagnostic(p->d, p->t->place, NULL,
		    "expected a text in quotes behind %s, found %s", op,
		    rule_show(p, p->t));
		return false;
	}
	c->literal = p->t++;
	return true;
}

static bool
parse_set_use(struct rule_parser *p, struct cond *c)
{
	const struct token *t = p->t;
	struct span name;

	c->op = COND_IN;
	if (token_is_punct(t, "{")) {
		c->set = arena_new(p->a, struct set_decl);
		c->set->at = t->place;
		c->set->is_declared = true;
		return rule_parse_items(p, c->set);
	}
	if (t->kind == TOKEN_WORD && t->text.len > 1 && t->text.p[0] == '$') {
		name = span_n(t->text.p + 1, t->text.len - 1);
		c->literal = p->t++;
		c->set = rule_set(p, name);
		c->set->uses++;
		return true;
	}
	diagnostic(p->d, t->place, rule_is_value(t) ?
	    "one value is put in braces too: in { ... }" : NULL,
	    "expected a set behind in, as $name or { ... }, found %s",
	    rule_show(p, t));
	return false;
}

/* --- operators --- */

static const struct {
	const char	*text;
	enum cond_op	 op;
	bool		 is_not;
} compare_ops[] = {
	{ "==", COND_EQUAL, false }, { "!=", COND_EQUAL, true },
	{ "<", COND_LESS, false }, { "<=", COND_LESS_EQUAL, false },
	{ ">", COND_GREATER, false }, { ">=", COND_GREATER_EQUAL, false },
};

/* "is pass", "is not pass", "is none" */
static bool
parse_is(struct rule_parser *p, struct cond *c, bool *is_not)
{
	p->t++;
	if (token_is_word(p->t, "not")) {
		p->t++;
		*is_not = !*is_not;
	}
	c->op = COND_EQUAL;
	return parse_value(p, c, "is");
}

/* in, matches, contains, starts with, ends with: `not` may stand before. */
static bool
parse_word_op(struct rule_parser *p, struct cond *c, bool *known)
{
	const struct token *t = p->t++;

	*known = true;
	if (token_is_word(t, "in"))
		return parse_set_use(p, c);
	if (token_is_word(t, "contains")) {
		c->op = COND_CONTAINS;
		return parse_text(p, c, "contains");
	}
	if (token_is_word(t, "matches")) {
		c->op = COND_MATCHES;
		c->literal = p->t;
		if (p->t->kind != TOKEN_REGEX)
			return complain(p, "a regular expression behind "
			    "matches, as /^a.*z$/i");
		p->t++;
		return true;
	}
	if (token_is_word(t, "starts") || token_is_word(t, "ends")) {
		bool starts = token_is_word(t, "starts");

		c->op = starts ? COND_STARTS : COND_ENDS;
		if (!token_is_word(p->t, "with"))
			return complain(p, starts ? "with behind starts" :
			    "with behind ends");
		p->t++;
		return parse_text(p, c, starts ? "starts with" : "ends with");
	}
	p->t--;
	*known = false;
	return true;
}

/* A fact alone ends here. */
static bool
ends_term(const struct token *t)
{
	return t->kind == TOKEN_EOL || t->kind == TOKEN_END ||
	    token_is_punct(t, ")") || token_is_punct(t, "{") ||
	    token_is_punct(t, "}") || token_is_word(t, "and") ||
	    token_is_word(t, "or") || token_is_word(t, "when");
}

static bool
complain_operator(struct rule_parser *p, const char *behind)
{
	static const char *const words[] = { "is", "in", "not", "matches",
	    "contains", "starts", "ends", "and", "or" };
	const char *hint = NULL;

	if (token_is_punct(p->t, "="))
		hint = "equal is == or is";
	else if (p->t->kind == TOKEN_WORD)
		hint = rule_meant(p, nearest(p->t->text, words,
		    sizeof(words) / sizeof(*words)));
	diagnostic(p->d, p->t->place, hint, "expected an operator behind %s, "
	    "as is, in, < or contains, found %s", behind, rule_show(p, p->t));
	return false;
}

static bool
parse_operator(struct rule_parser *p, struct cond *c, const char *fact,
    bool *is_not)
{
	bool known;

	if (ends_term(p->t)) {
		c->op = COND_YES;
		return true;
	}
	if (token_is_word(p->t, "is"))
		return parse_is(p, c, is_not);
	for (size_t i = 0; i < sizeof(compare_ops) / sizeof(*compare_ops); i++)
		if (token_is_punct(p->t, compare_ops[i].text)) {
			p->t++;
			c->op = compare_ops[i].op;
			*is_not = compare_ops[i].is_not;
			return parse_value(p, c, compare_ops[i].text);
		}
	if (token_is_word(p->t, "not")) {
		*is_not = true;
		p->t++;
		if (!parse_word_op(p, c, &known))
			return false;
		if (known)
			return true;
		return complain(p, "in, contains, matches, starts with or "
		    "ends with behind not");
	}
	if (!parse_word_op(p, c, &known))
		return false;
	return known || complain_operator(p, fact);
}

/* --- terms --- */

static struct cond *
parse_tagged(struct rule_parser *p)
{
	struct cond *c = new_cond(p, COND_TAGGED, p->t);

	p->t++;
	if (!rule_is_value(p->t)) {
		complain(p, "the name of a tag behind tagged");
		return NULL;
	}
	c->literal = p->t++;
	c->text = text_since(p, p->t - 2);
	return c;
}

static struct cond *
parse_term(struct rule_parser *p)
{
	const struct token *first = p->t;
	struct cond *c;
	bool is_not = false;

	if (++p->terms > RULE_TERMS_MAX) {
		diagnostic(p->d, first->place, "values to be compared with "
		    "make a set", "a condition has at most %d comparisons",
		    RULE_TERMS_MAX);
		return NULL;
	}
	if (token_is_word(first, "tagged"))
		return parse_tagged(p);
	if (first->kind != TOKEN_WORD || token_is_word(first, "and") ||
	    token_is_word(first, "or") || token_is_word(first, "when")) {
		complain(p, "a fact");
		return NULL;
	}
	c = new_cond(p, COND_YES, first);
	if (!rule_parse_fact(p, &c->ref) || !parse_operator(p, c,
	    arena_copy(p->a, first->text), &is_not))
		return NULL;
	c->text = text_since(p, first);
	return is_not ? negate(p, c, first) : c;
}

static struct cond *
parse_not(struct rule_parser *p)
{
	const struct token *first = p->t;
	bool is_not = token_is_word(first, "not");
	struct cond *c;

	if (!is_not && !token_is_punct(first, "("))
		return parse_term(p);
	if (p->depth == RULE_NEST_MAX) {
		diagnostic(p->d, first->place, NULL, "brackets and not nest "
		    "at most %d deep", RULE_NEST_MAX);
		return NULL;
	}
	p->t++;
	p->depth++;
	c = is_not ? parse_not(p) : parse_or(p);
	p->depth--;
	if (c == NULL)
		return NULL;
	if (is_not)
		return negate(p, c, first);
	if (!token_is_punct(p->t, ")")) {
		diagnostic(p->d, p->t->place, NULL, "expected and, or or ) "
		    "for the ( of line %u, found %s", first->place.line,
		    rule_show(p, p->t));
		return NULL;
	}
	p->t++;
	return c;
}

/* --- chains --- */

static struct cond *
balance(struct rule_parser *p, enum cond_op op, struct span text,
    struct cond **list, size_t n)
{
	struct cond *c;

	if (n == 1)
		return list[0];
	c = arena_new(p->a, struct cond);
	c->op = op;
	c->left = balance(p, op, text, list, n / 2);
	c->right = balance(p, op, text, list + n / 2, n - n / 2);
	c->at = c->left->at;
	c->text = text;
	return c;
}

static struct cond *
parse_chain(struct rule_parser *p, enum cond_op op)
{
	const char *word = op == COND_AND ? "and" : "or";
	const struct token *first = p->t;
	struct cond **list = NULL, *c;
	size_t n = 0;

	for (;;) {
		c = op == COND_AND ? parse_not(p) : parse_chain(p, COND_AND);
		if (c == NULL)
			return NULL;
		list = list_room(p->a, list, n, sizeof(c));
		list[n++] = c;
		if (!token_is_word(p->t, word))
			break;
		p->t++;
	}
	return balance(p, op, text_since(p, first), list, n);
}

static struct cond *
parse_or(struct rule_parser *p)
{
	return parse_chain(p, COND_OR);
}

struct cond *
rule_parse_cond(struct rule_parser *p)
{
	p->depth = 0;
	p->terms = 0;
	return parse_or(p);
}
