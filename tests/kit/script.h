#ifndef TESTS_KIT_SCRIPT_H
#define TESTS_KIT_SCRIPT_H
#include <stdbool.h>
#include <stddef.h>
#include "base/arena.h"
#include "base/err.h"
#include "base/span.h"
/*
 * script -- a session written down: tests/smtp/README tells the language
 *
 * A file of lines "key: words"; a line that begins with white space goes on
 * with the one before. Words are bare or "quoted" (\r \n \t \0 \xHH \" \\).
 */
struct word {
	struct span	 text;
	bool		 is_quoted;
};
struct script_line {
	const char	*key;
	unsigned	 number;
	struct span	 rest;		/* as written */
	struct word	*words;
	size_t		 n;
};
struct script {
	const char	*path;
	struct script_line *lines;
	size_t		 n;
};

/* Everything lives in the arena. NULL: err says where. */
struct script	*script_read(struct arena *a, const char *path,
		    struct err *err);
bool		 word_is(const struct word *w, const char *text); /* bare */
#endif
