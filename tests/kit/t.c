#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/kit/t.h"

static unsigned passed, failed, skipped;

void
t_ok(const char *name, bool ok, const char *what, const char *file, int line)
{
	if (ok) {
		passed++;
		return;
	}
	failed++;
	printf("FAIL %s\n  at   %s:%d\n  want %s\n", name, file, line, what);
	fflush(stdout);		/* the next one may abort */
}

/* Bytes that would disturb a terminal are shown as \xHH. */
static void
show(const char *label, const char *text)
{
	const unsigned char *p;

	if (text == NULL) {
		printf("  %s NULL\n", label);
		return;
	}
	printf("  %s \"", label);
	for (p = (const unsigned char *)text; *p != '\0'; p++)
		if (*p < ' ' || *p == 0x7f)
			printf("\\x%02x", *p);
		else
			putchar(*p);
	printf("\"\n");
}

void
t_str(const char *name, const char *got, const char *want, const char *file,
    int line)
{
	if (got == want ||
	    (got != NULL && want != NULL && strcmp(got, want) == 0)) {
		passed++;
		return;
	}
	failed++;
	printf("FAIL %s\n  at   %s:%d\n", name, file, line);
	show("got ", got);
	show("want", want);
	fflush(stdout);
}

void
t_int(const char *name, int64_t got, int64_t want, const char *file, int line)
{
	if (got == want) {
		passed++;
		return;
	}
	failed++;
	printf("FAIL %s\n  at   %s:%d\n  got  %" PRId64 "\n  want %" PRId64
	    "\n", name, file, line, got, want);
	fflush(stdout);
}

void
t_skip(const char *name, const char *why)
{
	skipped++;
	printf("SKIP %s: %s\n", name, why);
}

void
t_add(unsigned more_passed, unsigned more_failed, unsigned more_skipped)
{
	passed += more_passed;
	failed += more_failed;
	skipped += more_skipped;
}

int
t_done(void)
{
	printf("%u passed, %u failed, %u skipped\n", passed, failed, skipped);
	if (fflush(stdout) != 0)
		return 1;
	return failed > 0;
}

/* Tests are started in the source tree or in a build folder within it. */
const char *
t_vectors(void)
{
	static const char *const places[] = {
		"../shared/vectors", "../../shared/vectors"
	};
	const char *dir = getenv("FOREPOST_VECTORS");
	size_t i;

	if (dir != NULL && dir[0] != '\0')
		return dir;
	for (i = 0; i < sizeof(places) / sizeof(places[0]); i++)
		if (access(places[i], R_OK | X_OK) == 0)
			return places[i];
	return places[0];
}
