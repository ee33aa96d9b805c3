#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "policy/fact.h"
#include "policy/fact_list.h"
#include "tests/kit/printed.h"
#include "tests/kit/t.h"

static void
test_columns(void)
{
	char *text = printed(fact_list), *line, *rest = text;
	int n = 0;

	T_INT("a line for each", printed_count(text, "\n"), FACTS);
	T_INT("name, type, phase, help", printed_count(text,
	    "client.name                 domain name or none   connect  "
	    "the client's reverse name, if that points back to it\n"), 1);
	T_INT("words", printed_count(text, "helo.kind                   word"
	    "                  helo     the command with which it did: "
	    "helo or ehlo\n"), 1);
	T_INT("the name of a list", printed_count(text, "\ndnsbl.NAME "), 1);
	T_INT("the name of a filter", printed_count(text, "\nmilter.NAME "),
	    1);
	T_INT("the name of a header field", printed_count(text,
	    "\nheader-count \"Name\" "), 1);
	while ((line = strsep(&rest, "\n")) != NULL && *line != '\0') {
		T_OK(line, line[25] != ' ' || line[24] == ' ');
		T_OK("columns are aligned", strlen(line) > 57 &&
		    line[27] == ' ' && line[28] != ' ' && line[49] == ' ' &&
		    line[50] != ' ' && line[58] == ' ' && line[59] != ' ');
		n++;
	}
	T_INT("all seen", n, FACTS);
	free(text);
}

static const char *
text_at(const json_t *list, size_t i, const char *key)
{
	return json_string_value(json_object_get(json_array_get(list, i),
	    key));
}

static void
test_json(void)
{
	char *text = printed(fact_list_json);
	json_t *list = json_loads(text, 0, NULL), *words;

	T_INT("an object for each", json_array_size(list), FACTS);
	T_STR("name", text_at(list, FACT_CLIENT_NAME, "name"), "client.name");
	T_STR("type", text_at(list, FACT_CLIENT_NAME, "type"), "domain name");
	T_STR("phase", text_at(list, FACT_CLIENT_NAME, "phase"), "connect");
	T_STR("scope", text_at(list, FACT_CLIENT_NAME, "scope"), "session");
	T_STR("cost", text_at(list, FACT_CLIENT_NAME, "cost"), "dns");
	T_STR("help", text_at(list, FACT_CLIENT_NAME, "help"),
	    fact_at(FACT_CLIENT_NAME)->help);
	T_OK("none", json_is_true(json_object_get(json_array_get(list,
	    FACT_CLIENT_NAME), "may-be-none")));
	T_OK("no argument", text_at(list, FACT_CLIENT_NAME, "argument") ==
	    NULL);
	T_STR("an argument", text_at(list, FACT_HEADER, "argument"), "header");
	T_STR("is not in the name", text_at(list, FACT_HEADER, "name"),
	    "header");
	T_STR("a list's name is", text_at(list, FACT_DNSBL_LIST, "name"),
	    "dnsbl.NAME");
	T_STR("so is a filter's", text_at(list, FACT_MILTER, "name"),
	    "milter.NAME");
	T_STR("it is one", text_at(list, FACT_MILTER, "argument"), "milter");
	T_STR("which is asked", text_at(list, FACT_MILTER, "cost"), "milter");
	words = json_object_get(json_array_get(list, FACT_ARC), "words");
	T_INT("words", json_array_size(words), 4);
	T_STR("a word", json_string_value(json_array_get(words, 2)), "fail");
	T_OK("no words", json_object_get(json_array_get(list, FACT_SENDER),
	    "words") == NULL);
	json_decref(list);
	free(text);
}

static void
test_manual(void)
{
	char *text = printed(fact_list_manual);

	T_INT("a part for each phase",
	    printed_count(text, ".Ss Known from "), PHASES);
	T_INT("an item for each fact", printed_count(text, ".It Ic "), FACTS);
	T_INT("lists are closed", printed_count(text, ".Bl "),
	    printed_count(text, ".El\n"));
	T_INT("no empty line", printed_count(text, "\n\n"), 0);
	T_INT("an item", printed_count(text, "\n.It Ic client.early\\-talker "
	    "Pq yes or no\nThe client spoke before the greeting.\n"), 1);
	T_INT("words", printed_count(text, "\n.It Ic arc Pq a word\n"
	    "The chain of ARC seals (RFC 8617):\n.Cm none ,\n.Cm pass ,\n"
	    ".Cm fail\nor\n.Cm temperror .\n"), 1);
	T_INT("a header's name", printed_count(text,
	    "\n.It Ic header\\-count Qq Ar Name Pq a whole number\n"), 1);
	T_INT("a list's name", printed_count(text,
	    "\n.It Ic dnsbl.\\& Ns Ar NAME Pq a list of addresses\n"), 1);
	free(text);
}

int
main(void)
{
	test_columns();
	test_json();
	test_manual();
	return t_done();
}
