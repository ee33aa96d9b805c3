#include <assert.h>
#include <string.h>

#include "base/nearest.h"
#include "base/text_hash.h"
#include "conf/list.h"
#include "conf/value.h"
#include "policy/rule_parse.h"
#include "policy/rule_read.h"

/* --- tokens --- */

bool
rule_is_value(const struct token *t)
{
	return t->kind == TOKEN_WORD || t->kind == TOKEN_STRING;
}

const char *
rule_show(struct rule_parser *p, const struct token *t)
{
	int len = t->text.len > 60 ? 60 : (int)t->text.len;

	switch (t->kind) {
	case TOKEN_EOL:
		return "the end of the line";
	case TOKEN_END:
		return "the end of the file";
	case TOKEN_REGEX:
		return arena_printf(p->a, "/%.*s", len, t->text.p);
	case TOKEN_STRING:
	case TOKEN_WORD:
		return arena_printf(p->a, "\"%.*s\"", len, t->text.p);
	default:
		return arena_copy(p->a, t->text);
	}
}

const char *
rule_meant(struct rule_parser *p, const char *near)
{
	return near == NULL ? NULL :
	    arena_printf(p->a, "did you mean \"%s\"?", near);
}

const char *
rule_at(const struct rule_parser *p, const struct token *t)
{
	return p->lines[t->place.line - 1] + t->place.column - 1;
}

const char *
rule_behind(const struct rule_parser *p, const struct token *t)
{
	const char *at = rule_at(p, t);
	const char *end = p->source->text.p + p->source->text.len;

	if (t->kind == TOKEN_REGEX)
		return at + 1 + t->text.len;
	if (t->kind != TOKEN_STRING)
		return at + t->text.len;
	for (at++; at < end && *at != '"' && *at != '\n'; at++)
		if (*at == '\\' && at + 1 < end && at[1] != '\n')
			at++;
	return at < end ? at + 1 : end;
}

static const char **
find_lines(struct arena *a, struct span text)
{
	const char **lines, *p = text.p, *end = text.p + text.len;
	size_t n = 2;

	for (size_t i = 0; i < text.len; i++)
		n += text.p[i] == '\n';
	lines = arena_new_n(a, n, const char *);
	if (text.len == 0)
		p = end = "";
	n = 0;
	/* As the lexer does: columns are counted behind the mark. */
	if (text.len >= 3 && memcmp(p, "\xef\xbb\xbf", 3) == 0)
		p += 3;
	lines[n++] = p;
	for (; p < end; p++)
		if (*p == '\n')
			lines[n++] = p + 1;
	return lines;
}

/* --- where to go on --- */

/* "on mail {", "set x =": what never stands inside of a block. */
static bool
is_top_head(const struct token *t)
{
	if (t[-1].kind != TOKEN_EOL && !token_is_punct(&t[-1], "}"))
		return false;
	if (token_is_word(t, "observe") && token_is_word(t + 1, "on"))
		t++;
	if (token_is_word(t, "on"))
		return t[1].kind == TOKEN_WORD && token_is_punct(t + 2, "{");
	if (token_is_word(t, "set"))
		return t[1].kind == TOKEN_WORD && token_is_punct(t + 2, "=");
	return token_is_word(t, "dnsbl") && t[1].kind == TOKEN_WORD &&
	    t[2].kind == TOKEN_STRING;
}

void
rule_skip(struct rule_parser *p)
{
	unsigned depth = 0;

	for (; p->t->kind != TOKEN_END; p->t++) {
		if (token_is_punct(p->t, "{"))
			depth++;
		else if (token_is_punct(p->t, "}")) {
			if (depth == 0)
				return;
			depth--;
		} else if (p->t->kind == TOKEN_EOL &&
		    (depth == 0 || is_top_head(p->t + 1)))
			return;
	}
}

