#include "policy/rule_parse.h"

/* Tokens that are looked at to see whether a line begins a group: more than
 * a condition within its limits has. */
#define HEAD_MAX	(8 * RULE_TERMS_MAX)

struct lines {
	struct token		*out;		/* one behind what is kept */
	const struct token	*first;		/* of what is kept */
	unsigned		 brackets;	/* ( that are open */
	bool			 in_set;	/* { of a set is open */
	bool			 after_set;	/* its } was the last token */
};

static bool
is_one_of(const struct token *t, enum token_kind kind, const char *const *words)
{
	if (t->kind != kind)
		return false;
	for (; *words != NULL; words++)
		if (span_is(t->text, *words))
			return true;
	return false;
}

/* A line that ends so goes on. */
static bool
is_open_end(const struct token *t)
{
	static const char *const puncts[] = { ",", ":", "=", "==", "!=", "<",
	    "<=", ">", ">=", NULL };
	static const char *const words[] = { "and", "or", "not", "when", "is",
	    "in", "matches", "contains", "with", NULL };

	return is_one_of(t, TOKEN_PUNCT, puncts) ||
	    is_one_of(t, TOKEN_WORD, words);
}

/* Something that surely begins a statement: a bracket before it was left
 * open by mistake, and is to cost one statement and not the file. */
static bool
is_head(const struct token *t)
{
	static const char *const words[] = { "observe", "on", "set", "dnsbl",
	    "include", NULL };
	bool more = t->kind == TOKEN_WORD && rule_is_value(t + 1);

	return (t->kind == TOKEN_WORD && token_is_punct(t + 1, ":")) ||
	    (more && (is_one_of(t, TOKEN_WORD, words) ||
	    rule_is_action(t->text)));
}

/* "when x is y {": a group, where "when x is y" belongs to the rule above. */
static bool
is_group(const struct token *t)
{
	unsigned brackets = 0;
	bool in_set = false;

	for (size_t n = 0; n < HEAD_MAX; n++, t++) {
		if (t->kind == TOKEN_END)
			return false;
		if (token_is_punct(t, "("))
			brackets++;
		else if (token_is_punct(t, ")"))
			brackets -= brackets > 0;
		else if (token_is_punct(t, "{")) {
			in_set = token_is_word(t - 1, "in");
			if (!in_set)
				return true;
		} else if (token_is_punct(t, "}")) {
			if (!in_set)
				return false;
			in_set = false;
		} else if (t->kind == TOKEN_EOL && !is_open_end(t - 1) &&
		    !token_is_punct(t + 1, "{") &&
		    !token_is_word(t + 1, "and") &&
		    !token_is_word(t + 1, "or") &&
		    ((brackets == 0 && !in_set) || is_head(t + 1)))
			return false;
	}
	return false;
}

/* Whether the end of a line ends a statement. */
static bool
is_end(const struct lines *l, const struct token *eol)
{
	const struct token *next = eol + 1, *last = l->out - 1;
	bool begun = l->out > l->first && last->kind != TOKEN_EOL &&
	    !token_is_punct(last, "{") &&
	    (!token_is_punct(last, "}") || l->after_set);

	if (next->kind == TOKEN_END)
		return true;
	if ((l->brackets > 0 || l->in_set) && !is_head(next))
		return false;
	if (!begun)
		return true;
	if (token_is_punct(next, "}"))
		return true;
	/* Behind a label stands an action, whatever the line. */
	if (token_is_punct(last, ":") ||
	    (is_open_end(last) && !is_head(next)))
		return false;
	if (token_is_punct(next, "{") || token_is_word(next, "and") ||
	    token_is_word(next, "or"))
		return false;
	/* A text that goes on. */
	if (last->kind == TOKEN_STRING && next->kind == TOKEN_STRING &&
	    !token_is_punct(next + 1, ":"))
		return false;
	return !token_is_word(next, "when") || is_group(next);
}

static void
count(struct lines *l, const struct token *t)
{
	l->after_set = l->in_set && token_is_punct(t, "}");
	if (token_is_punct(t, "("))
		l->brackets++;
	else if (token_is_punct(t, ")"))
		l->brackets -= l->brackets > 0;
	else if (token_is_punct(t, "{")) {
		l->in_set = l->out > l->first &&
		    (token_is_word(l->out - 1, "in") ||
		    token_is_punct(l->out - 1, "="));
		if (!l->in_set)
			l->brackets = 0;
	} else if (token_is_punct(t, "}")) {
		if (!l->in_set)
			l->brackets = 0;
		l->in_set = false;
	}
}

void
rule_lines(struct tokens *tokens)
{
	struct lines l = { .out = tokens->list, .first = tokens->list };

	for (size_t i = 0; i < tokens->n; i++) {
		struct token *t = &tokens->list[i];

		if (t->kind == TOKEN_EOL) {
			if (!is_end(&l, t))
				continue;
			l.brackets = 0;
			l.in_set = false;
		} else
			count(&l, t);
		*l.out++ = *t;
	}
	tokens->n = (size_t)(l.out - l.first);
}
