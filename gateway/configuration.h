#ifndef GATEWAY_CONFIGURATION_H
#define GATEWAY_CONFIGURATION_H
#include <stdbool.h>
#include "base/arena.h"
#include "conf/settings.h"
#include "gateway/ruleset.h"
/*
 * configuration -- forepost.conf and the rules that it names, read as one
 *
 * All errors of both are reported, those of the configuration first. Where it
 * has errors the rules are looked at all the same, as far as they can be.
 *
 * Memory    the settings and the rules are one arena, conf_free() ends both;
 *           the report lives in `a`.
 */
struct configuration {
	struct settings		*settings;
	const struct ruleset	*rules;
	const char		*report;	/* errors and warnings; "": none */
};

/* 0, or -1: there are errors, and neither settings nor rules. `demo` is the
 * folder of a demo, or NULL for the file `path`. With `is_check` the report
 * has the warnings of ruleset_check() too, and files with a secret are read. */
int	configuration_read(struct arena *a, const char *path,
	    const char *demo, bool is_check, struct configuration *c);
#endif
