#include <glob.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/lexer.h"
#include "tests/kit/report_files.h"
#include "tests/kit/t.h"

bool
report_files_find(const char *folder)
{
	static const char *const up[] = { "", "../", "../../" };
	struct arena *a = arena_create("find");
	bool found = false;

	for (size_t i = 0; i < 3 && !found; i++)
		found = chdir(arena_printf(a, "%s%s", up[i], folder)) == 0;
	arena_destroy(&a);
	T_OK(folder, found);
	return found;
}

void
report_files_each(const char *folder, const char *pattern,
    void (*test)(const char *path))
{
	char *home = getcwd(NULL, 0);
	glob_t found;

	T_OK(folder, chdir(folder) == 0);
	T_INT(folder, glob(pattern, 0, NULL, &found), 0);
	for (size_t i = 0; i < found.gl_pathc; i++)
		test(found.gl_pathv[i]);
	globfree(&found);
	T_OK(folder, chdir(home) == 0);
	free(home);
}

const char *
report_files_expected(struct arena *a, const char *path)
{
	struct source *source;
	struct buf text = {0};
	const char *copy;
	struct span rest, line;
	struct err err;

	if (source_read(a, path, &source, &err) < 0)
		return arena_strdup(a, err.text);
	for (rest = source->text; rest.len > 0 && rest.p[0] == '#'; ) {
		line = span_until(&rest, '\n');
		buf_put(&text, line.p + 2, line.len > 2 ? line.len - 2 : 0);
		buf_puts(&text, "\n");
	}
	copy = arena_copy(a, buf_text(&text));
	buf_free(&text);
	return copy;
}