/* A statement ends here, or is said to go on wrongly. */
static void
expect_end(struct rule_parser *p, const char *what)
{
	const struct token *t = p->t;

	/* t[-1]: of a block that was not closed, which is reported. */
	if (t->kind == TOKEN_EOL || t->kind == TOKEN_END ||
	    token_is_punct(t, "}") || t[-1].kind == TOKEN_EOL)
		return;
	diagnostic(p->d, t->place, NULL, "expected the end of the line behind "
	    "%s, found %s", what, rule_show(p, t));
	rule_skip(p);
}

/* --- rules --- */

struct rule_list {
	struct rule	*rules;
	size_t		 n;
};

static void	parse_rules(struct rule_parser *p, enum phase phase,
		    bool observe, unsigned depth, struct rule_list *list,
		    struct place opened);

static void
add_rule(struct rule_parser *p, struct rule_list *list, struct rule *rule)
{
	const char *slash = strrchr(p->source->name, '/');

	if (p->rules->nrules == RULES_MAX) {
		diagnostic(p->d, rule->at, NULL, "this is one rule too many: "
		    "the most is %d", RULES_MAX);
		return;
	}
	if (rule->name == NULL)
		rule->name = arena_printf(p->a, "%s:%u", slash != NULL ?
		    slash + 1 : p->source->name, rule->at.line);
	rule->number = (unsigned)p->rules->nrules++;
	list->rules = list_room(p->a, list->rules, list->n, sizeof(*rule));
	list->rules[list->n++] = *rule;
}

/* "listed:" */
static void
parse_label(struct rule_parser *p, struct rule *rule)
{
	const struct token *t = p->t;

	p->t += 2;
	if (rule->has_label) {
		diagnostic(p->d, t->place, NULL,
		    "a rule has one label, and this one has \"%s\"",
		    rule->name);
		return;
	}
	if (t->kind == TOKEN_STRING || !value_is_label(t->text)) {
		diagnostic(p->d, t->place, NULL, "%s is not a label: expected "
		    "1 to 63 letters, digits, \"-\", \"_\" or \".\"",
		    rule_show(p, t));
		return;
	}
	rule->name = arena_copy(p->a, t->text);
	rule->has_label = true;
}

static bool
all_observe(const struct rule_list *list)
{
	for (size_t i = 0; i < list->n; i++)
		if (!list->rules[i].observe)
			return false;
	return true;
}

static void
parse_group(struct rule_parser *p, enum phase phase, unsigned depth,
    struct rule *rule, struct rule_list *list)
{
	struct rule_list inner = {0};

	rule->at = p->t++->place;
	if (rule->has_label)
		diagnostic(p->d, rule->at, NULL, "a label names a rule: a "
		    "group has none, its rules may");
	rule->when = rule_parse_cond(p);
	if (!token_is_punct(p->t, "{")) {
		if (rule->when != NULL)
			diagnostic(p->d, p->t->place, NULL, "expected { and "
			    "rules behind the condition, found %s",
			    rule_show(p, p->t));
		while (p->t->kind != TOKEN_EOL && p->t->kind != TOKEN_END &&
		    !token_is_punct(p->t, "}") && !token_is_punct(p->t, "{"))
			p->t++;
		if (!token_is_punct(p->t, "{"))
			return;
	}
	if (depth == RULE_GROUPS_MAX) {
		diagnostic(p->d, rule->at, NULL, "groups nest at most %d deep",
		    RULE_GROUPS_MAX);
		rule_skip(p);
		return;
	}
	p->t++;
	parse_rules(p, phase, rule->observe, depth + 1, &inner,
	    p->t[-1].place);
	rule->has_label = false;
	rule->name = NULL;
	rule->group = inner.n > 0 ? inner.rules :
	    arena_new(p->a, struct rule);	/* it is a group all the same */
	rule->ngroup = inner.n;
	rule->observe |= inner.n > 0 && all_observe(&inner);
	add_rule(p, list, rule);
}

