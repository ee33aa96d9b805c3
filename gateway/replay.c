#include <stdio.h>
#include <string.h>

#include "base/utf8.h"
#include "gateway/exit_code.h"
#include "gateway/replay_internal.h"

struct replay {
	const struct replay_request *request;
	const struct ruleset	*rules;
	struct journal_lines	*lines;
	struct tally		 tally;
	uint64_t		 shown;		/* mails */
};

/* --- a record --- */

static void
note_bad(struct replay *p, const char *why)
{
	if (p->tally.bad++ < REPLAY_BAD_TOLD)
		fprintf(stderr, "%s:%llu: %s\n",
		    journal_lines_file(p->lines),
		    (unsigned long long)journal_lines_number(p->lines), why);
	else if (p->tally.bad == REPLAY_BAD_TOLD + 1)
		fprintf(stderr, "... and more; they are only counted\n");
}

static void
count_record(struct tally *t, const struct recorded *r,
    const struct ruleset *rules)
{
	t->records++;
	if (span_is(r->kind, "mail"))
		t->mails++;
	else
		t->sessions++;
	t->same_rules += span_is(r->rules, rules->hash);
}

static void
judge(struct replay *p, struct arena *a, const struct recorded *r)
{
	struct judgement j = {0};
	struct comparison c;

	recorded_judge(a, r, p->rules->rules, &j);
	replay_compare(a, r, &j, &c);
	tally_add(&p->tally, a, &c);
	if (c.change == UNJUDGED)
		tally_need(&p->tally, j.missing);
	if (c.n == 0)
		return;
	if (p->request->json)
		replay_json_mail(r, &c, p->shown == 0);
	else
		replay_text_mail(r, &c);
	p->shown++;
}

static void
take_line(struct replay *p, struct span line)
{
	struct arena *a;
	struct recorded *r;
	struct err err;

	if (line.len == 0)	/* behind half a one: docs/journal.md */
		return;
	a = arena_create("record");
	if (recorded_read(a, line, &r, &err) < 0)
		note_bad(p, err.text);
	else {
		count_record(&p->tally, r, p->rules);
		if (r->is_cut)
			p->tally.cut++;
		else
			judge(p, a, r);
	}
	arena_destroy(&a);
}

/* --- all of them --- */

static int
take_all(struct replay *p, struct err *err)
{
	enum journal_line kind;
	struct span line;

	do {
		if (journal_lines_next(p->lines, &kind, &line, err) < 0)
			return -1;
		if (kind == JOURNAL_LINE)
			take_line(p, line);
		else if (kind == JOURNAL_TOO_LONG)
			note_bad(p, "the line is too long");
	} while (kind != JOURNAL_END);
	return 0;
}

static void
tell_end(struct replay *p)
{
	size_t n = journal_lines_files(p->lines);

	tally_sort(&p->tally);
	if (p->request->json)
		replay_json_end(&p->tally, p->rules, n);
	else
		replay_text_end(&p->tally, p->rules, n);
}

static int
run(struct replay *p, const struct settings *s, struct err *err)
{
	if (journal_lines_open(p->tally.arena, p->request->files,
	    p->request->nfiles, s, &p->lines, err) < 0)
		return err->kind == ERR_CONFIG ? EXIT_CONFIG : EXIT_RUNTIME;
	if (p->request->json)
		replay_json_begin();
	if (take_all(p, err) < 0)
		return EXIT_RUNTIME;
	tell_end(p);
	return p->tally.changed + p->tally.would > 0 ? EXIT_CHANGED :
	    EXIT_GOOD;
}

int
replay_run(const struct replay_request *request, const struct settings *s,
    const struct ruleset *rules)
{
	struct replay p = { .request = request, .rules = rules,
	    .tally = { .arena = arena_create("replay") } };
	struct err err;
	int code = run(&p, s, &err);

	if (code != EXIT_GOOD && code != EXIT_CHANGED)
		fprintf(stderr, "forepost: replay: %s\n", err.text);
	arena_destroy(&p.tally.arena);
	return code;
}
