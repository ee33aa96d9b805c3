#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/loop.h"
#include "gateway/draft.h"
#include "tests/kit/drafts.h"
#include "tests/kit/edits.h"
#include "tests/kit/t.h"

static char dir[] = "/tmp/draft-test-XXXXXX";

static void
begin(struct draft *d, struct arena *a)
{
	struct header_scan scan;

	drafts_begin(d, a, dir, SPAN_LIT("From: f\r\nSubject: s\r\n\r\n"
	    "body\r\n"), false, &scan);
}

/* With a new body, too. */
static int
edit(struct arena *a, struct draft *d, const char *text, struct err *err)
{
	struct edits edits;

	edits_read(a, text, false, &edits);
	edits.body = drafts_spool(a, dir, SPAN_LIT("new\r\n"));
	return draft_edit(d, &edits, err);
}

/* --- limits and failures: all or nothing --- */

static void
test_too_much(void)
{
	struct arena *a = arena_create("test");
	struct answer more = { .kind = ANSWER_ADD_HEADER,
	    .name = SPAN_LIT("A"), .value = SPAN_LIT(" b") };
	struct edits edits = {0};
	struct draft d;
	struct err err;

	begin(&d, a);
	for (size_t i = 0; i < DRAFT_FIELDS; i++)
		edits_append(a, &edits, &more);
	T_INT("as many as may be", draft_edit(&d, &edits, &err), 0);
	T_INT("one more, of another filter", edit(a, &d,
	    "add B: c\ndelete 1 From\nadd C: d\n", &err), -1);
	T_STR("is too many", err.text, "a header of 1003 fields that filters "
	    "have made out of 2");
	T_INT("which is a filter's fault", err.kind, ERR_SYNTAX);
	T_OK("and nothing has changed", d.header.n == DRAFT_FIELDS + 2 &&
	    !d.has_new_body && span_is(d.header.list[0].name, "From"));
	T_INT("one for another", edit(a, &d, "delete 1 From\nadd B: c\n",
	    &err), 0);
	arena_destroy(&a);
}

static void
test_too_large(void)
{
	struct arena *a = arena_create("test");
	struct answer more = { .kind = ANSWER_ADD_HEADER,
	    .name = SPAN_LIT("A") };
	struct edits edits = {0};
	struct draft d;
	struct err err;

	more.value = span_n(arena_alloc(a, DRAFT_OCTETS / 2), DRAFT_OCTETS / 2);
	memset((char *)more.value.p, 'a', more.value.len);
	edits_append(a, &edits, &more);
	begin(&d, a);
	T_INT("half of it", draft_edit(&d, &edits, &err), 0);
	T_INT("and half and a little", draft_edit(&d, &edits, &err), -1);
	T_STR("is too large", err.text, "a header of 262173 octets that "
	    "filters have made out of 21");
	T_INT("nothing has changed", d.header.n, 3);
	arena_destroy(&a);
}

static void
test_no_spool(void)
{
	struct arena *a = arena_create("test");
	struct edits edits = {0};
	char *large = arena_alloc(a, 512 * 1024);
	struct draft d;
	struct err err;

	memset(large, 'x', 512 * 1024);
	edits_read(a, "add A: b\n", false, &edits);
	edits.body = drafts_spool(a, dir, span_n(large, 512 * 1024));
	begin(&d, a);
	spool_memory(0);
	d.spool_dir = "/nonexistent";
	T_INT("no room for a new body", draft_edit(&d, &edits, &err), -1);
	T_INT("is our failure", err.kind, ERR_UNAVAIL);
	T_OK("and says so", strstr(err.text, "a new body from a filter: "
	    "spool /nonexistent") == err.text);
	T_OK("nothing has changed", d.header.n == 2 &&
	    spool_size(d.body) == strlen("body\r\n"));
	T_OK("at all", !d.is_changed && !d.has_new_body);
	d.spool_dir = dir;
	T_INT("in a file", draft_edit(&d, &edits, &err), 0);
	T_INT("it is all there", spool_size(d.body), 512 * 1024);
	spool_memory(64 << 20);
	arena_destroy(&a);
}

/* --- a large body, while others run --- */

#define LINES	400000	/* of 11 octets when they go out */

static const char *line;	/* as it comes from the filter */
static bool is_done;
static unsigned turns;

static void
other(void *arg)
{
	(void)arg;
	for (; !is_done; turns++)
		fiber_yield();
}

static void
large(void *arg)
{
	struct arena *a = arena_create("test");
	struct edits edits = {0};
	struct draft d;
	struct err err;

	(void)arg;
	edits.body = spool_open(a, dir);
	for (size_t i = 0; i < LINES; i++)
		spool_write(edits.body, span_z(line), &err);
	spool_end(edits.body, &err);
	begin(&d, a);
	turns = 0;
	T_INT("a large body", draft_edit(&d, &edits, &err), 0);
	T_OK("others ran meanwhile", turns >= 2);
	T_INT("is whole", spool_size(d.body), 11 * LINES);
	T_OK("to its end", d.ends_in_crlf && !d.has_dots);
	is_done = true;
	arena_destroy(&a);
}

/* Pieces of it end between CR and LF too. */
static void
test_large(size_t memory, const char *with)
{
	line = with;
	is_done = false;
	spool_memory(memory);
	fiber_spawn("large", large, NULL);
	fiber_spawn("other", other, NULL);
	while (!is_done)
		loop_turn(true);
	spool_memory(64 << 20);
}

int
main(void)
{
	if (mkdtemp(dir) == NULL) {
		perror(dir);
		return 1;
	}
	spool_memory(64 << 20);
	loop_create();
	test_too_much();
	test_too_large();
	test_no_spool();
	test_large(64 << 20, "123456789\n");
	test_large(64 << 20, "123456789\r\n");
	test_large(0, "123456789\r\n");
	while (fiber_count() > 0)
		loop_turn(true);
	loop_destroy();
	rmdir(dir);
	return t_done();
}
