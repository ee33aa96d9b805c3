#include "conf/list.h"
#include "conf/value.h"
#include "policy/rule_parse.h"

/*
 * Actions that do another one or nothing: of a greylist it is to defer, of a
 * limit what stands behind else.
 */

static bool
complain(struct rule_parser *p, const char *expected)
{
	diagnostic(p->d, p->t->place, NULL, "expected %s, found %s", expected,
	    rule_show(p, p->t));
	return false;
}

static struct brake *
add_brake(struct rule_parser *p, struct action *action)
{
	struct brake *brake = arena_new(p->a, struct brake);

	brake->action = arena_new(p->a, struct action);
	*brake->action = (struct action){ .kind = ACTION_DEFER, .code = 451,
	    .enhanced = "4.7.1", .at = action->at };
	action->brake = brake;
	return brake;
}

static void
add_fact(struct rule_parser *p, struct brake *brake,
    const struct fact_ref *ref)
{
	brake->facts = list_room(p->a, brake->facts, brake->nfacts,
	    sizeof(*ref));
	brake->facts[brake->nfacts++] = *ref;
}

/* A text of our own, and perhaps a fact behind it. */
static void
set_text(struct rule_parser *p, struct action *action, const char *text,
    const struct fact *fact)
{
	struct template *t = &action->text;

	t->at = action->at;
	t->parts = arena_new_n(p->a, 2, struct template_part);
	t->parts[t->n++].text = span_z(text);
	if (fact != NULL)
		t->parts[t->n++].ref = (struct fact_ref){ .fact = fact,
		    .at = action->at };
}

/* --- greylist --- */

bool
rule_parse_greylist(struct rule_parser *p, struct action *action)
{
	struct brake *brake = add_brake(p, action);
	const struct fact_ref ref = { .fact = fact_at(FACT_GREYLIST),
	    .at = action->at };

	add_fact(p, brake, &ref);
	if (p->t->kind != TOKEN_STRING) {
		set_text(p, brake->action, "Greylisted, try again in ",
		    fact_at(FACT_GREYLIST_LEFT));
		return true;
	}
	if (p->t->text.len == 0)
		diagnostic(p->d, p->t->place, NULL, "the text is empty");
	rule_parse_template(p, &brake->action->text);
	return true;
}

/* --- limit --- */

/* What there is too much of. */
static const char *
too_many(enum phase phase)
{
	static const char *const texts[PHASES] = {
		[PHASE_CONNECT] = "Too many connections, try again later",
		[PHASE_HELO] = "Too many sessions, try again later",
		[PHASE_MAIL] = "Too many mails, try again later",
		[PHASE_RCPT] = "Too many recipients, try again later",
		[PHASE_MESSAGE] = "Too many mails, try again later",
	};

	return texts[phase];
}

/* "100/1h" */
static bool
parse_rate(struct rule_parser *p, struct brake *brake)
{
	const struct token *t = p->t;
	struct span window = t->text, number;
	uint64_t most;
	struct err err;

	if (t->kind != TOKEN_WORD || token_is_word(t, "when") ||
	    token_is_word(t, "per"))
		return complain(p, "a number and a time, as 100/1h, behind "
		    "limit");
	number = span_until(&window, '/');
	if (number.len == t->text.len ||
	    span_uint(number, RULE_LIMIT_MAX, &most) < 0 || most == 0)
		diagnostic(p->d, t->place, NULL, "%s is not a limit: expected "
		    "a number from 1 to %d, a slash and a time, as 100/1h",
		    rule_show(p, t), RULE_LIMIT_MAX);
	else if (value_duration(window, RULE_LIMIT_WINDOW_MIN,
	    RULE_LIMIT_WINDOW_MAX, &brake->window, &err) < 0)
		diagnostic(p->d, t->place, NULL, "%s", err.text);
	else
		brake->most = (int64_t)most;
	p->t++;
	return true;
}

static bool
parse_else(struct rule_parser *p, enum phase phase, struct action *action)
{
	p->t++;
	if (p->t->kind != TOKEN_WORD || token_is_word(p->t, "when"))
		return complain(p, "an action behind else");
	if (token_is_word(p->t, "greylist") || token_is_word(p->t, "limit")) {
		diagnostic(p->d, p->t->place, NULL, "%s cannot stand behind "
		    "else: it is a rule of its own", rule_show(p, p->t));
		return false;
	}
	return rule_parse_action(p, phase, action);
}

/* What stands behind "per". */
static bool
parse_facts(struct rule_parser *p, enum phase phase, struct brake *brake)
{
	const char *expected = "a fact behind per";
	struct fact_ref ref;

	for (;; p->t++) {
		if (brake->nfacts > 0 && token_is_word(p->t, "else"))
			return parse_else(p, phase, brake->action);
		if (p->t->kind != TOKEN_WORD || token_is_word(p->t, "when") ||
		    token_is_word(p->t, "else"))
			return complain(p, expected);
		if (!rule_parse_fact(p, &ref))
			return false;
		if (brake->nfacts == RULE_LIMIT_FACTS_MAX)
			diagnostic(p->d, ref.at, NULL, "this is one fact too "
			    "many: a limit has at most %d",
			    RULE_LIMIT_FACTS_MAX);
		else	/* an unknown one too: what follows is understood */
			add_fact(p, brake, &ref);
		if (token_is_word(p->t, "else")) {
			diagnostic(p->d, p->t->place, NULL,
			    "expected a comma in front of else");
			return parse_else(p, phase, brake->action);
		}
		if (!token_is_punct(p->t, ","))
			return true;
		expected = "a fact or else behind the comma";
	}
}

bool
rule_parse_limit(struct rule_parser *p, enum phase phase,
    struct action *action)
{
	struct brake *brake = add_brake(p, action);

	set_text(p, brake->action, too_many(phase), NULL);
	if (!parse_rate(p, brake))
		return false;
	if (!token_is_word(p->t, "per"))
		return complain(p, "per and a fact behind the limit");
	p->t++;
	return parse_facts(p, phase, brake);
}
