#include <stdlib.h>
#include <string.h>

#include "conf/conf.h"
#include "conf/directive.h"
#include "tests/kit/printed.h"
#include "tests/kit/t.h"

/* Rows of one name differ in where they stand. */
static int
rows_named(const char *name)
{
	int n = 0;

	for (size_t i = 0; i < directive_count(); i++)
		n += strcmp(directive_at(i)->name, name) == 0;
	return n;
}

static void
test_manual(void)
{
	char *text = printed(conf_manual), item[80];

	for (size_t i = 0; i < directive_count(); i++) {
		const char *name = directive_at(i)->name;

		snprintf(item, sizeof(item), ".It Ic %s Ar", name);
		T_INT(name, printed_count(text, item), rows_named(name));
	}
	for (size_t i = 0; i < block_count(); i++) {
		snprintf(item, sizeof(item), ".Ss The %s block\n",
		    block_at(i)->name);
		T_INT(block_at(i)->name, printed_count(text, item), 1);
	}
	T_INT("lists are closed", printed_count(text, ".Bl "),
	    printed_count(text, ".El\n"));
	T_INT("no empty line", printed_count(text, "\n\n"), 0);
	T_INT("no line begins a request by accident",
	    printed_count(text, "\n.example") +
	    printed_count(text, "\n.a"), 0);
	free(text);
}

static void
test_list(void)
{
	char *text = printed(conf_list);

	T_INT("a line for each setting", printed_count(text, "\n"),
	    directive_count());
	T_INT("name, type, default, help", printed_count(text,
	    "\nbackend.idle_time time [60s] "
	    "How long an idle connection is kept.\n"), 1);
	free(text);
}

/* What the manual says of a row must hold for its parser. */
static void
test_rows(void)
{
	for (size_t i = 0; i < directive_count(); i++) {
		const struct directive *row = directive_at(i);
		size_t len = strlen(row->help);

		T_OK(row->name, (row->fallback == NULL) !=
		    (row->computed == NULL));
		T_OK(row->name, row->min <= row->max);
		T_OK(row->name, len > 0 && row->help[len - 1] == '.');
		T_OK(row->name, (row->words != NULL) ==
		    (row->type == VALUE_CHOICE || row->type == VALUE_FLAG ||
		    row->type == VALUE_WORDS));
	}
}

int
main(void)
{
	test_manual();
	test_list();
	test_rows();
	return t_done();
}
