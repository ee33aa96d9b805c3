#include <string.h>

#include "gateway/page.h"
#include "tests/kit/t.h"

static const struct {
	const char *name, *path, *type;
} cases[] = {
	{ "the page", "/", "text/html; charset=utf-8" },
	{ "its style", "/page.css", "text/css; charset=utf-8" },
	{ "its scripts", "/page.js", "text/javascript; charset=utf-8" },
	{ "no file", "/page.html", NULL },
	{ "a path that goes on", "/page.css/", NULL },
	{ "another case", "/PAGE.CSS", NULL },
	{ "no path", "", NULL },
};

#define PAGE_MAX	(100 * 1000)	/* all of it, as it is promised */

static bool
holds(const struct page *file, const char *text)
{
	return memmem(file->bytes, file->len, text, strlen(text)) != NULL;
}

int
main(void)
{
	const struct page *index = page_find(span_z("/"));
	size_t sum = 0;

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		const struct page *file = page_find(span_z(cases[i].path));

		T_STR(cases[i].name, file != NULL ? file->type : NULL,
		    cases[i].type);
	}
	for (size_t i = 0; i < page_nfiles; i++)
		sum += page_files[i].len;
	T_OK("small", sum < PAGE_MAX);
	T_OK("whole", holds(index, "<!doctype html>") &&
	    holds(index, "</html>"));
	T_OK("style asked for", holds(index, "href=\"/page.css\""));
	T_OK("scripts asked for", holds(index, "src=\"/page.js\""));
	T_OK("no inline style", !holds(index, "style="));
	T_OK("no text taken for HTML",
	    !holds(page_find(span_z("/page.js")), "HTML"));
	return t_done();
}
