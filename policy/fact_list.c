#include <ctype.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "base/buf.h"
#include "policy/fact.h"
#include "policy/fact_list.h"

/* "a size" is a size in a column. */
static const char *
bare_type(enum type type)
{
	const char *name = type_name(type);

	if (strncmp(name, "a ", 2) == 0)
		return name + 2;
	return strncmp(name, "an ", 3) == 0 ? name + 3 : name;
}

static const char *
argument_text(const struct fact *f)
{
	switch (f->argument) {
	case FACT_TAKES_HEADER:
		return " \"Name\"";
	case FACT_TAKES_LIST:
	case FACT_TAKES_MILTER:
		return "NAME";
	case FACT_TAKES_NOTHING:
		break;
	}
	return "";
}

static const char *
none_text(const struct fact *f)
{
	return f->may_be_none ? " or none" : "";
}

/* --- columns --- */

/* ": a, b or c" */
static void
put_words(struct buf *out, const struct fact *f)
{
	for (size_t i = 0; f->words != NULL && f->words[i] != NULL; i++) {
		buf_puts(out, i == 0 ? ": " : f->words[i + 1] == NULL ?
		    " or " : ", ");
		buf_puts(out, f->words[i]);
	}
}

void
fact_list(FILE *out)
{
	char name[64], type[64];
	struct buf words = {0};

	for (int i = 0; i < FACTS; i++) {
		const struct fact *f = fact_at((enum fact_id)i);

		buf_clear(&words);
		put_words(&words, f);
		snprintf(name, sizeof(name), "%s%s", f->name, argument_text(f));
		snprintf(type, sizeof(type), "%s%s", bare_type(f->type),
		    none_text(f));
		fprintf(out, "%-26s  %-20s  %-7s  %s%.*s\n", name, type,
		    phase_name(f->phase), f->help, SPAN_ARG(buf_text(&words)));
	}
	buf_free(&words);
}

/* --- JSON --- */

static const char *
scope_name(enum fact_scope scope)
{
	static const char *const names[] = {
		[FACT_OF_SESSION] = "session", [FACT_OF_HELO] = "helo",
		[FACT_OF_MAIL] = "mail", [FACT_OF_RCPT] = "rcpt",
		[FACT_OF_MESSAGE] = "message", [FACT_OF_RULES] = "rules",
	};

	return names[scope];
}

static const char *
cost_name(enum fact_cost cost)
{
	static const char *const names[] = {
		[FACT_FREE] = "none", [FACT_DNS] = "dns",
		[FACT_STORE] = "store", [FACT_BODY] = "message",
		[FACT_FILTER] = "milter",
	};

	return names[cost];
}

static void
set_text(json_t *object, const char *key, const char *text)
{
	json_object_set_new(object, key, json_string(text));
}

static json_t *
fact_object(const struct fact *f)
{
	json_t *object = json_object(), *words;
	char name[64];

	snprintf(name, sizeof(name), "%s%s", f->name,
	    fact_is_dotted(f) ? argument_text(f) : "");
	set_text(object, "name", name);
	if (f->argument == FACT_TAKES_HEADER)
		set_text(object, "argument", "header");
	if (f->argument == FACT_TAKES_LIST)
		set_text(object, "argument", "list");
	if (f->argument == FACT_TAKES_MILTER)
		set_text(object, "argument", "milter");
	set_text(object, "type", bare_type(f->type));
	json_object_set_new(object, "may-be-none",
	    json_boolean(f->may_be_none));
	if (f->words != NULL) {
		words = json_array();
		for (size_t i = 0; f->words[i] != NULL; i++)
			json_array_append_new(words, json_string(f->words[i]));
		json_object_set_new(object, "words", words);
	}
	set_text(object, "phase", phase_name(f->phase));
	set_text(object, "scope", scope_name(f->scope));
	set_text(object, "cost", cost_name(f->cost));
	set_text(object, "help", f->help);
	return object;
}

void
fact_list_json(FILE *out)
{
	json_t *list = json_array();

	for (int i = 0; i < FACTS; i++)
		json_array_append_new(list,
		    fact_object(fact_at((enum fact_id)i)));
	json_dumpf(list, out, JSON_INDENT(2));
	putc('\n', out);
	json_decref(list);
}

/* --- mdoc --- */

/* A plain "-" may come out as a hyphen that no rule file takes. */
static void
put_name(FILE *out, const char *name)
{
	for (; *name != '\0'; name++) {
		if (*name == '-')
			putc('\\', out);
		putc(*name, out);
	}
}

static void
put_item(FILE *out, const struct fact *f)
{
	fputs(".It Ic ", out);
	put_name(out, f->name);
	if (fact_is_dotted(f))
		fputs("\\& Ns Ar NAME", out);
	if (f->argument == FACT_TAKES_HEADER)
		fputs(" Qq Ar Name", out);
	fprintf(out, " Pq %s%s\n%c%s", type_name(f->type), none_text(f),
	    toupper((unsigned char)f->help[0]), f->help + 1);
	if (f->words == NULL) {
		fputs(".\n", out);
		return;
	}
	fputs(":\n", out);
	for (size_t i = 0; f->words[i] != NULL; i++)
		fprintf(out, ".Cm %s%s\n", f->words[i],
		    f->words[i + 1] == NULL ? " ." :
		    f->words[i + 2] == NULL ? "\nor" : " ,");
}

void
fact_list_manual(FILE *out)
{
	for (int p = 0; p < PHASES; p++) {
		fprintf(out, ".Ss Known from %s on\n.Bl -tag -width Ds\n",
		    phase_name((enum phase)p));
		for (int i = 0; i < FACTS; i++)
			if (fact_at((enum fact_id)i)->phase == (enum phase)p)
				put_item(out, fact_at((enum fact_id)i));
		fputs(".El\n", out);
	}
}
