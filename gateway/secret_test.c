#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/arena.h"
#include "gateway/secret.h"
#include "tests/kit/t.h"

static char path[] = "/tmp/secret_testXXXXXX";

static const struct {
	const char *name, *text, *want;
} files[] = {
	{ "a line", "abc\n", "abc" },
	{ "without its end", "abc", "abc" },
	{ "CRLF", "abc\r\n", "abc" },
	{ "further lines", "abc\ndef\n", "abc" },
	{ "spaces are part of it", " a c \n", " a c " },
	{ "empty", "", "its first line is empty" },
	{ "an empty line", "\nabc\n", "its first line is empty" },
};

static void
write_file(const char *text, size_t len)
{
	FILE *f = fopen(path, "w");

	fwrite(text, 1, len, f);
	fclose(f);
}

static void
test_read(struct arena *a)
{
	char want[128], *text = malloc(SECRET_MAX + 2);
	const char *got;
	struct err err;

	for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
		write_file(files[i].text, strlen(files[i].text));
		got = secret_read(a, "key", path, &err);
		snprintf(want, sizeof(want), "key %s: %s", path, files[i].want);
		if (got != NULL)
			T_STR(files[i].name, got, files[i].want);
		else
			T_STR(files[i].name, err.text, want);
	}
	memset(text, 'x', SECRET_MAX + 2);
	write_file(text, SECRET_MAX);
	got = secret_read(a, "key", path, &err);
	T_INT("the longest", got != NULL ? strlen(got) : 0, SECRET_MAX);
	write_file(text, SECRET_MAX + 1);
	T_OK("one octet more", secret_read(a, "key", path, &err) == NULL);
	unlink(path);
	T_OK("no file", secret_read(a, "key", path, &err) == NULL);
	free(text);
}

/* The secret would end there, and be easy to guess. */
static void
test_nul(struct arena *a)
{
	struct err err;

	write_file("\0abc\n", 5);
	T_OK("NUL first", secret_read(a, "key", path, &err) == NULL);
	T_OK("and why", strstr(err.text, "NUL") != NULL);
	write_file("a\0b\0\n", 6);
	T_OK("UTF-16", secret_read(a, "key", path, &err) == NULL);
	write_file("abc\n\0", 5);
	T_OK("NUL behind the line", secret_read(a, "key", path, &err) != NULL);
	unlink(path);
}

static void
test_move(void)
{
	char from[] = "a secret", to[SECRET_MAX + 1];

	secret_move(to, from);
	T_STR("it is moved", to, "a secret");
	T_OK("nothing is left where it was", memcmp(from, "\0\0\0\0\0\0\0\0",
	    sizeof(from)) == 0);
}

int
main(void)
{
	struct arena *a = arena_create("secret");

	close(mkstemp(path));
	test_read(a);
	test_nul(a);
	T_OK("the same", secret_is(span_z("abc"), "abc"));
	T_OK("another", !secret_is(span_z("abd"), "abc"));
	T_OK("shorter", !secret_is(span_z("ab"), "abc"));
	T_OK("longer", !secret_is(span_z("abcd"), "abc"));
	T_OK("nothing", !secret_is(span_z(""), "abc"));
	arena_destroy(&a);
	test_move();
	return t_done();
}
