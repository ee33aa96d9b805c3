#include <stdio.h>
#include <string.h>

#include "base/utf8.h"
#include "gateway/exit_code.h"
#include "gateway/explain_record.h"
#include "gateway/explain_record_internal.h"
#include "gateway/journal_lines.h"

#define ID_MOST		64	/* a session's has 12 digits */

bool
explain_record_is_id(const char *text)
{
	size_t n = strspn(text, "0123456789abcdef");

	if (n == 0 || strlen(text) > ID_MOST)
		return false;
	if (text[n] == '.' && text[n + 1] != '\0')
		n += 1 + strspn(text + n + 1, "0123456789");
	return text[n] == '\0';
}

static bool
is_it(const struct recorded *r, const char *id)
{
	struct span number = span_z(id), session = span_until(&number, '.');

	return span_eq(r->session, session) &&
	    (number.len == 0 || span_eq(r->id, number));
}

static void
tell(struct span line, const char *id, const struct ruleset *rules,
    bool json, size_t *found)
{
	struct judgement j = { .keeps_traces = true };
	struct arena *a = arena_create("record");
	struct recorded *r;
	struct err err;

	if (recorded_read(a, line, &r, &err) == 0 && is_it(r, id)) {
		recorded_judge(a, r, rules->rules, &j);
		if (json)
			explain_record_json(a, line, r, &j, rules);
		else
			explain_record_text(r, &j, rules, *found > 0);
		(*found)++;
	}
	arena_destroy(&a);
}

static int
look(struct arena *a, const char *id, const struct settings *s,
    const struct ruleset *rules, bool json, size_t *found, struct err *err)
{
	struct journal_lines *lines;
	enum journal_line kind;
	struct span line;
	size_t session = strcspn(id, ".");

	if (journal_lines_open(a, NULL, 0, s, &lines, err) < 0)
		return -1;
	do {
		if (journal_lines_next(lines, &kind, &line, err) < 0)
			return -1;
		/* Taken apart only if it can be it. */
		if (kind == JOURNAL_LINE &&
		    memmem(line.p, line.len, id, session) != NULL)
			tell(line, id, rules, json, found);
	} while (kind != JOURNAL_END);
	return 0;
}

int
explain_record_run(const char *id, bool json, const struct settings *s,
    const struct ruleset *rules)
{
	struct arena *a = arena_create("explain");
	size_t found = 0;
	int code = EXIT_GOOD;
	struct err err;

	if (look(a, id, s, rules, json, &found, &err) < 0)
		code = err.kind == ERR_CONFIG ? EXIT_CONFIG : EXIT_RUNTIME;
	else if (found == 0) {
		err_set(&err, ERR_UNAVAIL, "the journal does not have %s "
		    "(its oldest files are removed; see `keep`)", id);
		code = EXIT_RUNTIME;
	}
	if (code != EXIT_GOOD)
		fprintf(stderr, "forepost: explain: %s\n", err.text);
	arena_destroy(&a);
	return code;
}
