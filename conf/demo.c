#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/buf.h"
#include "conf/conf.h"
#include "conf/value.h"

/*
 * A gateway for trying out: needs no privilege, no network beyond loopback
 * and no file but those in its folder.
 */
static const char *const folders[] = { "", "/spool", "/Maildir",
    "/Maildir/tmp", "/Maildir/new", "/Maildir/cur" };

static const char *
make_folders(struct arena *a, const char *dir)
{
	for (size_t i = 0; i < sizeof(folders) / sizeof(*folders); i++) {
		const char *path = arena_printf(a, "%s%s", dir, folders[i]);

		if (mkdir(path, 0700) < 0 && errno != EEXIST)
			return arena_printf(a, "cannot make the folder %s: "
			    "%s\n", path, strerror(errno));
	}
	return NULL;
}

static void
put_path(struct buf *out, const char *before, const char *dir,
    const char *path)
{
	struct buf text = {0};

	buf_puts(&text, before);
	buf_puts(&text, dir);
	buf_puts(&text, path);
	buf_put(&text, "", 1);
	value_put_string(out, text.p);
	buf_puts(out, "\n");
	buf_free(&text);
}

struct settings *
conf_demo(struct arena *a, const char *dir, const char **report)
{
	struct settings *settings;
	struct buf text = {0};
	char *real;

	*report = make_folders(a, dir);
	if (*report != NULL)
		return NULL;
	real = realpath(dir, NULL);
	if (real == NULL) {
		*report = arena_printf(a, "cannot find the folder %s: %s\n",
		    dir, strerror(errno));
		return NULL;
	}
	buf_puts(&text, "hostname \"forepost.test\"\ncontrol ");
	put_path(&text, "", real, "/control");
	buf_puts(&text, "spool ");
	put_path(&text, "", real, "/spool");
	buf_puts(&text, "store {\n\taddress ");
	put_path(&text, "lmdb:", real, "/store");
	buf_puts(&text, "}\nstats { address 127.0.0.1:9925 }\n");
	buf_puts(&text, "listener demo { address 127.0.0.1:2525 }\n"
	    "backend maildir {\n\taddress ");
	put_path(&text, "maildir:", real, "/Maildir");
	buf_puts(&text, "}\n"
	    "route { domains \".test\" \"localhost\"  backend maildir }\n");
	free(real);
	settings = conf_load_text(a, "(demo)", buf_text(&text), true, report);
	buf_free(&text);
	return settings;
}
