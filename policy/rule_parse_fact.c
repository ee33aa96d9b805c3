#include <string.h>

#include "conf/list.h"
#include "policy/fields.h"
#include "policy/rule_parse.h"

/* The fact of a name, with the list that stands behind the dot. */
static void
find_fact(struct rule_parser *p, struct span name, struct place at,
    struct fact_ref *ref)
{
	*ref = (struct fact_ref){ .at = at };
	ref->fact = fact_find(name, &ref->argument);
	if (ref->fact == NULL)
		diagnostic(p->d, at, rule_meant(p, fact_nearest(name)),
		    "unknown fact \"%.*s\"", name.len > 60 ? 60 :
		    (int)name.len, name.p);
}

bool
rule_parse_fact(struct rule_parser *p, struct fact_ref *ref)
{
	const struct token *t = p->t++;

	find_fact(p, t->text, t->place, ref);
	if (ref->fact == NULL || ref->fact->argument != FACT_TAKES_HEADER) {
		/* Of an unknown one: perhaps header, misspelt. */
		if (ref->fact == NULL && p->t->kind == TOKEN_STRING)
			p->t++;
		return true;
	}
	if (p->t->kind != TOKEN_STRING) {
		diagnostic(p->d, p->t->place, NULL, "expected the name of a "
		    "header field in quotes behind %s, found %s",
		    ref->fact->name, rule_show(p, p->t));
		return false;
	}
	ref->argument = p->t->text;
	if (!field_name_is_valid(p->t->text))
		diagnostic(p->d, p->t->place, NULL, "%s is not the name of a "
		    "header field", rule_show(p, p->t));
	p->t++;
	return true;
}

/* --- texts --- */

/* The place of octet `i` of a string's text, which has lost its escapes. */
static struct place
place_in(const struct rule_parser *p, const struct token *t, size_t i)
{
	const char *at = rule_at(p, t) + 1, *end = rule_behind(p, t);
	struct place place = t->place;

	for (; i > 0 && at < end; i--, at++)
		if (*at == '\\')
			at++;
	place.column += (unsigned)(at - rule_at(p, t));
	return place;
}

static void
add_part(struct rule_parser *p, struct template *template,
    const struct template_part *part)
{
	template->parts = list_room(p->a, template->parts, template->n,
	    sizeof(*part));
	template->parts[template->n++] = *part;
}

static void
add_text(struct rule_parser *p, struct template *template, struct span text)
{
	struct template_part part = { .text = text };

	if (text.len > 0)
		add_part(p, template, &part);
}

/* What stands between { and }: `client.ip`, `header "Subject"`. */
static void
add_fact(struct rule_parser *p, struct template *template,
    const struct token *t, struct span inner)
{
	size_t from = (size_t)(inner.p - t->text.p);
	struct template_part part = {0};
	struct span rest = span_trim(inner), name = span_word(&rest);

	if (name.len == 0) {
		diagnostic(p->d, place_in(p, t, from), NULL,
		    "expected a fact between { and }");
		return;
	}
	from = (size_t)(name.p - t->text.p);
	find_fact(p, name, place_in(p, t, from), &part.ref);
	rest = span_trim(rest);
	if (part.ref.fact == NULL)
		return;
	if (part.ref.fact->argument == FACT_TAKES_HEADER) {
		if (rest.len < 2 || rest.p[0] != '"' ||
		    rest.p[rest.len - 1] != '"') {
			diagnostic(p->d, place_in(p, t, from), NULL,
			    "expected the name of a header field in quotes "
			    "behind %s, as {%s \\\"Subject\\\"}",
			    part.ref.fact->name, part.ref.fact->name);
			return;
		}
		part.ref.argument = span_n(rest.p + 1, rest.len - 2);
		if (!field_name_is_valid(part.ref.argument))
			diagnostic(p->d, place_in(p, t, from), NULL,
			    "\"%.*s\" is not the name of a header field",
			    part.ref.argument.len > 60 ? 60 :
			    (int)part.ref.argument.len, part.ref.argument.p);
	} else if (rest.len > 0) {
		diagnostic(p->d, place_in(p, t, from), NULL,
		    "expected } behind %.*s", SPAN_ARG(name));
		return;
	}
	add_part(p, template, &part);
}

static void
add_token(struct rule_parser *p, struct template *template,
    const struct token *t)
{
	const char *at = t->text.p, *end = at + t->text.len, *start = at;

	for (; at < end; at++) {
		const char *close;

		if ((unsigned char)*at < ' ' && *at != '\t') {
			diagnostic(p->d, place_in(p, t,
			    (size_t)(at - t->text.p)), NULL,
			    "a text is one line: no control characters");
			return;
		}
		if (*at != '{')
			continue;
		if (at + 1 < end && at[1] == '{') {	/* a brace */
			add_text(p, template, span_n(start,
			    (size_t)(at + 1 - start)));
			start = at + 2;
			at++;
			continue;
		}
		add_text(p, template, span_n(start, (size_t)(at - start)));
		close = memchr(at, '}', (size_t)(end - at));
		if (close == NULL) {
			diagnostic(p->d, place_in(p, t,
			    (size_t)(at - t->text.p)),
			    "a brace that is no fact is written {{",
			    "this { has no }");
			return;
		}
		add_fact(p, template, t, span_n(at + 1,
		    (size_t)(close - at - 1)));
		at = close;
		start = close + 1;
	}
	add_text(p, template, span_n(start, (size_t)(end - start)));
}

void
rule_parse_template(struct rule_parser *p, struct template *template)
{
	const struct token *t = p->t++;

	*template = (struct template){ .at = t->place };
	add_token(p, template, t);
	/* In the same line a second text is one too many. */
	while (p->t->kind == TOKEN_STRING &&
	    p->t->place.line > p->t[-1].place.line) {
		add_text(p, template, span_z(" "));
		add_token(p, template, p->t++);
	}
}
