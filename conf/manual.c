#include <inttypes.h>
#include <string.h>

#include "base/buf.h"
#include "conf/conf.h"
#include "conf/directive.h"
#include "conf/value.h"

#define LINE_WIDTH 78

/* How the values of each type are called. */
static const char *
type_name(enum value_type type)
{
	static const char *const names[] = {
		[VALUE_COUNT] = "number", [VALUE_PERCENT] = "percent",
		[VALUE_SIZE] = "size", [VALUE_DURATION] = "time",
		[VALUE_CHOICE] = "word", [VALUE_FLAG] = "word",
		[VALUE_NAME] = "name", [VALUE_HOST] = "host",
		[VALUE_ZONE] = "zone", [VALUE_PATH] = "path", [VALUE_LOG] = "target",
		[VALUE_FINGERPRINT] = "hex", [VALUE_PATHS] = "path",
		[VALUE_KEYWORDS] = "keyword", [VALUE_FORWARD] = "server",
		[VALUE_HOSTS] = "host",
		[VALUE_DOMAINS] = "domain", [VALUE_RECIPIENTS] = "recipient",
		[VALUE_NETWORKS] = "network", [VALUE_LISTEN] = "address",
		[VALUE_URLS] = "url", [VALUE_SUBJECTS] = "subject",
		[VALUE_RULES] = "rules", [VALUE_STORE] = "store",
		[VALUE_MILTER] = "address", [VALUE_ADDRESS] = "address",
		[VALUE_NAMES] = "name", [VALUE_WORDS] = "word",
		[VALUE_PATTERNS] = "pattern meaning",
	};

	return names[type];
}

/* Text as roff takes it: each sentence begins a line, no line is long or
 * begins a request, no escapes. */
static void
put_roff(FILE *out, const char *text)
{
	size_t column = 0;
	const char *p;

	for (p = text; *p != '\0'; p++) {
		if (column == 0 && (*p == '.' || *p == '\''))
			fputs("\\&", out);
		if (*p == '\\')
			fputs("\\e", out);
		else if (*p == ' ' && (p[-1] == '.' ||
		    column + 1 + strcspn(p + 1, " ") > LINE_WIDTH)) {
			putc('\n', out);
			column = 0;
			continue;
		} else
			putc(*p, out);
		column++;
	}
	putc('\n', out);
}

/* "One of a, b or c", with the words set as such. */
static void
put_words(FILE *out, const struct directive *row)
{
	size_t i;

	fputs("One of\n", out);
	for (i = 0; row->words[i] != NULL; i++)
		fprintf(out, ".Cm %s%s\n", row->words[i],
		    row->words[i + 1] == NULL ? " ." :
		    row->words[i + 2] == NULL ? "\nor" : " ,");
}

static void
put_bound(struct buf *out, const struct directive *row, uint64_t n)
{
	if (row->type == VALUE_SIZE)
		value_put_size(out, n);
	else if (row->type == VALUE_DURATION)
		value_put_duration(out, (int64_t)n);
	else
		buf_printf(out, "%" PRIu64, n);
}

static void
put_default(FILE *out, const struct directive *row)
{
	struct buf text = {0};

	if (row->fallback != NULL)
		fprintf(out, "Default:\n.Cm %s .\n", row->fallback);
	else if (strstr(row->computed, "must be given") != NULL)
		fprintf(out, "It %s.\n", row->computed);
	else
		fprintf(out, "Default: %s.\n", row->computed);
	if (row->max > 0) {
		buf_puts(&text, "From ");
		put_bound(&text, row, row->min);
		buf_puts(&text, " to ");
		put_bound(&text, row, row->max);
		buf_puts(&text, ".\n");
		fwrite(text.p, 1, text.len, out);
		buf_free(&text);
	}
	if (row->effect == EFFECT_RESTART)
		fputs("A change takes effect at the next start, not at "
		    "reload.\n", out);
}

static void
put_setting(FILE *out, const struct directive *row)
{
	fprintf(out, ".It Ic %s Ar %s%s\n", row->name, type_name(row->type),
	    directive_is_list(row) ? " ..." : "");
	put_roff(out, row->help);
	if (row->words != NULL)
		put_words(out, row);
	put_default(out, row);
}

static void
put_section(FILE *out, unsigned scopes)
{
	fputs(".Bl -tag -width Ds\n", out);
	for (size_t i = 0; i < directive_count(); i++)
		if (directive_at(i)->scopes == scopes)
			put_setting(out, directive_at(i));
	fputs(".El\n", out);
}

void
conf_manual(FILE *out)
{
	fputs(".Ss The gateway\nThese settings stand at top level.\n", out);
	put_section(out, SCOPE_TOP);
	fputs(".Ss Sessions\nThese settings stand at top level, for all "
	    "listeners, or in a\n.Ic listener\nblock, for that one.\n", out);
	put_section(out, SCOPE_SMTP);
	for (size_t i = 0; i < block_count(); i++) {
		const struct block *b = block_at(i);

		fprintf(out, ".Ss The %s block\n.D1 Ic %s%s No { ... }\n",
		    b->name, b->name, b->has_label ? " Ar NAME" : "");
		put_roff(out, b->help);
		put_section(out, b->scope);
	}
}

/* The first sentence says enough in a list. */
static int
first_sentence(const char *help)
{
	const char *end = strstr(help, ". ");

	return end != NULL ? (int)(end - help) + 1 : (int)strlen(help);
}

void
conf_list(FILE *out)
{
	for (size_t i = 0; i < directive_count(); i++) {
		const struct directive *row = directive_at(i);
		const struct block *block = row->scopes & SCOPE_TOP ? NULL :
		    block_of((enum scope)row->scopes);

		fprintf(out, "%s%s%s %s%s [%s] %.*s\n",
		    block != NULL ? block->name : "",
		    block != NULL ? "." : "", row->name,
		    type_name(row->type),
		    directive_is_list(row) ? "..." : "",
		    row->fallback != NULL ? row->fallback : row->computed,
		    first_sentence(row->help), row->help);
	}
}
