#include <string.h>

#include "base/nearest.h"
#include "conf/value.h"
#include "policy/fields.h"
#include "policy/rule_parse.h"

/*
 * Actions: one row each. What stands behind the word is read in the order of
 * the bits.
 */
#define RCPT	(1u << PHASE_RCPT)
#define MESSAGE	(1u << PHASE_MESSAGE)
#define ALL	((1u << PHASES) - 1)

enum argument {
	CODE	= 1 << 0,	/* [code [enhanced]] */
	NUMBER	= 1 << 1,	/* a score, or a fact that is one */
	TIME	= 1 << 2,
	NAME	= 1 << 3,	/* of a tag, a backend or a filter */
	FIELD	= 1 << 4,	/* "Name" of a header field */
	REASON	= 1 << 5,	/* ["text"] */
	TEXT	= 1 << 6,	/* "text" */
	VALUE	= 1 << 7,	/* "text", or "" */
	LABEL	= 1 << 8	/* ["name"] of a score */
};

static const struct action_row {
	const char		*name, *second;	/* "add" "header" */
	enum action_kind	 kind;
	unsigned		 phases;
	unsigned		 arguments;
	int			 code;		/* without one */
	const char		*enhanced;
} rows[] = {
	{ "accept", NULL, ACTION_ACCEPT, ALL, REASON, 0, NULL },
	{ "trust", NULL, ACTION_TRUST, ALL, REASON, 0, NULL },
	{ "reject", NULL, ACTION_REJECT, ALL, CODE | TEXT, 550, "5.7.1" },
	{ "defer", NULL, ACTION_DEFER, ALL, CODE | TEXT, 451, "4.7.1" },
	{ "disconnect", NULL, ACTION_DISCONNECT, ALL, CODE | TEXT, 421,
	    "4.7.0" },
	{ "discard", NULL, ACTION_DISCARD, RCPT | MESSAGE, TEXT, 0, NULL },
	{ "quarantine", NULL, ACTION_QUARANTINE, MESSAGE, TEXT, 0, NULL },
	{ "score", NULL, ACTION_SCORE, ALL, NUMBER | LABEL, 0, NULL },
	{ "tag", NULL, ACTION_TAG, ALL, NAME, 0, NULL },
	{ "delay", NULL, ACTION_DELAY, ALL, TIME, 0, NULL },
	{ "route", NULL, ACTION_ROUTE, RCPT, NAME, 0, NULL },
	{ "add", "header", ACTION_ADD_HEADER, MESSAGE, FIELD | VALUE, 0,
	    NULL },
	{ "remove", "header", ACTION_REMOVE_HEADER, MESSAGE, FIELD, 0, NULL },
	{ "replace", "header", ACTION_REPLACE_HEADER, MESSAGE, FIELD | VALUE,
	    0, NULL },
	{ "prefix", "subject", ACTION_PREFIX_SUBJECT, MESSAGE, TEXT, 0, NULL },
	{ "log", NULL, ACTION_LOG, ALL, TEXT, 0, NULL },
	{ "milter", NULL, ACTION_MILTER, ALL, NAME, 0, NULL },
	/* Read by rule_parse_brake.c. */
	{ "greylist", NULL, ACTION_GREYLIST, RCPT, 0, 0, NULL },
	{ "limit", NULL, ACTION_LIMIT, ALL, 0, 0, NULL },
};
#define ROWS	(sizeof(rows) / sizeof(*rows))

bool
rule_is_action(struct span word)
{
	for (size_t i = 0; i < ROWS; i++)
		if (span_is(word, rows[i].name))
			return true;
	return false;
}

const char *
rule_nearest_action(struct span word)
{
	const char *names[ROWS];

	for (size_t i = 0; i < ROWS; i++)
		names[i] = rows[i].name;
	return nearest(word, names, ROWS);
}

/* --- replies --- */

static bool
is_digits(struct span text)
{
	for (size_t i = 0; i < text.len; i++)
		if (text.p[i] < '0' || text.p[i] > '9')
			return false;
	return text.len > 0;
}

/* "5.7.1": RFC 3463 2. */
static bool
is_enhanced(struct span text)
{
	struct span rest = text, part;
	unsigned n = 0;

	for (; n < 3 && rest.len > 0; n++) {
		part = span_until(&rest, '.');
		if (!is_digits(part) || part.len > (n == 0 ? 1 : 3) ||
		    (part.len > 1 && part.p[0] == '0'))
			return false;
	}
	return n == 3 && rest.len == 0 && text.p[text.len - 1] != '.';
}

/* A rule cannot say that all is well, and a client that is to come again must
 * not be told to give up. */
static const char *
first_digits(const struct action_row *row)
{
	return row->kind == ACTION_REJECT ? "5" :
	    row->kind == ACTION_DEFER ? "4" : "45";
}

static void
parse_code(struct rule_parser *p, const struct action_row *row,
    struct action *action)
{
	const char *digits = first_digits(row);
	const struct token *t = p->t;
	struct span code = t->text;

