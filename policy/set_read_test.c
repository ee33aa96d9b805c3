#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/buf.h"
#include "policy/set.h"
#include "tests/kit/t.h"

#define BOM	"\xef\xbb\xbf"
#define NO_NAME	" is no name: expected a.example, .a.example, " \
	"user@a.example or user@"

static char folder[] = "/tmp/forepost-set-XXXXXX";

static const char *
write_file(struct arena *a, struct span text)
{
	const char *path = arena_printf(a, "%s/set", folder);
	FILE *f = fopen(path, "w");

	if (f == NULL || fwrite(text.p, 1, text.len, f) != text.len ||
	    fclose(f) != 0) {
		perror(path);
		exit(111);
	}
	return path;
}

static void
tell(void *arg, unsigned line, unsigned column, const struct err *why)
{
	struct buf *told = arg;

	buf_printf(told, "%s%u:%u: %s", told->len > 0 ? "\n" : "", line,
	    column, why->text);
}

/* What was told of bad lines, "" for a good file. */
static const char *
read_text(struct arena *a, struct span text, struct set **set)
{
	struct buf told = { 0 };
	struct err err;
	char *copy;

	*set = NULL;
	if (set_read(a, write_file(a, text), tell, &told, set, &err) < 0)
		return arena_strdup(a, err.text);
	copy = arena_copy(a, buf_text(&told));
	buf_free(&told);
	return copy;
}

static bool
has_name(const struct set *s, const char *name)
{
	struct value v = { .type = TYPE_NAME, .text = span_z(name) };

	return set_has(s, &v);
}

static const struct {
	const char *name, *text;
	enum set_family family;
	size_t size;
	const char *told;
} files[] = {
	{ "empty", "", SET_EMPTY, 0, "" },
	{ "a byte order mark only", BOM, SET_EMPTY, 0, "" },
	{ "comments only", "# nothing\n\n \t\n#", SET_EMPTY, 0, "" },
	{ "lines", "a.example\nb.example\n", SET_NAMES, 2, "" },
	{ "the last line without an end", "a.example\nb.example", SET_NAMES,
	    2, "" },
	{ "CRLF", "a.example\r\nb.example\r\n\r\n", SET_NAMES, 2, "" },
	{ "CRLF, the last without LF", "a.example\r\nb.example\r", SET_NAMES,
	    2, "" },
	{ "a byte order mark", BOM "a.example\n", SET_NAMES, 1, "" },
	{ "blanks", "  a.example \t\n\tb.example\n", SET_NAMES, 2, "" },
	{ "comments", "# of\na.example # why\n\t# and\nb.example\t#\n",
	    SET_NAMES, 2, "" },
	{ "# within an item", "u#v@a.example\n", SET_NAMES, 1, "" },
	{ "twice", "a.example\nA.example\na.example.\n", SET_NAMES, 1, "" },
	{ "networks", "10.0.0.0/8\n::1\n", SET_ADDRESSES, 2, "" },
	{ "texts", "buy now\nviagra\nhello # not this\n", SET_TEXTS, 3, "" },

	{ "one bad line", "a.example\n  a b\nb.example\n", SET_NAMES, 2,
	    "2:3: \"a b\"" NO_NAME },
	{ "the first line is bad",
	    "My list\na.example\nb.example\nc.example\n", SET_NAMES, 3,
	    "1:1: \"My list\"" NO_NAME },
	{ "as many names as texts", "My list\n.a.example\n", SET_NAMES, 1,
	    "1:1: \"My list\"" NO_NAME },
	{ "an address among names", "a.example\n192.0.2.1\nb.example\n",
	    SET_NAMES, 2,
	    "2:1: \"192.0.2.1\" is an address in a set of names" },
	{ "a name among addresses", "localhost\n192.0.2.1\n::1\n",
	    SET_ADDRESSES, 2, "1:1: \"localhost\" is no network: expected "
	    "192.0.2.0/24, 2001:db8::/32 or one address" },
	{ "host bits", "10.0.0.0/8\n 10.1.2.3/16 # x\n", SET_ADDRESSES, 1,
	    "2:2: \"10.1.2.3/16\" has bits set behind its prefix: "
	    "did you mean 10.1.0.0/16?" },
	{ "quotes", "\"a.example\"\n", SET_EMPTY, 0,
	    "1:1: the items of a file stand without quotes" },
	{ "a quoted local part", "\"a b\"@c.example\n", SET_NAMES, 1, "" },
	{ "the column behind a byte order mark", BOM "u@\n *.a.example\n",
	    SET_NAMES, 1,
	    "2:2: \"*.a.example\": did you mean \".a.example\"?" },
	{ "CR within a line", "u@\na.example\rb.example\n", SET_NAMES, 1,
	    "2:1: a control character at octet 10 of the item" },
	{ "not UTF-8", "two words\nb\xfc\n", SET_TEXTS, 1,
	    "2:1: octet 0xfc at octet 2 of the item is no UTF-8" },
	{ "several bad lines", "u@\n@a\n\nx y\n", SET_NAMES, 1,
	    "2:1: \"@a\": did you mean \"a\"?\n4:1: \"x y\"" NO_NAME },
};

static void
test_files(void)
{
	for (size_t i = 0; i < sizeof(files) / sizeof(*files); i++) {
		struct arena *a = arena_create("test");
		struct set *s;

		T_STR(files[i].name, read_text(a, span_z(files[i].text), &s),
		    files[i].told);
		if (s != NULL) {
			T_INT(files[i].name, set_family(s), files[i].family);
			T_INT(files[i].name, set_size(s), files[i].size);
		}
		arena_destroy(&a);
	}
}