/* Up to what is understood again: a condition, or the end. */
static void
skip_action(struct rule_parser *p)
{
	while (p->t->kind != TOKEN_EOL && p->t->kind != TOKEN_END &&
	    !token_is_punct(p->t, "}") && !token_is_word(p->t, "when"))
		if (token_is_punct(p->t, "{"))
			rule_skip(p);
		else
			p->t++;
}

/* A score of a fact without a name or a label is called as the fact is. */
static void
name_score(struct rule *rule)
{
	struct action *action = rule->action.brake != NULL ?
	    rule->action.brake->action : &rule->action;

	if (action->ref.fact != NULL && action->name.len == 0 &&
	    !rule->has_label)
		action->name = span_z(action->ref.fact->name);
}

static void
parse_statement(struct rule_parser *p, enum phase phase, bool observe,
    unsigned depth, struct rule_list *list)
{
	struct rule rule = { .observe = observe };
	bool good;

	while (rule_is_value(p->t) && token_is_punct(p->t + 1, ":"))
		parse_label(p, &rule);
	if (token_is_word(p->t, "observe")) {
		rule.observe = true;
		p->t++;
		if (rule_is_value(p->t) && token_is_punct(p->t + 1, ":")) {
			diagnostic(p->d, p->t->place, NULL,
			    "a label stands before observe");
			p->t += 2;
		}
	}
	if (token_is_word(p->t, "when")) {
		parse_group(p, phase, depth, &rule, list);
		expect_end(p, "a group");
		return;
	}
	rule.at = p->t->place;
	good = rule_parse_action(p, phase, &rule.action);
	name_score(&rule);
	if (!good)
		skip_action(p);
	if (token_is_word(p->t, "when")) {
		p->t++;
		rule.when = rule_parse_cond(p);
		if (rule.when == NULL) {
			good = false;
			rule_skip(p);
		} else if (token_is_word(p->t, "when")) {
			diagnostic(p->d, p->t->place, NULL, "a rule has one "
			    "condition: expected the end of the line, found "
			    "\"when\"");
			rule_skip(p);
		} else
			expect_end(p, "the condition");
	} else if (good)
		expect_end(p, "the action");
	else
		rule_skip(p);
	/* Of a bad one too the rest is checked. */
	add_rule(p, list, &rule);
}

static void
parse_rules(struct rule_parser *p, enum phase phase, bool observe,
    unsigned depth, struct rule_list *list, struct place opened)
{
	for (;;) {
		const struct token *t = p->t;

		if (t->kind == TOKEN_EOL)
			p->t++;
		else if (token_is_punct(t, "}")) {
			p->t++;
			return;
		} else if (t->kind == TOKEN_END || is_top_head(t)) {
			diagnostic(p->d, opened, NULL,
			    "this { is never closed");
			return;
		} else
			parse_statement(p, phase, observe, depth, list);
	}
}

/* --- blocks and files --- */

static const char *const phase_words[] = { "connect", "helo", "mail", "rcpt",
    "message" };

static bool
parse_phase(struct rule_parser *p, enum phase *phase)
{
	const struct token *t = p->t;
	const char *near;
	struct span name;

	if (t->kind != TOKEN_WORD) {
		diagnostic(p->d, t->place, NULL, "expected connect, helo, "
		    "mail, rcpt or message behind on, found %s",
		    rule_show(p, t));
		return false;
	}
	near = nearest(t->text, phase_words, PHASES);
	p->t++;
	for (unsigned i = 0; i < PHASES; i++)
		if (span_is(t->text, phase_words[i])) {
			*phase = (enum phase)i;
			return true;
		}
	diagnostic(p->d, t->place, rule_meant(p, near), "%s is not a phase: "
	    "expected connect, helo, mail, rcpt or message", rule_show(p, t));
	if (near == NULL)
		return false;
	name = span_z(near);
	for (unsigned i = 0; i < PHASES; i++)
		if (span_is(name, phase_words[i]))
			*phase = (enum phase)i;
	return true;
}