	action->code = row->code;
	action->enhanced = row->enhanced;
	if (t->kind != TOKEN_WORD || !(t->text.p[0] >= '0' &&
	    t->text.p[0] <= '9'))
		return;
	p->t++;
	/* RFC 5321 4.2.1: the second digit is 0 to 5. */
	if (!is_digits(code) || code.len != 3 ||
	    strchr(digits, code.p[0]) == NULL || code.p[1] > '5') {
		diagnostic(p->d, t->place, code.len == 3 &&
		    code.p[0] == '4' && row->kind == ACTION_REJECT ?
		    "defer answers with 4yz" : code.len == 3 &&
		    code.p[0] == '5' && row->kind == ACTION_DEFER ?
		    "reject answers with 5yz" : NULL,
		    "%s is not a reply code of %s: expected %s",
		    rule_show(p, t), row->name, row->kind == ACTION_REJECT ?
		    "500 to 559" : row->kind == ACTION_DEFER ? "400 to 459" :
		    "400 to 459 or 500 to 559");
		if (p->t->kind == TOKEN_WORD)
			p->t++;
		return;
	}
	if (row->kind == ACTION_DEFER && span_is(code, "421"))
		diagnostic(p->d, t->place, "disconnect 421 closes it", "421 "
		    "says that the connection closes, which defer does not do");
	action->code = (code.p[0] - '0') * 100 + (code.p[1] - '0') * 10 +
	    code.p[2] - '0';
	action->enhanced = arena_printf(p->a, "%c%s", code.p[0],
	    row->enhanced + 1);
	t = p->t;
	if (t->kind != TOKEN_WORD || !(t->text.p[0] >= '0' &&
	    t->text.p[0] <= '9'))
		return;
	p->t++;
	if (!is_enhanced(t->text))
		diagnostic(p->d, t->place, NULL, "%s is not an enhanced "
		    "status code: expected one as %s", rule_show(p, t),
		    action->enhanced);
	else if (t->text.p[0] != code.p[0])
		diagnostic(p->d, t->place, NULL, "%s does not agree with %d: "
		    "it must begin with %c", rule_show(p, t), action->code,
		    code.p[0]);
	else
		action->enhanced = arena_copy(p->a, t->text);
}

/* --- the other arguments --- */

static bool
complain(struct rule_parser *p, const char *expected,
    const struct action_row *row)
{
	diagnostic(p->d, p->t->place, NULL, "expected %s behind %s%s%s, "
	    "found %s", expected, row->name, row->second != NULL ? " " : "",
	    row->second != NULL ? row->second : "", rule_show(p, p->t));
	return false;
}

bool
rule_read_number(struct span text, int64_t most, int64_t *hundredths)
{
	bool is_negative = text.len > 0 && text.p[0] == '-';
	struct span rest = text, whole;
	uint64_t units, part = 0;

	if (is_negative || (text.len > 0 && text.p[0] == '+'))
		rest = span_n(text.p + 1, text.len - 1);
	whole = span_until(&rest, '.');
	if (span_uint(whole, (uint64_t)most, &units) < 0)
		return false;
	if (whole.p + whole.len < text.p + text.len) {
		if (rest.len > 2 || span_uint(rest, 99, &part) < 0)
			return false;
		if (rest.len == 1)
			part *= 10;
	}
	*hundredths = (int64_t)(units * 100 + part);
	if (*hundredths > most * 100)
		return false;
	if (is_negative)
		*hundredths = -*hundredths;
	return true;
}

static bool
is_numeric(struct span text)
{
	return text.len > 0 && strchr("+-.0123456789", text.p[0]) != NULL;
}

static bool
parse_number(struct rule_parser *p, const struct action_row *row,
    struct action *action)
{
	if (p->t->kind != TOKEN_WORD || token_is_word(p->t, "when"))
		return complain(p, "a number or a fact", row);
	if (!is_numeric(p->t->text))
		return rule_parse_fact(p, &action->ref);
	if (!rule_read_number(p->t->text, RULE_SCORE_MAX, &action->number))
		diagnostic(p->d, p->t->place, NULL, "%s is not a score: "
		    "expected a number from -%d to %d with at most two "
		    "decimals, as 5, -4 or 1.5", rule_show(p, p->t),
		    RULE_SCORE_MAX, RULE_SCORE_MAX);
	p->t++;
	return true;
}

static bool
parse_time(struct rule_parser *p, const struct action_row *row,
    struct action *action)
{
	struct err err;

	if (p->t->kind != TOKEN_WORD)
		return complain(p, "a time, as 5s,", row);
	if (value_duration(p->t->text, 0, RULE_DELAY_MAX, &action->number,
	    &err) < 0)
		diagnostic(p->d, p->t->place, NULL, "%s", err.text);
	p->t++;
	return true;
}

static void
complain_name(struct rule_parser *p)
{
	diagnostic(p->d, p->t->place, NULL, "%s is not a name: expected 1 to "
	    "63 letters, digits, \"-\", \"_\" or \".\"", rule_show(p, p->t));
}

