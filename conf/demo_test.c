#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "conf/conf.h"
#include "tests/kit/t.h"

static char folder[] = "/tmp/demo_test.XXXXXX";

static bool
has_folder(const char *dir, const char *name)
{
	char path[256];
	struct stat st;

	snprintf(path, sizeof(path), "%s%s", dir, name);
	return stat(path, &st) == 0 && S_ISDIR(st.st_mode) &&
	    (st.st_mode & 077) == 0;
}

static void
remove_demo(const char *dir)
{
	static const char *const made[] = { "/Maildir/cur", "/Maildir/new",
	    "/Maildir/tmp", "/Maildir", "/spool", "" };
	char path[256];

	for (size_t i = 0; i < sizeof(made) / sizeof(*made); i++) {
		snprintf(path, sizeof(path), "%s%s", dir, made[i]);
		T_INT("nothing else was made", rmdir(path), 0);
	}
}

static void
test_demo(const char *dir, const char *name)
{
	struct arena *a = arena_create("demo test");
	const char *report;
	struct settings *s = conf_demo(a, dir, &report);
	char want[256];

	T_STR(name, report, "");
	T_OK(name, s != NULL);
	if (s != NULL) {
		T_STR("no file", s->path, NULL);
		T_STR("nobody else", s->user, NULL);
		T_STR("where it listens",
		    s->listeners[0].address_text.list[0], "127.0.0.1:2525");
		snprintf(want, sizeof(want), "%s/%s/Maildir", folder, name);
		T_STR("where mail goes", s->backends[0].urls[0].path, want);
		snprintf(want, sizeof(want), "%s/%s/control", folder, name);
		T_STR("control socket", s->control, want);
		snprintf(want, sizeof(want), "%s/%s/spool", folder, name);
		T_STR("spool", s->spool, want);
		snprintf(want, sizeof(want), "%s/%s/store", folder, name);
		T_STR("its store", s->store.path, want);
		T_INT("in LMDB", s->store.kind, STORE_LMDB);
		T_STR("domains", s->routes[0].domains.list[0], ".test");
		T_STR("localhost", s->routes[0].domains.list[1], "localhost");
		T_INT("to the Maildir", s->routes[0].backend, 0);
	}
	T_OK("its folder", has_folder(dir, ""));
	T_OK("its spool", has_folder(dir, "/spool"));
	T_OK("its Maildir", has_folder(dir, "/Maildir/new"));
	conf_free(&s);
	arena_destroy(&a);
}

int
main(void)
{
	struct arena *a = arena_create("demo test");
	const char *report;

	if (mkdtemp(folder) == NULL || chdir(folder) != 0)
		abort();
	test_demo("try", "try");
	test_demo("try", "try");
	remove_demo("try");
	test_demo("a \"b\" \\c", "a \"b\" \\c");
	remove_demo("a \"b\" \\c");
	T_OK("a folder that cannot be made",
	    conf_demo(a, "missing/try", &report) == NULL);
	T_STR("a folder that cannot be made", report, "cannot make the folder "
	    "missing/try: No such file or directory\n");
	T_INT("clean up", rmdir(folder), 0);
	arena_destroy(&a);
	return t_done();
}