static bool
parse_block(struct rule_parser *p, bool observe)
{
	struct phase_rules *rules;
	struct rule_list list;
	enum phase phase = PHASE_CONNECT;
	struct place opened;

	p->t++;
	if (!parse_phase(p, &phase))
		return false;
	if (!token_is_punct(p->t, "{")) {
		diagnostic(p->d, p->t->place, NULL, "expected { behind on %s, "
		    "found %s", phase_words[phase], rule_show(p, p->t));
		return false;
	}
	opened = p->t++->place;
	rules = &p->rules->phases[phase];
	list = (struct rule_list){ rules->rules, rules->n };
	parse_rules(p, phase, observe, 0, &list, opened);
	rules->rules = list.rules;
	rules->n = list.n;
	return true;
}

static void
complain_unknown(struct rule_parser *p)
{
	static const char *const heads[] = { "set", "dnsbl", "include",
	    "observe" };
	const struct token *t = p->t;
	const char *near = t->kind == TOKEN_WORD ? nearest(t->text, heads,
	    sizeof(heads) / sizeof(*heads)) : NULL;

	if (token_is_punct(t, "}")) {
		diagnostic(p->d, t->place, NULL, "this } closes nothing");
		p->t++;
		return;
	}
	if (token_is_word(t, "observe"))
		diagnostic(p->d, t[1].place, NULL, "expected on or include "
		    "behind observe, found %s", rule_show(p, t + 1));
	else if (near == NULL && t->kind == TOKEN_WORD && (token_is_punct(t + 1,
	    ":") || rule_is_action(t->text) || token_is_word(t, "when")))
		diagnostic(p->d, t->place, NULL, "a rule stands in a block: "
		    "on connect, helo, mail, rcpt or message { ... }");
	else
		diagnostic(p->d, t->place, rule_meant(p, near),
		    "expected on, set, dnsbl or include, found %s",
		    rule_show(p, t));
	rule_skip(p);
}

void
rule_parse_file(struct rule_parser *p)
{
	size_t before = diagnostics_errors(p->d);
	struct tokens tokens = lex(p->a, p->source, LEX_RULES, p->d);
	bool good;

	p->rules->hash = text_hash_end(text_hash(p->rules->hash,
	    p->source->text));
	diagnostics_settle(p->d, before);
	p->lines = find_lines(p->a, p->source->text);
	rule_lines(&tokens);
	for (p->t = tokens.list; p->t->kind != TOKEN_END; ) {
		const char *what = "a declaration";
		bool observe = false;

		if (p->t->kind == TOKEN_EOL) {
			p->t++;
			continue;
		}
		if (token_is_word(p->t, "observe") &&
		    (token_is_word(p->t + 1, "on") ||
		    token_is_word(p->t + 1, "include"))) {
			observe = true;
			p->t++;
		}
		if (token_is_word(p->t, "set"))
			good = rule_parse_set(p);
		else if (token_is_word(p->t, "dnsbl"))
			good = rule_parse_dnsbl(p);
		else if (token_is_word(p->t, "include"))
			good = rule_parse_include(p, observe);
		else if (token_is_word(p->t, "on")) {
			good = parse_block(p, observe || p->observe);
			what = "a block";
		} else {
			complain_unknown(p);
			continue;
		}
		if (!good)
			rule_skip(p);
		else if (p->t->kind == TOKEN_WORD && token_is_punct(p->t - 1,
		    "}"))
			continue;	/* "on mail { } on rcpt { }" */
		else if (!token_is_punct(p->t, "}"))
			expect_end(p, what);
	}
}

struct rules *
rule_parse(struct arena *a, const struct source *source,
    struct diagnostics *d)
{
	struct rules *rules = arena_new(a, struct rules);
	struct rule_files files = {0};
	struct rule_parser p = { .a = a, .rules = rules, .d = d,
	    .source = source, .files = &files };

	rules->arena = a;
	rules->hash = TEXT_HASH_BEGIN;
	rule_parse_file(&p);
	return rules;
}