static bool
parse_name(struct rule_parser *p, const struct action_row *row,
    struct action *action)
{
	if (!rule_is_value(p->t) || token_is_word(p->t, "when"))
		return complain(p, row->kind == ACTION_TAG ?
		    "the name of a tag" : row->kind == ACTION_MILTER ?
		    "the name of a filter" : "the name of a backend", row);
	action->name_at = p->t->place;
	if (value_is_label(p->t->text))
		action->name = p->t->text;
	else
		complain_name(p);
	p->t++;
	return true;
}

/* RFC 5321 4.4: Received fields tell the way of a mail and end its loops; a
 * Return-Path is of final delivery, and a mail that comes in has none. */
static void
check_trace(struct rule_parser *p, const struct action_row *row)
{
	struct span name = p->t->text;

	if (span_is_nocase(name, "Received"))
		diagnostic(p->d, p->t->place, NULL, "Received cannot be "
		    "edited: it is the trace of the mail");
	else if (span_is_nocase(name, "Return-Path") &&
	    row->kind != ACTION_REMOVE_HEADER)
		diagnostic(p->d, p->t->place, NULL, "Return-Path can only be "
		    "removed: final delivery adds it");
}

static bool
parse_field(struct rule_parser *p, const struct action_row *row,
    struct action *action)
{
	if (p->t->kind != TOKEN_STRING)
		return complain(p, "the name of a header field in quotes",
		    row);
	if (!field_name_is_valid(p->t->text))
		diagnostic(p->d, p->t->place, NULL, "%s is not the name of a "
		    "header field", rule_show(p, p->t));
	check_trace(p, row);
	action->name = p->t++->text;
	action->name_at = p->t[-1].place;
	return true;
}

static bool
parse_text(struct rule_parser *p, const struct action_row *row,
    struct action *action)
{
	const struct token *t = p->t;

	if (t->kind != TOKEN_STRING) {
		if (row->arguments & REASON)
			return true;
		return complain(p, "a text in quotes", row);
	}
	if (t->text.len == 0 && !(row->arguments & VALUE))
		diagnostic(p->d, t->place, NULL, "the text is empty");
	rule_parse_template(p, &action->text);
	return true;
}

static bool
parse_arguments(struct rule_parser *p, const struct action_row *row,
    struct action *action)
{
	if (row->arguments & CODE)
		parse_code(p, row, action);
	if ((row->arguments & NUMBER) && !parse_number(p, row, action))
		return false;
	if ((row->arguments & TIME) && !parse_time(p, row, action))
		return false;
	if ((row->arguments & NAME) && !parse_name(p, row, action))
		return false;
	if ((row->arguments & FIELD) && !parse_field(p, row, action))
		return false;
	if ((row->arguments & (REASON | TEXT | VALUE)) &&
	    !parse_text(p, row, action))
		return false;
	if ((row->arguments & LABEL) && p->t->kind == TOKEN_STRING) {
		if (!value_is_label(p->t->text))
			complain_name(p);
		action->name = p->t++->text;
		action->name_at = p->t[-1].place;
	}
	return true;
}

/* --- the word itself --- */

static const char *
phases_text(unsigned phases)
{
	switch (phases) {
	case RCPT:
		return "rcpt";
	case MESSAGE:
		return "message";
	default:
		return "rcpt or message";
	}
}

static const struct action_row *
find_row(struct rule_parser *p)
{
	const struct token *t = p->t;

	if (t->kind != TOKEN_WORD) {
		diagnostic(p->d, t->place, NULL, "expected an action or when, "
		    "found %s", rule_show(p, t));
		return NULL;
	}
	for (size_t i = 0; i < ROWS; i++)
		if (span_is(t->text, rows[i].name))
			return &rows[i];
	diagnostic(p->d, t->place, rule_meant(p, rule_nearest_action(t->text)),
	    "unknown action %s", rule_show(p, t));
	return NULL;
}

bool
rule_parse_action(struct rule_parser *p, enum phase phase,
    struct action *action)
{
	const struct action_row *row = find_row(p);

	*action = (struct action){ .at = p->t->place };
	if (row == NULL)
		return false;
	action->kind = row->kind;
	p->t++;
	if (row->second != NULL) {
		if (!token_is_word(p->t, row->second)) {
			diagnostic(p->d, p->t->place, NULL, "expected %s "
			    "behind %s, found %s", row->second, row->name,
			    rule_show(p, p->t));
			return false;
		}
		p->t++;
	}
	if (!(row->phases & 1u << phase))
		diagnostic(p->d, action->at, NULL, "%s%s%s does not belong to "
		    "%s, but to %s", row->name,
		    row->second != NULL ? " " : "",
		    row->second != NULL ? row->second : "", phase_name(phase),
		    phases_text(row->phases));
	if (row->kind == ACTION_GREYLIST)
		return rule_parse_greylist(p, action);
	if (row->kind == ACTION_LIMIT)
		return rule_parse_limit(p, phase, action);
	return parse_arguments(p, row, action);
}
