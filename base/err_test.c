#include <errno.h>
#include <string.h>

#include "base/err.h"
#include "tests/kit/t.h"

static const struct {
	enum err_kind kind;
	const char *name;
} kinds[] = {
	{ ERR_SYNTAX, "syntax" },
	{ ERR_TIMEOUT, "timeout" },
	{ ERR_CLOSED, "closed" },
	{ ERR_UNAVAIL, "unavailable" },
	{ ERR_CONFIG, "configuration" },
	{ 0, "none" },
};

static void
test_text(void)
{
	struct err err;

	T_INT("err_set returns -1",
	    err_set(&err, ERR_TIMEOUT, "no answer in %d s", 5), -1);
	T_INT("kind is kept", err.kind, ERR_TIMEOUT);
	T_STR("text is formatted", err.text, "no answer in 5 s");
	T_INT("err_prefix returns -1",
	    err_prefix(&err, "backend %s", "inside"), -1);
	T_STR("prefix stands in front", err.text,
	    "backend inside: no answer in 5 s");
	T_INT("prefix leaves the kind", err.kind, ERR_TIMEOUT);

	err_set(&err, ERR_SYNTAX, "<%s>", err.text);
	T_STR("its own text as an argument", err.text,
	    "<backend inside: no answer in 5 s>");
	err_set(&err, ERR_SYNTAX, "reply \"%s\"", "250 ok\r\n221\t\x7f\xc3\xa9");
	T_STR("control characters do not survive", err.text,
	    "reply \"250 ok??221??\xc3\xa9\"");
	err_set(&err, ERR_SYNTAX, "ok");
	err_prefix(&err, "a\nb");
	T_STR("nor in a prefix", err.text, "a?b: ok");
}

static void
test_length(void)
{
	char long_text[600];
	struct err err;

	memset(long_text, 'x', sizeof(long_text) - 1);
	long_text[sizeof(long_text) - 1] = '\0';

	err_set(&err, ERR_SYNTAX, "%.239s", long_text);
	T_INT("the longest text that fits", strlen(err.text), 239);
	T_OK("is not cut", strchr(err.text, '.') == NULL);
	err_set(&err, ERR_SYNTAX, "%.240s", long_text);
	T_INT("a text that does not fit is cut", strlen(err.text), 239);
	T_STR("and ends in dots", err.text + 235, "x...");
	err_set(&err, ERR_SYNTAX, "%s", long_text);
	T_STR("a very long text too", err.text + 235, "x...");
	err_prefix(&err, "here");
	T_INT("a prefix to a full text", strlen(err.text), 239);
	T_OK("keeps the prefix", strncmp(err.text, "here: xxx", 9) == 0);
	T_STR("and marks the cut", err.text + 235, "x...");
	err_prefix(&err, "%s", long_text);
	T_INT("a prefix that is too long itself", strlen(err.text), 239);
}

static void
test_errno(void)
{
	struct err err;

	errno = ENOSPC;
	err_set(&err, ERR_UNAVAIL, "%s", strerror(errno));
	err_prefix(&err, "spool");
	T_INT("errno is left as it was", errno, ENOSPC);
}

int
main(void)
{
	size_t i;

	for (i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
		T_STR("name of a kind", err_kind_name(kinds[i].kind),
		    kinds[i].name);
	test_text();
	test_length();
	test_errno();
	return t_done();
}
