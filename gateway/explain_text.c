#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/utf8.h"
#include "conf/listing.h"
#include "conf/value.h"
#include "gateway/explain_internal.h"
#include "policy/action.h"
#include "policy/rule_trace.h"

/*
 * The page for people: what would happen and who says so in the first line,
 * what else they have to know of it, each phase with its rules, the facts.
 */
#define WIDTH	79
#define LABEL	10		/* columns of "reply" and so on */

/* --- harmless, and not too wide --- */

/* Nothing from outside acts on the terminal: what remains in JSON's escaped
 * form are DEL, C1 controls (in UTF-8) and changes of direction. Returns how
 * many columns it took, about. */
static size_t
print_safe(struct span s)
{
	size_t n, columns = 0;

	for (; s.len > 0; s = span_n(s.p + n, s.len - n)) {
		n = utf8_char(s);
		columns++;
		if (n == 0) {
			n = 1;
			putchar('?');
		} else if (*s.p != '\n' && *s.p != '\t' &&
		    (utf8_is_control(s) || utf8_turns_text(s))) {
			for (size_t i = 0; i < n; i++)
				columns += (size_t)printf("\\x%02x",
				    (unsigned char)s.p[i]);
		} else {
			fwrite(s.p, 1, n, stdout);
		}
	}
	return columns;
}

static size_t
columns_of(struct span s)
{
	size_t columns = 0, n;

	for (; s.len > 0; s = span_n(s.p + n, s.len - n)) {
		n = utf8_char(s);
		n = n > 0 ? n : 1;
		columns++;
	}
	return columns;
}

/* Word by word from column `at` on; lines that follow begin at `indent`. A
 * word that is too long has a line of its own. */
static void
print_wrapped(struct span text, size_t at, size_t indent)
{
	size_t column = at;
	struct span word;

	while (text.len > 0) {
		word = span_until(&text, ' ');
		if (column > at && column + 1 + columns_of(word) > WIDTH) {
			printf("\n%*s", (int)indent, "");
			column = at = indent;
		} else if (column > at)
			column += (size_t)printf(" ");
		column += print_safe(word);
	}
	putchar('\n');
}

/* --- what would happen --- */

static void
put_rule(struct buf *out, const struct rule *rule)
{
	buf_puts(out, rule->name);
	if (rule->has_label)
		buf_printf(out, " (%s:%u)", rule->at.source->name,
		    rule->at.line);
}

/* "refused by listed (in.rules:10) at connect". */
static void
print_verdict(const struct hearing *h)
{
	struct buf line = {0};

	buf_puts(&line, explain_fate_name(h->fate));
	if (h->fate == FATE_DELIVERED && h->backend != NULL)
		buf_printf(&line, " to %s", h->backend);
	if (h->fate == FATE_UNDECIDED)
		buf_puts(&line, ", not refused so far");
	if (h->rule != NULL) {
		buf_puts(&line, h->rule->action.kind == ACTION_TRUST ?
		    ", trusted by " : " by ");
		put_rule(&line, h->rule);
		buf_printf(&line, " at %s", phase_name(h->phase));
	}
	if (h->why != NULL)
		buf_printf(&line, ": %s", h->why);
	print_safe(buf_text(&line));
	putchar('\n');
	buf_free(&line);
}

static void
print_line(const char *label, struct span text)
{
	printf("  %-*s", LABEL, label);
	print_wrapped(text, 2 + LABEL, 2 + LABEL);
}

static void
print_buf(const char *label, struct buf *text)
{
	print_line(label, buf_text(text));
	buf_clear(text);
}

static void
print_reply(const struct hearing *h, struct buf *line)
{
	const struct reply *r = h->reply;

	if (h->fate == FATE_DELIVERED || h->fate == FATE_QUARANTINED)
		print_line("reply", SPAN_LIT("what the backend says"));
	if (r == NULL)
		return;
	buf_printf(line, "to %s: %d %s%s%s", h->reply_to, r->code,
	    r->enhanced, r->enhanced[0] != '\0' ? " " : "", r->text);
	if (r->close)
		buf_puts(line, ", and the connection is closed");
	print_buf("reply", line);
}

static void
print_told(const struct hearing *h, struct buf *line)
{
	for (enum phase p = PHASE_CONNECT; p < PHASES; p++) {
		const struct verdict *v = h->phases[p].verdict;

		for (size_t i = 0; v != NULL && i < v->nobserved; i++) {
			const struct told *o = &v->observed[i];

			put_rule(line, o->rule);
			buf_puts(line, " would ");
			rule_told_put(line, o);
			print_buf("observed", line);
		}
		for (size_t i = 0; v != NULL && i < v->nlogs; i++) {
			put_rule(line, v->logs[i].rule);
			buf_puts(line, ": ");
			buf_span(line, v->logs[i].text);
			print_buf("log", line);
		}
	}
}

