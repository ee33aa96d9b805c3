#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/kit/t.h"

/* What the kit prints for the cases of `run`, and its exit status. */
static const char *
output(void (*run)(void), int *status)
{
	static char text[2000];
	size_t len = 0;
	ssize_t n;
	int ends[2];
	pid_t pid;

	fflush(stdout);
	if (pipe(ends) < 0 || (pid = fork()) < 0)
		abort();
	if (pid == 0) {
		dup2(ends[1], STDOUT_FILENO);
		run();
		_exit(t_done());
	}
	close(ends[1]);
	while ((n = read(ends[0], text + len, sizeof(text) - 1 - len)) > 0)
		len += (size_t)n;
	text[len] = '\0';
	close(ends[0]);
	waitpid(pid, status, 0);
	*status = WEXITSTATUS(*status);
	return text;
}

static void
good(void)
{
	t_ok("case", true, "1 == 1", "x_test.c", 1);
	t_str("case", "a", "a", "x_test.c", 2);
	t_str("case", NULL, NULL, "x_test.c", 3);
	t_int("case", -1, -1, "x_test.c", 4);
	t_skip("case", "no such thing here");
}

static void
bad(void)
{
	t_ok("condition", false, "1 == 2", "x_test.c", 1);
	t_str("text", "a\r\n", "b", "x_test.c", 2);
	t_str("nothing", NULL, "", "x_test.c", 3);
	t_int("number", INT64_MIN, 7, "x_test.c", 4);
}

static void
aborts(void)
{
	t_int("number", 1, 2, "x_test.c", 1);
	_exit(3);
}

int
main(void)
{
	int status;

	T_STR("good cases are only counted", output(good, &status),
	    "SKIP case: no such thing here\n"
	    "4 passed, 0 failed, 1 skipped\n");
	T_INT("and the status is 0", status, 0);
	/* The child goes on counting where this process is. */
	T_STR("bad ones show place, got and want", output(bad, &status),
	    "FAIL condition\n  at   x_test.c:1\n  want 1 == 2\n"
	    "FAIL text\n  at   x_test.c:2\n"
	    "  got  \"a\\x0d\\x0a\"\n  want \"b\"\n"
	    "FAIL nothing\n  at   x_test.c:3\n  got  NULL\n  want \"\"\n"
	    "FAIL number\n  at   x_test.c:4\n"
	    "  got  -9223372036854775808\n  want 7\n"
	    "2 passed, 4 failed, 0 skipped\n");
	T_INT("and the status is 1", status, 1);
	T_STR("a failure is seen even if the test ends there",
	    output(aborts, &status),
	    "FAIL number\n  at   x_test.c:1\n  got  1\n  want 2\n");
	setenv("FOREPOST_VECTORS", "/some/where", 1);
	T_STR("the folder of vectors can be named", t_vectors(),
	    "/some/where");
	return t_done();
}