static void
test_nul(void)
{
	struct arena *a = arena_create("test");
	struct set *s;

	T_STR("a NUL", read_text(a, SPAN_LIT("a.example\nb\0c\n"), &s),
	    "2:1: a control character at octet 2 of the item");
	T_INT("a NUL", set_size(s), 1);
	arena_destroy(&a);
}

/* Lines of every length around that of the buffer. */
static void
test_buffer(void)
{
	static const char before[] = "a.example", behind[] = "\nb.example\n";

	for (int d = -30; d <= 30; d++) {
		struct arena *a = arena_create("test");
		struct buf text = { 0 };
		struct set *s;
		size_t i;

		buf_puts(&text, before);
		buf_puts(&text, " # ");
		for (i = 0; i < (size_t)(SET_LINE_MAX + d); i++)
			buf_puts(&text, "x");
		buf_puts(&text, behind);
		T_STR("a long comment", read_text(a, buf_text(&text), &s), "");
		T_OK("before it", has_name(s, before));
		T_OK("behind it", has_name(s, "b.example"));
		T_INT("in all", set_size(s), 2);
		buf_drop(&text, strlen(before) + 3);
		T_STR("a long item", read_text(a, buf_text(&text), &s),
		    d < 0 ? "1:1: an item of more than 1024 octets" :
		    "1:1: a line of more than 65536 octets");
		T_OK("behind it", has_name(s, "b.example"));
		T_INT("in all", set_size(s), 1);
		buf_free(&text);
		arena_destroy(&a);
	}
}

static void
test_huge_lines(void)
{
	struct arena *a = arena_create("test");
	struct buf text = { 0 };
	struct set *s;

	buf_puts(&text, BOM "#");
	for (int i = 0; i < 5 * SET_LINE_MAX; i++)
		buf_puts(&text, "y");
	buf_puts(&text, "\n.a.example\n");
	for (int i = 0; i < 3 * SET_LINE_MAX - 7; i++)
		buf_puts(&text, " ");
	buf_puts(&text, "c.example\n.b.example\n");
	for (int i = 0; i < 3 * SET_LINE_MAX; i++)
		buf_puts(&text, "z");
	T_STR("huge lines", read_text(a, buf_text(&text), &s),
	    "3:65537: a line of more than 65536 octets\n"
	    "5:1: a line of more than 65536 octets");
	T_INT("what is between them", set_size(s), 2);
	T_OK("the first", has_name(s, "x.a.example"));
	T_OK("the second", has_name(s, "x.b.example"));
	buf_free(&text);
	arena_destroy(&a);
}

/* A file of many buffers: nothing is lost, and the family is that of most. */
static void
test_many(void)
{
	struct arena *a = arena_create("test");
	struct buf text = { 0 };
	unsigned found = 0;
	char name[64];
	struct set *s;

	for (unsigned i = 0; i < 100000; i++)
		buf_printf(&text, "n%u.example%s", i, i % 3 ? "\n" : "\r\n");
	buf_puts(&text, "192.0.2.1\nend.example");
	T_STR("many lines", read_text(a, buf_text(&text), &s),
	    "100001:1: \"192.0.2.1\" is an address in a set of names");
	T_INT("many lines", set_size(s), 100001);
	for (unsigned i = 0; i < 100000; i++) {
		snprintf(name, sizeof(name), "n%u.example", i);
		found += has_name(s, name);
	}
	T_INT("each is found", found, 100000);
	T_OK("the last too", has_name(s, "end.example"));
	T_OK("one more is not", !has_name(s, "n100000.example"));
	T_OK("memory", set_bytes(s) < text.len + 100000 * 10);
	buf_free(&text);
	arena_destroy(&a);
}

static void
test_no_file(void)
{
	struct arena *a = arena_create("test");
	const char *path = arena_printf(a, "%s/fifo", folder);
	struct set *s;
	struct err err;

	T_INT("a folder", set_read(a, "/", tell, NULL, &s, &err), -1);
	T_STR("a folder", err.text, "/ is not a file");
	T_INT("a folder", err.kind, ERR_CONFIG);
	T_INT("no file", set_read(a, "/nowhere/set", tell, NULL, &s, &err),
	    -1);
	T_STR("no file", err.text,
	    "cannot open /nowhere/set: No such file or directory");
	T_INT("a pipe", mkfifo(path, 0600), 0);
	T_INT("a pipe", set_read(a, path, tell, NULL, &s, &err), -1);
	T_OK("a pipe", strstr(err.text, "fifo is not a file") != NULL);
	unlink(path);
	path = arena_printf(a, "%s/large", folder);
	fclose(fopen(path, "w"));
	T_INT("too large", truncate(path, (off_t)SET_FILE_MAX + 1), 0);
	T_INT("too large", set_read(a, path, tell, NULL, &s, &err), -1);
	T_OK("too large", strstr(err.text, "large is too large: 1073741825 "
	    "octets, the most is 1073741824") != NULL);
	unlink(path);
	arena_destroy(&a);
}

int
main(void)
{
	char path[sizeof(folder) + 8];

	if (mkdtemp(folder) == NULL)
		return 111;
	test_files();
	test_nul();
	test_buffer();
	test_huge_lines();
	test_many();
	test_no_file();
	snprintf(path, sizeof(path), "%s/set", folder);
	unlink(path);
	rmdir(folder);
	return t_done();
}