static void
print_edits(const struct hearing *h, struct buf *line)
{
	for (size_t i = 0; i < h->nedits; i++) {
		const struct header_edit *e = &h->edits[i];

		buf_puts(line, action_name(e->kind));
		buf_puts(line, e->name.len > 0 ? " " : "");
		buf_span(line, e->name);
		buf_puts(line, e->name.len > 0 && e->value.len > 0 ? ": " :
		    " ");
		buf_span(line, e->value);
		print_buf("edit", line);
	}
	if (h->ncuts > 0) {
		buf_printf(line, "remove %zu fields that claim to be ours",
		    h->ncuts);
		print_buf("edit", line);
	}
}

static void
print_summary(const struct hearing *h)
{
	struct buf line = {0};

	print_reply(h, &line);
	if (h->fate == FATE_QUARANTINED && h->backend != NULL)
		print_line("backend", span_z(h->backend));
	if (h->delay > 0) {
		value_put_duration(&line, h->delay);
		buf_puts(&line, ", all replies together");
		print_buf("delay", &line);
	}
	if (h->scores.len > 0) {
		listing_put_score(&line, h->score);
		buf_puts(&line, " (");
		for (size_t i = 0; i < h->scores.len; i++) {
			buf_put(&line, h->scores.p + i, 1);
			buf_puts(&line, h->scores.p[i] == ',' ? " " : "");
		}
		buf_puts(&line, ")");
		print_buf("score", &line);
	}
	print_edits(h, &line);
	print_told(h, &line);
	if (h->is_observing)
		print_line("mode", SPAN_LIT("observe: no rule acts"));
	if (h->unlooked != NULL)
		print_line("lookups", span_z(h->unlooked));
	if (h->store != NULL) {
		buf_printf(&line, "what it was asked is unknown: %s",
		    h->store);
		print_buf("store", &line);
	}
	buf_free(&line);
}

/* --- the rules --- */

/* A star in the margin has what applied, so that it is found among many. */
static void
print_trace(const struct heard_phase *heard)
{
	const struct rule_trace *trace = &heard->trace;
	struct buf line = {0};
	struct span text;

	rule_trace_put_head(&line, trace, heard->verdict);
	print_wrapped(buf_text(&line), 0, 4);
	for (size_t i = 0; i < trace->n; i++) {
		buf_clear(&line);
		rule_step_put(&line, &trace->steps[i]);
		fputs(trace->steps[i].applied ? "* " : "  ", stdout);
		text = buf_text(&line);
		print_wrapped(span_until(&text, '\n'), 2, 8);
	}
	buf_free(&line);
}

static void
print_rules(const struct hearing *h)
{
	fputs("\nrules of ", stdout);
	print_safe(span_z(h->rules));
	fputs(":\n\n", stdout);
	for (enum phase p = PHASE_CONNECT; p < PHASES; p++)
		if (h->phases[p].verdict != NULL)
			print_trace(&h->phases[p]);
		else
			printf("at %s: not asked: %s\n", phase_name(p),
			    h->phases[p].unasked);
}

/* --- the facts --- */

static void
print_value(const json_t *value)
{
	size_t i;
	const json_t *item;
	char *text;

	if (json_is_null(value))
		fputs("none", stdout);
	else if (json_is_boolean(value))
		fputs(json_is_true(value) ? "yes" : "no", stdout);
	else if (json_is_array(value)) {
		fputs("{", stdout);
		json_array_foreach(value, i, item) {
			fputs(i > 0 ? ", " : " ", stdout);
			print_value(item);
		}
		fputs(" }", stdout);
	} else if (json_is_string(value)) {
		text = json_dumps(value, JSON_ENCODE_ANY);
		print_safe(span_n(text + 1, strlen(text) - 2));
		free(text);
	} else {
		text = json_dumps(value, JSON_ENCODE_ANY |
		    JSON_REAL_PRECISION(6));
		fputs(text, stdout);
		free(text);
	}
}

static void
print_facts(const struct explanation *x, const json_t *facts,
    const json_t *whys)
{
	const char *name;
	const json_t *value, *why;

	printf("\nfacts, whether a rule asks for them or not%s:\n\n",
	    x->heard.unlooked != NULL ? " (looked up here all the same)" : "");
	json_object_foreach((json_t *)facts, name, value) {
		printf("%s = ", name);
		print_value(value);
		why = json_object_get(whys, name);
		if (why != NULL) {
			fputs("\t# ", stdout);
			print_value(why);
		}
		putchar('\n');
	}
}

static void
print_fields(struct span fields)
{
	if (fields.len == 0)
		return;
	fputs("\nfields that would be added:\n", stdout);
	for (struct span line; fields.len > 0; ) {
		line = span_until(&fields, '\r');	/* of CRLF */
		print_safe(line);
	}
}

void
explain_text(const struct explanation *x, const json_t *facts,
    const json_t *why)
{
	print_verdict(&x->heard);
	print_summary(&x->heard);
	print_rules(&x->heard);
	print_facts(x, facts, why);
	print_fields(x->heard.fields);
}
