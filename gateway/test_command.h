#ifndef GATEWAY_TEST_COMMAND_H
#define GATEWAY_TEST_COMMAND_H
#include <stdbool.h>
#include <stddef.h>
/*
 * test_command -- `forepost test`: do the rules decide as they should?
 *
 * Runs the tests of each file (policy/rule_test.h) over the rules that it
 * belongs to: those named by --rules; else, if a configuration is named,
 * those of it; else those beside the file, x.rules for x.test. Backends and
 * DNS lists are those of the configuration. Its mode does not matter: rules
 * are tested as they act. Needs no network and no running gateway. Failures,
 * with the trace of the rules, and a line with the numbers go to the standard
 * output; what is wrong in the files goes to the standard error.
 *
 * As JSON the standard output has an object for each test, one a line:
 *	{"file": "in.test", "line": 6, "name": "SPF is enough", "passed":
 *	false, "why": ["  in.test:8: expected mail reject 550", ...]}
 *
 * Returns   EXIT_GOOD if all tests passed; EXIT_CONFIG if one did not or a
 *           file is wrong; EXIT_USAGE if it cannot be told which rules are
 *           meant.
 */
struct test_request {
	const char		*config;	/* NULL: none is named */
	const char		*rules;		/* NULL: as above */
	const char *const	*files;
	size_t			 nfiles;
	bool			 json;
};

int	test_command_run(const struct test_request *request);
#endif
