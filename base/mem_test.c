#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/mem.h"
#include "tests/kit/t.h"

static void
test_exhausted(void)
{
	char said[200] = "";
	struct rlimit none = { 0, 0 };
	int ends[2], status = 0;
	pid_t pid;

	T_INT("pipe", pipe(ends), 0);
	pid = fork();
	if (pid == 0) {
		dup2(ends[1], STDERR_FILENO);
		setrlimit(RLIMIT_CORE, &none);
		mem_exhausted(16384, "mail");
	}
	close(ends[1]);
	T_OK("out of memory is said",
	    read(ends[0], said, sizeof(said) - 1) > 0);
	close(ends[0]);
	waitpid(pid, &status, 0);
	T_STR("with size and use", said,
	    "forepost: out of memory: 16384 bytes for mail\n");
	T_OK("and ends the process", WIFSIGNALED(status) &&
	    WTERMSIG(status) == SIGABRT);
}

int
main(void)
{
	static const char zeros[1000];
	char *p = mem_zalloc(sizeof(zeros), "test");

	T_INT("zeroed memory", memcmp(p, zeros, sizeof(zeros)), 0);
	strcpy(p, "kept");
	p = mem_realloc(p, 100000, "test");
	T_STR("grown memory keeps what it held", p, "kept");
	free(p);
	p = mem_alloc(1, "test");
	T_OK("one byte", p != NULL);
	free(p);
	test_exhausted();
	return t_done();
}
