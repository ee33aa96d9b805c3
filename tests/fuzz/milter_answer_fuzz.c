#include <assert.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "milter/answer.h"
#include "milter/command.h"

/*
 * What a filter answers: whatever is taken can stand in a mail, a reply or an
 * envelope as it is. The first octet is the command, the second the steps, the
 * next two the actions that were agreed on, then letter and data.
 */
int	LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool
has(struct span s, char c)
{
	return s.len > 0 && memchr(s.p, c, s.len) != NULL;
}

/* Lines end with CRLF, and all but the first begin with white space and have
 * something else too. */
static void
check_value(const struct answer *a)
{
	struct span rest = a->value, line;
	size_t used = a->name.len + 1;
	bool first = true;

	assert(!has(a->value, '\0'));
	for (; first || rest.len > 0; first = false, used = 0) {
		line = span_until(&rest, '\n');
		if (rest.len > 0) {
			assert(line.len > 0 && line.p[line.len - 1] == '\r');
			line.len--;
		}
		assert(!has(line, '\r'));
		assert(used + line.len <= ANSWER_HEADER_LINE);
		assert(first || (span_trim(line).len > 0 &&
		    (line.p[0] == ' ' || line.p[0] == '\t')));
	}
}

static void
check_header(const struct answer *a)
{
	assert(a->name.len > 0);
	for (size_t i = 0; i < a->name.len; i++)
		assert(a->name.p[i] > ' ' && a->name.p[i] < 0x7f &&
		    a->name.p[i] != ':');
	assert(a->value.len == 0 || a->value.p[a->value.len - 1] != '\n');
	check_value(a);
	assert(a->kind != ANSWER_CHANGE_HEADER || a->index > 0);
}

static void
check_reply(const struct answer *a)
{
	size_t lines = 1;

	assert(a->code >= 400 && a->code <= 599);
	assert(a->enhanced[0] == '\0' ||
	    a->enhanced[0] - '0' == a->code / 100);
	assert(!has(a->text, '\0') && !has(a->text, '\r'));
	for (size_t i = 0; i < a->text.len; i++)
		lines += a->text.p[i] == '\n';
	assert(lines <= ANSWER_REPLY_LINES);
	assert(a->text.len <= lines * ANSWER_REPLY_LINE);
}

static void
check_address(const struct answer *a)
{
	assert(a->address.len > 0 || a->kind == ANSWER_CHANGE_SENDER);
	assert(!has(a->address, '\r') && !has(a->address, '\n') &&
	    !has(a->address, '\0'));
	assert(a->nargs <= ANSWER_ARGS_MAX);
	for (size_t i = 0; i < a->nargs; i++) {
		assert(a->args[i].len > 0);
		for (size_t j = 0; j < a->args[i].len; j++)
			assert((unsigned char)a->args[i].p[j] > ' ');
	}
}

static void
check(const struct terms *t, char command, const struct answer *a)
{
	assert(answer_name(a->kind)[0] != '\0');
	assert(answer_is_final(a->kind) + answer_is_edit(a->kind) ==
	    (a->kind != ANSWER_PROGRESS));
	if (answer_is_edit(a->kind))
		assert(command == SMFIC_BODYEOB && t->actions != 0);
	if (a->kind == ANSWER_REPLY)
		check_reply(a);
	if (a->name.p != NULL)
		check_header(a);
	if (a->kind == ANSWER_CHANGE_SENDER || a->kind == ANSWER_ADD_RCPT ||
	    a->kind == ANSWER_DELETE_RCPT)
		check_address(a);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char commands[] = "CHMRTLNBEU";
	struct terms t = { .version = 6, .chunk = OPTION_CHUNK };
	struct answer answer;
	struct packet p;
	struct arena *a;
	struct err err;
	char command, *copy;

	if (size < 5)
		return 0;
	command = commands[data[0] % (sizeof(commands) - 1)];
	t.steps = (data[1] & 1 ? SMFIP_SKIP : 0) |
	    (data[1] & 2 ? SMFIP_HDR_LEADSPC : 0);
	t.actions = ((uint32_t)data[2] << 8 | data[3]) & OPTION_ACTIONS;
	copy = malloc(size - 5 > 0 ? size - 5 : 1);
	if (copy == NULL)
		abort();
	memcpy(copy, data + 5, size - 5);
	p = (struct packet){ (char)data[4], span_n(copy, size - 5) };
	a = arena_create("fuzz");
	if (answer_read(a, &t, command, &p, &answer, &err) == 0) {
		/* But for the body, nothing lies in the packet. */
		if (answer.kind != ANSWER_REPLACE_BODY)
			memset(copy, '\0', size - 5);
		check(&t, command, &answer);
	} else
		assert(err.kind == ERR_SYNTAX && err.text[0] != '\0');
	arena_destroy(&a);
	free(copy);
	return 0;
}
