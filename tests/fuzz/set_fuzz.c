#include <assert.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/utf8.h"
#include "policy/set.h"
#include "policy/set_ask.h"

/*
 * The text of a set file, a line "=", and then a value a line, which is asked
 * as all that it can be. What is not told as bad is in the set, what is found
 * is a match, and places lie within the text.
 */
int	LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define LINES	512

struct told {
	unsigned	lines;		/* of the text */
	bool		bad[LINES];
};

static void
tell(void *arg, unsigned line, unsigned column, const struct err *why)
{
	struct told *told = arg;

	assert(line >= 1 && line <= told->lines && column >= 1);
	assert(why->kind == ERR_CONFIG && why->text[0] != '\0');
	if (line <= LINES)
		told->bad[line - 1] = true;
}

/* What would be asked of the same set elsewhere: all but networks of any size,
 * and what is too far above. */
static void
check_questions(const struct value *v, struct span item)
{
	struct arena *a = arena_create("questions");
	struct span list[SET_QUESTIONS_MAX];
	size_t n = set_questions(a, v, list), dots = 0;
	bool is_asked = item.len == 0 || item.len > SET_ITEM_MAX ||
	    v->type == TYPE_ADDRESS || v->type == TYPE_NETWORK;

	assert(n <= SET_QUESTIONS_MAX);
	for (size_t i = 0; i < n; i++) {
		assert(list[i].len > 0 && list[i].len <= SET_ITEM_MAX);
		is_asked |= span_eq(list[i], item);
	}
	for (size_t i = 0; i < item.len; i++)
		dots += item.p[i] == '.';
	assert(is_asked || (item.p[0] == '.' && dots > SET_PARENTS_MAX));
	arena_destroy(&a);
}

static bool
ask(const struct set *s, const struct value *v)
{
	struct buf item = { 0 };
	bool found = set_match(s, v, &item);

	assert(set_has(s, v) == found);
	assert(found == (item.len > 0));
	assert(!found || set_fits(set_family(s), v->type));
	check_questions(v, buf_text(&item));
	buf_free(&item);
	return found;
}

static bool
ask_all(const struct set *s, struct span text)
{
	static const enum type types[] = { TYPE_NAME, TYPE_MAILBOX,
	    TYPE_TEXT };
	struct value v = { .is_none = false };
	struct addr address;
	bool found = false;
	struct err err;

	for (size_t i = 0; i < 3; i++) {
		v.type = types[i];
		v.text = text;
		found = ask(s, &v);	/* as a text, in the end */
	}
	v.type = TYPE_ADDRESS;
	v.address = &address;
	if (addr_parse_ip(text, 25, &address, &err) == 0)
		ask(s, &v);
	v.type = TYPE_NETWORK;
	if (network_parse(text, &v.network, &err) == 0)
		found |= ask(s, &v);
	return found;
}

/* An item that can be looked up as it is written. */
static bool
is_plain(struct span text)
{
	static const char others[] = "#\"\r";

	if (text.len == 0 || !utf8_is_ascii(text))
		return false;
	for (size_t i = 0; i < text.len; i++)
		if (memchr(others, text.p[i], sizeof(others)) != NULL)
			return false;
	/* The final dot of a name is dropped, that of a word is kept too. */
	return text.p[text.len - 1] != '.' || (text.p[0] != '.' &&
	    memchr(text.p, '@', text.len) == NULL);
}

static void
ask_items(const struct set *s, struct span text, const struct told *told)
{
	struct span line;

	if (text.len >= 3 && memcmp(text.p, "\xef\xbb\xbf", 3) == 0)
		text = span_n(text.p + 3, text.len - 3);
	for (unsigned i = 0; i < LINES && text.len > 0; i++) {
		line = span_trim(span_until(&text, '\n'));
		if (!told->bad[i] && is_plain(line))
			assert(ask_all(s, line));
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct span text = span_n(data, size), values = { NULL, 0 };
	const char *end = size > 0 ? memmem(data, size, "\n=\n", 3) : NULL;
	struct arena *a = arena_create("fuzz");
	struct told told = { .lines = 1 };
	int fd = memfd_create("set", 0);
	char path[64];
	struct set *s;
	struct err err;

	if (end != NULL) {
		text.len = (size_t)(end - text.p);
		values = span_n(end + 3, size - text.len - 3);
	}
	for (size_t i = 0; i < text.len; i++)
		told.lines += text.p[i] == '\n';
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	if (text.len > 0)
		assert(write(fd, text.p, text.len) == (ssize_t)text.len);
	assert(set_read(a, path, tell, &told, &s, &err) == 0);
	assert(set_size(s) <= told.lines);
	ask_items(s, text, &told);
	while (values.len > 0)
		ask_all(s, span_until(&values, '\n'));
	arena_destroy(&a);
	close(fd);
	return 0;
}
